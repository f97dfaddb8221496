import type { BarSeries } from "../data/bar-series";
import { CELL_FLAGS } from "../protocol/layout.generated";
import type { BarIndex, Lot, Row } from "../protocol/units";

/** The numbers of one cell, and how its sides compare with what imbalances set against them. */
export interface Cell {
  readonly index: BarIndex;
  readonly row: Row;
  readonly buy: Lot;
  readonly sell: Lot;
  readonly unknown: Lot;
  readonly trades: number;
  readonly flags: number;
  /** Each side as a percentage of that; Infinity against nothing; null where the bar has no such row. */
  readonly buyPct: number | null;
  readonly sellPct: number | null;
}

/** Where a row stands in its bar's levels; -1 where nothing traded. */
export function levelAt(series: BarSeries, index: BarIndex, row: number): number {
  const { columns, from, to } = series.levels(index);
  const wanted = row - series.number("base_row", index);
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((columns.row[middle] as number) < wanted) low = middle + 1;
    else high = middle;
  }
  return low < to && columns.row[low] === wanted ? low : -1;
}

/** The lowest and highest row of a bar: the grid between them has no holes (definitions 2.2). */
export function rowsOf(series: BarSeries, index: BarIndex): { readonly low: number; readonly high: number } | null {
  const { columns, from, to } = series.levels(index);
  if (to <= from) return null;
  const base = series.number("base_row", index);
  return { low: base + (columns.row[from] as number), high: base + (columns.row[to - 1] as number) };
}

/** The cell of a row inside a bar, with zeros where nothing traded; null outside of the bar's rows. */
export function cellAt(series: BarSeries, index: BarIndex, row: number): Cell | null {
  const rows = rowsOf(series, index);
  if (rows === null || row < rows.low || row > rows.high) return null;
  const { columns, apart } = series.levels(index);
  const at = levelAt(series, index, row);
  const below = row - apart >= rows.low ? sideAt(series, index, row - apart, "sell") : null;
  const above = row + apart <= rows.high ? sideAt(series, index, row + apart, "buy") : null;
  const take = (name: "buy" | "sell" | "unknown" | "trades" | "cell_flags"): number =>
    at < 0 ? 0 : (columns[name][at] as number);
  return {
    index,
    row: row as Row,
    buy: take("buy") as Lot,
    sell: take("sell") as Lot,
    unknown: take("unknown") as Lot,
    trades: take("trades"),
    flags: take("cell_flags"),
    buyPct: percent(take("buy"), below),
    sellPct: percent(take("sell"), above),
  };
}

function sideAt(series: BarSeries, index: BarIndex, row: number, side: "buy" | "sell"): number {
  const at = levelAt(series, index, row);
  return at < 0 ? 0 : (series.levels(index).columns[side][at] as number);
}

function percent(strong: number, weak: number | null): number | null {
  if (weak === null || strong === 0) return null;
  return weak === 0 ? Number.POSITIVE_INFINITY : (100 * strong) / weak;
}

export const isBuyImbalance = (flags: number): boolean => (flags & CELL_FLAGS.buy_imbalance) !== 0;
export const isSellImbalance = (flags: number): boolean => (flags & CELL_FLAGS.sell_imbalance) !== 0;

/**
 * A one-sided cell that is large but common, in lots: colours and number formats go by it. Of the last `bars` bars, the
 * 95th percentile of what is above zero; 1 where nothing traded.
 */
export function typicalLot(series: BarSeries, bars = 120): number {
  const sizes: number[] = [];
  for (let index = Math.max(series.first, series.end - bars); index < series.end; index += 1) {
    const { columns, from, to } = series.levels(index as BarIndex);
    for (let k = from; k < to; k += 1) {
      const [buy, sell] = [columns.buy[k] as number, columns.sell[k] as number];
      if (buy > 0) sizes.push(buy);
      if (sell > 0) sizes.push(sell);
    }
  }
  if (sizes.length === 0) return 1;
  const sorted = Float64Array.from(sizes).sort();
  return Math.max(1, sorted[Math.floor(sorted.length * 0.95)] ?? 1);
}

const knownTrades = new WeakMap<BarSeries, { readonly typical: number; readonly trades: number }>();

/**
 * A number of trades in a cell that is large but common: the 95th percentile of the last `bars` bars. It is counted anew
 * when the typical quantity has changed, so that colours do not flicker.
 */
export function typicalTrades(series: BarSeries, typical: number, bars = 120): number {
  const known = knownTrades.get(series);
  if (known !== undefined && known.typical === typical) return known.trades;
  const counts: number[] = [];
  for (let index = Math.max(series.first, series.end - bars); index < series.end; index += 1) {
    const { columns, from, to } = series.levels(index as BarIndex);
    for (let k = from; k < to; k += 1) counts.push(columns.trades[k] as number);
  }
  const sorted = Float64Array.from(counts).sort();
  const trades = Math.max(1, sorted[Math.floor(sorted.length * 0.95)] ?? 1);
  knownTrades.set(series, { typical, trades });
  return trades;
}

/** Imbalances on each side of a bar. */
export function imbalanceCounts(series: BarSeries, index: BarIndex): { readonly buy: number; readonly sell: number } {
  const { columns, from, to } = series.levels(index);
  let [buy, sell] = [0, 0];
  for (let k = from; k < to; k += 1) {
    const flags = columns.cell_flags[k] as number;
    if (isBuyImbalance(flags)) buy += 1;
    if (isSellImbalance(flags)) sell += 1;
  }
  return { buy, sell };
}
