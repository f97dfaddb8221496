import { describe, expect, it } from "vitest";
import type { BlockStyle } from "../src/renderers/block";
import { paintNumbers } from "../src/renderers/numbers";
import { clearRows, emptySheet } from "../src/renderers/sheet";
import type { Context } from "../src/renderers/text";
import { barLayout, hasText } from "../src/series/footprint/layout";
import { NumberTiles } from "../src/series/footprint/number-tiles";
import { type CanvasSource, TileCache } from "../src/series/footprint/tiles";

// Canvases that remember only their size.
function source(): { make: CanvasSource; count: () => number } {
  let made = 0;
  const make: CanvasSource = (width, height) => {
    made += 1;
    return { width, height, getContext: () => ({}) } as unknown as HTMLCanvasElement;
  };
  return { make, count: () => made };
}

describe("TileCache", () => {
  it("paints a bar once, and again when the bar has changed", () => {
    const cache = new TileCache(source().make);
    cache.restart("a");
    let painted = 0;
    const take = (version: number): void => void cache.take(7, version, 80, 300, () => painted++);
    take(1);
    take(1);
    take(1);
    expect(painted).toBe(1);
    take(2);
    expect(painted).toBe(2);
  });

  it("uses canvases again: a pan over many bars makes few", () => {
    const { make, count } = source();
    const cache = new TileCache(make);
    cache.restart("a");
    for (let from = 0; from < 500; from += 1) {
      for (let index = from; index < from + 16; index += 1) cache.take(index, 1, 80, 300 + (index % 7) * 10, () => {});
      cache.trim(from, from + 15, 12);
    }
    expect(cache.size).toBeLessThanOrEqual(16 + 24);
    expect(count()).toBeLessThanOrEqual(60);
  });

  it("forgets all tiles of another scale but keeps their canvases", () => {
    const { make, count } = source();
    const cache = new TileCache(make);
    cache.restart("a");
    for (let index = 0; index < 10; index += 1) cache.take(index, 1, 80, 300, () => {});
    cache.restart("b");
    expect(cache.size).toBe(0);
    expect([cache.fits("a"), cache.fits("b")]).toEqual([false, true]);
    for (let index = 0; index < 10; index += 1) cache.take(index, 1, 80, 300, () => {});
    expect(count()).toBe(10);
  });

  it("gives a bar that has grown a higher canvas", () => {
    const cache = new TileCache(source().make);
    cache.restart("a");
    expect(cache.take(1, 1, 80, 100, () => {}).canvas.height).toBe(128);
    expect(cache.take(1, 2, 80, 120, () => {}).canvas.height).toBe(128);
    expect(cache.take(1, 3, 80, 130, () => {}).canvas.height).toBe(256);
  });
});

describe("NumberTiles", () => {
  it("writes each number once, also when what is usual becomes longer while the scale stands", () => {
    const written = { page: 0, tile: 0 };
    const pen = (on: "page" | "tile"): Context => {
      const fillText = (): void => {
        written[on] += 1;
      };
      const own = { fillText, measureText: () => ({ width: 7 }) };
      return new Proxy(own as unknown as Context, {
        get: (target, name) => (name in target ? target[name as keyof Context] : () => {}),
        set: () => true,
      });
    };
    const tiles = new NumberTiles((width, height) => {
      const canvas = { width, height, getContext: () => pen("tile") };
      return canvas as unknown as HTMLCanvasElement;
    });
    const sheet = emptySheet();
    clearRows(sheet, 1);
    [sheet.splitText, sheet.leftText[0], sheet.leftColour[0]] = [false, "12.3k", "#fff"];
    const paint = (characters: number): void => {
      const usual = 7 * characters; // measured above
      const style = { font: 12, usual, line: 1, gap: 1, marksBold: false } as BlockStyle;
      tiles.begin("scale", style);
      [written.page, written.tile] = [0, 0];
      tiles.paint(pen("page"), 0, 1, sheet, { left: 0, bottom: 20, width: 90, row: 20, from: 0, to: 0 }, style);
    };
    paint(4);
    expect(written).toEqual({ page: 1, tile: 0 });
    paint(5);
    expect(written).toEqual({ page: 0, tile: 1 });
    paint(5);
    expect(written).toEqual({ page: 0, tile: 0 });
    paint(4);
    expect(written).toEqual({ page: 1, tile: 0 });
  });
});

