import type { ChartModel } from "../../model/chart-model";
import { beyond, dayNote, type OptionLevels, type OptionLine, type OptionLineKind } from "../../model/option-levels";
import type { Palette } from "../../model/palette";
import { hLine, plainText } from "../../renderers/shapes";
import { type Context, textWidth } from "../../renderers/text";
import { axisFont } from "./axes";

const widestCss = 90;
const barCss = 5;

const inks: Readonly<Record<OptionLineKind, (palette: Palette) => string>> = {
  call: ({ sell }) => sell,
  put: ({ buy }) => buy,
  pain: ({ gap }) => gap,
  key: ({ text }) => text,
};

/** Open interest by strike against the price axis (calls above puts), and the lines of walls and of max pain. */
export function drawOptionLevels(ctx: Context, model: ChartModel, levels: OptionLevels): void {
  const { palette, dpr, price, time, series } = model;
  const note = dayNote(levels, series.length > 0 ? series.closeNs(series.last) : null);
  const thick = Math.max(2, Math.round(barCss * dpr));
  ctx.globalAlpha = 0.5;
  for (const { tick, call, put } of levels.strikes) {
    const y = Math.round(price.yOfPrice(tick));
    if (y < -thick || y > price.height + thick) continue;
    bar(ctx, time.width, y - thick, call * widestCss * dpr, thick, palette.sell);
    bar(ctx, time.width, y, put * widestCss * dpr, thick, palette.buy);
  }
  ctx.globalAlpha = 1;
  const line = Math.max(1, Math.round(dpr));
  const size = axisFont(model) * 0.92;
  const labels: Plate[] = []; // where text stands: what would lie on it moves down
  for (const { tick, kind, text, length } of levels.lines) {
    const y = price.yOfPrice(tick);
    if (y < 0 || y > price.height) continue;
    const colour = inks[kind](palette);
    const left = Math.round(time.width * (1 - length));
    const dashes = kind === "key" ? [] : [6 * line, 4 * line];
    hLine(ctx, left, time.width, y, colour, kind === "key" ? 2 * line : line, dashes);
    const from = Math.max(left, 0) + 8 * dpr;
    const to = from + textWidth(text + note, size, 600);
    let at = y - size * 0.75;
    while (labels.some((one) => from < one.to && one.from < to && Math.abs(one.at - at) < size * 1.1))
      at += size * 1.15;
    labels.push({ from, to, at });
    plate(ctx, text + note, from, at, { size, colour, ground: palette.background });
  }
  drawBeyond(ctx, model, levels, { size, note });
}

// What stands above and below the prices that are shown, named at the edges beside the price axis.
function drawBeyond(
  ctx: Context,
  model: ChartModel,
  { lines }: OptionLevels,
  { size, note }: { readonly size: number; readonly note: string },
): void {
  const { palette, dpr, price, time } = model;
  const { above, below } = beyond(lines, (tick) => price.yOfPrice(tick), price.height);
  const right = time.width - 8 * dpr;
  const put = ({ kind, text }: OptionLine, arrow: string, middle: number): void =>
    plate(ctx, `${arrow} ${text}${note}`, right, middle, {
      size,
      colour: inks[kind](palette),
      ground: palette.background,
      isAtRight: true,
    });
  for (const [k, line] of above.entries()) put(line, "▲", size * (1 + 1.25 * (above.length - 1 - k)));
  for (const [k, line] of below.entries()) put(line, "▼", price.height - size * (1 + 1.25 * (below.length - 1 - k)));
}

interface Plate {
  readonly from: number;
  readonly to: number;
  readonly at: number;
}

interface PlateLook {
  readonly size: number;
  readonly colour: string;
  readonly ground: string;
  /** The text ends at its place; else it begins there. */
  readonly isAtRight?: boolean;
}

// Text on a ground of its own: the numbers of cells stand below it.
function plate(ctx: Context, text: string, x: number, middle: number, look: PlateLook): void {
  const { size, colour, ground, isAtRight = false } = look;
  const width = textWidth(text, size, 600);
  const pad = size * 0.35;
  const left = isAtRight ? x - width : x;
  ctx.globalAlpha = 0.88;
  ctx.fillStyle = ground;
  ctx.fillRect(
    Math.round(left - pad),
    Math.round(middle - size * 0.6),
    Math.round(width + 2 * pad),
    Math.round(size * 1.2),
  );
  ctx.globalAlpha = 1;
  plainText(ctx, text, left, middle, { size, colour, weight: 600 });
}

function bar(ctx: Context, right: number, top: number, width: number, height: number, colour: string): void {
  ctx.fillStyle = colour;
  ctx.fillRect(Math.round(right - width), top, Math.round(width), height);
}
