import type { BarSeries } from "../../data/bar-series";
import { rowsOf } from "../../model/cells";
import { isDoubtful } from "../../model/trust";
import type { BarIndex } from "../../protocol/units";
import type { Context } from "../../renderers/text";
import { cellPixel, emptyCell, type Numbers, readCell, type SheetStyle } from "./fillers";
import { type CanvasSource, pageCanvas } from "./tiles";

/** Bars a chunk: one bitmap holds so many columns. */
export const chunkBars = 64;

/** A bitmap of bars, one column a bar: pixel row 0 is the highest price. */
export interface Chunk {
  readonly canvas: HTMLCanvasElement;
  readonly ctx: Context;
  /** The row that the lowest pixel stands for, and how many rows there are. */
  readonly low: number;
  readonly rows: number;
  readonly versions: Float64Array;
  /** Another number after each change, and in each chunk. */
  stamp: number;
}

/** Which chunk a bar is in, and which column of it. */
export const chunkOf = (index: number): number => Math.floor(index / chunkBars);
export const columnOf = (index: number): number => index - chunkOf(index) * chunkBars;

/** Cells as one pixel each, for scales at which they are too small for anything else. */
export class StripCache {
  readonly #chunks = new Map<number, Chunk>();
  readonly #source: CanvasSource;
  #key = "";
  #stamps = 0;

  constructor(source: CanvasSource = pageCanvas) {
    this.#source = source;
  }

  /** Whatever was painted in another style is forgotten. */
  begin(key: string): void {
    if (key === this.#key) return;
    this.#key = key;
    this.#chunks.clear();
  }

  /** A chunk, brought up to date. */
  chunk(series: BarSeries, number: number, style: SheetStyle, isHeatmap: boolean): Chunk {
    const from = Math.max(series.first, number * chunkBars);
    const to = Math.min(series.last, number * chunkBars + chunkBars - 1);
    const held = this.#chunks.get(number);
    if (held !== undefined && isCurrent(held, series, from, to)) return held;
    const { low, high } = rowSpan(series, from, to);
    const fits = held !== undefined && (high < low || (low >= held.low && high < held.low + held.rows));
    const chunk = fits ? held : this.#allocate(number, low, high);
    for (let index = from; index <= to; index += 1) paintColumn(chunk, series, index as BarIndex, style, isHeatmap);
    this.#stamps += 1;
    chunk.stamp = this.#stamps;
    return chunk;
  }

  #allocate(number: number, low: number, high: number): Chunk {
    const spare = Math.ceil((high - low + 1) / 8) + 4;
    const rows = high < low ? 1 : high - low + 1 + 2 * spare;
    const canvas = this.#source(chunkBars, rows);
    const chunk: Chunk = {
      canvas,
      ctx: canvas.getContext("2d") as Context,
      low: high < low ? 0 : low - spare,
      rows,
      versions: new Float64Array(chunkBars),
      stamp: 0,
    };
    this.#chunks.set(number, chunk);
    return chunk;
  }
}

const cell: Numbers = emptyCell();

function isCurrent(chunk: Chunk, series: BarSeries, from: number, to: number): boolean {
  for (let index = from; index <= to; index += 1) {
    if (chunk.versions[columnOf(index)] !== series.version(index as BarIndex)) return false;
  }
  return true;
}

function rowSpan(series: BarSeries, from: number, to: number): { readonly low: number; readonly high: number } {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let index = from; index <= to; index += 1) {
    const rows = rowsOf(series, index as BarIndex);
    if (rows === null) continue;
    low = Math.min(low, rows.low);
    high = Math.max(high, rows.high);
  }
  return { low, high };
}

function paintColumn(chunk: Chunk, series: BarSeries, index: BarIndex, style: SheetStyle, isHeatmap: boolean): void {
  const column = columnOf(index);
  const version = series.version(index);
  if (chunk.versions[column] === version) return;
  chunk.versions[column] = version;
  const image = chunk.ctx.createImageData(1, chunk.rows);
  const pixels = new Uint32Array(image.data.buffer);
  const rows = rowsOf(series, index);
  if (rows !== null) {
    const top = chunk.low + chunk.rows - 1;
    const ground = isHeatmap ? style.palette.heatRamp : style.palette.neutralRamp;
    pixels.fill(ground.pixels[0] as number, top - rows.high, top - rows.low + 1);
    const levels = series.levels(index);
    const base = series.number("base_row", index);
    const own = { ...style, doubtful: isDoubtful(series, index) };
    for (let k = levels.from; k < levels.to; k += 1) {
      readCell(cell, levels, k);
      pixels[top - base - (levels.columns.row[k] as number)] = cellPixel(cell, own, isHeatmap);
    }
  }
  chunk.ctx.putImageData(image, column, 0);
}
