import type { BarColumns, Frame, FrameKind, LevelColumns } from "../../src/protocol/decode";
import { BAR_FLAGS } from "../../src/protocol/layout.generated";
import type { SnapshotMeta } from "../../src/protocol/messages";
import { type Dpx, dpx } from "../../src/protocol/units";

/** A cell as tests write it: row, buy, sell, flags. */
export type CellSpec = readonly [row: number, buy: number, sell: number, flags?: number];

export interface BarSpec {
  /** Minutes since the epoch of the tests. */
  readonly minute: number;
  readonly cells?: readonly CellSpec[];
  readonly close?: number;
  readonly final?: boolean;
  /** A known gap touches it. */
  readonly incomplete?: boolean;
  readonly cvd?: number;
  readonly quoteShare?: number;
  readonly coverage?: number;
}

export const epochNs = 1_763_683_200_000_000_000n; // 2025-11-21 00:00 UTC
export const minuteNs = 60_000_000_000n;
export const openOf = (minute: number): bigint => epochNs + BigInt(minute) * minuteNs;

export const meta: SnapshotMeta = {
  symbol: "sim:PERP",
  bars: "1m",
  ticks_per_level: 2,
  tick_size: "0.5",
  lot_size: "0.001",
  base: "SIM",
  quote: "USD",
  calendar: "crypto",
  tz: "UTC",
  simulated: true,
  inferred: false,
  cvd_reset: "session",
  value_area: "two_row",
  value_area_pct: "70",
  poc_tie: "centre",
  imbalance_pct: 300,
  imbalance_compare: "ge",
  min_vol: "auto",
  stack_n: 3,
  default_ticks_per_level: 2,
  has_more: true,
  gaps: [],
};

/** Bars of a few cells as a frame, with two ticks a row. */
export function frameOf(
  specs: readonly BarSpec[],
  kind: FrameKind = "snapshot",
  seq = 0,
  words: Partial<SnapshotMeta> = {},
): Frame {
  const all = specs.map((spec) => ({ ...spec, cells: spec.cells ?? [[100, 5, 3]] }) as const);
  const cells = all.flatMap((spec) => spec.cells.map((cell) => ({ cell, base: spec.cells[0]?.[0] ?? 0 })));
  const column = (pick: (spec: (typeof all)[number]) => number): Float64Array => Float64Array.from(all, pick);
  const sum = (spec: (typeof all)[number], k: 1 | 2): number => spec.cells.reduce((total, cell) => total + cell[k], 0);
  const base = (spec: (typeof all)[number]): number => spec.cells[0]?.[0] ?? 0;
  const top = (spec: (typeof all)[number]): number => spec.cells.at(-1)?.[0] ?? 0;
  const starts = [0];
  for (const spec of all) starts.push((starts.at(-1) ?? 0) + spec.cells.length);
  const bars: BarColumns = {
    open_ns: BigInt64Array.from(all, (spec) => openOf(spec.minute)),
    close_ns: BigInt64Array.from(all, (spec) => openOf(spec.minute + 1)),
    last_ns: BigInt64Array.from(all, (spec) => openOf(spec.minute) + 59_000_000_000n),
    base_row: column(base),
    open_tick: column((spec) => base(spec) * 2),
    high_tick: column((spec) => top(spec) * 2 + 1),
    low_tick: column((spec) => base(spec) * 2),
    close_tick: column((spec) => spec.close ?? top(spec) * 2),
    buy: column((spec) => sum(spec, 1)),
    sell: column((spec) => sum(spec, 2)),
    unknown: column(() => 0),
    min_delta: column((spec) => Math.min(0, sum(spec, 1) - sum(spec, 2))),
    max_delta: column((spec) => Math.max(0, sum(spec, 1) - sum(spec, 2))),
    cvd: column((spec) => spec.cvd ?? 0),
    min_vol: column(() => 10),
    coverage: column((spec) => spec.coverage ?? 1),
    quote_share: column((spec) => spec.quoteShare ?? Number.NaN),
    trades: column((spec) => spec.cells.length),
    poc: Int32Array.from(all, () => 0),
    vah: Int32Array.from(all, () => 0),
    val: Int32Array.from(all, () => 0),
    flags: Uint32Array.from(all, (spec) => (spec.final === false ? 0 : 1) | (spec.incomplete ? BAR_FLAGS.gap : 0)),
    level_start: Uint32Array.from(starts),
  };
  const levels: LevelColumns = {
    row: Int32Array.from(cells, ({ cell, base: low }) => cell[0] - low),
    buy: Float64Array.from(cells, ({ cell }) => cell[1]),
    sell: Float64Array.from(cells, ({ cell }) => cell[2]),
    unknown: new Float64Array(cells.length),
    trades: new Uint32Array(cells.length).fill(1),
    cell_flags: Uint8Array.from(cells, ({ cell }) => cell[3] ?? 0),
  };
  const isSnapshot = kind === "snapshot";
  return {
    kind,
    topicId: 1,
    topicSeq: seq,
    prevSeq: -1,
    meta: isSnapshot ? { ...meta, ...words } : null,
    count: all.length,
    bars,
    levels,
  };
}

/** Bars of `count` minutes from `first` on. */
export const minutes = (first: number, count: number): BarSpec[] =>
  Array.from({ length: count }, (_, k) => ({ minute: first + k }));

/** Heights of the panes that a chart begins with. */
export const lowPanes: ReadonlyMap<string, Dpx> = new Map([
  ["delta", dpx(90)],
  ["cvd", dpx(90)],
]);
