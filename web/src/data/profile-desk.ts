import type { ProfilesReply, ProfileWant } from "../protocol/profiles";
import { Asker, type Question } from "./asker";
import { RequestFailed, type Rest } from "./rest";
import type { Clock } from "./store";

/** The chart whose profiles are wanted, and what of it is looked at: bars that open in `[fromNs, toNs)`. */
export interface ProfileView {
  readonly symbol: string;
  readonly tape: string;
  readonly bars: string;
  readonly ticksPerLevel: number;
  readonly fromNs: bigint;
  readonly toNs: bigint;
  /** The same with what lies beside it, so that a small move needs no new answer. */
  readonly nearFromNs: bigint;
  readonly nearToNs: bigint;
}

interface Slot {
  readonly want: ProfileWant;
  readonly asker: Asker;
  /** What the answer held, or the one on its way, is of. */
  asked: ProfileView | null;
  /** The tape has grown since it was asked for. */
  isStale: boolean;
  /** Not before: who takes long is asked more rarely. */
  movedDueMs: number;
  grewDueMs: number;
  /** What was refused is not asked for again in the same words. */
  refused: string;
}

/** A profile that follows a live tape is asked for so often at the most. */
const growMs = 500;
const failedMs = 3000;

/**
 * Keeps the profiles of a chart as the server has them: asked for again when the view has moved or the tape has grown, one
 * request for each at a time, and those that take long more rarely.
 */
export class ProfileDesk {
  readonly #rest: Pick<Rest, "profiles">;
  readonly #clock: Clock;
  readonly #answered: (label: string, reply: ProfilesReply | null) => void;
  readonly #problem: (words: string) => void;
  readonly #slots = new Map<string, Slot>();
  #view: ProfileView | null = null;
  #isHidden = false;

  /** @param answered told each answer; null when a profile is not there any more */
  constructor(
    rest: Pick<Rest, "profiles">,
    clock: Clock,
    on: {
      readonly answered: (label: string, reply: ProfilesReply | null) => void;
      readonly problem: (words: string) => void;
    },
  ) {
    this.#rest = rest;
    this.#clock = clock;
    this.#answered = on.answered;
    this.#problem = on.problem;
  }

  /** Whether nothing is under way or due. */
  get isQuiet(): boolean {
    return [...this.#slots.values()].every(
      (slot) => !slot.asker.isBusy && (this.#view === null || this.#needs(slot, this.#view) === "no"),
    );
  }

  /** These profiles and no others. */
  want(wants: readonly ProfileWant[]): void {
    for (const [label, slot] of this.#slots) {
      const next = wants.find((one) => one.label === label);
      if (next !== undefined && same(next, slot.want)) continue;
      slot.asker.close();
      this.#slots.delete(label);
      if (next === undefined) this.#answered(label, null);
    }
    for (const want of wants) if (!this.#slots.has(want.label)) this.#slots.set(want.label, this.#slotOf(want));
    this.#lookAll();
  }

  #slotOf(want: ProfileWant): Slot {
    const slot: Slot = {
      want,
      asker: new Asker(
        this.#clock,
        () => this.#next(slot),
        (error) => this.#failed(slot, error),
      ),
      asked: null,
      isStale: false,
      movedDueMs: Number.NEGATIVE_INFINITY,
      grewDueMs: Number.NEGATIVE_INFINITY,
      refused: "",
    };
    slot.asker.hide(this.#isHidden);
    return slot;
  }

  /** What is looked at; null while no chart is shown. */
  look(view: ProfileView | null): void {
    const isOther = view === null || this.#view === null || !sameChart(view, this.#view);
    this.#view = view;
    if (isOther) {
      for (const [label, slot] of this.#slots) {
        slot.asker.drop();
        slot.asked = null;
        slot.refused = "";
        this.#answered(label, null);
      }
    }
    this.#lookAll();
  }

  /** While nobody sees the page nothing is asked for; then all that is due at once. */
  hide(isHidden: boolean): void {
    this.#isHidden = isHidden;
    for (const { asker } of this.#slots.values()) asker.hide(isHidden);
  }

  /** Trades have come, or have changed, in bars that open at `sinceNs` or later. */
  grew(sinceNs: bigint): void {
    for (const slot of this.#slots.values()) if (endOf(slot) > sinceNs) slot.isStale = true;
    this.#lookAll();
  }

  #lookAll(): void {
    for (const { asker } of this.#slots.values()) asker.look();
  }

  #next(slot: Slot): Question | null {
    const view = this.#view;
    const need = view === null ? "no" : this.#needs(slot, view);
    if (view === null || need === "no") return null;
    return {
      dueMs: need === "moved" ? slot.movedDueMs : slot.grewDueMs,
      ask: (signal) => this.#ask(slot, view, signal),
    };
  }

  #needs(slot: Slot, view: ProfileView): "no" | "moved" | "grew" {
    if (slot.refused !== "" && slot.refused === wordsOf(slot, view)) return "no";
    const { asked, want } = slot;
    if (asked === null) return "moved";
    if (want.kind === "visible" && (asked.fromNs !== view.fromNs || asked.toNs !== view.toNs)) return "moved";
    const isSessions = want.kind === "session" || want.kind === "tpo";
    if (isSessions && (view.fromNs < asked.nearFromNs || view.toNs > asked.nearToNs)) return "moved";
    return slot.isStale ? "grew" : "no";
  }

  async #ask(slot: Slot, view: ProfileView, signal: AbortSignal): Promise<() => void> {
    const begun = this.#clock.now();
    [slot.asked, slot.isStale] = [view, false];
    try {
      const reply = await this.#rest.profiles(slot.want, view, signal);
      return () => {
        slot.refused = "";
        this.#answered(slot.want.label, reply);
      };
    } finally {
      const now = this.#clock.now();
      slot.movedDueMs = now + (now - begun);
      slot.grewDueMs = Math.max(slot.grewDueMs, now + Math.max(growMs, 4 * (now - begun)));
    }
  }

  // What cannot be is said once; what failed on its way is asked for again.
  #failed(slot: Slot, error: unknown): void {
    const isRefused =
      error instanceof RequestFailed && error.status >= 400 && error.status < 500 && error.status !== 429;
    if (!isRefused) {
      slot.isStale = true;
      slot.grewDueMs = Math.max(slot.grewDueMs, this.#clock.now() + failedMs);
    } else if (slot.asked !== null) {
      slot.refused = wordsOf(slot, slot.asked);
      this.#answered(slot.want.label, null);
      this.#problem(`${slot.want.label.replace("profile:", "")}: ${error.message}`);
    }
    slot.asker.look();
  }
}

const endless = 2n ** 62n;

// Until when trades count in a profile: what is behind it changes nothing.
function endOf({ want, asked }: Slot): bigint {
  if (want.kind === "visible" && asked !== null) return asked.toNs;
  const { to_ns: to } = want.params as { readonly to_ns?: unknown };
  return want.kind === "fixed" && typeof to === "string" && /^\d+$/.test(to) ? BigInt(to) : endless;
}

const same = (one: ProfileWant, other: ProfileWant): boolean =>
  one.kind === other.kind && JSON.stringify(one.params) === JSON.stringify(other.params);

const sameChart = (one: ProfileView, other: ProfileView): boolean =>
  one.symbol === other.symbol &&
  one.tape === other.tape &&
  one.bars === other.bars &&
  one.ticksPerLevel === other.ticksPerLevel;

const wordsOf = (slot: Slot, view: ProfileView): string =>
  slot.want.kind === "visible" ? `${view.fromNs}-${view.toNs}` : slot.want.kind;
