import type { BarSeries } from "../data/bar-series";
import type { OrderView } from "../data/order-desk";
import type { LargeOrder, OrdersWant } from "../protocol/orders";
import { type BarIndex, nsToMs } from "../protocol/units";
import type { ChartModel } from "./chart-model";
import { unitsOf, unitsText } from "./decimal";
import { exactQuantity } from "./format";
import type { StudyChoice } from "./study-choice";

/** They stand among the chosen studies under a name of their own: one menu, one form, one memory for all. */
export const ordersStudy = "orders:large";

/** The large orders among what is chosen. */
export const ordersOf = (chosen: readonly StudyChoice[]): readonly OrdersWant[] =>
  chosen.flatMap(({ study, label, params }) => (study === ordersStudy ? [{ label, params }] : []));

/** What is told of one choice of large orders. */
export interface HeldOrders {
  readonly label: string;
  readonly orders: readonly LargeOrder[];
  readonly params: Readonly<Record<string, unknown>>;
  /** All from there on are held, ns. */
  readonly fromNs: bigint;
}

/** One order as it is drawn. */
interface Known {
  readonly order: LargeOrder;
  readonly ns: bigint;
  readonly side: -1 | 0 | 1;
  readonly lots: number;
  readonly tick: number;
  /** Its quantity against that from which on it was large. */
  readonly times: number;
}

/** The large orders of the chart, as the server has them. */
export class OrderBoard {
  #held: readonly HeldOrders[] = [];
  #known = new Map<string, readonly Known[]>();
  #version = 0;

  get list(): readonly HeldOrders[] {
    return this.#held;
  }

  /** Grows with each change. */
  get version(): number {
    return this.#version;
  }

  put(label: string, held: Omit<HeldOrders, "label"> | null): void {
    const at = this.#held.findIndex((one) => one.label === label);
    if (held === null && at < 0) return;
    const others = this.#held.filter((one) => one.label !== label);
    const next = held === null ? null : { label, ...held };
    this.#held =
      next === null ? others : at < 0 ? [...others, next] : this.#held.map((one, k) => (k === at ? next : one));
    this.#known.delete(label);
    this.#version += 1;
  }

  /** The orders of a choice in the chart's units. */
  known(held: HeldOrders, { quantity: { lot }, tick }: ChartModel): readonly Known[] {
    const kept = this.#known.get(held.label);
    if (kept !== undefined) return kept;
    const made = held.orders.map((order) => ({
      order,
      ns: BigInt(order.ts_ns),
      side: order.side === "buy" ? (1 as const) : order.side === "sell" ? (-1 as const) : (0 as const),
      lots: unitsOf(order.qty, lot) ?? Math.round(Number(order.qty) / lot.step),
      tick: Number(order.vwap) / tick.step,
      times: Number(order.qty) / Math.max(Number(order.threshold), Number.MIN_VALUE),
    }));
    this.#known.set(held.label, made);
    return made;
  }
}

/** How the circles of a choice are drawn, as its settings say. */
interface Look {
  readonly sides: "both" | "buy" | "sell";
  /** Percent. */
  readonly size: number;
  readonly numbers: "on" | "off";
}

const lookOf = ({ params }: HeldOrders): Look => {
  const { sides, size, numbers } = params as Partial<Look>;
  return { sides: sides ?? "both", size: size ?? 100, numbers: numbers ?? "on" };
};

/** One circle on the screen, device pixels. */
export interface PlacedOrder {
  readonly label: string;
  readonly order: LargeOrder;
  readonly side: -1 | 0 | 1;
  readonly lots: number;
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly numbered: boolean;
}

/** An order that is just large has a circle of this radius; its area grows with its quantity, up to the largest. */
const radiusCss = { least: 5, most: 30 } as const;

/** The circles that can be seen, the largest first: none hides a smaller one. */
export function placedOrders(model: ChartModel): readonly PlacedOrder[] {
  const { from, to } = model.visibleBars();
  if (to < from) return [];
  const span = [model.series.openNs(from as BarIndex), endNs(model.series, to)] as const;
  const placed = model.orders.list.flatMap((held) => placedOf(model, held, span));
  return placed.sort((a, b) => b.radius - a.radius);
}

