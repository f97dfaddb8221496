import { decodeFrame, type Frame } from "../protocol/decode";
import { NO_SEQ } from "../protocol/layout.generated";
import {
  type ClientMessage,
  type FeedNews,
  type GapSpan,
  type Placed,
  parseServerMessage,
  type ServerMessage,
  type Status,
  type StudyRequest,
  type StudySpec,
  type Subscribed,
  type TopicRequest,
} from "../protocol/messages";
import type { ChainSaid, StreamRequest, StreamSaid } from "../protocol/streams";
import { decodeStudies, isStudyFrame, type StudyFrame } from "../protocol/studies";
import { type Clock, type Readable, Store, systemClock } from "./store";

/** Where the connection stands, as the header says it. */
export type LinkState =
  | { readonly phase: "connecting"; readonly attempt: number }
  | { readonly phase: "live" }
  | { readonly phase: "lost"; readonly attempt: number; readonly retryInMs: number };

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
  subscribed(topic: TopicRequest, studies: readonly StudySpec[]): void;
  frame(frame: Frame): void;
  /** What the studies beside the bars say. */
  studies(frame: StudyFrame): void;
  gap(gap: GapSpan): void;
  /** Bars from there on were built anew, with null perhaps all; a snapshot follows. */
  rebuilt(fromNs: bigint | null): void;
  /** Something that was sent did not come: what is held may be wrong. */
  lost(): void;
  status(status: Status): void;
  refused(code: string, message: string): void;
}

/** What is asked for: a chart, and the studies beside it. */
export interface Wanted {
  readonly topic: TopicRequest;
  readonly historyBars: number;
  readonly studies: readonly StudyRequest[];
}

/** Who listens to a stream beside the trades. */
export interface StreamListener {
  /** It was granted, for the first time or anew. */
  granted(): void;
  said(message: StreamSaid | ChainSaid): void;
  lost(): void;
  refused(code: string, message: string): void;
}

interface Topic {
  readonly wanted: Wanted;
  readonly listener: TopicListener;
  requestId: number;
  topicId: number | null;
}

interface Stream {
  readonly request: StreamRequest;
  readonly listener: StreamListener;
  requestId: number;
  topicId: number | null;
}

const firstDelayMs = 500;
const longestDelayMs = 10_000;
/** A connection that has said nothing for so long is asked whether it is still there. */
const askAfterMs = 10_000;
/** The longest wait for its answer, and for that of a line on which a large snapshot stands before it for longer. */
const giveUpAfterMs = 20_000;
const longestGiveUpMs = 320_000;
/** Who has not looked for so long was asleep: whatever came meanwhile has not been read yet. */
const sleptMs = 5000;

/** The wait before attempt `attempt` (1, 2, ...): doubled each time, with a fifth of chance so that tabs do not march in step. */
export function backoffMs(attempt: number, random: number): number {
  return Math.min(longestDelayMs, firstDelayMs * 2 ** (attempt - 1)) * (0.8 + 0.4 * random);
}

/** One WebSocket for all topics of the page: connects, asks again after a loss, and hands out what comes. */
export class Hub {
  readonly #open: () => Socket;
  readonly #clock: Clock;
  readonly #state = new Store<LinkState>({ phase: "connecting", attempt: 0 });
  readonly #feeds = new Store<ReadonlyMap<string, FeedNews>>(new Map());
  readonly #topics = new Set<Topic>();
  readonly #streams = new Set<Stream>();
  /** The place of the last message of each topic. */
  readonly #places = new Map<number, number>();
  /** Topics that were granted when nobody wanted them any more. */
  readonly #unwanted = new Set<number>();
  #socket: Socket | null = null;
  #live = false;
  #attempt = 0;
  #nextId = 1;
  #closed = false;
  #problem: (message: string) => void = () => {};
  #dead: () => void = () => {};
  /** When the last message came that says something of what is shown, by the clock given. */
  lastMessageMs = 0;
  #heardMs = 0;
  /** What waits for an answer: any message is one. */
  #question: { readonly sinceMs: number; wasLate: boolean } | null = null;
  #giveUpAfterMs = giveUpAfterMs;
  #lookedMs = 0;

  constructor(open: () => Socket, clock: Clock = systemClock) {
    this.#open = open;
    this.#clock = clock;
  }

  get state(): Readable<LinkState> {
    return this.#state;
  }

  /** How the feeds of live symbols stand, by symbol, in the order in which the server was asked for them. */
  get feeds(): Readable<ReadonlyMap<string, FeedNews>> {
    return this.#feeds;
  }

  /** Be told of what cannot be understood or was refused without naming a topic. */
  onProblem(run: (message: string) => void): void {
    this.#problem = run;
  }

