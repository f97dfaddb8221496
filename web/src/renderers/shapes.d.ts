import { type Context } from "./text";
/** A horizontal line on whole pixels; `dash` in pixels, or none. */
export declare function hLine(ctx: Context, left: number, right: number, y: number, colour: string, thick?: number, dash?: readonly number[]): void;
/** A vertical line on whole pixels. */
export declare function vLine(ctx: Context, x: number, top: number, bottom: number, colour: string, thick?: number, dash?: readonly number[]): void;
/** A candle: wick and body between whole pixels; `y` values are edges, top first. */
export declare function candle(ctx: Context, left: number, width: number, wickTop: number, bodyTop: number, bodyBottom: number, wickBottom: number, colour: string, line: number): void;
/** A bracket along the side of stacked imbalances, open towards the cells. */
export declare function bracket(ctx: Context, x: number, top: number, bottom: number, opensTo: "left" | "right", width: number, line: number, colour: string): void;
/** A label on an axis: a filled box with one or two lines of text. */
export interface AxisLabel {
    readonly left: number;
    readonly width: number;
    readonly middle: number;
    readonly lineHeight: number;
    readonly font: number;
    readonly ground: string;
    readonly colour: string;
    readonly lines: readonly string[];
    readonly align: "left" | "center";
    readonly inset: number;
}
export declare function axisLabel(ctx: Context, label: AxisLabel): void;
/** A connected line through points; pairs of x and y, NaN breaks it. */
export declare function polyline(ctx: Context, points: Float64Array, count: number, colour: string, thick: number): void;
/** One line of text that no label box holds. */
export declare function plainText(ctx: Context, text: string, x: number, y: number, font: string, colour: string, align?: CanvasTextAlign): void;
