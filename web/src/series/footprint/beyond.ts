import { rowsOf } from "../../model/cells";
import { hasFlow } from "../../model/trust";
import type { BarIndex } from "../../protocol/units";
import type { Context } from "../../renderers/text";
import type { Scene } from "./scene";

/** Narrower bars have no room for it beside them. */
const fromCss = 24;
const size = { half: 4, high: 4, pad: 2 } as const;

/** Quiet arrows at the edges of the pane, beside the numbers of bars of which not all is in sight. */
export function drawBeyond(ctx: Context, scene: Scene, from: number, to: number): void {
  if (scene.bar < fromCss * scene.dpr || scene.isHeatmap) return;
  for (let index = from; index <= to; index += 1) {
    const rows = rowsOf(scene.series, index as BarIndex) ?? candleRows(scene, index as BarIndex);
    if (rows === null) continue;
    const middle = Math.round(scene.x(index) + middleOf(scene));
    if (scene.y(rows.high + 1) < -scene.row / 2) arrow(ctx, scene, middle, "up");
    if (scene.y(rows.low) > scene.height + scene.row / 2) arrow(ctx, scene, middle, "down");
  }
}

// What a candle of the venue spans, which has no rows of its own.
function candleRows({ series, ticksPerLevel }: Scene, index: BarIndex): { low: number; high: number } | null {
  if (hasFlow(series, index)) return null;
  const row = (name: "low_tick" | "high_tick"): number => Math.floor(series.number(name, index) / ticksPerLevel);
  return { low: row("low_tick"), high: row("high_tick") };
}

// On the candle, or in the gap behind the cells.
function middleOf({ layout, bar, dpr }: Scene): number {
  return layout.candleWidth > 0 ? layout.candleLeft + layout.candleWidth / 2 : bar - size.half * dpr;
}

// On a ground of its own: a candle of the same colour may stand below it.
function arrow(ctx: Context, { dpr, height, palette }: Scene, middle: number, way: "up" | "down"): void {
  const [half, high, pad] = [size.half * dpr, size.high * dpr, size.pad * dpr];
  const edge = way === "up" ? 0 : height;
  const inward = way === "up" ? 1 : -1;
  ctx.fillStyle = palette.background;
  ctx.globalAlpha = 0.85;
  ctx.fillRect(middle - half - pad, Math.min(edge, edge + inward * (high + 2 * pad)), 2 * (half + pad), high + 2 * pad);
  ctx.globalAlpha = 1;
  ctx.fillStyle = palette.axisText;
  ctx.beginPath();
  ctx.moveTo(middle, edge + inward * pad);
  ctx.lineTo(middle - half, edge + inward * (pad + high));
  ctx.lineTo(middle + half, edge + inward * (pad + high));
  ctx.fill();
}
