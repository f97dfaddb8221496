import type { StudySeries } from "../data/study-series";
import type { OutputUnit, StudyOutput } from "../protocol/messages";
import type { BarIndex } from "../protocol/units";
import type { ChartModel } from "./chart-model";
import type { PaneName } from "./cursor";
import { unitsText } from "./decimal";
import { compact, decimalsOf, exactQuantity, inUnits } from "./format";
import { type NumberSigns, written } from "./number-signs";
import type { ValueExtent } from "./pane-values";
import type { PaneSpec } from "./panes";
import { shownOutputs, studyColour } from "./study-look";
import { unitOfTold } from "./told-values";

const dash = "–";
const ofSides = /(?:^|_)(?:delta|cvd)(?:_|$)/;

/** The study of a pane, where it is on the chart and has said something. */
export const studyOf = (model: ChartModel, spec: PaneSpec): StudySeries | null => model.studies.of(spec.of ?? "");

/** What the pane of a study draws. */
export function paneOutputs(model: ChartModel, spec: PaneSpec): readonly StudyOutput[] {
  const study = studyOf(model, spec);
  return study === null ? [] : shownOutputs(study.spec.outputs, model.shows.get(study.spec.label) ?? null, "pane");
}

/** What the study of a pane reaches from and to on some bars. */
export function studyExtent(model: ChartModel, spec: PaneSpec, from: number, to: number): ValueExtent | null {
  const study = studyOf(model, spec);
  const outputs = paneOutputs(model, spec);
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const output of outputs) {
    for (const name of output.columns) {
      for (let index = from; index <= to; index += 1) {
        const value = study?.value(name, index) ?? Number.NaN;
        if (Number.isNaN(value)) continue;
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }
  }
  if (high < low) return null;
  if (outputs.some(({ kind }) => kind === "histogram")) [low, high] = [Math.min(low, 0), Math.max(high, 0)];
  const isWhole = outputs.every(({ unit }) => wholeUnits.includes(unit));
  return { low, high, padding: 0.08, ...(isWhole ? {} : { least: leastOf(low, high) }) };
}

const wholeUnits: readonly OutputUnit[] = ["lot", "count", "tick", "row"];
/** What is divided, or counted in units of its own, may move by a millionth of itself; what stands at zero has no size. */
const leastOf = (low: number, high: number): number => Math.max(Math.abs(low), Math.abs(high)) * 1e-6 || leastAtZero;
const leastAtZero = 0.01;

/** The unit of a study pane's axis. */
export const paneUnit = (model: ChartModel, spec: PaneSpec): OutputUnit => paneOutputs(model, spec)[0]?.unit ?? "lot";

/** The unit of a pane's axis. */
export function unitOf(model: ChartModel, pane: PaneName): OutputUnit {
  const spec = model.panes.spec(pane);
  if (spec?.kind === "stream") return unitOfTold(spec);
  return spec?.kind === "study" ? paneUnit(model, spec) : "lot";
}

/** A value of a unit, short, for an axis; with `more` digits than usual. */
export function axisValue({ quantity, signs }: ChartModel, unit: OutputUnit, value: number, more = 0): string {
  if (unit === "lot") return compact(inUnits(value, quantity), signs, more);
  if (unit === "percent") return `${shareText(value, signs, more)} %`;
  if (unit === "price") return written(String(Number(value.toPrecision(8 + more))), signs);
  return unit === "base" ? shareText(value, signs, more) : compact(value, signs, more);
}

/** Numbers have no more than some sixteen digits. */
const mostMore = 12;

/** The values of an axis, short, but with so many digits that no two neighbours read the same. */
export function axisValues(model: ChartModel, unit: OutputUnit, values: readonly number[]): readonly string[] {
  const more = moreOf(model, unit, values);
  return values.map((value) => axisValue(model, unit, value, more));
}

/** So many digits tell a value from the one of its axis that stands a pixel beside it. */
const mostBeside = 3;

