import type { BarSeries } from "../data/bar-series";
import type { BarIndex } from "../protocol/units";
import { barTimeText } from "./bar-time";
import { type Cell, cellAt, imbalanceCounts, isBuyImbalance, isSellImbalance, rowsOf } from "./cells";
import type { ChartModel } from "./chart-model";
import { unitsText } from "./decimal";
import { exactQuantity, exactSigned, percentText } from "./format";
import { written } from "./number-signs";
import { hasFlow, isDoubtful, isIncomplete } from "./trust";

/** One bar in words, as read-outs and the data table show it; all quantities exact. */
export interface BarReadout {
  readonly index: BarIndex;
  readonly time: string;
  readonly open: string;
  readonly high: string;
  readonly low: string;
  readonly close: string;
  /** Close against open. */
  readonly change: string;
  readonly rises: boolean;
  readonly volume: string;
  readonly buy: string;
  readonly sell: string;
  readonly unknown: string;
  readonly hasUnknown: boolean;
  readonly delta: string;
  readonly deltaSign: -1 | 0 | 1;
  readonly deltaPct: string;
  readonly minDelta: string;
  readonly maxDelta: string;
  readonly cvd: string;
  readonly trades: string;
  readonly poc: string;
  readonly vah: string;
  readonly val: string;
  readonly buyImbalances: number;
  readonly sellImbalances: number;
  readonly coverage: string;
  readonly quoteShare: string;
  readonly doubtful: boolean;
  readonly incomplete: boolean;
  readonly isFinal: boolean;
  /** False for a candle of the venue: its trades are not known, and so it has no delta. */
  readonly hasFlow: boolean;
  /** Of such a candle; "" where it is not said. */
  readonly openInterest: string;
}

/** One cell in words. */
export interface CellReadout {
  readonly price: string;
  /** The first price above the row. */
  readonly upTo: string;
  readonly bid: string;
  readonly ask: string;
  readonly unknown: string;
  readonly delta: string;
  readonly volume: string;
  readonly trades: string;
  readonly imbalance: string;
  /** How far its sides can be trusted (definitions 1.4). */
  readonly confidence: string;
}

const dash = "–";
const signOf = (value: number): -1 | 0 | 1 => (value > 0 ? 1 : value < 0 ? -1 : 0);

const share = (value: number): string => (Number.isNaN(value) ? dash : percentText(value));

const withFlow = { hasFlow: true } as const;
const withoutFlow = {
  hasFlow: false,
  buy: dash,
  sell: dash,
  unknown: "0",
  hasUnknown: false,
  delta: dash,
  deltaSign: 0,
  deltaPct: dash,
  minDelta: dash,
  maxDelta: dash,
  cvd: dash,
  trades: dash,
  poc: dash,
  vah: dash,
  val: dash,
  coverage: dash,
  doubtful: false,
} as const;

export function barReadout(model: ChartModel, index: BarIndex): BarReadout {
  const { series, tick, quantity } = model;
  const price = (name: "open_tick" | "high_tick" | "low_tick" | "close_tick"): string =>
    unitsText(series.number(name, index), tick);
  const lots = (name: "buy" | "sell" | "unknown"): string => exactQuantity(series.number(name, index), quantity);
  const signedLots = (name: "min_delta" | "max_delta" | "cvd"): string => {
    const value = series.number(name, index);
    return Number.isNaN(value) ? dash : exactSigned(value, quantity);
  };
  const moved = series.number("close_tick", index) - series.number("open_tick", index);
  const delta = series.delta(index);
  const sided = series.number("buy", index) + series.number("sell", index);
  const counts = imbalanceCounts(series, index);
  return {
    index,
    time: barTimeText(model, index),
    open: price("open_tick"),
    high: price("high_tick"),
    low: price("low_tick"),
    close: price("close_tick"),
    change: `${moved > 0 ? "+" : ""}${unitsText(moved, tick)}`,
    rises: moved >= 0,
    volume: exactQuantity(series.volume(index), quantity),
    buy: lots("buy"),
    sell: lots("sell"),
    unknown: lots("unknown"),
    hasUnknown: series.number("unknown", index) > 0,
    delta: exactSigned(delta, quantity),
    deltaSign: signOf(delta),
    deltaPct: sided === 0 ? dash : written(`${((100 * delta) / sided).toFixed(1)} %`, model.signs),
    minDelta: signedLots("min_delta"),
    maxDelta: signedLots("max_delta"),
    cvd: signedLots("cvd"),
    trades: written(String(series.number("trades", index)), model.signs),
    ...profileText(model, index),
    buyImbalances: counts.buy,
    sellImbalances: counts.sell,
    coverage: share(series.number("coverage", index)),
    quoteShare: share(series.number("quote_share", index)),
    doubtful: isDoubtful(series, index),
    incomplete: isIncomplete(series, index),
    isFinal: series.isFinal(index),
    ...(hasFlow(series, index) ? withFlow : withoutFlow),
    openInterest: model.openInterest.get(series.openNs(index)) ?? "",
  };
}