describe("NumberTiles of bars with two numbers a row", () => {
  it("hold both numbers whole, and put them where they stand without a picture", () => {
    const letter = 7;
    const penOf = (found: number[]): Context =>
      new Proxy(
        {
          fillText: (_text: string, x: number) => void found.push(x),
          measureText: () => ({ width: letter }),
        } as unknown as Context,
        {
          get: (target, name) => (name in target ? target[name as keyof Context] : () => {}),
          set: () => true,
        },
      );
    const [inTile, direct]: [number[], number[]] = [[], []];
    const widths: number[] = [];
    const tiles = new NumberTiles((width, height) => {
      widths.push(width);
      return { width, height, getContext: () => penOf(inTile) } as unknown as HTMLCanvasElement;
    });
    const sheet = emptySheet();
    clearRows(sheet, 1);
    [sheet.form, sheet.splitText] = ["bars", true];
    [sheet.leftText[0], sheet.rightText[0], sheet.leftColour[0], sheet.rightColour[0]] = [
      "12.3",
      "4.5",
      "#fff",
      "#fff",
    ];
    const style = { font: 12, usual: 4 * letter, line: 1, gap: 1, marksBold: false } as BlockStyle;
    const at = { left: 0, bottom: 20, width: 120, row: 20, from: 0, to: 0 };
    const placed: number[] = [];
    const page = new Proxy(
      { drawImage: (...all: number[]) => void placed.push(all[5] as number) } as unknown as Context,
      {
        get: (target, name) => (name in target ? target[name as keyof Context] : () => {}),
        set: () => true,
      },
    );
    tiles.begin("scale", style);
    tiles.paint(page, 0, 1, sheet, at, style);
    paintNumbers(penOf(direct), sheet, at, style);
    expect(inTile.map((x) => x + (placed[0] as number))).toEqual(direct);
    expect(Math.min(...inTile)).toBeGreaterThanOrEqual(0);
    expect((inTile[1] as number) + 3 * letter).toBeLessThanOrEqual(widths[0] as number);
  });
});

describe("barLayout", () => {
  it("keeps candle, brackets and cells apart and inside of the bar, at every width and sharpness", () => {
    for (const dpr of [1, 1.25, 1.5, 2, 3]) {
      for (let bar = Math.ceil(9 * dpr); bar < 480 * dpr; bar += 1) {
        const layout = barLayout(bar, dpr);
        expect(layout.candleLeft + layout.candleWidth).toBeLessThanOrEqual(layout.sellBracket);
        expect(layout.sellBracket + layout.bracketWidth).toBeLessThanOrEqual(layout.blockLeft);
        expect(layout.blockLeft + layout.blockWidth).toBeLessThanOrEqual(layout.buyBracket);
        expect(layout.buyBracket + layout.bracketWidth).toBeLessThanOrEqual(bar);
        expect(Number.isInteger(layout.blockLeft) && Number.isInteger(layout.blockWidth)).toBe(true);
      }
    }
  });

  it("gives narrow bars to their cells", () => {
    expect(barLayout(5, 1)).toMatchObject({ candleWidth: 0, blockLeft: 0, blockWidth: 4 });
    expect(barLayout(2, 1)).toMatchObject({ blockWidth: 2 });
  });

  it("has text from 9 px height and 44 px width on", () => {
    expect([hasText(9, 44, 1), hasText(8.9, 44, 1), hasText(9, 43, 1), hasText(18, 88, 2), hasText(17, 88, 2)]).toEqual(
      [true, false, false, true, false],
    );
  });
});
