import type { StudySeries } from "../data/study-series";
import type { StudyOutput } from "../protocol/messages";
import { type BarIndex, nsToMs } from "../protocol/units";
import type { ChartModel } from "./chart-model";
import type { PaneName } from "./cursor";
import { unitsText } from "./decimal";
import { exactQuantity, exactSigned } from "./format";
import type { PaneKind, PaneSpec } from "./panes";
import { partAt } from "./profiles";
import { isPerEvent, shownOutputs } from "./study-look";
import { hasSides, outputText, paneOutputs, studyOf } from "./study-values";
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
    return study === null ? [part("", "waiting")] : studyParts(model, study, paneOutputs(model, spec), index);
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

// What a study says of a bar: the outputs that are drawn there.
function studyParts(
  model: ChartModel,
  study: StudySeries,
  outputs: readonly StudyOutput[],
  index: BarIndex,
): TitlePart[] {
  return outputs.slice(0, mostParts).map((output, k) => {
    const value = study.value(output.columns.at(-1) ?? "", index);
    const tone = hasSides(output) ? toneOf(value) : "";
    return part(outputs.length > 1 ? output.title : "", outputText(model, study, output, index), tone, k > 0);
  });
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
    return [
      { id: label, kind: "study" as const, name: title, parts: studyParts(model, study, perBar, index), note: "" },
    ];
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
