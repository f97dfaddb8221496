import { rulesKey } from "../../model/cell-look";
import type { ChartModel } from "../../model/chart-model";
import type { Level } from "../../model/level";
import { ownLevels } from "../../model/levels-choice";
import { type Auction, Lives, type Zone } from "../../model/lives";
import { ZoneClock } from "../../model/time-zone";
import { hLine, plainText } from "../../renderers/shapes";
import type { Context } from "../../renderers/text";
import type { Scene } from "./scene";

const zoneAlpha = { fresh: 0.2, tested: 0.11, edge: 0.55 } as const;
/** A naked POC of a bar that lived shorter than this, in bars, is not worth a line once it has been touched. */
const leastLife = 10;
const longestWords = 12;

/** Zones and lines that live on after their bar: what they are is `model/lives`, here they are only drawn. */
export class LevelLines {
  readonly #lives = new Lives();
  #clock = new ZoneClock("UTC");

  /** Stacked zones, under the cells. */
  drawZones(ctx: Context, scene: Scene, model: ChartModel): void {
    const { zones, nakedPoc, unfinished } = ownLevels(model);
    if (model.meta === null || (zones === "off" && nakedPoc === "none" && unfinished === "off")) return;
    if (this.#clock.zone !== model.meta.tz) this.#clock = new ZoneClock(model.meta.tz);
    const style = { ticksPerLevel: model.price.ticksPerLevel, rules: rulesKey(model.settings), clock: this.#clock };
    this.#lives.follow(model.series, style);
    if (zones === "on") for (const zone of this.#lives.zones) drawZone(ctx, scene, zone);
  }

  /** Naked POCs and unfinished auctions, over the cells. */
  drawLines(ctx: Context, scene: Scene, model: ChartModel): void {
    const { nakedPoc, unfinished } = ownLevels(model);
    if (nakedPoc === "bars") this.#drawBarPocs(ctx, scene);
    if (nakedPoc === "sessions") this.#drawSessionPocs(ctx, scene);
    if (unfinished === "on" && scene.unfinished) this.#drawAuctions(ctx, scene);
  }

  #drawBarPocs(ctx: Context, scene: Scene): void {
    const dash = [2 * scene.line, 3 * scene.line];
    for (const level of this.#lives.barPocs) {
      if (level.end !== null && level.end - level.born < leastLife) continue;
      drawLevel(ctx, scene, level, { shift: 0.5, colour: scene.palette.poc, words: "", dash });
    }
  }

  #drawSessionPocs(ctx: Context, scene: Scene): void {
    for (const level of this.#lives.sessionPocs) {
      drawLevel(ctx, scene, level, { shift: 0.5, colour: scene.palette.poc, words: "nPOC", dash: [] });
    }
  }

  #drawAuctions(ctx: Context, scene: Scene): void {
    const dash = [scene.line, 2 * scene.line];
    for (const auction of this.#lives.auctions) {
      const isHigh = auction.extreme > 0;
      const colour = isHigh ? scene.palette.sellStrong : scene.palette.buyStrong;
      drawMark(ctx, scene, auction, colour);
      drawLevel(ctx, scene, auction, { shift: isHigh ? 1 : 0, colour, words: "unfinished", dash });
    }
  }
}

// From the end of its bar to the end of the bar that ended it, or on to the axis.
function reach(scene: Scene, born: number, end: number | null): readonly [left: number, right: number] {
  const right = end === null ? scene.width : Math.min(scene.width, scene.x(end + 1));
  return [Math.max(0, scene.x(born + 1)), right];
}

function drawZone(ctx: Context, scene: Scene, zone: Zone): void {
  const [left, right] = reach(scene, zone.born, zone.end);
  const [top, bottom] = [Math.round(scene.y(zone.high + 1)), Math.round(scene.y(zone.low))];
  if (right <= left || bottom < 0 || top > scene.height) return;
  ctx.fillStyle = zone.side > 0 ? scene.palette.buy : scene.palette.sell;
  ctx.globalAlpha = zone.tested ? zoneAlpha.tested : zoneAlpha.fresh;
  ctx.fillRect(left, top, right - left, Math.max(scene.line, bottom - top));
  ctx.globalAlpha = zoneAlpha.edge;
  const farEdge = zone.side > 0 ? bottom - scene.line : top;
  ctx.fillRect(left, farEdge, right - left, scene.line);
  ctx.globalAlpha = 1;
}

interface LineLook {
  /** Where in its row the line is, 0 at the low edge. */
  readonly shift: number;
  readonly colour: string;
  readonly words: string;
  readonly dash: readonly number[];
}

function drawLevel(ctx: Context, scene: Scene, level: Level, look: LineLook): void {
  const [left, right] = reach(scene, level.born, level.end);
  const y = scene.y(level.row + look.shift);
  if (right <= left || y < 0 || y > scene.height) return;
  ctx.globalAlpha = level.end === null ? 0.9 : 0.4;
  hLine(ctx, left, right, y, look.colour, scene.line, look.dash);
  ctx.globalAlpha = 1;
  if (look.words === "" || level.end !== null) return;
  const size = 10 * scene.dpr;
  if (right - left < longestWords * size) return;
  plainText(ctx, look.words, right - 4 * scene.dpr, y - size * 0.75, { size, colour: look.colour, align: "right" });
}

// A short thick line at the extreme itself.
function drawMark(ctx: Context, scene: Scene, { row, born, extreme }: Auction, colour: string): void {
  const left = scene.x(born) + scene.layout.blockLeft;
  if (left > scene.width || left + scene.layout.blockWidth < 0) return;
  const y = scene.y(row + (extreme > 0 ? 1 : 0));
  hLine(ctx, left, left + scene.layout.blockWidth, y, colour, 2 * scene.line);
}
