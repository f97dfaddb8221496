import type { BarLevels } from "../../data/bar-series";
import { type CellColour, type CellText, type ColumnLook, isSplit } from "../../model/cell-look";
import { cellQuantity, countText, type QuantityStyle, ratioText, signed, signsOfStyle } from "../../model/format";
import { neighbour } from "../../model/imbalance";
import { plainSigns } from "../../model/number-signs";
import { heatStep, type Palette, type Ramp, rampStep, rampSteps } from "../../model/palette";
import { mark, type Sheet, type SheetForm } from "../../renderers/sheet";

/** The numbers of one cell, in lots, and what its sides are compared with. */
export interface Numbers {
  buy: number;
  sell: number;
  unknown: number;
  trades: number;
  /** Bits of `mark`. */
  flags: number;
  /** What the sides are compared with: lots; -1 where there is no row. */
  buyAgainst: number;
  sellAgainst: number;
}

export const emptyCell = (): Numbers => ({
  buy: 0,
  sell: 0,
  unknown: 0,
  trades: 0,
  flags: 0,
  buyAgainst: -1,
  sellAgainst: -1,
});

/** Read level `k` of a bar's levels. */
export function readCell(cell: Numbers, { columns, from, to, apart }: BarLevels, k: number): void {
  const { row, buy, sell } = columns;
  cell.buy = buy[k] as number;
  cell.sell = sell[k] as number;
  cell.unknown = columns.unknown[k] as number;
  cell.trades = columns.trades[k] as number;
  cell.flags = columns.cell_flags[k] as number;
  cell.buyAgainst = neighbour(row, sell, k, k - apart, from, to);
  cell.sellAgainst = neighbour(row, buy, k, k + apart, from, to);
}

/** What decides how cells look, apart from their numbers. */
export interface SheetStyle {
  readonly look: ColumnLook;
  readonly palette: Palette;
  readonly quantity: QuantityStyle;
  /** The quantity at which colours are strongest, in lots, and the number of trades. */
  readonly typical: number;
  readonly typicalTrades: number;
  /** The bar's delta is not to be trusted: it has no colour (definitions 1.4). */
  readonly doubtful: boolean;
  readonly marksColoured: boolean;
  /** From so many percent on a side that is large enough is an imbalance. */
  readonly ratio: number;
  /** The price of a lot in the middle of a row, in the quote currency; null where cells are not written in it. */
  readonly price: ((row: number) => number) | null;
}

const volumeOf = (cell: Numbers): number => cell.buy + cell.sell + cell.unknown;
/** A row's volume is strong where both of its sides are rather large. */
const volumeShare = 1.6;
const deepest = rampSteps - 1;

type Painted = readonly [ramp: Ramp, step: number];
type Ground = (cell: Numbers, style: SheetStyle) => Painted;

const deltaRamp = (delta: number, style: SheetStyle): Ramp =>
  delta === 0 || style.doubtful
    ? style.palette.neutralRamp
    : delta > 0
      ? style.palette.buyRamp
      : style.palette.sellRamp;

/** The one colour of a row. */
const rowGrounds: Readonly<Record<Exclude<CellColour, "sides" | "imbalance">, Ground>> = {
  delta: (cell, style) => {
    const delta = cell.buy - cell.sell;
    return [deltaRamp(delta, style), rampStep(Math.abs(delta), style.typical)];
  },
  volume: (cell, style) => [style.palette.neutralRamp, rampStep(volumeOf(cell), style.typical * volumeShare)],
  trades: (cell, style) => [style.palette.neutralRamp, rampStep(cell.trades, style.typicalTrades)],
  none: (_cell, style) => [style.palette.neutralRamp, 0],
};

/** Bars and circles stand on the plain ground: none is so faint that it could not be seen, a small circle least of all. */
const leastStep: Readonly<Record<SheetForm, number>> = { grounds: 0, bars: 9, blocks: 9, bubbles: 18 };
const seen = ([ramp, step]: Painted, { look }: SheetStyle): Painted => [ramp, Math.max(step, leastStep[look.form])];

