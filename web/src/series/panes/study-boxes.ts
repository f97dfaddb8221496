import type { StudySeries } from "../../data/study-series";
import type { ChartModel } from "../../model/chart-model";
import { boxesOf } from "../../model/study-boxes";
import type { StudyOutput } from "../../protocol/messages";
import { plainText } from "../../renderers/shapes";
import { type Context, textWidth } from "../../renderers/text";

const wordsCss = 11;
/** The names of the studies over the price end there. */
const chipsCss = 24;

/** Boxes from their first bar to their last, with the study's title on top where it has room. */
export function drawBoxes(
  ctx: Context,
  model: ChartModel,
  study: StudySeries,
  output: StudyOutput,
  colour: string,
): void {
  const { time, price, series, dpr } = model;
  const { from, to } = model.visibleBars();
  const line = Math.max(1, Math.round(dpr));
  const size = wordsCss * dpr;
  const { title } = study.spec;
  for (const box of boxesOf(study, output, series, from, to)) {
    const [left, right] = [time.x(box.first), time.x(box.last + 1)];
    const [top, bottom] = [Math.round(price.yOfTick(box.high + 1)), Math.round(price.yOfTick(box.low))];
    ctx.fillStyle = colour;
    ctx.globalAlpha = 0.07;
    ctx.fillRect(left, top, right - left, bottom - top);
    ctx.globalAlpha = 0.6;
    ctx.strokeStyle = colour;
    ctx.lineWidth = line;
    ctx.strokeRect(left + line / 2, top + line / 2, right - left - line, bottom - top - line);
    ctx.globalAlpha = 1;
    const seen = Math.min(right, time.width) - Math.max(0, left);
    if (seen < textWidth(title, size, 600) + 8 * dpr) continue;
    // Below what the page writes over the top of the chart; inside of the box where it reaches so far up.
    const y = Math.max(top - size * 0.75, (chipsCss + 2) * dpr + size * 0.75);
    if (y < bottom - size) plainText(ctx, title, Math.max(0, left) + 4 * dpr, y, { size, weight: 600, colour });
  }
}
