import type { BarSeries } from "../../src/data/bar-series";
import type { Palette } from "../../src/model/palette";
import type { BarIndex } from "../../src/protocol/units";

/** What every painter of the benchmark is given: the same bars, the same view, the same colours. */
export interface Scene {
  readonly series: BarSeries;
  readonly bars: number;
  readonly palette: Palette;
  /** The largest quantity that colours are scaled to. */
  typical(): number;
  text(quantity: number): string;
}

/** A chart of another library that shows the scene. */
export interface Peer {
  /** Show `count` bars that end at bar `right`, and the prices from `low` to `high`, and draw before returning. */
  show(right: number, count: number, low: number, high: number): void;
  /** The newest bar has changed: draw before returning. */
  update(): void;
  dispose(): void;
}

/** A bar as libraries want it: an object. */
export interface PlainBar {
  readonly base: number;
  readonly rows: readonly number[];
  readonly buy: readonly number[];
  readonly sell: readonly number[];
}

export function plainBar(series: BarSeries, index: number): PlainBar {
  const { columns, from, to } = series.levels(index as BarIndex);
  const part = (column: ArrayLike<number>): number[] =>
    Array.from({ length: to - from }, (_, k) => column[from + k] as number);
  return {
    base: series.number("base_row", index as BarIndex),
    rows: part(columns.row),
    buy: part(columns.buy),
    sell: part(columns.sell),
  };
}

/** From what height and width on a cell has its text: as the page has it. */
export const hasRoom = (height: number, width: number): boolean => height >= 9 && width >= 44;
