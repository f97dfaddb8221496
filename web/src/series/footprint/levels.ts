import type { StudySeries } from "../../data/study-series";
import type { ChartModel } from "../../model/chart-model";
import { ownLabels } from "../../model/own-levels";
import type { ZoneList } from "../../model/study-zones";
import { hLine, plainText } from "../../renderers/shapes";
import type { Context } from "../../renderers/text";
import type { Scene } from "./scene";

const zoneAlpha = { fresh: 0.2, tested: 0.11, edge: 0.55 } as const;
/** A naked POC of a bar that lived shorter than this, in bars, is not worth a line once it has been touched. */
const leastLife = 10;
const longestWords = 12;

/** Stacked zones and naked POCs, under the cells: a line through a number would strike it out. */
export function drawOwnUnder(ctx: Context, scene: Scene, model: ChartModel): void {
  const { nakedPoc, zones } = model.settings;
  const held = heldOf(model, ownLabels.zones);
  if (held !== null && zones === "on") for (let k = 0; k < held.list.count; k += 1) drawZone(ctx, scene, held, k);
  const pocs = heldPocs(model);
  if (pocs !== null && nakedPoc === "bars") drawBarPocs(ctx, scene, pocs);
  if (pocs !== null && nakedPoc === "sessions") drawSessionPocs(scene, pocs, (line) => drawLevel(ctx, scene, line));
}

/** Unfinished auctions, which stand on the edges of rows, and the words of all lines: over the cells. */
export function drawOwnOver(ctx: Context, scene: Scene, model: ChartModel): void {
  const { nakedPoc, unfinished } = model.settings;
  const pocs = heldPocs(model);
  if (pocs !== null && nakedPoc === "sessions") drawSessionPocs(scene, pocs, (line) => drawWords(ctx, scene, line));
  const auctions = heldOf(model, ownLabels.unfinished);
  if (auctions !== null && unfinished === "on" && scene.ticksPerLevel === 1) drawAuctions(ctx, scene, auctions);
}

interface Held {
  readonly study: StudySeries;
  readonly list: ZoneList;
  /** The bar in which one became known. */
  readonly bornBar: (k: number) => number;
}

function heldOf(model: ChartModel, label: string): Held | null {
  const study = model.studies.of(label);
  const output = study?.spec.outputs.find(({ life }) => life != null);
  if (study === null || output === undefined) return null;
  const list = model.zones.of(study, output);
  const bornBar = (k: number): number => {
    const openNs = study.events.time("open_ns", list.born[k] as number);
    return (openNs === null ? null : model.series.at(openNs)) ?? model.series.first;
  };
  return { study, list, bornBar };
}

// Until the server has answered another choice, what is held is of the one before.
function heldPocs(model: ChartModel): Held | null {
  const held = heldOf(model, ownLabels.nakedPoc);
  const scope = model.settings.nakedPoc === "bars" ? "bar" : "session";
  return (held?.study.spec.params["scope"] ?? scope) === scope ? held : null;
}

function drawBarPocs(ctx: Context, scene: Scene, { list }: Held): void {
  const dash = [2 * scene.line, 3 * scene.line];
  for (let k = 0; k < list.count; k += 1) {
    const [born, end] = [list.begin[k] as number, list.end[k] as number];
    if (Number.isFinite(end) && end - born < leastLife) continue;
    drawLevel(ctx, scene, { born, end, at: middleOf(list, k), colour: scene.palette.poc, words: "", dash });
  }
}

// Known with the first bar of the session behind its own, which may touch it at once.
function drawSessionPocs(scene: Scene, { list, bornBar }: Held, draw: (line: LevelLine) => void): void {
  for (let k = 0; k < list.count; k += 1) {
    const [born, end] = [bornBar(k), list.end[k] as number];
    draw({ born, end, at: middleOf(list, k), colour: scene.palette.poc, words: "nPOC", dash: [] });
  }
}

function drawAuctions(ctx: Context, scene: Scene, { study, list }: Held): void {
  const dash = [scene.line, 2 * scene.line];
  for (let k = 0; k < list.count; k += 1) {
    const isHigh = study.events.number("extreme", list.born[k] as number) > 0;
    const colour = isHigh ? scene.palette.sellStrong : scene.palette.buyStrong;
    const [born, end] = [list.begin[k] as number, list.end[k] as number];
    const at = (isHigh ? list.high[k] : list.low[k]) as number;
    drawMark(ctx, scene, born, at, colour);
    const level = { born, end, at, colour, words: "unfinished", dash };
    drawLevel(ctx, scene, level);
    drawWords(ctx, scene, level);
  }
}

const middleOf = (list: ZoneList, k: number): number => ((list.low[k] as number) + (list.high[k] as number)) / 2;

// From the end of its bar to the end of the bar that ended it, or on to the axis.
function reach(scene: Scene, born: number, end: number): readonly [left: number, right: number] {
  const right = Number.isFinite(end) ? Math.min(scene.width, scene.x(end + 1)) : scene.width;
  return [Math.max(0, scene.x(born + 1)), right];
}

function drawZone(ctx: Context, scene: Scene, { list }: Held, k: number): void {
  const [left, right] = reach(scene, list.begin[k] as number, list.end[k] as number);
  const [top, bottom] = [Math.round(scene.y(list.high[k] as number)), Math.round(scene.y(list.low[k] as number))];
  if (right <= left || bottom < 0 || top > scene.height) return;
  const isSupport = (list.side[k] as number) > 0;
  ctx.fillStyle = isSupport ? scene.palette.buy : scene.palette.sell;
  ctx.globalAlpha = list.isTouched[k] === 1 ? zoneAlpha.tested : zoneAlpha.fresh;
  ctx.fillRect(left, top, right - left, Math.max(scene.line, bottom - top));
  ctx.globalAlpha = zoneAlpha.edge;
  const farEdge = isSupport ? bottom - scene.line : top;
  ctx.fillRect(left, farEdge, right - left, scene.line);
  ctx.globalAlpha = 1;
}

interface LevelLine {
  readonly born: number;
  readonly end: number;
  /** In rows from the low edge of row 0. */
  readonly at: number;
  readonly colour: string;
  readonly words: string;
  readonly dash: readonly number[];
}

function drawLevel(ctx: Context, scene: Scene, { born, end, at, colour, dash }: LevelLine): void {
  const [left, right] = reach(scene, born, end);
  const y = scene.y(at);
  if (right <= left || y < 0 || y > scene.height) return;
  ctx.globalAlpha = Number.isFinite(end) ? 0.4 : 0.9;
  hLine(ctx, left, right, y, colour, scene.line, dash);
  ctx.globalAlpha = 1;
}

function drawWords(ctx: Context, scene: Scene, { born, end, at, colour, words }: LevelLine): void {
  const [left, right] = reach(scene, born, end);
  const [y, size] = [scene.y(at), 10 * scene.dpr];
  if (Number.isFinite(end) || y < 0 || y > scene.height || right - left < longestWords * size) return;
  const halo = scene.palette.background;
  plainText(ctx, words, right - 4 * scene.dpr, y - size * 0.75, { size, colour, align: "right", halo });
}

// A short thick line at the extreme itself.
function drawMark(ctx: Context, scene: Scene, born: number, at: number, colour: string): void {
  const left = scene.x(born) + scene.layout.blockLeft;
  if (left > scene.width || left + scene.layout.blockWidth < 0) return;
  hLine(ctx, left, left + scene.layout.blockWidth, scene.y(at), colour, 2 * scene.line);
}
