import type { BarSeries } from "../data/bar-series";
import type { StudyTable } from "../data/study-columns";
import type { StudySeries } from "../data/study-series";
import type { StudyOutput } from "../protocol/messages";
import type { BarIndex } from "../protocol/units";

/** Zones of one output, as columns: bars from `begin` to `end` (infinite while it stands), rows from `low` to `high`. */
export interface ZoneList {
  readonly count: number;
  readonly begin: Float64Array;
  readonly end: Float64Array;
  readonly low: Float64Array;
  readonly high: Float64Array;
  /** Above zero support, below zero resistance, zero neither. */
  readonly side: Int8Array;
  /** The event that it began with, as far as is known. */
  readonly born: Int32Array;
  /** Whether more was told of it than its beginning and its end. */
  readonly isTouched: Uint8Array;
  /** Each is one price or row, and no area. */
  readonly isLevel: boolean;
}

interface Kept {
  readonly key: string;
  readonly series: BarSeries;
  readonly list: ZoneList;
}

/** The lives of zones, put together from their events, and kept until the study says more. */
export class Zones {
  readonly #kept = new WeakMap<StudySeries, Map<string, Kept>>();
  #series: BarSeries | null = null;
  #ticksPerLevel = 1;

  /** The chart's bars, and the height of their rows. */
  join(series: BarSeries, ticksPerLevel: number): void {
    this.#series = series;
    this.#ticksPerLevel = ticksPerLevel;
  }

  of(study: StudySeries, output: StudyOutput): ZoneList {
    const series = this.#series;
    if (series === null) return empty;
    const byName = this.#kept.get(study) ?? new Map<string, Kept>();
    const kept = byName.get(output.name);
    const key = `${study.finals} ${series.first} ${finalEnd(series)}`;
    if (kept?.key === key && kept.series === series) return kept.list;
    const list = livesOf(study, output, series, this.#ticksPerLevel);
    this.#kept.set(study, byName.set(output.name, { key, series, list }));
    return list;
  }
}

// Behind the last final bar.
function finalEnd(series: BarSeries): number {
  let end: number = series.end;
  while (end > series.first && !series.isFinal((end - 1) as BarIndex)) end -= 1;
  return end;
}

/**
 * One row a zone, by the columns that its output's `life` names. Only final bars count: nothing that is drawn is taken
 * back.
 */
export function livesOf(study: StudySeries, output: StudyOutput, series: BarSeries, ticksPerLevel: number): ZoneList {
  const { events } = study;
  const { life } = output;
  if (life == null || series.length === 0) return empty;
  const edges = edgesOf(output, ticksPerLevel);
  const list = roomFor(events.length);
  const finalFrom = finalEnd(series);
  const rows = new Map<string, number>();
  for (let k = 0; k < events.length; k += 1) {
    const bar = barOf(series, events.time("open_ns", k));
    if (bar >= finalFrom) continue;
    const key = keyOf(events, life, k);
    const row = rows.get(key) ?? rows.size;
    if (row === rows.size) {
      rows.set(key, row);
      list.begin[row] = life.since === "" ? bar : barOf(series, events.time(life.since, k));
      begin(list, row, events, k, life, edges);
    }
    if (life.ended.includes(events.number(life.ends, k))) list.end[row] = bar;
    else if (list.born[row] !== k) list.isTouched[row] = 1;
  }
  return { count: rows.size, ...list, isLevel: edges.isLevel };
}

const keyOf = (events: StudyTable, { key }: Life, k: number): string =>
  key.map((name) => String(events.time(name, k) ?? events.number(name, k))).join("/");

type Columns = Omit<ZoneList, "count" | "isLevel">;

const roomFor = (count: number): Columns => ({
  begin: new Float64Array(count),
  end: new Float64Array(count),
  low: new Float64Array(count),
  high: new Float64Array(count),
  side: new Int8Array(count),
  born: new Int32Array(count),
  isTouched: new Uint8Array(count),
});

const empty: ZoneList = { count: 0, ...roomFor(0), isLevel: true };

function begin(list: Columns, row: number, events: StudyTable, k: number, { side }: Life, edges: Edges): void {
  list.born[row] = k;
  list.end[row] = Number.POSITIVE_INFINITY;
  list.low[row] = (events.number(edges.lower, k) + edges.lowPart) / edges.perRow;
  list.high[row] = (events.number(edges.upper, k) + edges.highPart) / edges.perRow;
  if (side !== "") list.side[row] = Math.sign(events.number(side, k));
}

type Life = NonNullable<StudyOutput["life"]>;

interface Edges {
  readonly lower: string;
  readonly upper: string;
  readonly perRow: number;
  readonly lowPart: number;
  readonly highPart: number;
  readonly isLevel: boolean;
}

// An edge of a zone in ticks lies at the tick's low edge; a single price in the middle of its tick or row.
function edgesOf(output: StudyOutput, ticksPerLevel: number): Edges {
  const [lower, upper] = output.columns;
  const isTick = output.unit === "tick";
  const isLevel = upper === undefined;
  return {
    lower: lower ?? "",
    upper: upper ?? lower ?? "",
    perRow: isTick ? ticksPerLevel : 1,
    lowPart: 0,
    highPart: isLevel || !isTick ? 1 : 0,
    isLevel,
  };
}

const barOf = (series: BarSeries, openNs: bigint | null): number =>
  openNs === null ? series.first : (series.at(openNs) ?? series.first);
