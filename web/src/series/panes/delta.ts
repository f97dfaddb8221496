import { signed } from "../../model/format";
import { deltaNumbersCss, hasDeltaNumbers } from "../../model/pane-scales";
import { hasFlow, isDoubtful } from "../../model/trust";
import type { BarIndex } from "../../protocol/units";
import { hatch, hLine, plainText } from "../../renderers/shapes";
import type { PaneFrame } from "./registry";

/** Delta of each bar as a column from zero, with the least and the most it had reached as whiskers. */
export function drawDelta(frame: PaneFrame): void {
  const { ctx, model, scale } = frame;
  const { from, to } = model.visibleBars();
  const line = Math.max(1, Math.round(model.dpr));
  const zero = Math.round(scale.y(0));
  hLine(ctx, 0, model.time.width, zero, model.palette.daySeparator, line);
  for (let index = from; index <= to; index += 1) {
    if (hasFlow(model.series, index as BarIndex)) drawColumn(frame, index as BarIndex, zero, line);
  }
  if (hasDeltaNumbers(model, frame.height)) drawNumbers(frame, from, to);
}

function drawColumn({ ctx, model, scale }: PaneFrame, index: BarIndex, zero: number, line: number): void {
  const { series, palette } = model;
  const bar = model.time.bar;
  const width = Math.max(1, bar >= 3 * line ? Math.round(bar * 0.62) : bar);
  const left = Math.round(model.time.x(index) + (bar - width) / 2);
  const delta = series.delta(index);
  const doubtful = isDoubtful(series, index);
  const colour = doubtful ? palette.untrusted : delta >= 0 ? palette.buy : palette.sell;
  const end = Math.round(scale.y(delta));
  const [top, bottom] = delta >= 0 ? [Math.min(end, zero - line), zero] : [zero, Math.max(end, zero + line)];
  if (bar >= 5 * line) {
    const middle = left + Math.floor((width - line) / 2);
    const most = Math.round(scale.y(series.number("max_delta", index)));
    const least = Math.round(scale.y(series.number("min_delta", index)));
    ctx.fillStyle = palette.muted;
    ctx.fillRect(middle, most, line, Math.max(line, least - most));
    const cap = Math.max(line, Math.round(width * 0.3));
    if (cap > line) {
      ctx.fillRect(middle - Math.floor(cap / 2), most, cap, line);
      ctx.fillRect(middle - Math.floor(cap / 2), least - line, cap, line);
    }
  }
  ctx.fillStyle = colour;
  ctx.fillRect(left, top, width, bottom - top);
  if (doubtful) hatch(ctx, left, top, width, bottom - top, palette.background, line);
}

function drawNumbers({ ctx, model, scale }: PaneFrame, from: number, to: number): void {
  const { series, palette, dpr } = model;
  const middle = scale.height + (deltaNumbersCss.height / 2) * dpr;
  for (let index = from; index <= to; index += 1) {
    const bar = index as BarIndex;
    if (!hasFlow(series, bar)) continue;
    const delta = series.delta(bar);
    const plain = isDoubtful(series, bar) || delta === 0;
    plainText(ctx, signed(delta, model.quantity), model.time.x(index) + model.time.bar / 2, middle, {
      size: 11 * dpr,
      weight: 600,
      colour: plain ? palette.muted : delta > 0 ? palette.buyText : palette.sellText,
      align: "center",
    });
  }
}
