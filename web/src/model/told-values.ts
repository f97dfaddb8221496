import type { OutputUnit } from "../protocol/messages";
import type { BarIndex } from "../protocol/units";
import type { ChartModel } from "./chart-model";
import { exactQuantity, exactSigned, spanText } from "./format";
import { written } from "./number-signs";
import type { TitlePart } from "./pane-titles";
import type { ValueExtent } from "./pane-values";
import type { PaneSpec } from "./panes";
import { studyColour } from "./study-look";
import { type ToldPane, type ToldShown, toldPaneOf } from "./told";

const dash = "–";

/** The stream that a pane shows, where it is listened to. */
export function toldOf(model: ChartModel, spec: PaneSpec): ToldShown | null {
  const stream = spec.kind === "stream" ? toldPaneOf(spec.of)?.stream : undefined;
  return stream === undefined ? null : (model.told.get(stream) ?? null);
}

/** Whether a pane has nothing to show: then it is no higher than its title, which says so. */
export const isFolded = (model: ChartModel, spec: PaneSpec): boolean => toldOf(model, spec)?.isNone === true;

/** The columns that a pane draws, and whether they stand on zero. */
const drawn: Readonly<
  Record<string, { readonly up: readonly string[]; readonly down?: string; readonly zero: boolean }>
> = {
  open_interest: { up: ["oi"], zero: false },
  interest_change: { up: ["change"], zero: true },
  funding: { up: ["rate", "premium"], zero: true },
  liquidations: { up: ["short", "unknown"], down: "long", zero: true },
};

/** What does not stand on zero moves, or is level: less than this of itself is no move that the axis could say in few digits. */
const leastOfLevel = 1e-4;

/** What the values of a stream's pane reach from and to on some bars. */
export function toldExtent(model: ChartModel, spec: PaneSpec, from: number, to: number): ValueExtent | null {
  const told = toldOf(model, spec);
  const look = drawn[spec.of ?? ""];
  if (told === null || look === undefined) return null;
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const take = (value: number): void => {
    if (Number.isNaN(value)) return;
    low = Math.min(low, value);
    high = Math.max(high, value);
  };
  for (let index = from; index <= to; index += 1) {
    for (const name of look.up) take(told.study.value(name, index));
    if (look.down !== undefined) take(-told.study.value(look.down, index));
  }
  if (high < low) return null;
  if (look.zero) [low, high] = [Math.min(low, 0), Math.max(high, 0)];
  const least = unitOfTold(spec) === "percent" ? 1e-4 : look.zero ? 1 : Math.max(1, high * leastOfLevel);
  return { low, high, padding: 0.1, least };
}

/** The colours of the lines of a pane that has two. */
const hues: Readonly<Record<"rate" | "premium", number>> = { rate: 1, premium: 3 };
export const toldHue = ({ palette }: ChartModel, line: keyof typeof hues): string =>
  studyColour(palette.theme, 0, hues[line]);

export const unitOfTold = ({ of }: PaneSpec): OutputUnit => (of === "funding" ? "percent" : "lot");

const part = (label: string, text: string, tone: TitlePart["tone"] = "", minor = false): TitlePart => ({
  label,
  text,
  tone,
  minor,
});

/** A share of a percent or less, with as many digits as say it. */
const finePercent = ({ signs }: ChartModel, value: number): string =>
  Number.isNaN(value) ? dash : written(`${value > 0 ? "+" : ""}${value.toFixed(4)} %`, signs);

type Reader = (model: ChartModel, told: ToldShown, index: BarIndex) => readonly TitlePart[];

const signedLots = (model: ChartModel, value: number): string =>
  Number.isNaN(value) ? dash : exactSigned(value, model.quantity);
const lots = (model: ChartModel, value: number): string =>
  Number.isNaN(value) ? dash : exactQuantity(value, model.quantity);

const readers: Readonly<Record<string, Reader>> = {
  open_interest: (model, { study }, index) => [
    part("", lots(model, study.value("oi", index))),
    part("bar", signedLots(model, study.value("change", index))),
    part("day", signedLots(model, study.value("day_change", index)), "", true),
    ...(study.value("told", index) === 0 ? [part("told", "before this bar", "", true)] : []),
  ],
  interest_change: (model, { study }, index) => {
    const span = study.value("span", index);
    return [
      part("", signedLots(model, study.value("change", index))),
      ...(span > 1 ? [part("over", `${span} bars`, "", true)] : []),
    ];
  },
  funding: (model, { study }, index) => {
    const due = study.value("next_ms", index);
    const left = due - Number(model.series.lastNs(index) / 1_000_000n); // as of its last trade
    return [
      { ...part("", finePercent(model, study.value("rate", index))), colour: toldHue(model, "rate") },
      { ...part("premium", finePercent(model, study.value("premium", index))), colour: toldHue(model, "premium") },
      part("mark", numberText(model, study.value("mark", index)), "", true),
      part("index", numberText(model, study.value("index", index)), "", true),
      ...(left > 0 ? [part("due in", spanText(left), "", true)] : []),
    ];
  },
  liquidations: (model, { study }, index) => [
    part("longs", lots(model, study.value("long", index)), "sell"),
    part("shorts", lots(model, study.value("short", index)), "buy"),
    part("orders", numberText(model, study.value("count", index)), "", true),
    part("largest", lots(model, study.value("largest", index)), "", true),
  ],
};

const numberText = ({ signs }: ChartModel, value: number): string =>
  Number.isNaN(value) ? dash : written(String(value), signs);

/** The title of a stream's pane: its values at a bar, or in words why there are none. */
export function toldParts(model: ChartModel, spec: PaneSpec, index: BarIndex): readonly TitlePart[] {
  const told = toldOf(model, spec);
  if (told === null || told.isNone === null) return [part("", "loading")];
  if (told.isNone || told.waits) return [];
  return readers[spec.of ?? ""]?.(model, told, index) ?? [];
}

/** What is to be known of a stream's values at a bar. */
export function toldNote(model: ChartModel, spec: PaneSpec, index: BarIndex): string {
  const told = toldOf(model, spec);
  const pane: ToldPane | null = toldPaneOf(spec.of);
  if (told === null || pane === null) return "";
  if (told.isNone === true) return `nothing of it is stored of ${model.meta?.symbol ?? "this symbol"}`;
  if (told.waits) return "none told yet: the first one will stand here";
  const [opens, closes] = [model.series.openNs(index), model.series.closeNs(index)];
  const gap = told.gaps.find(({ fromNs, toNs }) => fromNs < closes && toNs > opens);
  if (gap !== undefined) return `gap: ${gap.cause}`;
  return pane.stream === "liquidations" ? howMany(model.meta?.symbol ?? "") : "";
}

/** How many of its liquidations a venue tells (definitions 6.13). */
function howMany(symbol: string): string {
  if (symbol.startsWith("bybit_")) return "all that the venue tells";
  if (symbol.startsWith("binance_")) return "at least: the venue tells the newest of each second only";
  return "at least: venues tell some";
}
