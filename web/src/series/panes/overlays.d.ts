import type { ChartModel } from "../../model/chart-model";
import type { GapBand } from "../../model/gap-bands";
import type { BarIndex } from "../../protocol/units";
import { type AxisLabel } from "../../renderers/shapes";
import { type Context } from "../../renderers/text";
/** Stretches of the tape that are missing: a hatched band over the whole height. */
export declare function drawGapBands(ctx: Context, model: ChartModel, bands: readonly GapBand[], height: number): void;
/** Large words in the ground of the chart that cannot be missed. */
export declare function drawWatermark(ctx: Context, model: ChartModel, words: string, width: number, height: number): void;
/** The label of the last price and of what is left of its bar; null without a price or off the screen. */
export declare function lastPriceLabel(model: ChartModel, left: number, width: number, countdown: string): AxisLabel | null;
/** The label of a pane's newest value on its axis. */
export declare function lastValueLabel(model: ChartModel, pane: "delta" | "cvd", width: number, height: number): AxisLabel;
/**
 * The line of the last price, strong from the newest bar to the axis, and the frame of the cell it stands in.
 *
 * @returns where the line is, so that it can be wiped
 */
export declare function drawLastPrice(ctx: Context, model: ChartModel): number;
/** The frame of the cell that is looked at more closely. */
export declare function drawMarkedCell(ctx: Context, model: ChartModel, index: BarIndex, row: number): void;
