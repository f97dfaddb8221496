import type { BarSeries } from "../../data/bar-series";
import { rowsOf } from "../../model/cells";
import type { ChartModel } from "../../model/chart-model";
import { cellQuantity } from "../../model/format";
import { hasFlow } from "../../model/trust";
import { CELL_FLAGS } from "../../protocol/layout.generated";
import type { BarIndex } from "../../protocol/units";
import { type BlockPlace, type BlockStyle, paintBlock } from "../../renderers/block";
import { bracket, candle } from "../../renderers/shapes";
import type { Sheet } from "../../renderers/sheet";
import { type Context, digitWidth } from "../../renderers/text";
import { type BarLayout, barLayout, hasText } from "./layout";
import { drawPlainCandle, drawPlainLabel } from "./plain-candle";
import { type Frame, ScaledChunks } from "./scaled";
import { SheetMaker, type SheetStyle } from "./sheet-maker";
import { type Chunk, chunkBars, chunkOf, columnOf, StripCache } from "./strips";
import { type CanvasSource, pageCanvas, TileCache } from "./tiles";

/** How the cells of the last frame were painted. */
export type PainterState = "tiles" | "direct" | "strips" | "empty";

const largestFontCss = { normal: 13.5, compact: 11.5 } as const;
const leastFontCss = 7;
/** Bars at least this wide, in CSS pixels, stand apart from each other. */
const gapsFromCss = 3;
/** Where rows are lower than this, in device pixels, and bars as thin, no cell can be told from another: candles say more. */
const candlesBelowRow = 1.5;
/** So many tiles are painted in one frame, the other bars directly: no frame pays for all of them. */
const tilesAFrame = 4;
/** A tile higher than this many panes is not worth its memory: its bar is painted directly. */
const highestTile = 3;

/**
 * Paints the bars of the footprint in one of three ways: from a bitmap a bar while the scale stands, directly while it
 * changes, from one pixel a cell when cells are too small for text.
 */
export class FootprintPainter {
  readonly #tiles: TileCache;
  readonly #strips: StripCache;
  readonly #scaled: ScaledChunks;
  readonly #maker = new SheetMaker();
  #key = "";
  #mayPaint = 0;
  /** Set to paint directly always, so that whoever listens on the canvas sees each text. */
  direct = false;

  constructor(source: CanvasSource = pageCanvas) {
    this.#tiles = new TileCache(source);
    this.#strips = new StripCache(source);
    this.#scaled = new ScaledChunks(source);
  }

  get tiles(): number {
    return this.#tiles.size;
  }

  /** Bars have other numbers now: nothing that was painted can be used. */
  forget(): void {
    this.#key = "";
    this.#tiles.restart("");
    this.#strips.begin("");
    this.#maker.begin("");
  }

  /** Paint all bars on screen. */
  draw(ctx: Context, model: ChartModel): PainterState {
    const { from, to } = model.visibleBars();
    if (to < from) return "empty";
    const scene = sceneOf(model);
    this.#maker.begin(scene.look);
    for (let index = from; index <= to; index += 1) this.#drawSides(ctx, scene, index as BarIndex);
    const state = this.#drawCells(ctx, scene, from, to);
    drawPlainLabel(ctx, model, from, to);
    return state;
  }

  #drawCells(ctx: Context, scene: Scene, from: number, to: number): PainterState {
    if (scene.style === null) {
      this.#drawStrips(ctx, scene, from, to);
      this.#key = scene.key;
      return "strips";
    }
    if (scene.key !== this.#key || this.direct) {
      this.#key = scene.key;
      for (let index = from; index <= to; index += 1) this.#drawDirectly(ctx, scene, scene.style, index as BarIndex);
      return "direct";
    }
    if (!this.#tiles.fits(scene.key)) this.#tiles.restart(scene.key);
    this.#mayPaint = tilesAFrame;
    for (let index = from; index <= to; index += 1) this.#drawTile(ctx, scene, scene.style, index as BarIndex);
    this.#tiles.trim(from, to, 12);
    return "tiles";
  }