/** A value between those of its axis, with their digits, and more where it would read as one of them. */
export function lastAxisValue(model: ChartModel, unit: OutputUnit, value: number, values: readonly number[]): string {
  const usual = moreOf(model, unit, values);
  const texts = new Set(values.filter((other) => other !== value).map((other) => axisValue(model, unit, other, usual)));
  let more = usual;
  while (more < usual + mostBeside && texts.has(axisValue(model, unit, value, more))) more += 1;
  return axisValue(model, unit, value, more);
}

// So many digits more than usual tell all values apart.
function moreOf(model: ChartModel, unit: OutputUnit, values: readonly number[]): number {
  const tells = (more: number): boolean =>
    new Set(values.map((value) => axisValue(model, unit, value, more))).size === values.length;
  let more = 0;
  while (more < mostMore && !tells(more)) more += 1;
  return more;
}

// Rates are a small part of a percent: three digits of them, or `more`.
const shareText = (value: number, signs: NumberSigns, more = 0): string =>
  value !== 0 && Math.abs(value) < 1
    ? written(String(Number(value.toPrecision(3 + more))), signs)
    : compact(value, signs, more);

// What was divided is no whole number of ticks or lots: it has two decimals more than they have.
function pricesText({ tick, price, signs }: ChartModel, unit: OutputUnit, value: number): string {
  if (unit === "row") return unitsText(value * price.ticksPerLevel, tick);
  return Number.isInteger(value)
    ? unitsText(value, tick)
    : written((value * tick.step).toFixed(tick.decimals + 2), signs);
}

function lotsText({ quantity, signs }: ChartModel, value: number): string {
  if (Number.isInteger(value)) return exactQuantity(value, quantity);
  const text = inUnits(value, quantity).toFixed(decimalsOf(quantity) + (quantity.unit === "lots" ? 0 : 2));
  return written(text, signs);
}

/** A value of a unit, exact: prices in the tick's decimals, quantities in the lot's, what is divided with two more. */
export function exactValue(model: ChartModel, unit: OutputUnit, value: number, decimals: number | null = null): string {
  if (Number.isNaN(value)) return dash;
  if (decimals !== null) return written(value.toFixed(decimals), model.signs);
  switch (unit) {
    case "tick":
    case "row":
      return pricesText(model, unit, value);
    case "lot":
      return lotsText(model, value);
    case "percent":
      return value !== 0 && Math.abs(value) < 1
        ? `${shareText(value, model.signs)} %`
        : written(`${value.toFixed(Math.abs(value) < 10 ? 2 : 1)} %`, model.signs);
    case "ratio":
    case "per_second":
      return written(value.toFixed(2), model.signs);
    case "side":
      return ["sell", dash, "buy"][Math.sign(value) + 1] ?? dash;
    default:
      return written(String(value), model.signs);
  }
}

/** Whether the sign of an output's values is that of buyers and sellers: then it has their colours. */
export const hasSides = (output: StudyOutput): boolean =>
  output.kind === "candle" || output.unit === "side" || ofSides.test(output.name);

/** One column of an output at a bar, as text; a number that has sides has its sign. */
export function columnText(
  model: ChartModel,
  study: StudySeries,
  output: StudyOutput,
  name: string,
  index: BarIndex,
): string {
  const value = study.value(name, index);
  const text = exactValue(model, output.unit, value, study.decimals(name));
  return hasSides(output) && output.unit !== "side" && value > 0 ? `+${text}` : text;
}

/** All of an output at a bar, as text. */
export const outputText = (model: ChartModel, study: StudySeries, output: StudyOutput, index: BarIndex): string =>
  output.columns.map((name) => columnText(model, study, output, name, index)).join(" to ");

/** The number of a study on its chart, which chooses its colours. */
export const studyNumber = (model: ChartModel, study: StudySeries): number =>
  Math.max(0, model.studies.list.indexOf(study));

/** The colour of the n-th output that a study draws in its pane. */
export const outputColour = (model: ChartModel, study: StudySeries, output: number): string =>
  studyColour(model.palette.theme, studyNumber(model, study), output);
