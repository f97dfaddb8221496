import type { BarSeries } from "../data/bar-series";
import { CELL_FLAGS } from "../protocol/layout.generated";
import { type BarIndex, ms, nsToMs } from "../protocol/units";
import { type BarSpan, isNaked, type Level } from "./level";
import { SessionPocs } from "./session-pocs";
import type { ZoneClock } from "./time-zone";
import { hasFlow } from "./trust";

/** A zone of stacked imbalances: +1 support, -1 resistance (definitions 5.3); rows from `low` to `high`, both included. */
export interface Zone {
  readonly side: 1 | -1;
  readonly low: number;
  readonly high: number;
  readonly born: BarIndex;
  tested: boolean;
  end: BarIndex | null;
}

/** An unfinished auction: the high (+1) or the low (-1) of a bar at which both sides traded (definitions 6.1). */
export interface Auction extends Level {
  readonly extreme: 1 | -1;
}

/** What decides which levels there are, apart from the bars. */
export interface LifeStyle {
  readonly ticksPerLevel: number;
  /** Changes where imbalances are found by other rules. */
  readonly rules: string;
  readonly clock: ZoneClock;
}

const maxAge = 200;
/** Of so many newer ones, the oldest naked POC of a bar gives way. */
const mostNaked = 250;

/**
 * Levels that live on after their bar, from the bars that are loaded: what older bars left is not known. Only final bars
 * count, so nothing is taken back. Bars are folded once; a bar that has changed, or another first bar, begins anew.
 */
export class Lives {
  zones: Zone[] = [];
  barPocs: Level[] = [];
  sessionPocs: Level[] = [];
  auctions: Auction[] = [];
  #standing: { zones: Zone[]; barPocs: Level[]; auctions: Auction[] } = { zones: [], barPocs: [], auctions: [] };
  #sessions = new SessionPocs();
  #versions: number[] = [];
  #first = 0;
  #series: BarSeries | null = null;
  #key = "";

  /** Bring everything up to the newest final bar. */
  follow(series: BarSeries, style: LifeStyle): void {
    const key = `${style.ticksPerLevel}|${style.rules}|${style.clock.zone}`;
    if (series !== this.#series || key !== this.#key || !this.#holds(series)) {
      this.#begin(series);
      this.#key = key;
    }
    for (let index = this.#first + this.#versions.length; index < series.end; index += 1) {
      const bar = index as BarIndex;
      if (!series.isFinal(bar)) break;
      this.#fold(series, bar, style);
      this.#versions.push(series.version(bar));
    }
  }

  #holds(series: BarSeries): boolean {
    if (series.first !== this.#first || this.#versions.length > series.length) return false;
    return this.#versions.every((version, k) => series.version((this.#first + k) as BarIndex) === version);
  }

  #begin(series: BarSeries): void {
    this.zones = [];
    this.barPocs = [];
    this.auctions = [];
    this.#standing = { zones: [], barPocs: [], auctions: [] };
    this.#sessions = new SessionPocs();
    this.sessionPocs = this.#sessions.levels;
    this.#versions = [];
    this.#first = series.first;
    this.#series = series;
  }

  #fold(series: BarSeries, index: BarIndex, style: LifeStyle): void {
    const k = style.ticksPerLevel;
    const bar: BarSpan = {
      index,
      high: series.number("high_tick", index),
      low: series.number("low_tick", index),
      close: series.number("close_tick", index),
      ticksPerLevel: k,
    };
    const standing = this.#standing;
    standing.zones = standing.zones.filter((zone) => zoneStands(zone, bar));
    standing.barPocs = standing.barPocs.filter((level) => isNaked(level, bar));
    // Nobody looks any more whether it is touched: it must not be drawn as naked.
    for (const level of standing.barPocs.splice(0, standing.barPocs.length - mostNaked)) level.end = index;
    standing.auctions = standing.auctions.filter((auction) => isOpen(auction, bar));
    this.#sessions.fold(series, index, dayOf(series, index, style.clock), bar);
    if (!hasFlow(series, index)) return;
    const born = stacksOf(series, index);
    standing.zones.push(...born);
    this.zones.push(...born);
    const poc: Level = { row: series.number("base_row", index) + series.number("poc", index), born: index, end: null };
    standing.barPocs.push(poc);
    this.barPocs.push(poc);
    if (k > 1) return;
    const open = auctionsOf(series, index, bar);
    standing.auctions.push(...open);
    this.auctions.push(...open);
  }
}

// A close beyond the far edge ends it, or its age.
function zoneStands(zone: Zone, { index, high, low, close, ticksPerLevel }: BarSpan): boolean {
  const [bottom, top] = [zone.low * ticksPerLevel, (zone.high + 1) * ticksPerLevel];
  zone.tested ||= zone.side > 0 ? low <= top : high >= bottom;
  const isInvalid = zone.side > 0 ? close < bottom : close > top;
  if (isInvalid || index - zone.born >= maxAge) zone.end = index;
  return zone.end === null;
}

// Trading at the level leaves it open, trading beyond it does not.
function isOpen(auction: Auction, { index, high, low }: BarSpan): boolean {
  const isBeyond = auction.extreme > 0 ? high > auction.row : low < auction.row;
  if (isBeyond) auction.end = index;
  return !isBeyond;
}

function stacksOf(series: BarSeries, index: BarIndex): Zone[] {
  const { columns, from, to } = series.levels(index);
  const base = series.number("base_row", index);
  const zones: Zone[] = [];
  for (const [flag, side] of [
    [CELL_FLAGS.buy_stack, 1],
    [CELL_FLAGS.sell_stack, -1],
  ] as const) {
    let start = -1;
    for (let k = from; k <= to; k += 1) {
      const isOn = k < to && ((columns.cell_flags[k] as number) & flag) !== 0;
      const joins = isOn && start >= 0 && columns.row[k] === (columns.row[k - 1] as number) + 1;
      if (start >= 0 && !joins) {
        const [low, high] = [base + (columns.row[start] as number), base + (columns.row[k - 1] as number)];
        zones.push({ side, low, high, born: index, tested: false, end: null });
        start = -1;
      }
      if (isOn && start < 0) start = k;
    }
  }
  return zones;
}

function auctionsOf(series: BarSeries, index: BarIndex, { high, low }: BarSpan): Auction[] {
  const { columns, from, to } = series.levels(index);
  if (to <= from) return [];
  const isTwoSided = (k: number): boolean => (columns.buy[k] as number) > 0 && (columns.sell[k] as number) > 0;
  const found: Auction[] = [];
  if (isTwoSided(to - 1)) found.push({ extreme: 1, row: high, born: index, end: null });
  if (isTwoSided(from)) found.push({ extreme: -1, row: low, born: index, end: null });
  return found;
}

// The date on the wall of the exchange: sessions of one date belong together.
function dayOf(series: BarSeries, index: BarIndex, clock: ZoneClock): number {
  const { year, month, day } = clock.local(ms(nsToMs(series.openNs(index))));
  return (year * 100 + month) * 100 + day;
}
