import type { ChainReply, OptionCell, OptionRow, OptionWall } from "../protocol/options";
import { nsToMs } from "../protocol/units";
import { compact, percentText } from "./format";
import { type NumberSigns, plainSigns, written } from "./number-signs";
import type { ZoneChoice } from "./settings";
import { ZoneClock } from "./time-zone";

/** In what quantities are told: units as the exchange counts, or contracts where their size is known. */
export type OptionUnit = "units" | "lots";

/** A signed quantity: its text and its sign, 0 where it is zero or unknown. */
export interface SignedText {
  readonly text: string;
  readonly sign: -1 | 0 | 1;
}

/** One side of a row; texts are "–" where nothing is known. Shares are of the largest in sight, for bars. */
export interface SideView {
  readonly oi: string;
  readonly oiShare: number;
  readonly day: SignedText;
  readonly dayShare: number;
  readonly step: SignedText;
  readonly volume: string;
  readonly ltp: string;
  readonly quote: string;
  readonly iv: string;
  readonly delta: string;
  /** Older than the chain by minutes: drawn pale. */
  readonly isOld: boolean;
  /** Exact values, who said them and when. */
  readonly title: string;
  /** 1 for the strike with the most open interest of its side, 2 and 3 for the next ones, else 0. */
  readonly wall: number;
}

export interface TableRow {
  readonly strike: string;
  /** The strike as it is read. */
  readonly price: string;
  readonly isAtm: boolean;
  readonly isMaxPain: boolean;
  readonly callInMoney: boolean;
  readonly putInMoney: boolean;
  readonly call: SideView;
  readonly put: SideView;
}

const unknown = "–";
const oldNs = 300_000_000_000n;
const names: Readonly<Record<string, string>> = { oi: "open interest", ltp: "last price", volume: "volume" };

/** How many units one number stands for: 1, or those of a contract. */
export const unitSize = (chain: { readonly units_a_lot: number | null }, unit: OptionUnit): number =>
  unit === "lots" ? (chain.units_a_lot ?? 1) : 1;

/** The rows of a chain around the money, the highest strike first. */
export function tableRows(
  chain: ChainReply,
  unit: OptionUnit,
  clock: NsClock,
  signs = plainSigns,
): readonly TableRow[] {
  const most = (read: (cell: OptionCell) => string | null): number =>
    Math.max(1, ...chain.rows.flatMap(({ call, put }) => [call, put].map((cell) => Math.abs(Number(read(cell) ?? 0)))));
  const size = unitSize(chain, unit);
  const scale = { oi: most(({ oi }) => oi), day: most(({ oi_day: day }) => day), size, clock, signs };
  const money = chain.spot ?? chain.forward;
  const rows = chain.rows.map((row) => ({
    strike: row.strike,
    price: written(row.strike, signs),
    isAtm: row.strike === chain.atm,
    isMaxPain: row.strike === chain.max_pain,
    callInMoney: money !== null && Number(row.strike) < money,
    putInMoney: money !== null && Number(row.strike) > money,
    call: sideView(row, row.call, chain, chain.call_walls, scale),
    put: sideView(row, row.put, chain, chain.put_walls, scale),
  }));
  return rows.reverse();
}

interface Scale {
  readonly oi: number;
  readonly day: number;
  readonly size: number;
  readonly clock: NsClock;
  readonly signs: NumberSigns;
}

function sideView(
  row: OptionRow,
  cell: OptionCell,
  chain: ChainReply,
  walls: readonly OptionWall[],
  scale: Scale,
): SideView {
  const since = cell.said["oi"]?.since_ns;
  const { size, signs } = scale;
  return {
    oi: quantity(cell.oi, size, signs),
    oiShare: Number(cell.oi ?? 0) / scale.oi,
    day: change(cell.oi_day, size, signs),
    dayShare: Number(cell.oi_day ?? 0) / scale.day,
    step: change(cell.oi_step, size, signs),
    volume: quantity(cell.volume, size, signs),
    ltp: cell.ltp === null ? unknown : written(cell.ltp, signs),
    quote: cell.crossed ? "crossed" : cell.bid === null && cell.ask === null ? unknown : quoteText(cell, signs),
    iv: cell.iv === null ? unknown : percentText(cell.iv, 1, signs),
    delta: cell.delta === null ? unknown : written(cell.delta.toFixed(2), signs),
    isOld: since !== undefined && BigInt(chain.at_ns) - BigInt(since) > oldNs,
    title: exactly(cell, scale),
    wall: 1 + walls.findIndex(({ strike }) => strike === row.strike),
  };
}

const quoteText = ({ bid, ask }: OptionCell, signs: NumberSigns): string =>
  [bid, ask].map((price) => (price === null ? unknown : written(price, signs))).join(" / ");

