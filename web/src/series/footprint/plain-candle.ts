import type { BarSeries } from "../../data/bar-series";
import type { ChartModel } from "../../model/chart-model";
import { hasFlow } from "../../model/trust";
import type { BarIndex } from "../../protocol/units";
import { plainText } from "../../renderers/shapes";
import { type Context, textWidth } from "../../renderers/text";

/** What a plain candle needs of the scene that it stands in. */
export interface CandleScene {
  readonly series: BarSeries;
  readonly palette: ChartModel["palette"];
  readonly bar: number;
  readonly line: number;
  readonly ticksPerLevel: number;
  readonly x: (index: number) => number;
  readonly y: (row: number) => number;
}

/** A candle of the venue, without order flow: neutral, hollow where it rises, filled where it falls. */
export function drawPlainCandle(ctx: Context, scene: CandleScene, index: BarIndex): void {
  const { series, palette, bar, line, ticksPerLevel } = scene;
  const edge = (tick: number): number => Math.round(scene.y(tick / ticksPerLevel));
  const [open, close] = [series.number("open_tick", index), series.number("close_tick", index)];
  const [top, bottom] = [edge(series.number("high_tick", index) + 1), edge(series.number("low_tick", index))];
  const [bodyTop, bodyBottom] = [edge(Math.max(open, close) + 1), edge(Math.min(open, close))];
  const width = Math.max(line, bar < 5 * line ? Math.floor(bar * 0.8) : Math.round(bar * 0.5));
  const left = Math.floor(scene.x(index) + (bar - width) / 2);
  const middle = left + Math.floor((width - line) / 2);
  const high = Math.max(line, bodyBottom - bodyTop);
  ctx.fillStyle = palette.muted;
  ctx.fillRect(middle, top, line, Math.max(line, bottom - top));
  ctx.fillRect(left, bodyTop, width, high);
  if (close < open || width <= 3 * line || high <= 3 * line) return;
  ctx.fillStyle = palette.background;
  ctx.fillRect(left + line, bodyTop + line, width - 2 * line, high - 2 * line);
}

/** Says over the candles on screen what they are, where there is room for it. */
export function drawPlainLabel(ctx: Context, model: ChartModel, from: number, to: number): void {
  const { series, time, palette, dpr } = model;
  if (to < from || hasFlow(series, from as BarIndex)) return;
  let end = from;
  while (end <= to && !hasFlow(series, end as BarIndex)) end += 1;
  const [left, right] = [Math.max(0, time.x(from)), time.x(end)];
  const text = "no order flow: candles of the venue";
  const size = 11 * dpr;
  const width = textWidth(text, size);
  if (right - left < width + 12 * dpr) return;
  ctx.fillStyle = palette.background;
  ctx.fillRect(left + 4 * dpr, 4 * dpr, width + 8 * dpr, size + 8 * dpr);
  plainText(ctx, text, left + 8 * dpr, 8 * dpr + size / 2, { size, colour: palette.muted });
}
