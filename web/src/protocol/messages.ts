/** The JSON messages of `/ws/v1` and the answers of `/api/v1` (src/footloom/server/wire/messages.py). */
import { ProtocolError } from "./problem";
import type { ChainSaid, StreamRequest, StreamSaid } from "./streams";

/** What a chart asks for; what is left out takes the symbol's default. */
export interface TopicRequest {
  readonly symbol: string;
  readonly bars: string;
  readonly ticks_per_level?: number;
  readonly cvd_reset?: "session" | "never";
}

export interface GapSpan {
  readonly from_ns: string;
  readonly to_ns: string;
  readonly cause: string;
  readonly missing: number | null;
  /** What was missing there is stored by now. */
  readonly healed?: boolean;
}

/** From `at_ns` on another contract stands for a continuous future; prices are decimal text, "" where not known. */
export interface RollSpan {
  readonly at_ns: string;
  readonly from_symbol: string;
  readonly to_symbol: string;
  readonly rule: string;
  readonly from_price: string;
  readonly to_price: string;
  readonly difference: string;
}

/** What a chart's legend says and what its numbers mean. Nanoseconds, prices and quantities are exact decimal text. */
export interface SnapshotMeta {
  readonly symbol: string;
  readonly tape?: string;
  readonly bars: string;
  readonly ticks_per_level: number;
  readonly tick_size: string;
  readonly lot_size: string;
  /** The units that one contract trades in, where it is known. */
  readonly market_lot?: string | null;
  readonly base: string;
  readonly quote: string;
  /** What one unit of quantity stands for: so much of the base, or of the quote where the contract is inverse. */
  readonly contract_multiplier?: string;
  readonly inverse?: boolean;
  readonly calendar: string;
  readonly tz: string;
  readonly simulated: boolean;
  readonly inferred: boolean;
  readonly cvd_reset: string;
  readonly value_area: string;
  readonly value_area_pct: string;
  readonly poc_tie: string;
  readonly imbalance_pct: number;
  readonly imbalance_compare: string;
  readonly min_vol: "auto" | number;
  readonly stack_n: number;
  readonly default_ticks_per_level: number;
  readonly has_more: boolean;
  readonly gaps: readonly GapSpan[];
  /** Before the first recorded trade stand the venue's candles, without order flow. */
  readonly candles?: boolean;
  /** Of candles: at the end of each bar, "" where the venue does not say. */
  readonly open_interest?: readonly string[];
  /** Of a continuous future: where another contract takes over, between the bars. */
  readonly rolls?: readonly RollSpan[];
}

/** How an output of a study is drawn; a newer server may know more. */
export type OutputKind =
  | "line"
  | "histogram"
  | "candle"
  | "band"
  | "level"
  | "box"
  | "zone"
  | "marker"
  | "cell_flag"
  | "column";
export type OutputUnit =
  | "tick"
  | "row"
  | "lot"
  | "count"
  | "ratio"
  | "percent"
  | "ns"
  | "per_second"
  | "text"
  | "side"
  | "flag"
  | "base"
  | "price";

/** One thing that a study says: its columns, their unit, and how it wants to be drawn. */
export interface StudyOutput {
  readonly name: string;
  readonly kind: OutputKind;
  readonly unit: OutputUnit;
  readonly columns: readonly string[];
  readonly title: string;
  readonly life?: ZoneLife | null;
  /** Of a cell flag whose bits are flags: the side of each. */
  readonly bits?: readonly number[];
}

/** How the events of a zone tell its life (`Life` in src/footloom/studies/_study.py). */
export interface ZoneLife {
  readonly key: readonly string[];
  readonly ends: string;
  readonly ended: readonly number[];
  readonly since: string;
  readonly side: string;
}

/** A study beside a chart, as it is asked for. */
export interface StudyRequest {
  readonly study: string;
  readonly label: string;
  readonly params: StudyParams;
}
/** The settings of a study, by the names of its parameters. */
export type StudyParams = Readonly<Record<string, unknown>>;

