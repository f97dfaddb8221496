import { type BarIndex, nsToMs, type PriceTick } from "../protocol/units";
import type { ChartModel } from "./chart-model";
import { unitsText } from "./decimal";
import { exactQuantity, exactSigned, spanText } from "./format";
import { written } from "./number-signs";
import { hasFlow, isDoubtful, isIncomplete } from "./trust";

/** A place on the chart: a bar and a price, so that it stays there while the chart moves. */
export interface RulerPoint {
  readonly index: BarIndex;
  readonly tick: PriceTick;
}

export interface Ruler {
  readonly from: RulerPoint;
  readonly to: RulerPoint;
}

/** What a ruler measures. The bars are whole ones, from the one where it begins to the one where it ends, both included. */
export interface Measure {
  readonly first: BarIndex;
  readonly last: BarIndex;
  readonly bars: number;
  /** From the first price to the second. */
  readonly ticks: number;
  /** Of the first price; null where that is 0. */
  readonly percent: number | null;
  /** From the first bar's open to the last one's close; to its last trade while it is open. */
  readonly spanNs: bigint;
  readonly buy: number;
  readonly sell: number;
  readonly unknown: number;
  readonly trades: number;
  /** Bars whose trades are not known: their volume counts, and they have no delta. */
  readonly withoutFlow: number;
  readonly doubtful: number;
  readonly withGaps: number;
}

/** The sums are of whole lots, and so exact. */
export function measure(model: ChartModel, { from, to }: Ruler): Measure {
  const { series } = model;
  const first = Math.max(series.first, Math.min(from.index, to.index)) as BarIndex;
  const last = Math.min(series.last, Math.max(from.index, to.index)) as BarIndex;
  const sum = { buy: 0, sell: 0, unknown: 0, trades: 0, withoutFlow: 0, doubtful: 0, withGaps: 0 };
  for (let index = first; index <= last; index = (index + 1) as BarIndex) {
    for (const name of ["buy", "sell", "unknown", "trades"] as const) sum[name] += series.number(name, index);
    if (!hasFlow(series, index)) sum.withoutFlow += 1;
    else if (isDoubtful(series, index)) sum.doubtful += 1;
    if (isIncomplete(series, index)) sum.withGaps += 1;
  }
  const ends = series.isFinal(last) ? series.closeNs(last) : series.lastNs(last);
  const ticks = to.tick - from.tick;
  return {
    first,
    last,
    bars: last - first + 1,
    ticks,
    percent: from.tick === 0 ? null : (100 * ticks) / Math.abs(from.tick),
    spanNs: ends - series.openNs(first),
    ...sum,
  };
}

/** A measure in words: lines for the chart, and a sentence for a screen reader. */
export interface RulerWords {
  readonly lines: readonly string[];
  readonly said: string;
  readonly rises: boolean;
}

export function rulerWords(model: ChartModel, ruler: Ruler): RulerWords {
  const found = measure(model, ruler);
  const plus = found.ticks > 0 ? "+" : "";
  const percent = found.percent === null ? "" : ` (${written(`${plus}${found.percent.toFixed(2)} %`, model.signs)})`;
  const price = `${plus}${unitsText(found.ticks, model.tick)}${percent}`;
  const ticks = `${written(`${plus}${found.ticks}`, model.signs)} ${Math.abs(found.ticks) === 1 ? "tick" : "ticks"}`;
  const time = `${found.bars} ${found.bars === 1 ? "bar" : "bars"}, ${longSpan(found.spanNs)}`;
  const volume = exactQuantity(found.buy + found.sell + found.unknown, model.quantity);
  const hasDelta = found.withoutFlow < found.bars;
  const delta = hasDelta ? exactSigned(found.buy - found.sell, model.quantity) : "–";
  const trades = hasDelta ? written(String(found.trades), model.signs) : "–";
  const doubts = doubtsOf(found);
  const flow = `Vol ${volume}   Δ ${delta}   Trades ${trades}`;
  return {
    lines: [`${price}   ${ticks}`, time, flow, ...(doubts === "" ? [] : [doubts])],
    said: `Ruler: ${price}, ${ticks}, ${time}, volume ${volume}, delta ${delta}, ${trades} trades${doubts === "" ? "" : `; ${doubts}`}`,
    rises: found.ticks >= 0,
  };
}

function doubtsOf({ withoutFlow, doubtful, withGaps }: Measure): string {
  const parts: string[] = [];
  if (withoutFlow > 0) parts.push(`${withoutFlow} without order flow`);
  if (doubtful > 0) parts.push(`${doubtful} of doubtful delta`);
  if (withGaps > 0) parts.push(`${withGaps} with a gap`);
  return parts.length === 0 ? "" : `Bars: ${parts.join(", ")}`;
}

// As many units as say it exactly enough: `2 d 3 h`, `1 h 05 min`, `4 min 30 s`.
function longSpan(spanNs: bigint): string {
  const ms = nsToMs(spanNs);
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return spanText(ms);
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  const two = (value: number): string => String(value).padStart(2, "0");
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${two(minutes)} min`;
  return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${two(seconds % 60)} s`;
}
