import type { ChartModel } from "../../model/chart-model";
import type { PaneSpec } from "../../model/panes";
import { studyColour } from "../../model/study-look";
import { toldHue, toldOf, unitOfTold } from "../../model/told-values";
import { hLine } from "../../renderers/shapes";
import type { LastValue, PaneFrame } from "./registry";
import { drawLine, type Strokes } from "./strokes";

type Drawer = (frame: PaneFrame, strokes: Strokes) => void;

/** What is told beside the trades: open interest and its change, funding, liquidations. */
export function drawTold(frame: PaneFrame): void {
  const { ctx, model, spec, scale } = frame;
  const told = toldOf(model, spec);
  if (told === null || told.isNone === true) return;
  const strokes: Strokes = { ctx, model, study: told.study, y: (value) => scale.y(value), anchor: null };
  drawers[spec.of ?? ""]?.(frame, strokes);
}

function zeroLine({ ctx, model, scale }: PaneFrame): void {
  hLine(ctx, 0, model.time.width, scale.y(0), model.palette.daySeparator, Math.max(1, Math.round(model.dpr)));
}

const hue = (model: ChartModel, k: number): string => studyColour(model.palette.theme, 0, k);

const drawers: Readonly<Record<string, Drawer>> = {
  open_interest: ({ model }, strokes) => {
    drawLine(strokes, "oi", hue(model, 0), { isStepped: true, thick: 1.8 });
    drawTellings(strokes, "oi", hue(model, 0));
  },
  interest_change: (frame) => {
    zeroLine(frame);
    drawBlocks(frame);
  },
  funding: (frame, strokes) => {
    zeroLine(frame);
    drawLine(strokes, "premium", toldHue(frame.model, "premium"), { isStepped: false, thick: 1.2 });
    drawLine(strokes, "rate", toldHue(frame.model, "rate"), { isStepped: true, thick: 2 });
  },
  liquidations: (frame) => {
    zeroLine(frame);
    drawForced(frame);
  },
};

// A dot where the value was told, while bars are wide enough to hold one; elsewhere it is as it was told before.
function drawTellings({ ctx, model, study, y }: Strokes, column: string, colour: string): void {
  const { from, to } = model.visibleBars();
  if (model.time.bar < 8 * model.dpr) return;
  ctx.fillStyle = colour;
  for (let index = from; index <= to; index += 1) {
    const value = study.value(column, index);
    if (study.value("told", index) !== 1 || Number.isNaN(value)) continue;
    ctx.beginPath();
    ctx.arc(model.time.x(index) + model.time.bar / 2, y(value, column), 2.2 * model.dpr, 0, 2 * Math.PI);
    ctx.fill();
  }
}

// A change belongs to the time between two tellings: one block over the bars between them (definitions 7.2).
function drawBlocks({ ctx, model, spec, scale }: PaneFrame): void {
  const told = toldOf(model, spec);
  if (told === null) return;
  const { from, to } = model.visibleBars();
  const line = Math.max(1, Math.round(model.dpr));
  const zero = Math.round(scale.y(0));
  const gap = model.time.bar >= 5 * line ? line : 0;
  for (let index = from; index <= model.series.last; index += 1) {
    const change = told.study.value("change", index);
    if (Number.isNaN(change)) continue;
    const span = Math.max(1, told.study.value("span", index) || 1);
    const begin = index + 1 - span;
    if (begin > to) break;
    const [left, right] = [Math.round(model.time.x(begin)), Math.round(model.time.x(index + 1))];
    const end = Math.round(scale.y(change));
    ctx.fillStyle = hue(model, change >= 0 ? 0 : 4);
    const [top, bottom] = change >= 0 ? [Math.min(end, zero - line), zero] : [zero, Math.max(end, zero + line)];
    ctx.globalAlpha = span > 1 ? 0.6 : 0.9;
    ctx.fillRect(left + gap, top, Math.max(line, right - left - 2 * gap), bottom - top);
    ctx.globalAlpha = 1;
  }
}

// Shorts that were bought back above, longs that were sold below; an order without a side on top of the shorts.
function drawForced({ ctx, model, spec, scale }: PaneFrame): void {
  const told = toldOf(model, spec);
  if (told === null) return;
  const { from, to } = model.visibleBars();
  const { time, palette } = model;
  const line = Math.max(1, Math.round(model.dpr));
  const width = Math.max(1, time.bar >= 3 * line ? Math.round(time.bar * 0.62) : time.bar);
  const zero = Math.round(scale.y(0));
  for (let index = from; index <= to; index += 1) {
    const left = Math.round(time.x(index) + (time.bar - width) / 2);
    const [long, short, unknown] = [
      told.study.value("long", index),
      told.study.value("short", index),
      told.study.value("unknown", index),
    ];
    const column = (low: number, high: number, colour: string): void => {
      if (!(high > low)) return;
      const [top, bottom] = [Math.round(scale.y(high)), low === 0 ? zero : Math.round(scale.y(low))];
      ctx.fillStyle = colour;
      ctx.fillRect(left, Math.min(top, bottom - line), width, Math.max(line, bottom - top));
    };
    column(0, short, palette.buy);
    column(short, short + unknown, palette.untrusted);
    if (long > 0) {
      ctx.fillStyle = palette.sell;
      ctx.fillRect(left, zero, width, Math.max(line, Math.round(scale.y(-long)) - zero));
    }
  }
}

const lastColumn: Readonly<Record<string, string>> = {
  open_interest: "oi",
  interest_change: "change",
  funding: "rate",
};

/** The label of the newest value. */
export function lastOfTold(model: ChartModel, spec: PaneSpec): readonly LastValue[] {
  const column = lastColumn[spec.of ?? ""];
  const told = toldOf(model, spec);
  if (column === undefined || told === null || told.isNone === true) return [];
  const value = told.study.value(column, model.series.last);
  const ground = spec.of === "funding" ? toldHue(model, "rate") : hue(model, value < 0 ? 4 : 0);
  return [{ value, unit: unitOfTold(spec), ground, colour: model.palette.theme === "dark" ? "#0b0f14" : "#ffffff" }];
}
