import type { ChartModel } from "../model/chart-model";
import type { Cursor } from "../model/cursor";
import { type GapBand, gapBands } from "../model/gap-bands";
import { type PickState, pickKey } from "../model/pick";
import { type Ruler, rulerWords } from "../model/ruler";
import { unitOf } from "../model/study-values";
import type { TimeMark } from "../model/ticks";
import { isFolded, toldOf } from "../model/told-values";
import type { BarIndex } from "../protocol/units";
import { type AxisLabel, axisLabel, vLine } from "../renderers/shapes";
import { FootprintPainter, type PainterState } from "../series/footprint/painter";
import { drawOrders } from "../series/orders/bubbles";
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
import { drawHover } from "../series/panes/hover";
import { drawOptionLevels } from "../series/panes/option-levels";
import { drawGapBands, drawLastPrice, drawMarkedCell, lastPriceLabel, lastValueLabel } from "../series/panes/overlays";
import { viewOf } from "../series/panes/registry";
import { drawRolls } from "../series/panes/rolls";
import { drawRuler } from "../series/panes/ruler";
import { drawStatisticNames, drawStatistics } from "../series/panes/statistics";
import { drawStudyAreas, drawStudyOverlays } from "../series/panes/study-overlay";
import { Watermark } from "../series/panes/watermark";
import { drawProfileLines, drawProfiles } from "../series/profiles/histogram";
import { drawLetters } from "../series/profiles/letters";
import { drawPick } from "../series/profiles/pick";
import type { Layer } from "./layer";
import type { Pane, PaneStack } from "./panes";

const leastGapCss = 5;

/**
 * Puts the model on the canvases.
 *
 * A canvas that was touched costs its whole area when the browser puts the page together, however little was drawn. So all
 * that moves with data or view is on the cells layer, light frames repaint a part of it, the overlay layer holds what
 * seldom changes (gaps, the cell that is looked at), and layers that are empty are hidden and left alone.
 */
export class FramePainter {
  readonly footprint = new FootprintPainter();
  readonly #watermark = new Watermark();
  readonly #stack: PaneStack;
  readonly #model: ChartModel;
  readonly #shown = new Map<Layer, string>();
  #prices: readonly number[] = [];
  #marks: readonly TimeMark[] = [];
  #bands: readonly GapBand[] = [];
  #lineY = 0;
  /** What is left of the open bar, as text. */
  countdown = "";
  /** The cell whose trades are listed. */
  marked: { readonly index: BarIndex; readonly row: number } | null = null;
  state: PainterState = "empty";

  constructor(stack: PaneStack, model: ChartModel) {
    this.#stack = stack;
    this.#model = model;
  }

  get bands(): readonly GapBand[] {
    return this.#bands;
  }

