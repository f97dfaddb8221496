import type { ChartModel } from "../../model/chart-model";
import { unitsText } from "../../model/decimal";
import { axisValues } from "../../model/study-values";
import { priceTicks, type TimeMark, timeMarks } from "../../model/ticks";
import type { ValueScale } from "../../model/value-scale";
import type { OutputUnit } from "../../protocol/messages";
import { hLine, plainText, vLine } from "../../renderers/shapes";
import { type Context, textWidth } from "../../renderers/text";

const priceSpacingCss = 28;
const valueSpacingCss = 30;
const timeSpacingCss = 64;
const axisFontCss = 11.5;

export const axisFont = (model: ChartModel): number => axisFontCss * model.dpr;

/** The prices of the grid, in ticks. */
export function priceGrid(model: ChartModel): number[] {
  return priceTicks(model.price, model.tick.step, priceSpacingCss * model.dpr);
}

/** The marks of the time axis. */
export function timeGrid(model: ChartModel): TimeMark[] {
  return timeMarks(model.series, model.time, model.clock, timeSpacingCss * model.dpr);
}

/** Vertical lines of the time marks, days stronger. */
export function drawTimeGrid(ctx: Context, model: ChartModel, marks: readonly TimeMark[], height: number): void {
  const line = Math.max(1, Math.round(model.dpr));
  for (const mark of marks) {
    const x = model.time.x(mark.index);
    if (mark.strong) vLine(ctx, x, 0, height, model.palette.daySeparator, line, [4 * line, 3 * line]);
    else vLine(ctx, x, 0, height, model.palette.grid, line);
  }
}

/** Horizontal lines at the low edges of rows. */
export function drawPriceGrid(ctx: Context, model: ChartModel, ticks: readonly number[], right: number): void {
  const line = Math.max(1, Math.round(model.dpr));
  for (const tick of ticks) hLine(ctx, 0, right, model.price.yOfTick(tick), model.palette.grid, line);
}

/** Prices beside the plot; those that an axis label covers are left out. */
export function drawPriceAxis(
  ctx: Context,
  model: ChartModel,
  ticks: readonly number[],
  left: number,
  covered: (y: number) => boolean,
): void {
  const look = { size: axisFont(model), colour: model.palette.axisText };
  const half = look.size * 0.6;
  for (const tick of ticks) {
    const y = model.price.yOfPrice(tick);
    if (y < half || y > model.price.height - half || covered(y)) continue;
    plainText(ctx, unitsText(tick, model.tick), left + 8 * model.dpr, y, look);
  }
}

/** The values of a pane below: their grid lines. */
export function drawValueGrid(ctx: Context, model: ChartModel, scale: ValueScale, unit: OutputUnit): void {
  const line = Math.max(1, Math.round(model.dpr));
  for (const value of valueTicks(model, scale, unit))
    hLine(ctx, 0, model.time.width, scale.y(value), model.palette.grid, line);
}

/** The values of a pane below, beside it; those that an axis label covers are left out. */
export function drawValueAxis(
  ctx: Context,
  model: ChartModel,
  scale: ValueScale,
  unit: OutputUnit,
  axisWidth: number,
  covered: (y: number) => boolean,
): void {
  const inset = 8 * model.dpr;
  const look = { size: axisFont(model) * 0.94, colour: model.palette.axisText, room: axisWidth - 1.25 * inset };
  const values = valueTicks(model, scale, unit);
  const texts = axisValues(model, unit, values);
  values.forEach((value, k) => {
    const y = scale.y(value);
    if (!covered(y)) plainText(ctx, texts[k] as string, model.time.width + inset, y, look);
  });
}

/** The values of a pane's grid. Quantities and counts are whole: lines between them would say nothing. */
export function valueTicks(model: ChartModel, scale: ValueScale, unit: OutputUnit): number[] {
  const half = axisFont(model) * 0.6;
  const { quantity } = model;
  const per = unit === "lot" && quantity.unit === "lots" ? quantity.perLot : 1;
  return scale
    .ticks(valueSpacingCss * model.dpr, unit === "lot" || unit === "count" ? 1 : 0, per)
    .filter((value) => scale.y(value) > half * 1.4 && scale.y(value) < scale.height - half * 0.4);
}

/** Bars at least this wide, in CSS pixels, have their time under their middle. */
const middleFromCss = 30;

/** The time axis: the time at which a bar opens stands under the bar while it is wide, else under its left edge. */
export function drawTimeAxis(ctx: Context, model: ChartModel, marks: readonly TimeMark[], height: number): void {
  const line = Math.max(1, Math.round(model.dpr));
  const isWide = model.time.bar >= middleFromCss * model.dpr;
  for (const mark of marks) {
    const x = model.time.x(mark.index) + (isWide ? model.time.bar / 2 : 0);
    const room = textWidth(mark.text, axisFont(model), mark.strong ? 700 : 400) / 2;
    if (x < room || x > model.time.width - room) continue;
    vLine(ctx, x, 0, 4 * line, model.palette.daySeparator, line);
    plainText(ctx, mark.text, x, height / 2 + line, {
      size: axisFont(model),
      weight: mark.strong ? 700 : 400,
      colour: mark.strong ? model.palette.text : model.palette.axisText,
      align: "center",
    });
  }
}
