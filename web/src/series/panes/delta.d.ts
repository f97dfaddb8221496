import { type ChartModel } from "../../model/chart-model";
import { type Context } from "../../renderers/text";
/** Delta of each bar as a column from zero, with the least and the most it had reached as whiskers. */
export declare function drawDelta(ctx: Context, model: ChartModel): void;
