import { minus, type NumberSigns, plainSigns } from "./number-signs";

/** Exact decimals: a grid step such as "0.05" is `mantissa * 10^-decimals`, and whole units become text without rounding. */
export interface Grid {
  readonly mantissa: number;
  readonly decimals: number;
  /** The step as a number: for drawing and comparing only. */
  readonly step: number;
  /** How its values are written; plain without them. */
  readonly signs?: NumberSigns;
}

/** @throws RangeError the text is no positive plain decimal */
export function parseGrid(text: string): Grid {
  const match = /^(\d+)(?:\.(\d+))?$/.exec(text.trim());
  const whole = match?.[1];
  if (whole === undefined) throw new RangeError(`"${text}" is no positive decimal such as 0.05`);
  const fraction = (match?.[2] ?? "").replace(/0+$/, "");
  const mantissa = Number(whole + fraction);
  if (mantissa === 0) throw new RangeError(`a grid step must be above zero, got "${text}"`);
  return { mantissa, decimals: fraction.length, step: mantissa / 10 ** fraction.length };
}

/** Whole units of a grid as exact text to be read, with the grid's signs, always with its number of decimals. */
export function unitsText(units: number, grid: Grid): string {
  const scaled = BigInt(Math.round(units)) * BigInt(grid.mantissa);
  const digits = (scaled < 0n ? -scaled : scaled).toString().padStart(grid.decimals + 1, "0");
  const cut = digits.length - grid.decimals;
  const { decimal, group } = grid.signs ?? plainSigns;
  const text = grid.decimals === 0 ? group(digits) : `${group(digits.slice(0, cut))}${decimal}${digits.slice(cut)}`;
  return scaled < 0n ? minus + text : text;
}

/** Decimal text, as it is sent or as `unitsText` writes it plainly, as whole units; null where it is not on the grid. */
export function unitsOf(text: string, grid: Grid): number | null {
  const match = /^([-\u2212]?)(\d+)(?:\.(\d+))?$/.exec(text.trim());
  const whole = match?.[2];
  if (whole === undefined) return null;
  const fraction = match?.[3] ?? "";
  const decimals = Math.max(grid.decimals, fraction.length);
  const scaled = BigInt(whole + fraction.padEnd(decimals, "0"));
  const step = BigInt(grid.mantissa) * 10n ** BigInt(decimals - grid.decimals);
  if (scaled % step !== 0n) return null;
  return Number(scaled / step) * (match?.[1] === "" ? 1 : -1);
}
