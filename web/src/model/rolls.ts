import type { RollSpan } from "../protocol/messages";
import type { BarIndex } from "../protocol/units";
import type { ChartModel } from "./chart-model";
import { written } from "./number-signs";

/** The first bar of the new contract; null where it is not among those that are held. */
export function barIndexOf({ series }: ChartModel, roll: RollSpan): BarIndex | null {
  const index = series.lowerBound(BigInt(roll.at_ns));
  return index > series.first && series.has(index) ? index : null;
}

const rules: Readonly<Record<string, string>> = { date: "at expiry", open_interest: "by open interest" };

/** A roll in words: both contracts, by which rule, and how far the new one stands above the old one. */
export function rollText({ from_symbol, to_symbol, rule, difference }: RollSpan, { signs }: ChartModel): string {
  const above = difference === "" ? "" : `, ${written(signedText(difference), signs)}`;
  return `${from_symbol} → ${to_symbol} ${rules[rule] ?? rule}${above}`;
}

const signedText = (text: string): string => (text.startsWith("-") ? text : `+${text}`);
