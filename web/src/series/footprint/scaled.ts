import type { Context } from "../../renderers/text";
import { type CanvasSource, pageCanvas } from "./tiles";

interface Picture {
  readonly canvas: HTMLCanvasElement;
  readonly ctx: Context;
  key: string;
}

/** Where a picture stands, in pixels that need not be whole. */
export interface Frame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Chunks of thin bars at the scale of the screen, kept while it stands: panning copies whole pixels and samples none.
 */
export class ScaledChunks {
  readonly #pictures = new Map<number, Picture>();
  readonly #source: CanvasSource;

  constructor(source: CanvasSource = pageCanvas) {
    this.#source = source;
  }

  /** Give up all but the chunks from `from` to `to`. */
  trim(from: number, to: number): void {
    for (const number of this.#pictures.keys()) if (number < from - 1 || number > to + 1) this.#pictures.delete(number);
  }

  /**
   * Draw a chunk.
   *
   * @param key what its picture depends on, apart from its size and its place between pixels
   * @param paint paints it with its corner at the given place
   */
  draw(
    ctx: Context,
    number: number,
    key: string,
    at: Frame,
    paint: (ctx: Context, left: number, top: number) => void,
  ): void {
    const [x, y] = [Math.floor(at.left), Math.floor(at.top)];
    const [offX, offY] = [at.left - x, at.top - y];
    const [width, height] = [Math.ceil(at.width + offX) + 1, Math.ceil(at.height + offY) + 1];
    const picture = this.#take(number, width, height);
    const full = `${key}|${offX.toFixed(6)}|${offY.toFixed(6)}|${width}|${height}`;
    if (picture.key !== full) {
      picture.key = full;
      picture.ctx.clearRect(0, 0, width, height);
      paint(picture.ctx, offX, offY);
    }
    ctx.drawImage(picture.canvas, 0, 0, width, height, x, y, width, height);
  }

  // A canvas that is a little larger than it must be serves many scales.
  #take(number: number, width: number, height: number): Picture {
    const held = this.#pictures.get(number);
    if (held !== undefined && held.canvas.width >= width && held.canvas.height >= height) return held;
    const canvas = this.#source(Math.ceil(width / 64) * 64, Math.ceil(height / 128) * 128);
    const picture = { canvas, ctx: canvas.getContext("2d") as Context, key: "" };
    this.#pictures.set(number, picture);
    return picture;
  }
}
