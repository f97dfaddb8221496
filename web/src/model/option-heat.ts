import type { OptionHeat } from "../protocol/options";
import { plainSigns } from "./number-signs";
import { change } from "./option-table";

/** Which changes of open interest a map shows; `net` is puts less calls. */
export type HeatSide = "calls" | "puts" | "net";

/** Red, green and blue, 0 to 255. */
export type Rgb = readonly [number, number, number];

/** What fewer, no change and more are painted with. */
export interface HeatInks {
  readonly less: Rgb;
  readonly none: Rgb;
  readonly more: Rgb;
}

/** How pale a value is that was not said anew. */
const heldAlpha = 102;

/** What the strongest colour stands for, in units. */
export const clipOf = (heat: OptionHeat, side: HeatSide): number =>
  (side === "net" ? heat.clip_net : side === "calls" ? heat.clip_calls : heat.clip_puts) ?? 1;

/** Whether nobody said a cell's open interest anew; the net of both sides is held where both are. */
export function isHeld(heat: OptionHeat, side: HeatSide, row: number, column: number): boolean {
  const [calls, puts] = [heat.held_calls[row]?.[column] === true, heat.held_puts[row]?.[column] === true];
  return side === "net" ? calls && puts : side === "calls" ? calls : puts;
}

/** What each strike has changed against the previous day's close, "–" where that is not known. */
export function dayTotals(heat: OptionHeat, side: HeatSide, size: number, signs = plainSigns): string[] {
  return heat.strikes.map((_, row) => {
    const [call, put] = [heat.day_calls[row] ?? null, heat.day_puts[row] ?? null];
    const net = call === null || put === null ? null : put - call;
    const total = side === "net" ? net : side === "calls" ? call : put;
    return change(total === null ? null : String(total), size, signs).text;
  });
}

/**
 * The column that a strip of the map shows, the strongest of those that fall on it: where a day has more of them than
 * the screen has pixels, none that matters is left out. -1 where nothing of them is known.
 *
 * @param at which strip, of `strips` over the whole width
 */
export function columnAt(values: readonly (number | null)[], at: number, strips: number): number {
  const columns = values.length;
  const from = Math.floor((at * columns) / strips);
  const to = Math.min(columns, Math.max(from + 1, Math.floor(((at + 1) * columns) / strips)));
  let found = -1;
  let most = -1;
  for (let column = from; column < to; column++) {
    const value = values[column] ?? null;
    if (value !== null && Math.abs(value) > most) {
      found = column;
      most = Math.abs(value);
    }
  }
  return found;
}

/** The map as pixels, four bytes each: a strip wide, a strike high, the highest strike first. What is not known is transparent. */
export function heatPixels(heat: OptionHeat, side: HeatSide, strips: number, inks: HeatInks): Uint8ClampedArray {
  const rows = heat[side];
  const clip = clipOf(heat, side);
  const pixels = new Uint8ClampedArray(strips * rows.length * 4);
  rows.forEach((values, row) => {
    const start = (rows.length - 1 - row) * strips;
    for (let at = 0; at < strips; at++) {
      const column = columnAt(values, at, strips);
      if (column < 0) continue;
      const value = values[column] as number;
      const share = Math.min(1, Math.abs(value) / clip);
      const ink = value < 0 ? inks.less : inks.more;
      const pixel = (start + at) * 4;
      for (let k = 0; k < 3; k++) pixels[pixel + k] = inks.none[k as 0] + share * (ink[k as 0] - inks.none[k as 0]);
      pixels[pixel + 3] = isHeld(heat, side, row, column) ? heldAlpha : 255;
    }
  });
  return pixels;
}
