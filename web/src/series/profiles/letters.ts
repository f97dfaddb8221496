import type { ChartModel } from "../../model/chart-model";
import { unitsText } from "../../model/decimal";
import { lettersOf, type PlacedTpo, placedLetters } from "../../model/profiles";
import { hLine, plainText, vLine } from "../../renderers/shapes";
import { type Context, fontOf, textWidth } from "../../renderers/text";
import { freeLeft } from "../panes/free-room";

const letterCss = { least: 7, most: 13 } as const;
const column = { leastCss: 2, mostCss: 10, lettersFromCss: 5.5, share: 0.92 } as const;
const wordsCss = 10.5;

/** How the letters of one session stand: the width of a column, and whether it holds letters or blocks. */
export interface LetterGrid {
  readonly left: number;
  readonly columnWidth: number;
  readonly asLetters: boolean;
  readonly fontSize: number;
}

export function letterGrid(model: ChartModel, { rows, left, right, split }: PlacedTpo): LetterGrid {
  const { dpr, price } = model;
  const numbers = rows.brackets.map(([number]) => number);
  const columns = split ? Math.max(0, ...numbers) + 1 : Math.max(1, ...rows.count);
  const fit = ((right - left) * column.share) / columns;
  const columnWidth = Math.max(column.leastCss * dpr, Math.min(column.mostCss * dpr, fit));
  const fontSize = Math.min(letterCss.most * dpr, price.row * 0.92, columnWidth * 1.5);
  const asLetters = fontSize >= letterCss.least * dpr && columnWidth >= column.lettersFromCss * dpr;
  return { left: left + 4 * dpr, columnWidth, asLetters, fontSize };
}

/** Letters of every session: merged to the left, or each bracket in a column of its own. */
export function drawLetters(ctx: Context, model: ChartModel): void {
  for (const placed of placedLetters(model, model.profiles.list)) {
    const grid = letterGrid(model, placed);
    drawGrounds(ctx, model, placed, grid);
    drawRows(ctx, model, placed, grid);
    drawBalance(ctx, model, placed);
    if (placed.lines !== "none") drawLines(ctx, model, placed, grid);
  }
}

const isSeen = (model: ChartModel, row: number): boolean => {
  const { low, high } = model.price.span();
  return row >= Math.floor(low) - 1 && row <= high;
};

// Single prints stand on a ground of their own.
function drawGrounds(ctx: Context, model: ChartModel, { rows }: PlacedTpo, grid: LetterGrid): void {
  ctx.fillStyle = model.palette.poc;
  ctx.globalAlpha = 0.22;
  for (const row of rows.singles) {
    if (!isSeen(model, row)) continue;
    const [top, bottom] = edgesOf(model, row);
    ctx.fillRect(grid.left - 2 * model.dpr, top, grid.columnWidth + 4 * model.dpr, bottom - top);
  }
  ctx.globalAlpha = 1;
}

const edgesOf = ({ price }: ChartModel, row: number): readonly [top: number, bottom: number] => {
  const [top, bottom] = [Math.round(price.y(row + 1)), Math.round(price.y(row))];
  return [top, Math.max(top + 1, bottom)];
};

function drawRows(ctx: Context, model: ChartModel, placed: PlacedTpo, grid: LetterGrid): void {
  const { palette } = model;
  const { rows } = placed;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.font = fontOf(grid.fontSize, 600);
  for (let k = 0; k < rows.count.length; k += 1) {
    const row = rows.low_row + k;
    if (!isSeen(model, row)) continue;
    const isInside = row >= rows.val && row <= rows.vah;
    if (grid.asLetters) drawBehind(ctx, model, placed, grid, row);
    ctx.fillStyle = row === rows.poc ? palette.poc : isInside ? palette.text : palette.axisText;
    // Blocks are a mass of what letters are a line of.
    ctx.globalAlpha = grid.asLetters || row === rows.poc ? 1 : 0.5;
    drawRow(ctx, model, placed, grid, row);
  }
  ctx.globalAlpha = 1;
}

