import type { SnapshotMeta, Status } from "../protocol/messages";
import { type BarIndex, ms, nsToMs } from "../protocol/units";
import type { ChartModel } from "./chart-model";
import { parseGrid, unitsOf, unitsText } from "./decimal";
import { compact, exactQuantity, percentText } from "./format";
import { rulesOf, rulesText } from "./imbalance";
import { plainSigns, written } from "./number-signs";
import { lotOf, unitName } from "./quantity-unit";

/** The header's figures in words; a dash where the feed does not say. */
export interface HeaderView {
  readonly last: string;
  /** The same as ticks; null without a price. */
  readonly lastTick: number | null;
  readonly direction: -1 | 0 | 1;
  readonly change: string;
  readonly changePct: string;
  readonly changeSign: -1 | 0 | 1;
  readonly open: string;
  readonly high: string;
  readonly low: string;
  readonly vwap: string;
  readonly volume: string;
  /** What the volume counts; "" where it is not known. */
  readonly volumeUnit: string;
  /** From when on the day's figures know its trades: `since 03:31`; "" where that is its start. */
  readonly since: string;
  readonly spread: string;
  readonly lag: string;
  /** When the newest trade that is shown took place: its own time, not that of its bar. */
  readonly until: string;
  /** Whether what comes is so far behind the exchange that it is no picture of now. */
  readonly isLate: boolean;
  readonly recorded: boolean;
}

const dash = "–";

export const emptyHeader: HeaderView = {
  last: dash,
  lastTick: null,
  direction: 0,
  change: dash,
  changePct: "",
  changeSign: 0,
  open: dash,
  high: dash,
  low: dash,
  vwap: dash,
  volume: dash,
  volumeUnit: "",
  since: "",
  spread: dash,
  lag: dash,
  until: "",
  isLate: false,
  recorded: true,
};

const sign = (value: number): -1 | 0 | 1 => (value > 0 ? 1 : value < 0 ? -1 : 0);

/** @param before the price shown last: it gives the last price its direction */
export function headerView(model: ChartModel, status: Status | null, before: HeaderView): HeaderView {
  const last = model.series.lastPrice();
  if (last === null) return before;
  const { lastTick: known } = before;
  const priceText = (text: string | null | undefined): string => written(text ?? dash, model.signs);
  return {
    last: unitsText(last, model.tick),
    lastTick: last,
    direction: known === null || known === last ? before.direction : sign(last - known),
    ...changeTexts(model, status, last),
    open: priceText(status?.day_open),
    high: priceText(status?.day_high),
    low: priceText(status?.day_low),
    vwap: priceText(status?.vwap),
    ...volumeTexts(model, status),
    since: sinceText(model, status),
    spread: spreadText(model, status),
    lag: lagText(status?.lag_ms),
    until: model.clock.fullText(ms(nsToMs(model.series.lastNs(model.series.last))), true),
    isLate: (status?.lag_ms ?? 0) >= lateFromMs,
    recorded: status?.recorded ?? true,
  };
}

// In lots where the chart counts them and they are no steps of the grid, else in base units.
function volumeTexts({ meta, quantity, signs }: ChartModel, status: Status | null): Volume {
  if (meta === null || status?.day_volume == null) return { volume: dash, volumeUnit: unitName(meta) };
  const inLots = quantity.unit === "lots" && quantity.perLot > 1;
  const volume = compact(Number(status.day_volume) / (inLots ? Number(lotOf(meta)) : 1), signs);
  return { volume, volumeUnit: inLots ? "lots" : unitName(meta) };
}

type Volume = Pick<HeaderView, "volume" | "volumeUnit">;

/** Snapshots of a broker come up to a second behind their trades. */
const lateFromMs = 3000;

function lagText(lagMs: number | null | undefined): string {
  if (lagMs == null) return dash;
  return Math.abs(lagMs) < 1000 ? written(`${lagMs} ms`) : written(`${(lagMs / 1000).toFixed(1)} s`);
}

/** A first trade no later than this is one of the session's start. */
const sinceFromNs = 60_000_000_000n;

function sinceText(model: ChartModel, status: Status | null): string {
  if (status?.day_start_ns == null || status.day_from_ns == null) return "";
  const from = BigInt(status.day_from_ns);
  return from - BigInt(status.day_start_ns) > sinceFromNs ? `since ${model.clock.timeText(ms(nsToMs(from)))}` : "";
}

function changeTexts(
  model: ChartModel,
  status: Status | null,
  last: number,
): Pick<HeaderView, "change" | "changePct" | "changeSign"> {
  const previous = status?.prev_close == null ? null : unitsOf(status.prev_close, model.tick);
  if (previous === null) return { change: dash, changePct: "", changeSign: 0 };
  const moved = last - previous;
  const plus = moved > 0 ? "+" : "";
  const percent = (100 * moved) / previous;
  // A tick of a large price is less than a hundredth of a percent, and not nothing.
  const decimals = moved !== 0 && Math.abs(percent) < 0.005 ? 3 : 2;
  return {
    change: `${plus}${unitsText(moved, model.tick)}`,
    changePct: previous === 0 ? "" : written(`${plus}${percent.toFixed(decimals)} %`, model.signs),
    changeSign: sign(moved),
  };
}

