import { decodeFrame, type Frame } from "../protocol/decode";
import type {
  ErrorReply,
  FeedNews,
  InstrumentInfo,
  LoginRow,
  StudyInfo,
  StudyRequest,
  SymbolsFound,
  TradesReply,
} from "../protocol/messages";
import type { LargeOrdersReply, OrdersWant } from "../protocol/orders";
import type { ProfileKindRow, ProfilesReply, ProfileWant } from "../protocol/profiles";
import type { HeldStream, ToldName, ToldReply } from "../protocol/streams";
import { decodeStudies, type StudyFrame } from "../protocol/studies";
import type { OrderView } from "./order-desk";
import type { ProfileView } from "./profile-desk";

/** A request that the server refused or that never reached it; the message is the server's own where there is one. */
export class RequestFailed extends Error {
  override readonly name = "RequestFailed";
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

export interface FootprintQuery {
  readonly symbol: string;
  readonly bars: string;
  readonly ticksPerLevel: number;
  /** Bars that open before it, exclusive. */
  readonly toNs: bigint;
  readonly limit: number;
}

/** The bars of a chart from a time on, and before another. */
export interface ToldQuery {
  readonly symbol: string;
  readonly bars: string;
  readonly fromNs: bigint;
  readonly toNs?: bigint;
  readonly limit: number;
}

export interface TradesQuery {
  readonly symbol: string;
  readonly fromNs: bigint;
  readonly toNs: bigint;
  readonly lowTick: number;
  /** Exclusive. */
  readonly highTick: number;
  readonly limit: number;
}

/** The server gives a request up after a minute: what it has not begun to answer by then it never will. */
const patienceMs = 75_000;

/** `/api/v1`, as far as the page uses it. */
export class Rest {
  readonly #base: string;
  #lost = new AbortController();

  /** @param base where `api/v1/` lies, as an absolute URL that ends in a slash */
  constructor(base: string) {
    this.#base = base;
  }

  /** The connection to the server is gone: what was asked over it is not answered any more. What was to be written may be. */
  abandon(): void {
    this.#lost.abort(unreachable()); // in these words, to those too who read an answer that has begun
    this.#lost = new AbortController();
  }

