import type { BarIndex, PriceTick, Row } from "../protocol/units";
import type { ChartModel } from "./chart-model";

/** A pane's id; the price pane's is "price". */
export type PaneName = string;

/** Where the crosshair is, in pixels of the pane and in terms of the chart. */
export interface Cursor {
  readonly pane: PaneName;
  /** Device pixels from the pane's left and top. */
  readonly x: number;
  readonly y: number;
  /** The bar under it; null beside all bars. */
  readonly index: BarIndex | null;
  readonly row: Row;
  readonly tick: PriceTick;
  /** The value on the pane's own axis: ticks, or lots; NaN where it has none. */
  readonly value: number;
}

/** What is at a place of a pane. */
export function cursorAt(model: ChartModel, pane: PaneName, x: number, y: number): Cursor {
  const index = x < model.time.reach ? Math.floor(model.time.index(x)) : Number.NaN;
  const tick = model.price.tickAt(y);
  return {
    pane,
    x,
    y,
    index: model.series.has(index) ? index : null,
    row: model.price.rowAt(y),
    tick,
    value: pane === "price" ? tick : (model.panes.shown(pane)?.value(y) ?? Number.NaN),
  };
}

/** The cursor in the middle of a cell: for the keyboard. */
export function cursorOnCell(model: ChartModel, index: number, row: number): Cursor {
  const x = model.time.x(index) + model.time.bar / 2;
  return cursorAt(model, "price", x, model.price.y(row + 0.5));
}
