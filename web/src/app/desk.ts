import type { LayoutChart, LayoutDocument } from "../model/layout-file";
import { newShare, type PaneSpec, pricePane } from "../model/panes";
import type { ChainInfo } from "../protocol/options";
import type { Prefs } from "./prefs";

/** What is said where there is no chain at all. */
export const noChain =
  "No option chain is stored, so there is no desk to open: import one (footloom import CHAIN.csv) or record one (footloom record upstox:NIFTY.FUT1 --options atm±10).";

const panes: readonly PaneSpec[] = [
  pricePane,
  { id: "stream interest_change", kind: "stream", of: "interest_change", share: 0.17 },
  { id: "delta", kind: "delta", share: newShare },
];

/** What of the desk is missing, "" where nothing is. */
export const lacks = ({ front, name }: ChainInfo): string =>
  front === null
    ? ` No future of ${name} is stored, so its footprint is not there: footloom record upstox:${name}.FUT1 --options atm±10.`
    : "";

/** What is said where the chain of a live chart has yet to begin. */
export const begins = " Its options are listened to from now on: the chain comes with their first messages.";

/**
 * The layout of the desk: the front future's footprint over the change of its open interest, beside it its chain.
 *
 * @param chain null where that of the chart that is shown begins with the desk
 */
export function deskOf(chain: ChainInfo | null, shown: LayoutChart, prefs: Prefs): LayoutDocument {
  const front = chain?.front ?? null;
  const isShown = front === null || front === shown.symbol || chain?.charts.includes(shown.symbol) === true;
  const chart = isShown ? shown : { symbol: front, bars: shown.bars, step: null };
  const options = { ...prefs.options, open: true, tab: "desk" };
  return { charts: [chart], look: { ...prefs, panes, options } };
}
