import type { BarSeries } from "../data/bar-series";
import { BAR_FLAGS } from "../protocol/layout.generated";
import type { BarIndex } from "../protocol/units";

const leastQuoteShare = 0.5;
const leastCoverage = 0.8;

/**
 * Whether a bar's delta is to be drawn in grey (definitions 1.4): too little of its volume has a side, or too little of
 * it was signed by the quote. Undefined shares (true sides have no quote share) raise no doubt.
 */
export function isDoubtful(series: BarSeries, index: BarIndex): boolean {
  return series.number("quote_share", index) < leastQuoteShare || series.number("coverage", index) < leastCoverage;
}

/** Whether the trades of the bar are known; else it is a candle of the venue: no cells, no delta. */
export function hasFlow(series: BarSeries, index: BarIndex): boolean {
  return (series.number("flags", index) & BAR_FLAGS.no_flow) === 0;
}

/** Whether a known gap of the tape touches the bar. */
export function isIncomplete(series: BarSeries, index: BarIndex): boolean {
  return (series.number("flags", index) & BAR_FLAGS.gap) !== 0;
}
