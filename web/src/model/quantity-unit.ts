import type { SnapshotMeta } from "../protocol/messages";

type Contract = Pick<SnapshotMeta, "base" | "contract_multiplier" | "inverse">;

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
