import type { BarSeries } from "../../data/bar-series";
import { rowsOf } from "../../model/cells";
import { cellQuantity, type QuantityStyle, signed } from "../../model/format";
import { type Palette, type Ramp, rampStep } from "../../model/palette";
import type { CellMode } from "../../model/settings";
import type { BarIndex } from "../../protocol/units";
import { emptySheet, type Sheet } from "../../renderers/sheet";

/** What decides how a bar's cells look, apart from their numbers. */
export interface SheetStyle {
  readonly mode: CellMode;
  readonly palette: Palette;
  readonly quantity: QuantityStyle;
  /** The quantity at which colours are strongest, in lots. */
  readonly typical: number;
}

interface Numbers {
  buy: number;
  sell: number;
  unknown: number;
}

interface Kept {
  readonly sheet: Sheet;
  version: number;
}

/** Sheets of more bars than can be on screen with numbers are not kept. */
const mostKept = 96;

/** Turns a bar's levels into a sheet, and keeps it while neither the bar nor the look has changed. */
export class SheetMaker {
  readonly #kept = new Map<number, Kept>();
  #look = "";

  /** Sheets made for another look are forgotten; "" forgets all. */
  begin(look: string): void {
    if (look === this.#look && look !== "") return;
    this.#look = look;
    this.#kept.clear();
  }

  /** @returns null for a bar without levels */
  make(series: BarSeries, index: BarIndex, style: SheetStyle): Sheet | null {
    const rows = rowsOf(series, index);
    if (rows === null) return null;
    const version = series.version(index);
    const kept = this.#kept.get(index) ?? this.#keep(index);
    if (kept.version !== version) {
      kept.version = version;
      this.#fill(kept.sheet, series, index, style, rows.high - rows.low + 1);
    }
    return kept.sheet;
  }

  #keep(index: number): Kept {
    if (this.#kept.size >= mostKept) this.#kept.clear();
    const kept: Kept = { sheet: emptySheet(), version: -1 };
    this.#kept.set(index, kept);
    return kept;
  }

  #fill(sheet: Sheet, series: BarSeries, index: BarIndex, style: SheetStyle, count: number): void {
    this.#begin(sheet, count, style);
    const { columns, from, to } = series.levels(index);
    const lowest = columns.row[from] as number;
    const cell: Numbers = { buy: 0, sell: 0, unknown: 0 };
    for (let k = from; k < to; k += 1) {
      cell.buy = columns.buy[k] as number;
      cell.sell = columns.sell[k] as number;
      cell.unknown = columns.unknown[k] as number;
      const row = (columns.row[k] as number) - lowest;
      fillers[style.mode](sheet, row, cell, style);
      sheet.marks[row] = columns.cell_flags[k] as number;
      sheet.unknown[row] = cell.unknown / Math.max(1, cell.buy + cell.sell + cell.unknown);
    }
    sheet.poc = series.number("poc", index) - lowest;
    sheet.vah = series.number("vah", index) - lowest;
    sheet.val = series.number("val", index) - lowest;
  }

  // Rows in which nothing traded keep the faintest ground and no text.
  #begin(sheet: Sheet, count: number, style: SheetStyle): void {
    sheet.count = count;
    sheet.split = style.mode === "bid-ask";
    if (sheet.marks.length < count) {
      sheet.marks = new Uint8Array(count * 2);
      sheet.unknown = new Float32Array(count * 2);
    }
    sheet.marks.fill(0, 0, count);
    sheet.unknown.fill(0, 0, count);
    const ground = style.palette.neutralRamp.ground[0] as string;
    for (let row = 0; row < count; row += 1) {
      sheet.leftGround[row] = ground;
      sheet.rightGround[row] = ground;
      sheet.leftText[row] = "";
      sheet.rightText[row] = "";
    }
  }
}

type Filler = (sheet: Sheet, row: number, cell: Numbers, style: SheetStyle) => void;

const fillers: Readonly<Record<CellMode, Filler>> = {
  "bid-ask": (sheet, row, cell, style) => {
    const { sellRamp, buyRamp } = style.palette;
    const left = rampStep(cell.sell, style.typical);
    const right = rampStep(cell.buy, style.typical);
    sheet.leftGround[row] = sellRamp.ground[left] as string;
    sheet.rightGround[row] = buyRamp.ground[right] as string;
    sheet.leftColour[row] = colourOf(sellRamp, left, cell.sell);
    sheet.rightColour[row] = colourOf(buyRamp, right, cell.buy);
    sheet.leftText[row] = cellQuantity(cell.sell, style.quantity);
    sheet.rightText[row] = cellQuantity(cell.buy, style.quantity);
  },
  delta: (sheet, row, cell, style) => {
    const delta = cell.buy - cell.sell;
    const ramp = delta >= 0 ? style.palette.buyRamp : style.palette.sellRamp;
    const step = rampStep(Math.abs(delta), style.typical);
    sheet.leftGround[row] = ramp.ground[step] as string;
    sheet.leftColour[row] = colourOf(ramp, step, delta);
    sheet.leftText[row] = signed(delta, style.quantity);
  },
  volume: (sheet, row, cell, style) => {
    const volume = cell.buy + cell.sell + cell.unknown;
    const ramp = style.palette.neutralRamp;
    const step = rampStep(volume, style.typical * 1.6);
    sheet.leftGround[row] = ramp.ground[step] as string;
    sheet.leftColour[row] = colourOf(ramp, step, volume);
    sheet.leftText[row] = cellQuantity(volume, style.quantity);
  },
};

const colourOf = (ramp: Ramp, step: number, lots: number): string =>
  (lots === 0 ? ramp.faint[step] : ramp.text[step]) as string;

/** The pixel of a cell that is too small for anything else: its delta's hue, as strong as its volume or delta. */
export function cellPixel(buy: number, sell: number, unknown: number, style: SheetStyle): number {
  const { buyRamp, sellRamp, neutralRamp } = style.palette;
  const volume = buy + sell + unknown;
  if (style.mode === "volume") return neutralRamp.pixels[rampStep(volume, style.typical * 1.6)] as number;
  const delta = buy - sell;
  const strength = style.mode === "delta" ? Math.abs(delta) : volume * 0.6;
  const ramp = delta === 0 ? neutralRamp : delta > 0 ? buyRamp : sellRamp;
  return ramp.pixels[rampStep(strength, style.typical)] as number;
}
