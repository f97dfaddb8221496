import type { BarSeries } from "../data/bar-series";
import type { StudySeries } from "../data/study-series";
import type { StudyOutput } from "../protocol/messages";

/** One box: its first and its last bar, and its edges as its last bar says. */
export interface StudyBox {
  readonly first: number;
  readonly last: number;
  readonly low: number;
  readonly high: number;
}

/** The boxes that have a bar between two others; bars of the same time are of one box. */
export function boxesOf(
  study: StudySeries,
  output: StudyOutput,
  series: BarSeries,
  from: number,
  to: number,
): readonly StudyBox[] {
  const [low = "", high = "", since = ""] = output.columns;
  const boxes: StudyBox[] = [];
  const sinceAt = (index: number): bigint | null => study.time(since, index);
  for (let index = from; index <= to; index += 1) {
    const mine = sinceAt(index);
    if (mine === null) continue;
    let [first, last] = [index, index];
    if (index === from) while (first > series.first && sinceAt(first - 1) === mine) first -= 1;
    while (last < series.last && sinceAt(last + 1) === mine) last += 1;
    boxes.push({ first, last, low: study.value(low, last), high: study.value(high, last) });
    index = last;
  }
  return boxes.filter((box) => !Number.isNaN(box.low));
}
