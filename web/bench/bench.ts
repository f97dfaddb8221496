/**
 * The frame benchmark: the page's own chart on a fixed scene, and beside it the plain way of drawing the same cells.
 * `benchmarks/page_frames.py` opens it and calls `window.footloomBench`.
 */
import { BarSeries } from "../src/data/bar-series";
import { Chart } from "../src/gui/chart";
import type { Pane } from "../src/gui/panes";
import { ChartModel } from "../src/model/chart-model";
import { cellQuantity } from "../src/model/format";
import { Level } from "../src/model/invalidation";
import { rampStep } from "../src/model/palette";
import type { BarIndex } from "../src/protocol/units";
import { fontOf } from "../src/renderers/text";
import { barLayout, hasText } from "../src/series/footprint/layout";
import { onECharts } from "./peers/echarts";
import { lightweight } from "./peers/lightweight";
import type { Peer, Scene } from "./peers/scene";
import { levels, makeFrame, meta, randomFrom } from "./synthetic";

type SceneName = "pan" | "panAll" | "zoom" | "live";
/** `blank` paints one rectangle: what a frame of this size costs the browser, whoever draws. */
type PainterName = "footloom" | "naive" | "blank" | PeerName;
type PeerName = keyof typeof peers;

interface Timing {
  readonly scene: SceneName;
  readonly painter: PainterName;
  readonly frames: number;
  /** Script of a frame, and frame to frame with its rasterisation; milliseconds. */
  readonly script: { readonly p50: number; readonly p95: number };
  readonly frame: { readonly p50: number; readonly p95: number };
}

declare global {
  interface Window {
    footloomBench?: {
      readonly cells: number;
      /** Draw `frames` frames, or, once `leastFrames` are drawn, as many as `mostMs` milliseconds allow. */
      run(scene: SceneName, painter: PainterName, frames: number, mostMs: number): Promise<Timing>;
      /** Frames drawn in `ms` milliseconds without data or input. */
      idle(ms: number): Promise<number>;
      /** Let `hours` of one-minute bars come, each in several updates. @returns the bytes of the columns of those bars */
      replay(hours: number): Promise<number>;
    };
  }
}

const bars = 300;
/** As few frames as a slow painter is judged by. */
const leastFrames = 5;
const firstMs = Date.UTC(2025, 10, 21);
const model = new ChartModel();
const root = document.getElementById("chart") as HTMLElement;
const chart = new Chart(root, model, { viewMoved: () => {}, cursorMoved: () => {}, panesChanged: () => {} });
const series = new BarSeries();
series.reset(makeFrame("snapshot", bars, 7, firstMs));
model.open(series, meta);
chart.resize();

const nextFrame = (): Promise<number> => new Promise((resolve) => requestAnimationFrame(resolve));
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
// After the task that draws has ended: what it drew is on its way to the screen.
const afterTask = (): Promise<void> =>
  new Promise((resolve) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => resolve();
    channel.port2.postMessage(null);
  });

function percentiles(times: readonly number[]): { p50: number; p95: number } {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: at(0.5), p95: at(0.95) };
}

/** Show `count` bars ending at `right`, their prices in the middle. */
function view(right: number, count: number, rows: number): void {
  model.autoScale = "manual";
  model.time.setBar(model.time.width / count);
  model.time.setRight(right);
  const middle = Math.max(0, Math.min(bars - 1, Math.round(right - count / 3)));
  const base = count > 80 ? 130_000 : series.number("base_row", middle as BarIndex) + levels / 2;
  model.price.set(model.price.height / rows, base);
  peer?.show(right, count, base - rows / 2, base + rows / 2);
}

const scenes: Readonly<Record<SceneName, (frame: number) => void>> = {
  pan: (frame) => view(230 + 30 * Math.sin(frame / 25), 16, 62),
  panAll: (frame) => view(300 + 4 * Math.sin(frame / 12), 302, 220),
  zoom: (frame) => {
    const count = 14 + 143 * (1 - Math.cos(frame / 30));
    view(300, count, Math.min(220, 40 + count * 0.8));
  },
  live: () => view(301, 16, 62),
};