// Rows are named by their low edge, as everywhere (definitions 4.2).
function profileText(model: ChartModel, index: BarIndex): { poc: string; vah: string; val: string } {
  const { series, tick } = model;
  const k = model.price.ticksPerLevel;
  const base = series.number("base_row", index);
  const edge = (row: number): string => unitsText((base + row) * k, tick);
  return {
    poc: edge(series.number("poc", index)),
    vah: edge(series.number("vah", index)),
    val: edge(series.number("val", index)),
  };
}

function imbalanceText(cell: Cell): string {
  const said = (side: string, pct: number | null): string =>
    `${side} imbalance${pct === null ? "" : ` ${pct === Number.POSITIVE_INFINITY ? "∞" : Math.floor(pct)} %`}`;
  const parts: string[] = [];
  if (isBuyImbalance(cell.flags)) parts.push(said("buy", cell.buyPct));
  if (isSellImbalance(cell.flags)) parts.push(said("sell", cell.sellPct));
  return parts.join(", ");
}

export function cellReadout(model: ChartModel, cell: Cell): CellReadout {
  const { tick, quantity } = model;
  const k = model.price.ticksPerLevel;
  return {
    price: unitsText(cell.row * k, tick),
    upTo: unitsText((cell.row + 1) * k, tick),
    bid: exactQuantity(cell.sell, quantity),
    ask: exactQuantity(cell.buy, quantity),
    unknown: cell.unknown === 0 ? "" : exactQuantity(cell.unknown, quantity),
    delta: exactSigned(cell.buy - cell.sell, quantity),
    volume: exactQuantity(cell.buy + cell.sell + cell.unknown, quantity),
    trades: written(String(cell.trades), model.signs),
    imbalance: imbalanceText(cell),
    confidence: confidenceText(model, cell),
  };
}

// What is known of the cell itself, and of inferred sides how many of the bar the quote decided.
function confidenceText({ series }: ChartModel, cell: Cell): string {
  const volume = cell.buy + cell.sell + cell.unknown;
  const sided = volume === 0 ? 1 : (cell.buy + cell.sell) / volume;
  const quoted = series.number("quote_share", cell.index);
  if (Number.isNaN(quoted)) return sided === 1 ? "stated" : `stated of ${percentText(sided)}`;
  return `inferred of ${percentText(sided)}, ${percentText(quoted)} of the bar at the quote`;
}

/** A bar in one line, as it stands below a picture's legend. */
export function barWordsOf(bar: BarReadout): string {
  const flow = bar.hasFlow ? `   Δ ${bar.delta}   Trades ${bar.trades}` : "   no order flow";
  return `${bar.time}${bar.isFinal ? "" : " open"}   O ${bar.open}   H ${bar.high}   L ${bar.low}   C ${bar.close}   ${bar.change}   Vol ${bar.volume}${flow}`;
}

/** A sentence for a screen reader. */
export function spoken(bar: BarReadout, cell: CellReadout | null): string {
  const cellWords =
    cell === null
      ? ""
      : `${cell.price}: bid ${cell.bid}, ask ${cell.ask}, delta ${cell.delta}, ${cell.trades} trades${cell.imbalance === "" ? "" : `, ${cell.imbalance}`}, sides ${cell.confidence}. `;
  return `${cellWords}Bar ${bar.time}: close ${bar.close}, volume ${bar.volume}, delta ${bar.delta}.`;
}

/** The rows of a bar from the highest price down, with the totals and whether they equal the bar's own. */
export interface BarTable {
  readonly bar: BarReadout;
  readonly rows: readonly (CellReadout & {
    readonly row: number;
    readonly isPoc: boolean;
    readonly inValueArea: boolean;
  })[];
  readonly total: {
    readonly bid: string;
    readonly ask: string;
    readonly unknown: string;
    readonly delta: string;
    readonly trades: string;
  };
  readonly adds: boolean;
}

export function barTable(model: ChartModel, index: BarIndex): BarTable {
  const { series, quantity } = model;
  const bounds = rowsOf(series, index);
  const base = series.number("base_row", index);
  const [poc, vah, val] = (["poc", "vah", "val"] as const).map((name) => base + series.number(name, index)) as [
    number,
    number,
    number,
  ];
  const rows: BarTable["rows"][number][] = [];
  const sum = { buy: 0, sell: 0, unknown: 0, trades: 0 };
  for (let row = bounds?.high ?? -1; bounds !== null && row >= bounds.low; row -= 1) {
    const cell = cellAt(series, index, row) as Cell;
    sum.buy += cell.buy;
    sum.sell += cell.sell;
    sum.unknown += cell.unknown;
    sum.trades += cell.trades;
    rows.push({ ...cellReadout(model, cell), row, isPoc: row === poc, inValueArea: row >= val && row <= vah });
  }
  return {
    bar: barReadout(model, index),
    rows,
    total: {
      bid: exactQuantity(sum.sell, quantity),
      ask: exactQuantity(sum.buy, quantity),
      unknown: exactQuantity(sum.unknown, quantity),
      delta: exactSigned(sum.buy - sum.sell, quantity),
      trades: String(sum.trades),
    },
    adds: equalsBar(series, index, sum),
  };
}

function equalsBar(
  series: BarSeries,
  index: BarIndex,
  sum: { buy: number; sell: number; unknown: number; trades: number },
): boolean {
  return (["buy", "sell", "unknown", "trades"] as const).every((name) => series.number(name, index) === sum[name]);
}
