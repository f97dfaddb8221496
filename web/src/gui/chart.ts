import type { Readable } from "../data/store";
import { Store } from "../data/store";
import type { ChartModel } from "../model/chart-model";
import { type Cursor, cursorAt, cursorOnCell, type PaneName } from "../model/cursor";
import { unitsText } from "../model/decimal";
import { Invalidation, Level, levelName } from "../model/invalidation";
import { boxOf, type PaneLayout, paneBoxes, timeAxisCss } from "../model/pane-layout";
import type { PaneSpec } from "../model/panes";
import { isFolded } from "../model/told-values";
import { dpx } from "../protocol/units";
import type { PainterState } from "../series/footprint/painter";
import { axisFont } from "../series/panes/axes";
import { FramePainter } from "./frame-painter";
import { PaneStack } from "./panes";
import { PickTool } from "./pick-tool";
import { RulerTool } from "./ruler-tool";

/** What the last frame did, for tests and benchmarks. */
export interface FrameStats {
  readonly frames: number;
  readonly level: string;
  readonly ms: number;
  readonly painter: PainterState;
}

/** Who is told what happens on the chart. */
export interface ChartListener {
  /** The view has moved: more history may be wanted, "go to live" may be due. */
  viewMoved(): void;
  cursorMoved(cursor: Cursor | null): void;
  /** There are other panes, or they stand elsewhere. */
  panesChanged(): void;
}

const leastAxisCss = 56;
/** Of the font size: the widest letters have narrow points, and the margin holds the rest. The plot is as wide with any font. */
const characterShare = 0.556;

/** The chart on the page: its elements, its sizes and the one loop that draws frames. */
export class Chart {
  readonly root: HTMLElement;
  readonly model: ChartModel;
  readonly stack: PaneStack;
  readonly painter: FramePainter;
  readonly ruler: RulerTool;
  readonly pick: PickTool;
  readonly #listener: ChartListener;
  readonly #invalid = new Invalidation();
  readonly #layout: Store<PaneLayout>;
  readonly #observer: ResizeObserver;
  #maximised: PaneName | null = null;
  #cursor: Cursor | null = null;
  #scales = "";
  #stats: FrameStats = { frames: 0, level: "none", ms: 0, painter: "empty" };

  constructor(root: HTMLElement, model: ChartModel, listener: ChartListener) {
    this.root = root;
    this.model = model;
    this.#listener = listener;
    this.stack = new PaneStack(root);
    this.painter = new FramePainter(this.stack, model);
    this.ruler = new RulerTool(model, () => this.invalidate(Level.cursor));
    this.pick = new PickTool(model, () => this.invalidate(Level.cursor));
    this.#layout = new Store(this.#measure());
    this.#observer = new ResizeObserver(() => this.resize());
    this.#observer.observe(root);
    this.resize();
  }

  destroy(): void {
    this.#observer.disconnect();
  }

  get layout(): Readable<PaneLayout> {
    return this.#layout;
  }

  get stats(): FrameStats {
    return this.#stats;
  }

  get cursor(): Cursor | null {
    return this.#cursor;
  }

  /** From the top: the price pane first. */
  get panes(): readonly PaneSpec[] {
    return this.model.panes.specs;
  }

