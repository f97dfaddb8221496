/** What a venue tells beside its trades: `stream` messages and `/api/v1/streams` (src/footloom/server/routes/streams.py). */
import type { GapSpan, Placed } from "./messages";
import type { ChainChange, ChainReply } from "./options";

export type ToldName = "open_interest" | "funding" | "liquidations";

/** How much of an option chain is told; what is left out, as the server has it. */
export interface ChainAsked {
  readonly expiry?: string;
  readonly strikes?: number;
  readonly price?: number;
}

export interface StreamRequest {
  readonly symbol: string;
  /** `options` is the chain of an underlying, of which `chain` says how much. */
  readonly name: ToldName | "options";
  readonly chain?: ChainAsked;
}

/** An option chain: the whole of it, or what changed in it; `problem` says why it stands still. */
export interface ChainSaid extends Placed {
  readonly type: "chain";
  readonly kind: "snapshot" | "update";
  readonly chain?: ChainReply;
  readonly change?: ChainChange;
  readonly problem?: string;
}

/** A stream has said something: how it stands, or what is new. */
export interface StreamSaid extends Placed {
  readonly type: "stream";
  readonly symbol: string;
  readonly name: string;
  readonly kind: "snapshot" | "update";
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

/** A stream of which something is stored, or that is listened to: then the times are null until its first row. */
export interface HeldStream {
  readonly name: ToldName;
  readonly rows: number;
  readonly first_ns: string | null;
  readonly last_ns: string | null;
}

/** What was told within one bar: quantities and prices as exact text, what is not known null. */
export interface ToldRow {
  readonly open_ns: string;
  readonly at_ns?: string;
  /** Open interest. */
  readonly quantity?: string;
  readonly change?: string | null;
  readonly since_ns?: string | null;
  readonly day_change?: string | null;
  /** Funding. */
  readonly mark?: string | null;
  readonly index?: string | null;
  readonly rate?: string | null;
  readonly next_ns?: string | null;
  /** Liquidations. */
  readonly long?: string;
  readonly short?: string;
  readonly unknown?: string;
  readonly count?: number;
  readonly largest?: string;
}

export interface ToldReply {
  readonly symbol: string;
  readonly name: ToldName;
  readonly bars: string;
  readonly rows: readonly ToldRow[];
  /** From then on the rows are all of what was asked for. */
  readonly from_ns: string;
  /** Null while the first row is waited for. */
  readonly first_ns: string | null;
  readonly last_ns: string | null;
  readonly gaps: readonly GapSpan[];
  readonly has_more: boolean;
}
