import { type BarIndex, nsToMs } from "../protocol/units";
import type { ChartModel } from "./chart-model";
import { countdown, exactQuantity } from "./format";

/** Whether bars end by the clock; others end when so much has happened, and last as long as that takes. */
export const isTimeBars = (bars: string): boolean => /^\d+(?:s|m|h|d|w|mo)$/.test(bars);

/** When a bar is: its opening, and its last trade's time where bars do not end by the clock. */
export function barTimeText(model: ChartModel, index: BarIndex): string {
  const { series, clock } = model;
  const bars = model.meta?.bars ?? "";
  const opens = nsToMs(series.openNs(index));
  if (isTimeBars(bars)) return clock.fullText(opens, bars.endsWith("s"));
  const ends = nsToMs(series.closeNs(index) - 1n);
  if (ends - opens < 10_000) {
    const day = clock.fullText(opens).slice(0, -clock.timeText(opens).length);
    return `${day}${clock.preciseText(opens)} – ${clock.preciseText(ends)}`;
  }
  const isOneDay = clock.dayText(opens) === clock.dayText(ends);
  return `${clock.fullText(opens, true)} – ${isOneDay ? clock.timeText(ends, true) : clock.fullText(ends, true)}`;
}

/** What is left of the open bar: time, trades or volume; nothing where it cannot be said. */
export function barLeft(model: ChartModel, engineNs: bigint | null): string {
  const { series } = model;
  const bars = model.meta?.bars ?? "";
  if (series.length === 0) return "";
  if (isTimeBars(bars)) return engineNs === null ? "" : countdown(Number(series.closeNs(series.last) - engineNs) / 1e6);
  const [, amount, unit] = /^([\d.e]+)([tv])(?:-split)?$/.exec(bars) ?? [];
  if (amount === undefined || series.isFinal(series.last)) return "";
  if (unit === "t") return `${Math.max(0, Number(amount) - series.number("trades", series.last))} t`;
  const lots = Math.round(Number(amount) / model.quantity.lot.step) - series.volume(series.last);
  return exactQuantity(Math.max(0, lots), model.quantity);
}
