import type { ChartModel } from "../../model/chart-model";
import { unitsText } from "../../model/decimal";
import { deltaAt, type PlacedProfile, placedProfiles, rowsWithin, sizeAt } from "../../model/profiles";
import { hLine, plainText, vLine } from "../../renderers/shapes";
import { type Context, textWidth } from "../../renderers/text";
import { freeLefts } from "../panes/free-room";

const alpha = { inside: 0.4, outside: 0.2, outline: 0.85, range: 0.06 } as const;
/** Below this height rows run together. */
const mergedBelow = 1.5;
const gapFrom = 4;
const wordsCss = 10.5;

const isBeside = ({ look }: PlacedProfile): boolean => look.place === "gutter";

/** The profiles that stand among the bars, under the cells: a line through a number would strike it out. */
export function drawProfiles(ctx: Context, model: ChartModel): void {
  const among = placedProfiles(model, model.profiles.list).filter((placed) => !isBeside(placed));
  for (const placed of among) {
    if (placed.held.reply.kind === "fixed") drawRange(ctx, model, placed);
    drawRows(ctx, model, placed);
  }
  for (const placed of among) drawLines(ctx, model, placed);
}

/** Those beside the bars, and the words of all: over the cells. */
export function drawProfileLines(ctx: Context, model: ChartModel): void {
  const taken = takenByPrice(model);
  const all = placedProfiles(model, model.profiles.list);
  drawGutter(ctx, model, all.filter(isBeside));
  for (const placed of all) if (placed.look.lines === "labelled") drawNames(ctx, model, placed, taken);
}

// Behind the newest bar the last price stands already.
function takenByPrice({ series, settings, price, time }: ChartModel): Taken[] {
  const last = series.lastPrice();
  if (last === null || settings.lastLine !== "bar") return [];
  return [{ left: time.x(series.end), right: Number.POSITIVE_INFINITY, y: price.yOfPrice(last) }];
}

// Beside the bars: what of them reaches into it is covered.
function drawGutter(ctx: Context, model: ChartModel, beside: readonly PlacedProfile[]): void {
  const { reach, width } = model.time;
  if (reach >= width) return;
  ctx.fillStyle = model.palette.background;
  ctx.fillRect(reach, 0, width - reach, model.price.height);
  vLine(ctx, reach, 0, model.price.height, model.palette.grid, Math.max(1, Math.round(model.dpr)));
  for (const placed of beside) {
    drawRows(ctx, model, placed);
    drawLines(ctx, model, placed);
  }
}

function drawRange(ctx: Context, model: ChartModel, { place }: PlacedProfile): void {
  const line = Math.max(1, Math.round(model.dpr));
  ctx.globalAlpha = alpha.range;
  ctx.fillStyle = model.palette.line;
  ctx.fillRect(place.left, 0, place.right - place.left, model.price.height);
  ctx.globalAlpha = 0.5;
  for (const x of [place.left, place.right - line]) {
    vLine(ctx, x, 0, model.price.height, model.palette.line, line, [4 * line, 4 * line]);
  }
  ctx.globalAlpha = 1;
}