/** A study as it was resolved: every parameter, and what it says. */
export interface StudySpec extends StudyRequest {
  readonly title: string;
  readonly outputs: readonly StudyOutput[];
  /** What the units `base` and `price` of a study are worth that reads other symbols, as decimal text. */
  readonly steps?: Readonly<Partial<Record<OutputUnit, string>>>;
}

/** One row of `/api/v1/studies`; `params` is the JSON schema of its settings. */
export interface StudyInfo {
  readonly name: string;
  readonly title: string;
  readonly about: string;
  readonly params: JsonSchema;
  readonly outputs: readonly StudyOutput[];
}

/** As much of JSON schema as the settings of studies use. */
export interface JsonSchema {
  readonly type?: string;
  readonly title?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  /** What a text means: `symbol`, or `symbols` apart by commas. */
  readonly format?: string;
  /** The settings, and their values, without which it means nothing. */
  readonly when?: Readonly<Record<string, string>>;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly anyOf?: readonly JsonSchema[];
  readonly prefixItems?: readonly JsonSchema[];
  readonly items?: JsonSchema | boolean;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
}

export interface Hello {
  readonly type: "hello";
  readonly version: number;
  readonly server: string;
}
export interface Subscribed {
  readonly type: "subscribed";
  readonly id: number;
  readonly topic_id: number;
  /** Of a chart; a stream has none. */
  readonly topic?: TopicRequest;
  readonly studies?: readonly StudySpec[];
}
/** The place of a message in its topic, and that of the one before it which this client was sent. */
export interface Placed {
  readonly topic_id: number;
  readonly topic_seq: number;
  readonly prev_seq: number;
}
export interface GapSeen extends Placed {
  readonly type: "gap";
  readonly gap: GapSpan;
}
export interface Rebuilt extends Placed {
  readonly type: "rebuilt";
  readonly from_ns: string;
  readonly epoch: number;
}
export interface Resync extends Placed {
  readonly type: "resync";
}
export interface ErrorText {
  readonly type: "error";
  readonly id: number | null;
  readonly code: string;
  readonly message: string;
}
/** The header of a symbol: last and best prices, the day so far, and how far the feed may be trusted. */
export interface Status {
  readonly type: "status";
  readonly symbol: string;
  readonly last: string | null;
  readonly bid: string | null;
  readonly ask: string | null;
  readonly prev_close: string | null;
  readonly day_open: string | null;
  readonly day_high: string | null;
  readonly day_low: string | null;
  readonly day_volume: string | null;
  readonly vwap: string | null;
  readonly lag_ms: number | null;
  readonly engine_ns: string;
  readonly recorded: boolean;
  readonly score: Readonly<Record<string, number | null>> | null;
  /** When the session of the day's figures began, and its first stored trade: before it they know nothing. */
  readonly day_start_ns?: string | null;
  readonly day_from_ns?: string | null;
  /** Why nothing comes any more, and what else is wrong, in words. */
  readonly trouble?: string | null;
  readonly notes?: readonly string[];
}
export type FeedPhase = "connecting" | "live" | "reconnecting" | "stale" | "closed" | "stopped";

/** How the connection of a live symbol stands; `has_trades`: it can be charted. */
export interface FeedNews {
  readonly type: "feed";
  readonly symbol: string;
  readonly phase: FeedPhase;
  readonly text: string;
  readonly since_ns: string;
  /** How much of the history behind it is there, 0 to 1; null where none is under way. */
  readonly backfill: number | null;
  readonly messages_per_s: number;
  /** How far the server's clock is ahead of the venue's. */
  readonly offset_ms: number | null;
  readonly has_trades: boolean;
}
/** A symbol is no longer listened to: nobody looked at it for a while. */
export interface FeedGone {
  readonly type: "feed_gone";
  readonly symbol: string;
}
export type ServerMessage =
  | Hello
  | Subscribed
  | StreamSaid
  | ChainSaid
  | GapSeen
  | Rebuilt
  | Resync
  | ErrorText
  | Status
  | FeedNews
  | FeedGone;

