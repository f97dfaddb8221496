import type { ChartModel } from "../../model/chart-model";
import type { Context } from "../../renderers/text";
/** Cumulative delta, as a line through the bars' closes or as candles (definitions 3.2); broken where it was reset. */
export declare class CvdSeries {
    #private;
    draw(ctx: Context, model: ChartModel): void;
}
