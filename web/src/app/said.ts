import { type Clock, Store } from "../data/store";
import type { SaidView } from "../panels/face";

const shownForMs = 12_000;
const undoForMs = 60_000;

/** What was done a moment ago, with the way back where there is one. */
export class Said {
  readonly store = new Store<SaidView | null>(null);
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param undo takes it back; what can be taken back is said for longer, but not for ever: it stands over the chart */
  say(text: string, undo: (() => Promise<void>) | null = null): void {
    const view: SaidView = { text, undo: undo === null ? null : () => void this.#undo(undo) };
    this.store.set(view);
    this.#clock.after(undo === null ? shownForMs : undoForMs, () => {
      if (this.store.get() === view) this.store.set(null);
    });
  }

  dismiss(): void {
    this.store.set(null);
  }

  async #undo(undo: () => Promise<void>): Promise<void> {
    try {
      await undo();
      this.say("Undone.");
    } catch (error) {
      this.say(`It could not be undone: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}
