import type { Clock } from "./store";

/** Something to ask the server for. */
export interface Question {
  /** Not before, by the clock; whenever it may be without it. */
  readonly dueMs?: number;
  /** @returns what to do with the answer; it is not done where the question was dropped meanwhile */
  ask(signal: AbortSignal): Promise<() => void>;
}

/**
 * Asks the server what is to be asked, one question at a time, and each when it is due: after an answer for what there is
 * to ask then, after a failure only when somebody looks again.
 */
export class Asker {
  readonly #clock: Clock;
  readonly #next: () => Question | null;
  readonly #failed: (error: unknown) => void;
  #stop: AbortController | null = null;
  #isHidden = false;
  #isClosed = false;
  /** When the clock will say that something may be due. */
  #wakesMs = Number.POSITIVE_INFINITY;

  /** @param next what there is to ask now; null for nothing */
  constructor(clock: Clock, next: () => Question | null, failed: (error: unknown) => void) {
    [this.#clock, this.#next, this.#failed] = [clock, next, failed];
  }

  get isBusy(): boolean {
    return this.#stop !== null;
  }

  /** While nobody sees the page nothing is asked; then what is due at once. */
  hide(isHidden: boolean): void {
    this.#isHidden = isHidden;
    this.look();
  }

  /** The answer that is under way is not wanted any more. */
  drop(): void {
    this.#stop?.abort();
    this.#stop = null;
  }

  close(): void {
    this.#isClosed = true;
    this.drop();
  }

  /** There may be something to ask. */
  look(): void {
    if (this.#isClosed || this.#isHidden || this.isBusy) return;
    const question = this.#next();
    if (question === null) return;
    const dueMs = question.dueMs ?? Number.NEGATIVE_INFINITY;
    if (dueMs <= this.#clock.now()) void this.#ask(question);
    else this.#wakeAt(dueMs);
  }

  #wakeAt(dueMs: number): void {
    if (this.#wakesMs <= dueMs) return;
    this.#wakesMs = dueMs;
    this.#clock.after(dueMs - this.#clock.now(), () => {
      if (this.#wakesMs === dueMs) this.#wakesMs = Number.POSITIVE_INFINITY;
      this.look();
    });
  }

  async #ask(question: Question): Promise<void> {
    const stop = new AbortController();
    this.#stop = stop;
    try {
      const take = await question.ask(stop.signal);
      if (this.#stop !== stop) return;
      this.#stop = null;
      take();
    } catch (error) {
      if (stop.signal.aborted) return;
      this.#stop = null;
      this.#failed(error);
      return;
    }
    this.look();
  }
}