  async instruments(signal?: AbortSignal): Promise<readonly InstrumentInfo[]> {
    return (await (await this.#get("instruments", {}, signal)).json()) as readonly InstrumentInfo[];
  }

  /** What can be opened and fits some words: stored, or listed by a venue. */
  async symbols(text: string, signal?: AbortSignal): Promise<SymbolsFound> {
    return (await (await this.#get("symbols", { q: text }, signal)).json()) as SymbolsFound;
  }

  /** How the live feeds stand, in the order in which the server was asked for them. */
  async feeds(signal?: AbortSignal): Promise<readonly FeedNews[]> {
    return (await (await this.#get("feeds", {}, signal)).json()) as readonly FeedNews[];
  }

  /** How the brokers' tokens stand; none where the server listens to no venue. */
  async logins(signal?: AbortSignal): Promise<readonly LoginRow[]> {
    return (await (await this.#get("logins", {}, signal)).json()) as readonly LoginRow[];
  }

  async logIn(venue: string, way: string, fields: Readonly<Record<string, string>>): Promise<LoginRow> {
    const body = JSON.stringify({ venue, way, fields });
    const headers = { "content-type": "application/json" };
    const answer = await this.#fetch(new URL("logins", this.#base), { method: "POST", headers, body });
    return (await answer.json()) as LoginRow;
  }

  /** Have the options around the money of a live symbol listened to, as long as that is. */
  async followOptions(symbol: string): Promise<void> {
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ symbol });
    await this.#fetch(new URL("options/follow", this.#base), { method: "POST", headers, body });
  }

  async footprint(query: FootprintQuery, signal?: AbortSignal): Promise<Frame> {
    const answer = await this.#get(
      "footprint",
      {
        symbol: query.symbol,
        bars: query.bars,
        ticks_per_level: query.ticksPerLevel,
        to_ns: query.toNs,
        limit: query.limit,
      },
      signal,
    );
    return decodeFrame(await answer.arrayBuffer());
  }

  /** All studies that the server knows, with the schema of their settings. */
  async studies(signal?: AbortSignal): Promise<readonly StudyInfo[]> {
    return (await (await this.#get("studies", {}, signal)).json()) as readonly StudyInfo[];
  }

  /** All kinds of profiles, with the schema of their settings. */
  async profileKinds(signal?: AbortSignal): Promise<readonly ProfileKindRow[]> {
    return (await (await this.#get("profiles", {}, signal)).json()) as readonly ProfileKindRow[];
  }

  /** The profiles of a chart, in whole rows and lots. */
  async profiles(want: ProfileWant, view: ProfileView, signal?: AbortSignal): Promise<ProfilesReply> {
    const isNear = want.kind === "session" || want.kind === "tpo";
    const answer = await this.#get(
      `profiles/${encodeURIComponent(want.kind)}`,
      {
        symbol: view.symbol,
        ...(view.tape === "" ? {} : { tape: view.tape }),
        bars: view.bars,
        ticks_per_level: view.ticksPerLevel,
        from_ns: isNear ? view.nearFromNs : view.fromNs,
        to_ns: isNear ? view.nearToNs : view.toNs,
        params: JSON.stringify(want.params),
      },
      signal,
    );
    return (await answer.json()) as ProfilesReply;
  }

  /** What can be found of orders, with the schema of its settings. */
  async orderKinds(signal?: AbortSignal): Promise<readonly ProfileKindRow[]> {
    return (await (await this.#get("orders", {}, signal)).json()) as readonly ProfileKindRow[];
  }

  /** Large orders of a stretch of a tape: the newest of it. */
  async largeOrders(asked: OrderView & Pick<OrdersWant, "params">, signal?: AbortSignal): Promise<LargeOrdersReply> {
    const query = {
      symbol: asked.symbol,
      ...(asked.tape === "" ? {} : { tape: asked.tape }),
      from_ns: asked.fromNs,
      ...(asked.toNs === null ? {} : { to_ns: asked.toNs }),
      params: JSON.stringify(asked.params),
      limit: 5000,
    };
    return (await (await this.#get("orders/large", query, signal)).json()) as LargeOrdersReply;
  }

  /** What one study says of bars before a time. */
  async studyFrame(study: StudyRequest, query: FootprintQuery, signal?: AbortSignal): Promise<StudyFrame> {
    const answer = await this.#get(
      `studies/${encodeURIComponent(study.study)}`,
      {
        symbol: query.symbol,
        bars: query.bars,
        ticks_per_level: query.ticksPerLevel,
        to_ns: query.toNs,
        limit: query.limit,
        params: JSON.stringify(study.params),
        format: "binary",
      },
      signal,
    );
    return decodeStudies(await answer.arrayBuffer());
  }

  /** Which streams beside the trades are stored of a symbol. */
  async heldStreams(symbol: string, signal?: AbortSignal): Promise<readonly HeldStream[]> {
    return (await (await this.#get("streams", { symbol }, signal)).json()) as readonly HeldStream[];
  }

  /** What a stream told, by the bars of a chart. */
  async told(name: ToldName, query: ToldQuery, signal?: AbortSignal): Promise<ToldReply> {
    const { symbol, bars, fromNs, toNs, limit } = query;
    const until = toNs === undefined ? {} : { to_ns: toNs };
    const answer = await this.#get(`streams/${name}`, { symbol, bars, from_ns: fromNs, limit, ...until }, signal);
    return (await answer.json()) as ToldReply;
  }

  async trades(query: TradesQuery, signal?: AbortSignal): Promise<TradesReply> {
    const answer = await this.#get(
      "trades",
      {
        symbol: query.symbol,
        from_ns: query.fromNs,
        to_ns: query.toNs,
        low_tick: query.lowTick,
        high_tick: query.highTick,
        limit: query.limit,
      },
      signal,
    );
    return (await answer.json()) as TradesReply;
  }

  /** Any other request; a refusal is `RequestFailed`. */
  send(path: string, options: RequestInit): Promise<Response> {
    return this.#fetch(new URL(path, this.#base), options);
  }

  /** What `/options` and its parts answer; the caller knows the shape of what it asks for. */
  async options<T>(part: string, query: Readonly<Record<string, string | number>>, signal?: AbortSignal): Promise<T> {
    return (await (await this.#get(`options${part}`, query, signal)).json()) as T;
  }

  async #get(
    path: string,
    query: Readonly<Record<string, string | number | bigint>>,
    signal?: AbortSignal,
  ): Promise<Response> {
    const url = new URL(path, this.#base);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
    return this.#fetch(url, signal === undefined ? {} : { signal });
  }

  async #fetch(url: URL, options: RequestInit): Promise<Response> {
    let answer: Response;
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), patienceMs);
    const signals = [late.signal];
    if (options.method === undefined) signals.push(this.#lost.signal);
    if (options.signal) signals.push(options.signal);
    try {
      answer = await fetch(url, { ...options, signal: AbortSignal.any(signals) });
    } catch (error) {
      if (options.signal?.aborted === true) throw error;
      throw unreachable(` (${url.pathname})`);
    } finally {
      clearTimeout(timer);
    }
    if (!answer.ok) throw new RequestFailed(await refusal(answer), answer.status);
    return answer;
  }
}

const unreachable = (what = ""): RequestFailed => new RequestFailed(`the server cannot be reached${what}`, 0);

async function refusal(answer: Response): Promise<string> {
  try {
    return ((await answer.json()) as ErrorReply).error.message;
  } catch {
    return `the server answered ${answer.status} ${answer.statusText}`;
  }
}
