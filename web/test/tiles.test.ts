import { describe, expect, it } from "vitest";
import { barLayout, hasText } from "../src/series/footprint/layout";
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
