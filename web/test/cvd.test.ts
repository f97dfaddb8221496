import { describe, expect, it } from "vitest";
import { BarSeries } from "../src/data/bar-series";
import { drawCvd } from "../src/series/panes/cvd";
import type { PaneFrame } from "../src/series/panes/registry";
import { type BarSpec, frameOf } from "./support/frames";

/** The strokes of the line, each the values that it joins. */
function strokes(bars: readonly BarSpec[]): number[][] {
  const series = new BarSeries();
  series.merge(frameOf(bars));
  const drawn: number[][] = [];
  const ctx = {
    beginPath: () => {},
    stroke: () => {},
    fillRect: () => {},
    moveTo: (_: number, y: number) => drawn.push([y]),
    lineTo: (_: number, y: number) => drawn.at(-1)?.push(y),
  };
  const model = {
    series,
    dpr: 1,
    settings: { cvdStyle: "line" },
    palette: {},
    time: { width: 100, bar: 10, x: (index: number) => 10 * index },
    visibleBars: () => ({ from: series.first, to: series.last }),
  };
  drawCvd({ ctx, model, scale: { y: (value: number) => value } } as unknown as PaneFrame);
  return drawn;
}

// Each bar buys 5 and sells 3: its delta is 2.
const bar = (minute: number, cvd: number, incomplete = false): BarSpec => ({ minute, cvd, incomplete });

describe("the line of the CVD", () => {
  it("goes through the closes, and begins anew where the sum was reset", () => {
    expect(strokes([bar(0, 2), bar(1, 4), bar(2, 2), bar(3, 4)])).toEqual([
      [2, 4],
      [0, 2, 4],
    ]);
  });

  it("P5: is broken before a bar of which trades are missing, and goes on from it", () => {
    expect(strokes([bar(0, 2), bar(1, 4), bar(2, 6, true), bar(3, 8)])).toEqual([
      [2, 4],
      [6, 8],
    ]);
  });
});
