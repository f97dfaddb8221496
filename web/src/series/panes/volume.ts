import { hasFlow } from "../../model/trust";
import type { BarIndex } from "../../protocol/units";
import type { PaneFrame } from "./registry";

/** Volume of each bar as a column: what was sold below, what was bought above it, what no side is known of on top. */
export function drawVolume({ ctx, model, scale }: PaneFrame): void {
  const { series, palette, time } = model;
  const { from, to } = model.visibleBars();
  const line = Math.max(1, Math.round(model.dpr));
  const width = Math.max(1, time.bar >= 3 * line ? Math.round(time.bar * 0.62) : time.bar);
  const zero = Math.round(scale.y(0));
  for (let place = from; place <= to; place += 1) {
    const index = place as BarIndex;
    const left = Math.round(time.x(place) + (time.bar - width) / 2);
    const [sell, buy] = [series.number("sell", index), series.number("buy", index)];
    let bottom = zero;
    const stack = (sum: number, colour: string): void => {
      const top = Math.min(bottom, Math.round(scale.y(sum)));
      ctx.fillStyle = colour;
      ctx.fillRect(left, top, width, bottom - top);
      bottom = top;
    };
    if (hasFlow(series, index)) {
      stack(sell, palette.sell);
      stack(sell + buy, palette.buy);
    }
    stack(series.volume(index), palette.untrusted);
  }
}
