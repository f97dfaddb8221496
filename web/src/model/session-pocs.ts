import type { BarSeries } from "../data/bar-series";
import type { BarIndex } from "../protocol/units";
import { type BarSpan, isNaked, type Level } from "./level";
import { hasFlow } from "./trust";

/**
 * Points of control of sessions (definitions 4.1, 4.6). A session's is born with the first bar of the next one, which may
 * touch it at once. The first session of which bars are held may have begun before them: it has none.
 */
export class SessionPocs {
  readonly levels: Level[] = [];
  #standing: Level[] = [];
  #day = Number.NaN;
  #isWhole = false;
  readonly #rows = new Map<number, number>();

  fold(series: BarSeries, index: BarIndex, day: number, bar: BarSpan): void {
    if (day !== this.#day) this.#next(index, day);
    this.#standing = this.#standing.filter((level) => isNaked(level, bar));
    if (!hasFlow(series, index)) return;
    const { columns, from, to } = series.levels(index);
    const base = series.number("base_row", index);
    for (let k = from; k < to; k += 1) {
      const row = base + (columns.row[k] as number);
      const volume = (columns.buy[k] as number) + (columns.sell[k] as number) + (columns.unknown[k] as number);
      this.#rows.set(row, (this.#rows.get(row) ?? 0) + volume);
    }
  }

  #next(index: BarIndex, day: number): void {
    const row = pocOf(this.#rows);
    if (this.#isWhole && row !== null) {
      const level: Level = { row, born: index, end: null };
      this.levels.push(level);
      this.#standing.push(level);
    }
    this.#isWhole = !Number.isNaN(this.#day);
    this.#day = day;
    this.#rows.clear();
  }
}

/** The row with the most volume; of equals the one nearest to the middle of the rows, then the lower. */
export function pocOf(rows: ReadonlyMap<number, number>): number | null {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const row of rows.keys()) [low, high] = [Math.min(low, row), Math.max(high, row)];
  const middle = (low + high) / 2;
  let best: number | null = null;
  let most = 0;
  for (const [row, volume] of rows) {
    if (volume < most || volume === 0) continue;
    if (volume > most || best === null || isNearer(row, best, middle)) [best, most] = [row, volume];
  }
  return best;
}

function isNearer(row: number, other: number, middle: number): boolean {
  const [mine, theirs] = [Math.abs(row - middle), Math.abs(other - middle)];
  return mine < theirs || (mine === theirs && row < other);
}
