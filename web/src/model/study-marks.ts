import type { BarSeries } from "../data/bar-series";
import type { StudySeries } from "../data/study-series";
import type { StudyOutput } from "../protocol/messages";
import type { BarIndex } from "../protocol/units";
import type { ChartModel } from "./chart-model";

/** One event of a study on the chart: points in time and price, joined where there are two. */
export interface Mark {
  /** Bars, and rows or ticks as the output says; NaN: at the bar's high or low. */
  readonly points: readonly { readonly index: number; readonly value: number }[];
  readonly side: -1 | 0 | 1;
  /** Which event of the study it is. */
  readonly event: number;
}

/** A mark on the screen, device pixels. */
export interface PlacedMark {
  readonly mark: Mark;
  readonly study: StudySeries;
  readonly points: readonly { readonly x: number; readonly y: number }[];
  /** Where its sign begins: a little off its price. */
  readonly tip: { readonly x: number; readonly y: number };
  readonly size: number;
}

const sizeCss = { least: 4, most: 7, away: 4 } as const;

/** The marks of a study that can be seen. */
export function placedMarks(
  model: ChartModel,
  study: StudySeries,
  shown: readonly StudyOutput[],
): readonly PlacedMark[] {
  const { from, to } = model.visibleBars();
  if (to < from) return [];
  const { time, dpr } = model;
  const priced = shown.find(({ unit }) => unit === "tick" || unit === "row") ?? null;
  const size = Math.min(sizeCss.most, Math.max(sizeCss.least, (time.bar / dpr) * 0.3)) * dpr;
  return marksOf(study, shown, model.series, from, to).map((mark) => {
    const points = mark.points.map(({ index, value }) => ({
      x: time.x(index) + time.bar / 2,
      y: yOf(model, index as BarIndex, value, priced, mark.side),
    }));
    const { x, y } = points.at(-1) as (typeof points)[number];
    return { mark, study, points, tip: { x, y: y + mark.side * sizeCss.away * dpr }, size };
  });
}

function yOf(
  { price, series }: ChartModel,
  index: BarIndex,
  value: number,
  priced: StudyOutput | null,
  side: number,
): number {
  if (priced !== null && !Number.isNaN(value))
    return priced.unit === "tick" ? price.yOfPrice(value) : price.y(value + 0.5);
  return price.yOfPrice(series.number(side < 0 ? "high_tick" : "low_tick", index));
}

/** The mark under a place; of several the one that is drawn last. */
export function markAt(placed: readonly PlacedMark[], x: number, y: number): PlacedMark | null {
  const found = placed.findLast(
    ({ tip, mark, size }) => Math.hypot(tip.x - x, tip.y + mark.side * size - y) <= 1.6 * size,
  );
  return found ?? null;
}

/** How far behind what is in sight an event may be known that stands there. */
const knownLater = 200;

/** The markers of a study that stand at bars `from` to `to`, as its outputs describe them. */
export function marksOf(
  study: StudySeries,
  shown: readonly StudyOutput[],
  series: BarSeries,
  from: number,
  to: number,
): readonly Mark[] {
  const { events } = study;
  const priced = shown.find(({ unit }) => unit === "tick" || unit === "row");
  const sided = study.spec.outputs.find(({ kind, unit }) => kind === "marker" && unit === "side");
  const count = priced?.columns.length ?? 1;
  const timed = study.spec.outputs.find(
    ({ kind, unit, columns }) => kind === "marker" && unit === "ns" && columns.length === count,
  );
  const marks: Mark[] = [];
  const [begin, end] = [
    series.openNs(from as BarIndex),
    series.openNs(Math.min(series.last, to + knownLater) as BarIndex),
  ];
  for (let k = firstAt(study, begin); k < events.length; k += 1) {
    const known = events.time("open_ns", k);
    if (known === null || known > end) break;
    const at = series.at(known);
    if (at === null) continue;
    const points = Array.from({ length: count }, (_none, c) => {
      const opens = timed === undefined ? null : events.time(timed.columns[c] ?? "", k);
      const index = opens === null ? at : (series.at(opens) ?? at);
      return { index, value: priced === undefined ? Number.NaN : events.number(priced.columns[c] ?? "", k) };
    });
    if (points.some(({ index }) => index <= to) && points.some(({ index }) => index >= from))
      marks.push({
        points,
        side: sided === undefined ? 0 : signOf(events.number(sided.columns[0] ?? "", k)),
        event: k,
      });
  }
  return marks;
}

const signOf = (value: number): -1 | 0 | 1 => (value > 0 ? 1 : value < 0 ? -1 : 0);

// The first event that is known at a time or later.
function firstAt({ events }: StudySeries, fromNs: bigint): number {
  let [low, high] = [0, events.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((events.time("open_ns", middle) as bigint) < fromNs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Which sides the flag of a level marks: that of each of its bits, or its sign. */
export function flagSides(
  { bits = [] }: StudyOutput,
  value: number,
): { readonly buy: boolean; readonly sell: boolean } {
  if (Number.isNaN(value) || value === 0) return { buy: false, sell: false };
  if (bits.length === 0) return { buy: value > 0, sell: value < 0 };
  const isSet = (side: number): boolean => bits.some((one, k) => one === side && (value & (1 << k)) !== 0);
  return { buy: isSet(1), sell: isSet(-1) };
}
