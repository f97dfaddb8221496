import type { StudySeries } from "../../data/study-series";
import type { ChartModel } from "../../model/chart-model";
import { hasSides } from "../../model/study-values";
import type { StudyOutput } from "../../protocol/messages";
import { candle, polyline } from "../../renderers/shapes";
import type { Context } from "../../renderers/text";

/** What the columns of a study are drawn with. */
export interface Strokes {
  readonly ctx: Context;
  readonly model: ChartModel;
  readonly study: StudySeries;
  /** Where a value is, device pixels. */
  readonly y: (value: number, column: string) => number;
  /** A column of times whose change breaks lines; null: nothing breaks them. */
  readonly anchor: string | null;
}

export interface LineLook {
  /** Level over the width of each bar, and not joined from bar to bar where it jumps. */
  readonly isStepped: boolean;
  /** In CSS pixels. */
  readonly thick?: number;
  readonly dash?: readonly number[];
  /** On to the end of the newest bar, and not to its middle alone. */
  readonly toEnd?: boolean;
}

let points = new Float64Array(4096);

function room(count: number): Float64Array {
  if (points.length < count) points = new Float64Array(count * 2);
  return points;
}

/** The bars of which something can be seen, and one more on each side so that lines go on to the edge. */
function reach(model: ChartModel): { readonly from: number; readonly to: number } {
  const { from, to } = model.visibleBars();
  return { from: Math.max(model.series.first, from - 1), to: Math.min(model.series.last, to + 1) };
}

/** One column as a line through the middles of the bars, or as steps. */
export function drawLine(strokes: Strokes, column: string, colour: string, look: LineLook): void {
  const { ctx, model } = strokes;
  const count = look.isStepped ? steps(strokes, column) : joined(strokes, column, look.toEnd === true);
  ctx.setLineDash((look.dash ?? []).map((length) => length * model.dpr));
  polyline(ctx, points, count, colour, (look.thick ?? 1.6) * model.dpr);
  ctx.setLineDash([]);
}

function joined({ model, study, y, anchor }: Strokes, column: string, toEnd: boolean): number {
  const { from, to } = reach(model);
  const target = room((to - from + 2) * 4);
  let count = 0;
  let held: bigint | null = null;
  for (let index = from; index <= to; index += 1) {
    const row = study.row(index);
    const since = anchor === null ? null : study.bars.time(anchor, row);
    if (since !== held && count > 0) {
      target[2 * count + 1] = Number.NaN;
      count += 1;
    }
    held = since;
    const value = study.bars.number(column, row);
    target[2 * count] = model.time.x(index) + model.time.bar / 2;
    target[2 * count + 1] = Number.isNaN(value) ? Number.NaN : y(value, column);
    count += 1;
  }
  if (!toEnd || count === 0 || to < model.series.last) return count;
  target[2 * count] = model.time.x(to + 1);
  target[2 * count + 1] = target[2 * count - 1] as number;
  return count + 1;
}

function steps({ model, study, y }: Strokes, column: string): number {
  const { from, to } = reach(model);
  const target = room((to - from + 1) * 6);
  let count = 0;
  let before = Number.NaN;
  const add = (x: number, at: number): void => {
    target[2 * count] = x;
    target[2 * count + 1] = at;
    count += 1;
  };
  for (let index = from; index <= to; index += 1) {
    const value = study.value(column, index);
    if (value !== before && count > 0) add(0, Number.NaN);
    if (!Number.isNaN(value)) {
      if (value !== before) add(model.time.x(index), y(value, column));
      add(model.time.x(index + 1), y(value, column));
    }
    before = value;
  }
  return count;
}

/** The area between a lower and an upper column, with thin edges. */
export function drawBand(strokes: Strokes, output: StudyOutput, colour: string, look: LineLook): void {
  const { ctx } = strokes;
  const [lower, upper] = output.columns;
  if (lower === undefined || upper === undefined) return;
  ctx.fillStyle = colour;
  ctx.globalAlpha = 0.025; // several bands may lie on each other
  fillBetween(strokes, lower, upper, look);
  ctx.globalAlpha = 0.75;
  drawLine(strokes, lower, colour, { ...look, thick: 1 });
  drawLine(strokes, upper, colour, { ...look, thick: 1 });
  ctx.globalAlpha = 1;
}

