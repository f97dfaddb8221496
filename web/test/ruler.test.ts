import { describe, expect, it } from "vitest";
import { BarSeries } from "../src/data/bar-series";
import { ChartModel } from "../src/model/chart-model";
import { measure, type Ruler, rulerWords } from "../src/model/ruler";
import type { BarIndex, PriceTick } from "../src/protocol/units";
import { frameOf, meta } from "./support/frames";

function modelOf(...args: Parameters<typeof frameOf>): ChartModel {
  const series = new BarSeries();
  series.merge(frameOf(...args));
  const model = new ChartModel();
  model.open(series, meta);
  return model;
}

const ruler = (from: readonly [number, number], to: readonly [number, number]): Ruler => ({
  from: { index: from[0] as BarIndex, tick: from[1] as PriceTick },
  to: { index: to[0] as BarIndex, tick: to[1] as PriceTick },
});

describe("the ruler", () => {
  const bars = [
    { minute: 0, cells: [[100, 5, 3]] as const },
    {
      minute: 1,
      cells: [
        [100, 7, 1],
        [101, 0, 4],
      ] as const,
    },
    { minute: 2, cells: [[101, 2, 9]] as const, final: false },
  ];

  it("sums whole bars, both ends included, whichever way it was drawn", () => {
    for (const drawn of [ruler([0, 200], [1, 205]), ruler([1, 205], [0, 200])]) {
      const found = measure(modelOf(bars), drawn);
      expect([found.bars, found.buy, found.sell, found.trades]).toEqual([2, 12, 8, 3]);
      expect(Math.abs(found.ticks)).toBe(5);
      expect(found.spanNs).toBe(120_000_000_000n);
    }
  });

  it("ends with the last trade of a bar that is open", () => {
    expect(measure(modelOf(bars), ruler([0, 200], [2, 200])).spanNs).toBe(179_000_000_000n);
  });

  it("keeps to the bars that there are", () => {
    const found = measure(modelOf(bars), ruler([-50, 200], [99, 200]));
    expect([found.first, found.last, found.bars]).toEqual([0, 2, 3]);
  });

  it("says it in words", () => {
    const words = rulerWords(modelOf(bars), ruler([0, 200], [1, 190]));
    expect(words.rises).toBe(false);
    expect(words.said).toBe("Ruler: −5.0 (−5.00 %), −10 ticks, 2 bars, 2 min, volume 0.020, delta +0.004, 3 trades");
  });
});
