import type { Context } from "./text";

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

const patterns = new Map<string, CanvasPattern>();

/** Colours and dashes are few: this many are not reached but by changing looks again and again. */
const mostPatterns = 100;

/**
 * A dashed line that fills a box along its longer side, beginning with a dash. A line over the chart has hundreds of
 * dashes, and there may be dozens of lines: each is one rectangle filled with a pattern.
 */
export function fillDashes(ctx: Context, colour: string, dash: readonly number[], box: Box): void {
  if (box.width <= 0 || box.height <= 0) return;
  ctx.fillStyle = patternOf(ctx, colour, dash, box.width > box.height);
  ctx.translate(box.left, box.top);
  ctx.fillRect(0, 0, box.width, box.height);
  ctx.translate(-box.left, -box.top);
}

function patternOf(ctx: Context, colour: string, dash: readonly number[], isAcross: boolean): CanvasPattern {
  const key = `${colour}|${dash.join("|")}|${isAcross}`;
  const known = patterns.get(key);
  if (known !== undefined) return known;
  const [on, off] = dash as [number, number];
  const tile = document.createElement("canvas");
  [tile.width, tile.height] = isAcross ? [on + off, 1] : [1, on + off];
  const target = tile.getContext("2d") as Context;
  target.fillStyle = colour;
  target.fillRect(0, 0, isAcross ? on : 1, isAcross ? 1 : on);
  const pattern = ctx.createPattern(tile, "repeat") as CanvasPattern;
  if (patterns.size >= mostPatterns) patterns.clear();
  patterns.set(key, pattern);
  return pattern;
}
