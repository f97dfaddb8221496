import type { Hub } from "../data/hub";
import { type Clock, Store } from "../data/store";

const askAgainMs = 2000;

/** Waits for the first trade of a symbol whose feed runs, and then opens its chart. */
export class Waiting {
  /** The symbol that is waited for; "" where none is. */
  readonly store = new Store("");
  readonly #hub: Hub;
  readonly #clock: Clock;
  readonly #open: () => void;
  #isTimed = false;

  constructor(hub: Hub, clock: Clock, open: () => void) {
    this.#hub = hub;
    this.#clock = clock;
    this.#open = open;
    hub.feeds.subscribe((feeds) => {
      if (this.store.get() !== "" && feeds.get(this.store.get())?.has_trades === true) this.#openSoon();
    });
  }

  wait(symbol: string): void {
    this.store.set(symbol);
    if (this.#hub.feeds.get().get(symbol)?.has_trades === true) this.#openSoon();
  }

  stop(): void {
    this.store.set("");
  }

  // Trades that are announced may not be in the store yet: what is refused once more is asked again a little later.
  #openSoon(): void {
    if (this.#isTimed) return;
    this.#isTimed = true;
    this.#clock.after(this.#triedNow() ? askAgainMs : 0, () => {
      this.#isTimed = false;
      if (this.store.get() !== "") this.#open();
    });
  }

  #lastTryMs = Number.NEGATIVE_INFINITY;

  #triedNow(): boolean {
    const now = this.#clock.now();
    const recently = now - this.#lastTryMs < 2 * askAgainMs;
    this.#lastTryMs = now;
    return recently;
  }
}