  /** Be told of a connection that is dead without having ended: whatever else waits for the server waits in vain. */
  onDead(run: () => void): void {
    this.#dead = run;
  }

  connect(): void {
    if (this.#closed || this.#socket !== null) return;
    this.#state.set({ phase: "connecting", attempt: this.#attempt });
    this.#question = { sinceMs: this.#clock.now(), wasLate: false };
    const socket = this.#open();
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = () => this.#lost(socket);
  }

  close(): void {
    this.#closed = true;
    this.#socket?.close();
  }

  /** Ask for a topic; it is asked for again after each reconnect. Returns the function that gives it up. */
  subscribe(wanted: Wanted, listener: TopicListener): () => void {
    const topic: Topic = { wanted, listener, requestId: 0, topicId: null };
    this.#topics.add(topic);
    if (this.#live) this.#ask(topic);
    return () => {
      this.#topics.delete(topic);
      this.#left(topic.topicId);
    };
  }

  /** Ask for a stream beside the trades, and again after each reconnect. Returns the function that gives it up. */
  subscribeStream(request: StreamRequest, listener: StreamListener): () => void {
    const stream: Stream = { request, listener, requestId: 0, topicId: null };
    this.#streams.add(stream);
    if (this.#live) this.#askStream(stream);
    return () => {
      this.#streams.delete(stream);
      this.#left(stream.topicId);
    };
  }

  // The server holds a topic once, whoever else of the page still listens to it.
  #left(id: number | null): void {
    if (this.#live && id !== null && this.#of(id).length === 0) this.#send({ op: "unsubscribe", topic_id: id });
  }

  /** Give up the wait and try now: the machine is online again, or the user asked. */
  retryNow(): void {
    if (this.#socket === null) this.connect();
  }

  /**
   * To be called each second, of which a hidden page gets one a minute: a machine that slept or changed its network
   * keeps connections that the other side has ended long ago, and nobody tells. What is silent is asked; what does not
   * answer is given up and made anew, behind a sleep at the second look: the answer may wait to be read.
   */
  look(): void {
    const now = this.#clock.now();
    const slept = now - this.#lookedMs > sleptMs;
    this.#lookedMs = now;
    const socket = this.#socket;
    if (socket === null) return;
    const question = this.#question;
    const isLate = question !== null && now - question.sinceMs >= this.#giveUpAfterMs;
    if (isLate && (question.wasLate || !slept)) this.#abandon(socket);
    else if (slept || (question === null && now - this.#heardMs >= askAfterMs)) this.probe();
    if (isLate) question.wasLate = true;
  }

  // A line that is slow and not dead is given longer each time, until it has brought something.
  #abandon(socket: Socket): void {
    if (this.#live) this.#giveUpAfterMs = Math.min(longestGiveUpMs, 2 * this.#giveUpAfterMs);
    socket.onmessage = null;
    this.#lost(socket);
    socket.close();
    this.#dead();
  }

  /** Ask the connection whether it is still there: the machine woke, or its network is another one. */
  probe(): void {
    if (this.#socket === null) return;
    this.#question ??= { sinceMs: this.#clock.now(), wasLate: false };
    if (this.#live) this.#send({ op: "ping" });
  }

  #receive(data: string | ArrayBuffer): void {
    this.#heardMs = this.#clock.now();
    this.#question = null;
    try {
      if (typeof data === "string") {
        const message = parseServerMessage(data);
        if (message === null) return;
        this.lastMessageMs = this.#heardMs;
        this.#onMessage(message);
        return;
      }
      this.lastMessageMs = this.#heardMs;
      this.#giveUpAfterMs = giveUpAfterMs;
      if (isStudyFrame(data)) this.#onStudies(decodeStudies(data));
      else this.#onFrame(decodeFrame(data));
    } catch (error) {
      this.#problem(error instanceof Error ? error.message : String(error));
    }
  }

  #onFrame(frame: Frame): void {
    for (const topic of this.#charts(frame.topicId)) topic.listener.frame(frame);
    this.#check(frame.topicId, frame.topicSeq, frame.prevSeq);
  }

  #onStudies(frame: StudyFrame): void {
    for (const topic of this.#charts(frame.topicId)) topic.listener.studies(frame);
    this.#check(frame.topicId, frame.topicSeq, frame.prevSeq);
  }

  // What the server replaced while it waited is no loss: then the message before this one is the last that came.
  #check(topicId: number, seq: number, prevSeq: number): void {
    const last = this.#places.get(topicId);
    this.#places.set(topicId, seq);
    if (prevSeq === NO_SEQ || last === undefined || last === prevSeq) return;
    for (const one of this.#of(topicId)) one.listener.lost();
  }

  #onMessage(message: ServerMessage): void {
    switch (message.type) {
      case "hello":
        this.#welcome();
        return;
      case "subscribed":
        this.#subscribed(message);
        return;
      case "status":
        for (const topic of this.#topics)
          if (topic.wanted.topic.symbol === message.symbol) topic.listener.status(message);
        return;
      case "feed":
        this.#feeds.set(new Map(this.#feeds.get()).set(message.symbol, message));
        return;
      case "feed_gone":
        this.#feeds.set(new Map([...this.#feeds.get()].filter(([symbol]) => symbol !== message.symbol)));
        return;
      case "error":
        this.#refused(message.id, message.code, message.message);
        return;
      case "stream":
      case "chain":
        for (const { topicId, listener } of this.#streams) if (topicId === message.topic_id) listener.said(message);
        this.#check(message.topic_id, message.topic_seq, message.prev_seq);
        return;
      case "gap":
        this.#toCharts(message, (listener) => listener.gap(message.gap));
        return;
      case "rebuilt":
        this.#toCharts(message, (listener) => listener.rebuilt(BigInt(message.from_ns)));
        return;
      case "resync":
        this.#toCharts(message, (listener) => listener.rebuilt(null));
        return;
    }
  }

  #toCharts(message: Placed, run: (listener: TopicListener) => void): void {
    for (const topic of this.#charts(message.topic_id)) run(topic.listener);
    this.#check(message.topic_id, message.topic_seq, message.prev_seq);
  }

  #welcome(): void {
    this.#live = true;
    this.#attempt = 0;
    this.#places.clear();
    this.#unwanted.clear();
    this.#feeds.set(new Map()); // those of a server that was started anew come behind its hello
    this.#state.set({ phase: "live" });
    for (const topic of this.#topics) this.#ask(topic);
    for (const stream of this.#streams) this.#askStream(stream);
  }

  #subscribed(message: Subscribed): void {
    const topic = [...this.#topics].find(({ requestId }) => requestId === message.id);
    const stream = [...this.#streams].find(({ requestId }) => requestId === message.id);
    if (topic !== undefined && message.topic !== undefined) {
      topic.topicId = message.topic_id;
      topic.listener.subscribed(message.topic, message.studies ?? []);
    } else if (stream !== undefined) {
      stream.topicId = message.topic_id;
      stream.listener.granted();
    } else this.#unwanted.add(message.topic_id);
    this.#giveUp();
  }

  // The server knows a chart by one id, however often it is asked for: one that is still being asked for may be the same.
  #giveUp(): void {
    if (this.#every().some(({ topicId, requestId }) => topicId === null && requestId !== 0)) return;
    for (const id of this.#unwanted) if (this.#of(id).length === 0) this.#send({ op: "unsubscribe", topic_id: id });
    this.#unwanted.clear();
  }

  #every(): (Topic | Stream)[] {
    return [...this.#topics, ...this.#streams];
  }

  #of(topicId: number): (Topic | Stream)[] {
    return this.#every().filter((one) => one.topicId === topicId);
  }

  #charts(topicId: number): Topic[] {
    return [...this.#topics].filter((topic) => topic.topicId === topicId);
  }

  #refused(id: number | null, code: string, message: string): void {
    const one = this.#every().find((candidate) => candidate.requestId === id);
    if (one === undefined) this.#problem(message);
    else {
      one.requestId = 0;
      one.listener.refused(code, message);
    }
    this.#giveUp();
  }

  #ask(topic: Topic): void {
    topic.requestId = this.#nextId++;
    topic.topicId = null;
    const { topic: asked, historyBars, studies } = topic.wanted;
    const beside = studies.length === 0 ? {} : { studies };
    this.#send({ op: "subscribe", id: topic.requestId, topic: asked, history_bars: historyBars, ...beside });
  }

  #askStream(stream: Stream): void {
    stream.requestId = this.#nextId++;
    stream.topicId = null;
    this.#send({ op: "subscribe", id: stream.requestId, stream: stream.request });
  }

  #send(message: ClientMessage): void {
    this.#socket?.send(JSON.stringify(message));
  }

  #lost(socket: Socket): void {
    if (this.#socket !== socket) return;
    this.#socket = null;
    this.#live = false;
    for (const one of this.#every()) one.topicId = null;
    if (this.#closed) return;
    this.#attempt += 1;
    const retryInMs = backoffMs(this.#attempt, Math.random());
    this.#state.set({ phase: "lost", attempt: this.#attempt, retryInMs });
    this.#clock.after(retryInMs, () => this.connect());
  }
}
