import { type Grid, unitsText } from "./decimal";
import { minus, type NumberSigns, plainSigns, written } from "./number-signs";

/** How quantities are written in one chart: in base units with a fixed number of decimals, or in whole lots. */
export interface QuantityStyle {
  /** `quote`: the numbers in cells are worth so much; whatever is exact stays in base units. */
  readonly unit: "base" | "quote" | "lots";
  readonly decimals: number;
  readonly lot: Grid;
  /** How many steps of the grid make one lot as the market trades it. */
  readonly perLot: number;
}

const suffixes = ["", "k", "M", "B", "T"] as const;

/**
 * The number of decimals at which typical cells take two or three digits: one for the whole chart, so that numbers can
 * be compared by their length.
 *
 * @param typicalLot a large but common one-sided cell, in lots
 */
export function quantityStyle(unit: QuantityStyle["unit"], lot: Grid, typicalLot: number, perLot = 1): QuantityStyle {
  if (unit === "lots") return { unit, decimals: 0, lot, perLot };
  const typical = typicalLot * lot.step;
  const wanted = typical >= 50 ? 0 : typical >= 5 ? 1 : typical >= 0.5 ? 2 : 3;
  return { unit, decimals: Math.min(lot.decimals, wanted), lot, perLot };
}

/** A quantity as it is written: in market lots, or in base units. */
export const inUnits = (lots: number, { unit, lot, perLot }: QuantityStyle): number =>
  unit === "lots" ? lots / perLot : lots * lot.step;

/** The signs that quantities are written with. */
export const signsOfStyle = (style: QuantityStyle): NumberSigns => style.lot.signs ?? plainSigns;

/** A quantity for a cell: at most five characters, zero as "0". */
export function cellQuantity(lots: number, style: QuantityStyle): string {
  const most = style.unit === "lots" ? decimalsOf(style) : 0;
  return written(notZero(lots, style, most), signsOfStyle(style));
}

/** The decimals that tell every quantity from zero and from the next one: of market lots two at the least. */
export const decimalsOf = ({ unit, lot, perLot }: QuantityStyle): number =>
  unit === "lots" ? Math.max(2, String(perLot - 1).length) : lot.decimals;

/** What is smaller than this many decimals say is written as zero on a canvas. */
const mostCellDecimals = 3;

// What would read as zero gets the decimals to show that it is not, up to `most`: a part of a lot two at the least.
function notZero(lots: number, style: QuantityStyle, most: number): string {
  let { decimals } = style;
  let text = plainCell(lots, style);
  while (lots !== 0 && decimals < Math.min(most, mostCellDecimals) && Number(text) === 0) {
    decimals = Math.max(decimals + 1, style.unit === "lots" ? 2 : 0);
    text = plainCell(lots, { ...style, decimals });
  }
  return text;
}

function plainCell(lots: number, style: QuantityStyle): string {
  if (lots === 0) return "0";
  const value = inUnits(lots, style);
  const size = Math.abs(value);
  if (size < 1000) return value.toFixed(size >= 100 && style.decimals > 1 ? 1 : style.decimals);
  return compact(value);
}

/** A whole number for a cell: `0`, `87`, `1.24k`. */
export function countText(value: number, signs = plainSigns): string {
  const whole = Math.round(value);
  return Math.abs(whole) < 1000 ? String(whole) : compact(whole, signs);
}

/** A side as a percentage of what it is compared with, cut to whole percents; `∞` against nothing, "" without a neighbour. */
export function ratioText(strong: number, weak: number, signs = plainSigns): string {
  if (weak < 0) return "";
  if (strong === 0) return "0";
  return weak === 0 ? "∞" : countText(Math.floor((100 * strong) / weak), signs);
}

/** Three significant digits, or `more`, with k, M, B, T from a thousand on. */
export function compact(value: number, signs = plainSigns, more = 0): string {
  let size = Math.abs(value);
  let power = 0;
  while (size >= 999.5 && power < suffixes.length - 1) {
    size /= 1000;
    power += 1;
  }
  const decimals = more + (size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2);
  const text = power === 0 ? plainText(size, 2 + more) : size.toFixed(decimals);
  return written(`${value < 0 && text !== "0" ? "-" : ""}${text}${suffixes[power] ?? ""}`, signs);
}

// What two decimals do not show, or only its first digit, gets digits of its own, as many as others have at the least: with more of them it never
// reads as with fewer of another value.
const plainText = (size: number, decimals: number): string =>
  trimZeros(
    size < 0.1 && size >= 1e-6 ? size.toPrecision(decimals > 2 ? decimals + 1 : decimals) : size.toFixed(decimals),
  );

const trimZeros = (text: string): string => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);

/** A quantity with its sign, for canvases: `+12.5`, `−3`, `0`. What is not zero gets the decimals to show that, or no sign. */
export function signed(lots: number, style: QuantityStyle): string {
  const text = notZero(Math.abs(lots), style, decimalsOf(style));
  return Number(text) === 0 ? "0" : `${lots > 0 ? "+" : minus}${written(text, signsOfStyle(style))}`;
}

/** As `signed`, from a thousand on with one digit more: what is summed over a session moves little from bar to bar. */
export function sumText(lots: number, style: QuantityStyle): string {
  const value = inUnits(lots, style);
  if (!(Math.abs(value) >= 1000)) return signed(lots, style);
  return `${value > 0 ? "+" : minus}${compact(Math.abs(value), signsOfStyle(style), 1)}`;
}

/** A quantity exactly, in base units or lots: for tables and read-outs. */
export function exactQuantity(lots: number, style: QuantityStyle): string {
  if (style.unit !== "lots") return unitsText(lots, style.lot);
  const value = lots / style.perLot;
  return written(Number.isInteger(value) ? String(value) : value.toFixed(decimalsOf(style)), signsOfStyle(style));
}

/** As `exactQuantity`, with a plus before what is above zero. */
export function exactSigned(lots: number, style: QuantityStyle): string {
  return `${lots > 0 ? "+" : ""}${exactQuantity(lots, style)}`;
}

/** `1:05`, `12:04:31`: what is left of a bar. */
export function countdown(leftMs: number): string {
  const seconds = Math.max(0, Math.ceil(leftMs / 1000));
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (value: number): string => String(value).padStart(2, "0");
  if (hours >= 48) return `${Math.floor(hours / 24)}d ${hours % 24}h`;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${two(minutes)}:${two(rest)}`;
}

/** A span in the largest unit that says it: `3 s`, `2 min`, `1.5 h`. */
export function spanText(spanMs: number): string {
  if (spanMs < 1000) return `${Math.round(spanMs)} ms`;
  if (spanMs < 120_000) return `${Math.round(spanMs / 1000)} s`;
  if (spanMs < 7_200_000) return `${Math.round(spanMs / 60_000)} min`;
  return `${trimZeros((spanMs / 3_600_000).toFixed(1))} h`;
}

export function percentText(fraction: number, decimals = 0, signs = plainSigns): string {
  return written(`${(fraction * 100).toFixed(decimals)} %`, signs);
}
