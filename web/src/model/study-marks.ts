import type { BarSeries } from "../data/bar-series";
import type { StudySeries } from "../data/study-series";
import type { StudyOutput } from "../protocol/messages";
import type { BarIndex } from "../protocol/units";

/** One event of a study on the chart: points in time and price, joined where there are two. */
export interface Mark {
  /** Bars, and rows or ticks as the output says; NaN: at the bar's high or low. */
  readonly points: readonly { readonly index: number; readonly value: number }[];
  readonly side: -1 | 0 | 1;
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
      marks.push({ points, side: sided === undefined ? 0 : signOf(events.number(sided.columns[0] ?? "", k)) });
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
