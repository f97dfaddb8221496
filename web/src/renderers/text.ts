/** The digits of these fonts all have one width, so that columns of numbers stand; nothing is downloaded. */
export const fontStack = '"Segoe UI", Roboto, "Helvetica Neue", Arial, "Liberation Sans", "DejaVu Sans", sans-serif';

export type Weight = 400 | 600 | 700;

/** @param size device pixels */
export function fontOf(size: number, weight: Weight = 400): string {
  return `${weight} ${size}px ${fontStack}`;
}

/** Half the height of a digit as a share of the font size. */
const halfDigit = 0.358;

/**
 * The baseline on which digits stand with their middle at `middle`. It is a whole pixel: what is half a pixel between two
 * rows is rounded here, and not one way on one canvas and another way on the next.
 */
export const baselineOf = (middle: number, size: number): number => Math.round(middle + size * halfDigit);

/** Where both kinds of drawing surface agree: a canvas on the page and one that is only drawn from. */
export type Context = CanvasRenderingContext2D;

/** Widths of single characters in one font. */
export type Advances = Map<string, number>;
const known = new Map<string, Advances>();

/** The widths of the characters of numbers in a font, which is set on `ctx`: measured once, they never change. */
export function advancesOf(ctx: Context, font: string): Advances {
  let advances = known.get(font);
  if (advances === undefined) {
    if (known.size > 200) known.clear();
    advances = new Map();
    known.set(font, advances);
    ctx.font = font;
    for (const character of "0123456789.,+\u2212-?kMBT\u221e")
      advances.set(character, ctx.measureText(character).width);
  }
  return advances;
}

let scratch: Context | null = null;

/** The width of a line in the font that this machine has; what is measured is kept by its characters. @param size device pixels */
export function textWidth(text: string, size: number, weight: Weight = 400): number {
  const font = fontOf(size, weight);
  scratch ??= document.createElement("canvas").getContext("2d") as Context;
  const advances = advancesOf(scratch, font);
  for (const character of text) {
    if (advances.has(character)) continue;
    scratch.font = font;
    advances.set(character, scratch.measureText(character).width);
  }
  return widthOf(text, advances);
}

/** The width of a number; its characters do not kern. */
export function widthOf(text: string, advances: Advances): number {
  let width = 0;
  for (const character of text) width += advances.get(character) ?? 0;
  return width;
}
