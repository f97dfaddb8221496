import type { ChartModel } from "../../model/chart-model";
import { type Context } from "../../renderers/text";
import { type CanvasSource } from "./tiles";
/** How the cells of the last frame were painted. */
export type PainterState = "tiles" | "direct" | "strips" | "empty";
/**
 * Paints the bars of the footprint in one of three ways: from a bitmap a bar while the scale stands, directly while it
 * changes, from one pixel a cell when cells are too small for text.
 */
export declare class FootprintPainter {
    #private;
    /** Set to paint directly always, so that whoever listens on the canvas sees each text. */
    direct: boolean;
    constructor(source?: CanvasSource);
    get tiles(): number;
    /** Bars have other numbers now: nothing that was painted can be used. */
    forget(): void;
    /** Paint all bars on screen. */
    draw(ctx: Context, model: ChartModel): PainterState;
}
