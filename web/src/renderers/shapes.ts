import { fillDashes } from "./dashes";
import { baselineOf, type Context, fontOf } from "./text";

/** A horizontal line on whole pixels; `dash` in pixels, or none. */
export function hLine(
  ctx: Context,
  left: number,
  right: number,
  y: number,
  colour: string,
  thick = 1,
  dash: readonly number[] = [],
): void {
  const top = Math.round(y - thick / 2);
  if (dash.length > 0) {
    fillDashes(ctx, colour, dash, { left: Math.round(left), top, width: right - left, height: thick });
    return;
  }
  ctx.fillStyle = colour;
  ctx.fillRect(left, top, right - left, thick);
}

/** A vertical line on whole pixels. */
export function vLine(
  ctx: Context,
  x: number,
  top: number,
  bottom: number,
  colour: string,
  thick = 1,
  dash: readonly number[] = [],
): void {
  const left = Math.round(x - thick / 2);
  if (dash.length > 0) {
    fillDashes(ctx, colour, dash, { left, top: Math.round(top), width: thick, height: bottom - top });
    return;
  }
  ctx.fillStyle = colour;
  ctx.fillRect(left, top, thick, bottom - top);
}

/** A candle: wick and body between whole pixels; `y` values are edges, top first. */
export function candle(
  ctx: Context,
  left: number,
  width: number,
  wickTop: number,
  bodyTop: number,
  bodyBottom: number,
  wickBottom: number,
  colour: string,
  line: number,
): void {
  ctx.fillStyle = colour;
  const middle = left + Math.floor((width - line) / 2);
  ctx.fillRect(middle, wickTop, line, Math.max(line, wickBottom - wickTop));
  ctx.fillRect(left, bodyTop, width, Math.max(line, bodyBottom - bodyTop));
}

/** As `candle`, with a body of which only the outline is drawn; `edges`: high, top of the body, its bottom, low. */
export function hollowCandle(
  ctx: Context,
  left: number,
  width: number,
  edges: readonly [number, number, number, number],
  colour: string,
  background: string,
  line: number,
): void {
  const [high, top, bottom, low] = edges;
  candle(ctx, left, width, high, top, bottom, low, colour, line);
  if (bottom - top <= 2 * line) return;
  ctx.fillStyle = background;
  ctx.fillRect(left + line, top + line, width - 2 * line, bottom - top - 2 * line);
}

/** A row of square dots. */
export function dots(ctx: Context, left: number, right: number, y: number, colour: string, line: number): void {
  ctx.fillStyle = colour;
  const size = 2 * line;
  for (let x = left; x + size <= right; x += 3 * size) ctx.fillRect(x, Math.round(y - line), size, size);
}

/** A bracket along the side of stacked imbalances, open towards the cells. */
export function bracket(
  ctx: Context,
  x: number,
  top: number,
  bottom: number,
  opensTo: "left" | "right",
  width: number,
  line: number,
  colour: string,
): void {
  ctx.fillStyle = colour;
  const spine = opensTo === "right" ? x : x + width - line;
  ctx.fillRect(spine, top, line, bottom - top);
  ctx.fillRect(x, top, width, line);
  ctx.fillRect(x, bottom - line, width, line);
}

/** Slanted lines inside a rectangle. */
export function hatch(
  ctx: Context,
  left: number,
  top: number,
  width: number,
  height: number,
  colour: string,
  line: number,
): void {
  const pitch = 4 * line;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  ctx.beginPath();
  for (let x = left - height; x < left + width; x += pitch) {
    ctx.moveTo(x, top + height);
    ctx.lineTo(x + height, top);
  }
  ctx.strokeStyle = colour;
  ctx.globalAlpha = 0.45;
  ctx.lineWidth = line;
  ctx.stroke();
  ctx.restore();
}

/** A frame drawn inside of a rectangle, on whole pixels. */
export function frame(
  ctx: Context,
  left: number,
  top: number,
  width: number,
  height: number,
  line: number,
  colour: string,
): void {
  ctx.fillStyle = colour;
  ctx.fillRect(left, top, width, line);
  ctx.fillRect(left, top + height - line, width, line);
  ctx.fillRect(left, top + line, line, height - 2 * line);
  ctx.fillRect(left + width - line, top + line, line, height - 2 * line);
}