// Letters stand over cells, whose numbers must not be read as part of them.
function drawBehind(ctx: Context, model: ChartModel, { rows, split }: PlacedTpo, grid: LetterGrid, row: number): void {
  const [top, bottom] = edgesOf(model, row);
  ctx.fillStyle = model.palette.background;
  ctx.globalAlpha = 0.82;
  let before = 0;
  for (const [number, , low, high] of rows.brackets) {
    if (row < low || row > high) continue;
    ctx.fillRect(grid.left + (split ? number : before) * grid.columnWidth, top, grid.columnWidth, bottom - top);
    before += 1;
  }
  ctx.globalAlpha = 1;
}

// The column of a letter: how many stand before it, or the number of its bracket.
function drawRow(ctx: Context, model: ChartModel, { rows, split }: PlacedTpo, grid: LetterGrid, row: number): void {
  const [top, bottom] = edgesOf(model, row);
  const gap = Math.max(1, Math.round(model.dpr));
  let before = 0;
  for (const [number, letter, low, high] of rows.brackets) {
    if (row < low || row > high) continue;
    const left = grid.left + (split ? number : before) * grid.columnWidth;
    if (grid.asLetters) ctx.fillText(letter, left + grid.columnWidth / 2, (top + bottom) / 2);
    else
      ctx.fillRect(
        left,
        top,
        Math.max(1, grid.columnWidth - gap),
        Math.max(1, bottom - top - (bottom - top > 3 * gap ? gap : 0)),
      );
    before += 1;
  }
}

// The initial balance is a rail at the left.
function drawBalance(ctx: Context, model: ChartModel, { rows, left }: PlacedTpo): void {
  if (rows.ib_high === null || rows.ib_low === null) return;
  const thick = 2 * Math.max(1, Math.round(model.dpr));
  const [top, bottom] = [model.price.y(rows.ib_high + 1), model.price.y(rows.ib_low)];
  vLine(ctx, left + thick / 2, Math.max(0, top), Math.min(model.price.height, bottom), model.palette.line, thick);
}

function drawLines(ctx: Context, model: ChartModel, placed: PlacedTpo, grid: LetterGrid): void {
  const { palette, price, dpr, tick } = model;
  const { rows, left, right } = placed;
  const line = Math.max(1, Math.round(dpr));
  const [size, inset] = [wordsCss * dpr, 4 * dpr];
  const marks: readonly (readonly [name: string, row: number, y: number, colour: string])[] = [
    ["TPO POC", rows.poc, price.y(rows.poc + 0.5), palette.poc],
    ["VAH", rows.vah, price.y(rows.vah + 1), palette.valueArea],
    ["VAL", rows.val, price.y(rows.val), palette.valueArea],
    ...poor(model, rows),
  ];
  for (const [name, row, y, colour] of marks) {
    if (y < size || y > price.height) continue;
    const columns = placed.split ? rows.brackets.length : lettersOf(rows, row).length;
    const from = grid.left + columns * grid.columnWidth;
    hLine(ctx, Math.min(from, right), right, y, colour, line, [3 * line, 3 * line]);
    const text = `${name} ${unitsText(row * price.ticksPerLevel, tick)}`;
    if (placed.lines !== "labelled" || right - left < 150 * dpr) continue;
    const { background: halo } = palette;
    const above = y - size * 0.68;
    const room = { y: above, size, width: textWidth(text, size, 600), from: from + inset, to: right };
    plainText(ctx, text, freeLeft(model, room, "left") ?? from + inset, above, { size, weight: 600, colour, halo });
  }
}

// An extreme that was traded in two brackets or more is unfinished business.
function poor(
  { palette, price }: ChartModel,
  rows: PlacedTpo["rows"],
): readonly (readonly [name: string, row: number, y: number, colour: string])[] {
  const high = rows.low_row + rows.count.length - 1;
  return [
    ...(rows.poor_high ? ([["poor high", high, price.y(high + 1), palette.sellText]] as const) : []),
    ...(rows.poor_low ? ([["poor low", rows.low_row, price.y(rows.low_row), palette.buyText]] as const) : []),
  ];
}
