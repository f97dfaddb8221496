/** A value that panels can watch. The shape is the one that Svelte reads with `$store`. */
export interface Readable<T> {
    get(): T;
    /** Calls `run` at once and on each change; returns the function that stops it. */
    subscribe(run: (value: T) => void): () => void;
}
export declare class Store<T> implements Readable<T> {
    #private;
    constructor(value: T);
    get(): T;
    set(value: T): void;
    subscribe(run: (value: T) => void): () => void;
}
/** What a throttled store needs of the world, so that tests bring their own clock. */
export interface Clock {
    now(): number;
    after(delayMs: number, run: () => void): void;
}
export declare const systemClock: Clock;
/**
 * A store that tells its readers at most every `periodMs`: the first change at once, the newest of the rest when the
 * period ends. Panels read market data through it, so that ticks never set their pace.
 */
export declare class ThrottledStore<T> implements Readable<T> {
    #private;
    constructor(value: T, periodMs?: number, clock?: Clock);
    get(): T;
    subscribe(run: (value: T) => void): () => void;
    /** Say that the value has changed; `read` makes it when it is time to show it, and is not called before. */
    touch(read: () => T): void;
}
