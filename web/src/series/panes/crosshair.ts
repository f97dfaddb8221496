import { barTimeText } from "../../model/bar-time";
import { cellAt } from "../../model/cells";
import type { ChartModel } from "../../model/chart-model";
import type { Cursor } from "../../model/cursor";
import { unitsText } from "../../model/decimal";
import { lastAxisValue, unitOf } from "../../model/study-values";
import { axisLabel, frame, hLine, vLine } from "../../renderers/shapes";
import { type Context, textWidth } from "../../renderers/text";
import { barLayout, hasText, shapeOf } from "../footprint/layout";
import { axisFont, valueTicks } from "./axes";

/** The crosshair's lines in one pane; the horizontal one only in the pane that the cursor is in. */
export function drawCrosshair(ctx: Context, model: ChartModel, cursor: Cursor, height: number, isHere: boolean): void {
  const line = Math.max(1, Math.round(model.dpr));
  const dash = [3 * line, 3 * line];
  vLine(ctx, cursor.x, 0, height, model.palette.crosshair, line, dash);
  if (!isHere) return;
  hLine(ctx, 0, model.time.width, cursor.y, model.palette.crosshair, line, dash);
  if (cursor.pane === "price") frameCell(ctx, model, cursor, line);
}

function frameCell(ctx: Context, model: ChartModel, cursor: Cursor, line: number): void {
  if (cursor.index === null || cellAt(model.series, cursor.index, cursor.row) === null) return;
  const layout = barLayout(model.time.bar, model.dpr, shapeOf(model.settings));
  if (!hasText(model.price.row, layout.blockWidth, model.dpr)) return;
  const top = model.price.y(cursor.row + 1);
  const left = model.time.x(cursor.index) + layout.blockLeft;
  frame(ctx, left, top, layout.blockWidth, model.price.row - line, line, model.palette.crosshair);
}

/** The cursor's price or quantity on the axis of its pane. */
export function drawCursorValue(ctx: Context, model: ChartModel, cursor: Cursor, right: number, height: number): void {
  if (Number.isNaN(cursor.value)) return;
  const lineHeight = Math.round(axisFont(model) * 1.55);
  const text = cursor.pane === "price" ? unitsText(cursor.tick, model.tick) : valueText(model, cursor);
  axisLabel(ctx, {
    left: model.time.width,
    width: right - model.time.width,
    middle: Math.max(lineHeight / 2, Math.min(cursor.y, height - lineHeight / 2)),
    lineHeight,
    font: axisFont(model),
    ground: model.palette.label,
    colour: model.palette.labelText,
    lines: [text],
    align: "left",
    inset: 8 * model.dpr,
  });
}

// With the digits of the axis beside it: without them two places of a narrow scale would read the same.
function valueText(model: ChartModel, { pane, value }: Cursor): string {
  const [scale, unit] = [model.panes.shown(pane), unitOf(model, pane)];
  return scale === null ? "" : lastAxisValue(model, unit, value, valueTicks(model, scale, unit));
}

/** The time of the bar under the cursor, on the time axis. */
export function drawCursorTime(ctx: Context, model: ChartModel, cursor: Cursor, height: number): void {
  if (cursor.index === null) return;
  const text = barTimeText(model, cursor.index);
  const width = Math.round(textWidth(text, axisFont(model), 600) + 16 * model.dpr);
  const left = Math.round(Math.max(0, Math.min(model.time.width - width, cursor.x - width / 2)));
  axisLabel(ctx, {
    left,
    width,
    middle: height / 2,
    lineHeight: height - Math.round(2 * model.dpr),
    font: axisFont(model),
    ground: model.palette.label,
    colour: model.palette.labelText,
    lines: [text],
    align: "center",
    inset: 0,
  });
}
