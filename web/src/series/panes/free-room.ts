import { rowsOf } from "../../model/cells";
import type { ChartModel } from "../../model/chart-model";
import type { BarIndex } from "../../protocol/units";

/** Words that look for a place: their middle, height and width, and what they have to stand between; device pixels. */
export interface WordRoom {
  readonly y: number;
  readonly size: number;
  readonly width: number;
  readonly from: number;
  readonly to: number;
}

/**
 * Where words can begin without standing on the numbers of cells, from the right or from the left; who takes the first one
 * looks no further. The newest bar is left out: it grows, and a frame that draws nothing else would move words that it
 * cannot draw.
 */
export function* freeLefts(model: ChartModel, room: WordRoom, begins: "right" | "left" = "right"): Generator<number> {
  const { y, size, width, from, to } = room;
  const step = Math.max(model.time.bar, width / 2);
  for (let k = 0; from + k * step <= to - width; k += 1) {
    const left = begins === "right" ? to - width - k * step : from + k * step;
    if (!hasCells(model, left, left + width, y - size / 2, y + size / 2)) yield left;
  }
}

/** The first such place; null where there is none. */
export function freeLeft(model: ChartModel, room: WordRoom, begins: "right" | "left" = "right"): number | null {
  for (const left of freeLefts(model, room, begins)) return left;
  return null;
}

function hasCells(
  { series, time, price }: ChartModel,
  left: number,
  right: number,
  top: number,
  bottom: number,
): boolean {
  const first = Math.max(series.first, Math.floor(time.index(left)));
  const last = Math.min(series.last, Math.ceil(time.index(right)) - 1);
  for (let index = first; index <= last; index += 1) {
    if (index === series.last) return true;
    const rows = rowsOf(series, index as BarIndex);
    if (rows !== null && price.y(rows.high + 1) < bottom && price.y(rows.low) > top) return true;
  }
  return false;
}
