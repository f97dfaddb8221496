import type { StudySpec } from "../protocol/messages";
import type { StudyFrame, StudyPart } from "../protocol/studies";
import type { BarIndex } from "../protocol/units";
import type { BarSeries } from "./bar-series";
import { StudyTable } from "./study-columns";

/** A unit such as 0.0002: `mantissa * 10^-decimals`. */
interface Step {
  readonly mantissa: number;
  readonly decimals: number;
}

/** What one study says of the bars of a chart, joined to them by the times of their open. */
export class StudySeries {
  readonly spec: StudySpec;
  readonly bars = new StudyTable();
  readonly events = new StudyTable();
  /** Grows with each change, and where more than the open bar has changed. */
  version = 0;
  finals = 0;
  /** What is said of levels, a bar each, in the order of `bars`. */
  #cells: (CellsOf | null)[] = [];
  #series: BarSeries | null = null;
  #base: number | null = null;
  readonly #steps: ReadonlyMap<string, Step>;

  constructor(spec: StudySpec) {
    this.spec = spec;
    this.#steps = stepsOf(spec);
  }

  /** Decimals of a column that counts units of its own; null where it is on the chart's grid. */
  decimals(column: string): number | null {
    return this.#steps.get(column)?.decimals ?? null;
  }

  /** When its first bar opens; null without bars. */
  get firstNs(): bigint | null {
    return this.bars.time("open_ns", 0);
  }

  /** Take what a frame says; a snapshot is the whole truth from its first bar on. */
  merge(frame: StudyFrame, part: StudyPart): void {
    const [first, last] = [frame.openNs[0], frame.openNs.at(-1)];
    if (first === undefined || last === undefined) return;
    const isSnapshot = frame.kind === "studies";
    if (frame.kind !== "studies_open") this.finals += 1;
    this.#put(frame, part, first, isSnapshot ? null : last);
  }

  /** Put older bars in front; what is held already is left out. Returns how many came. */
  prepend(frame: StudyFrame, part: StudyPart): number {
    const first = this.firstNs;
    let count = frame.openNs.length;
    while (first !== null && count > 0 && (frame.openNs[count - 1] as bigint) >= first) count -= 1;
    if (count > 0) {
      const [from, to] = [frame.openNs[0] as bigint, frame.openNs[count - 1] as bigint];
      this.finals += 1;
      this.#put(shortened(frame, count), cut(part, frame, count), from, to);
    }
    return count;
  }

  /** The row of a bar; -1 where nothing is said of it. */
  row(index: number): number {
    const series = this.#series;
    if (series === null || !series.has(index)) return -1;
    if (this.#base !== null) {
      const row = index - this.#base;
      return row >= 0 && row < this.bars.length ? row : -1;
    }
    const opens = series.openNs(index as BarIndex);
    const row = lowerBound(this.bars, opens);
    return this.bars.time("open_ns", row) === opens ? row : -1;
  }

  value(name: string, index: number): number {
    return this.bars.number(name, this.row(index));
  }

  /** What is said of the traded levels of a bar, the lowest first; null where nothing is. */
  cells(name: string, index: number): Float64Array | null {
    const held = this.#cells[this.row(index)];
    const column = held?.columns[name];
    return held != null && column instanceof Float64Array ? column.subarray(held.from, held.to) : null;
  }

  time(name: string, index: number): bigint | null {
    return this.bars.time(name, this.row(index));
  }

  /** Its bars are nearly always the chart's own, one for one: then a row is found by counting. */
  align(series: BarSeries): void {
    this.#series = series;
    this.#base = null;
    const first = this.firstNs;
    if (first === null || series.length === 0) return;
    const base = series.lowerBound(first);
    const last = Math.min(base + this.bars.length - 1, series.last) as BarIndex;
    const isWhole = last >= base && series.openNs(base) === first;
    if (isWhole && this.bars.time("open_ns", last - base) === series.openNs(last)) this.#base = base;
  }

  // Counts become numbers: they are drawn, and written with as many decimals as the unit has.
  #scaled(bars: StudyPart["bars"]): StudyPart["bars"] {
    if (this.#steps.size === 0) return bars;
    const scaled = Object.entries(bars).map(([name, column]) => {
      const step = this.#steps.get(name);
      if (step === undefined || !(column instanceof Float64Array)) return [name, column] as const;
      return [name, column.map((count) => (count * step.mantissa) / 10 ** step.decimals)] as const;
    });
    return Object.fromEntries(scaled);
  }

  #put(frame: StudyFrame, part: StudyPart, first: bigint, last: bigint | null): void {
    const [from, to] = [
      lowerBound(this.bars, first),
      last === null ? this.bars.length : lowerBound(this.bars, last + 1n),
    ];
    this.bars.splice(from, to, { open_ns: frame.openNs, ...this.#scaled(part.bars) }, frame.openNs.length);
    this.#cells.splice(from, to - from, ...cellsOf(frame, part));
    const [begin, end] = [
      lowerBound(this.events, first),
      last === null ? this.events.length : lowerBound(this.events, last + 1n),
    ];
    this.events.splice(begin, end, { open_ns: eventTimes(frame, part), ...part.events }, part.eventCount);
    this.version += 1;
    if (this.#series !== null) this.align(this.#series);
  }
}

// Which columns count units of the study's own, and what these are worth.
function stepsOf({ outputs, steps }: StudySpec): ReadonlyMap<string, Step> {
  const found = new Map<string, Step>();
  for (const { unit, columns } of outputs) {
    const text = steps?.[unit];
    if (text === undefined) continue;
    const decimals = text.split(".")[1]?.length ?? 0;
    for (const column of columns) found.set(column, { mantissa: Number(text.replace(".", "")), decimals });
  }
  return found;
}

interface CellsOf {
  readonly columns: StudyPart["cells"];
  readonly from: number;
  readonly to: number;
}

function cellsOf(frame: StudyFrame, part: StudyPart): (CellsOf | null)[] {
  const isSaid = Object.keys(part.cells).length > 0;
  return Array.from(frame.openNs, (_opens, k) => {
    const [from, to] = [frame.levelStart[k], frame.levelStart[k + 1]];
    return isSaid && from !== undefined && to !== undefined ? { columns: part.cells, from, to } : null;
  });
}

function eventTimes(frame: StudyFrame, part: StudyPart): BigInt64Array {
  const at = part.events["bar"];
  const times = new BigInt64Array(part.eventCount);
  if (at instanceof Float64Array)
    for (let k = 0; k < times.length; k += 1) times[k] = frame.openNs[at[k] as number] ?? 0n;
  return times;
}

const shortened = (frame: StudyFrame, count: number): StudyFrame => ({
  ...frame,
  openNs: frame.openNs.subarray(0, count),
});

// The first bars of a part, with their events.
function cut(part: StudyPart, frame: StudyFrame, count: number): StudyPart {
  if (count === frame.openNs.length) return part;
  const at = part.events["bar"];
  let events = part.eventCount;
  if (at instanceof Float64Array) while (events > 0 && (at[events - 1] as number) >= count) events -= 1;
  const take = (columns: StudyPart["bars"], rows: number): StudyPart["bars"] =>
    Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, column.slice(0, rows)]));
  return { ...part, bars: take(part.bars, count), events: take(part.events, events), eventCount: events };
}

/** The first row whose bar opens at or after a time. */
function lowerBound(table: StudyTable, openNs: bigint): number {
  let [low, high] = [0, table.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((table.time("open_ns", middle) as bigint) < openNs) low = middle + 1;
    else high = middle;
  }
  return low;
}
