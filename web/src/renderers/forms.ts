import type { BlockPlace, BlockStyle } from "./block";
import { hatch } from "./shapes";
import type { Sheet } from "./sheet";
import type { Context } from "./text";

const half = (width: number): number => Math.floor(width / 2);

/** The body and the wick of a candle, where rows leave room for it. */
export function paintBack(ctx: Context, sheet: Sheet, at: BlockPlace, style: BlockStyle): void {
  const { back } = sheet;
  if (back === null) return;
  const y = (row: number): number => Math.round(at.bottom - row * at.row);
  const [bodyTop, bodyBottom] = [y(back.bodyHigh), y(back.bodyLow)];
  ctx.fillStyle = back.tint;
  ctx.fillRect(at.left, bodyTop, at.width, Math.max(style.line, bodyBottom - bodyTop));
  const wick = Math.max(2 * style.line, Math.round(at.width * 0.04));
  const middle = at.left + half(at.width - wick);
  ctx.fillRect(middle, y(back.high), wick, bodyTop - y(back.high));
  ctx.fillRect(middle, bodyBottom, wick, y(back.low) - bodyBottom);
}

/** One bar a row from the left edge: sold, bought, and hatched what has no side. */
export function paintBars(ctx: Context, sheet: Sheet, at: BlockPlace, style: BlockStyle): void {
  const high = at.row - style.gap;
  for (let k = at.from; k <= at.to; k += 1) {
    const top = at.bottom - (k + 1) * at.row;
    const left = Math.round((sheet.leftLength[k] as number) * at.width);
    const right = Math.round(((sheet.leftLength[k] as number) + (sheet.rightLength[k] as number)) * at.width);
    if (left > 0) {
      ctx.fillStyle = sheet.leftGround[k] as string;
      ctx.fillRect(at.left, top, left, high);
    }
    if (right > left) {
      ctx.fillStyle = sheet.rightGround[k] as string;
      ctx.fillRect(at.left + left, top, right - left, high);
    }
    const unknown = Math.round((sheet.unknown[k] as number) * at.width);
    if (unknown > 0) hatch(ctx, at.left + right, top, unknown, high, style.hatch, style.line);
  }
}

/** Two bars a row from the middle: sold to the left, bought to the right; what has no side hatches both ends. */
export function paintBlocks(ctx: Context, sheet: Sheet, at: BlockPlace, style: BlockStyle): void {
  const high = at.row - style.gap;
  const middle = at.left + half(at.width);
  for (let k = at.from; k <= at.to; k += 1) {
    const top = at.bottom - (k + 1) * at.row;
    const left = Math.round((sheet.leftLength[k] as number) * half(at.width));
    const right = Math.round((sheet.rightLength[k] as number) * (at.width - half(at.width)));
    if (left > 0) {
      ctx.fillStyle = sheet.leftGround[k] as string;
      ctx.fillRect(middle - left, top, left, high);
    }
    if (right > 0) {
      ctx.fillStyle = sheet.rightGround[k] as string;
      ctx.fillRect(middle, top, right, high);
    }
    const unknown = Math.round((sheet.unknown[k] as number) * at.width * 0.5);
    if (unknown > 0) hatch(ctx, middle - unknown / 2, top, unknown, high, style.hatch, style.line);
  }
}

/** The largest radius of a circle: it stays in its half of the column, and need not stay in its row. */
export const bubbleRadius = (width: number, row: number): number => Math.min(width / 4, Math.max(row * 1.4, width / 6));

const fullTurn = 2 * Math.PI;

/** Two circles a row, the largest last, so that none hides a smaller one wholly: their areas are the quantities. */
export function paintBubbles(ctx: Context, sheet: Sheet, at: BlockPlace, style: BlockStyle): void {
  const most = bubbleRadius(at.width, at.row);
  const [leftX, rightX] = [at.left + at.width / 4, at.left + (at.width * 3) / 4];
  ctx.lineWidth = style.line;
  for (let k = at.from; k <= at.to; k += 1) {
    const y = at.bottom - (k + 0.5) * at.row;
    circle(ctx, leftX, y, (sheet.leftLength[k] as number) * most, sheet.leftGround[k] as string, style);
    circle(ctx, rightX, y, (sheet.rightLength[k] as number) * most, sheet.rightGround[k] as string, style);
  }
}

function circle(ctx: Context, x: number, y: number, radius: number, colour: string, style: BlockStyle): void {
  if (radius < style.line * 0.75) return;
  ctx.beginPath();
  ctx.arc(x, y, radius, 0, fullTurn);
  ctx.fillStyle = colour;
  ctx.fill();
  if (radius < 3 * style.line) return;
  ctx.strokeStyle = style.background;
  ctx.stroke();
}