  /** Show other panes, or the same ones in another order or of other heights. */
  setPanes(panes: readonly PaneSpec[]): void {
    this.model.panes.set(panes);
    if (this.#maximised !== null && !panes.some(({ id }) => id === this.#maximised)) this.#maximised = null;
    if (this.#cursor !== null && !panes.some(({ id }) => id === this.#cursor?.pane)) this.leave();
    this.resize();
    this.#listener.panesChanged();
  }

  get maximised(): PaneName | null {
    return this.#maximised;
  }

  /** Give one pane all the room, or with null everyone theirs. */
  maximise(pane: PaneName | null): void {
    this.#maximised = pane;
    this.resize();
  }

  /** Ask for a frame that draws at least so much. */
  invalidate(level: Level): void {
    if (this.#invalid.add(level)) requestAnimationFrame(() => this.#frame());
  }

  /** Sizes, device ratio or the width of the axis may have changed. */
  resize(): void {
    const layout = this.#measure();
    const dpr = window.devicePixelRatio;
    this.stack.place(layout, dpr);
    this.model.resize({
      width: dpx(Math.round(layout.plotWidth * dpr)),
      priceHeight: dpx(Math.round(boxOf(layout, "price").height * dpr)),
      paneHeights: new Map(layout.panes.map(({ id }) => [id, dpx(Math.round(boxOf(layout, id).height * dpr))])),
      dpr,
    });
    this.#layout.set(layout);
    this.invalidate(Level.full);
  }

  /** The crosshair follows; null takes it away. Pixels are CSS pixels from the pane's corner. */
  pointAt(pane: PaneName, x: number, y: number): void {
    const { dpr } = this.model;
    this.#setCursor(cursorAt(this.model, pane, Math.round(x * dpr), Math.round(y * dpr)));
  }

  pointAtCell(index: number, row: number): void {
    this.#setCursor(cursorOnCell(this.model, index, row));
  }

  leave(): void {
    this.#setCursor(null);
  }

  /** The user has moved or scaled the chart. */
  moved(): void {
    this.invalidate(Level.full);
    this.#listener.viewMoved();
  }

  /** Draw now what is due, for who cannot wait for the browser. */
  flush(): void {
    this.#frame();
  }

  #setCursor(cursor: Cursor | null): void {
    if (cursor === null && this.#cursor === null) return;
    this.#cursor = cursor;
    this.invalidate(Level.cursor);
    this.#listener.cursorMoved(cursor);
  }

  #frame(): void {
    let level = this.#invalid.take();
    if (level === Level.none) return;
    const start = performance.now();
    if (level >= Level.light) {
      this.model.settle();
      const scales = this.#scaleKey();
      if (scales !== this.#scales) level = Level.full;
      this.#scales = scales;
    }
    if (level === Level.full) this.painter.full();
    else if (level === Level.light) this.painter.light();
    if (level >= Level.light && this.#cursor !== null) this.#refreshCursor(this.#cursor);
    this.painter.cursor(this.#cursor, this.ruler.ruler, this.pick.state);
    this.#stats = {
      frames: this.#stats.frames + 1,
      level: levelName(level),
      ms: performance.now() - start,
      painter: this.painter.state,
    };
  }

  // The mouse rests while the chart moves under it: what is there has changed.
  #refreshCursor(cursor: Cursor): void {
    const now = cursorAt(this.model, cursor.pane, cursor.x, cursor.y);
    this.#cursor = now;
    this.#listener.cursorMoved(now);
  }

  #scaleKey(): string {
    const { time, price, panes, gaps } = this.model;
    return [time.bar, time.right, time.reach, price.row, price.centre, panes.key(), gaps.length].join("|");
  }

  #measure(): PaneLayout {
    const dpr = window.devicePixelRatio;
    const snap = (css: number): number => Math.round(css * dpr) / dpr;
    const width = snap(Math.max(80, this.root.clientWidth));
    const height = Math.max(80, this.root.clientHeight);
    const axisWidth = snap(this.#axisCss());
    return {
      axisWidth,
      plotWidth: width - axisWidth,
      panes: this.panes,
      boxes: paneBoxes(height, this.panes, this.#maximised, (spec) => isFolded(this.model, spec)),
      timeAxis: { top: height - timeAxisCss, height: timeAxisCss },
    };
  }

  // As wide as the longest price on the way to twice the present one.
  #axisCss(): number {
    const { model } = this;
    const price = model.series.lastPrice() ?? 0;
    const text = model.meta === null ? "00000.0" : unitsText(price * 1.5, model.tick);
    const font = axisFont(model) / model.dpr;
    return Math.max(leastAxisCss, Math.ceil(text.length * font * characterShare) + 18);
  }
}
