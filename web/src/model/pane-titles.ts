import type { StudySeries } from "../data/study-series";
import type { StudyOutput } from "../protocol/messages";
import { type BarIndex, nsToMs } from "../protocol/units";
import type { ChartModel } from "./chart-model";
import type { PaneName } from "./cursor";
import { unitsText } from "./decimal";
import { exactQuantity, exactSigned } from "./format";
import type { PaneKind, PaneSpec } from "./panes";
import { partAt } from "./profiles";
import { hueOf, isPerEvent, shownOutputs } from "./study-look";
import { columnText, hasSides, outputColour, outputText, paneOutputs, studyOf } from "./study-values";
import { toldPaneOf } from "./told";
import { toldNote, toldParts } from "./told-values";
import { hasFlow, isDoubtful } from "./trust";

/** A value in a pane's title. */
export interface TitlePart {
  /** What it is; "" where the title's name says so. */
  readonly label: string;
  readonly text: string;
  readonly tone: "buy" | "sell" | "";
  /** Left out where there is little room. */
  readonly minor: boolean;
  /** That of its line, where a pane has several; "" where its tone says it. */
  readonly colour?: string;
}

/** What stands at the top of a pane. */
export interface PaneTitle {
  readonly id: PaneName;
  readonly kind: PaneKind;
  readonly name: string;
  readonly parts: readonly TitlePart[];
  /** How its numbers are meant, such as the anchor of a sum. */
  readonly note: string;
}

const dash = "–";
/** More values than these of one study would fill the line. */
const mostParts = 6;

/** What panes are called, in menus too. */
export const paneNames: { readonly [K in PaneKind]: string } = {
  price: "Price",
  delta: "Delta",
  cvd: "CVD",
  volume: "Volume",
  statistics: "Bar statistics",
  study: "Study",
  stream: "Stream",
};

type Parts = (model: ChartModel, spec: PaneSpec, index: BarIndex) => readonly TitlePart[];

const part = (label: string, text: string, tone: TitlePart["tone"] = "", minor = false): TitlePart => ({
  label,
  text,
  tone,
  minor,
});
const toneOf = (value: number): TitlePart["tone"] => (value > 0 ? "buy" : value < 0 ? "sell" : "");

const signed = (model: ChartModel, value: number): string =>
  Number.isNaN(value) ? dash : exactSigned(value, model.quantity);

const readers: { readonly [K in PaneKind]?: Parts } = {
  delta: (model, _spec, index) => {
    const { series } = model;
    if (!hasFlow(series, index)) return [part("", dash)];
    const delta = series.delta(index);
    return [
      part("", signed(model, delta), isDoubtful(series, index) ? "" : toneOf(delta)),
      part("min", signed(model, series.number("min_delta", index)), "", true),
      part("max", signed(model, series.number("max_delta", index)), "", true),
    ];
  },
  cvd: (model, _spec, index) => [part("", signed(model, model.series.number("cvd", index)))],
  study: (model, spec, index) => {
    const study = studyOf(model, spec);
    if (study === null) return [part("", "waiting")];
    const outputs = paneOutputs(model, spec);
    return studyParts(model, study, outputs, index, outputs.length > 1 ? (output) => outputs.indexOf(output) : null);
  },
  stream: toldParts,
  volume: (model, _spec, index) => {
    const { series, quantity } = model;
    const total = part("", exactQuantity(series.volume(index), quantity));
    if (!hasFlow(series, index)) return [total];
    return [
      total,
      part("bid", exactQuantity(series.number("sell", index), quantity), "sell", true),
      part("ask", exactQuantity(series.number("buy", index), quantity), "buy", true),
    ];
  },
};

// What a study says of a bar: the outputs that are drawn there, each in the colour that it is drawn in where that tells
// them apart.
function studyParts(
  model: ChartModel,
  study: StudySeries,
  outputs: readonly StudyOutput[],
  index: BarIndex,
  hue: ((output: StudyOutput) => number) | null,
): TitlePart[] {
  return outputs.slice(0, mostParts).flatMap((output, k) => {
    const label = outputs.length > 1 || !isCalledSo(study, output) ? output.title : "";
    const tone = hasSides(output) ? toneOf(study.value(output.columns.at(-1) ?? "", index)) : "";
    if (output.kind === "candle") return candleParts(model, study, output, { label, tone, index });
    const said = part(label, outputText(model, study, output, index), tone, k > 0);
    return [tone === "" && hue !== null ? { ...said, colour: outputColour(model, study, hue(output)) } : said];
  });
}

