import type { Rest } from "../data/rest";
import { type Clock, Store } from "../data/store";
import type { LoginRow } from "../protocol/messages";

const lookEveryMs = 60_000;

/** The brokers that need a login, and how their tokens stand. */
export class Logins {
  readonly store = new Store<readonly LoginRow[]>([]);
  readonly #rest: Rest;
  readonly #clock: Clock;

  constructor(rest: Rest, clock: Clock) {
    this.#rest = rest;
    this.#clock = clock;
  }

  /** Ask how the tokens stand, and go on asking where the server has logins at all. */
  async look(): Promise<void> {
    try {
      this.store.set(await this.#rest.logins());
    } catch {
      // The connection's own words say that the server is away.
    }
    if (this.store.get().length > 0) this.#clock.after(lookEveryMs, () => void this.look());
  }

  /** Send a form. @returns how the token stands now; rejects with the server's words */
  async logIn(venue: string, way: string, fields: Readonly<Record<string, string>>): Promise<LoginRow> {
    const row = await this.#rest.logIn(venue, way, fields);
    this.store.set(this.store.get().map((one) => (one.venue === row.venue ? row : one)));
    return row;
  }
}