  #drawTile(ctx: Context, scene: Scene, style: BlockStyle, index: BarIndex): void {
    const rows = rowsOf(scene.series, index);
    if (rows === null) return;
    const { row, y, height } = scene;
    const [top, bottom] = [y(rows.high + 1), y(rows.low)];
    if (bottom < 0 || top > height) return;
    const tall = bottom - top;
    const isNew = !this.#tiles.has(index, scene.series.version(index));
    if (tall > height * highestTile || (isNew && this.#mayPaint <= 0)) {
      this.#drawDirectly(ctx, scene, style, index);
      return;
    }
    if (isNew) this.#mayPaint -= 1;
    const width = scene.layout.blockWidth;
    const tile = this.#tiles.take(index, scene.series.version(index), width, tall, (tileCtx) => {
      tileCtx.fillStyle = style.background;
      tileCtx.fillRect(0, 0, width, tall);
      const sheet = this.#maker.make(scene.series, index, scene.sheet);
      if (sheet !== null) {
        paintBlock(tileCtx, sheet, { left: 0, bottom: tall, width, row, from: 0, to: sheet.count - 1 }, style);
      }
    });
    ctx.drawImage(tile.canvas, 0, 0, width, tall, scene.x(index) + scene.layout.blockLeft, top, width, tall);
  }

  #drawDirectly(ctx: Context, scene: Scene, style: BlockStyle, index: BarIndex): void {
    const rows = rowsOf(scene.series, index);
    if (rows === null) return;
    const from = Math.max(rows.low, scene.lowestRow) - rows.low;
    const to = Math.min(rows.high, scene.highestRow) - rows.low;
    if (to < from) return;
    const sheet = this.#maker.make(scene.series, index, scene.sheet) as Sheet;
    const left = scene.x(index) + scene.layout.blockLeft;
    const width = scene.layout.blockWidth;
    const at: BlockPlace = { left, bottom: scene.y(rows.low), width, row: scene.row, from, to };
    ctx.fillStyle = style.background;
    ctx.fillRect(left, at.bottom - (to + 1) * scene.row, width, (to - from + 1) * scene.row);
    paintBlock(ctx, sheet, at, style);
  }

  #drawStrips(ctx: Context, scene: Scene, from: number, to: number): void {
    if (scene.row < candlesBelowRow && scene.bar < gapsFromCss * scene.dpr) {
      for (let index = from; index <= to; index += 1) drawThinCandle(ctx, scene, index as BarIndex);
      return;
    }
    this.#strips.begin(scene.look);
    ctx.imageSmoothingEnabled = scene.row < 1 || scene.bar < 1;
    for (let number = chunkOf(from); number <= chunkOf(to); number += 1) {
      const chunk = this.#strips.chunk(scene.series, number, scene.sheet);
      if (scene.layout.candleWidth === 0) {
        this.#drawChunk(ctx, scene, chunk, number);
        continue;
      }
      const last = Math.min(to, number * chunkBars + chunkBars - 1);
      for (let index = Math.max(from, number * chunkBars); index <= last; index += 1) {
        this.#drawStrip(ctx, scene, chunk, index as BarIndex);
      }
    }
    ctx.imageSmoothingEnabled = true;
    this.#scaled.trim(chunkOf(from), chunkOf(to));
  }

  // Narrow bars are one picture a chunk: while the scale stands a scaled one, else the chunk itself.
  #drawChunk(ctx: Context, scene: Scene, chunk: Chunk, number: number): void {
    const at: Frame = {
      left: scene.x(number * chunkBars),
      top: scene.y(chunk.low + chunk.rows),
      width: scene.bar * chunkBars,
      height: chunk.rows * scene.row,
    };
    const paint = (target: Context, left: number, top: number): void => {
      target.imageSmoothingEnabled = scene.row < 1 || scene.bar < 1;
      target.drawImage(chunk.canvas, left, top, at.width, at.height);
      target.imageSmoothingEnabled = true;
      drawGaps(target, scene, number, left - at.left, top - at.top);
    };
    if (scene.key !== this.#key || at.height > scene.height * highestTile) paint(ctx, at.left, at.top);
    else this.#scaled.draw(ctx, number, `${scene.key}|${chunk.stamp}`, at, paint);
  }

  #drawStrip(
    ctx: Context,
    scene: Scene,
    chunk: { canvas: HTMLCanvasElement; low: number; rows: number },
    index: BarIndex,
  ): void {
    const rows = rowsOf(scene.series, index);
    if (rows === null) return;
    const [top, bottom] = [Math.round(scene.y(rows.high + 1)), Math.round(scene.y(rows.low))];
    if (bottom < 0 || top > scene.height) return;
    const count = rows.high - rows.low + 1;
    const left = scene.x(index) + scene.layout.blockLeft;
    const from = chunk.low + chunk.rows - 1 - rows.high;
    const high = Math.max(1, bottom - top);
    ctx.drawImage(chunk.canvas, columnOf(index), from, 1, count, left, top, scene.layout.blockWidth, high);
    if (scene.row < 2.5 * scene.dpr || scene.bar < 6 * scene.dpr) return;
    const poc = scene.series.number("base_row", index) + scene.series.number("poc", index);
    ctx.fillStyle = scene.palette.poc;
    const thick = Math.max(1, Math.round(Math.min(scene.row * 0.4, 2 * scene.dpr)));
    ctx.fillRect(left, Math.round(scene.y(poc + 0.5) - thick / 2), scene.layout.blockWidth, thick);
  }

  // What stands beside the cells: the candle and the brackets of stacked imbalances.
  #drawSides(ctx: Context, scene: Scene, index: BarIndex): void {
    const { layout } = scene;
    if (!hasFlow(scene.series, index)) {
      drawPlainCandle(ctx, scene, index);
      return;
    }
    if (layout.candleWidth > 0) this.#drawCandle(ctx, scene, index);
    if (layout.bracketWidth === 0) return;
    drawValueArea(ctx, scene, index);
    drawStacks(ctx, scene, index, CELL_FLAGS.buy_stack);
    drawStacks(ctx, scene, index, CELL_FLAGS.sell_stack);
  }

  #drawCandle(ctx: Context, scene: Scene, index: BarIndex): void {
    const { series, layout, palette } = scene;
    const open = series.number("open_tick", index);
    const close = series.number("close_tick", index);
    const edge = (tick: number): number => Math.round(scene.y(tick / scene.ticksPerLevel));
    candle(
      ctx,
      scene.x(index) + layout.candleLeft,
      layout.candleWidth,
      edge(series.number("high_tick", index) + 1),
      edge(Math.max(open, close) + 1),
      edge(Math.min(open, close)),
      edge(series.number("low_tick", index)),
      close > open ? palette.buy : close < open ? palette.sell : palette.muted,
      scene.line,
    );
  }
}

