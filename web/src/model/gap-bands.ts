import type { BarSeries } from "../data/bar-series";
import type { Gap } from "../data/topic-feed";
import type { BarIndex } from "../protocol/units";
import type { TimeScale } from "./time-scale";

/** A gap of the tape as it lies on the screen. */
export interface GapBand {
  readonly gap: Gap;
  readonly left: number;
  readonly right: number;
  /** So small a part of its bar that it could not be seen: it is told at the edges alone, and hides nothing. */
  readonly isBrief: boolean;
}

/** A gap within a bar is brief below this share of the least width of a band. */
const briefBelow = 0.25;

/** The (fractional) bar index of a moment: linear inside a bar, its edge in the empty time between bars. */
export function indexOfTime(series: BarSeries, timeNs: bigint): number {
  const bar = series.at(timeNs);
  if (bar === null) return series.first;
  const opens = series.openNs(bar);
  const closes = series.closeNs(bar);
  const share = Number(timeNs - opens) / Math.max(1, Number(closes - opens));
  return bar + Math.min(1, share);
}

/** The gaps in sight; each is at least `least` pixels wide, or it could not be seen in time that takes no room. */
export function gapBands(series: BarSeries, gaps: readonly Gap[], scale: TimeScale, least: number): GapBand[] {
  if (series.length === 0) return [];
  const bands: GapBand[] = [];
  const begins = series.openNs(series.first as BarIndex);
  for (const gap of gaps) {
    if (gap.toNs <= begins) continue;
    const [from, to] = [indexOfTime(series, gap.fromNs), indexOfTime(series, gap.toNs)];
    const left = scale.x(from);
    const right = Math.max(scale.x(to), left + least);
    if (right < 0 || left > scale.reach) continue;
    const isWithin = Math.floor(from) === Math.floor(to) && !(Number.isInteger(from) && Number.isInteger(to));
    const isBrief = isWithin && scale.x(to) - left < briefBelow * least;
    bands.push({ gap, left: Math.round(left), right: Math.round(right), isBrief });
  }
  return bands;
}
