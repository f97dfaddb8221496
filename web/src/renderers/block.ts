import { paintBack, paintBars, paintBlocks, paintBubbles } from "./forms";
import { frame, hatch } from "./shapes";
import { mark, type Sheet, type SheetForm } from "./sheet";
import { advancesOf, baselineOf, type Context, fontOf, widthOf } from "./text";

/** How a block of cells is to look; sizes in device pixels. */
export interface BlockStyle {
  readonly background: string;
  /** What rows stand on that their bars or circles do not fill: nothing behind the block shows between them. */
  readonly card: string;
  /** 0: no numbers. */
  readonly font: number;
  /** Texts longer than this are squeezed into their cell. */
  readonly fits: number;
  readonly gap: number;
  readonly line: number;
  /** The frame of the chosen row. */
  readonly poc: string;
  readonly valueArea: string;
  /** Imbalances have a frame, or their text alone says it. */
  readonly marksFramed: boolean;
  readonly marksBold: boolean;
  readonly buyStrong: string;
  readonly sellStrong: string;
  readonly hatch: string;
}

/** Where the block stands: `bottom` is the low edge of its lowest row. */
export interface BlockPlace {
  readonly left: number;
  readonly bottom: number;
  readonly width: number;
  readonly row: number;
  /** Rows to paint, counted from the lowest. */
  readonly from: number;
  readonly to: number;
}

/** Paint grounds, marks and text of the rows from `from` to `to`, both included. */
export function paintBlock(ctx: Context, sheet: Sheet, at: BlockPlace, style: BlockStyle): void {
  if (sheet.form !== "grounds") {
    paintCard(ctx, at, style);
    paintBack(ctx, sheet, at, style);
  }
  painters[sheet.form](ctx, sheet, at, style);
  if (style.font > 0) paintTexts(ctx, sheet, at, style);
  if (style.marksFramed && sheet.form !== "bubbles") paintImbalances(ctx, sheet, at, style);
  paintValueArea(ctx, sheet, at, style);
  paintFrame(ctx, sheet, at, style);
}

function paintCard(ctx: Context, at: BlockPlace, style: BlockStyle): void {
  ctx.fillStyle = style.card;
  ctx.fillRect(at.left, at.bottom - (at.to + 1) * at.row, at.width, (at.to - at.from + 1) * at.row - style.gap);
}

const painters: Readonly<Record<SheetForm, typeof paintGrounds>> = {
  grounds: (ctx, sheet, at, style) => {
    paintGrounds(ctx, sheet, at, style);
    paintHatches(ctx, sheet, at, style);
  },
  bars: paintBars,
  blocks: paintBlocks,
  bubbles: paintBubbles,
};

const half = (width: number): number => Math.floor(width / 2);

function paintGrounds(ctx: Context, sheet: Sheet, at: BlockPlace, style: BlockStyle): void {
  const left = half(at.width);
  const high = at.row - style.gap;
  for (let k = at.from; k <= at.to; k += 1) {
    const top = at.bottom - (k + 1) * at.row;
    ctx.fillStyle = sheet.leftGround[k] ?? style.background;
    if (!sheet.splitGround) {
      ctx.fillRect(at.left, top, at.width, high);
      continue;
    }
    ctx.fillRect(at.left, top, left, high);
    ctx.fillStyle = sheet.rightGround[k] ?? style.background;
    ctx.fillRect(at.left + left, top, at.width - left, high);
  }
}

// Volume without a side: slanted lines over its share of the row, from the middle outward.
function paintHatches(ctx: Context, sheet: Sheet, at: BlockPlace, style: BlockStyle): void {
  for (let k = at.from; k <= at.to; k += 1) {
    const share = sheet.unknown[k] as number;
    if (share <= 0) continue;
    const width = Math.max(4, at.width * share);
    const top = at.bottom - (k + 1) * at.row;
    hatch(ctx, at.left + (at.width - width) / 2, top, width, at.row - style.gap, style.hatch, style.line);
  }
}

/** One column of numbers in the block. */
interface TextColumn {
  readonly text: readonly string[];
  readonly colour: readonly string[];
  readonly x: number;
  readonly align: "left" | "center" | "right";
  readonly room: number;
  /** Rows with this mark are bold. */
  readonly boldMark: number;
}

function paintTexts(ctx: Context, sheet: Sheet, at: BlockPlace, style: BlockStyle): void {
  const columns = sheet.splitText ? splitColumns(sheet, at, style) : [singleColumn(sheet, at, style)];
  ctx.textBaseline = "alphabetic";
  ctx.textAlign = "left";
  for (const bold of [false, true]) {
    ctx.font = fontOf(style.font, bold ? 700 : 400);
    for (const column of columns) paintColumn(ctx, sheet, at, style, column, bold);
  }
}

