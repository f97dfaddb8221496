import type { JsonSchema, StudyParams } from "./messages";

/** A profile that is chosen for the chart. */
export interface ProfileWant {
  readonly label: string;
  readonly kind: string;
  readonly params: StudyParams;
}

/** One row of `/api/v1/profiles`: a kind of profile, and the schema of its settings. */
export interface ProfileKindRow {
  readonly name: string;
  readonly title: string;
  readonly about: string;
  readonly params: JsonSchema;
}

/** Volume at price: `row` are the rows that traded, ascending, the other columns their lots and trades. */
export interface ProfileRows {
  readonly from_ns: string;
  readonly to_ns: string;
  /** The open of the first bar that was added. */
  readonly opens_ns: string;
  readonly bars: number;
  readonly volume: number;
  readonly delta: number;
  readonly poc: number;
  readonly vah: number;
  readonly val: number;
  readonly row: readonly number[];
  readonly buy: readonly number[];
  readonly sell: readonly number[];
  readonly unknown: readonly number[];
  readonly trades: readonly number[];
}

/** Time at price of one session; `count` goes from `low_row` up. */
export interface TpoRows {
  readonly from_ns: string;
  readonly to_ns: string;
  readonly low_row: number;
  readonly count: readonly number[];
  readonly total: number;
  readonly poc: number;
  readonly vah: number;
  readonly val: number;
  /** Rows of the initial balance; null where nothing is stored of it. */
  readonly ib_high: number | null;
  readonly ib_low: number | null;
  readonly above: boolean;
  readonly below: boolean;
  readonly high_tail: number;
  readonly low_tail: number;
  readonly singles: readonly number[];
  readonly poor_high: boolean;
  readonly poor_low: boolean;
  readonly brackets: readonly (readonly [number: number, letter: string, low: number, high: number])[];
}

/** What `/api/v1/profiles/{kind}` answers; `params` has every default filled in. */
export interface ProfilesReply {
  readonly symbol: string;
  readonly tape: string;
  readonly kind: string;
  readonly title: string;
  readonly bars: string;
  readonly ticks_per_level: number;
  readonly params: Readonly<Record<string, unknown>>;
  readonly profiles: readonly ProfileRows[];
  readonly letters: readonly TpoRows[];
}
