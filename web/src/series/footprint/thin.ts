import { rowsOf } from "../../model/cells";
import { hasFlow } from "../../model/trust";
import type { BarIndex } from "../../protocol/units";
import type { Context } from "../../renderers/text";
import type { Scene } from "./scene";
import { chunkBars } from "./strips";

/** What stands between the bars of a chunk's picture is wiped; the picture is moved by `dx`, `dy`. */
export function drawGaps(ctx: Context, scene: Scene, number: number, dx: number, dy: number): void {
  const gap = scene.bar - scene.layout.blockWidth;
  if (gap <= 0) return;
  const from = Math.max(scene.series.first, number * chunkBars);
  const to = Math.min(scene.series.last, number * chunkBars + chunkBars - 1);
  ctx.fillStyle = scene.palette.background;
  for (let index = from; index <= to; index += 1) {
    const rows = rowsOf(scene.series, index as BarIndex);
    if (rows === null) continue;
    const top = Math.floor(scene.y(rows.high + 1) + dy);
    const height = Math.ceil(scene.y(rows.low) + dy) - top;
    ctx.fillRect(scene.x(index) + dx + scene.layout.blockWidth, top, gap, height);
  }
}

/** A bar of a few pixels: from its low to its high, in the colour of its direction. */
export function drawThinCandle(ctx: Context, scene: Scene, index: BarIndex): void {
  const { series, palette, ticksPerLevel } = scene;
  if (!hasFlow(series, index)) return;
  const top = Math.round(scene.y((series.number("high_tick", index) + 1) / ticksPerLevel));
  const bottom = Math.round(scene.y(series.number("low_tick", index) / ticksPerLevel));
  const rises = series.number("close_tick", index) >= series.number("open_tick", index);
  ctx.fillStyle = rises ? palette.buy : palette.sell;
  const width = Math.max(1, Math.floor(scene.bar * 0.8));
  ctx.fillRect(Math.floor(scene.x(index)), top, width, Math.max(1, bottom - top));
}
