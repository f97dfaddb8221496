import type { StudySeries } from "../../data/study-series";
import type { ChartModel } from "../../model/chart-model";
import { flagSides, type PlacedMark, placedMarks } from "../../model/study-marks";
import type { StudyOutput } from "../../protocol/messages";
import type { BarIndex } from "../../protocol/units";
import type { Context } from "../../renderers/text";
import { barLayout, shapeOf } from "../footprint/layout";

const leastRowCss = 3;
const leastBarCss = 6;

/** The events of a study: a triangle that points the way of its side, two points joined by a line. */
export function drawMarks(
  ctx: Context,
  model: ChartModel,
  study: StudySeries,
  shown: readonly StudyOutput[],
  colour: string,
): void {
  for (const placed of placedMarks(model, study, shown)) drawMark(ctx, model, placed, colour);
}

function drawMark(ctx: Context, model: ChartModel, { mark, points, tip, size }: PlacedMark, colour: string): void {
  const { palette, dpr } = model;
  ctx.fillStyle = mark.side > 0 ? palette.buyText : mark.side < 0 ? palette.sellText : colour;
  ctx.strokeStyle = ctx.fillStyle;
  if (points.length > 1) {
    ctx.lineWidth = 1.4 * dpr;
    ctx.beginPath();
    for (const { x, y } of points) ctx.lineTo(x, y);
    ctx.stroke();
  }
  drawGlyph(ctx, tip.x, tip.y, size, mark.side, palette.background);
}

// Up below its price, down above it, a diamond at it.
function drawGlyph(ctx: Context, x: number, y: number, size: number, side: number, rim: string): void {
  ctx.beginPath();
  if (side === 0) {
    ctx.moveTo(x, y - size);
    ctx.lineTo(x + size, y);
    ctx.lineTo(x, y + size);
    ctx.lineTo(x - size, y);
  } else {
    ctx.moveTo(x, y);
    ctx.lineTo(x + size, y + side * 1.6 * size);
    ctx.lineTo(x - size, y + side * 1.6 * size);
  }
  ctx.closePath();
  ctx.strokeStyle = rim;
  ctx.lineWidth = Math.max(1, size * 0.2);
  ctx.fill();
  ctx.stroke();
}

/** What a study says of levels: a stroke at the right end of a cell for buys, at the left for sells. */
export function drawFlags(
  ctx: Context,
  model: ChartModel,
  study: StudySeries,
  output: StudyOutput,
  colour: string,
): void {
  const { time, price, dpr } = model;
  if (price.row < leastRowCss * dpr || time.bar < leastBarCss * dpr) return;
  const { from, to } = model.visibleBars();
  ctx.fillStyle = colour;
  for (let place = from; place <= to; place += 1) flagBar(ctx, model, study, output, place as BarIndex);
}

// While a bar and what is said of it come one after the other they may not be of one moment: then nothing is drawn.
function flagBar(ctx: Context, model: ChartModel, study: StudySeries, output: StudyOutput, index: BarIndex): void {
  const { series, time, price, dpr, settings } = model;
  const values = study.cells(output.columns[0] ?? "", index);
  const { columns, from, to } = series.levels(index);
  if (values === null || values.length !== to - from) return;
  const layout = barLayout(time.bar, dpr, shapeOf(settings));
  const thick = Math.max(2, Math.round(Math.min(4 * dpr, layout.blockWidth * 0.08)));
  const left = Math.round(time.x(index)) + layout.blockLeft;
  const base = series.number("base_row", index);
  values.forEach((value, k) => {
    const { buy, sell } = flagSides(output, value);
    if (!buy && !sell) return;
    const row = base + (columns.row[from + k] as number);
    const [top, bottom] = [Math.round(price.y(row + 1)), Math.round(price.y(row))];
    if (bottom < 0 || top > price.height) return;
    if (sell) ctx.fillRect(left, top, thick, bottom - top);
    if (buy) ctx.fillRect(left + layout.blockWidth - thick, top, thick, bottom - top);
  });
}
