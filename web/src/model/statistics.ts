import type { BarSeries } from "../data/bar-series";
import type { BarIndex } from "../protocol/units";
import type { ChartModel } from "./chart-model";
import { cellQuantity, percentText, signed, spanText, sumText } from "./format";
import { barReadout } from "./readout";
import { hasFlow, isDoubtful } from "./trust";

const everyRow = [
  "Volume",
  "Delta",
  "Delta %",
  "Min delta",
  "Max delta",
  "CVD",
  "Trades",
  "Vol / s",
  "Duration",
  "ΔOI",
  "Buy imb",
  "Sell imb",
  "POC",
  "Coverage",
] as const;

const withoutInterest = everyRow.filter((name) => name !== "ΔOI");

/** The rows of the statistics table, from the top; open interest has one where any is stored. */
export const statisticRows = (model: ChartModel): readonly string[] =>
  model.told.get("open_interest")?.isNone === false ? everyRow : withoutInterest;

export interface StatisticCell {
  readonly text: string;
  /** Of a number whose sign is that of buyers and sellers; else 0. */
  readonly sign: -1 | 0 | 1;
}

interface Kept {
  readonly series: BarSeries;
  readonly version: number;
  readonly cells: readonly StatisticCell[];
  readonly style: unknown;
  readonly change: number;
}

const kept = new Map<number, Kept>();
const mostKept = 2_000;
const dash = "–";
const signOf = (value: number): -1 | 0 | 1 => (value > 0 ? 1 : value < 0 ? -1 : 0);

/** What the table says of a bar, in the order of `statisticRows`; made anew only when the bar has changed. */
export function barStatistics(model: ChartModel, index: BarIndex): readonly StatisticCell[] {
  const { series, quantity } = model;
  const held = kept.get(index);
  const version = series.version(index);
  const change = interestChange(model, index);
  const isSame = held?.series === series && held.version === version && held.style === quantity;
  if (held !== undefined && isSame && Object.is(held.change, change)) return held.cells;
  if (kept.size > mostKept) kept.clear();
  const cells = cellsOf(model, index);
  kept.set(index, { series, version, cells, style: quantity, change });
  return cells;
}

// Without open interest there is no row: infinite, which no change is.
function interestChange({ told }: ChartModel, index: BarIndex): number {
  const interest = told.get("open_interest");
  return interest?.isNone === false ? interest.study.value("change", index) : Number.POSITIVE_INFINITY;
}

function interestCell(model: ChartModel, index: BarIndex): readonly StatisticCell[] {
  const change = interestChange(model, index);
  if (change === Number.POSITIVE_INFINITY) return [];
  return [{ text: Number.isNaN(change) ? dash : signed(change, model.quantity), sign: 0 }];
}

function cellsOf(model: ChartModel, index: BarIndex): readonly StatisticCell[] {
  const { series, quantity } = model;
  const cell = (text: string, sign: -1 | 0 | 1 = 0): StatisticCell => ({ text, sign });
  const volume = cell(cellQuantity(series.volume(index), quantity));
  if (!hasFlow(series, index)) return statisticRows(model).map((_name, k) => (k === 0 ? volume : cell(dash)));
  const read = barReadout(model, index);
  const delta = series.delta(index);
  // A delta that is not to be trusted has no colour (definitions 1.4).
  const sign = (value: number): -1 | 0 | 1 => (isDoubtful(series, index) ? 0 : signOf(value));
  const number = (name: "min_delta" | "max_delta"): StatisticCell => {
    const value = series.number(name, index);
    return cell(signed(value, quantity), sign(value));
  };
  const cvd = series.number("cvd", index);
  // The open bar lasts until its last trade so far.
  const ends = series.isFinal(index) ? series.closeNs(index) : series.lastNs(index);
  const seconds = Number(ends - series.openNs(index)) / 1e9;
  return [
    volume,
    cell(signed(delta, quantity), sign(delta)),
    cell(read.deltaPct, sign(delta)),
    number("min_delta"),
    number("max_delta"),
    cell(sumText(cvd, quantity), signOf(cvd)),
    cell(read.trades),
    cell(seconds > 0 ? cellQuantity(series.volume(index) / seconds, quantity) : dash),
    cell(spanText(seconds * 1000)),
    ...interestCell(model, index),
    cell(String(read.buyImbalances)),
    cell(String(read.sellImbalances)),
    cell(read.poc),
    cell(percentText(series.number("coverage", index))),
  ];
}
