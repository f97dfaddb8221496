import type { BarSeries } from "../data/bar-series";
import type { Content, Stretches } from "./auto-scale";

/** The rows that bars `from` to `to` reach over; `anchor` is the bar whose close is kept in sight. */
export function contentOf(series: BarSeries, perLevel: number, from: number, to: number, anchor: number): Content {
  const { low_tick, high_tick, close_tick } = series.columns;
  const shift = series.shift;
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let place = from + shift; place <= to + shift; place += 1) {
    low = Math.min(low, low_tick[place] as number);
    high = Math.max(high, high_tick[place] as number);
  }
  const close = close_tick[anchor + shift] as number;
  return { low: Math.floor(low / perLevel), high: Math.floor(high / perLevel) + 1, anchor: (close + 0.5) / perLevel };
}

/** The rows of each of these bars. */
export function stretchesOf(series: BarSeries, perLevel: number, from: number, to: number): Stretches {
  const { low_tick, high_tick } = series.columns;
  const rows = (ticks: ArrayLike<number>, more: number): number[] =>
    Array.from({ length: to - from + 1 }, (_, at) => {
      return Math.floor((ticks[at + from + series.shift] as number) / perLevel) + more;
    });
  return { low: rows(low_tick, 0), high: rows(high_tick, 1) };
}

/** Whether any of the bars reaches between two (fractional) rows. */
export function isAnySeen({ low, high }: Stretches, from: number, to: number): boolean {
  return high.some((top, k) => top > from && (low[k] as number) < to);
}
