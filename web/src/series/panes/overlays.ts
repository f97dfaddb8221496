import { cellAt } from "../../model/cells";
import type { ChartModel } from "../../model/chart-model";
import { unitsText } from "../../model/decimal";
import type { GapBand } from "../../model/gap-bands";
import { lastAxisValue } from "../../model/study-values";
import type { ValueScale } from "../../model/value-scale";
import type { BarIndex } from "../../protocol/units";
import { type AxisLabel, frame, hatch, hLine, plainText } from "../../renderers/shapes";
import { type Context, textWidth } from "../../renderers/text";
import { barLayout, shapeOf } from "../footprint/layout";
import { axisFont, valueTicks } from "./axes";
import type { LastValue } from "./registry";

const briefCss = 10;

/** Stretches of the tape that are missing: a hatched band over the whole height, of brief ones its two ends. */
export function drawGapBands(ctx: Context, model: ChartModel, bands: readonly GapBand[], height: number): void {
  const brief = briefCss * model.dpr;
  for (const band of bands) {
    const right = Math.min(band.right, model.time.reach);
    if (right <= band.left) continue;
    if (band.isBrief && height > 4 * brief) {
      drawBand(ctx, model, band.left, right, 0, brief);
      drawBand(ctx, model, band.left, right, height - brief, brief);
    } else drawBand(ctx, model, band.left, right, 0, height);
  }
}

function drawBand(ctx: Context, model: ChartModel, left: number, right: number, top: number, height: number): void {
  ctx.globalAlpha = 0.1;
  ctx.fillStyle = model.palette.gap;
  ctx.fillRect(left, top, right - left, height);
  ctx.globalAlpha = 1;
  hatch(ctx, left, top, right - left, height, model.palette.gap, Math.max(1, Math.round(model.dpr)));
}

/** The label of the last price and of what is left of its bar; null without a price or off the screen. */
export function lastPriceLabel(model: ChartModel, left: number, width: number, countdown: string): AxisLabel | null {
  const price = model.series.lastPrice();
  if (price === null) return null;
  const y = model.price.yOfPrice(price);
  if (y < 0 || y > model.price.height) return null;
  const [ground, colour] = lastColours(model);
  const lineHeight = Math.round(axisFont(model) * 1.55);
  const lines = countdown === "" ? [unitsText(price, model.tick)] : [unitsText(price, model.tick), countdown];
  const lowest = model.price.height - lineHeight * (lines.length - 0.5);
  return {
    left,
    width,
    middle: Math.max(lineHeight / 2, Math.min(Math.round(y), lowest)),
    lineHeight,
    font: axisFont(model),
    ground,
    colour,
    lines,
    align: "left",
    inset: 8 * model.dpr,
  };
}

/** The label of a pane's newest value on its axis. */
export function lastValueLabel(
  model: ChartModel,
  last: LastValue,
  scale: ValueScale,
  size: { readonly width: number; readonly height: number },
): AxisLabel {
  const lineHeight = Math.round(axisFont(model) * 1.5);
  const y = scale.y(last.value);
  const unit = last.unit ?? "lot";
  return {
    left: model.time.width,
    width: size.width,
    middle: Math.round(Math.max(lineHeight / 2, Math.min(y, size.height - lineHeight / 2))),
    lineHeight,
    font: axisFont(model) * 0.94,
    ground: last.ground,
    colour: last.colour,
    lines: [lastAxisValue(model, unit, last.value, valueTicks(model, scale, unit))],
    align: "left",
    inset: 8 * model.dpr,
  };
}

function lastColours(model: ChartModel): readonly [ground: string, colour: string] {
  const { palette, series } = model;
  const rises = series.number("close_tick", series.last) >= series.number("open_tick", series.last);
  return rises ? [palette.buy, palette.onBuy] : [palette.sell, palette.onSell];
}

/**
 * The line of the last price, dotted to the newest bar, with the price behind its end; or on to the axis. And the frame of
 * the cell that it stands in.
 *
 * @returns where the line is, so that it can be wiped
 */
export function drawLastPrice(ctx: Context, model: ChartModel): number {
  const { series } = model;
  const price = series.lastPrice();
  if (price === null) return 0;
  const y = model.price.yOfPrice(price);
  if (model.settings.lastLine !== "none" && y >= 0 && y <= model.price.height) drawLastLine(ctx, model, price, y);
  if (model.lastInSight)
    frameCell(ctx, model, series.last, Math.floor(price / model.price.ticksPerLevel), model.palette.lastCell);
  return y;
}

function drawLastLine(ctx: Context, model: ChartModel, price: number, y: number): void {
  const line = Math.max(1, Math.round(model.dpr));
  const [ground] = lastColours(model);
  const edge = Math.max(0, model.time.x(model.series.end));
  ctx.globalAlpha = 0.55;
  hLine(ctx, 0, Math.min(edge, model.time.width), y, ground, line, [line, 4 * line]);
  ctx.globalAlpha = 1;
  if (edge >= model.time.width) return;
  if (model.settings.lastLine === "axis") {
    hLine(ctx, edge, model.time.width, y, ground, line);
    return;
  }
  const size = 12 * model.dpr;
  const text = unitsText(price, model.tick);
  const room = model.time.width - edge - 6 * model.dpr;
  if (room < textWidth(text, size, 600)) return;
  const { palette } = model;
  const colour = ground === palette.buy ? palette.buyText : palette.sellText;
  plainText(ctx, text, edge + 5 * model.dpr, y, { size, weight: 600, colour, halo: palette.background });
}

/** The frame of the cell that is looked at more closely. */
export function drawMarkedCell(ctx: Context, model: ChartModel, index: BarIndex, row: number): void {
  frameCell(ctx, model, index, row, model.palette.line);
}

function frameCell(ctx: Context, model: ChartModel, index: BarIndex, row: number, colour: string): void {
  if (model.price.row < 4 * model.dpr || cellAt(model.series, index, row) === null) return;
  const line = Math.max(1, Math.round(model.dpr));
  const layout = barLayout(model.time.bar, model.dpr, shapeOf(model.settings));
  const top = Math.round(model.price.y(row + 1));
  const height = Math.round(model.price.y(row)) - top - line;
  const left = model.time.x(index) + layout.blockLeft;
  frame(ctx, left - line, top - line, layout.blockWidth + 2 * line, height + 2 * line, 2 * line, colour);
}
