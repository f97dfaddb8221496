import { hasFlow } from "../../model/trust";
import { CELL_FLAGS } from "../../protocol/layout.generated";
import type { BarIndex } from "../../protocol/units";
import { bracket, candle, dots, hollowCandle } from "../../renderers/shapes";
import type { Context } from "../../renderers/text";
import { drawPlainCandle } from "./plain-candle";
import type { Scene } from "./scene";

/** What stands beside the cells: the candle, the value area, brackets of stacked imbalances, marks of an open bar. */
export function drawSides(ctx: Context, scene: Scene, index: BarIndex): void {
  const { layout } = scene;
  if (!hasFlow(scene.series, index)) {
    drawPlainCandle(ctx, scene, index);
    return;
  }
  if (layout.candleWidth > 0) drawCandle(ctx, scene, index);
  if (layout.railWidth > 0) drawRails(ctx, scene, index);
  if (layout.bracketWidth === 0) return;
  if (!scene.series.isFinal(index)) drawOpenEnds(ctx, scene, index);
  if (scene.valueAreaRail) drawValueArea(ctx, scene, index);
  if (!scene.stacks) return;
  drawStacks(ctx, scene, index, CELL_FLAGS.buy_stack);
  drawStacks(ctx, scene, index, CELL_FLAGS.sell_stack);
}

interface Edges {
  readonly high: number;
  readonly top: number;
  readonly bottom: number;
  readonly low: number;
  readonly colour: string;
}

function edgesOf({ series, palette, ticksPerLevel, y }: Scene, index: BarIndex): Edges {
  const [open, close] = [series.number("open_tick", index), series.number("close_tick", index)];
  const edge = (tick: number): number => Math.round(y(tick / ticksPerLevel));
  return {
    high: edge(series.number("high_tick", index) + 1),
    top: edge(Math.max(open, close) + 1),
    bottom: edge(Math.min(open, close)),
    low: edge(series.number("low_tick", index)),
    colour: close > open ? palette.buy : close < open ? palette.sell : palette.muted,
  };
}

// A body without ground: the bar is not final.
function drawCandle(ctx: Context, scene: Scene, index: BarIndex): void {
  const { layout, line, palette } = scene;
  const { high, top, bottom, low, colour } = edgesOf(scene, index);
  const left = scene.x(index) + layout.candleLeft;
  const isOpen = !scene.series.isFinal(index) && layout.candleWidth > 2 * line;
  if (isOpen) hollowCandle(ctx, left, layout.candleWidth, [high, top, bottom, low], colour, palette.background, line);
  else candle(ctx, left, layout.candleWidth, high, top, bottom, low, colour, line);
}

// A candle behind the cells shows beside them: the body as a thick rail on both sides, the wick as a thin line.
function drawRails(ctx: Context, scene: Scene, index: BarIndex): void {
  const { layout, line } = scene;
  const { high, top, bottom, low, colour } = edgesOf(scene, index);
  const left = scene.x(index) + layout.blockLeft - layout.railWidth;
  const right = left + layout.railWidth + layout.blockWidth;
  ctx.fillStyle = colour;
  for (const [x, wick] of [
    [left, left + layout.railWidth - line],
    [right, right],
  ] as const) {
    ctx.fillRect(wick, high, line, Math.max(line, low - high));
    ctx.fillRect(x, top, layout.railWidth, Math.max(line, bottom - top));
  }
}

// The highest and the lowest price of an open bar may still move: dots stand where a final bar has nothing.
function drawOpenEnds(ctx: Context, scene: Scene, index: BarIndex): void {
  const { layout, line, palette } = scene;
  const { high, low } = edgesOf(scene, index);
  const [left, right] = [scene.x(index) + layout.blockLeft, scene.x(index) + layout.blockLeft + layout.blockWidth];
  dots(ctx, left, right, high - 3 * line, palette.line, line);
  dots(ctx, left, right, low + 3 * line, palette.line, line);
}

// A thin rail beside the cells from the value area's low edge to its high edge.
function drawValueArea(ctx: Context, scene: Scene, index: BarIndex): void {
  const base = scene.series.number("base_row", index);
  const top = Math.round(scene.y(base + scene.series.number("vah", index) + 1));
  const bottom = Math.round(scene.y(base + scene.series.number("val", index)));
  ctx.fillStyle = scene.palette.valueArea;
  ctx.fillRect(
    scene.x(index) + scene.layout.blockLeft - scene.layout.railWidth - 2 * scene.line,
    top,
    scene.line,
    bottom - top,
  );
}

// A zone reaches from the low edge of its lowest row to the high edge of its highest (definitions 5.2).
function drawStacks(ctx: Context, scene: Scene, index: BarIndex, flag: number): void {
  const { columns, from, to } = scene.series.levels(index);
  const base = scene.series.number("base_row", index);
  const isBuy = flag === CELL_FLAGS.buy_stack;
  const { layout, palette } = scene;
  const left = scene.x(index) + (isBuy ? layout.buyBracket : layout.sellBracket);
  const colour = isBuy ? palette.buyStrong : palette.sellStrong;
  const thick = Math.max(scene.line, Math.round(layout.bracketWidth * 0.5));
  let start = -1;
  for (let k = from; k <= to; k += 1) {
    const isOn = k < to && ((columns.cell_flags[k] as number) & flag) !== 0;
    const joins = isOn && start >= 0 && (columns.row[k] as number) === (columns.row[k - 1] as number) + 1;
    if (start >= 0 && !joins) {
      const top = Math.round(scene.y(base + (columns.row[k - 1] as number) + 1));
      const bottom = Math.round(scene.y(base + (columns.row[start] as number)));
      bracket(ctx, left, top, bottom - scene.line, isBuy ? "left" : "right", layout.bracketWidth, thick, colour);
      start = -1;
    }
    if (isOn && start < 0) start = k;
  }
}
