import { type BarIndex, nsToMs } from "../protocol/units";
import type { ChartModel } from "./chart-model";
import { exactQuantity, exactSigned } from "./format";
import { hasFlow, isDoubtful } from "./trust";

/** How much of the order flow table is shown; whether it stands beside the chart at all. */
export interface FlowSettings {
  readonly open: boolean;
  /** Bars in the table. */
  readonly rows: number;
  /** Bars in the CVD chart. */
  readonly points: number;
  /** A side that is more than so many times the other is marked. */
  readonly ratio: number;
}

export type FlowNumber = "rows" | "points" | "ratio";

export const defaultFlow: FlowSettings = { open: false, rows: 8, points: 30, ratio: 3 };
export const flowLimits: Readonly<
  Record<FlowNumber, { readonly least: number; readonly most: number; readonly whole: boolean }>
> = {
  rows: { least: 1, most: 100, whole: true },
  points: { least: 2, most: 500, whole: true },
  ratio: { least: 1, most: 100, whole: false },
};

/** Whether a number of the settings may have a value. */
export function isFlowNumber(name: FlowNumber, value: unknown): value is number {
  const { least, most, whole } = flowLimits[name];
  return typeof value === "number" && value >= least && value <= most && (!whole || Number.isInteger(value));
}

export interface FlowRow {
  readonly index: BarIndex;
  readonly time: string;
  /** What was sold at the bid, and bought at the ask. */
  readonly bid: string;
  readonly ask: string;
  readonly delta: string;
  /** Of the delta; 0 where it is not to be trusted, too. */
  readonly sign: -1 | 0 | 1;
  /** The delta's bar: its share of the greatest delta in the table, 0 to 1. */
  readonly length: number;
  readonly cvd: string;
  /** Price levels that traded. */
  readonly levels: string;
  /** One side is more than so many times the other (definitions 5.4), and which. */
  readonly fire: "buy" | "sell" | "";
  readonly isFinal: boolean;
}

/** The last bars as a table, the newest on top, and their CVD as a line. */
export interface FlowTable {
  readonly rows: readonly FlowRow[];
  /** The line in a square of 100 by 100, as an SVG's points. */
  readonly line: string;
  /** Where zero is in that square; null where the line does not come near it. */
  readonly zero: number | null;
  readonly current: string;
  readonly sign: -1 | 0 | 1;
}

const dash = "–";
const signOf = (value: number): -1 | 0 | 1 => (value > 0 ? 1 : value < 0 ? -1 : 0);

/** The imbalance of a whole bar: strictly more than the ratio, anything against nothing counts, nothing against nothing not. */
export function fireOf(buy: number, sell: number, ratio: number): FlowRow["fire"] {
  if (Math.max(buy, sell) <= ratio * Math.min(buy, sell)) return "";
  return buy > sell ? "buy" : "sell";
}

export function flowTable(model: ChartModel, { rows, points, ratio }: FlowSettings): FlowTable {
  const { series, quantity } = model;
  if (series.length === 0) return { rows: [], line: "", zero: null, current: dash, sign: 0 };
  const from = Math.max(series.first, series.end - rows);
  let most = 0;
  for (let k = from; k < series.end; k += 1) most = Math.max(most, Math.abs(series.delta(k as BarIndex)));
  const list: FlowRow[] = [];
  for (let k = series.last as number; k >= from; k -= 1) list.push(rowOf(model, k as BarIndex, most, ratio));
  const cvd = series.number("cvd", series.last);
  return {
    rows: list,
    ...lineOf(model, points),
    current: Number.isNaN(cvd) ? dash : exactSigned(cvd, quantity),
    sign: signOf(cvd),
  };
}

function rowOf(model: ChartModel, index: BarIndex, most: number, ratio: number): FlowRow {
  const { series, quantity, clock } = model;
  const ms = nsToMs(series.openNs(index));
  const base = { index, time: clock.timeText(ms, true), isFinal: series.isFinal(index) };
  if (!hasFlow(series, index)) {
    return { ...base, bid: dash, ask: dash, delta: dash, sign: 0, length: 0, cvd: dash, levels: dash, fire: "" };
  }
  const [buy, sell, delta] = [series.number("buy", index), series.number("sell", index), series.delta(index)];
  const { from, to } = series.levels(index);
  return {
    ...base,
    bid: exactQuantity(sell, quantity),
    ask: exactQuantity(buy, quantity),
    delta: exactSigned(delta, quantity),
    sign: isDoubtful(series, index) ? 0 : signOf(delta),
    length: most === 0 ? 0 : Math.abs(delta) / most,
    cvd: exactSigned(series.number("cvd", index), quantity),
    levels: String(to - from),
    fire: fireOf(buy, sell, ratio),
  };
}

// A flat CVD is a line in the middle.
function lineOf({ series }: ChartModel, points: number): Pick<FlowTable, "line" | "zero"> {
  const values: number[] = [];
  for (let k = Math.max(series.first, series.end - points); k < series.end; k += 1) {
    const value = series.number("cvd", k as BarIndex);
    if (!Number.isNaN(value)) values.push(value);
  }
  if (values.length === 0) return { line: "", zero: null };
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const y = (value: number): number => (high === low ? 50 : 95 - (90 * (value - low)) / (high - low));
  const shown = values.length === 1 ? [values[0] as number, values[0] as number] : values;
  const line = shown
    .map((value, k) => `${((100 * k) / (shown.length - 1)).toFixed(2)},${y(value).toFixed(2)}`)
    .join(" ");
  return { line, zero: low < 0 && high > 0 ? y(0) : null };
}

/** Settings from what was stored, whatever that is. */
export function readFlow(stored: unknown): FlowSettings {
  const kept = (typeof stored === "object" && stored !== null ? stored : {}) as Record<string, unknown>;
  const number = (name: FlowNumber): number => (isFlowNumber(name, kept[name]) ? kept[name] : defaultFlow[name]);
  return { open: kept["open"] === true, rows: number("rows"), points: number("points"), ratio: number("ratio") };
}
