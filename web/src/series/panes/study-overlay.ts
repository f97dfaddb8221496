import type { StudySeries } from "../../data/study-series";
import type { ChartModel } from "../../model/chart-model";
import { anchorColumn, edgeTitle, hueOf, shownOutputs, studyColour } from "../../model/study-look";
import { studyNumber } from "../../model/study-values";
import type { ZoneList } from "../../model/study-zones";
import type { StudyOutput } from "../../protocol/messages";
import { plainText } from "../../renderers/shapes";
import { type Context, textWidth } from "../../renderers/text";
import { freeLeft } from "./free-room";
import { drawBand, drawCandles, drawLine, type LineLook, type Strokes } from "./strokes";
import { drawBoxes } from "./study-boxes";
import { drawFlags, drawMarks } from "./study-marks";

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

type Draw = (strokes: Strokes, output: StudyOutput, colour: string) => void;

type After = (study: StudySeries, markers: readonly StudyOutput[], colour: string) => void;

function each(ctx: Context, model: ChartModel, draw: Draw, after?: After): void {
  for (const study of model.studies.list) {
    const number = studyNumber(model, study);
    const outputs = shownOutputs(study.spec.outputs, model.shows.get(study.spec.label) ?? null, "price");
    outputs.forEach((output) => {
      const colour = studyColour(model.palette.theme, number, hueOf(outputs, output));
      draw({ ctx, model, study, y: yOf(model, output), anchor: anchorColumn(study) }, output, colour);
    });
    after?.(study, outputs.filter(isMarker), studyColour(model.palette.theme, number, 0));
  }
}

const isMarker = ({ kind }: StudyOutput): boolean => kind === "marker";

/**
 * The areas and levels of studies, under the cells: an area over them would take the contrast of the numbers, and a line
 * through a number strikes it out, or reads as its minus.
 */
export function drawStudyAreas(ctx: Context, model: ChartModel): void {
  each(ctx, model, drawUnder);
}

function drawUnder(strokes: Strokes, output: StudyOutput, colour: string): void {
  const { ctx, model, study } = strokes;
  if (output.kind === "zone") drawZones(ctx, model, model.zones.of(study, output), colour);
  else if (output.kind === "box") drawBoxes(ctx, model, study, output, colour);
  else if (output.kind === "band") drawBand(strokes, output, colour, { isStepped: output.unit === "row", toEnd: true });
  else if (isRowLine(output)) drawLine(strokes, output.columns[0] ?? "", colour, rowLook);
  else if (isLevel(output)) drawLine(strokes, output.columns[0] ?? "", colour, levelLook);
}

const rowLook: LineLook = { isStepped: true, thick: 1.8 };
const levelLook: LineLook = { isStepped: true, thick: 1.2, dash: [5, 3] };
const isRowLine = ({ kind, unit }: StudyOutput): boolean => kind === "line" && unit === "row";
const ownForms: readonly string[] = ["zone", "box", "band", "line", "candle", "marker", "cell_flag"];
const isLevel = ({ kind }: StudyOutput): boolean => !ownForms.includes(kind);

/** The lines that follow the price, the marks and the names of studies, over the cells. */
export function drawStudyOverlays(ctx: Context, model: ChartModel): void {
  const taken = takenByPrice(model);
  const marks: After = (study, markers, colour) => {
    if (markers.length > 0) drawMarks(ctx, model, study, markers, colour);
  };
  each(ctx, model, (strokes, output, colour) => drawOverlay(strokes, output, colour, taken), marks);
}

// Behind the newest bar the last price stands already.
function takenByPrice({ series, settings, price }: ChartModel): number[] {
  const last = series.lastPrice();
  return last === null || settings.lastLine !== "bar" ? [] : [price.yOfPrice(last)];
}

function drawOverlay(strokes: Strokes, output: StudyOutput, colour: string, taken: number[]): void {
  const { ctx, model, study } = strokes;
  if (output.kind === "cell_flag") drawFlags(ctx, model, study, output, colour);
  else if (output.kind === "candle") drawCandles(strokes, output);
  else if (output.kind === "line" && !isRowLine(output))
    drawLine(strokes, output.columns[0] ?? "", colour, { isStepped: false, thick: 1.8 });
  if (hasNames(output)) for (const column of edgesOf(output)) nameEdge(strokes, output, { column, colour, taken });
}

const hasNames = (output: StudyOutput): boolean => isLevel(output) || output.kind === "line" || output.kind === "band";
const edgesOf = ({ kind, columns }: StudyOutput): readonly string[] =>
  kind === "band" ? columns : columns.slice(0, 1);

interface Edge {
  readonly column: string;
  readonly colour: string;
  readonly taken: number[];
}

// The name of a line behind its right end, or of a level above it, beside the cells; none where another name stands.
function nameEdge(strokes: Strokes, output: StudyOutput, { column, colour, taken }: Edge): void {
  const { ctx, model, study, y } = strokes;
  const last = Math.min(model.series.last, model.visibleBars().to);
  const value = study.value(column, last);
  if (Number.isNaN(value)) return;
  const [at, size] = [y(value, column), 10.5 * model.dpr];
  const isSeen = at >= size && at <= model.price.height - size / 2;
  if (!isSeen || taken.some((other) => Math.abs(other - at) < size * 1.25)) return;
  const [text, halo] = [edgeTitle(output, column), model.palette.background];
  const [end, pad, width] = [model.time.x(last + 1), 4 * model.dpr, textWidth(text, size, 600)];
  const look = { size, weight: 600, colour, halo } as const;
  if (model.time.reach - end > width + 2 * pad) plainText(ctx, text, end + pad, at, look);
  else {
    const [to, above] = [Math.min(end, model.time.width) - pad, at - size * 0.62];
    // Only a level is still at that height farther to the left, as far as it stands.
    const from = isLevel(output) ? model.time.x(standsFrom(strokes, column, last)) : to - 3 * width;
    const left = freeLeft(model, { y: above, size, width, from, to }) ?? (isLevel(output) ? to - width : null);
    if (left === null) return;
    plainText(ctx, text, left, above, look);
  }
  taken.push(at);
}

// The first bar in sight of those up to a bar that say the same.
function standsFrom({ model, study }: Strokes, column: string, last: number): number {
  const value = study.value(column, last);
  let first = last;
  while (first > model.visibleBars().from && study.value(column, first - 1) === value) first -= 1;
  return first;
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