const isCalledSo = ({ spec }: StudySeries, { title }: StudyOutput): boolean =>
  spec.title.toLowerCase().includes(title.toLowerCase().split(" ")[0] as string);

// The close first, then how it came to it.
function candleParts(
  model: ChartModel,
  study: StudySeries,
  output: StudyOutput,
  { label, tone, index }: Pick<TitlePart, "label" | "tone"> & { readonly index: BarIndex },
): TitlePart[] {
  const [open, high, low, close] = output.columns.map((name) => columnText(model, study, output, name, index));
  const way = Object.entries({ open, high, low }).map(([name, text]) => part(name, text ?? dash, "", true));
  return [part(label, close ?? dash, tone), ...way];
}

/** The studies over the price, with their values at a bar. */
export function overlayTitles(model: ChartModel, index: BarIndex): readonly PaneTitle[] {
  const profiles = model.profiles.list.map(({ label, reply }) => {
    const { kind, profiles: parts, letters } = reply;
    const shown = partAt(model.series, kind, parts, index) ?? partAt(model.series, kind, letters, index);
    const poc = shown === undefined ? dash : unitsText(shown.poc * model.price.ticksPerLevel, model.tick);
    return { id: label, kind: "study" as const, name: reply.title, parts: [part("", `POC ${poc}`)], note: "" };
  });
  const studies = model.studies.list.flatMap((study) => {
    const { label, title, outputs } = study.spec;
    const shown = shownOutputs(outputs, model.shows.get(label) ?? null, "price");
    if (shown.length === 0) return [];
    const perBar = shown.filter((output) => !isPerEvent(output));
    const parts = studyParts(model, study, perBar, index, (output) => hueOf(shown, output));
    return [{ id: label, kind: "study" as const, name: title, parts, note: "" }];
  });
  const orders = model.orders.list.map(({ label, orders: list }) => {
    return {
      id: label,
      kind: "study" as const,
      name: "Large orders",
      parts: [part("", String(list.length))],
      note: "",
    };
  });
  return [...profiles, ...orders, ...studies];
}

/** The title of a pane, with its values at a bar. @param cvdAnchor since when the bars' CVD counts, in words */
export function paneTitle(model: ChartModel, spec: PaneSpec, index: BarIndex, cvdAnchor: string): PaneTitle {
  const study = spec.kind === "study" ? studyOf(model, spec) : null;
  return {
    id: spec.id,
    kind: spec.kind,
    name: study?.spec.title ?? toldPaneOf(spec.of)?.title ?? waitingName(spec) ?? paneNames[spec.kind],
    parts: readers[spec.kind]?.(model, spec, index) ?? [],
    note: study !== null ? wholeSince(model, study, index) : noteOf(model, spec, index, cvdAnchor),
  };
}

// A study that has said nothing yet is called by its label: `cvd_by_size 2`.
const waitingName = ({ kind, of = "" }: PaneSpec): string | null =>
  kind === "study" && of !== "" ? `${of.slice(0, 1).toUpperCase()}${of.slice(1).replaceAll("_", " ")}` : null;

function noteOf(model: ChartModel, spec: PaneSpec, index: BarIndex, cvdAnchor: string): string {
  if (spec.kind === "cvd") return cvdAnchor;
  return spec.kind === "stream" ? toldNote(model, spec, index) : "";
}

// A sum goes on behind what is missing, and is less than it was from there on: since when nothing is.
function wholeSince(model: ChartModel, study: StudySeries, index: BarIndex): string {
  const [anchor, valid] = [study.time("anchor_ns", index), study.time("valid_since_ns", index)];
  if (anchor === null || valid === null || valid <= anchor) return "";
  return `trades are missing before ${model.clock.fullText(nsToMs(valid))}`;
}
