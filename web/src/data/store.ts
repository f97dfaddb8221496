/** A value that panels can watch. The shape is the one that Svelte reads with `$store`. */
export interface Readable<T> {
  get(): T;
  /** Calls `run` at once and on each change; returns the function that stops it. */
  subscribe(run: (value: T) => void): () => void;
}

export class Store<T> implements Readable<T> {
  #value: T;
  readonly #runs = new Set<(value: T) => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get(): T {
    return this.#value;
  }

  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const run of this.#runs) run(value);
  }

  subscribe(run: (value: T) => void): () => void {
    this.#runs.add(run);
    run(this.#value);
    return () => this.#runs.delete(run);
  }
}

/** What a throttled store needs of the world, so that tests bring their own clock. */
export interface Clock {
  now(): number;
  after(delayMs: number, run: () => void): void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after: (delayMs, run) => void setTimeout(run, delayMs),
};

/**
 * A store that tells its readers at most every `periodMs`: the first change at once, the newest of the rest when the
 * period ends. Panels read market data through it, so that ticks never set their pace.
 */
export class ThrottledStore<T> implements Readable<T> {
  readonly #shown: Store<T>;
  readonly #clock: Clock;
  readonly #periodMs: number;
  #read: (() => T) | null = null;
  #lastMs = Number.NEGATIVE_INFINITY;
  #waiting = false;

  constructor(value: T, periodMs = 50, clock: Clock = systemClock) {
    this.#shown = new Store(value);
    this.#periodMs = periodMs;
    this.#clock = clock;
  }

  get(): T {
    return this.#shown.get();
  }

  subscribe(run: (value: T) => void): () => void {
    return this.#shown.subscribe(run);
  }

  /** Say that the value has changed; `read` makes it when it is time to show it, and is not called before. */
  touch(read: () => T): void {
    this.#read = read;
    if (this.#waiting) return;
    const due = this.#lastMs + this.#periodMs - this.#clock.now();
    if (due <= 0) {
      this.#show();
      return;
    }
    this.#waiting = true;
    this.#clock.after(due, () => {
      this.#waiting = false;
      this.#show();
    });
  }

  /** Show a value now, however lately another one was shown. */
  put(read: () => T): void {
    this.#read = read;
    this.#show();
  }

  #show(): void {
    if (this.#read === null) return;
    this.#lastMs = this.#clock.now();
    const read = this.#read;
    this.#read = null;
    this.#shown.set(read());
  }
}
