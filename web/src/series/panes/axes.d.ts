import type { ChartModel } from "../../model/chart-model";
import { type TimeMark } from "../../model/ticks";
import type { ValueScale } from "../../model/value-scale";
import { type Context } from "../../renderers/text";
export declare const axisFont: (model: ChartModel) => number;
/** The prices of the grid, in ticks. */
export declare function priceGrid(model: ChartModel): number[];
/** The marks of the time axis. */
export declare function timeGrid(model: ChartModel): TimeMark[];
/** Vertical lines of the time marks, days stronger. */
export declare function drawTimeGrid(ctx: Context, model: ChartModel, marks: readonly TimeMark[], height: number): void;
/** Horizontal lines at the low edges of rows. */
export declare function drawPriceGrid(ctx: Context, model: ChartModel, ticks: readonly number[], right: number): void;
/** Prices beside the plot; those that an axis label covers are left out. */
export declare function drawPriceAxis(ctx: Context, model: ChartModel, ticks: readonly number[], left: number, covered: (y: number) => boolean): void;
/** A quantity on the axis of a pane. */
export declare function axisQuantity(model: ChartModel, lots: number): string;
/** The values of a pane below: their grid lines. */
export declare function drawValueGrid(ctx: Context, model: ChartModel, scale: ValueScale): void;
/** The values of a pane below, beside it; those that an axis label covers are left out. */
export declare function drawValueAxis(ctx: Context, model: ChartModel, scale: ValueScale, covered: (y: number) => boolean): void;
/** The time axis: the time at which a bar opens stands under the bar while it is wide, else under its left edge. */
export declare function drawTimeAxis(ctx: Context, model: ChartModel, marks: readonly TimeMark[], height: number): void;
