import type { BarColumns, Frame, LevelColumns } from "../protocol/decode";
import { BAR_COLUMNS, BAR_FLAGS, ITEM_BYTES } from "../protocol/layout.generated";
import type { BarIndex, Lot, PriceTick } from "../protocol/units";
import { joinLevels } from "./joined-levels";

/** The bar columns of a series: those of the wire without `level_start`, which makes sense within one frame only. */
export type SeriesColumns = Omit<BarColumns, "level_start">;
type ColumnName = keyof SeriesColumns;

const columnNames = BAR_COLUMNS.map(([name]) => name).filter((name): name is ColumnName => name !== "level_start");

/** The traded levels of one bar: `from` up to, without, `to` in `columns`. */
export interface BarLevels {
  readonly columns: LevelColumns;
  readonly from: number;
  readonly to: number;
  /** How many rows the sides that imbalances compare stand apart: 1 diagonally, 0 in one row. */
  readonly apart: 0 | 1;
}

/** Gives levels `from` up to, without, `to` other marks than those they came with; `minVol` is their bar's, lots. */
export type LevelMarker = (columns: LevelColumns, from: number, to: number, minVol: number) => LevelColumns;

/** So many bars of the live edge get columns together once they are old: one by one each takes a kilobyte of views alone. */
const joinedBars = 64;

/** What a change did, for whoever draws: indices are stable unless `renumbered`. */
export interface SeriesChange {
  /** Only the last bar changed, and no bar was added. */
  readonly lastOnly: boolean;
  /** New bars stand at the end. */
  readonly appended: number;
  /** All that was known was thrown away, or bars after some point have other numbers. */
  readonly renumbered: boolean;
  /** A bar before the newest two has changed: trades came late. */
  readonly revised?: boolean;
}

function allocate(capacity: number): SeriesColumns {
  const columns: Partial<Record<ColumnName, SeriesColumns[ColumnName]>> = {};
  for (const [name, kind] of BAR_COLUMNS) {
    if (name === "level_start") continue;
    const bytes = new ArrayBuffer(capacity * ITEM_BYTES[kind]);
    if (kind === "i64") columns[name] = new BigInt64Array(bytes);
    else if (kind === "f64") columns[name] = new Float64Array(bytes);
    else if (kind === "i32") columns[name] = new Int32Array(bytes);
    else columns[name] = new Uint32Array(bytes);
  }
  return columns as unknown as SeriesColumns;
}

// One column's type at a time is more than the compiler can follow through a loop over their names.
interface AnyColumn {
  set(source: AnyColumn, at: number): void;
  subarray(from: number, to: number): AnyColumn;
}
const anyColumn = (columns: SeriesColumns | BarColumns, name: ColumnName): AnyColumn =>
  columns[name] as unknown as AnyColumn;

/**
 * The bars of one topic, ascending in time, as growing columns; the cells stay where the wire put them.
 *
 * A bar has a stable index: the first snapshot's first bar is 0, what is appended counts up, history that is loaded later
 * counts down below zero. So nothing that remembers an index is wrong after more history has come.
 * A column's entry of bar `i` is at `i + series.shift`.
 */
export class BarSeries {
  columns: SeriesColumns = allocate(64);
  /** Null: cells are marked as they came. */
  marker: LevelMarker | null = null;
  /** How many rows the sides that imbalances compare stand apart. */
  apart: 0 | 1 = 1;
  #levels: (LevelColumns | undefined)[] = new Array<LevelColumns | undefined>(64);
  #levelFrom = new Uint32Array(64);
  #levelTo = new Uint32Array(64);
  #version = new Uint32Array(64);
  #capacity = 64;
  #head = 0;
  #length = 0;
  #first = 0;
  #lastVersion = 0;
  /** How many of the newest bars came one by one and stand in the frames that they came with. */
  #loose = 0;

  get first(): BarIndex {
    return this.#first as BarIndex;
  }