/** All that a frame's painting depends on, worked out once. */
interface Scene {
  readonly series: BarSeries;
  readonly layout: BarLayout;
  readonly sheet: SheetStyle;
  /** Null when cells are too small for text. */
  readonly style: BlockStyle | null;
  readonly palette: ChartModel["palette"];
  readonly key: string;
  /** The part of the key that is not of the scale. */
  readonly look: string;
  readonly bar: number;
  readonly row: number;
  readonly dpr: number;
  readonly line: number;
  readonly height: number;
  readonly ticksPerLevel: number;
  readonly lowestRow: number;
  readonly highestRow: number;
  readonly x: (index: number) => number;
  readonly y: (row: number) => number;
}

function sceneOf(model: ChartModel): Scene {
  const { palette, dpr, quantity, settings, typical } = model;
  const [bar, row] = [model.time.bar, model.price.row];
  const layout = barLayout(bar, dpr);
  const style = blockStyle(model, layout);
  const span = model.price.span();
  const parts = [
    settings.mode,
    palette.theme,
    settings.hue,
    settings.density,
    quantity.unit,
    quantity.decimals,
    typical,
  ];
  const look = [...parts, model.price.ticksPerLevel].join("|");
  return {
    series: model.series,
    layout,
    sheet: { mode: settings.mode, palette, quantity, typical },
    style,
    palette,
    key: `${bar}|${row}|${dpr}|${style === null}|${look}`,
    look,
    bar,
    row,
    dpr,
    line: Math.max(1, Math.round(dpr)),
    height: model.price.height,
    ticksPerLevel: model.price.ticksPerLevel,
    lowestRow: Math.floor(span.low),
    highestRow: Math.ceil(span.high),
    x: (index) => model.time.x(index),
    y: (at) => model.price.y(at),
  };
}