// --- the plain way: two rectangles and two texts a cell, one canvas --------------------------------------------------

const naiveCanvas = document.createElement("canvas");
naiveCanvas.id = "naive";
const naiveContext = naiveCanvas.getContext("2d", { alpha: false }) as CanvasRenderingContext2D;

function drawNaively(): void {
  const { palette, dpr, time, price } = model;
  const ctx = naiveContext;
  ctx.fillStyle = palette.background;
  ctx.fillRect(0, 0, naiveCanvas.width, naiveCanvas.height);
  const layout = barLayout(time.bar, dpr);
  const withText = hasText(price.row, layout.blockWidth, dpr);
  const half = Math.max(1, layout.blockWidth / 2);
  const { from, to } = model.visibleBars();
  ctx.font = fontOf(Math.min(12, Math.floor(price.row - 2)));
  ctx.textBaseline = "middle";
  for (let index = from; index <= to; index += 1) {
    const cells = series.levels(index as BarIndex);
    const left = time.x(index) + layout.blockLeft;
    const base = series.number("base_row", index as BarIndex);
    for (let k = cells.from; k < cells.to; k += 1) {
      const [buy, sell] = [cells.columns.buy[k] as number, cells.columns.sell[k] as number];
      const top = price.y(base + (cells.columns.row[k] as number) + 1);
      if (top < -price.row || top > price.height) continue;
      ctx.fillStyle = palette.sellRamp.ground[rampStep(sell, model.typical)] as string;
      ctx.fillRect(left, top, half, Math.max(1, price.row - 1));
      ctx.fillStyle = palette.buyRamp.ground[rampStep(buy, model.typical)] as string;
      ctx.fillRect(left + half, top, half, Math.max(1, price.row - 1));
      if (!withText) continue;
      ctx.fillStyle = palette.text;
      ctx.textAlign = "right";
      ctx.fillText(cellQuantity(sell, model.quantity), left + half - 3, top + price.row / 2);
      ctx.textAlign = "left";
      ctx.fillText(cellQuantity(buy, model.quantity), left + half + 3, top + price.row / 2);
    }
  }
}

function drawBlank(): void {
  blanks += 1;
  naiveContext.fillStyle = blanks % 2 === 0 ? model.palette.background : model.palette.text;
  naiveContext.fillRect(0, 0, naiveCanvas.width, naiveCanvas.height);
}

let blanks = 0;

// --- other libraries -------------------------------------------------------------------------------------------------

const peers = { lightweight, echarts: onECharts };
const peerRoot = document.getElementById("peer") as HTMLElement;
const scene: Scene = {
  series,
  bars,
  palette: model.palette,
  typical: () => model.typical,
  text: (quantity) => cellQuantity(quantity, model.quantity),
};
let peer: Peer | null = null;

const isPeer = (painter: PainterName): painter is PeerName => painter in peers;

function choosePainter(painter: PainterName): void {
  peer?.dispose();
  peer = null;
  peerRoot.hidden = !isPeer(painter);
  root.hidden = isPeer(painter);
  if (isPeer(painter)) peer = peers[painter](peerRoot, scene);
  else if (painter !== "footloom") {
    const [price] = chart.stack.panes as [Pane];
    const { canvas } = price.cells;
    naiveCanvas.width = model.time.width;
    naiveCanvas.height = canvas.height;
    naiveCanvas.style.cssText = `position:absolute;left:0;top:0;width:${model.time.width / model.dpr}px;height:${canvas.height / model.dpr}px`;
    price.element.append(naiveCanvas);
  } else naiveCanvas.remove();
}

