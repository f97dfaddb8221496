import { paintBack, paintBars, paintBlocks, paintBubbles } from "./forms";
import { paintNumbers } from "./numbers";
import { frame, hatch } from "./shapes";
import { mark, type Sheet, type SheetForm } from "./sheet";
import type { Context } from "./text";

/** How a block of cells is to look; sizes in device pixels. */
export interface BlockStyle {
  readonly background: string;
  /** What rows stand on that their bars or circles do not fill: nothing behind the block shows between them. */
  readonly card: string;
  /** 0: no numbers. */
  readonly font: number;
  /** Texts up to this width fit into every cell that has numbers. */
  readonly usual: number;
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

export type BlockPainter = (ctx: Context, sheet: Sheet, at: BlockPlace, style: BlockStyle) => void;

/** Paint grounds, numbers and marks of the rows from `from` to `to`, both included. @param numbers who paints the numbers */
export function paintBlock(
  ctx: Context,
  sheet: Sheet,
  at: BlockPlace,
  style: BlockStyle,
  numbers: BlockPainter = paintNumbers,
): void {
  if (sheet.form !== "grounds") {
    paintCard(ctx, at, style);
    paintBack(ctx, sheet, at, style);
  }
  painters[sheet.form](ctx, sheet, at, style);
  if (style.font > 0) numbers(ctx, sheet, at, style);
  if (style.marksFramed && sheet.form !== "bubbles") paintImbalances(ctx, sheet, at, style);
  paintValueArea(ctx, sheet, at, style);
  paintFrame(ctx, sheet, at, style);
}

function paintCard(ctx: Context, at: BlockPlace, style: BlockStyle): void {
  ctx.fillStyle = style.card;
  ctx.fillRect(at.left, at.bottom - (at.to + 1) * at.row, at.width, (at.to - at.from + 1) * at.row - style.gap);
}

const painters: Readonly<Record<SheetForm, BlockPainter>> = {
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

/** Rows at least this many lines high have room for a frame that is seen among those of imbalances. */
const thickFromRow = 14;

function paintFrame(ctx: Context, sheet: Sheet, at: BlockPlace, style: BlockStyle): void {
  if (sheet.framed < at.from || sheet.framed > at.to) return;
  const top = at.bottom - (sheet.framed + 1) * at.row;
  const thick = at.row >= thickFromRow * style.line ? 2 * style.line : style.line;
  frame(ctx, at.left, top, at.width, at.row - style.gap, thick, style.poc);
}
