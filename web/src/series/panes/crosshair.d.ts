import type { ChartModel } from "../../model/chart-model";
import type { Cursor } from "../../model/cursor";
import type { Context } from "../../renderers/text";
/** The crosshair's lines in one pane; the horizontal one only in the pane that the cursor is in. */
export declare function drawCrosshair(ctx: Context, model: ChartModel, cursor: Cursor, height: number, isHere: boolean): void;
/** The cursor's price or quantity on the axis of its pane. */
export declare function drawCursorValue(ctx: Context, model: ChartModel, cursor: Cursor, right: number, height: number): void;
/** The time of the bar under the cursor, on the time axis. */
export declare function drawCursorTime(ctx: Context, model: ChartModel, cursor: Cursor, height: number): void;
