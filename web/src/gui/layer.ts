import type { Context } from "../renderers/text";

/** One of the canvases that lie on each other in a pane. */
export class Layer {
  readonly canvas: HTMLCanvasElement;
  readonly ctx: Context;

  constructor(parent: HTMLElement, opaque: boolean) {
    this.canvas = document.createElement("canvas");
    this.canvas.setAttribute("aria-hidden", "true");
    parent.append(this.canvas);
    this.ctx = this.canvas.getContext("2d", { alpha: !opaque }) as Context;
  }

  get width(): number {
    return this.canvas.width;
  }

  get height(): number {
    return this.canvas.height;
  }

  /** In device pixels; a canvas that keeps its size keeps its picture. */
  resize(width: number, height: number, dpr: number): void {
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
    this.canvas.style.width = `${width / dpr}px`;
    this.canvas.style.height = `${height / dpr}px`;
  }

  /** A layer with nothing on it is taken out of the page's picture. */
  show(visible: boolean): void {
    this.canvas.style.display = visible ? "block" : "none";
  }

  clear(): void {
    this.ctx.clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  fill(colour: string): void {
    this.ctx.fillStyle = colour;
    this.ctx.fillRect(0, 0, this.canvas.width, this.canvas.height);
  }
}
