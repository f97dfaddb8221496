import type { BarIndex } from "../protocol/units";

/** Bars that a tool waits for, as far as they are shown. */
export interface PickState {
  /** What the next drag or click on the price pane shows: a range of bars, one bar, or nothing. */
  readonly wants: "range" | "bar" | null;
  readonly from: BarIndex | null;
  readonly to: BarIndex | null;
}

/** What tells one state on the screen from another. */
export const pickKey = ({ from, to }: PickState): string => (from === null ? "" : `${from}-${to ?? ""}`);
