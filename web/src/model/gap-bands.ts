import type { BarSeries } from "../data/bar-series";
import type { Gap } from "../data/topic-feed";
import type { BarIndex } from "../protocol/units";
import type { TimeScale } from "./time-scale";

/** A gap of the tape as it lies on the screen. */
export interface GapBand {
  readonly gap: Gap;
  readonly left: number;
  readonly right: number;
}

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
    const left = scale.x(indexOfTime(series, gap.fromNs));
    const right = Math.max(scale.x(indexOfTime(series, gap.toNs)), left + least);
    if (right < 0 || left > scale.width) continue;
    bands.push({ gap, left: Math.round(left), right: Math.round(right) });
  }
  return bands;
}
