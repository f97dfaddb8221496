import type { PaneName } from "../model/cursor";
import { type PaneLayout } from "../model/pane-layout";
import { Layer } from "./layer";
/** Three canvases: cells, overlays, crosshair. */
export interface Pane {
    readonly name: PaneName;
    readonly element: HTMLElement;
    readonly cells: Layer;
    readonly overlay: Layer;
    readonly cursor: Layer;
}
/** The elements of the chart. */
export declare class PaneStack {
    readonly panes: Readonly<Record<PaneName, Pane>>;
    readonly splitters: readonly HTMLElement[];
    readonly time: {
        readonly element: HTMLElement;
        readonly axis: Layer;
        readonly cursor: Layer;
    };
    constructor(root: HTMLElement);
    /** Give every canvas its size. */
    place(layout: PaneLayout, dpr: number): void;
}
