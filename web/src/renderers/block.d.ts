import { type Sheet } from "./sheet";
import { type Context } from "./text";
/** How a block of cells is to look; sizes in device pixels. */
export interface BlockStyle {
    readonly background: string;
    readonly font: number;
    /** Texts longer than this are squeezed into their cell. */
    readonly fits: number;
    readonly gap: number;
    readonly line: number;
    readonly poc: string;
    readonly valueArea: string;
    readonly buyStrong: string;
    readonly sellStrong: string;
    readonly hatch: string;
}
/** Where the block stands: `bottom` is the low edge of its lowest row. */
export interface BlockPlace {
    readonly left: number;
    readonly bottom: number;
    readonly width: number;
    readonly row: number;
    /** Rows to paint, counted from the lowest. */
    readonly from: number;
    readonly to: number;
}
/** Paint grounds, marks and text of the rows from `from` to `to`, both included. */
export declare function paintBlock(ctx: Context, sheet: Sheet, at: BlockPlace, style: BlockStyle): void;
/** Slanted lines inside a rectangle. */
export declare function hatch(ctx: Context, left: number, top: number, width: number, height: number, colour: string, line: number): void;
/** A frame drawn inside of a rectangle, on whole pixels. */
export declare function frame(ctx: Context, left: number, top: number, width: number, height: number, line: number, colour: string): void;
