import type { LargeOrder, LargeOrdersReply, OrdersWant } from "../protocol/orders";
import { Asker, type Question } from "./asker";
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
  /** Another number where trades came late, before those that had settled; of a stretch of the past alone null. */
  readonly reading: LargeOrdersReply["reading"];
}

interface Slot {
  readonly want: OrdersWant;
  readonly asker: Asker;
  held: Held | null;
  /** What was held before all was asked for again: shown until its stretch has been told anew. */
  before: readonly LargeOrder[];
  /** What was looked at when it was asked for last. */
  asked: OrderView | null;
  /** The tape has grown since it was asked for. */
  isStale: boolean;
  /** Earlier trades have changed since all of it was asked for; and whether it was asked for because of that. */
  isOld: boolean;
  isAgain: boolean;
  /** Not before: news of a live tape, and anything after a failure. */
  newsMs: number;
  failedMs: number;
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
      (slot) => !slot.asker.isBusy && (this.#view === null || this.#missing(slot, this.#view) === null),
    );
  }

  /** These and no others. */
  want(wants: readonly OrdersWant[]): void {
    for (const [label, slot] of this.#slots) {
      const next = wants.find((one) => one.label === label);
      if (next !== undefined && JSON.stringify(next.params) === JSON.stringify(slot.want.params)) continue;
      slot.asker.close();
      this.#slots.delete(label);
      if (next === undefined) this.#answered(label, null);
    }
    for (const want of wants) if (!this.#slots.has(want.label)) this.#slots.set(want.label, this.#slotOf(want));
    this.#lookAll();
  }

  #slotOf(want: OrdersWant): Slot {
    const slot: Slot = {
      want,
      asker: new Asker(
        this.#clock,
        () => this.#next(slot),
        (error) => this.#failed(slot, error),
      ),
      ...{ held: null, before: [], asked: null, isStale: false, isOld: false, isAgain: false },
      ...{ newsMs: 0, failedMs: 0, refused: "" },
    };
    slot.asker.hide(this.#isHidden);
    return slot;
  }

  /** What is looked at; null while no chart is shown. */
  look(view: OrderView | null): void {
    const before = this.#view;
    this.#view = view;
    if (view === null || before === null || view.symbol !== before.symbol || view.tape !== before.tape) {
      for (const [label, slot] of this.#slots) {
        slot.asker.drop();
        [slot.held, slot.before, slot.refused, slot.isOld] = [null, [], "", false];
        this.#answered(label, null);
      }
    }
    this.#lookAll();
  }

  /** While nobody sees the page nothing is asked for. */
  hide(isHidden: boolean): void {
    this.#isHidden = isHidden;
    for (const { asker } of this.#slots.values()) asker.hide(isHidden);
  }

  /** Trades have come; or `anew`, earlier ones have changed. */
  grew(anew: boolean): void {
    for (const slot of this.#slots.values()) {
      slot.isStale = true;
      if (!anew) continue;
      // What is under way may have been made before. Where trades come late all the time it is let come all the same.
      if (!slot.isOld && !slot.isAgain) slot.asker.drop();
      slot.isOld = true;
    }
    this.#lookAll();
  }

  #lookAll(): void {
    for (const { asker } of this.#slots.values()) asker.look();
  }

  #next(slot: Slot): Question | null {
    const view = this.#view;
    const stretch = view === null ? null : this.#missing(slot, view);
    if (view === null || stretch === null) return null;
    const isNews = slot.held !== null && (stretch.toNs === null || (slot.isOld && isAll(stretch, view)));
    return {
      dueMs: Math.max(slot.failedMs, isNews ? slot.newsMs : 0),
      ask: (signal) => this.#ask(slot, view, stretch, signal),
    };
  }

  // What is looked at and not held; behind what is held what is new.
  #missing(slot: Slot, view: OrderView): Stretch | null {
    if (slot.refused === tapeOf(slot, view) || slot.refused === stretchOf(slot, view)) return null;
    const { held } = slot;
    if (held === null || isApart(held, view)) return { fromNs: view.fromNs, toNs: view.toNs };
    if (held.toNs !== null && (view.toNs === null || view.toNs > held.toNs))
      return { fromNs: held.settledNs, toNs: view.toNs };
    if (view.fromNs < held.fromNs && held.orders.length < mostHeld) return { fromNs: view.fromNs, toNs: held.fromNs };
    if (slot.isOld) return { fromNs: view.fromNs, toNs: view.toNs };
    return slot.isStale && held.toNs === null && view.toNs === null ? { fromNs: held.settledNs, toNs: null } : null;
  }

  async #ask(slot: Slot, view: OrderView, stretch: Stretch, signal: AbortSignal): Promise<() => void> {
    const begun = this.#clock.now();
    slot.asked = view;
    slot.isAgain = slot.isOld && isAll(stretch, view);
    if (slot.isAgain) slot.isOld = false;
    const { isAgain } = slot;
    if (stretch.toNs === null) slot.isStale = false;
    try {
      const reply = await this.#rest.largeOrders({ ...view, ...stretch, params: slot.want.params }, signal);
      return () => {
        slot.refused = "";
        const before = isAgain ? null : slot.held;
        const read = before?.reading ?? reply.reading;
        // Trades came so late that those before them may be others now: all is asked for again.
        const isAnew = stretch.toNs === null && read !== reply.reading;
        if (isAgain || isAnew) slot.before = shownOf(slot);
        slot.held = isAnew ? null : joined(before, stretch, reply);
        slot.before = olderThan(slot.before, slot.held);
        if (slot.held !== null) this.#answered(slot.want.label, { ...slot.held, orders: shownOf(slot) });
      };
    } finally {
      const now = this.#clock.now();
      if (stretch.toNs === null || isAgain) slot.newsMs = now + Math.max(growMs, 4 * (now - begun));
    }
  }

  // What cannot be is said once; what failed on its way is asked for again.
  #failed(slot: Slot, error: unknown): void {
    slot.failedMs = this.#clock.now() + failedMs;
    const isRefused =
      error instanceof RequestFailed && error.status >= 400 && error.status < 500 && error.status !== 429;
    if (!isRefused) [slot.isStale, slot.isOld] = [true, slot.isOld || slot.isAgain];
    else if (slot.asked !== null) {
      slot.refused = error.status === tooMuch ? stretchOf(slot, slot.asked) : tapeOf(slot, slot.asked);
      [slot.held, slot.before] = [null, []];
      this.#answered(slot.want.label, null);
      this.#problem(`Large orders: ${error.message}`);
    }
    slot.asker.look();
  }
}

const isAll = (stretch: Stretch, view: OrderView): boolean =>
  stretch.fromNs === view.fromNs && stretch.toNs === view.toNs;

const shownOf = ({ held, before }: Slot): readonly LargeOrder[] =>
  before.length === 0 ? (held?.orders ?? []) : [...before, ...(held?.orders ?? [])];

// An answer holds the newest of its stretch alone: those before it come with the next ones.
const olderThan = (orders: readonly LargeOrder[], held: Held | null): readonly LargeOrder[] =>
  held === null || orders.length === 0 ? orders : orders.filter(({ ts_ns }) => BigInt(ts_ns) < held.fromNs);

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
    reading: reply.reading,
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
