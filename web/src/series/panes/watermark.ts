import { type Context, fontOf } from "../../renderers/text";
import { type CanvasSource, pageCanvas } from "../footprint/tiles";

/** Large words in the ground of the chart that cannot be missed; glyphs of this size are drawn once and then copied. */
export class Watermark {
  readonly #source: CanvasSource;
  #bitmap: HTMLCanvasElement | null = null;
  #key = "";

  constructor(source: CanvasSource = pageCanvas) {
    this.#source = source;
  }

  draw(ctx: Context, words: string, colour: string, width: number, height: number, dpr: number): void {
    const size = Math.round(Math.min((width * 0.8) / (words.length * 0.66), height * 0.3, 150 * dpr));
    if (size < 8) return;
    const key = `${words}|${colour}|${size}`;
    if (key !== this.#key || this.#bitmap === null) {
      this.#key = key;
      this.#bitmap = this.#paint(words, colour, size);
    }
    const { width: wide, height: high } = this.#bitmap;
    ctx.drawImage(this.#bitmap, Math.round((width - wide) / 2), Math.round(height * 0.55 - high / 2));
  }

  #paint(words: string, colour: string, size: number): HTMLCanvasElement {
    const bitmap = this.#source(Math.ceil(words.length * size * 0.8), Math.ceil(size * 1.1));
    const ctx = bitmap.getContext("2d") as Context;
    ctx.font = fontOf(size, 700);
    ctx.fillStyle = colour;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.fillText(words, bitmap.width / 2, bitmap.height / 2);
    return bitmap;
  }
}
