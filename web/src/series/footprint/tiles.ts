import type { Context } from "../../renderers/text";

/** One bar's block as a bitmap. */
export interface Tile {
  readonly canvas: HTMLCanvasElement;
  readonly ctx: Context;
  /** What of the bar is painted: its version, or that and more. */
  version: Version;
}

type Version = number | string;

/** Makes a bitmap; tests bring their own. */
export type CanvasSource = (width: number, height: number) => HTMLCanvasElement;

export const pageCanvas: CanvasSource = (width, height) => {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas;
};

/**
 * Bitmaps of bars while the scale and the style stand: `key` says which. A tile is painted anew when its bar has another
 * version; tiles far from the screen are given up, and their canvases used again.
 */
export class TileCache {
  readonly #tiles = new Map<number, Tile>();
  readonly #spare: Tile[] = [];
  readonly #source: CanvasSource;
  readonly #alpha: boolean;
  #key = "";

  /** @param alpha whether something shows through; letters on what is opaque may be sharper */
  constructor(source: CanvasSource = pageCanvas, alpha = false) {
    [this.#source, this.#alpha] = [source, alpha];
  }

  get size(): number {
    return this.#tiles.size;
  }

  /** Whether tiles of this scale and style are held. */
  fits(key: string): boolean {
    return this.#key === key;
  }

  /** Whether the tile of a bar is painted as the bar is now. */
  has(index: number, version: Version): boolean {
    return this.#tiles.get(index)?.version === version;
  }

  /** Begin with another scale or style: nothing that was painted can be used. */
  restart(key: string): void {
    for (const tile of this.#tiles.values()) this.#give(tile);
    this.#tiles.clear();
    this.#key = key;
  }

  /**
   * The tile of a bar.
   *
   * @param paint called when the tile has to be painted
   */
  take(index: number, version: Version, width: number, height: number, paint: (ctx: Context) => void): Tile {
    let tile = this.#tiles.get(index);
    if (tile !== undefined && tile.version === version) return tile;
    if (tile === undefined || tile.canvas.width !== width || tile.canvas.height < height) {
      if (tile !== undefined) this.#give(tile);
      tile = this.#find(width, height);
      this.#tiles.set(index, tile);
    }
    tile.version = version;
    paint(tile.ctx);
    return tile;
  }

  /** Give up tiles more than `margin` bars off the screen. */
  trim(from: number, to: number, margin: number): void {
    if (this.#tiles.size <= to - from + 1 + 2 * margin) return;
    for (const [index, tile] of this.#tiles) {
      if (index >= from - margin && index <= to + margin) continue;
      this.#tiles.delete(index);
      this.#give(tile);
    }
  }

  #give(tile: Tile): void {
    if (this.#spare.length < 64) this.#spare.push(tile);
  }

  // A bar that grows asks for a higher tile again and again: heights go in steps.
  #find(width: number, height: number): Tile {
    const stepped = Math.ceil(height / 128) * 128;
    const place = this.#spare.findIndex((tile) => tile.canvas.width === width && tile.canvas.height === stepped);
    const [used] = place < 0 ? this.#spare.splice(0, this.#spare.length >= 64 ? 1 : 0) : this.#spare.splice(place, 1);
    if (used !== undefined) {
      if (used.canvas.width !== width) used.canvas.width = width;
      if (used.canvas.height !== stepped) used.canvas.height = stepped;
      return used;
    }
    const canvas = this.#source(width, stepped);
    return { canvas, ctx: canvas.getContext("2d", { alpha: this.#alpha }) as Context, version: 0 };
  }
}