/** The colour of each side of a row. */
function sideGrounds(cell: Numbers, style: SheetStyle): readonly [left: Painted, right: Painted] {
  const { sellRamp, buyRamp, neutralRamp } = style.palette;
  const { colour } = style.look;
  if (colour === "sides") {
    return [
      [sellRamp, rampStep(cell.sell, style.typical)],
      [buyRamp, rampStep(cell.buy, style.typical)],
    ];
  }
  if (colour === "imbalance") {
    const isSell = (cell.flags & mark.sellImbalance) !== 0;
    const isBuy = (cell.flags & mark.buyImbalance) !== 0;
    return [isSell ? [sellRamp, deepest] : [neutralRamp, 0], isBuy ? [buyRamp, deepest] : [neutralRamp, 0]];
  }
  const one = rowGrounds[colour](cell, style);
  return [one, one];
}

/** Whether the two sides of a row have grounds of their own. */
export const hasSides = ({ colour, text, form }: ColumnLook): boolean =>
  form !== "grounds" || ((colour === "sides" || colour === "imbalance") && isSplit(text));

// One number on one ground: of both sides the stronger, or the one with the imbalance.
function oneGround(cell: Numbers, style: SheetStyle): Painted {
  const [left, right] = sideGrounds(cell, style);
  return right[1] > left[1] || (right[1] === left[1] && cell.buy > cell.sell) ? right : left;
}

/** Fill in the colours of a row. */
export function fillGround(sheet: Sheet, row: number, cell: Numbers, style: SheetStyle): void {
  const pair = hasSides(style.look) ? sideGrounds(cell, style) : null;
  const [left, right] = (pair ?? [oneGround(cell, style), oneGround(cell, style)]).map((one) => seen(one, style)) as [
    Painted,
    Painted,
  ];
  sheet.leftGround[row] = left[0].ground[left[1]] as string;
  sheet.rightGround[row] = right[0].ground[right[1]] as string;
  const isFree = style.look.form !== "grounds";
  const [isSell, isBuy] = [(cell.flags & mark.sellImbalance) !== 0, (cell.flags & mark.buyImbalance) !== 0];
  const one = !isSplit(style.look.text);
  const marked = style.marksColoured;
  sheet.leftColour[row] = textColour(
    left,
    isFree,
    style.palette,
    marked && isSell ? "sell" : marked && one && isBuy ? "buy" : "",
  );
  sheet.rightColour[row] = textColour(right, isFree, style.palette, marked && isBuy ? "buy" : "");
}

function textColour([ramp, step]: Painted, isFree: boolean, palette: Palette, side: "buy" | "sell" | ""): string {
  if (isFree) return palette.cellText;
  return (side === "" ? ramp.text : side === "buy" ? ramp.buyMark : ramp.sellMark)[step] as string;
}

const quantity = (lots: number, style: SheetStyle, row: number): string =>
  style.price === null
    ? cellQuantity(lots, style.quantity)
    : countText(lots * style.price(row), signsOfStyle(style.quantity));

const writers: Readonly<
  Record<CellText, (cell: Numbers, style: SheetStyle, row: number) => readonly [left: string, right: string]>
> = {
  // What has no side at all is no two zeros.
  "bid-ask": (cell, style, row) =>
    cell.sell === 0 && cell.buy === 0 && cell.unknown > 0
      ? ["", `?${quantity(cell.unknown, style, row)}`]
      : [quantity(cell.sell, style, row), quantity(cell.buy, style, row)],
  ratio: (cell, style) => {
    const signs = signsOfStyle(style.quantity);
    return [ratioText(cell.sell, cell.sellAgainst, signs), ratioText(cell.buy, cell.buyAgainst, signs)];
  },
  delta: (cell, style, row) => [
    style.price === null
      ? signed(cell.buy - cell.sell, style.quantity)
      : signed((cell.buy - cell.sell) * style.price(row), quoteStyle(style)),
    "",
  ],
  volume: (cell, style, row) => [quantity(volumeOf(cell), style, row), ""],
  trades: (cell, style) => [countText(cell.trades, signsOfStyle(style.quantity)), ""],
  none: () => ["", ""],
};

