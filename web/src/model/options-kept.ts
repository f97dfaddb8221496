import { type OptionsKept, optionsClosed, optionTabs } from "../data/options-desk";

const longestEveryS = 86_400;

/** How the option screens stood, from what was stored, whatever that is. */
export function readOptions(stored: unknown): OptionsKept {
  const { open, tab, everyS } = (typeof stored === "object" && stored !== null ? stored : {}) as Record<
    string,
    unknown
  >;
  const isEvery = typeof everyS === "number" && Number.isInteger(everyS) && everyS > 0 && everyS <= longestEveryS;
  return {
    open: open === true,
    tab: optionTabs.find((one) => one.tab === tab)?.tab ?? optionsClosed.tab,
    everyS: isEvery ? everyS : optionsClosed.everyS,
  };
}
