import { type Clock, type Readable, Store } from "../data/store";
import type { Gap } from "../data/topic-feed";
import { spanText } from "../model/format";
import type { ZoneClock } from "../model/time-zone";
import type { GapNews } from "../panels/face";
import { nsToMs } from "../protocol/units";

const healedForMs = 15_000;

/** A gap in words: how long, why, and what is missing. */
export function gapText({ fromNs, toNs, cause, missing }: Gap): string {
  const lost = missing === null ? "unknown number of trades missing" : `${missing} trades missing`;
  return `gap of ${spanText(Number(toNs - fromNs) / 1e6)}: ${cause}, ${lost}`;
}

/** Says that a gap was seen, until it is healed; and for a while that it is. */
export class GapWords implements Readable<GapNews | null> {
  readonly #store = new Store<GapNews | null>(null);
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(): GapNews | null {
    return this.#store.get();
  }

  subscribe(run: (value: GapNews | null) => void): () => void {
    return this.#store.subscribe(run);
  }

  say(gap: Gap, healed: boolean, zone: ZoneClock): void {
    const from = zone.timeText(nsToMs(gap.fromNs), true);
    const text = healed ? `${from}: the gap is closed, its trades are in the chart` : `${from}: ${gapText(gap)}`;
    const news = { text, healed };
    this.#store.set(news);
    if (!healed) return;
    this.#clock.after(healedForMs, () => {
      if (this.#store.get() === news) this.#store.set(null);
    });
  }

  dismiss(): void {
    this.#store.set(null);
  }
}
