import type { ChartModel } from "../../model/chart-model";
import { cellQuantity } from "../../model/format";
import { type PlacedOrder, placedOrders } from "../../model/orders";
import { plainText } from "../../renderers/shapes";
import { type Context, textWidth } from "../../renderers/text";

const alpha = { ground: 0.34, rim: 0.95 } as const;
const textCss = { least: 9, most: 12 } as const;
const fullTurn = 2 * Math.PI;

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** The large orders on screen: circles over the cells, which stay readable through them, and the sizes of the largest. */
export function drawOrders(ctx: Context, model: ChartModel): void {
  const placed = placedOrders(model);
  for (const one of placed) drawCircle(ctx, model, one);
  const taken: Box[] = [];
  for (const one of placed) if (one.numbered) drawNumber(ctx, model, one, taken);
}

function drawCircle(ctx: Context, { palette, dpr }: ChartModel, { x, y, radius, side }: PlacedOrder): void {
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
}

// Inside, where there is room for it and no larger one's number stands.
function drawNumber(ctx: Context, model: ChartModel, { x, y, radius, lots }: PlacedOrder, taken: Box[]): void {
  const { dpr, palette, quantity } = model;
  const text = cellQuantity(lots, quantity);
  // Measured in one size: letters of every other one would be measured anew.
  const most = textCss.most * dpr;
  const share = Math.min(1, (1.7 * radius) / textWidth(text, most, 700));
  const size = most * share;
  if (size < textCss.least * dpr) return;
  const half = (textWidth(text, most, 700) * share) / 2;
  const box = { left: x - half, right: x + half, top: y - size / 2, bottom: y + size / 2 };
  const isOn = (one: Box): boolean =>
    one.left < box.right && box.left < one.right && one.top < box.bottom && box.top < one.bottom;
  if (taken.some(isOn)) return;
  taken.push(box);
  plainText(ctx, text, x, y, { size, weight: 700, colour: palette.text, halo: palette.background, align: "center" });
}
