import { rowsOf } from "../../model/cells";
import type { ChartModel } from "../../model/chart-model";
import type { BarIndex } from "../../protocol/units";
import { type BlockPainter, type BlockPlace, paintBlock } from "../../renderers/block";
import { paintNumbers } from "../../renderers/numbers";
import type { Context } from "../../renderers/text";
import { drawBeyond } from "./beyond";
import { drawOwnOver, drawOwnUnder } from "./levels";
import { NumberTiles } from "./number-tiles";
import { drawPlainLabel } from "./plain-candle";
import { type Frame, ScaledChunks } from "./scaled";
import { type Scene, type SceneColumn, sceneOf } from "./scene";
import { SheetMaker } from "./sheet-maker";
import { drawSides } from "./sides";
import { type Chunk, chunkBars, chunkOf, columnOf, StripCache } from "./strips";
import { drawGaps, drawThinCandle } from "./thin";
import { type CanvasSource, pageCanvas, TileCache } from "./tiles";

/** How the cells of the last frame were painted. */
export type PainterState = "tiles" | "direct" | "strips" | "empty";

/** Bars at least this wide, in CSS pixels, stand apart from each other. */
const gapsFromCss = 3;
/** Bars at least this wide, in CSS pixels, have a strip each. */
const stripsFromCss = 9;
/** Where rows are lower than this, in device pixels, and bars as thin, no cell can be told from another: candles say more. */
const candlesBelowRow = 1.5;
/** So many tiles are painted in one frame, the other bars directly: no frame pays for all of them. */
const tilesAFrame = 4;
/** A tile higher than this many panes is not worth its memory: its bar is painted directly. */
const highestTile = 3;

/**
 * Paints the bars of the footprint in one of three ways: from a bitmap a bar while the scale stands, directly while it
 * changes, from one pixel a cell when cells are too small for text, or are nothing but colour.
 */
export class FootprintPainter {
  readonly #tiles: TileCache;
  readonly #strips: StripCache;
  readonly #scaled: ScaledChunks;
  readonly #numbers: readonly [NumberTiles, NumberTiles];
  readonly #makers = [new SheetMaker(), new SheetMaker()] as const;
  #key = "";
  #mayPaint = 0;
  /** Set to paint directly always, so that whoever listens on the canvas sees each text. */
  direct = false;

