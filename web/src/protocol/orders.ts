import type { StudyParams } from "./messages";

/** Large orders that are chosen for the chart. */
export interface OrdersWant {
  readonly label: string;
  readonly params: StudyParams;
}

/** One order, put together from its fills; prices and quantities are decimal text, only `vwap` is rounded. */
export interface LargeOrder {
  readonly ts_ns: string;
  readonly side: "buy" | "sell" | "unknown";
  readonly qty: string;
  readonly vwap: string;
  readonly first: string;
  readonly last: string;
  readonly levels: number;
  readonly trades: number;
  /** From this quantity on it was large. */
  readonly threshold: string;
}

/** What `/api/v1/orders/large` answers: from `from_ns` on all of the range; behind `settled_ns` there may be others later. */
export interface LargeOrdersReply {
  readonly symbol: string;
  readonly tape: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly from_ns: string;
  readonly settled_ns: string;
  /** Another one where what was told before may be others now; null of a stretch of the past. */
  readonly reading: number | null;
  readonly orders: readonly LargeOrder[];
}