const insetOf = (style: BlockStyle): number => Math.round(4 * style.line);

// Sold left, bought right of the middle.
function splitColumns(sheet: Sheet, at: BlockPlace, style: BlockStyle): readonly TextColumn[] {
  const inset = insetOf(style);
  const middle = at.left + half(at.width);
  const room = half(at.width) - inset;
  const [sellMark, buyMark] = style.marksBold ? [mark.sellImbalance, mark.buyImbalance] : [0, 0];
  return [
    { text: sheet.leftText, colour: sheet.leftColour, x: middle - inset, align: "right", room, boldMark: sellMark },
    { text: sheet.rightText, colour: sheet.rightColour, x: middle + inset, align: "left", room, boldMark: buyMark },
  ];
}

// One number: in the middle, or where its bar begins.
function singleColumn(sheet: Sheet, at: BlockPlace, style: BlockStyle): TextColumn {
  const inset = insetOf(style);
  const isBar = sheet.form === "bars";
  return {
    text: sheet.leftText,
    colour: sheet.leftColour,
    x: isBar ? at.left + inset : at.left + half(at.width),
    align: isBar ? "left" : "center",
    room: at.width - inset,
    boldMark: style.marksBold ? mark.sellImbalance | mark.buyImbalance : 0,
  };
}

function paintColumn(
  ctx: Context,
  sheet: Sheet,
  at: BlockPlace,
  style: BlockStyle,
  column: TextColumn,
  bold: boolean,
): void {
  const advances = advancesOf(ctx, fontOf(style.font, bold ? 700 : 400));
  const share = column.align === "right" ? 1 : column.align === "center" ? 0.5 : 0;
  const first = at.bottom - at.row + baselineOf((at.row - style.gap) / 2, style.font);
  let last = "";
  for (let k = at.from; k <= at.to; k += 1) {
    const text = column.text[k] as string;
    if (text === "" || (((sheet.marks[k] as number) & column.boldMark) !== 0) !== bold) continue;
    const colour = column.colour[k] as string;
    if (colour !== last) {
      ctx.fillStyle = colour;
      last = colour;
    }
    const width = Math.min(column.room, widthOf(text, advances));
    // Numbers begin on whole pixels: so they look the same in a bitmap and beside it, and stand under each other.
    const x = Math.round(column.x - width * share);
    if (text.length > style.fits) ctx.fillText(text, x, first - k * at.row, column.room);
    else ctx.fillText(text, x, first - k * at.row);
  }
}

// Two numbers a row: a frame round the half that dominates. One number: a strong edge on that side.
function paintImbalances(ctx: Context, sheet: Sheet, at: BlockPlace, style: BlockStyle): void {
  const left = half(at.width);
  const line = style.line;
  for (let k = at.from; k <= at.to; k += 1) {
    const marks = sheet.marks[k] as number;
    if ((marks & (mark.buyImbalance | mark.sellImbalance)) === 0) continue;
    const top = at.bottom - (k + 1) * at.row;
    const high = at.row - style.gap;
    if ((marks & mark.sellImbalance) !== 0) {
      if (sheet.splitText) frame(ctx, at.left, top, left, high, line, style.sellStrong);
      else edge(ctx, at.left, top, 3 * line, high, style.sellStrong);
    }
    if ((marks & mark.buyImbalance) !== 0) {
      if (sheet.splitText) frame(ctx, at.left + left, top, at.width - left, high, line, style.buyStrong);
      else edge(ctx, at.left + at.width - 3 * line, top, 3 * line, high, style.buyStrong);
    }
  }
}

function edge(ctx: Context, left: number, top: number, width: number, height: number, colour: string): void {
  ctx.fillStyle = colour;
  ctx.fillRect(left, top, width, height);
}

// VAH at the top edge of its row, VAL at the low edge (definitions 4.2).
function paintValueArea(ctx: Context, sheet: Sheet, at: BlockPlace, style: BlockStyle): void {
  if (sheet.vah < 0 || sheet.val < 0) return;
  ctx.fillStyle = style.valueArea;
  const thick = style.line;
  const high = at.bottom - (sheet.vah + 1) * at.row;
  const low = at.bottom - sheet.val * at.row - thick;
  ctx.fillRect(at.left, high, at.width, thick);
  ctx.fillRect(at.left, low, at.width, thick);
}

function paintFrame(ctx: Context, sheet: Sheet, at: BlockPlace, style: BlockStyle): void {
  if (sheet.framed < at.from || sheet.framed > at.to) return;
  const top = at.bottom - (sheet.framed + 1) * at.row;
  frame(ctx, at.left, top, at.width, at.row - style.gap, style.line, style.poc);
}