function draw(painter: PainterName, level: Level): void {
  if (peer !== null) return; // it was told of the view, and draws by itself
  if (painter !== "footloom") {
    model.settle();
    if (painter === "naive") drawNaively();
    else drawBlank();
    return;
  }
  chart.invalidate(level);
  chart.flush();
}

// --- runs ------------------------------------------------------------------------------------------------------------

const isOver = (done: number, frames: number, endsMs: number): boolean =>
  done >= frames || (done >= Math.min(frames, leastFrames) && performance.now() > endsMs);

async function runMoving(
  scene: Exclude<SceneName, "live">,
  painter: PainterName,
  frames: number,
  mostMs: number,
): Promise<Timing> {
  const [script, frame]: [number[], number[]] = [[], []];
  const ends = performance.now() + mostMs;
  let last = 0;
  let k = 0;
  for (; !isOver(k, frames, ends); k += 1) {
    await nextFrame();
    const now = performance.now();
    if (last > 0) frame.push(now - last);
    last = now;
    scenes[scene](k);
    draw(painter, Level.full);
    script.push(performance.now() - now);
  }
  return { scene, painter, frames: k, script: percentiles(script), frame: percentiles(frame) };
}

// Three cells of the newest bar change, twenty times a second.
async function runLive(painter: PainterName, frames: number, mostMs: number): Promise<Timing> {
  const [script, frame]: [number[], number[]] = [[], []];
  const random = randomFrom(11);
  scenes.live(0);
  draw(painter, Level.full);
  await pause(200);
  const ends = performance.now() + mostMs;
  let k = 0;
  for (; !isOver(k, frames, ends); k += 1) {
    await pause(50);
    const start = performance.now();
    series.merge(liveFrame(random, k));
    peer?.update();
    draw(painter, Level.light);
    script.push(performance.now() - start);
    await nextFrame();
    await afterTask();
    frame.push(performance.now() - start);
  }
  return { scene: "live", painter, frames: k, script: percentiles(script), frame: percentiles(frame) };
}

const liveBase = makeFrame("bar_open", 1, 99, firstMs + (bars - 1) * 60_000);

function liveFrame(random: () => number, k: number): ReturnType<typeof makeFrame> {
  for (let n = 0; n < 3; n += 1) {
    const at = 15 + Math.floor(random() * 30);
    const column = (k + n) % 2 === 0 ? liveBase.levels.buy : liveBase.levels.sell;
    column[at] = (column[at] as number) + 30;
  }
  return liveBase;
}

// A bar comes, and is changed three times; the reader follows it.
async function replayBar(k: number): Promise<number> {
  const opensMs = firstMs + (bars + k) * 60_000;
  let frame = makeFrame("bar_open", 1, k, opensMs);
  for (let update = 0; update < 4; update += 1) {
    if (update > 0) frame = makeFrame("bar_open", 1, k + update * 1e6, opensMs);
    model.changed(series.merge(frame));
    draw("footloom", update === 0 ? Level.full : Level.light);
    await nextFrame();
  }
  const sizes = [...Object.values(frame.bars), ...Object.values(frame.levels)].map((column) => column.byteLength);
  return sizes.reduce((sum, size) => sum + size, 0);
}

window.footloomBench = {
  cells: bars * levels,
  async run(scene, painter, frames, mostMs) {
    choosePainter(painter);
    await pause(100);
    if (scene === "live") return runLive(painter, frames, mostMs);
    await runMoving(scene, painter, 6, mostMs / 8);
    return runMoving(scene, painter, frames, mostMs);
  },
  async replay(hours) {
    choosePainter("footloom");
    model.setAutoScale("centre");
    model.toLatest();
    let bytes = 0;
    const from = series.length - bars;
    for (let k = from; k < from + 60 * hours; k += 1) bytes += await replayBar(k);
    return bytes;
  },
  async idle(ms) {
    choosePainter("footloom");
    await pause(300);
    const before = chart.stats.frames;
    await pause(ms);
    return chart.stats.frames - before;
  },
};
