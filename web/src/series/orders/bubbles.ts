import type { ChartModel } from "../../model/chart-model";
import { cellQuantity } from "../../model/format";
import { type PlacedOrder, placedOrders } from "../../model/orders";
import { plainText } from "../../renderers/shapes";
import { type Context, digitWidth } from "../../renderers/text";

const alpha = { ground: 0.34, rim: 0.95 } as const;
const textCss = { least: 9, most: 12 } as const;
const fullTurn = 2 * Math.PI;

/** The large orders on screen: circles over the cells, which stay readable through them. */
export function drawOrders(ctx: Context, model: ChartModel): void {
  for (const placed of placedOrders(model)) drawOrder(ctx, model, placed);
}

function drawOrder(ctx: Context, model: ChartModel, placed: PlacedOrder): void {
  const { palette, dpr } = model;
  const { x, y, radius, side } = placed;
  const [ground, rim] =
    side > 0
      ? [palette.buy, palette.buyText]
      : side < 0
        ? [palette.sell, palette.sellText]
        : [palette.muted, palette.muted];
  ctx.beginPath();
  ctx.arc(x, y, radius, 0, fullTurn);
  ctx.globalAlpha = alpha.ground;
  ctx.fillStyle = ground;
  ctx.fill();
  ctx.globalAlpha = alpha.rim;
  ctx.lineWidth = 1.5 * dpr;
  ctx.strokeStyle = rim;
  ctx.stroke();
  ctx.globalAlpha = 1;
  if (placed.numbered) drawNumber(ctx, model, placed);
}

// Inside, where there is room for it.
function drawNumber(ctx: Context, model: ChartModel, { x, y, radius, lots }: PlacedOrder): void {
  const { dpr, palette, quantity } = model;
  const text = cellQuantity(lots, quantity);
  const size = Math.min(textCss.most * dpr, (1.7 * radius) / (text.length * digitWidth));
  if (size < textCss.least * dpr) return;
  plainText(ctx, text, x, y, { size, weight: 700, colour: palette.text, halo: palette.background, align: "center" });
}
