import type { BarColumns, Frame, FrameKind, LevelColumns } from "../src/protocol/decode";
import type { SnapshotMeta } from "../src/protocol/messages";

/** A scene of fixed size from a fixed seed: bars of `levels` rows each, none empty. */
export const levels = 60;

/** A small generator with a good spread (mulberry32's idea): the same numbers on every machine. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

export const meta: SnapshotMeta = {
  symbol: "sim:BENCH",
  bars: "1m",
  ticks_per_level: 1,
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
  default_ticks_per_level: 1,
  has_more: false,
  gaps: [],
};

type Draft = { -readonly [K in keyof BarColumns]: BarColumns[K] };

function barColumns(count: number): Draft {
  const f = (): Float64Array => new Float64Array(count);
  const i = (): Int32Array => new Int32Array(count);
  const b = (): BigInt64Array => new BigInt64Array(count);
  return {
    ...{ open_ns: b(), close_ns: b(), last_ns: b(), base_row: f(), open_tick: f(), high_tick: f(), low_tick: f() },
    ...{ close_tick: f(), buy: f(), sell: f(), unknown: f(), min_delta: f(), max_delta: f(), cvd: f(), min_vol: f() },
    ...{ coverage: f().fill(1), quote_share: f().fill(Number.NaN), trades: f(), poc: i(), vah: i(), val: i() },
    ...{ flags: new Uint32Array(count).fill(1), level_start: new Uint32Array(count + 1) },
  };
}

/** `count` bars of `levels` rows; `firstMs` is when the first opens. */
export function makeFrame(kind: FrameKind, count: number, seed: number, firstMs: number, middle = 130_000): Frame {
  const random = randomFrom(seed);
  const bars = barColumns(count);
  const total = count * levels;
  const cells: LevelColumns = {
    row: new Int32Array(total),
    buy: new Float64Array(total),
    sell: new Float64Array(total),
    unknown: new Float64Array(total),
    trades: new Uint32Array(total),
    cell_flags: new Uint8Array(total),
  };
  let price = middle;
  let cvd = 0;
  for (let k = 0; k < count; k += 1) {
    price += Math.round((random() - 0.5) * 16 - (price - middle) * 0.03);
    cvd += fillBar(bars, cells, k, price, cvd, firstMs, random);
  }
  return {
    kind,
    topicId: 1,
    topicSeq: 0,
    prevSeq: -1,
    meta: kind === "snapshot" ? meta : null,
    count,
    bars,
    levels: cells,
  };
}

function fillBar(
  bars: Draft,
  cells: LevelColumns,
  k: number,
  price: number,
  cvd: number,
  firstMs: number,
  random: () => number,
): number {
  const low = price - levels / 2;
  let [buy, sell, best, most] = [0, 0, 0, -1];
  for (let j = 0; j < levels; j += 1) {
    const at = k * levels + j;
    const bell = Math.exp(-(((j / levels - 0.5) / 0.25) ** 2));
    const [up, down] = [
      Math.floor(bell * 9000 * random() ** 2 + random() * 90),
      Math.floor(bell * 9000 * random() ** 2 + random() * 90),
    ];
    cells.row[at] = j;
    cells.buy[at] = up;
    cells.sell[at] = down;
    cells.trades[at] = 1 + Math.floor(random() * 20);
    cells.cell_flags[at] = up > 3 * down && up > 2000 ? 1 : down > 3 * up && down > 2000 ? 2 : 0;
    buy += up;
    sell += down;
    if (up + down > most) [most, best] = [up + down, j];
  }
  const opens = BigInt(firstMs + k * 60_000) * 1_000_000n;
  bars.open_ns[k] = opens;
  bars.close_ns[k] = opens + 60_000_000_000n;
  bars.last_ns[k] = opens + 59_000_000_000n;
  bars.base_row[k] = low;
  bars.low_tick[k] = low;
  bars.high_tick[k] = low + levels - 1;
  bars.open_tick[k] = low + 8 + Math.floor(random() * (levels - 16));
  bars.close_tick[k] = low + 8 + Math.floor(random() * (levels - 16));
  bars.buy[k] = buy;
  bars.sell[k] = sell;
  bars.min_delta[k] = Math.min(0, buy - sell) * 1.4 - 500;
  bars.max_delta[k] = Math.max(0, buy - sell) * 1.4 + 500;
  bars.cvd[k] = cvd + buy - sell;
  bars.min_vol[k] = 2000;
  bars.trades[k] = levels * 10;
  bars.poc[k] = best;
  bars.vah[k] = Math.min(levels - 1, best + 18);
  bars.val[k] = Math.max(0, best - 18);
  bars.level_start[k + 1] = (k + 1) * levels;
  return buy - sell;
}
