import { type Readable, Store } from "./store";

const idle: (work: () => void) => void =
  typeof requestIdleCallback === "function"
    ? (work) => void requestIdleCallback(work, { timeout: 10_000 })
    : (work) => void setTimeout(work, 3000);

const absent = "This part of the page did not come. Is the server there? Open it again, or reload the page.";

/** A part of the page: null until it is here; `words` stand in its place. */
export interface Part<T> extends Readable<T | null> {
  want(): void;
  readonly words: Readable<string>;
}

/** A part that many who look at the page never open: it is fetched when it is wanted. */
export function wanted<T>(fetch: () => Promise<T>): Part<T> {
  const store = new Store<T | null>(null);
  const words = new Store("");
  let isComing = false;
  const want = (): void => {
    if (isComing) return;
    isComing = true;
    words.set("loading…");
    fetch().then(
      (part) => store.set(part),
      () => {
        isComing = false; // who opens it asks again
        words.set(absent);
      },
    );
  };
  return { get: () => store.get(), subscribe: (listener) => store.subscribe(listener), want, words };
}

/**
 * A part that is seldom opened. The first picture does not wait for it; it is fetched while nothing else is due, so that
 * it opens at once, and also while the server is away.
 */
export function later<T>(fetch: () => Promise<T>): Part<T> {
  const part = wanted(fetch);
  idle(part.want);
  return part;
}