/** A label on an axis: a filled box with one or two lines of text. */
export interface AxisLabel {
  readonly left: number;
  readonly width: number;
  readonly middle: number;
  readonly lineHeight: number;
  readonly font: number;
  readonly ground: string;
  readonly colour: string;
  readonly lines: readonly string[];
  readonly align: "left" | "center";
  readonly inset: number;
}

export function axisLabel(ctx: Context, label: AxisLabel): void {
  const height = label.lineHeight * label.lines.length;
  const top = Math.round(label.middle - label.lineHeight / 2);
  ctx.fillStyle = label.ground;
  ctx.beginPath();
  ctx.roundRect(label.left, top, label.width, height, Math.round(label.lineHeight * 0.14));
  ctx.fill();
  ctx.fillStyle = label.colour;
  ctx.textAlign = label.align;
  ctx.textBaseline = "alphabetic";
  label.lines.forEach((text, k) => {
    ctx.font = fontOf(label.font, k === 0 ? 600 : 400);
    const x = label.align === "center" ? label.left + label.width / 2 : label.left + label.inset;
    const room = label.width - 1.25 * label.inset; // longer words are squeezed, not cut
    ctx.fillText(text, x, baselineOf(top + label.lineHeight * (k + 0.5), label.font), room);
  });
}

/** A connected line through points; pairs of x and y, NaN breaks it. A point without a neighbour is a dot. */
export function polyline(ctx: Context, points: Float64Array, count: number, colour: string, thick: number): void {
  ctx.strokeStyle = colour;
  ctx.lineWidth = thick;
  ctx.lineJoin = "bevel";
  ctx.beginPath();
  const alone: number[] = [];
  let pen = false;
  for (let k = 0; k < count; k += 1) {
    const x = points[2 * k] as number;
    const y = points[2 * k + 1] as number;
    if (Number.isNaN(y)) pen = false;
    else if (pen) ctx.lineTo(x, y);
    else {
      const isAlone = k + 1 === count || Number.isNaN(points[2 * k + 3] as number);
      if (isAlone) alone.push(x, y);
      else ctx.moveTo(x, y);
      pen = !isAlone;
    }
  }
  ctx.stroke();
  drawDots(ctx, alone, colour, thick);
}

// What has nothing beside it has no line to stand on.
function drawDots(ctx: Context, places: readonly number[], colour: string, thick: number): void {
  if (places.length === 0) return;
  ctx.fillStyle = colour;
  ctx.beginPath();
  for (let k = 0; k < places.length; k += 2) {
    const [x, y] = [places[k] as number, places[k + 1] as number];
    ctx.moveTo(x + 1.6 * thick, y);
    ctx.arc(x, y, 1.6 * thick, 0, 2 * Math.PI);
  }
  ctx.fill();
}

/** How one line of text looks; the size in device pixels. */
export interface TextLook {
  readonly size: number;
  readonly weight?: 400 | 600 | 700;
  readonly colour: string;
  readonly align?: CanvasTextAlign;
  /** What is wider is squeezed. */
  readonly room?: number;
  /** The colour that is drawn round it, where it stands over something. */
  readonly halo?: string;
}

/** One line of text that no label box holds; `middle` is where the middle of its digits is. */
export function plainText(ctx: Context, text: string, x: number, middle: number, look: TextLook): void {
  ctx.font = fontOf(look.size, look.weight ?? 400);
  ctx.fillStyle = look.colour;
  ctx.textAlign = look.align ?? "left";
  ctx.textBaseline = "alphabetic";
  const baseline = baselineOf(middle, look.size);
  if (look.halo !== undefined) {
    ctx.lineWidth = look.size * 0.26;
    ctx.lineJoin = "round";
    ctx.strokeStyle = look.halo;
    ctx.strokeText(text, x, baseline);
  }
  ctx.fillText(text, x, baseline, look.room);
}