  constructor(source: CanvasSource = pageCanvas) {
    this.#tiles = new TileCache(source);
    this.#numbers = [new NumberTiles(source), new NumberTiles(source)];
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
    for (const numbers of this.#numbers) numbers.begin("");
    this.#strips.begin("");
    for (const maker of this.#makers) maker.begin("");
  }

  /** Paint all bars on screen. */
  draw(ctx: Context, model: ChartModel): PainterState {
    const { from, to } = model.visibleBars();
    if (to < from) return "empty";
    const scene = sceneOf(model);
    for (const maker of this.#makers) maker.begin(scene.look);
    drawOwnUnder(ctx, scene, model);
    for (let index = from; index <= to; index += 1) drawSides(ctx, scene, index as BarIndex);
    this.#numbers.forEach((numbers, k) => {
      numbers.begin(`${scene.row}|${scene.dpr}|${scene.look}`, scene.columns[k]?.style);
      numbers.trim(from, to);
    });
    const state = this.#drawCells(ctx, scene, from, to);
    drawOwnOver(ctx, scene, model);
    drawBeyond(ctx, scene, from, to);
    drawPlainLabel(ctx, model, from, to);
    return state;
  }

  #drawCells(ctx: Context, scene: Scene, from: number, to: number): PainterState {
    if (scene.columns.length === 0) {
      this.#drawStrips(ctx, scene, from, to);
      this.#key = scene.key;
      return "strips";
    }
    if (scene.key !== this.#key || this.direct) {
      this.#key = scene.key;
      for (let index = from; index <= to; index += 1) this.#drawDirectly(ctx, scene, index as BarIndex);
      return "direct";
    }
    if (!this.#tiles.fits(scene.key)) this.#tiles.restart(scene.key);
    this.#mayPaint = tilesAFrame;
    for (let index = from; index <= to; index += 1) this.#drawTile(ctx, scene, index as BarIndex);
    this.#tiles.trim(from, to, 12);
    return "tiles";
  }

  #drawTile(ctx: Context, scene: Scene, index: BarIndex): void {
    const rows = rowsOf(scene.series, index);
    if (rows === null) return;
    const { row, y, height, overhang } = scene;
    const [top, bottom] = [y(rows.high + 1) - overhang, y(rows.low) + overhang];
    if (bottom < 0 || top > height) return;
    const tall = bottom - top;
    const isNew = !this.#tiles.has(index, scene.series.version(index));
    if (tall > height * highestTile || (isNew && this.#mayPaint <= 0)) {
      this.#drawDirectly(ctx, scene, index);
      return;
    }
    if (isNew) this.#mayPaint -= 1;
    const width = scene.layout.blockWidth;
    const tile = this.#tiles.take(index, scene.series.version(index), width, tall, (tileCtx) => {
      tileCtx.fillStyle = scene.palette.background;
      tileCtx.fillRect(0, 0, width, tall);
      const to = rows.high - rows.low;
      this.#paint(tileCtx, scene, index, { left: 0, bottom: tall - overhang, width, row, from: 0, to }, false);
    });
    ctx.drawImage(tile.canvas, 0, 0, width, tall, scene.x(index) + scene.layout.blockLeft, top, width, tall);
  }

  // All rows that circles reach the screen from are painted.
  #drawDirectly(ctx: Context, scene: Scene, index: BarIndex): void {
    const rows = rowsOf(scene.series, index);
    if (rows === null) return;
    const { row, overhang } = scene;
    const more = Math.ceil(overhang / row);
    const from = Math.max(rows.low, scene.lowestRow - more) - rows.low;
    const to = Math.min(rows.high, scene.highestRow + more) - rows.low;
    if (to < from) return;
    const left = scene.x(index) + scene.layout.blockLeft;
    const width = scene.layout.blockWidth;
    const bottom = scene.y(rows.low);
    ctx.fillStyle = scene.palette.background;
    ctx.fillRect(left, bottom - (to + 1) * row - overhang, width, (to - from + 1) * row + 2 * overhang);
    this.#paint(ctx, scene, index, { left, bottom, width, row, from, to }, !this.direct);
  }

  // Where numbers are kept as pictures they need not be written anew for another width.
  #paint(ctx: Context, scene: Scene, index: BarIndex, at: BlockPlace, keepsNumbers: boolean): void {
    scene.columns.forEach((column: SceneColumn, k) => {
      const sheet = this.#makers[k as 0 | 1].make(scene.series, index, column.sheet, scene.marks);
      if (sheet === null) return;
      const place = { ...at, left: at.left + column.left, width: column.width };
      const kept: BlockPainter = (target, of, where, style) =>
        this.#numbers[k as 0 | 1].paint(target, index, scene.series.version(index), of, where, style);
      paintBlock(ctx, sheet, place, column.style, keepsNumbers ? kept : paintNumbers);
    });
  }

  #drawStrips(ctx: Context, scene: Scene, from: number, to: number): void {
    if (scene.row < candlesBelowRow && scene.bar < gapsFromCss * scene.dpr && !scene.isHeatmap) {
      for (let index = from; index <= to; index += 1) drawThinCandle(ctx, scene, index as BarIndex);
      return;
    }
    this.#strips.begin(scene.look);
    ctx.imageSmoothingEnabled = scene.row < 1 || scene.bar < 1;
    for (let number = chunkOf(from); number <= chunkOf(to); number += 1) {
      const chunk = this.#strips.chunk(scene.series, number, scene.pixels, scene.isHeatmap);
      if (scene.bar < stripsFromCss * scene.dpr) {
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

  #drawStrip(ctx: Context, scene: Scene, chunk: Chunk, index: BarIndex): void {
    const rows = rowsOf(scene.series, index);
    if (rows === null) return;
    const [top, bottom] = [Math.round(scene.y(rows.high + 1)), Math.round(scene.y(rows.low))];
    if (bottom < 0 || top > scene.height) return;
    const count = rows.high - rows.low + 1;
    const left = scene.x(index) + scene.layout.blockLeft;
    const from = chunk.low + chunk.rows - 1 - rows.high;
    const high = Math.max(1, bottom - top);
    ctx.drawImage(chunk.canvas, columnOf(index), from, 1, count, left, top, scene.layout.blockWidth, high);
    if (scene.row < 2.5 * scene.dpr || scene.bar < 6 * scene.dpr || scene.marks.frame !== "poc" || scene.isHeatmap)
      return;
    const poc = scene.series.number("base_row", index) + scene.series.number("poc", index);
    ctx.fillStyle = scene.palette.poc;
    const thick = Math.max(1, Math.round(Math.min(scene.row * 0.4, 2 * scene.dpr)));
    ctx.fillRect(left, Math.round(scene.y(poc + 0.5) - thick / 2), scene.layout.blockWidth, thick);
  }
}