/** Units as text, in lots where `size` is that of a lot; "–" where nothing is known. */
export function quantity(units: string | null, size: number, signs = plainSigns): string {
  return units === null ? unknown : compact(Number(units) / size, signs);
}

/** The same with its sign. */
export function change(units: string | null, size: number, signs = plainSigns): SignedText {
  if (units === null) return { text: unknown, sign: 0 };
  const value = Number(units);
  const sign = value > 0 ? 1 : value < 0 ? -1 : 0;
  return { text: `${sign === 1 ? "+" : ""}${quantity(units, size, signs)}`, sign };
}

function exactly(cell: OptionCell, { clock, signs }: Scale): string {
  const values: Readonly<Record<string, string | null>> = { oi: cell.oi, volume: cell.volume, ltp: cell.ltp };
  return Object.entries(values)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => {
      const said = cell.said[name];
      const from = said === undefined ? "" : `, ${said.source}, since ${clock(said.since_ns)}`;
      return `${names[name]} ${written(value ?? "", signs)}${from}`;
    })
    .join("\n");
}

/** `10:05:00` of a time in ns UTC, on the clock that the reader has chosen. */
export type NsClock = (ns: string) => string;

/** The clock of the page's own setting, for a chain of an exchange in the zone `tz`. */
export const zoneOf = (chosen: ZoneChoice, tz: string): ZoneClock => new ZoneClock(chosen === "exchange" ? tz : chosen);

export const clockOf =
  (zone: ZoneClock): NsClock =>
  (ns) =>
    zone.timeText(nsToMs(BigInt(ns)), true);

/** One figure of the line above the table. */
export interface Figure {
  readonly name: string;
  readonly value: string;
  readonly explained: string;
}

const leftOut = (count: number): string =>
  count === 0
    ? ""
    : ` ${count === 1 ? "1 strike" : `${count} strikes`} of which a side is not known ${count === 1 ? "is" : "are"} left out.`;

/** What the figures stand on, to be read beside them: the interest of computed ones, and what exposure assumes. */
export function basisText(chain: ChainReply, signs = plainSigns): string {
  const interest = chain.atm_iv === null ? "" : `IV at ${percentText(chain.rate, 1, signs)} interest. `;
  return `${interest}${chain.gex === null ? "" : `GEX assumes that ${chain.gex_assumes}.`}`.trim();
}

/** What the chain says in one line; each with what it means (definitions 7). */
export function figures(chain: ChainReply, unit: OptionUnit, signs = plainSigns): readonly Figure[] {
  const price = (text: string | null | undefined): string => (text == null ? unknown : written(text, signs));
  const two = (value: number | null): string => price(value?.toFixed(2));
  const size = unitSize(chain, unit);
  const walls = (all: readonly OptionWall[]): string =>
    all
      .map(({ strike, oi, strong }) => `${price(strike)}${strong ? "!" : ""} (${quantity(oi, size, signs)})`)
      .join(", ") || unknown;
  const [call, put] = [chain.call_walls[0], chain.put_walls[0]];
  const left = leftOut(chain.left_out);
  const of = ` Of the ${chain.rows.length} strikes in the table.`;
  return [
    { name: "Spot", value: two(chain.spot), explained: `From ${chain.spot_from ?? "nobody"}.` },
    {
      name: "Forward",
      value: two(chain.forward),
      explained: "What calls less puts say at the money.",
    },
    { name: "PCR OI", value: two(chain.pcr_oi), explained: `Open interest of puts by that of calls.${of}${left}` },
    { name: "PCR vol", value: two(chain.pcr_volume), explained: `Volume of puts by that of calls.${of}` },
    {
      name: "Max pain",
      value: price(chain.max_pain),
      explained: `The settlement at which all options together pay the least.${of}${left}`,
    },
    {
      name: "Call wall",
      value: price(call?.strike),
      explained: `Strikes with the most open interest of calls: ${walls(chain.call_walls)}`,
    },
    {
      name: "Put wall",
      value: price(put?.strike),
      explained: `Strikes with the most open interest of puts: ${walls(chain.put_walls)}`,
    },
    {
      name: "Straddle",
      value: two(chain.straddle),
      explained: "Call and put at the money together.",
    },
    {
      name: "IV",
      value: chain.atm_iv === null ? unknown : percentText(chain.atm_iv, 1, signs),
      explained: `Volatility at the money, at ${percentText(chain.rate, 1, signs)} interest.`,
    },
    {
      name: "GEX",
      value: chain.gex === null ? unknown : compact(chain.gex, signs),
      explained: `Assumes that ${chain.gex_assumes}.`,
    },
    {
      name: "Expiry",
      value: `${chain.days_to_expiry} d`,
      explained: `${chain.days_to_expiry} days by the calendar, ${chain.sessions_to_expiry} sessions.`,
    },
  ];
}
