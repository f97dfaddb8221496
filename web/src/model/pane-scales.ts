import { type Dpx, dpx } from "../protocol/units";
import type { ChartModel } from "./chart-model";
import type { PaneName } from "./cursor";
import { extentOf } from "./pane-values";
import { defaultPanes, hasValues, type PaneSpec } from "./panes";
import { ValueScale } from "./value-scale";

/** Titles of the panes stand above their values. */
const titleCss = 20;
const bottomCss = 3;
/** Numbers stand under the delta pane's columns from this width of a bar and height of the pane on; the line takes this height. */
export const deltaNumbersCss = { from: 40, pane: 56, height: 17 } as const;

/** @param height of the delta pane: where it is low, its title would lie on the numbers, and no column had room */
export const hasDeltaNumbers = ({ time, dpr }: ChartModel, height: number): boolean =>
  time.bar >= deltaNumbersCss.from * dpr && height >= deltaNumbersCss.pane * dpr;

/** The panes of the chart and the scales of their values. */
export class PaneScales {
  #specs: readonly PaneSpec[] = defaultPanes;
  #heights: ReadonlyMap<PaneName, Dpx> = new Map();
  readonly #scales = new Map<PaneName, ValueScale>();

  get specs(): readonly PaneSpec[] {
    return this.#specs;
  }

  /** Scales of panes that stay are kept. */
  set(specs: readonly PaneSpec[]): void {
    this.#specs = specs;
    for (const id of this.#scales.keys()) if (!specs.some((spec) => spec.id === id)) this.#scales.delete(id);
  }

  spec(pane: PaneName): PaneSpec | null {
    return this.#specs.find(({ id }) => id === pane) ?? null;
  }

  /** The scale of a pane's values by which it is drawn and read; null for prices, and while nothing on screen has a value. */
  shown(pane: PaneName): ValueScale | null {
    const scale = this.of(pane);
    return scale === null || scale.isBlank ? null : scale;
  }

  /** The scale of a pane's values; null for prices, and where there are no values. */
  of(pane: PaneName): ValueScale | null {
    const known = this.#scales.get(pane);
    if (known !== undefined) return known;
    const spec = this.spec(pane);
    if (spec === null || !hasValues(spec)) return null;
    const scale = new ValueScale();
    scale.setAuto();
    this.#scales.set(pane, scale);
    return scale;
  }

  setAuto(): void {
    for (const scale of this.#scales.values()) scale.setAuto();
  }

  /** @param heights of the panes, device pixels */
  resize(model: ChartModel, heights: ReadonlyMap<PaneName, Dpx>): void {
    this.#heights = heights;
    this.#fit(model);
  }

  // The line of numbers under the delta pane comes and goes with the width of bars.
  #fit(model: ChartModel): void {
    const title = model.px(titleCss);
    for (const { id, kind } of this.#specs) {
      const height = this.#heights.get(id) ?? 1;
      const below = kind === "delta" ? (hasDeltaNumbers(model, height) ? deltaNumbersCss.height : 0) : bottomCss;
      this.of(id)?.resize(dpx(Math.max(1, height - model.px(below))), title);
    }
  }

  /** Take in what is on screen. */
  settle(model: ChartModel, from: number, to: number): void {
    this.#fit(model);
    for (const spec of this.#specs) {
      const scale = this.of(spec.id);
      if (scale === null) continue;
      const extent = extentOf(model, spec, from, to);
      scale.isBlank = extent === null;
      if (extent !== null) scale.follow(extent.low, extent.high, extent.padding, extent.least);
    }
  }

  /** Changes whenever one of the scales does. */
  key(): string {
    return this.#specs
      .map(({ id }) => {
        const scale = this.of(id);
        return scale === null || scale.isBlank ? id : `${id}:${scale.y(0)}:${scale.y(1)}`;
      })
      .join("|");
  }
}
