import type { BlockPlace, BlockStyle } from "../../renderers/block";
import { insetOf, paintNumbers } from "../../renderers/numbers";
import type { Sheet } from "../../renderers/sheet";
import type { Context } from "../../renderers/text";
import { type CanvasSource, pageCanvas, TileCache } from "./tiles";

/** Bitmaps are made in steps of so many pixels and rows: what changes a little needs no other one. */
const step = { width: 32, rows: 16 } as const;

/**
 * The numbers of bars as transparent bitmaps. They stand by the middle of their cell, or by its left edge, wherever the
 * other edge is: so they serve while bars become wider or narrower and nothing else of the scale has changed.
 */
export class NumberTiles {
  readonly #tiles: TileCache;

  constructor(source: CanvasSource = pageCanvas) {
    this.#tiles = new TileCache(source, true);
  }

  /** @param scale everything but the width and the style that decides how numbers look */
  begin(scale: string, style?: BlockStyle): void {
    const key = style === undefined ? scale : `${scale}|${style.font}|${style.usual}`;
    if (!this.#tiles.fits(key)) this.#tiles.restart(key);
  }

  trim(from: number, to: number): void {
    this.#tiles.trim(from, to, 12);
  }

  /** As `paintNumbers`. @param version of the bar */
  paint(ctx: Context, index: number, version: number, sheet: Sheet, at: BlockPlace, style: BlockStyle): void {
    const from = Math.floor(at.from / step.rows) * step.rows;
    const to = Math.min(sheet.count, (Math.floor(at.to / step.rows) + 1) * step.rows) - 1;
    const reach = insetOf(style) + Math.ceil(style.usual);
    const isCentred = sheet.form !== "bars" || sheet.splitText;
    const [width, height] = [isCentred ? 2 * reach : reach, (to - from + 1) * at.row];
    const middle = isCentred ? Math.floor(at.width / 2) : 0;
    const left = isCentred ? reach : 0;
    const room = Math.ceil(width / step.width) * step.width;
    const tile = this.#tiles.take(index, `${version}|${from}|${to}`, room, height, (tileCtx) => {
      tileCtx.clearRect(0, 0, width, height);
      const place = { left: left - middle, bottom: height + from * at.row, width: at.width, row: at.row, from, to };
      paintNumbers(tileCtx, sheet, place, style, "usual");
    });
    const top = at.bottom - (to + 1) * at.row;
    ctx.drawImage(tile.canvas, 0, 0, width, height, at.left + middle - left, top, width, height);
    paintNumbers(ctx, sheet, at, style, "longer");
  }
}
