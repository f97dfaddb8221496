import type { LargeOrder, LargeOrdersReply, OrdersWant } from "../protocol/orders";
import { RequestFailed, type Rest } from "./rest";
import type { Clock } from "./store";

/** The tape whose orders are wanted, and from when to when; without an end all that comes. */
export interface OrderView {
  readonly symbol: string;
  readonly tape: string;
  readonly fromNs: bigint;
  readonly toNs: bigint | null;
}

/** What is held of one choice: all of `[fromNs, toNs)`, or with null all up to now. */
interface Held {
  readonly fromNs: bigint;
  readonly toNs: bigint | null;
  /** Behind it others may come. */
  readonly settledNs: bigint;
  readonly orders: readonly LargeOrder[];
  readonly params: LargeOrdersReply["params"];
}

interface Slot {
  readonly want: OrdersWant;
  held: Held | null;
  stop: AbortController | null;
  /** The tape has grown since it was asked for. */
  isStale: boolean;
  /** Not before: news of a live tape, and anything after a failure. */
  newsMs: number;
  failedMs: number;
  isWaiting: boolean;
  /** What was refused is not asked for again in the same words. */
  refused: string;
}

/** A stretch that is asked for. */
interface Stretch {
  readonly fromNs: bigint;
  readonly toNs: bigint | null;
}

const growMs = 1000;
const failedMs = 3000;
/** Of a shorter stretch it may be told; everything else is refused of any. */
const tooMuch = 413;
/** So many are drawn at the most: older ones are not asked for behind them. */
const mostHeld = 20_000;

/**
 * Keeps the large orders of a chart as the server has them: what is looked at and not held is asked for, and what is new
 * again and again, one request for each choice at a time, and those that take long more rarely.
 */
export class OrderDesk {
  readonly #rest: Pick<Rest, "largeOrders">;
  readonly #clock: Clock;
  readonly #answered: (label: string, held: Held | null) => void;
  readonly #problem: (words: string) => void;
  readonly #slots = new Map<string, Slot>();
  #view: OrderView | null = null;
  #isHidden = false;

  /** @param on.answered told what is held after each answer; null when it is not there any more */
  constructor(
    rest: Pick<Rest, "largeOrders">,
    clock: Clock,
    on: {
      readonly answered: (label: string, held: Held | null) => void;
      readonly problem: (words: string) => void;
    },
  ) {
    [this.#rest, this.#clock, this.#answered, this.#problem] = [rest, clock, on.answered, on.problem];
  }

  /** Whether nothing is under way or due. */
  get isQuiet(): boolean {
    return [...this.#slots.values()].every(
      (slot) => slot.stop === null && (this.#view === null || this.#missing(slot, this.#view) === null),
    );
  }

  /** These and no others. */
  want(wants: readonly OrdersWant[]): void {
    for (const [label, slot] of this.#slots) {
      const next = wants.find((one) => one.label === label);
      if (next !== undefined && JSON.stringify(next.params) === JSON.stringify(slot.want.params)) continue;
      slot.stop?.abort();
      this.#slots.delete(label);
      if (next === undefined) this.#answered(label, null);
    }
    for (const want of wants) {
      if (this.#slots.has(want.label)) continue;
      const begun = { held: null, stop: null, isStale: false, newsMs: 0, failedMs: 0 };
      this.#slots.set(want.label, { want, ...begun, isWaiting: false, refused: "" });
    }
    this.#pumpAll();
  }

  /** What is looked at; null while no chart is shown. */
  look(view: OrderView | null): void {
    const before = this.#view;
    this.#view = view;
    if (view === null || before === null || view.symbol !== before.symbol || view.tape !== before.tape) {
      for (const [label, slot] of this.#slots) {
        slot.stop?.abort();
        [slot.stop, slot.held, slot.refused] = [null, null, ""];
        this.#answered(label, null);
      }
    }
    this.#pumpAll();
  }

  /** While nobody sees the page nothing is asked for. */
  hide(isHidden: boolean): void {
    this.#isHidden = isHidden;
    this.#pumpAll();
  }

  /** Trades have come; or `anew`, earlier ones have changed. */
  grew(anew: boolean): void {
    for (const slot of this.#slots.values()) {
      slot.isStale = true;
      if (!anew) continue;
      slot.stop?.abort(); // what is under way may have been made before
      [slot.stop, slot.held] = [null, null];
    }
    this.#pumpAll();
  }

  #pumpAll(): void {
    for (const slot of this.#slots.values()) this.#pump(slot);
  }

  #pump(slot: Slot): void {
    const view = this.#view;
    if (view === null || this.#isHidden || slot.stop !== null || slot.isWaiting) return;
    const stretch = this.#missing(slot, view);
    if (stretch === null) return;
    const isNews = stretch.toNs === null && slot.held !== null;
    const wait = Math.max(slot.failedMs, isNews ? slot.newsMs : 0) - this.#clock.now();
    if (wait <= 0) {
      void this.#ask(slot, view, stretch);
      return;
    }
    slot.isWaiting = true;
    this.#clock.after(wait, () => {
      slot.isWaiting = false;
      if (this.#slots.get(slot.want.label) === slot) this.#pump(slot);
    });
  }

  // What is looked at and not held; behind what is held what is new.
  #missing(slot: Slot, view: OrderView): Stretch | null {
    if (slot.refused === tapeOf(slot, view) || slot.refused === stretchOf(slot, view)) return null;
    const { held } = slot;
    if (held === null || isApart(held, view)) return { fromNs: view.fromNs, toNs: view.toNs };
    if (held.toNs !== null && (view.toNs === null || view.toNs > held.toNs))
      return { fromNs: held.settledNs, toNs: view.toNs };
    if (view.fromNs < held.fromNs && held.orders.length < mostHeld) return { fromNs: view.fromNs, toNs: held.fromNs };
    return slot.isStale && held.toNs === null && view.toNs === null ? { fromNs: held.settledNs, toNs: null } : null;
  }

  async #ask(slot: Slot, view: OrderView, stretch: Stretch): Promise<void> {
    const stop = new AbortController();
    const begun = this.#clock.now();
    slot.stop = stop;
    if (stretch.toNs === null) slot.isStale = false;
    try {
      const reply = await this.#rest.largeOrders({ ...view, ...stretch, params: slot.want.params }, stop.signal);
      if (slot.stop !== stop) return;
      slot.refused = "";
      slot.held = joined(slot.held, stretch, reply);
      this.#answered(slot.want.label, slot.held);
    } catch (error) {
      if (slot.stop !== stop || stop.signal.aborted) return;
      this.#failed(slot, view, error);
    }
    slot.stop = null;
    const now = this.#clock.now();
    if (stretch.toNs === null) slot.newsMs = now + Math.max(growMs, 4 * (now - begun));
    this.#pump(slot);
  }

