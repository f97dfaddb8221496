import type { ChainReply, OptionCell, OptionRow } from "../protocol/options";
import { percentText } from "./format";
import { type NumberSigns, plainSigns, written } from "./number-signs";
import type { NsClock } from "./option-table";

/** A value of one side: its text, and who said it and how long ago; "" where nobody did. */
export interface DetailValue {
  readonly text: string;
  readonly from: string;
}

/** One line of all that is known of a strike. */
export interface DetailLine {
  readonly name: string;
  readonly explained: string;
  readonly call: DetailValue;
  readonly put: DetailValue;
}

const unknown = "–";
const nothing: DetailValue = { text: unknown, from: "" };
const seconds = 1_000_000_000n;
type Greek = "delta" | "gamma" | "theta" | "vega";

/** How old something is that stands since a time: `12 s`, `4 min`, `3 h`. */
export function ageText(sinceNs: string, atNs: string): string {
  const age = Number((BigInt(atNs) - BigInt(sinceNs)) / seconds);
  if (age < 1) return "new";
  if (age < 120) return `${age} s`;
  return age < 7200 ? `${Math.floor(age / 60)} min` : `${Math.floor(age / 3600)} h`;
}

// Plainly written numbers have no groups; those of units are long, and have them here.
const grouped = (whole: string, signs: NumberSigns): string =>
  signs === plainSigns ? written(whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",")) : written(whole, signs);

/** Units exactly, and how many lots that is where their size is known. */
function exactly(units: string | null, lot: number | null, signs: NumberSigns, signed = false): string {
  if (units === null) return unknown;
  const sign = signed && !units.startsWith("-") && Number(units) !== 0 ? "+" : "";
  if (lot === null) return sign + grouped(units, signs);
  const lots = Number(units) / lot;
  const text = Number.isInteger(lots) ? grouped(String(lots), signs) : written(lots.toFixed(2), signs);
  return `${sign}${grouped(units, signs)} (${sign}${text}\u00a0lots)`;
}

type Read = (cell: OptionCell) => DetailValue;
type Line = readonly [name: string, explained: string, read: Read];

/** All that is known of a strike: each value with its source and its age, our volatility and Greeks beside the venue's. */
export function detailLines(
  chain: ChainReply,
  row: OptionRow,
  clock: NsClock,
  signs = plainSigns,
): readonly DetailLine[] {
  const from = (cell: OptionCell, name: string): string => {
    const said = cell.said[name];
    return said === undefined ? "" : `${said.source}, ${ageText(said.since_ns, chain.at_ns)}`;
  };
  const told =
    (name: string, text: (cell: OptionCell) => string): Read =>
    (cell) => {
      const shown = text(cell);
      return shown === unknown ? nothing : { text: shown, from: from(cell, name) };
    };
  const lines = [
    ...openLines(chain, clock, told, signs),
    ...quoteLines(told, signs),
    ...greekLines(chain, told, signs),
  ];
  return lines.map(([name, explained, read]) => ({ name, explained, call: read(row.call), put: read(row.put) }));
}

type Told = (name: string, text: (cell: OptionCell) => string) => Read;

function openLines(chain: ChainReply, clock: NsClock, told: Told, signs: NumberSigns): readonly Line[] {
  const lot = chain.units_a_lot;
  return [
    ["Open interest", "Units, and lots.", told("oi", ({ oi }) => exactly(oi, lot, signs))],
    [
      "ΔOI, day",
      "Against the previous day's close.",
      told("prev_oi", ({ oi_day: day }) => exactly(day, lot, signs, true)),
    ],
    [
      "ΔOI, last update",
      "Against the update before.",
      ({ oi_step: step, step_from_ns: since }) =>
        step === null || since === null
          ? nothing
          : { text: exactly(step, lot, signs, true), from: `since ${clock(since)}` },
    ],
    ["Volume", "Of the day.", told("volume", ({ volume }) => exactly(volume, lot, signs))],
  ];
}

function quoteLines(told: Told, signs: NumberSigns): readonly Line[] {
  const quote = (price: string | null, qty: string | null): string =>
    price === null
      ? qty === "0"
        ? "none"
        : unknown
      : `${written(price, signs)}${qty === null ? "" : ` × ${grouped(qty, signs)}`}`;
  return [
    [
      "Last price",
      "May be old: nothing is computed from it.",
      told("ltp", ({ ltp }) => (ltp === null ? unknown : written(ltp, signs))),
    ],
    ["Bid", "Price and units.", told("bid", ({ bid, bid_qty: qty }) => quote(bid, qty))],
    ["Ask", "Price and units.", told("ask", ({ ask, ask_qty: qty }) => quote(ask, qty))],
    [
      "Middle",
      "Of bid and ask; a crossed quote has none.",
      ({ crossed, mid }) =>
        crossed
          ? { text: "crossed", from: "" }
          : number(mid, (value) => written(value.toFixed(2), signs), "bid and ask"),
    ],
  ];
}

function greekLines(chain: ChainReply, told: Told, signs: NumberSigns): readonly Line[] {
  const venues = "As the venue tells it.";
  const ofGreek = (name: Greek): readonly Line[] => [
    [`${title(name)}, ours`, explained[name], (cell) => number(cell[name], (value) => greek(value, signs), "IV, ours")],
    [`${title(name)}, venue`, venues, told(name, ({ venue }) => signed(venue[name], signs))],
  ];
  return [
    [
      "IV, ours",
      `From the middle, at ${percentText(chain.rate, 1, signs)} interest.`,
      ({ iv }) => number(iv, (value) => percentText(value, 2, signs), "the middle"),
    ],
    ["IV, venue", venues, told("iv", ({ venue }) => share(venue["iv"], signs))],
    ...(["delta", "gamma", "theta", "vega"] as const).flatMap(ofGreek),
  ];
}

const explained: Readonly<Record<Greek, string>> = {
  delta: "By one point of the forward.",
  gamma: "Of delta, by one point.",
  theta: "By a calendar day.",
  vega: "By 1 % of volatility.",
};

const title = (name: string): string => `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
const greek = (value: number, signs: NumberSigns): string => written(String(Number(value.toPrecision(4))), signs);
const signed = (text: string | undefined, signs: NumberSigns): string =>
  text === undefined ? unknown : written(text, signs);
const share = (text: string | undefined, signs: NumberSigns): string =>
  text === undefined ? unknown : percentText(Number(text), 2, signs);

function number(value: number | null, text: (value: number) => string, from: string): DetailValue {
  return value === null ? nothing : { text: text(value), from };
}
