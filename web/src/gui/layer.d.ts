import type { Context } from "../renderers/text";
/** One of the canvases that lie on each other in a pane. */
export declare class Layer {
    readonly canvas: HTMLCanvasElement;
    readonly ctx: Context;
    constructor(parent: HTMLElement, opaque: boolean);
    get width(): number;
    get height(): number;
    /** In device pixels; a canvas that keeps its size keeps its picture. */
    resize(width: number, height: number, dpr: number): void;
    /** A layer with nothing on it is taken out of the page's picture. */
    show(visible: boolean): void;
    clear(): void;
    fill(colour: string): void;
}
