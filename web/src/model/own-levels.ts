import { ownPrefix } from "../data/study-board";
import type { SnapshotMeta, StudyParams, StudyRequest } from "../protocol/messages";
import { parseGrid } from "./decimal";
import { rulesOf } from "./imbalance";
import type { Settings } from "./settings";
import type { StudyChoice } from "./study-choice";

/** Levels that belong to the look of the cells are studies like any other; their labels. */
export const ownLabels = {
  zones: `${ownPrefix}stacked zones`,
  nakedPoc: `${ownPrefix}naked POC`,
  unfinished: `${ownPrefix}unfinished auctions`,
} as const;

/** So many there are at the most. */
export const mostOwn = Object.keys(ownLabels).length;

/**
 * What the look of the cells asks of the server.
 *
 * @param chosen what such a study draws already is left to it
 */
export function ownStudies(
  settings: Settings,
  meta: SnapshotMeta | null,
  chosen: readonly StudyChoice[],
): readonly StudyRequest[] {
  if (meta === null) return [];
  const { zones, nakedPoc, unfinished } = settings;
  const scope = nakedPoc === "bars" ? "bar" : "session";
  const isDrawn = (study: string, fits = (_params: StudyParams): boolean => true): boolean =>
    chosen.some((one) => one.study === study && one.shows?.length !== 0 && fits(one.params));
  const wanted: StudyRequest[] = [];
  if (zones === "on" && !isDrawn("stacked_zones"))
    wanted.push({ study: "stacked_zones", label: ownLabels.zones, params: zoneParams(settings, meta) });
  if (nakedPoc !== "none" && !isDrawn("naked_poc", (params) => (params["scope"] ?? "session") === scope))
    wanted.push({ study: "naked_poc", label: ownLabels.nakedPoc, params: { scope } });
  // In wider rows both sides have nearly always traded (definitions 6.1).
  if (unfinished === "on" && meta.ticks_per_level === 1 && !isDrawn("unfinished_auction"))
    wanted.push({ study: "unfinished_auction", label: ownLabels.unfinished, params: {} });
  return wanted;
}

// Zones are stacks of those imbalances that the cells show.
function zoneParams(settings: Settings, meta: SnapshotMeta): StudyParams {
  const { pct, compare, convention, zero, against, minVol, stack } = rulesOf(settings, parseGrid(meta.lot_size));
  const least = minVol ?? (meta.min_vol === "auto" ? null : meta.min_vol);
  return {
    ...{ percent: pct, compare, convention, zero, direction: against, stack_n: stack },
    ...(least === null ? {} : { min_vol_lot: least }),
  };
}
