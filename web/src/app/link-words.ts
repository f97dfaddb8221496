import type { Hub, LinkState } from "../data/hub";
import { Store } from "../data/store";
import { feedWords, type LinkView } from "../model/feed-words";

const silentAfterMs = 8000;
const lookEveryMs = 1000;
const words = { note: "", dims: false, backfill: null } as const;
const live: LinkView = { ...words, phase: "live", text: "live", tone: "ok" };
const stored: LinkView = { ...words, phase: "stored", text: "stored", tone: "quiet" };

const idle: LinkView = { ...words, phase: "stored", text: "connected", tone: "ok" };

/** What is shown, as far as its connection goes. */
export interface Shown {
  readonly symbol: string;
  /** Whether the server says that its feed runs; null while the server has not said. */
  readonly isLive: boolean | null;
}

/** The wall clock, for how long something has lasted; and the clock of messages. */
export interface Clocks {
  wall(): number;
  now(): number;
}

/** Says in words how the connection is, and goes on saying it while nothing comes. */
export class LinkWords {
  readonly store = new Store<LinkView>({ ...words, phase: "connecting", text: "connecting", tone: "warn" });
  readonly #hub: Hub;
  readonly #clocks: Clocks;
  readonly #shown: () => Shown;
  #retryAtMs = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(hub: Hub, clocks: Clocks, shown: () => Shown) {
    this.#hub = hub;
    this.#clocks = clocks;
    this.#shown = shown;
    hub.state.subscribe((state) => this.#changed(state));
    hub.feeds.subscribe(() => this.look());
    this.#timer = setInterval(() => this.look(), lookEveryMs);
  }

  destroy(): void {
    clearInterval(this.#timer);
  }

  #changed(state: LinkState): void {
    if (state.phase === "lost") this.#retryAtMs = this.#clocks.now() + state.retryInMs;
    this.look();
  }

  /** Say it anew: another symbol is shown, or time has gone by. */
  look(): void {
    const next = this.#words(this.#hub.state.get());
    const shown = this.store.get();
    const isSame = (Object.keys(next) as (keyof LinkView)[]).every((name) => next[name] === shown[name]);
    if (!isSame) this.store.set(next);
  }

  #words(state: LinkState): LinkView {
    if (state.phase === "connecting") {
      const text = state.attempt === 0 ? "connecting" : `connecting, attempt ${state.attempt}`;
      // Trying again, what stands on the screen is as old as before.
      return { ...words, phase: "connecting", text, tone: "warn", dims: state.attempt > 0 };
    }
    if (state.phase === "lost") {
      const seconds = Math.max(0, Math.ceil((this.#retryAtMs - this.#clocks.now()) / 1000));
      const text = `connection lost, retrying in ${seconds} s (attempt ${state.attempt})`;
      return { ...words, phase: "lost", text, note: text, tone: "bad", dims: true };
    }
    const { symbol, isLive } = this.#shown();
    if (symbol === "") return idle; // nothing is asked for, and so nothing comes
    const feed = this.#hub.feeds.get().get(symbol);
    if (feed === undefined && isLive === false) return stored;
    if (feed !== undefined && feed.phase !== "live") return feedWords(feed, this.#clocks.wall());
    const silentMs = this.#clocks.now() - this.#hub.lastMessageMs;
    if (silentMs >= silentAfterMs) {
      const note = `no message for ${Math.round(silentMs / 1000)} s`;
      return { ...words, phase: "silent", text: "silent", note, tone: "bad", dims: true };
    }
    // Before the server has said which feeds run, nothing is called live.
    if (feed === undefined) return isLive === null ? idle : live;
    return feedWords(feed, this.#clocks.wall());
  }
}
