import type { SnapshotMeta } from "../protocol/messages";

type Contract = Pick<SnapshotMeta, "base" | "contract_multiplier" | "inverse">;
type Traded = Pick<SnapshotMeta, "lot_size" | "market_lot">;

/** The quantity of one lot: what the market trades in, or the least there is. */
export const lotOf = (meta: Traded): string => meta.market_lot ?? meta.lot_size;

/** How many of the least quantities make a lot. */
export function stepsPerLot(meta: Traded): number {
  return Math.max(1, Math.round(Number(lotOf(meta)) / Number(meta.lot_size)));
}

/** What quantities count: the base asset, or contracts that stand for something else; "" where it is not known. */
export function unitName(meta: Contract | null): string {
  if (meta === null) return "";
  const isContract = meta.inverse === true || Number(meta.contract_multiplier ?? 1) !== 1;
  return isContract ? "contracts" : meta.base;
}

/** What a unit of quantity is worth in the quote currency. @param price in the quote currency */
export function quoteWorth(meta: Contract | null, price: number): number {
  const multiplier = Number(meta?.contract_multiplier ?? 1);
  return meta?.inverse === true ? multiplier : multiplier * price;
}
