import type { ChartModel } from "../model/chart-model";
import type { Cursor } from "../model/cursor";
import { type GapBand } from "../model/gap-bands";
import type { BarIndex } from "../protocol/units";
import { FootprintPainter, type PainterState } from "../series/footprint/painter";
import type { PaneStack } from "./panes";
/**
 * Puts the model on the canvases.
 *
 * A canvas that was touched costs its whole area when the browser puts the page together, however little was drawn. So all
 * that moves with data or view is on the cells layer, light frames repaint a part of it, the overlay layer holds what
 * seldom changes (gaps, the cell that is looked at), and layers that are empty are hidden and left alone.
 */
export declare class FramePainter {
    #private;
    readonly footprint: FootprintPainter;
    /** What is left of the open bar, as text. */
    countdown: string;
    /** The cell whose trades are listed. */
    marked: {
        readonly index: BarIndex;
        readonly row: number;
    } | null;
    state: PainterState;
    constructor(stack: PaneStack, model: ChartModel);
    get bands(): readonly GapBand[];
    /** All panes and axes. */
    full(): void;
    /** The newest bar and what changes with it, while no scale has moved. */
    light(): void;
    /** What lies over the cells and seldom changes. */
    overlays(): void;
    cursor(cursor: Cursor | null): void;
}
