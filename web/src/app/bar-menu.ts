import { barTimeText } from "../model/bar-time";
import type { ChartModel } from "../model/chart-model";
import { anchorOf } from "../model/study-form";
import type { BarMenu } from "../panels/face";
import type { BarIndex } from "../protocol/units";

/** What can be begun at a bar. */
export function barMenuAt(model: ChartModel, index: BarIndex): Omit<BarMenu, "x" | "y"> {
  const opens = model.series.openNs(index);
  return { index, time: barTimeText(model, index), anchor: anchorOf(opens), opensNs: String(opens) };
}
