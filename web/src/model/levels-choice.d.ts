import type { ChartModel } from "./chart-model";
import type { CellSettings } from "./settings";
/**
 * The levels that the cells draw by themselves. What a study on the chart draws already is left to it: the server knows
 * the whole tape, the page only the bars that are loaded.
 */
export declare function ownLevels(model: ChartModel): Pick<CellSettings, "zones" | "nakedPoc" | "unfinished">;
