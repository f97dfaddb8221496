import { noTime, type StudyColumn, type StudyColumns } from "../protocol/studies";

/** Columns of one length that grow, and whose rows are replaced by stretches. */
export class StudyTable {
  #columns: Record<string, StudyColumn> = {};
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get names(): readonly string[] {
    return Object.keys(this.#columns);
  }

  /** A column, as long as the table or longer; null where there is none of that name. */
  column(name: string): StudyColumn | null {
    return this.#columns[name] ?? null;
  }

  /** A number; NaN where it is undefined, no number, or there is no such column or row. */
  number(name: string, row: number): number {
    const column = this.#columns[name];
    if (!(column instanceof Float64Array) || row < 0 || row >= this.#length) return Number.NaN;
    return column[row] as number;
  }

  /** A time, ns; null where there is none. */
  time(name: string, row: number): bigint | null {
    const column = this.#columns[name];
    if (!(column instanceof BigInt64Array) || row < 0 || row >= this.#length) return null;
    const time = column[row] as bigint;
    return time === noTime ? null : time;
  }

  /** Put rows in the place of those from `from` up to, without, `to`. */
  splice(from: number, to: number, rows: StudyColumns, count: number): void {
    if (count === 0 && from === to) return;
    const rest = this.#length - to;
    const needed = from + count + rest;
    const at = { from, to, count, needed, length: this.#length };
    if (count === 0) {
      // Rows go from every column, once each, whether the frame names it or not.
      for (const [name, held] of Object.entries(this.#columns))
        this.#columns[name] = spliced(held, held.slice(0, 0), at);
    } else {
      for (const [name, given] of Object.entries(rows)) {
        this.#columns[name] = spliced(this.#columns[name] ?? given.slice(0, 0), given, at);
      }
    }
    this.#length = needed;
  }
}

interface Splice {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  readonly needed: number;
  readonly length: number;
}

function spliced(held: StudyColumn, given: StudyColumn, at: Splice): StudyColumn {
  if (held instanceof Float64Array && given instanceof Float64Array) return moved(held, given, Float64Array, at);
  if (held instanceof BigInt64Array && given instanceof BigInt64Array) return moved(held, given, BigInt64Array, at);
  const [texts, more] = [textsOf(held), textsOf(given)];
  return [...texts.slice(0, at.from), ...more, ...texts.slice(at.to, at.length)];
}

const textsOf = (column: StudyColumn): readonly string[] =>
  column instanceof Float64Array || column instanceof BigInt64Array ? Array.from(column, String) : column;

interface TypedColumn<T> {
  readonly length: number;
  set(source: T, at: number): void;
  subarray(from: number, to: number): T;
  copyWithin(to: number, from: number, end: number): unknown;
}

function moved<T extends TypedColumn<T>>(held: T, given: T, make: new (length: number) => T, at: Splice): T {
  let target = held;
  if (at.needed > held.length) {
    target = new make(Math.max(64, at.needed * 2));
    target.set(held.subarray(0, at.from), 0);
    target.set(held.subarray(at.to, at.length), at.from + at.count);
  } else if (at.to - at.from !== at.count) target.copyWithin(at.from + at.count, at.to, at.length);
  target.set(given, at.from);
  return target;
}
