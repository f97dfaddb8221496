import type { LegendView } from "../model/header";
import type { Palette } from "../model/palette";
import { baselineOf, fontOf } from "../renderers/text";

/** What is written above the chart of a picture. */
export interface PictureWords {
  readonly legend: LegendView | null;
  /** The bar that the read-out is of. */
  readonly bar: string;
  /** When the picture was made, by the engine's clock. */
  readonly time: string;
  readonly badges: readonly string[];
}

const headCss = { height: 46, inset: 12, first: 13, other: 11.5 } as const;

/** Text that is on the page rather than on a canvas, and belongs to the chart: the titles of panes. */
const pageTexts = ".title";

/** The chart as it is on screen, without the crosshair, below its legend and the time. */
export function drawPicture(root: HTMLElement, palette: Palette, words: PictureWords, dpr: number): HTMLCanvasElement {
  const corner = root.getBoundingClientRect();
  const head = Math.round(headCss.height * dpr);
  const picture = document.createElement("canvas");
  picture.width = Math.round(corner.width * dpr);
  picture.height = head + Math.round(corner.height * dpr);
  const ctx = picture.getContext("2d") as CanvasRenderingContext2D;
  ctx.fillStyle = palette.background;
  ctx.fillRect(0, 0, picture.width, picture.height);
  drawHead(ctx, palette, words, dpr);
  for (const canvas of layersOf(root)) {
    const box = canvas.getBoundingClientRect();
    const [left, top] = [Math.round((box.left - corner.left) * dpr), Math.round((box.top - corner.top) * dpr)];
    ctx.drawImage(canvas, left, head + top);
  }
  for (const splitter of root.querySelectorAll<HTMLElement>(".splitter")) {
    const box = splitter.getBoundingClientRect();
    if (box.height === 0) continue;
    ctx.fillStyle = palette.grid;
    ctx.fillRect(0, head + Math.round((box.top + box.height / 2 - corner.top) * dpr), picture.width, Math.round(dpr));
  }
  drawPageTexts(ctx, root, corner, head, dpr);
  return picture;
}

// The last canvas of each pane is the crosshair's.
function layersOf(root: HTMLElement): HTMLCanvasElement[] {
  const layers: HTMLCanvasElement[] = [];
  for (const part of root.querySelectorAll<HTMLElement>(".pane, .time-axis")) {
    const all = [...part.querySelectorAll("canvas")];
    layers.push(...all.slice(0, -1).filter((canvas) => part.offsetHeight > 0 && canvas.style.display !== "none"));
  }
  return layers;
}

function drawHead(ctx: CanvasRenderingContext2D, palette: Palette, words: PictureWords, dpr: number): void {
  const [inset, first, other] = [headCss.inset * dpr, headCss.first * dpr, headCss.other * dpr];
  const { legend } = words;
  const [upper, lower] = [headCss.height * 0.3 * dpr, headCss.height * 0.7 * dpr];
  ctx.textBaseline = "alphabetic";
  ctx.textAlign = "right";
  ctx.font = fontOf(other);
  ctx.fillStyle = palette.axisText;
  const right = ctx.canvas.width - inset;
  ctx.fillText(words.time, right, baselineOf(upper, other));
  const timeWidth = ctx.measureText(words.time).width;
  ctx.font = fontOf(other, 700);
  ctx.fillStyle = palette.text;
  ctx.fillText([...words.badges, "footloom"].join("   "), right, baselineOf(lower, other));
  ctx.textAlign = "left";
  let x = inset;
  if (legend !== null) {
    ctx.font = fontOf(first, 700);
    ctx.fillText(legend.symbol, x, baselineOf(upper, first));
    x += ctx.measureText(legend.symbol).width + inset;
    const { venue, bars, step, imbalance, valueArea, unit, zone } = legend;
    const rest = [venue, bars, step, imbalance, valueArea, unit, zone].filter((text) => text !== "").join("  ·  ");
    ctx.font = fontOf(other);
    ctx.fillStyle = palette.axisText;
    ctx.fillText(rest, x, baselineOf(upper, other), Math.max(60 * dpr, right - timeWidth - inset - x));
  }
  ctx.fillStyle = palette.text;
  ctx.font = fontOf(other);
  ctx.fillText(words.bar, inset, baselineOf(lower, other), ctx.canvas.width * 0.7);
}

function drawPageTexts(
  ctx: CanvasRenderingContext2D,
  root: HTMLElement,
  corner: DOMRect,
  head: number,
  dpr: number,
): void {
  ctx.textAlign = "left";
  for (const title of root.parentElement?.querySelectorAll<HTMLElement>(pageTexts) ?? []) {
    const walk = document.createTreeWalker(title, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      const node = walk.currentNode;
      const text = node.textContent?.trim() ?? "";
      const holder = node.parentElement;
      if (text === "" || holder === null || holder.closest("button") !== null || !holder.checkVisibility()) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const box = range.getBoundingClientRect();
      const style = getComputedStyle(holder);
      const size = Number.parseFloat(style.fontSize) * dpr;
      ctx.font = fontOf(size, Number(style.fontWeight) >= 600 ? 600 : 400);
      ctx.fillStyle = style.color;
      const middle = (box.top + box.height / 2 - corner.top) * dpr;
      ctx.fillText(text, (box.left - corner.left) * dpr, head + baselineOf(middle, size));
    }
  }
}

/** `sim-PERP_1m_2025-11-21T14-37-05Z.png`. */
export function pictureName(symbol: string, bars: string, timeMs: number): string {
  const time = `${new Date(timeMs).toISOString().slice(0, 19).replace(/:/g, "-")}Z`;
  return `${[symbol, bars, time].join("_").replace(/[^\w.-]+/g, "-")}.png`;
}

export function pngOf(picture: HTMLCanvasElement): Promise<Blob> {
  return new Promise((resolve, reject) => {
    picture.toBlob(
      (blob) => (blob === null ? reject(new Error("the browser made no picture")) : resolve(blob)),
      "image/png",
    );
  });
}

/** Hand a file to the browser, which keeps it where its user keeps downloads. */
export function download(content: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
