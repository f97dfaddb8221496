import type { StudySeries } from "../../data/study-series";
import type { ChartModel } from "../../model/chart-model";
import type { PaneSpec } from "../../model/panes";
import { anchorColumn } from "../../model/study-look";
import { hasSides, outputColour, paneOutputs, paneUnit, studyOf } from "../../model/study-values";
import type { StudyOutput } from "../../protocol/messages";
import { hLine } from "../../renderers/shapes";
import type { LastValue, PaneFrame } from "./registry";
import { drawBand, drawCandles, drawColumns, drawLine, type Strokes } from "./strokes";

/** Whatever a study says in a unit of its own: lines, columns, candles and bands, as it describes them. */
export function drawStudyPane(frame: PaneFrame): void {
  const { ctx, model, spec, scale } = frame;
  const study = studyOf(model, spec);
  if (study === null) return;
  hLine(ctx, 0, model.time.width, scale.y(0), model.palette.daySeparator, Math.max(1, Math.round(model.dpr)));
  const strokes: Strokes = { ctx, model, study, y: (value) => scale.y(value), anchor: anchorColumn(study) };
  paneOutputs(model, spec).forEach((output, k) => {
    drawOutput(strokes, output, outputColour(model, study, k));
  });
}

function drawOutput(strokes: Strokes, output: StudyOutput, colour: string): void {
  if (output.kind === "histogram") drawColumns(strokes, output, colour);
  else if (output.kind === "candle") drawCandles(strokes, output);
  else if (output.kind === "band") drawBand(strokes, output, colour, { isStepped: false });
  else drawLine(strokes, output.columns[0] ?? "", colour, { isStepped: output.kind === "level" });
}

/** The labels of a study pane's newest values: one for each output, in the colour in which it is drawn. */
export function lastOfStudy(model: ChartModel, spec: PaneSpec): readonly LastValue[] {
  const study = studyOf(model, spec);
  if (study === null) return [];
  return paneOutputs(model, spec).map((output, k) => lastOfOutput(model, spec, study, output, k));
}

function lastOfOutput(
  model: ChartModel,
  spec: PaneSpec,
  study: StudySeries,
  output: StudyOutput,
  k: number,
): LastValue {
  const value = study.value(output.columns.at(-1) ?? "", model.series.last);
  const { palette } = model;
  const unit = paneUnit(model, spec);
  if (hasSides(output) && output.kind !== "line") {
    return value >= 0
      ? { value, unit, ground: palette.buy, colour: palette.onBuy }
      : { value, unit, ground: palette.sell, colour: palette.onSell };
  }
  const ground = outputColour(model, study, k);
  return { value, unit, ground, colour: palette.theme === "dark" ? "#0b0f14" : "#ffffff" };
}
