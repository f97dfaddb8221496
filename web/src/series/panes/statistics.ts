import type { ChartModel } from "../../model/chart-model";
import { barStatistics, type StatisticCell, statisticRows } from "../../model/statistics";
import type { BarIndex } from "../../protocol/units";
import { hLine, plainText } from "../../renderers/shapes";
import type { Context } from "../../renderers/text";
import { axisFont } from "./axes";

const titleCss = 20;
const rowsCss = { least: 12, most: 22 } as const;
/** Narrower bars have no room for numbers: the sign of a cell is its colour alone. */
const textFromCss = 44;

interface Grid {
  readonly top: number;
  /** The height of a row, device pixels. */
  readonly row: number;
  /** As many as the pane has room for. */
  readonly shown: number;
}

function gridOf(model: ChartModel, height: number): Grid {
  const top = model.px(titleCss);
  const rows = statisticRows(model).length;
  const fitting = Math.floor((height - top) / rows);
  const row = Math.max(model.px(rowsCss.least), Math.min(model.px(rowsCss.most), fitting));
  return { top, row, shown: Math.max(0, Math.min(rows, Math.floor((height - top) / row))) };
}

/** The statistics table: a row for each number, a cell under each bar, as many rows as the pane has room for. */
export function drawStatistics(ctx: Context, model: ChartModel, height: number): void {
  const { time, palette, series } = model;
  const { from, to } = model.visibleBars();
  const grid = gridOf(model, height);
  const line = Math.max(1, Math.round(model.dpr));
  for (let k = 0; k <= grid.shown; k += 1) hLine(ctx, 0, time.width, grid.top + k * grid.row, palette.grid, line);
  for (let place = from; place <= to; place += 1) {
    if (series.has(place)) drawCells(ctx, model, place, grid, line);
  }
}

function drawCells(ctx: Context, model: ChartModel, index: BarIndex, grid: Grid, line: number): void {
  const { time, palette, dpr } = model;
  const hasText = time.bar >= textFromCss * dpr;
  const left = Math.round(time.x(index));
  const width = Math.max(line, Math.round(time.bar) - 2 * line);
  const size = Math.min(11 * dpr, grid.row * 0.74);
  const cells = barStatistics(model, index);
  for (let k = 0; k < grid.shown; k += 1) {
    const { text, sign } = cells[k] as StatisticCell;
    const top = grid.top + k * grid.row;
    if (sign !== 0) {
      ctx.globalAlpha = hasText ? 0.16 : 0.8;
      ctx.fillStyle = sign > 0 ? palette.buy : palette.sell;
      ctx.fillRect(left + line, top + line, width, grid.row - line);
      ctx.globalAlpha = 1;
    }
    const middle = top + grid.row / 2;
    if (hasText) plainText(ctx, text, left + time.bar / 2, middle, { size, colour: palette.text, align: "center" });
  }
}

/** The names of the rows, where other panes have their values. */
export function drawStatisticNames(ctx: Context, model: ChartModel, height: number): void {
  const { top, row, shown } = gridOf(model, height);
  const inset = 6 * model.dpr;
  const room = ctx.canvas.width - model.time.width - 1.5 * inset; // an axis of low prices is narrow
  const look = { size: Math.min(axisFont(model) * 0.94, row * 0.74), colour: model.palette.axisText, room };
  const names = statisticRows(model);
  for (let k = 0; k < shown; k += 1) {
    plainText(ctx, names[k] as string, model.time.width + inset, top + (k + 0.5) * row, look);
  }
}
