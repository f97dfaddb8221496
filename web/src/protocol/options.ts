/** What `/api/v1/options` answers: prices and quantities are exact text, computed numbers are numbers, unknown is null. */

export interface ChainInfo {
  readonly symbol: string;
  /** What people call the underlying. */
  readonly name: string;
  /** Stored symbols that stand on it: its futures, itself. */
  readonly charts: readonly string[];
  /** The chart that goes with it: its front future, else itself; null where nothing of both is stored. */
  readonly front: string | null;
  readonly rows: number;
  readonly first_ns: string;
  readonly last_ns: string;
  readonly expiries: readonly string[];
}

export interface OptionWall {
  readonly strike: string;
  readonly oi: string;
  readonly strong: boolean;
}

/** One option; `oi_day` is against the previous day's close, `oi_step` since the update before: never mixed. */
export interface OptionCell {
  readonly oi: string | null;
  readonly oi_day: string | null;
  readonly oi_step: string | null;
  /** When the update before was said. */
  readonly step_from_ns: string | null;
  readonly volume: string | null;
  readonly ltp: string | null;
  readonly bid: string | null;
  readonly ask: string | null;
  readonly bid_qty: string | null;
  readonly ask_qty: string | null;
  readonly crossed: boolean;
  /** The middle of a quote that is not crossed. */
  readonly mid: number | null;
  readonly iv: number | null;
  readonly delta: number | null;
  readonly gamma: number | null;
  readonly vega: number | null;
  readonly theta: number | null;
  /** Volatility and Greeks as the venue tells them. */
  readonly venue: Readonly<Record<string, string>>;
  readonly said: Readonly<Record<string, { readonly since_ns: string; readonly source: string }>>;
}

export interface OptionRow {
  readonly strike: string;
  readonly call: OptionCell;
  readonly put: OptionCell;
}

export interface ChainReply {
  readonly symbol: string;
  readonly name: string;
  /** The exchange's zone. */
  readonly tz: string;
  readonly expiry: string;
  readonly expiries: readonly string[];
  readonly at_ns: string;
  readonly days_to_expiry: number;
  readonly sessions_to_expiry: number;
  readonly units_a_lot: number | null;
  readonly rate: number;
  readonly spot: number | null;
  readonly spot_from: string | null;
  readonly forward: number | null;
  readonly atm: string | null;
  readonly call_oi: string | null;
  readonly put_oi: string | null;
  readonly left_out: number;
  readonly pcr_oi: number | null;
  readonly pcr_volume: number | null;
  readonly max_pain: string | null;
  readonly call_walls: readonly OptionWall[];
  readonly put_walls: readonly OptionWall[];
  readonly straddle: number | null;
  readonly atm_iv: number | null;
  readonly gex: number | null;
  readonly gex_assumes: string;
  readonly rows: readonly OptionRow[];
}

/** What changed in a chain: rows and their cells hold what did, `strikes` are all that stand now. */
export interface ChainChange {
  readonly head: Omit<ChainReply, "rows">;
  readonly strikes: readonly string[];
  readonly rows: readonly {
    readonly strike: string;
    readonly call?: Partial<OptionCell>;
    readonly put?: Partial<OptionCell>;
  }[];
}

/** One expiry through time: every list has one entry an instant. */
export interface OptionHistory {
  readonly symbol: string;
  /** The exchange's zone. */
  readonly tz: string;
  readonly expiry: string;
  readonly units_a_lot: number | null;
  readonly at_ns: readonly string[];
  readonly spot: readonly (number | null)[];
  readonly call_oi: readonly (string | null)[];
  readonly put_oi: readonly (string | null)[];
  readonly pcr_oi: readonly (number | null)[];
  readonly pcr_volume: readonly (number | null)[];
  readonly max_pain: readonly (string | null)[];
  readonly straddle: readonly (number | null)[];
  readonly atm_iv: readonly (number | null)[];
}

/** Changes of open interest in units: a list a strike, with one entry an instant; `net` is puts less calls. */
export interface OptionHeat {
  readonly symbol: string;
  /** The exchange's zone. */
  readonly tz: string;
  readonly expiry: string;
  readonly at_ns: readonly string[];
  readonly strikes: readonly string[];
  readonly calls: readonly (readonly (number | null)[])[];
  readonly puts: readonly (readonly (number | null)[])[];
  readonly net: readonly (readonly (number | null)[])[];
  /** Where nothing new was said since the instant before: the change is 0 because nobody looked. */
  readonly held_calls: readonly (readonly boolean[])[];
  readonly held_puts: readonly (readonly boolean[])[];
  readonly clip_calls: number | null;
  readonly clip_puts: number | null;
  readonly clip_net: number | null;
  /** Against the previous day's close, at the last instant. */
  readonly day_calls: readonly (number | null)[];
  readonly day_puts: readonly (number | null)[];
}

/** What one stretch says, and the numbers that say it; the two baselines are never mixed. */
export interface ReadOutRow {
  readonly baseline: "previous close" | "interval";
  readonly label: string | null;
  readonly reading: "bullish" | "bearish" | "neutral" | null;
  /** Whether aggressive volume leans the same way. */
  readonly confirmed: boolean | null;
  readonly words: string;
  readonly because: readonly string[];
  readonly from_ns: string | null;
  readonly to_ns: string;
}

/** What a traded contract says; `key_level` is the wall within half a strike of the session's point of control. */
export interface ReadOut {
  readonly symbol: string;
  readonly tz: string;
  readonly at_ns: string;
  readonly session_ns: string;
  readonly poc: string;
  readonly key_level: string | null;
  readonly chain: string | null;
  readonly readings: readonly ReadOutRow[];
}

export interface OptionSmile {
  readonly symbol: string;
  /** The exchange's zone. */
  readonly tz: string;
  readonly expiry: string;
  readonly at_ns: string;
  readonly forward: number | null;
  readonly strikes: readonly string[];
  readonly iv: readonly (number | null)[];
  readonly call_iv: readonly (number | null)[];
  readonly put_iv: readonly (number | null)[];
}
