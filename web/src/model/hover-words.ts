import type { StudyOutput } from "../protocol/messages";
import type { BarIndex } from "../protocol/units";
import { barTimeText } from "./bar-time";
import type { ChartModel } from "./chart-model";
import type { Cursor } from "./cursor";
import { orderAt, orderWords, placedOrders } from "./orders";
import { profileWords } from "./profile-words";
import { shownOutputs } from "./study-look";
import { markAt, type PlacedMark, placedMarks } from "./study-marks";
import { exactValue } from "./study-values";

/** What is said of the thing under the cursor, a line each; the first is its name. Cells have a read-out of their own. */
export interface HoverWords {
  readonly label: string;
  readonly lines: readonly string[];
}

/** From the front to the back: a study's mark, a large order, a row of a profile; null where none of them is. */
export function hoverWords(model: ChartModel, cursor: Cursor): HoverWords | null {
  if (cursor.pane !== "price" || model.series.length === 0) return null;
  const mark = markUnder(model, cursor);
  if (mark !== null) return markWords(model, mark);
  const order = orderAt(placedOrders(model), cursor.x, cursor.y);
  if (order !== null) return { label: order.label, lines: orderWords(model, order) };
  return profileWords(model, cursor);
}

function markUnder(model: ChartModel, { x, y }: Cursor): PlacedMark | null {
  for (const study of [...model.studies.list].reverse()) {
    const { outputs, label } = study.spec;
    const shown = shownOutputs(outputs, model.shows.get(label) ?? null, "price");
    const marks = shown.filter(({ kind }) => kind === "marker");
    const found = marks.length === 0 ? null : markAt(placedMarks(model, study, marks), x, y);
    if (found !== null) return found;
  }
  return null;
}

function markWords(model: ChartModel, { mark, study }: PlacedMark): HoverWords {
  const { spec, events } = study;
  const known = events.time("open_ns", mark.event);
  const at = known === null ? null : model.series.at(known);
  const said = spec.outputs
    .filter(({ kind, unit }) => kind === "marker" && unit !== "ns")
    .flatMap((output) => valuesOf(model, study.events, output, mark.event));
  return {
    label: spec.label,
    lines: [
      spec.title,
      ...said,
      ...(at === null ? [] : [`known at the close of ${barTimeText(model, at as BarIndex)}`]),
    ],
  };
}

function valuesOf(
  model: ChartModel,
  events: PlacedMark["study"]["events"],
  output: StudyOutput,
  event: number,
): string[] {
  const values = output.columns.map((name) => events.number(name, event));
  if (values.every((value) => Number.isNaN(value))) return [];
  return [`${output.title}: ${values.map((value) => exactValue(model, output.unit, value)).join(" to ")}`];
}
