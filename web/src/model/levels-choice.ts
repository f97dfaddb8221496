import type { ChartModel } from "./chart-model";
import type { CellSettings } from "./settings";

/**
 * The levels that the cells draw by themselves. What a study on the chart draws already is left to it: the server knows
 * the whole tape, the page only the bars that are loaded.
 */
export function ownLevels(model: ChartModel): Pick<CellSettings, "zones" | "nakedPoc" | "unfinished"> {
  const { zones, nakedPoc, unfinished } = model.settings;
  const drawn = (name: string): boolean =>
    model.studies.list.some(({ spec }) => spec.study === name && model.shows.get(spec.label)?.length !== 0);
  const scope = (name: string): boolean =>
    model.studies.list.some(
      ({ spec }) =>
        spec.study === "naked_poc" && spec.params["scope"] === name && model.shows.get(spec.label)?.length !== 0,
    );
  const isTaken = (nakedPoc === "sessions" && scope("session")) || (nakedPoc === "bars" && scope("bar"));
  return {
    zones: drawn("stacked_zones") ? "off" : zones,
    nakedPoc: isTaken ? "none" : nakedPoc,
    unfinished: drawn("unfinished_auction") ? "off" : unfinished,
  };
}
