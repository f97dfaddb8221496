import type { ChartModel } from "../../model/chart-model";
import type { PickState } from "../../model/pick";
import { vLine } from "../../renderers/shapes";
import type { Context } from "../../renderers/text";

/** The bars that are being shown to a tool. */
export function drawPick(ctx: Context, model: ChartModel, { from, to }: PickState, height: number): void {
  if (from === null || to === null) return;
  const { time, palette } = model;
  const line = Math.max(1, Math.round(model.dpr));
  const [left, right] = [time.x(Math.min(from, to)), Math.min(time.width, time.x(Math.max(from, to) + 1))];
  ctx.globalAlpha = 0.16;
  ctx.fillStyle = palette.line;
  ctx.fillRect(left, 0, right - left, height);
  ctx.globalAlpha = 1;
  for (const x of [left, right - line]) vLine(ctx, x, 0, height, palette.line, line);
}
