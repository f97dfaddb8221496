import type { PaneName } from "../model/cursor";
import { type Box, boxOf, type PaneLayout, splitterCss } from "../model/pane-layout";
import type { PaneSpec } from "../model/panes";
import { Layer } from "./layer";

/** Three canvases: cells, overlays, crosshair. */
export interface Pane {
  readonly name: PaneName;
  readonly element: HTMLElement;
  readonly cells: Layer;
  readonly overlay: Layer;
  readonly cursor: Layer;
  /** Above every pane but the price pane. */
  readonly splitter: HTMLElement | null;
}

/** The elements of the chart: made when a pane is first placed, taken away with it. */
export class PaneStack {
  readonly time: { readonly element: HTMLElement; readonly axis: Layer; readonly cursor: Layer };
  readonly #root: HTMLElement;
  readonly #byName = new Map<PaneName, Pane>();
  #panes: readonly Pane[] = [];

  constructor(root: HTMLElement) {
    this.#root = root;
    const element = part(root, "time-axis", "time");
    this.time = { element, axis: new Layer(element, true), cursor: new Layer(element, false) };
  }

  /** From the top. */
  get panes(): readonly Pane[] {
    return this.#panes;
  }

  pane(name: PaneName): Pane | null {
    return this.#byName.get(name) ?? null;
  }

  /** Give every canvas its size. */
  place(layout: PaneLayout, dpr: number): void {
    this.#follow(layout.panes);
    const width = Math.round((layout.plotWidth + layout.axisWidth) * dpr);
    for (const pane of this.#panes) {
      const box = boxOf(layout, pane.name);
      position(pane.element, box);
      const top = box.top - splitterCss;
      if (pane.splitter !== null)
        position(pane.splitter, { top, height: box.height > 0 && box.top > 0 ? splitterCss : 0 });
      if (box.height <= 0) continue;
      for (const layer of [pane.cells, pane.overlay, pane.cursor]) {
        layer.resize(width, Math.max(1, Math.round(box.height * dpr)), dpr);
      }
    }
    position(this.time.element, layout.timeAxis);
    for (const layer of [this.time.axis, this.time.cursor]) {
      layer.resize(width, Math.round(layout.timeAxis.height * dpr), dpr);
    }
  }

  #follow(specs: readonly PaneSpec[]): void {
    if (specs.length === this.#panes.length && specs.every(({ id }, k) => id === this.#panes[k]?.name)) return;
    for (const [name, pane] of this.#byName) {
      if (specs.some(({ id }) => id === name)) continue;
      pane.element.remove();
      pane.splitter?.remove();
      this.#byName.delete(name);
    }
    this.#panes = specs.map(({ id }) => this.#byName.get(id) ?? this.#make(id));
    // The order of elements is that of the keyboard and of screen readers.
    for (const pane of this.#panes) {
      if (pane.splitter !== null) this.#root.insertBefore(pane.splitter, this.time.element);
      this.#root.insertBefore(pane.element, this.time.element);
    }
  }

  #make(name: PaneName): Pane {
    const element = part(this.#root, "pane", name);
    const pane: Pane = {
      name,
      element,
      cells: new Layer(element, true),
      overlay: new Layer(element, false),
      cursor: new Layer(element, false),
      splitter: name === "price" ? null : part(this.#root, "splitter", name),
    };
    this.#byName.set(name, pane);
    return pane;
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
