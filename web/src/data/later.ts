import { type Readable, Store } from "./store";

const idle: (work: () => void) => void =
  typeof requestIdleCallback === "function"
    ? (work) => void requestIdleCallback(work, { timeout: 10_000 })
    : (work) => void setTimeout(work, 3000);

/**
 * A part of the page that is seldom opened. The first picture does not wait for it; it is fetched while nothing else is
 * due, so that it opens at once, and also while the server is away. Null until it is here.
 */
export function later<T>(fetch: () => Promise<T>): Readable<T | null> & { want(): void } {
  const store = new Store<T | null>(null);
  let isComing = false;
  const want = (): void => {
    if (isComing) return;
    isComing = true;
    fetch().then(
      (part) => store.set(part),
      () => {
        isComing = false; // who opens it asks again
      },
    );
  };
  idle(want);
  return { get: () => store.get(), subscribe: (listener) => store.subscribe(listener), want };
}
