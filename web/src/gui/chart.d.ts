import type { Readable } from "../data/store";
import type { ChartModel } from "../model/chart-model";
import { type Cursor, type PaneName } from "../model/cursor";
import { Level } from "../model/invalidation";
import { type PaneLayout, type PaneShares } from "../model/pane-layout";
import type { PainterState } from "../series/footprint/painter";
import { FramePainter } from "./frame-painter";
import { PaneStack } from "./panes";
/** What the last frame did, for tests and benchmarks. */
export interface FrameStats {
    readonly frames: number;
    readonly level: string;
    readonly ms: number;
    readonly painter: PainterState;
}
/** Who is told what happens on the chart. */
export interface ChartListener {
    /** The view has moved: more history may be wanted, "go to live" may be due. */
    viewMoved(): void;
    cursorMoved(cursor: Cursor | null): void;
}
/** The chart on the page: its elements, its sizes and the one loop that draws frames. */
export declare class Chart {
    #private;
    readonly root: HTMLElement;
    readonly model: ChartModel;
    readonly stack: PaneStack;
    readonly painter: FramePainter;
    constructor(root: HTMLElement, model: ChartModel, listener: ChartListener);
    destroy(): void;
    get layout(): Readable<PaneLayout>;
    get stats(): FrameStats;
    get cursor(): Cursor | null;
    get shares(): PaneShares;
    setShares(shares: PaneShares): void;
    get maximised(): PaneName | null;
    /** Give one pane all the room, or with null everyone theirs. */
    maximise(pane: PaneName | null): void;
    /** Ask for a frame that draws at least so much. */
    invalidate(level: Level): void;
    /** Sizes, device ratio or the width of the axis may have changed. */
    resize(): void;
    /** The crosshair follows; null takes it away. Pixels are CSS pixels from the pane's corner. */
    pointAt(pane: PaneName, x: number, y: number): void;
    pointAtCell(index: number, row: number): void;
    leave(): void;
    /** The user has moved or scaled the chart. */
    moved(): void;
    /** Draw now what is due, for who cannot wait for the browser. */
    flush(): void;
}