function blockStyle(model: ChartModel, layout: BarLayout): BlockStyle | null {
  const { palette, dpr, settings } = model;
  const row = model.price.row;
  if (!hasText(row, layout.blockWidth, dpr)) return null;
  const line = Math.max(1, Math.round(dpr));
  const columns = settings.mode === "bid-ask" ? 2 : 1;
  const room = layout.blockWidth / columns - 5 * line;
  const typicalLength = Math.max(3, cellQuantity(model.typical, model.quantity).length) + (columns === 1 ? 1 : 0);
  const byWidth = room / (typicalLength * digitWidth);
  // In steps of half a pixel: fonts of many sizes would cost more than their numbers while one zooms.
  const font = Math.floor(2 * Math.min(Math.round(row * 0.76), largestFontCss[settings.density] * dpr, byWidth)) / 2;
  if (font < leastFontCss * dpr) return null;
  return {
    background: palette.background,
    font,
    fits: Math.floor(room / (font * digitWidth)),
    gap: line,
    line,
    poc: palette.poc,
    valueArea: palette.valueArea,
    buyStrong: palette.buyStrong,
    sellStrong: palette.sellStrong,
    hatch: palette.hatch,
  };
}

// What stands between the bars of a chunk's picture is wiped; the picture is moved by `dx`, `dy`.
function drawGaps(ctx: Context, scene: Scene, number: number, dx: number, dy: number): void {
  const gap = scene.bar - scene.layout.blockWidth;
  if (gap <= 0) return;
  const from = Math.max(scene.series.first, number * chunkBars);
  const to = Math.min(scene.series.last, number * chunkBars + chunkBars - 1);
  ctx.fillStyle = scene.palette.background;
  for (let index = from; index <= to; index += 1) {
    const rows = rowsOf(scene.series, index as BarIndex);
    if (rows === null) continue;
    const top = Math.floor(scene.y(rows.high + 1) + dy);
    const height = Math.ceil(scene.y(rows.low) + dy) - top;
    ctx.fillRect(scene.x(index) + dx + scene.layout.blockWidth, top, gap, height);
  }
}

// A bar of a few pixels: from its low to its high, in the colour of its direction.
function drawThinCandle(ctx: Context, scene: Scene, index: BarIndex): void {
  const { series, palette, ticksPerLevel } = scene;
  if (!hasFlow(series, index)) return;
  const top = Math.round(scene.y((series.number("high_tick", index) + 1) / ticksPerLevel));
  const bottom = Math.round(scene.y(series.number("low_tick", index) / ticksPerLevel));
  const rises = series.number("close_tick", index) >= series.number("open_tick", index);
  ctx.fillStyle = rises ? palette.buy : palette.sell;
  const width = Math.max(1, Math.floor(scene.bar * 0.8));
  ctx.fillRect(Math.floor(scene.x(index)), top, width, Math.max(1, bottom - top));
}

// A thin rail beside the cells from the value area's low edge to its high edge.
function drawValueArea(ctx: Context, scene: Scene, index: BarIndex): void {
  const base = scene.series.number("base_row", index);
  const top = Math.round(scene.y(base + scene.series.number("vah", index) + 1));
  const bottom = Math.round(scene.y(base + scene.series.number("val", index)));
  ctx.fillStyle = scene.palette.valueArea;
  ctx.fillRect(scene.x(index) + scene.layout.blockLeft - 2 * scene.line, top, scene.line, bottom - top);
}

// A zone reaches from the low edge of its lowest row to the high edge of its highest (definitions 5.2).
function drawStacks(ctx: Context, scene: Scene, index: BarIndex, flag: number): void {
  const { columns, from, to } = scene.series.levels(index);
  const base = scene.series.number("base_row", index);
  const isBuy = flag === CELL_FLAGS.buy_stack;
  const { layout, palette } = scene;
  const left = scene.x(index) + (isBuy ? layout.buyBracket : layout.sellBracket);
  const colour = isBuy ? palette.buyStrong : palette.sellStrong;
  const thick = Math.max(scene.line, Math.round(layout.bracketWidth * 0.5));
  let start = -1;
  for (let k = from; k <= to; k += 1) {
    const isOn = k < to && ((columns.cell_flags[k] as number) & flag) !== 0;
    const joins = isOn && start >= 0 && (columns.row[k] as number) === (columns.row[k - 1] as number) + 1;
    if (start >= 0 && !joins) {
      const top = Math.round(scene.y(base + (columns.row[k - 1] as number) + 1));
      const bottom = Math.round(scene.y(base + (columns.row[start] as number)));
      bracket(ctx, left, top, bottom - scene.line, isBuy ? "left" : "right", layout.bracketWidth, thick, colour);
      start = -1;
    }
    if (isOn && start < 0) start = k;
  }
}