  // What cannot be is said once; what failed on its way is asked for again.
  #failed(slot: Slot, view: OrderView, error: unknown): void {
    slot.failedMs = this.#clock.now() + failedMs;
    const isRefused =
      error instanceof RequestFailed && error.status >= 400 && error.status < 500 && error.status !== 429;
    if (!isRefused) {
      slot.isStale = true;
      return;
    }
    slot.refused = (error as RequestFailed).status === tooMuch ? stretchOf(slot, view) : tapeOf(slot, view);
    slot.held = null;
    this.#answered(slot.want.label, null);
    this.#problem(`Large orders: ${(error as Error).message}`);
  }
}

// Nothing of it is held, and a hole would lie between.
const isApart = (held: Held, view: OrderView): boolean =>
  (held.toNs !== null && view.fromNs > held.toNs) || (view.toNs !== null && view.toNs < held.fromNs);

// An answer that holds the newest of its stretch alone begins later than it was asked to.
function joined(held: Held | null, stretch: Stretch, reply: LargeOrdersReply): Held {
  const fromNs = BigInt(reply.from_ns);
  const fresh: Held = {
    fromNs,
    toNs: stretch.toNs,
    settledNs: BigInt(reply.settled_ns),
    orders: reply.orders,
    params: reply.params,
  };
  if (held === null) return fresh;
  if (stretch.toNs !== null && stretch.toNs === held.fromNs)
    return { ...held, fromNs, orders: [...reply.orders, ...held.orders] };
  const reaches = fromNs === stretch.fromNs && fromNs <= held.settledNs && fromNs >= held.fromNs;
  if (!reaches) return fresh;
  const kept = held.orders.filter(({ ts_ns }) => BigInt(ts_ns) < fromNs);
  return { ...fresh, fromNs: held.fromNs, orders: [...kept, ...reply.orders] };
}

const tapeOf = ({ want }: Slot, view: OrderView): string => JSON.stringify([want.params, view.symbol, view.tape]);
const stretchOf = (slot: Slot, view: OrderView): string =>
  [tapeOf(slot, view), String(view.fromNs), String(view.toNs)].join(" ");
