import type { BarSeries } from "../../data/bar-series";
import { type QuantityStyle } from "../../model/format";
import { type Palette } from "../../model/palette";
import type { CellMode } from "../../model/settings";
import type { BarIndex } from "../../protocol/units";
import { type Sheet } from "../../renderers/sheet";
/** What decides how a bar's cells look, apart from their numbers. */
export interface SheetStyle {
    readonly mode: CellMode;
    readonly palette: Palette;
    readonly quantity: QuantityStyle;
    /** The quantity at which colours are strongest, in lots. */
    readonly typical: number;
}
/**
 * Turns a bar's levels into a sheet. The sheet is one object that is filled again for each bar: what is painted must be
 * painted before the next call.
 */
export declare class SheetMaker {
    #private;
    /** @returns null for a bar without levels */
    make(series: BarSeries, index: BarIndex, style: SheetStyle): Sheet | null;
}
/** The pixel of a cell that is too small for anything else: its delta's hue, as strong as its volume or delta. */
export declare function cellPixel(buy: number, sell: number, unknown: number, style: SheetStyle): number;
