import type { Context } from "../../renderers/text";
/** One bar's block as a bitmap. */
export interface Tile {
    readonly canvas: HTMLCanvasElement;
    readonly ctx: Context;
    /** The bar's version that is painted. */
    version: number;
}
/** Makes a bitmap; tests bring their own. */
export type CanvasSource = (width: number, height: number) => HTMLCanvasElement;
export declare const pageCanvas: CanvasSource;
/**
 * Bitmaps of bars while the scale and the style stand: `key` says which. A tile is painted anew when its bar has another
 * version; tiles far from the screen are given up, and their canvases used again.
 */
export declare class TileCache {
    #private;
    constructor(source?: CanvasSource);
    get size(): number;
    /** Whether tiles of this scale and style are held. */
    fits(key: string): boolean;
    /** Begin with another scale or style: nothing that was painted can be used. */
    restart(key: string): void;
    /**
     * The tile of a bar.
     *
     * @param paint called when the tile has to be painted
     */
    take(index: number, version: number, width: number, height: number, paint: (ctx: Context) => void): Tile;
    /** Give up tiles more than `margin` bars off the screen. */
    trim(from: number, to: number, margin: number): void;
}