function spreadText(model: ChartModel, status: Status | null): string {
  if (status?.bid == null || status.ask == null) return dash;
  const [bid, ask] = [unitsOf(status.bid, model.tick), unitsOf(status.ask, model.tick)];
  return bid === null || ask === null ? dash : unitsText(ask - bid, model.tick);
}

/** The legend: what the numbers on the chart mean. */
export interface LegendView {
  readonly symbol: string;
  readonly venue: string;
  readonly bars: string;
  readonly step: string;
  readonly imbalance: string;
  readonly valueArea: string;
  readonly unit: string;
  readonly zone: string;
  readonly simulated: boolean;
  readonly inferred: boolean;
}

export function legendView(model: ChartModel, meta: SnapshotMeta): LegendView {
  const [venue, ...rest] = meta.symbol.split(":");
  const rules = rulesOf(model.settings, model.quantity.lot);
  const newest = model.series.length === 0 ? 1 : model.series.number("min_vol", model.series.last);
  return {
    symbol: rest.join(":"),
    venue: venue ?? "",
    bars: meta.bars,
    step: stepText(meta, model.signs),
    imbalance: rulesText(rules, meta, exactQuantity(rules.minVol ?? newest, model.quantity)),
    valueArea: `VA ${meta.value_area_pct} % ${meta.value_area.replace("_", "-")}`,
    unit: unitText(model, meta),
    zone: model.series.length === 0 ? meta.tz : model.clock.label(nsToMs(model.series.openNs(model.series.last))),
    simulated: meta.simulated,
    inferred: meta.inferred,
  };
}

// What quantities count; names that nobody knows are left out.
function unitText(model: ChartModel, meta: SnapshotMeta): string {
  const base = unitName(meta);
  const { unit } = model.quantity;
  if (unit === "base") return base;
  if (unit === "lots") return `lots of ${written(lotOf(meta), model.signs)}${base === "" ? "" : ` ${base}`}`;
  return `cells in ${meta.quote || "quote"}${base === "" ? "" : `, else ${base}`}`;
}

/** `0.5 × 20 = 10.0`: the price of a tick, the ticks of a row, the price of a row. */
export function stepText(meta: SnapshotMeta, signs = plainSigns): string {
  const tick = { ...parseGrid(meta.tick_size), signs };
  const price = unitsText(meta.ticks_per_level, tick);
  return `${written(meta.tick_size, signs)} × ${meta.ticks_per_level} = ${price}`;
}

/**
 * Since when the CVD of a bar counts: the session's first stored trade where that is not its start, else the session's
 * start, as the tape itself shows it.
 */
export function cvdAnchor(model: ChartModel, meta: SnapshotMeta, status: Status | null, index: BarIndex): string {
  if (meta.cvd_reset === "never") return "continuous, from the first bar stored";
  const { series } = model;
  const since = sinceText(model, status);
  if (since !== "" && series.openNs(index) >= BigInt(status?.day_start_ns ?? 0)) return since;
  for (let at = index; at > series.first; at = (at - 1) as BarIndex) {
    const opens = series.number("cvd", at) - series.delta(at);
    if (opens === 0 && series.number("cvd", (at - 1) as BarIndex) !== 0) {
      const time = ms(nsToMs(series.openNs(at)));
      return `session, from ${model.clock.dayText(time)} ${model.clock.timeText(time)}`;
    }
  }
  return "session";
}

const share = (status: Status | null, name: string): number | null => {
  const value = status?.score?.[name];
  return typeof value === "number" ? value : null;
};

/** What the badge of a feed with inferred sides says (definitions 1.4). */
export function scoreText(status: Status | null): string {
  const printed = share(status, "sure_share");
  const text = "sides inferred, ~3 snapshots/s";
  return printed === null ? text : `${text}; ${percentText(printed)} of volume printed at LTP`;
}

/** How well inferred sides agree with the truth, where it is known: `87.1 % right, 94 % covered, 98 % at the quote`. */
export function accuracyText(status: Status | null): string {
  const [accuracy, coverage, quoted] = ["accuracy", "coverage", "quote_share"].map((name) => share(status, name));
  const parts: string[] = [];
  if (accuracy != null) parts.push(`${percentText(accuracy, 1)} right`);
  if (coverage != null) parts.push(`${percentText(coverage)} covered`);
  if (quoted != null) parts.push(`${percentText(quoted)} at the quote`);
  return parts.join(", ");
}
