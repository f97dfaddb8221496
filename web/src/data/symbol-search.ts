import type { SymbolsFound } from "../protocol/messages";
import type { Rest } from "./rest";
import { type Clock, Store } from "./store";

const restMs = 150;
const askAgainMs = 1000;
const nothing: SymbolsFound = { symbols: [], venues: [] };

/** Searches what can be opened, while words are typed: the newest words alone count. */
export class SymbolSearch {
  readonly store = new Store<SymbolsFound>(nothing);
  readonly #rest: Rest;
  readonly #clock: Clock;
  #words = "";
  #abort = new AbortController();

  constructor(rest: Rest, clock: Clock) {
    this.#rest = rest;
    this.#clock = clock;
  }

  look(text: string): void {
    const words = text.trim();
    if (words === this.#words) return;
    this.#words = words;
    this.#abort.abort();
    if (words === "") this.store.set(nothing);
    else this.#soon(words, restMs);
  }

  #soon(words: string, afterMs: number): void {
    this.#clock.after(afterMs, () => {
      if (words === this.#words) void this.#ask(words);
    });
  }

  // A list that is on its way is looked at again, as long as nobody types on.
  async #ask(words: string): Promise<void> {
    this.#abort = new AbortController();
    try {
      const found = await this.#rest.symbols(words, this.#abort.signal);
      if (words !== this.#words) return;
      this.store.set(found);
      if (found.venues.some(({ state }) => state === "loading")) this.#soon(words, askAgainMs);
    } catch {
      // Given up for newer words; or the connection's own words say that the server is away.
    }
  }
}