// Bar by bar between middles, or over the width of each: broken where one of the two is undefined or begins anew.
function fillBetween(
  { ctx, model, study, y, anchor }: Strokes,
  lower: string,
  upper: string,
  { isStepped, toEnd }: LineLook,
): void {
  const { from, to } = reach(model);
  ctx.beginPath();
  let [lowBefore, highBefore, xBefore] = [Number.NaN, Number.NaN, 0];
  let held: bigint | null = null;
  for (let index = from; index <= to; index += 1) {
    const row = study.row(index);
    const since = anchor === null ? null : study.bars.time(anchor, row);
    const low = y(study.bars.number(lower, row), lower);
    const high = y(study.bars.number(upper, row), upper);
    const x = model.time.x(index) + (isStepped ? 0 : model.time.bar / 2);
    if (isStepped) {
      if (!Number.isNaN(low + high)) ctx.rect(x, high, model.time.bar, low - high);
    } else if (since === held && !Number.isNaN(low + high + lowBefore + highBefore)) {
      ctx.moveTo(xBefore, lowBefore);
      ctx.lineTo(xBefore, highBefore);
      ctx.lineTo(x, high);
      ctx.lineTo(x, low);
      ctx.closePath();
    }
    [lowBefore, highBefore, xBefore, held] = [low, high, x, since];
  }
  const goesOn = toEnd === true && !isStepped && to === model.series.last;
  if (goesOn) ctx.rect(xBefore, highBefore, model.time.x(to + 1) - xBefore, lowBefore - highBefore);
  ctx.fill();
}

const bodyOf = (model: ChartModel): { readonly width: number; readonly line: number } => {
  const line = Math.max(1, Math.round(model.dpr));
  const { bar } = model.time;
  return { width: Math.max(1, bar >= 3 * line ? Math.round(bar * 0.62) : bar), line };
};

/** A column from zero for each bar: with the colours of buyers and sellers where it can be below zero. */
export function drawColumns(strokes: Strokes, output: StudyOutput, colour: string): void {
  const { ctx, model, study, y } = strokes;
  const { from, to } = model.visibleBars();
  const { width, line } = bodyOf(model);
  const name = output.columns[0] ?? "";
  const zero = Math.round(y(0, name));
  const isSigned = hasSides(output);
  for (let index = from; index <= to; index += 1) {
    const value = study.value(name, index);
    if (Number.isNaN(value)) continue;
    const end = Math.round(y(value, name));
    ctx.fillStyle = isSigned ? (value >= 0 ? model.palette.buy : model.palette.sell) : colour;
    const [top, bottom] = value >= 0 ? [Math.min(end, zero - line), zero] : [zero, Math.max(end, zero + line)];
    ctx.fillRect(Math.round(model.time.x(index) + (model.time.bar - width) / 2), top, width, bottom - top);
  }
}

/** Candles of four columns: open, high, low, close. */
export function drawCandles(strokes: Strokes, output: StudyOutput): void {
  const { ctx, model, study, y } = strokes;
  const { from, to } = model.visibleBars();
  const { line } = bodyOf(model);
  const width = Math.max(1, Math.round(model.time.bar * 0.5));
  const [open, high, low, close] = output.columns as readonly [string, string, string, string];
  for (let index = from; index <= to; index += 1) {
    const row = study.row(index);
    const at = (name: string): number => study.bars.number(name, row);
    if (Number.isNaN(at(close))) continue;
    const [first, last] = [at(open), at(close)];
    candle(
      ctx,
      Math.round(model.time.x(index) + (model.time.bar - width) / 2),
      width,
      Math.round(y(at(high), high)),
      Math.round(y(Math.max(first, last), close)),
      Math.round(y(Math.min(first, last), close)),
      Math.round(y(at(low), low)),
      last >= first ? model.palette.buy : model.palette.sell,
      line,
    );
  }
}
