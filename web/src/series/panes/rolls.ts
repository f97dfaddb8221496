import type { ChartModel } from "../../model/chart-model";
import { barIndexOf, rollText } from "../../model/rolls";
import { plainText, vLine } from "../../renderers/shapes";
import type { Context } from "../../renderers/text";

/** Where a continuous future goes on with another contract: a line before the first bar of the new one, with both names. */
export function drawRolls(ctx: Context, model: ChartModel, height: number, isLabelled: boolean): void {
  const { palette, dpr, time } = model;
  const line = Math.max(1, Math.round(dpr));
  const size = 11 * dpr;
  for (const roll of model.rolls) {
    const index = barIndexOf(model, roll);
    if (index === null) continue;
    const x = Math.round(time.x(index));
    if (x < -line || x > time.width) continue;
    vLine(ctx, x, 0, height, palette.gap, 2 * line, [6 * line, 3 * line]);
    if (!isLabelled) continue;
    const text = rollText(roll, model);
    const isRight = x + (text.length * size) / 2 + 12 * dpr < time.width;
    plainText(ctx, text, x + (isRight ? 6 : -6) * dpr, 2.2 * size, {
      size,
      weight: 600,
      colour: palette.text,
      align: isRight ? "left" : "right",
    });
  }
}
