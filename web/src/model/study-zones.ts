import type { BarSeries } from "../data/bar-series";
import type { StudySeries } from "../data/study-series";
import type { StudyOutput } from "../protocol/messages";

/** Zones of one output, as columns: bars from `begin` to `end` (infinite while it stands), rows from `low` to `high`. */
export interface ZoneList {
  readonly count: number;
  readonly begin: Float64Array;
  readonly end: Float64Array;
  readonly low: Float64Array;
  readonly high: Float64Array;
  /** Above zero support, below zero resistance, zero neither. */
  readonly side: Int8Array;
  /** Each is one price or row, and no area. */
  readonly isLevel: boolean;
}

interface Kept {
  readonly version: number;
  readonly first: number;
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
    const isFresh = kept?.version === study.version && kept.series === series && kept.first === series.first;
    if (kept !== undefined && isFresh) return kept.list;
    const list = livesOf(study, output, series, this.#ticksPerLevel);
    this.#kept.set(study, byName.set(output.name, { version: study.version, first: series.first, series, list }));
    return list;
  }
}

const empty: ZoneList = {
  count: 0,
  begin: new Float64Array(0),
  end: new Float64Array(0),
  low: new Float64Array(0),
  high: new Float64Array(0),
  side: new Int8Array(0),
  isLevel: true,
};

/** One row a zone, by the columns that its output's `life` names. */
export function livesOf(study: StudySeries, output: StudyOutput, series: BarSeries, ticksPerLevel: number): ZoneList {
  const { events } = study;
  const { life } = output;
  if (life == null || series.length === 0) return empty;
  const edges = edgesOf(output, ticksPerLevel);
  const list = {
    begin: new Float64Array(events.length),
    end: new Float64Array(events.length),
    low: new Float64Array(events.length),
    high: new Float64Array(events.length),
    side: new Int8Array(events.length),
  };
  const rows = new Map<string, number>();
  for (let k = 0; k < events.length; k += 1) {
    const key = life.key.map((name) => String(events.time(name, k) ?? events.number(name, k))).join("/");
    const row = rows.get(key) ?? rows.size;
    const bar = barOf(series, events.time("open_ns", k));
    if (row === rows.size) {
      rows.set(key, row);
      list.begin[row] = life.since === "" ? bar : barOf(series, events.time(life.since, k));
      list.end[row] = Number.POSITIVE_INFINITY;
      list.low[row] = (events.number(edges.lower, k) + edges.lowPart) / edges.perRow;
      list.high[row] = (events.number(edges.upper, k) + edges.highPart) / edges.perRow;
      list.side[row] = life.side === "" ? 0 : Math.sign(events.number(life.side, k));
    }
    if (life.ended.includes(events.number(life.ends, k))) list.end[row] = bar;
  }
  return { count: rows.size, ...list, isLevel: edges.isLevel };
}

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
