import type { PaneName } from "../model/cursor";
import { type Box, type PaneLayout, paneOrder, splitterCss } from "../model/pane-layout";
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
export class PaneStack {
  readonly panes: Readonly<Record<PaneName, Pane>>;
  readonly splitters: readonly HTMLElement[];
  readonly time: { readonly element: HTMLElement; readonly axis: Layer; readonly cursor: Layer };

  constructor(root: HTMLElement) {
    const make = (name: PaneName): Pane => {
      const element = part(root, "pane", name);
      return {
        name,
        element,
        cells: new Layer(element, true),
        overlay: new Layer(element, false),
        cursor: new Layer(element, false),
      };
    };
    this.panes = { price: make("price"), delta: make("delta"), cvd: make("cvd") };
    this.splitters = [part(root, "splitter", "delta"), part(root, "splitter", "cvd")];
    const element = part(root, "time-axis", "time");
    this.time = { element, axis: new Layer(element, true), cursor: new Layer(element, false) };
  }

  /** Give every canvas its size. */
  place(layout: PaneLayout, dpr: number): void {
    const width = Math.round((layout.plotWidth + layout.axisWidth) * dpr);
    for (const name of paneOrder) {
      const pane = this.panes[name];
      const box = layout.boxes[name];
      position(pane.element, box);
      for (const layer of [pane.cells, pane.overlay, pane.cursor]) {
        layer.resize(width, Math.max(1, Math.round(box.height * dpr)), dpr);
      }
    }
    this.splitters.forEach((splitter, k) => {
      const below = layout.boxes[k === 0 ? "delta" : "cvd"];
      position(splitter, { top: below.top - splitterCss, height: below.height > 0 && below.top > 0 ? splitterCss : 0 });
    });
    position(this.time.element, layout.timeAxis);
    for (const layer of [this.time.axis, this.time.cursor]) {
      layer.resize(width, Math.round(layout.timeAxis.height * dpr), dpr);
    }
  }
}

function part(root: HTMLElement, kind: string, name: string): HTMLElement {
  const element = document.createElement("div");
  element.className = kind;
  element.dataset["part"] = name;
  root.append(element);
  return element;
}

function position(element: HTMLElement, box: Box): void {
  element.style.top = `${box.top}px`;
  element.style.height = `${box.height}px`;
  element.hidden = box.height <= 0;
}
