import type { ChartModel } from "../../model/chart-model";
import { type Ruler, rulerWords } from "../../model/ruler";
import { hLine, vLine } from "../../renderers/shapes";
import { baselineOf, type Context, fontOf } from "../../renderers/text";
import { axisFont } from "./axes";

/** The ruler over the price pane: the bars that it covers, its direction, and what it measures. */
export function drawRuler(ctx: Context, model: ChartModel, ruler: Ruler, height: number): void {
  const { time, price, palette, dpr } = model;
  const line = Math.max(1, Math.round(dpr));
  const words = rulerWords(model, ruler);
  const colour = words.rises ? palette.buy : palette.sell;
  const [first, last] = [Math.min(ruler.from.index, ruler.to.index), Math.max(ruler.from.index, ruler.to.index)];
  const [left, right] = [time.x(first), Math.min(time.x(last + 1), time.width)];
  const [fromY, toY] = [Math.round(price.yOfPrice(ruler.from.tick)), Math.round(price.yOfPrice(ruler.to.tick))];
  ctx.save();
  ctx.beginPath();
  ctx.rect(0, 0, time.width, height);
  ctx.clip();
  ctx.globalAlpha = 0.14;
  ctx.fillStyle = colour;
  ctx.fillRect(left, Math.min(fromY, toY), right - left, Math.abs(toY - fromY));
  ctx.globalAlpha = 1;
  for (const y of [fromY, toY]) hLine(ctx, left, right, y, colour, line);
  for (const x of [left, right - line]) vLine(ctx, x, Math.min(fromY, toY), Math.max(fromY, toY), colour, line);
  arrow(ctx, Math.round((left + right) / 2), fromY, toY, colour, line);
  label(ctx, model, words.lines, { left, right, fromY, toY, height });
  ctx.restore();
}

function arrow(ctx: Context, x: number, fromY: number, toY: number, colour: string, line: number): void {
  vLine(ctx, x, Math.min(fromY, toY), Math.max(fromY, toY), colour, line);
  const size = 5 * line;
  if (Math.abs(toY - fromY) < 2 * size) return;
  const back = toY < fromY ? size : -size;
  ctx.fillStyle = colour;
  ctx.beginPath();
  ctx.moveTo(x, toY);
  ctx.lineTo(x - size, toY + back);
  ctx.lineTo(x + size, toY + back);
  ctx.fill();
}

interface Extent {
  readonly left: number;
  readonly right: number;
  readonly fromY: number;
  readonly toY: number;
  readonly height: number;
}

// Behind the end of the ruler, where it does not cover what is measured; always whole inside of the plot.
function label(ctx: Context, model: ChartModel, lines: readonly string[], at: Extent): void {
  const size = axisFont(model) * 1.04;
  const [inset, lineHeight, away] = [9 * model.dpr, Math.round(size * 1.5), 6 * model.dpr];
  const widths = lines.map((text, k) => {
    ctx.font = fontOf(size, k === 0 ? 600 : 400);
    return ctx.measureText(text).width;
  });
  const width = Math.ceil(Math.max(...widths) + 2 * inset);
  const tall = lineHeight * lines.length + inset;
  const wanted = at.toY <= at.fromY ? at.toY - away - tall : at.toY + away;
  const top = Math.round(Math.max(away, Math.min(at.height - away - tall, wanted)));
  const middle = (at.left + at.right) / 2;
  const left = Math.round(Math.max(away, Math.min(model.time.width - away - width, middle - width / 2)));
  ctx.fillStyle = model.palette.label;
  ctx.beginPath();
  ctx.roundRect(left, top, width, tall, 4 * model.dpr);
  ctx.fill();
  ctx.fillStyle = model.palette.labelText;
  ctx.textAlign = "left";
  ctx.textBaseline = "alphabetic";
  lines.forEach((text, k) => {
    ctx.font = fontOf(size, k === 0 ? 600 : 400);
    ctx.fillText(text, left + inset, baselineOf(top + inset / 2 + lineHeight * (k + 0.5), size));
  });
}
