import type { BarLevels, BarSeries } from "../../data/bar-series";
import { isSplit } from "../../model/cell-look";
import { rowsOf } from "../../model/cells";
import type { FrameChoice } from "../../model/settings";
import { isDoubtful } from "../../model/trust";
import type { BarIndex } from "../../protocol/units";
import { type BackCandle, clearRows, emptySheet, type Sheet } from "../../renderers/sheet";
import { emptyCell, fillGround, fillLengths, fillText, hasSides, readCell, type SheetStyle } from "./fillers";

/** What of a bar is marked on its sheet. */
export interface SheetMarks {
  readonly frame: FrameChoice;
  readonly valueArea: boolean;
  readonly candle: boolean;
  readonly ticksPerLevel: number;
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
  readonly #cell = emptyCell();
  #look = "";

  /** Sheets made for another look are forgotten; "" forgets all. */
  begin(look: string): void {
    if (look === this.#look && look !== "") return;
    this.#look = look;
    this.#kept.clear();
  }

  /** @returns null for a bar without levels */
  make(series: BarSeries, index: BarIndex, style: SheetStyle, marks: SheetMarks): Sheet | null {
    const rows = rowsOf(series, index);
    if (rows === null) return null;
    const version = series.version(index);
    const kept = this.#kept.get(index) ?? this.#keep(index);
    if (kept.version !== version) {
      kept.version = version;
      const own = { ...style, doubtful: isDoubtful(series, index) };
      this.#fill(kept.sheet, series, index, own, rows.high - rows.low + 1);
      mark(kept.sheet, series, index, marks, own);
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
    begin(sheet, count, style);
    const levels = series.levels(index);
    const { columns, from, to } = levels;
    const base = series.number("base_row", index);
    const lowest = columns.row[from] as number;
    const most = fullLength(levels, style);
    const cell = this.#cell;
    for (let k = from; k < to; k += 1) {
      readCell(cell, levels, k);
      const row = (columns.row[k] as number) - lowest;
      fillGround(sheet, row, cell, style);
      fillText(sheet, row, cell, style, base + lowest);
      if (sheet.form === "grounds") {
        sheet.unknown[row] = cell.unknown / Math.max(1, cell.buy + cell.sell + cell.unknown);
      } else fillLengths(sheet, row, cell, style, most);
      sheet.marks[row] = cell.flags;
    }
  }
}

// Rows in which nothing traded keep the faintest ground and no text.
function begin(sheet: Sheet, count: number, style: SheetStyle): void {
  clearRows(sheet, count);
  sheet.form = style.look.form;
  sheet.splitGround = hasSides(style.look);
  sheet.splitText = isSplit(style.look.text);
  const ground = style.palette.neutralRamp.ground[0] as string;
  for (let row = 0; row < count; row += 1) {
    sheet.leftGround[row] = ground;
    sheet.rightGround[row] = ground;
    sheet.leftText[row] = "";
    sheet.rightText[row] = "";
  }
}

// What fills the room of a bar's longest row: of `bars` its volume, of `blocks` its larger side; circles are compared
// over the whole chart.
function fullLength({ columns, from, to }: BarLevels, style: SheetStyle): number {
  const { form } = style.look;
  if (form === "bubbles") return style.typical * bubbleFrom;
  let most = 1;
  for (let k = from; k < to; k += 1) {
    const [buy, sell] = [columns.buy[k] as number, columns.sell[k] as number];
    const unknown = columns.unknown[k] as number;
    most = Math.max(most, form === "bars" ? buy + sell + unknown : Math.max(buy, sell, unknown));
  }
  return most;
}

/** A circle has its full size from so many typical large cells on. */
const bubbleFrom = 3;

function mark(sheet: Sheet, series: BarSeries, index: BarIndex, marks: SheetMarks, style: SheetStyle): void {
  const lowest = series.levels(index).columns.row[series.levels(index).from] as number;
  const place = (name: "poc" | "vah" | "val"): number => series.number(name, index) - lowest;
  sheet.framed = marks.frame === "poc" ? place("poc") : marks.frame === "delta" ? mostDelta(series, index) : -1;
  sheet.vah = marks.valueArea ? place("vah") : -1;
  sheet.val = marks.valueArea ? place("val") : -1;
  sheet.back = marks.candle ? backOf(series, index, marks.ticksPerLevel, style) : null;
}

// The row whose delta is farthest from zero; the lower of equals.
function mostDelta(series: BarSeries, index: BarIndex): number {
  const { columns, from, to } = series.levels(index);
  let [best, most] = [-1, 0];
  for (let k = from; k < to; k += 1) {
    const size = Math.abs((columns.buy[k] as number) - (columns.sell[k] as number));
    if (size > most) [best, most] = [(columns.row[k] as number) - (columns.row[from] as number), size];
  }
  return best;
}

function backOf(series: BarSeries, index: BarIndex, perLevel: number, { palette }: SheetStyle): BackCandle {
  const { columns, from } = series.levels(index);
  const base = series.number("base_row", index) + (columns.row[from] as number);
  const [open, close] = [series.number("open_tick", index), series.number("close_tick", index)];
  const row = (tick: number): number => tick / perLevel - base;
  const [tint, colour] =
    close > open
      ? [palette.buyTint, palette.buy]
      : close < open
        ? [palette.sellTint, palette.sell]
        : [palette.flatTint, palette.muted];
  return {
    low: row(series.number("low_tick", index)),
    bodyLow: row(Math.min(open, close)),
    bodyHigh: row(Math.max(open, close) + 1),
    high: row(series.number("high_tick", index) + 1),
    tint,
    colour,
  };
}
