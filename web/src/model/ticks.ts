import type { BarSeries } from "../data/bar-series";
import { type BarIndex, type Ms, ms, nsToMs } from "../protocol/units";
import type { PriceScale } from "./price-scale";
import type { TimeScale } from "./time-scale";
import type { ZoneClock } from "./time-zone";

/** The smallest of 1, 2, 5 times a power of ten that is at least `least`. */
export function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  for (const factor of [1, 2, 5, 10]) if (factor * power >= least * (1 - 1e-9)) return factor * power;
  return 10 * power;
}

/** Whole multiples of a step inside a span, ascending; they are counted, so that no error adds up. */
export function multiples(step: number, low: number, high: number): number[] {
  const found: number[] = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high; k += 1) found.push(k * step);
  return found;
}

/**
 * Prices, in ticks, for the axis: round numbers of the money, and while rows are high enough whole rows.
 *
 * @param tickStep the instrument's tick as a number
 */
export function priceTicks(scale: PriceScale, tickStep: number, spacing: number): number[] {
  const span = scale.span();
  const k = scale.ticksPerLevel;
  const leastTicks = (spacing / scale.row) * k;
  const money = Math.max(1, Math.round(niceStep(leastTicks * tickStep) / tickStep));
  const step = leastTicks <= k ? k : money % k === 0 ? money : Math.ceil(money / k) * k;
  return multiples(step, span.low * k, span.high * k);
}

export interface TimeMark {
  readonly index: BarIndex;
  readonly text: string;
  /** A new day or longer: drawn strong. */
  readonly strong: boolean;
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
/** What the axis may count in, in ms of wall-clock time; beyond a day it counts months. */
const units: readonly number[] = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * second),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * minute),
  ...[1, 2, 4, 6, 12].map((n) => n * hour),
  day,
];
const month = 31 * day;

/** What begins between two moments: a month, a day, one `unit` of wall-clock time, or nothing (0). */
export function boundary(before: Ms, after: Ms, unit: number, clock: ZoneClock): number {
  const from = before + clock.offsetMs(before);
  const to = after + clock.offsetMs(after);
  if (Math.floor(from / day) !== Math.floor(to / day)) {
    return clock.local(before).month === clock.local(after).month ? day : month;
  }
  return Math.floor(from / unit) === Math.floor(to / unit) ? 0 : unit;
}

function markText(unit: number, at: Ms, clock: ZoneClock, seconds: boolean): string {
  if (unit >= month) return clock.monthText(at);
  if (unit >= day) return clock.dayText(at);
  return clock.timeText(at, seconds);
}

/**
 * The marks of the time axis: bars at which a unit of wall-clock time begins, in the finest unit whose marks keep
 * `spacing` pixels, and every new day. They do not depend on where the chart is panned to, so they move with the bars.
 */
export function timeMarks(series: BarSeries, scale: TimeScale, clock: ZoneClock, spacing: number): TimeMark[] {
  const range = scale.range(series.first, series.end);
  if (range.to < range.from || series.length === 0) return [];
  const barMs = usualMs(series, range.from as BarIndex, range.to as BarIndex);
  const leastMs = (spacing / scale.bar) * barMs;
  const finest = units.find((unit) => unit >= leastMs) ?? (leastMs <= day ? day : month);
  const candidates: { index: number; unit: number; time: Ms }[] = [];
  for (let index = range.from; index <= range.to; index += 1) {
    const time = nsToMs(series.openNs(index as BarIndex));
    const before = index > series.first ? nsToMs(series.openNs((index - 1) as BarIndex)) : ms(time - barMs);
    const unit = boundary(before, time, finest, clock);
    if (unit >= Math.min(finest, month)) candidates.push({ index, unit, time });
  }
  return spread(candidates, spacing / scale.bar).map(({ index, unit, time }) => ({
    index: index as BarIndex,
    text: markText(unit, time, clock, barMs < minute),
    strong: unit >= day,
  }));
}

// How long a bar on screen usually takes. Bars that do not end by the clock are of any length: their mean says it.
function usualMs(series: BarSeries, from: BarIndex, to: BarIndex): number {
  const lasts = (index: BarIndex): number => Number(series.closeNs(index) - series.openNs(index)) / 1e6;
  const [first, last] = [lasts(from), lasts(to)];
  if (first === last || from === to) return Math.max(1, last);
  return Math.max(1, Number(series.closeNs(to) - series.openNs(from)) / 1e6 / (to - from + 1));
}

// Longer units win their place; a shorter one stands only where it touches none of them.
function spread<T extends { index: number; unit: number }>(candidates: readonly T[], apart: number): T[] {
  const placed: T[] = [];
  for (const candidate of [...candidates].sort((a, b) => b.unit - a.unit || a.index - b.index)) {
    if (placed.every((other) => Math.abs(other.index - candidate.index) >= apart * 0.82)) placed.push(candidate);
  }
  return placed.sort((a, b) => a.index - b.index);
}