  /** All panes and axes. */
  full(): void {
    const model = this.#model;
    this.#prices = priceGrid(model);
    this.#marks = timeGrid(model);
    this.#bands = gapBands(model.series, model.gaps, model.time, leastGapCss * model.dpr);
    for (const pane of this.#stack.panes) this.#paintPane(pane, false);
    const { axis } = this.#stack.time;
    axis.fill(model.palette.background);
    drawTimeAxis(axis.ctx, model, this.#marks, axis.height);
    this.overlays();
  }

  /** The newest bar and what changes with it, while no scale has moved. */
  light(): void {
    for (const pane of this.#stack.panes) this.#paintPane(pane, pane.name === "price");
    this.overlays();
  }

  /** What lies over the cells and seldom changes. */
  overlays(): void {
    const model = this.#model;
    for (const pane of this.#stack.panes) {
      const own = this.#bandsOf(pane);
      const bands = own.map(({ left, right }) => `${left}-${right}`).join(",");
      const mark = pane.name === "price" ? this.#markKey() : "";
      const key = bands === "" && mark === "" ? "" : `${bands}|${mark}|${model.palette.theme}`;
      const layer = pane.overlay;
      if (!this.#prepare(layer, key)) continue;
      drawGapBands(layer.ctx, model, own, layer.height);
      if (this.marked !== null && mark !== "") drawMarkedCell(layer.ctx, model, this.marked.index, this.marked.row);
    }
  }

  // What is told beside the trades has gaps of its own.
  #bandsOf(pane: Pane): readonly GapBand[] {
    const model = this.#model;
    const spec = model.panes.spec(pane.name);
    if (spec?.kind !== "stream") return this.#bands;
    return gapBands(model.series, toldOf(model, spec)?.gaps ?? [], model.time, leastGapCss * model.dpr);
  }

  /** The crosshair, and the ruler of the price pane. */
  cursor(cursor: Cursor | null, ruler: Ruler | null, pick: PickState): void {
    const model = this.#model;
    const key = cursorKey(cursor);
    const { numbers, zone, unit } = model.settings;
    const written = `${numbers}|${zone}|${unit}`;
    const scales = `${written}|${model.time.right}|${model.time.bar}|${model.time.reach}|${model.price.row}|${model.price.centre}|${model.palette.theme}|${model.profiles.version}|${model.orders.version}`;
    for (const { name, cursor: layer } of this.#stack.panes) {
      const measured = name === "price" ? this.#rulerKey(ruler) + pickKey(pick) : "";
      if (!this.#prepare(layer, key + measured === "" ? "" : `${key}|${measured}|${scales}`)) continue;
      if (name === "price") this.#paintTools(layer, ruler, pick);
      if (cursor !== null) this.#paintCursor(layer, cursor, cursor.pane === name);
    }
    const { cursor: layer } = this.#stack.time;
    if (this.#prepare(layer, key && `${key}|${written}`) && cursor !== null)
      drawCursorTime(layer.ctx, model, cursor, layer.height);
  }

  #paintTools(layer: Layer, ruler: Ruler | null, pick: PickState): void {
    if (ruler !== null) drawRuler(layer.ctx, this.#model, ruler, layer.height);
    drawPick(layer.ctx, this.#model, pick, layer.height);
  }

  #paintCursor(layer: Layer, cursor: Cursor, isHere: boolean): void {
    drawCrosshair(layer.ctx, this.#model, cursor, layer.height, isHere);
    if (!isHere) return;
    drawCursorValue(layer.ctx, this.#model, cursor, layer.width, layer.height);
    drawHover(layer.ctx, this.#model, cursor, layer.height);
  }

  // What it measures changes while the newest of its bars is open.
  #rulerKey(ruler: Ruler | null): string {
    if (ruler === null) return "";
    return [...rulerWords(this.#model, ruler).lines, ruler.from.index, ruler.from.tick, ruler.to.tick].join("|");
  }

  // Clears a layer that has to be drawn anew and says so; "" is a layer with nothing on it.
  #prepare(layer: Layer, key: string): boolean {
    const sized = key === "" ? "" : `${key}|${layer.width}x${layer.height}`;
    if (this.#shown.get(layer) === sized) return false;
    this.#shown.set(layer, sized);
    layer.show(sized !== "");
    if (sized === "") return false;
    layer.clear();
    return true;
  }

  #markKey(): string {
    if (this.marked === null || !this.#model.series.has(this.marked.index)) return "";
    const { time, price } = this.#model;
    return `${time.x(this.marked.index)}|${time.bar}|${price.y(this.marked.row)}|${price.row}`;
  }

  #paintPane(pane: Pane, newestOnly: boolean): void {
    if (pane.element.hidden) return;
    const model = this.#model;
    const { ctx, width, height } = pane.cells;
    ctx.save();
    if (newestOnly) this.#clipToNewest(pane);
    ctx.fillStyle = model.palette.background;
    ctx.fillRect(0, 0, width, height);
    ctx.save();
    ctx.beginPath();
    ctx.rect(0, 0, pane.name === "price" ? model.time.width : model.time.reach, height);
    ctx.clip();
    this.#paintPlot(pane);
    ctx.restore();
    this.#paintAxis(pane);
    ctx.restore();
  }

  #paintPlot(pane: Pane): void {
    const model = this.#model;
    const { ctx, height } = pane.cells;
    if (pane.name !== "price") {
      this.#paintValues(pane);
      return;
    }
    const { palette, recorded, dpr, meta, time } = model;
    const stamp = recorded ? (meta?.simulated === true ? "SIMULATED" : "") : "NOT RECORDED";
    const ink = recorded ? palette.watermark : `${palette.sell}59`;
    if (stamp !== "") this.#watermark.draw(ctx, stamp, ink, time.reach, height, dpr);
    drawPriceGrid(ctx, model, this.#prices, model.time.width);
    drawTimeGrid(ctx, model, this.#marks, height);
    drawStudyAreas(ctx, model);
    drawProfiles(ctx, model);
    this.state = this.footprint.draw(ctx, model);
    drawLetters(ctx, model);
    drawProfileLines(ctx, model);
    drawOrders(ctx, model);
    drawStudyOverlays(ctx, model);
    drawRolls(ctx, model, height, true);
    if (model.optionLevels !== null) drawOptionLevels(ctx, model, model.optionLevels);
    this.#lineY = drawLastPrice(ctx, model);
  }

  #paintValues(pane: Pane): void {
    const model = this.#model;
    const { ctx, height } = pane.cells;
    const [spec, scale] = [model.panes.spec(pane.name), model.panes.shown(pane.name)];
    if (scale !== null) drawValueGrid(ctx, model, scale, unitOf(model, pane.name));
    drawTimeGrid(ctx, model, this.#marks, height);
    drawRolls(ctx, model, height, false);
    if (spec?.kind === "statistics") drawStatistics(ctx, model, height);
    if (spec !== null && scale !== null) viewOf(spec)?.draw({ ctx, model, spec, scale, height });
  }

  // The newest bar with all that is right of it, and the line of the last price where it was and where it is now.
  #clipToNewest(pane: Pane): void {
    const model = this.#model;
    const { ctx, width, height } = pane.cells;
    const thick = 2 * Math.max(1, Math.round(model.dpr));
    // The frame of the last cell stands a little outside of its bar.
    const left = Math.max(0, Math.floor(model.time.x(model.series.last)) - thick);
    const now = model.price.yOfPrice(model.series.lastPrice() ?? 0);
    ctx.beginPath();
    ctx.rect(Math.min(left, model.time.width), 0, width, height);
    for (const y of [this.#lineY, now]) ctx.rect(0, Math.round(y) - thick, left, 2 * thick);
    ctx.clip();
  }

  #paintAxis(pane: Pane): void {
    const model = this.#model;
    const { ctx, width, height } = pane.cells;
    const line = Math.max(1, Math.round(model.dpr));
    vLine(ctx, model.time.width, 0, height, model.palette.grid, line);
    const spec = model.panes.spec(pane.name);
    const scale = spec !== null && isFolded(model, spec) ? null : model.panes.shown(pane.name);
    const labels = this.#lastLabels(pane);
    const reach = axisFont(model) * 0.8;
    const covered = (y: number): boolean =>
      labels.some(
        ({ middle, lineHeight, lines }) =>
          y > middle - lineHeight / 2 - reach && y < middle + lineHeight * (lines.length - 0.5) + reach,
      );
    if (pane.name === "price") drawPriceAxis(ctx, model, this.#prices, model.time.width, covered);
    else if (scale !== null)
      drawValueAxis(ctx, model, scale, unitOf(model, pane.name), width - model.time.width, covered);
    else if (model.panes.spec(pane.name)?.kind === "statistics") drawStatisticNames(ctx, model, height);
    for (const label of labels) axisLabel(ctx, label);
  }

  /** The labels of the newest values on a pane's axis, none upon another. */
  #lastLabels(pane: Pane): readonly AxisLabel[] {
    const model = this.#model;
    if (model.series.length === 0) return [];
    const { width, height } = pane.cells;
    const axis = width - model.time.width;
    if (pane.name === "price") {
      const label = lastPriceLabel(model, model.time.width, axis, this.countdown);
      return label === null ? [] : [label];
    }
    const [spec, scale] = [model.panes.spec(pane.name), model.panes.shown(pane.name)];
    const last = spec === null ? [] : (viewOf(spec)?.last(model, spec) ?? []);
    if (scale === null) return [];
    const known = last.filter(({ value }) => !Number.isNaN(value));
    const labels = known.map((one) => lastValueLabel(model, one, scale, { width: axis, height }));
    return labels.filter((label, k) => labels.slice(0, k).every((other) => isApart(label, other)));
  }
}

const isApart = (one: AxisLabel, other: AxisLabel): boolean => Math.abs(one.middle - other.middle) >= one.lineHeight;

const cursorKey = (cursor: Cursor | null): string =>
  cursor === null ? "" : `${cursor.pane}|${cursor.x}|${cursor.y}|${cursor.index}|${cursor.value}`;