const quoteStyle = ({ quantity: { lot } }: SheetStyle): QuantityStyle => ({
  unit: "lots",
  decimals: 0,
  perLot: 1,
  lot: { mantissa: 1, decimals: 0, step: 1, signs: lot.signs ?? plainSigns },
});

/** Fill in the numbers of a row; zeros are faint. @param lowest the row that the sheet begins with */
export function fillText(sheet: Sheet, row: number, cell: Numbers, style: SheetStyle, lowest: number): void {
  const [left, right] = writers[style.look.text](cell, style, lowest + row);
  sheet.leftText[row] = left;
  sheet.rightText[row] = right;
  const isSell = (cell.flags & mark.sellImbalance) !== 0;
  const isBuy = (cell.flags & mark.buyImbalance) !== 0;
  if (isFaint(left, cell.sell, isSell ? -1 : cell.sellAgainst, style))
    sheet.leftColour[row] = faintOn(sheet.leftGround[row] as string, style);
  if (isFaint(right, cell.buy, isBuy ? -1 : cell.buyAgainst, style))
    sheet.rightColour[row] = faintOn(sheet.rightGround[row] as string, style);
}

// What is written as zero. Of ratios also a side smaller than what it is compared with, and one whose ratio would be
// enough, but which is too small for an imbalance. Beside the ground of its own row a number may stand on a bar of any
// strength: there only a side without a bar is faint. @param against what makes no imbalance; -1 where it does
function isFaint(
  text: string,
  lots: number,
  against: number,
  { look: { form, text: kind }, ratio }: SheetStyle,
): boolean {
  if (form !== "grounds") return form === "blocks" && kind === "bid-ask" && lots === 0;
  if (isZero.test(text)) return true;
  return kind === "ratio" && against >= 0 && (lots < against || 100 * lots >= ratio * against);
}

const isZero = /^0(?:[.,]0+)?$/;

function faintOn(ground: string, style: SheetStyle): string {
  const { neutralRamp, buyRamp, sellRamp, freeFaint } = style.palette;
  if (style.look.form !== "grounds") return freeFaint;
  for (const ramp of [neutralRamp, buyRamp, sellRamp]) {
    const step = ramp.ground.indexOf(ground);
    if (step >= 0) return ramp.faint[step] as string;
  }
  return style.palette.cellText;
}

/** Fill in the lengths of a row. @param most what fills all the room: lots of a row, or of a side */
export function fillLengths(sheet: Sheet, row: number, cell: Numbers, style: SheetStyle, most: number): void {
  const { form } = style.look;
  if (form === "bubbles") {
    sheet.leftLength[row] = Math.sqrt(Math.min(1, cell.sell / most));
    sheet.rightLength[row] = Math.sqrt(Math.min(1, cell.buy / most));
    return;
  }
  sheet.leftLength[row] = cell.sell / most;
  sheet.rightLength[row] = cell.buy / most;
  sheet.unknown[row] = cell.unknown / most;
}

/** From afar there are no numbers and no frames: which side a cell has must be seen. */
const leastPixelStep = 7;

/** The pixel of a cell that is too small for anything else. */
export function cellPixel(cell: Numbers, style: SheetStyle, isHeatmap: boolean): number {
  const { palette, look } = style;
  if (isHeatmap && look.colour === "volume") {
    return palette.heatRamp.pixels[heatStep(volumeOf(cell), style.typical * volumeShare)] as number;
  }
  if (look.colour === "sides") {
    const delta = cell.buy - cell.sell;
    const step = Math.max(leastPixelStep, rampStep(volumeOf(cell) * 0.6, style.typical));
    return deltaRamp(delta, style).pixels[step] as number;
  }
  const [ramp, step] = oneGround(cell, style);
  const least = look.colour === "delta" && ramp !== palette.neutralRamp ? leastPixelStep : 0;
  return ramp.pixels[Math.max(least, step)] as number;
}
