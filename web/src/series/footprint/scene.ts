import type { BarSeries } from "../../data/bar-series";
import { type ColumnLook, columnLooks, isSplit, lookKey } from "../../model/cell-look";
import { typicalTrades } from "../../model/cells";
import type { ChartModel } from "../../model/chart-model";
import { cellQuantity, countText } from "../../model/format";
import { quoteWorth } from "../../model/quantity-unit";
import type { BlockStyle } from "../../renderers/block";
import { bubbleRadius } from "../../renderers/forms";
import { textWidth, type Weight } from "../../renderers/text";
import type { SheetStyle } from "./fillers";
import { type BarLayout, barLayout, columnPlaces, hasText, shapeOf } from "./layout";
import type { SheetMarks } from "./sheet-maker";

const largestFontCss = { normal: 13.5, compact: 11.5 } as const;
const leastFontCss = 7;
/** Letters by the height of their row: digits are lower than letters, so that they stand free at this. */
const fontOfRow = 0.84;
/** Bars and circles without numbers say something from this size of a row on, in CSS pixels. */
const leastFormCss = { row: 3, width: 12 } as const;

/** One column of cells in every bar on screen. */
export interface SceneColumn {
  readonly left: number;
  readonly width: number;
  readonly sheet: SheetStyle;
  readonly style: BlockStyle;
}

/** All that a frame's painting depends on, worked out once. */
export interface Scene {
  readonly series: BarSeries;
  readonly layout: BarLayout;
  /** None when cells are too small for what they would show: they are one pixel each then. */
  readonly columns: readonly SceneColumn[];
  readonly pixels: SheetStyle;
  readonly isHeatmap: boolean;
  readonly marks: SheetMarks;
  readonly valueAreaRail: boolean;
  readonly stacks: boolean;
  readonly palette: ChartModel["palette"];
  readonly key: string;
  /** The part of the key that is not of the scale. */
  readonly look: string;
  readonly bar: number;
  readonly row: number;
  /** How far circles reach out of their bar's rows. */
  readonly overhang: number;
  readonly dpr: number;
  readonly line: number;
  readonly height: number;
  readonly width: number;
  readonly ticksPerLevel: number;
  readonly lowestRow: number;
  readonly highestRow: number;
  readonly x: (index: number) => number;
  readonly y: (row: number) => number;
}

export function sceneOf(model: ChartModel): Scene {
  const { palette, dpr, quantity, settings, typical, price } = model;
  const [bar, row] = [model.time.bar, price.row];
  const layout = barLayout(bar, dpr, shapeOf(settings));
  const looks = columnLooks(settings);
  const sheetOf = (look: ColumnLook): SheetStyle => sheetStyle(model, look);
  const columns = settings.mode === "heatmap" ? [] : sceneColumns(model, layout, looks.map(sheetOf));
  const span = price.span();
  const look = [lookKey(settings), palette.theme, quantity.unit, quantity.decimals, typical, price.ticksPerLevel].join(
    "|",
  );
  const hasBubbles = columns[0]?.sheet.look.form === "bubbles";
  return {
    series: model.series,
    layout,
    columns,
    pixels: sheetOf(looks[0] as ColumnLook),
    isHeatmap: settings.mode === "heatmap",
    marks: {
      frame: settings.frame,
      valueArea: settings.valueArea === "lines",
      candle: settings.candle === "behind",
      ticksPerLevel: price.ticksPerLevel,
    },
    valueAreaRail: settings.valueArea !== "none",
    stacks: settings.marks !== "none",
    palette,
    key: `${bar}|${row}|${dpr}|${columns.length}|${columns[0]?.style.font}|${look}`,
    look,
    bar,
    row,
    overhang: hasBubbles ? Math.ceil(bubbleRadius(layout.blockWidth, row)) : 0,
    dpr,
    line: Math.max(1, Math.round(dpr)),
    height: price.height,
    width: model.time.width,
    ticksPerLevel: price.ticksPerLevel,
    lowestRow: Math.floor(span.low),
    highestRow: Math.ceil(span.high),
    x: (index) => model.time.x(index),
    y: (at) => price.y(at),
  };
}

