import type { ChartModel } from "../../model/chart-model";
import type { Cursor } from "../../model/cursor";
import { hoverWords } from "../../model/hover-words";
import { baselineOf, type Context, fontOf } from "../../renderers/text";
import { axisFont } from "./axes";

/** What is under the cursor in numbers, beside it: a mark, an order, a row of a profile. */
export function drawHover(ctx: Context, model: ChartModel, cursor: Cursor, height: number): void {
  const words = hoverWords(model, cursor);
  if (words === null) return;
  const { dpr, palette, time } = model;
  const size = axisFont(model);
  const [inset, lineHeight, away] = [8 * dpr, Math.round(size * 1.5), 14 * dpr];
  const widths = words.lines.map((text, k) => {
    ctx.font = fontOf(size, k === 0 ? 600 : 400);
    return ctx.measureText(text).width;
  });
  const width = Math.ceil(Math.max(...widths) + 2 * inset);
  const tall = words.lines.length * lineHeight + inset;
  const isLeft = cursor.x + away + width > time.width;
  const left = Math.round(
    Math.max(dpr, Math.min(isLeft ? cursor.x - away - width : cursor.x + away, time.width - width)),
  );
  const top = Math.round(Math.max(dpr, Math.min(cursor.y + away, height - tall - dpr)));
  ctx.fillStyle = palette.label;
  ctx.beginPath();
  ctx.roundRect(left, top, width, tall, 4 * dpr);
  ctx.fill();
  ctx.fillStyle = palette.labelText;
  ctx.textAlign = "left";
  ctx.textBaseline = "alphabetic";
  words.lines.forEach((text, k) => {
    ctx.font = fontOf(size, k === 0 ? 600 : 400);
    ctx.fillText(text, left + inset, baselineOf(top + inset / 2 + lineHeight * (k + 0.5), size));
  });
}