const known: readonly string[] = [
  "hello",
  "subscribed",
  "stream",
  "chain",
  "gap",
  "rebuilt",
  "resync",
  "error",
  "status",
  "feed",
  "feed_gone",
];

/**
 * Read one text message of the server.
 *
 * @returns null for a type that this page does not know: a newer server may say more
 * @throws ProtocolError it is no JSON object with a type
 */
export function parseServerMessage(text: string): ServerMessage | null {
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null || !("type" in value) || typeof value.type !== "string") {
    throw new ProtocolError(`the server sent a message without a type: ${text.slice(0, 120)}`);
  }
  return known.includes(value.type) ? (value as ServerMessage) : null;
}

export type ClientMessage =
  | {
      readonly op: "subscribe";
      readonly id: number;
      readonly topic: TopicRequest;
      readonly history_bars: number;
      readonly studies?: readonly StudyRequest[];
    }
  | { readonly op: "subscribe"; readonly id: number; readonly stream: StreamRequest }
  | { readonly op: "unsubscribe"; readonly topic_id: number }
  | { readonly op: "ping" };

/** One row of `/api/v1/instruments`. */
export interface InstrumentInfo {
  readonly key: string;
  readonly venue: string;
  readonly symbol: string;
  readonly tick_size: string;
  readonly lot_size: string;
  readonly base: string;
  readonly quote: string;
  /** What one unit of quantity stands for: so much of the base, or of the quote where the contract is inverse. */
  readonly contract_multiplier?: string;
  readonly inverse?: boolean;
  readonly calendar: string;
  readonly tz: string;
  readonly simulated: boolean;
  readonly inferred: boolean;
  readonly default_ticks_per_level: number | null;
  readonly live: boolean;
}

/** A symbol that can be opened, stored or listed by its venue. */
export interface SymbolFound {
  readonly key: string;
  readonly venue: string;
  readonly tick_size: string;
  readonly stored: boolean;
  readonly live: boolean;
}

/** What a search found, the nearest first, and how the lists of the venues stand, in words. */
export interface SymbolsFound {
  readonly symbols: readonly SymbolFound[];
  readonly venues: readonly {
    readonly venue: string;
    readonly state: "listed" | "loading" | "unreachable" | "needs_login";
    readonly text: string;
    readonly count: number;
  }[];
}

export type TradeSide = "buy" | "sell" | "unknown";

export interface TradeRow {
  readonly ts_ns: string;
  readonly price: string;
  readonly qty: string;
  readonly side: TradeSide;
  readonly id: number | string | null;
}

/** The trades of a stretch of time and price; sums are over all that match, the list is capped. */
export interface TradesReply {
  readonly trades: readonly TradeRow[];
  readonly count: number;
  readonly buy: string;
  readonly sell: string;
  readonly unknown: string;
  readonly truncated: boolean;
}

/** One field of a login form; what `secret` ones hold is never shown. */
export interface LoginField {
  readonly name: string;
  readonly label: string;
  readonly secret: boolean;
}

export interface LoginWay {
  readonly way: string;
  readonly label: string;
  readonly fields: readonly LoginField[];
  readonly hint: string;
}

/** How a broker's token stands, in words; `open` is the broker's own page where a login goes on there. */
export interface LoginRow {
  readonly venue: string;
  readonly state: "none" | "good" | "ending" | "ended";
  readonly text: string;
  readonly expires_ns: string | null;
  readonly ways: readonly LoginWay[];
  readonly open: string | null;
}

export interface ErrorReply {
  readonly error: { readonly code: string; readonly message: string; readonly detail?: unknown };
}
