import type { BarSeries } from "../../data/bar-series";
import type { Context } from "../../renderers/text";
import { type SheetStyle } from "./sheet-maker";
import { type CanvasSource } from "./tiles";
/** Bars a chunk: one bitmap holds so many columns. */
export declare const chunkBars = 64;
/** A bitmap of bars, one column a bar: pixel row 0 is the highest price. */
export interface Chunk {
    readonly canvas: HTMLCanvasElement;
    readonly ctx: Context;
    /** The row that the lowest pixel stands for, and how many rows there are. */
    readonly low: number;
    readonly rows: number;
    readonly versions: Float64Array;
}
/** Which chunk a bar is in, and which column of it. */
export declare const chunkOf: (index: number) => number;
export declare const columnOf: (index: number) => number;
/** Cells as one pixel each, for scales at which they are too small for anything else. */
export declare class StripCache {
    #private;
    constructor(source?: CanvasSource);
    /** Whatever was painted in another style is forgotten. */
    begin(key: string): void;
    /** A chunk, brought up to date. */
    chunk(series: BarSeries, number: number, style: SheetStyle): Chunk;
}