  /** One after the last bar. */
  get end(): BarIndex {
    return (this.#first + this.#length) as BarIndex;
  }

  get last(): BarIndex {
    return (this.#first + this.#length - 1) as BarIndex;
  }

  get length(): number {
    return this.#length;
  }

  /** Add it to a bar's index to get its place in the columns. */
  get shift(): number {
    return this.#head - this.#first;
  }

  has(index: number): index is BarIndex {
    return index >= this.#first && index < this.end;
  }

  /** Grows with each change of the bar: what was drawn from an older version is out of date. */
  version(index: BarIndex): number {
    return this.#version[index + this.shift] as number;
  }

  levels(index: BarIndex): BarLevels {
    const at = index + this.shift;
    const columns = this.#levels[at] as LevelColumns;
    const [from, to] = [this.#levelFrom[at] as number, this.#levelTo[at] as number];
    const { apart, marker } = this;
    if (marker === null) return { columns, from, to, apart };
    return { columns: marker(columns, from, to, this.columns.min_vol[at] as number), from, to, apart };
  }

  openNs(index: BarIndex): bigint {
    return this.columns.open_ns[index + this.shift] as bigint;
  }

  closeNs(index: BarIndex): bigint {
    return this.columns.close_ns[index + this.shift] as bigint;
  }

  number(name: Exclude<ColumnName, "open_ns" | "close_ns" | "last_ns">, index: BarIndex): number {
    return this.columns[name][index + this.shift] as number;
  }

  lastPrice(): PriceTick | null {
    return this.#length === 0 ? null : (this.number("close_tick", this.last) as PriceTick);
  }

  /** The time of a bar's last trade. */
  lastNs(index: BarIndex): bigint {
    return this.columns.last_ns[index + this.shift] as bigint;
  }

  isFinal(index: BarIndex): boolean {
    return (this.number("flags", index) & BAR_FLAGS.final) !== 0;
  }

  delta(index: BarIndex): Lot {
    return (this.number("buy", index) - this.number("sell", index)) as Lot;
  }

  volume(index: BarIndex): Lot {
    return (this.number("buy", index) + this.number("sell", index) + this.number("unknown", index)) as Lot;
  }

  /** The first bar whose open is at or after `openNs`; `end` where there is none. */
  lowerBound(openNs: bigint): BarIndex {
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.columns.open_ns[this.#head + middle] as bigint) < openNs) low = middle + 1;
      else high = middle;
    }
    return (this.#first + low) as BarIndex;
  }

  /** The bar in force at a time: the last that had opened by then; null before the first. */
  at(timeNs: bigint): BarIndex | null {
    const after = this.lowerBound(timeNs + 1n);
    return after === this.#first ? null : ((after - 1) as BarIndex);
  }

  /** Forget everything and take the frame's bars, numbered from zero. */
  reset(frame: Frame): SeriesChange {
    this.#head = 0;
    this.#length = 0;
    this.#first = 0;
    this.#reserve(0, frame.count + 64);
    this.#write(0, frame, 0, frame.count);
    this.#length = frame.count;
    this.#loose = 0;
    return { lastOnly: false, appended: frame.count, renumbered: true };
  }

  /**
   * Take bars that continue or correct what is held: a snapshot after a reconnect, the open bar, a revision.
   * From the frame's first bar on a snapshot is the whole truth; one-bar frames replace or insert their bar only.
   */
  merge(frame: Frame): SeriesChange {
    if (frame.count === 0) return { lastOnly: false, appended: 0, renumbered: false };
    if (this.#length === 0) return this.reset(frame);
    const opens = frame.bars.open_ns[0] as bigint;
    const from = this.lowerBound(opens);
    if (frame.kind === "snapshot") return this.#mergeSnapshot(frame, from);
    if (from === this.end) {
      this.#append(frame);
      return { lastOnly: false, appended: frame.count, renumbered: false };
    }
    if (this.openNs(from) !== opens) {
      this.#insert(from, frame);
      return { lastOnly: false, appended: frame.count, renumbered: true };
    }
    this.#write(from + this.shift, frame, 0, 1);
    return { lastOnly: from === this.last, appended: 0, renumbered: false, revised: from < this.last - 1 };
  }

  /** Put older bars in front; bars that are held already are left out. Returns how many came. */
  prepend(frame: Frame): number {
    let count = frame.count;
    const oldest = this.#length > 0 ? this.openNs(this.first) : null;
    while (oldest !== null && count > 0 && (frame.bars.open_ns[count - 1] as bigint) >= oldest) count -= 1;
    if (count === 0) return 0;
    this.#reserve(count, 0);
    this.#head -= count;
    this.#first -= count;
    this.#length += count;
    this.#write(this.#head, frame, 0, count);
    return count;
  }

  /**
   * Put a page of history in the place of what is held of its stretch, from its first bar up to `toNs`; without bars, or
   * with `isOldest`, everything older goes. Bars from `toNs` on keep their indices.
   */
  refill(frame: Frame, toNs: bigint, isOldest: boolean): SeriesChange {
    const to = this.lowerBound(toNs);
    const opens = frame.bars.open_ns[0];
    const from = opens === undefined || isOldest ? this.first : this.lowerBound(opens);
    const more = frame.count - (to - from);
    const older = from - this.#first;
    this.#reserve(Math.max(0, more), 0);
    const head = this.#head;
    if (more !== 0) this.#move(this.columns, head, head + older, head - more);
    this.#head -= more;
    this.#first -= more;
    this.#length += more;
    this.#write(this.#head + older, frame, 0, frame.count);
    return { lastOnly: false, appended: 0, renumbered: more !== 0, revised: true };
  }

  /** Let the oldest bars go until `most` are left; indices stay. Returns how many went. */
  trim(most: number): number {
    const count = Math.max(0, this.#length - most);
    this.#levels.fill(undefined, this.#head, this.#head + count);
    this.#head += count;
    this.#first += count;
    this.#length -= count;
    this.#loose = Math.min(this.#loose, this.#length);
    return count;
  }

  // A snapshot that begins after the newest bar that is held leaves a hole: what is older cannot be joined to it. Else the
  // newest bar of both keeps its index, so that whoever looks at the live edge sees nothing move.
  #mergeSnapshot(frame: Frame, from: BarIndex): SeriesChange {
    const common = this.#newestCommon(frame);
    if (from === this.end || common === null) return this.reset(frame);
    const [end, older] = [this.end, from - this.#first];
    const start = common.index - common.at;
    this.#length = older;
    this.#loose = 0;
    this.#first = start - older;
    this.#append(frame);
    return { lastOnly: false, appended: this.end - end, renumbered: start !== from && older > 0 };
  }

  #newestCommon(frame: Frame): { readonly index: number; readonly at: number } | null {
    let index = this.last;
    for (let at = frame.count - 1; at >= 0 && index >= this.#first; ) {
      const [held, opens] = [this.openNs(index), frame.bars.open_ns[at] as bigint];
      if (held === opens) return { index, at };
      if (held > opens) index = (index - 1) as BarIndex;
      else at -= 1;
    }
    return null;
  }

  #append(frame: Frame): void {
    this.#reserve(0, frame.count);
    this.#write(this.#head + this.#length, frame, 0, frame.count);
    this.#length += frame.count;
    this.#loose = frame.count === 1 ? this.#loose + 1 : 0;
    if (this.#loose >= 2 * joinedBars) this.#join();
  }

  // The older half of the loose bars: hardly any of them changes any more, and one that does comes loose again.
  #join(): void {
    const from = this.#head + this.#length - this.#loose;
    const parts = Array.from({ length: joinedBars }, (_, k) => ({
      columns: this.#levels[from + k] as LevelColumns,
      from: this.#levelFrom[from + k] as number,
      to: this.#levelTo[from + k] as number,
    }));
    const { columns, starts } = joinLevels(parts);
    for (let k = 0; k < joinedBars; k += 1) {
      this.#levels[from + k] = columns;
      this.#levelFrom[from + k] = starts[k] as number;
      this.#levelTo[from + k] = starts[k + 1] as number;
    }
    this.#loose -= joinedBars;
  }

  #insert(index: BarIndex, frame: Frame): void {
    this.#reserve(0, frame.count);
    const at = index + this.shift;
    const end = this.#head + this.#length;
    this.#move(this.columns, at, end, at + frame.count);
    this.#write(at, frame, 0, frame.count);
    this.#length += frame.count;
    for (let k = at; k < end + frame.count; k += 1) this.#version[k] = ++this.#lastVersion;
  }

  #write(at: number, frame: Frame, from: number, to: number): void {
    for (const name of columnNames) {
      anyColumn(this.columns, name).set(anyColumn(frame.bars, name).subarray(from, to), at);
    }
    for (let k = from; k < to; k += 1) {
      const place = at + k - from;
      this.#levels[place] = frame.levels;
      this.#levelFrom[place] = frame.bars.level_start[k] as number;
      this.#levelTo[place] = frame.bars.level_start[k + 1] as number;
      this.#version[place] = ++this.#lastVersion;
    }
  }

  // Moves places [from, to) of `source` to begin at `to` of the present arrays.
  #move(source: SeriesColumns, from: number, end: number, to: number): void {
    for (const name of columnNames) {
      anyColumn(this.columns, name).set(anyColumn(source, name).subarray(from, end), to);
    }
    const levels = this.#levels.slice(from, end);
    for (let k = 0; k < levels.length; k += 1) this.#levels[to + k] = levels[k];
    this.#levelFrom.copyWithin(to, from, end);
    this.#levelTo.copyWithin(to, from, end);
    this.#version.copyWithin(to, from, end);
  }

  #reserve(front: number, back: number): void {
    const needed = front + this.#length + back;
    if (front <= this.#head && this.#head + this.#length + back <= this.#capacity) return;
    const spareFront = front > 0 ? Math.max(front, this.#length) : this.#head;
    const capacity = spareFront + Math.max(needed, this.#length + 64) + 64;
    const old = { columns: this.columns, levels: this.#levels, head: this.#head };
    const [levelFrom, levelTo, version] = [this.#levelFrom, this.#levelTo, this.#version];
    this.columns = allocate(capacity);
    this.#levels = new Array<LevelColumns | undefined>(capacity);
    this.#levelFrom = new Uint32Array(capacity);
    this.#levelTo = new Uint32Array(capacity);
    this.#version = new Uint32Array(capacity);
    const [from, to] = [old.head, old.head + this.#length];
    for (const name of columnNames) {
      anyColumn(this.columns, name).set(anyColumn(old.columns, name).subarray(from, to), spareFront);
    }
    for (let k = from; k < to; k += 1) this.#levels[spareFront + k - from] = old.levels[k];
    this.#levelFrom.set(levelFrom.subarray(from, to), spareFront);
    this.#levelTo.set(levelTo.subarray(from, to), spareFront);
    this.#version.set(version.subarray(from, to), spareFront);
    this.#head = spareFront;
    this.#capacity = capacity;
  }
}
