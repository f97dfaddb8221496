import { hasFlow, isIncomplete } from "../../model/trust";
import type { BarIndex } from "../../protocol/units";
import { candle, hLine, polyline } from "../../renderers/shapes";
import type { PaneFrame } from "./registry";

let points = new Float64Array(1024);

/**
 * Cumulative delta, as a line through the bars' closes or as candles (definitions 3.2). The line is broken where the sum
 * was reset, and before a bar of which trades are missing.
 */
export function drawCvd(frame: PaneFrame): void {
  const { ctx, model, scale } = frame;
  const { from, to } = model.visibleBars();
  const line = Math.max(1, Math.round(model.dpr));
  hLine(ctx, 0, model.time.width, scale.y(0), model.palette.daySeparator, line);
  if (model.settings.cvdStyle === "candles") drawCandles(frame, from, to);
  else drawLine(frame, from, to);
}

function drawLine({ ctx, model, scale }: PaneFrame, from: number, to: number): void {
  const { series, time } = model;
  const start = Math.max(series.first, from - 1);
  const end = Math.min(series.last, to + 1);
  const needed = (end - start + 1) * 6;
  if (points.length < needed) points = new Float64Array(needed * 2);
  let count = 0;
  const add = (x: number, y: number): void => {
    points[2 * count] = x;
    points[2 * count + 1] = y;
    count += 1;
  };
  for (let index = start; index <= end; index += 1) {
    if (!hasFlow(series, index as BarIndex)) continue;
    const close = series.number("cvd", index as BarIndex);
    const open = close - series.delta(index as BarIndex);
    const isReset = index > start && open !== series.number("cvd", (index - 1) as BarIndex);
    if (isReset || isIncomplete(series, index as BarIndex)) add(0, Number.NaN);
    if (isReset) add(time.x(index), scale.y(open));
    add(time.x(index) + time.bar / 2, scale.y(close));
  }
  polyline(ctx, points, count, model.palette.line, 1.6 * model.dpr);
}

function drawCandles({ ctx, model, scale }: PaneFrame, from: number, to: number): void {
  const { series, time, palette } = model;
  const width = Math.max(1, Math.round(time.bar * 0.5));
  const line = Math.max(1, Math.round(model.dpr));
  for (let place = from; place <= to; place += 1) {
    const index = place as BarIndex;
    if (!hasFlow(series, index)) continue;
    const close = series.number("cvd", index);
    const open = close - series.delta(index);
    const edge = (value: number): number => Math.round(scale.y(value));
    candle(
      ctx,
      Math.round(time.x(place) + (time.bar - width) / 2),
      width,
      edge(open + series.number("max_delta", index)),
      edge(Math.max(open, close)),
      edge(Math.min(open, close)),
      edge(open + series.number("min_delta", index)),
      close >= open ? palette.buy : palette.sell,
      line,
    );
  }
}
