import { type Frame } from "../protocol/decode";
import { type GapSpan, type Status, type TopicRequest } from "../protocol/messages";
import { type Clock, type Readable } from "./store";
/** Where the connection stands, as the header says it. */
export type LinkState = {
    readonly phase: "connecting";
    readonly attempt: number;
} | {
    readonly phase: "live";
} | {
    readonly phase: "lost";
    readonly attempt: number;
    readonly retryInMs: number;
};
/** The part of a WebSocket that is used, so that tests can bring their own. */
export interface Socket {
    binaryType: string;
    onopen: ((event: Event) => void) | null;
    onclose: ((event: CloseEvent) => void) | null;
    onmessage: ((event: MessageEvent<string | ArrayBuffer>) => void) | null;
    send(text: string): void;
    close(): void;
}
/** Who listens to one topic. */
export interface TopicListener {
    subscribed(topic: TopicRequest): void;
    frame(frame: Frame): void;
    gap(gap: GapSpan): void;
    rebuilt(fromNs: bigint): void;
    status(status: Status): void;
    refused(code: string, message: string): void;
}
/** The wait before attempt `attempt` (1, 2, ...): doubled each time, with a fifth of chance so that tabs do not march in step. */
export declare function backoffMs(attempt: number, random: number): number;
/** One WebSocket for all topics of the page: connects, asks again after a loss, and hands out what comes. */
export declare class Hub {
    #private;
    /** When the last message came, by the clock given. */
    lastMessageMs: number;
    constructor(open: () => Socket, clock?: Clock);
    get state(): Readable<LinkState>;
    /** Be told of what cannot be understood or was refused without naming a topic. */
    onProblem(run: (message: string) => void): void;
    connect(): void;
    close(): void;
    /** Ask for a topic; it is asked for again after each reconnect. Returns the function that gives it up. */
    subscribe(request: TopicRequest, historyBars: number, listener: TopicListener): () => void;
    /** Give up the wait and try now: the machine is online again, or the user asked. */
    retryNow(): void;
}