/** Where a row is drawn, device pixels. */
export interface RowBox {
  readonly k: number;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The rows in sight, each where it is drawn. Rows less than a pixel high share one: the longest is seen. */
export function rowBoxes(model: ChartModel, placed: PlacedProfile): readonly RowBox[] {
  const { price } = model;
  const { low, high } = price.span();
  const [from, to] = rowsWithin(placed.rows, Math.floor(low) - 1, Math.ceil(high) + 1);
  const boxes: RowBox[] = [];
  for (let k = from; k < to; k += 1) {
    const row = placed.rows.row[k] as number;
    const [top, bottom] = [Math.round(price.y(row + 1)), Math.round(price.y(row))];
    const gap = bottom - top >= gapFrom * model.dpr ? Math.max(1, Math.round(model.dpr)) : 0;
    const width = Math.round((sizeAt(placed.rows, k, placed.look.show) / placed.most) * placed.place.length);
    const left = placed.place.direction > 0 ? placed.place.base : placed.place.base - width;
    boxes.push({ k, left, top, width, height: Math.max(1, bottom - top - gap) });
  }
  return price.row >= mergedBelow ? boxes : longestOfEach(boxes);
}

function longestOfEach(boxes: readonly RowBox[]): RowBox[] {
  const byTop = new Map<number, RowBox>();
  for (const box of boxes) {
    const other = byTop.get(box.top);
    if (other === undefined || other.width < box.width) byTop.set(box.top, box);
  }
  return [...byTop.values()];
}

function drawRows(ctx: Context, model: ChartModel, placed: PlacedProfile): void {
  const { rows, look } = placed;
  for (const box of rowBoxes(model, placed)) {
    const row = rows.row[box.k] as number;
    ctx.globalAlpha = row >= rows.val && row <= rows.vah ? alpha.inside : alpha.outside;
    if (look.show === "bid_ask") drawSides(ctx, model, placed, box);
    else {
      ctx.fillStyle =
        look.show === "volume" ? volumeColour(model, row === rows.poc) : sideColour(model, deltaAt(rows, box.k));
      ctx.fillRect(box.left, box.top, box.width, box.height);
    }
  }
  ctx.globalAlpha = 1;
}

const volumeColour = ({ palette }: ChartModel, isPoc: boolean): string => (isPoc ? palette.poc : palette.valueArea);
const sideColour = ({ palette }: ChartModel, delta: number): string =>
  delta > 0 ? palette.buy : delta < 0 ? palette.sell : palette.untrusted;

// From its base on: what was sold, what was bought, what has no side.
function drawSides(ctx: Context, model: ChartModel, { rows, place, most }: PlacedProfile, box: RowBox): void {
  const { palette } = model;
  let from = 0;
  for (const [lots, colour] of [
    [rows.sell[box.k] as number, palette.sell],
    [rows.buy[box.k] as number, palette.buy],
    [rows.unknown[box.k] as number, palette.untrusted],
  ] as const) {
    const to = from + lots;
    const [a, b] = [Math.round((from / most) * place.length), Math.round((to / most) * place.length)];
    ctx.fillStyle = colour;
    if (b > a) ctx.fillRect(place.direction > 0 ? place.base + a : place.base - b, box.top, b - a, box.height);
    from = to;
  }
}

// The silhouette alone.
function drawOutline(ctx: Context, model: ChartModel, placed: PlacedProfile): void {
  const { base, direction } = placed.place;
  const boxes = [...rowBoxes(model, placed)].sort((a, b) => a.top - b.top);
  if (boxes.length < 2) return;
  ctx.beginPath();
  let bottom = Number.NaN;
  for (const box of boxes) {
    const x = base + direction * box.width;
    const joins = box.top - bottom <= 2 * model.dpr;
    if (!joins) {
      if (!Number.isNaN(bottom)) ctx.lineTo(base, bottom);
      ctx.moveTo(base, box.top);
    }
    ctx.lineTo(x, box.top);
    bottom = box.top + box.height;
    ctx.lineTo(x, bottom);
  }
  ctx.lineTo(base, bottom);
  ctx.strokeStyle = placed.look.show === "volume" ? model.palette.valueArea : model.palette.muted;
  ctx.lineWidth = Math.max(1, Math.round(model.dpr));
  ctx.globalAlpha = alpha.outline * 0.6;
  ctx.stroke();
  ctx.globalAlpha = 1;
}

interface Taken {
  readonly left: number;
  readonly right: number;
  readonly y: number;
}

/** Where the lines of a profile are: VAH at the top edge of its row, VAL at the low edge, the POC in the middle. */
export function levelsOf(
  model: ChartModel,
  { rows }: PlacedProfile,
): readonly { name: string; row: number; y: number }[] {
  const { price } = model;
  return [
    { name: "POC", row: rows.poc, y: price.y(rows.poc + 0.5) },
    { name: "VAH", row: rows.vah, y: price.y(rows.vah + 1) },
    { name: "VAL", row: rows.val, y: price.y(rows.val) },
  ];
}

function drawLines(ctx: Context, model: ChartModel, placed: PlacedProfile): void {
  drawOutline(ctx, model, placed);
  if (placed.look.lines === "none") return;
  const line = Math.max(1, Math.round(model.dpr));
  const [from, to] = extentOf(placed);
  for (const { name, y } of levelsOf(model, placed)) {
    if (y < 0 || y > model.price.height) continue;
    hLine(ctx, from, to, y, levelColour(model, name), line, name === "POC" ? [] : [4 * line, 3 * line]);
  }
}

function drawNames(ctx: Context, model: ChartModel, placed: PlacedProfile, taken: Taken[]): void {
  const { price, tick } = model;
  const [from, to] = extentOf(placed);
  for (const { name, row, y } of levelsOf(model, placed)) {
    if (y < 0 || y > price.height) continue;
    const text = `${name} ${unitsText(row * price.ticksPerLevel, tick)}`;
    const colour = levelColour(model, name);
    drawWords(ctx, model, { text, colour, y, from, to, isAtRight: placed.place.direction > 0 }, taken);
  }
}

const levelColour = ({ palette }: ChartModel, name: string): string =>
  name === "POC" ? palette.poc : palette.valueArea;

// Over all of its bars, or as far as its rows may reach.
function extentOf({ held, place }: PlacedProfile): readonly [from: number, to: number] {
  const { left, right, base, direction, length } = place;
  const isWide = held.reply.kind !== "visible" && held.reply.kind !== "composite";
  if (isWide) return [left, right];
  return [Math.min(base, base + direction * length), Math.max(base, base + direction * length)];
}

interface Words {
  readonly text: string;
  readonly colour: string;
  readonly y: number;
  readonly from: number;
  readonly to: number;
  readonly isAtRight: boolean;
}

// At the end of the line away from its rows, at the first place where no other words stand; without one, none.
function drawWords(ctx: Context, model: ChartModel, words: Words, taken: Taken[]): void {
  const size = wordsCss * model.dpr;
  const width = textWidth(words.text, size, 600);
  if (words.to - words.from < width + 8 * model.dpr) return;
  const isFree = (left: number, y: number): boolean =>
    y >= size / 2 &&
    taken.every((one) => Math.abs(one.y - y) >= size * 1.2 || one.left >= left + width || left >= one.right);
  for (const [left, y] of wordPlaces(model, words, size, width)) {
    if (!isFree(left, y)) continue;
    taken.push({ left, right: left + width, y });
    const { background: halo } = model.palette;
    plainText(ctx, words.text, left, y, { size, weight: 600, colour: words.colour, halo });
    return;
  }
}

// Behind a line that ends with the newest bar, whose numbers are looked at most; else above the line, beside the cells.
function* wordPlaces(
  model: ChartModel,
  { y, from, to, isAtRight }: Words,
  size: number,
  width: number,
): Generator<readonly [left: number, middle: number]> {
  const inset = 4 * model.dpr;
  const isNewest = to >= model.time.x(model.series.end) - model.dpr;
  if (isAtRight && isNewest && to + width + 2 * inset <= model.time.reach) {
    for (const rows of [0, -1.25, 1.25]) yield [to + inset, y + rows * size];
    return;
  }
  const above = y - size * 0.68;
  const room = { y: above, size, width, from: from + inset, to: to - inset };
  for (const left of freeLefts(model, room, isAtRight ? "right" : "left")) yield [left, above];
  if (!isAtRight) yield [room.from, above];
  else if (!isNewest) yield [room.to - width, above];
}
