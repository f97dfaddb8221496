import type { StudySeries } from "../data/study-series";
import type { OutputKind, OutputUnit, StudyOutput } from "../protocol/messages";
import type { ThemeName } from "./palette";

/** Where an output is drawn: over the price, in a pane of its own, or not at all. */
export type OutputPlace = "price" | "pane" | "none";

const drawnKinds: readonly OutputKind[] = [
  "line",
  "histogram",
  "candle",
  "band",
  "level",
  "box",
  "zone",
  "marker",
  "cell_flag",
];
const pricedUnits: readonly OutputUnit[] = ["tick", "row"];
/** What has no value of its own at a bar. */
const perEvent: readonly OutputKind[] = ["box", "zone", "marker", "cell_flag"];

/** Where an output belongs, by what it says of itself: no study is known by its name. */
export function placeOf(output: StudyOutput): OutputPlace {
  if (!drawnKinds.includes(output.kind)) return "none";
  if (output.kind === "zone") return output.life == null ? "none" : "price";
  if (output.kind === "cell_flag") return "price";
  if (output.kind === "histogram") return "pane"; // its columns stand on zero
  // A marker stands at its price, or at its bar by its side; its other columns say more about it.
  if (output.kind === "marker") return [...pricedUnits, "side"].includes(output.unit) ? "price" : "none";
  return pricedUnits.includes(output.unit) ? "price" : "pane";
}

export const isPerEvent = (output: StudyOutput): boolean => perEvent.includes(output.kind);

/** What of a study can be drawn, in its own order. */
export const drawable = (outputs: readonly StudyOutput[]): StudyOutput[] =>
  outputs.filter((output) => placeOf(output) !== "none");

/** Whether a study has something for a pane of its own. */
export const wantsPane = (outputs: readonly StudyOutput[]): boolean => outputs.some((one) => placeOf(one) === "pane");

// A pane has one axis: unasked it shows the outputs that are like the first one.
function unasked(outputs: readonly StudyOutput[]): StudyOutput[] {
  const first = outputs.find((one) => placeOf(one) === "pane");
  const hasLives = outputs.some(({ life }) => life != null);
  return outputs.filter((one) => {
    const place = placeOf(one);
    if (one.kind === "marker" && hasLives) return false; // what happens to zones is drawn with them
    return place === "price" || (place === "pane" && one.kind === first?.kind && one.unit === first.unit);
  });
}

/** The outputs of a study that are drawn at a place. */
export function shownOutputs(
  outputs: readonly StudyOutput[],
  shows: readonly string[] | null,
  place: OutputPlace,
): StudyOutput[] {
  const chosen = shows === null ? unasked(outputs) : outputs.filter(({ name }) => shows.includes(name));
  return chosen.filter((output) => placeOf(output) === place);
}

const hues: Readonly<Record<ThemeName, readonly string[]>> = {
  dark: ["#6ea8fe", "#f2b93b", "#c58cff", "#4dd0e1", "#ff9e80", "#aed581", "#f48fb1", "#90a4ae"],
  light: ["#1f6feb", "#a86a00", "#7b3fc4", "#00838f", "#c4441a", "#4f7a1c", "#b0306a", "#4f6472"],
};

/** The colour of the n-th output of the k-th study. */
export function studyColour(theme: ThemeName, study: number, output: number): string {
  const list = hues[theme];
  return list[(study * 3 + output) % list.length] as string;
}

/**
 * Which of its study's colours an output has over the price. Levels of the same span of time have one: those whose names
 * begin alike. Bands of one study have one, too.
 */
export function hueOf(outputs: readonly StudyOutput[], output: StudyOutput): number {
  if (output.kind === "line" || output.kind === "zone") return outputs.indexOf(output);
  const kin = (one: StudyOutput): string => `${one.kind}/${one.name.split("_")[0]?.replace(/\d+$/, "") ?? ""}`;
  return outputs.findIndex((one) => kin(one) === kin(output));
}

/** Words for the end of a level's line: short enough to stand beside prices. */
export function shortTitle(title: string): string {
  return title
    .replace(/^previous (day|week)'s /, (_all, period: string) => (period === "day" ? "pd " : "pw "))
    .replace(/^open of the (day|week)$/, "$1 open")
    .replace(/^developing /, "dev ")
    .replace(/^central pivot range$/, "CPR")
    .replace(/ at or (above|below) the close$/, "");
}

/** What stands at the end of one of an output's lines: the edges of a value area have names of their own. */
export function edgeTitle({ title }: StudyOutput, column: string): string {
  const edge = /(?:^|_)(vah|val)(?:_|$)/.exec(column)?.[1]?.toUpperCase();
  return shortTitle(edge === undefined ? title : title.replace(/value area$/i, edge));
}

/** A column whose value changes where a study begins anew; null where it has none. */
export function anchorColumn(study: StudySeries): string | null {
  const output = study.spec.outputs.find(
    ({ name, unit }) => unit === "ns" && (name === "anchor" || name === "session"),
  );
  return output?.columns[0] ?? null;
}