function sheetStyle(model: ChartModel, look: ColumnLook): SheetStyle {
  const { palette, quantity, typical, settings, price } = model;
  const [k, lot] = [price.ticksPerLevel, quantity.lot.step];
  const middle = (row: number): number => (row * k + (k - 1) / 2) * model.tick.step;
  return {
    look,
    palette,
    quantity,
    typical,
    typicalTrades: look.colour === "trades" ? typicalTrades(model.series, typical) : 1,
    doubtful: false,
    marksColoured: settings.marks === "text",
    ratio: settings.imbalancePct + (settings.imbalanceConvention === "excess" ? 100 : 0),
    price: quantity.unit === "quote" ? (row) => quoteWorth(model.meta, middle(row)) * lot : null,
  };
}

// All columns have one size of text: the least that fits any of them.
function sceneColumns(model: ChartModel, layout: BarLayout, sheets: readonly SheetStyle[]): readonly SceneColumn[] {
  const { dpr, price } = model;
  const places = columnPlaces(layout.blockWidth, sheets.length, dpr);
  const shown = sheets.slice(0, places.length);
  const narrowest = Math.min(...places.map(({ width }) => width));
  const fits = hasText(price.row, narrowest, dpr);
  const fonts = shown.map((sheet, k) => (fits ? fontSize(model, sheet, places[k]?.width ?? 0) : 0));
  const isForm = sheets[0]?.look.form !== "grounds";
  const font = Math.min(...fonts);
  const hasForm = isForm && price.row >= leastFormCss.row * dpr && narrowest >= leastFormCss.width * dpr;
  if (font < leastFontCss * dpr && !hasForm) return [];
  return shown.map((sheet, k) => {
    const place = places[k] as (typeof places)[number];
    return { ...place, sheet, style: blockStyle(model, sheet, font < leastFontCss * dpr ? 0 : font) };
  });
}

/** A number as long as common large ones of a column. */
function usualText(model: ChartModel, { look, typical, typicalTrades: trades, price }: SheetStyle): string {
  const lots = price === null ? cellQuantity(typical, model.quantity) : countText(typical * price(model.price.centre));
  if (look.text === "trades") return countText(trades).padStart(3, "0");
  if (look.text === "ratio") return "000"; // longer ones are pressed together
  return (isSplit(look.text) ? "" : "+") + lots.padStart(3, "0");
}

// Imbalances are bold, in any cell.
function usualWidth(model: ChartModel, sheet: SheetStyle, size: number): number {
  const weight: Weight = model.settings.marks === "none" ? 400 : 700;
  return textWidth(usualText(model, sheet), size, weight);
}

const roomOf = (width: number, sheet: SheetStyle, line: number): number =>
  width / (isSplit(sheet.look.text) ? 2 : 1) - 6 * line;

// In whole pixels: the browser shapes each number anew for each size of a font, which costs more than to draw it while
// one zooms.
function fontSize(model: ChartModel, sheet: SheetStyle, width: number): number {
  const { dpr, settings } = model;
  const room = roomOf(width, sheet, Math.max(1, Math.round(dpr)));
  const byHeight = Math.round(model.price.row * fontOfRow);
  let size = Math.floor(Math.min(byHeight, largestFontCss[settings.density] * dpr));
  while (size >= leastFontCss * dpr && usualWidth(model, sheet, size) > room) size -= 1;
  return size;
}

function blockStyle(model: ChartModel, sheet: SheetStyle, font: number): BlockStyle {
  const { palette, dpr, settings } = model;
  const line = Math.max(1, Math.round(dpr));
  return {
    background: palette.background,
    card: palette.card,
    font,
    usual: font === 0 ? 0 : usualWidth(model, sheet, font),
    gap: model.price.row >= 4 * line ? line : 0,
    line,
    poc: palette.poc,
    valueArea: palette.valueArea,
    marksFramed: settings.marks === "frame",
    marksBold: settings.marks !== "none",
    buyStrong: palette.buyStrong,
    sellStrong: palette.sellStrong,
    hatch: palette.hatch,
  };
}
