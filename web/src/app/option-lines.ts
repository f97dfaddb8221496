import { isUnderlying } from "../data/chain-choice";
import type { OptionView } from "../data/options-desk";
import type { Grid } from "../model/decimal";
import { type OptionLevels, optionLevels } from "../model/option-levels";

/** The levels of the chain that is looked at, on the chart of a symbol; null where that is of something else. */
export function levelsOf({ chain, chains, readOut }: OptionView, charted: string, tick: Grid): OptionLevels | null {
  const info = chains.find(({ symbol }) => symbol === chain?.symbol);
  if (chain === null || info === undefined || !isUnderlying(info, charted)) return null;
  return optionLevels(chain, tick, readOut?.symbol === charted ? readOut : null);
}
