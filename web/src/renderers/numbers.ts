import type { BlockPlace, BlockStyle } from "./block";
import { mark, type Sheet } from "./sheet";
import { advancesOf, baselineOf, type Context, fontOf, widthOf } from "./text";

const half = (width: number): number => Math.floor(width / 2);

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

/** Which of the numbers: those of the usual width have room in their cell however wide it is, wider ones may not. */
export type NumberPart = "all" | "usual" | "longer";

/** Paint the numbers of a block's rows. */
export function paintNumbers(
  ctx: Context,
  sheet: Sheet,
  at: BlockPlace,
  style: BlockStyle,
  part: NumberPart = "all",
): void {
  const columns = sheet.splitText ? splitColumns(sheet, at, style) : [singleColumn(sheet, at, style)];
  ctx.textBaseline = "alphabetic";
  ctx.textAlign = "left";
  for (const bold of [false, true]) {
    ctx.font = fontOf(style.font, bold ? 700 : 400);
    for (const column of columns) paintColumn(ctx, sheet, at, style, column, bold, part);
  }
}

/** How far numbers keep away from the middle or the edge of their cell. */
export const insetOf = (style: BlockStyle): number => Math.round(4 * style.line);

// Sold left, bought right of the middle.
function splitColumns(sheet: Sheet, at: BlockPlace, style: BlockStyle): readonly TextColumn[] {
  const inset = insetOf(style);
  const middle = at.left + half(at.width);
  const room = half(at.width) - inset - 2 * style.line; // the frame of an imbalance stands free
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
  part: NumberPart,
): void {
  const advances = advancesOf(ctx, fontOf(style.font, bold ? 700 : 400));
  const share = column.align === "right" ? 1 : column.align === "center" ? 0.5 : 0;
  const first = at.bottom - at.row + baselineOf((at.row - style.gap) / 2, style.font);
  let last = "";
  for (let k = at.from; k <= at.to; k += 1) {
    const text = column.text[k] as string;
    const isBold = ((sheet.marks[k] as number) & column.boldMark) !== 0;
    if (text === "" || isBold !== bold) continue;
    const full = widthOf(text, advances);
    if (!isOf(part, full, style)) continue;
    const colour = column.colour[k] as string;
    if (colour !== last) ctx.fillStyle = colour;
    last = colour;
    // Numbers begin on whole pixels: so they look the same in a bitmap and beside it, and stand under each other.
    const x = Math.round(column.x - Math.min(full, column.room) * share);
    if (full > column.room) ctx.fillText(text, x, first - k * at.row, column.room);
    else ctx.fillText(text, x, first - k * at.row);
  }
}

const isOf = (part: NumberPart, width: number, { usual }: BlockStyle): boolean =>
  part === "all" || width > usual === (part === "longer");