function placedOf(
  model: ChartModel,
  held: HeldOrders,
  [fromNs, toNs]: readonly [bigint, bigint],
): readonly PlacedOrder[] {
  const { price, dpr } = model;
  const { sides, size, numbers } = lookOf(held);
  const known = model.orders.known(held, model);
  return known.slice(lowerBound(known, fromNs), lowerBound(known, toNs)).flatMap((one) => {
    const { order, side, lots } = one;
    const y = price.yOfPrice(one.tick);
    const radius = Math.min(radiusCss.most, radiusCss.least * Math.sqrt(one.times)) * (size / 100) * dpr;
    const isSeen = (sides === "both" || order.side === sides) && y > -radius && y < price.height + radius;
    const x = xOf(model, one.ns);
    return isSeen ? [{ label: held.label, order, side, lots, x, y, radius, numbered: numbers === "on" }] : [];
  });
}

const endNs = (series: BarSeries, to: number): bigint =>
  to >= series.last ? 2n ** 62n : series.openNs((to + 1) as BarIndex);

/** The share of its bar that circles keep away from either end: there the candle of the next one begins. */
const barEdge = 0.14;

// Within its bar it stands where its time is.
function xOf({ series, time }: ChartModel, ns: bigint): number {
  const index = series.at(ns) ?? series.first;
  const [opens, closes] = [series.openNs(index), series.closeNs(index)];
  const share = closes > opens ? Number(ns - opens) / Number(closes - opens) : 0.5;
  return time.x(index) + time.bar * (barEdge + (1 - 2 * barEdge) * Math.min(1, Math.max(0, share)));
}

function lowerBound(known: readonly Known[], ns: bigint): number {
  let [low, high] = [0, known.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((known[middle] as Known).ns < ns) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The smallest circle under a place: it is drawn last. */
export function orderAt(placed: readonly PlacedOrder[], x: number, y: number): PlacedOrder | null {
  return placed.findLast((one) => Math.hypot(one.x - x, one.y - y) <= one.radius) ?? null;
}

/** What a circle says, a line each. */
export function orderWords(model: ChartModel, { order, side, lots }: PlacedOrder): readonly string[] {
  const { tick, quantity, clock } = model;
  const priceText = (text: string): string => {
    const units = unitsOf(text, tick);
    return units === null ? text : unitsText(units, tick);
  };
  const count = (value: number, what: string): string => `${value} ${what}${value === 1 ? "" : "s"}`;
  const word = side > 0 ? "buy" : side < 0 ? "sell" : "trade without a side";
  const time = nsToMs(BigInt(order.ts_ns));
  const prices =
    order.levels > 1
      ? `${priceText(order.first)} to ${priceText(order.last)}, average ${order.vwap}`
      : `at ${priceText(order.first)}`;
  return [
    `Large ${word} ${exactQuantity(lots, quantity)}`,
    prices,
    `${count(order.trades, "trade")} at ${count(order.levels, "price")}; large from ${order.threshold} on`,
    `${clock.dayText(time)} ${clock.preciseText(time)}`,
  ];
}

/** How much of a chart's past is asked for at the most. */
const mostSpanNs = 7n * 86_400n * 1_000_000_000n;

/** What of a chart is looked at, with a screen on either side; the newest bar stands for all that comes. */
export function orderView({ meta, series, time }: ChartModel): OrderView | null {
  if (meta === null || series.length === 0) return null;
  const { from, to } = time.range(series.first, series.end);
  if (to < from) return null;
  const screen = Math.ceil(time.visible);
  const opensNs = (index: number): bigint =>
    series.openNs(Math.max(series.first, Math.min(series.last, index)) as BarIndex);
  const toNs = to + screen >= series.last ? null : opensNs(to + screen + 1);
  const newestNs = toNs ?? series.openNs(series.last);
  const wantedNs = opensNs(from - screen);
  const fromNs = newestNs - wantedNs > mostSpanNs ? newestNs - mostSpanNs : wantedNs;
  return { symbol: meta.symbol, tape: meta.tape ?? "", fromNs, toNs };
}
