import type { ChartModel } from "../model/chart-model";
import type { Cursor } from "../model/cursor";
import { type GapBand, gapBands } from "../model/gap-bands";
import { paneOrder } from "../model/pane-layout";
import type { TimeMark } from "../model/ticks";
import { type AxisLabel, axisLabel, vLine } from "../renderers/shapes";
import { FootprintPainter, type PainterState } from "../series/footprint/painter";
import {
  axisFont,
  drawPriceAxis,
  drawPriceGrid,
  drawTimeAxis,
  drawTimeGrid,
  drawValueAxis,
  drawValueGrid,
  priceGrid,
  timeGrid,
} from "../series/panes/axes";
import { drawCrosshair, drawCursorTime, drawCursorValue } from "../series/panes/crosshair";
import { CvdSeries } from "../series/panes/cvd";
import { drawDelta } from "../series/panes/delta";
import { drawGapBands, drawLastPrice, drawWatermark, lastPriceLabel, lastValueLabel } from "../series/panes/overlays";
import type { Pane, PaneStack } from "./panes";

const leastGapCss = 5;

/** Puts the model on the canvases: each method repaints one kind of layer. */
export class FramePainter {
  readonly footprint = new FootprintPainter();
  readonly #cvd = new CvdSeries();
  readonly #stack: PaneStack;
  readonly #model: ChartModel;
  #prices: readonly number[] = [];
  #marks: readonly TimeMark[] = [];
  #bands: readonly GapBand[] = [];
  /** What is left of the open bar, as text. */
  countdown = "";
  state: PainterState = "empty";

  constructor(stack: PaneStack, model: ChartModel) {
    this.#stack = stack;
    this.#model = model;
  }

  get bands(): readonly GapBand[] {
    return this.#bands;
  }

  /** All cells, grids and axes. */
  full(): void {
    const model = this.#model;
    this.#prices = priceGrid(model);
    this.#marks = timeGrid(model);
    this.#bands = gapBands(model.series, model.gaps, model.time, leastGapCss * model.dpr);
    for (const name of paneOrder) this.#paintCells(this.#stack.panes[name]);
    const { axis } = this.#stack.time;
    axis.fill(model.palette.background);
    drawTimeAxis(axis.ctx, model, this.#marks, axis.height);
    this.overlays();
  }

  /** The newest bar and what changes with it, while no scale has moved. */
  light(): void {
    const { series } = this.#model;
    if (series.length > 0 && this.#stack.panes.price.element.hidden === false) this.#repaintBar();
    for (const name of ["delta", "cvd"] as const) this.#paintCells(this.#stack.panes[name]);
    this.overlays();
  }

  overlays(): void {
    const model = this.#model;
    for (const name of paneOrder) {
      const pane = this.#stack.panes[name];
      if (pane.element.hidden) continue;
      const { overlay } = pane;
      overlay.clear();
      drawGapBands(overlay.ctx, model, this.#bands, overlay.height);
      const label = this.#lastLabel(pane);
      if (name === "price") drawLastPrice(overlay.ctx, model);
      if (label !== null) axisLabel(overlay.ctx, label);
    }
  }

  cursor(cursor: Cursor | null): void {
    const model = this.#model;
    for (const name of paneOrder) {
      const pane = this.#stack.panes[name];
      if (pane.element.hidden) continue;
      const layer = pane.cursor;
      layer.clear();
      if (cursor === null) continue;
      drawCrosshair(layer.ctx, model, cursor, layer.height, cursor.pane === name);
      if (cursor.pane === name) {
        drawCursorValue(layer.ctx, model, cursor, model.time.width, layer.width - model.time.width, layer.height);
      }
    }
    const layer = this.#stack.time.cursor;
    layer.clear();
    if (cursor !== null) drawCursorTime(layer.ctx, model, cursor, layer.height);
  }

  #paintCells(pane: Pane): void {
    if (pane.element.hidden) return;
    const model = this.#model;
    const { ctx, height } = pane.cells;
    pane.cells.fill(model.palette.background);
    ctx.save();
    ctx.beginPath();
    ctx.rect(0, 0, model.time.width, height);
    ctx.clip();
    this.#paintGround(pane);
    if (pane.name === "price") this.state = this.footprint.draw(ctx, model);
    else if (pane.name === "delta") drawDelta(ctx, model);
    else this.#cvd.draw(ctx, model);
    ctx.restore();
    this.#paintAxis(pane);
  }

  #paintGround(pane: Pane): void {
    const model = this.#model;
    const { ctx, height } = pane.cells;
    if (pane.name === "price" && model.meta?.simulated === true) {
      drawWatermark(ctx, model, "SIMULATED", model.time.width, height);
    }
    if (pane.name === "price") drawPriceGrid(ctx, model, this.#prices, model.time.width);
    else drawValueGrid(ctx, model, pane.name === "delta" ? model.delta : model.cvd);
    drawTimeGrid(ctx, model, this.#marks, height);
  }

  #paintAxis(pane: Pane): void {
    const model = this.#model;
    const { ctx, height } = pane.cells;
    const line = Math.max(1, Math.round(model.dpr));
    vLine(ctx, model.time.width, 0, height, model.palette.grid, line);
    const label = this.#lastLabel(pane);
    const reach = axisFont(model) * 0.55;
    const covered = (y: number): boolean =>
      label !== null &&
      y > label.middle - label.lineHeight / 2 - reach &&
      y < label.middle + label.lineHeight * (label.lines.length - 0.5) + reach;
    if (pane.name === "price") drawPriceAxis(ctx, model, this.#prices, model.time.width, covered);
    else drawValueAxis(ctx, model, pane.name === "delta" ? model.delta : model.cvd, covered);
  }

  // Clears the column of the newest bar and paints what belongs there; all else on the layer is still right.
  #repaintBar(): void {
    const model = this.#model;
    const pane = this.#stack.panes.price;
    const { ctx, height, width } = pane.cells;
    const { last } = model.series;
    const left = Math.floor(model.time.x(last));
    const right = Math.min(model.time.width, Math.ceil(model.time.x(last + 1)));
    if (right > 0 && left < model.time.width) {
      ctx.save();
      ctx.beginPath();
      ctx.rect(left, 0, right - left, height);
      ctx.clip();
      ctx.fillStyle = model.palette.background;
      ctx.fillRect(left, 0, right - left, height);
      this.#paintGround(pane);
      this.footprint.drawBar(ctx, model, last);
      ctx.restore();
    }
    ctx.fillStyle = model.palette.background;
    ctx.fillRect(model.time.width, 0, width - model.time.width, height);
    this.#paintAxis(pane);
  }

  /** The label of the newest value on a pane's axis. */
  #lastLabel(pane: Pane): AxisLabel | null {
    const model = this.#model;
    if (model.series.length === 0) return null;
    const { width, height } = pane.overlay;
    const axis = width - model.time.width;
    if (pane.name === "price") return lastPriceLabel(model, model.time.width, axis, this.countdown);
    return lastValueLabel(model, pane.name, axis, height);
  }
}
