import type { ChartModel } from "../../model/chart-model";
import { anchorColumn, shortTitle, shownOutputs, studyColour } from "../../model/study-look";
import type { ZoneList } from "../../model/study-zones";
import type { StudyOutput } from "../../protocol/messages";
import { plainText } from "../../renderers/shapes";
import type { Context } from "../../renderers/text";
import { drawBand, drawCandles, drawLine, type Strokes } from "./strokes";
import { drawBoxes } from "./study-boxes";
import { drawFlags, drawMarks } from "./study-marks";
import { studyNumber } from "./study-pane";

/** Where a price of a study is: a tick at its middle; of rows the low edge, the top or the middle (definitions 4.2). */
function yOf(model: ChartModel, output: StudyOutput): Strokes["y"] {
  const { price } = model;
  if (output.unit === "tick") return (value) => price.yOfPrice(value);
  return (value, column) => price.y(value + rowPart(output, column));
}

// Areas reach from the low edge of their lowest row to the top of their highest; single rows are drawn in the middle.
function rowPart(output: StudyOutput, column: string): number {
  if (output.kind === "band") return column === output.columns[0] ? 0 : 1;
  if (/(^|_)vah(_|$)/.test(column)) return 1;
  return /(^|_)val(_|$)/.test(column) ? 0 : 0.5;
}

/** Everything that studies say in prices, over the cells. */
export function drawStudyOverlays(ctx: Context, model: ChartModel): void {
  const taken: number[] = [];
  for (const study of model.studies.list) {
    const number = studyNumber(model, study);
    const outputs = shownOutputs(study.spec.outputs, model.shows.get(study.spec.label) ?? null, "price");
    outputs.forEach((output, k) => {
      const colour = studyColour(model.palette.theme, number, colourOf(outputs, output, k));
      const strokes: Strokes = { ctx, model, study, y: yOf(model, output), anchor: anchorColumn(study) };
      drawOverlay(strokes, output, colour, taken);
    });
    const markers = outputs.filter(({ kind }) => kind === "marker");
    if (markers.length > 0) drawMarks(ctx, model, study, markers, studyColour(model.palette.theme, number, 0));
  }
}

function drawOverlay(strokes: Strokes, output: StudyOutput, colour: string, taken: number[]): void {
  const { ctx, model, study } = strokes;
  switch (output.kind) {
    case "zone":
      drawZones(ctx, model, model.zones.of(study, output), colour);
      return;
    case "box":
      drawBoxes(ctx, model, study, output, colour);
      return;
    case "band":
      drawBand(strokes, output, colour, { isStepped: output.unit === "row" });
      return;
    case "cell_flag":
      drawFlags(ctx, model, study, output, colour);
      return;
    case "line":
      drawLine(strokes, output.columns[0] ?? "", colour, { isStepped: output.unit === "row", thick: 1.8 });
      return;
    case "candle":
      drawCandles(strokes, output);
      return;
    case "marker":
      return;
    default:
      drawLevel(strokes, output, colour, taken);
  }
}

// Levels of the same span of time have one colour: those whose names begin alike. Bands of one study have one, too.
function colourOf(outputs: readonly StudyOutput[], output: StudyOutput, k: number): number {
  if (output.kind === "line" || output.kind === "zone") return k;
  const kin = (one: StudyOutput): string => `${one.kind}/${one.name.split("_")[0]?.replace(/\d+$/, "") ?? ""}`;
  return outputs.findIndex((one) => kin(one) === kin(output));
}

// A dashed line with its name at the right end, where no other name stands.
function drawLevel(strokes: Strokes, output: StudyOutput, colour: string, taken: number[]): void {
  const { ctx, model, study, y } = strokes;
  const name = output.columns[0] ?? "";
  drawLine(strokes, name, colour, { isStepped: true, thick: 1.2, dash: [5, 3] });
  const last = Math.min(model.series.last, model.visibleBars().to);
  const value = study.value(name, last);
  if (Number.isNaN(value)) return;
  const at = y(value, name);
  const size = 10.5 * model.dpr;
  if (at < size || at > model.price.height || taken.some((other) => Math.abs(other - at) < size * 1.25)) return;
  taken.push(at);
  const right = Math.min(model.time.x(last + 1), model.time.width) - 4 * model.dpr;
  plainText(ctx, shortTitle(output.title), right, at - size * 0.62, { size, weight: 600, colour, align: "right" });
}

/** Zones for as long as they stand, to the right edge where they stand still; a level has no height, and is a line. */
function drawZones(ctx: Context, model: ChartModel, zones: ZoneList, colour: string): void {
  const { from, to } = model.visibleBars();
  for (let k = 0; k < zones.count; k += 1) {
    if ((zones.begin[k] as number) <= to && (zones.end[k] as number) >= from) drawZone(ctx, model, zones, k, colour);
  }
}

function drawZone(
  ctx: Context,
  { time, price, palette, dpr }: ChartModel,
  zones: ZoneList,
  k: number,
  colour: string,
): void {
  const line = Math.max(1, Math.round(dpr));
  const side = zones.side[k] as number;
  const stands = !Number.isFinite(zones.end[k]);
  const left = Math.max(0, time.x(zones.begin[k] as number));
  const right = stands ? time.width : Math.min(time.width, time.x((zones.end[k] as number) + 1));
  const [top, bottom] = [price.y(zones.high[k] as number), price.y(zones.low[k] as number)];
  ctx.fillStyle = side > 0 ? palette.buy : side < 0 ? palette.sell : colour;
  if (zones.isLevel) {
    ctx.fillRect(left, Math.round((top + bottom) / 2 - line / 2), right - left, line);
    return;
  }
  ctx.globalAlpha = stands ? 0.13 : 0.06;
  ctx.fillRect(left, top, right - left, bottom - top);
  ctx.globalAlpha = stands ? 0.9 : 0.35;
  ctx.fillRect(left, Math.round(top), right - left, line);
  ctx.fillRect(left, Math.round(bottom) - line, right - left, line);
  ctx.globalAlpha = 1;
}
