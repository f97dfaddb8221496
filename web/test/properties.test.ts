import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BarSeries } from "../src/data/bar-series";
import { ChartModel } from "../src/model/chart-model";
import { parseGrid, unitsOf, unitsText } from "../src/model/decimal";
import { numberChoices, plainSigns, signsOf, written } from "../src/model/number-signs";
import { PriceScale } from "../src/model/price-scale";
import { readSettings } from "../src/model/settings";
import { TimeScale } from "../src/model/time-scale";
import { isZone, ZoneClock, zonesByRegion } from "../src/model/time-zone";
import { dpx, ms } from "../src/protocol/units";
import { type BarSpec, frameOf, lowPanes, meta } from "./support/frames";

const sizes = fc.integer({ min: 200, max: 4000 });
const ratios = fc.constantFrom(1, 1.25, 1.5, 2, 3);
const factors = fc.double({ min: 0.2, max: 5, noNaN: true });

describe("the time scale, whatever is done to it", () => {
  it("gives the place of a bar back as that bar", () => {
    const places = fc.record({
      width: sizes,
      dpr: ratios,
      bar: fc.double({ min: 0.4, max: 900, noNaN: true }),
      right: fc.double({ min: -5000, max: 5000, noNaN: true }),
      index: fc.integer({ min: -6000, max: 6000 }),
    });
    fc.assert(
      fc.property(places, ({ width, dpr, bar, right, index }) => {
        const scale = new TimeScale();
        scale.resize(dpx(width), dpr);
        scale.setBar(bar);
        scale.setRight(right);
        expect(scale.index(scale.x(index))).toBeCloseTo(index, 6);
        expect(scale.x(index + 1) - scale.x(index)).toBeCloseTo(scale.bar, 6);
      }),
    );
  });

  it("keeps the bar under the pointer within a pixel through any zooms", () => {
    fc.assert(
      fc.property(sizes, fc.array(factors, { minLength: 1, maxLength: 8 }), (width, zooms) => {
        const scale = new TimeScale();
        scale.resize(dpx(width), 1);
        scale.setRight(100);
        for (const factor of zooms) {
          const held = scale.index(width / 3);
          scale.zoomAt(width / 3, factor);
          expect(Math.abs(scale.x(held) - width / 3)).toBeLessThanOrEqual(1.01);
        }
      }),
    );
  });
});

describe("the price scale, whatever is done to it", () => {
  it("finds each row again in the middle of where it is drawn, at any step", () => {
    const places = fc.record({
      height: sizes,
      row: fc.double({ min: 0.05, max: 110, noNaN: true }),
      centre: fc.integer({ min: -50_000, max: 500_000 }),
      ticks: fc.integer({ min: 1, max: 1000 }),
      away: fc.integer({ min: -200, max: 200 }),
    });
    fc.assert(
      fc.property(places, ({ height, row, centre, ticks, away }) => {
        const scale = new PriceScale();
        scale.resize(dpx(height), 1);
        scale.setTicksPerLevel(ticks);
        scale.set(row, centre);
        expect(scale.rowAt(scale.y(centre + away) - scale.row / 2)).toBe(centre + away);
      }),
    );
  });

  it("leaves prices where they are when the step changes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 500 }), (from, to) => {
        const scale = new PriceScale();
        scale.resize(dpx(700), 1);
        scale.setTicksPerLevel(from);
        scale.set(0.5, 1000);
        const middle = scale.centre * scale.ticksPerLevel;
        scale.setTicksPerLevel(to);
        expect(scale.centre * scale.ticksPerLevel).toBeCloseTo(middle, 6);
      }),
    );
  });
});

const bars: readonly BarSpec[] = Array.from({ length: 120 }, (_, minute) => {
  const low = 1000 + Math.round(12 * Math.sin(minute / 6));
  return { minute, cells: Array.from({ length: 5 }, (_unused, k) => [low + k, 3 + k, 2 + k] as const) };
});

type Move = (model: ChartModel) => void;
const moves: fc.Arbitrary<Move> = fc.oneof(
  fc.integer({ min: -3000, max: 3000 }).map(
    (dx): Move =>
      (model) =>
        model.panTime(dx),
  ),
  fc.integer({ min: -300, max: 300 }).map(
    (dy): Move =>
      (model) =>
        model.panPrice(dy),
  ),
  fc.tuple(fc.integer({ min: 0, max: 1600 }), factors).map(
    ([x, factor]): Move =>
      (model) =>
        model.zoomTime(x, factor),
  ),
  fc.tuple(fc.integer({ min: 0, max: 600 }), factors).map(
    ([y, factor]): Move =>
      (model) =>
        model.zoomPrice(y, factor),
  ),
  fc.constantFrom<Move>(
    (model) => model.toOldest(),
    (model) => model.toLatest(),
    (model) => void model.nextAutoScale(),
    (model) => model.resetPrice(),
    (model) => model.defaultBarWidth(),
  ),
);

describe("the view, whatever is done to it", () => {
  it("never loses the bars, follows exactly where the newest is whole, and comes back with End", () => {
    fc.assert(
      fc.property(fc.array(moves, { maxLength: 25 }), (done) => {
        const model = new ChartModel();
        model.resize({ width: dpx(1600), priceHeight: dpx(600), paneHeights: lowPanes, dpr: 1 });
        const series = new BarSeries();
        series.reset(frameOf(bars));
        model.open(series, meta);
        model.settle();
        for (const move of done) {
          move(model);
          model.settle();
          const { from, to } = model.visibleBars();
          expect(to).toBeGreaterThanOrEqual(from);
          expect(Number.isFinite(model.price.centre) && model.price.row > 0 && model.time.bar > 0).toBe(true);
        }
        model.toLatest();
        model.resetPrice();
        model.setAutoScale("fit");
        model.settle();
        expect(model.following).toBe(true);
        expect(model.visibleBars().to).toBe(series.last);
        expect(model.priceIsOff).toBe(false);
      }),
    );
  });
});

describe("numbers as languages write them", () => {
  it("are exact: with the signs taken out again they are the plain ones", () => {
    const steps = fc.constantFrom("0.05", "0.001", "0.5", "1", "25", "0.00000001");
    fc.assert(
      fc.property(fc.maxSafeInteger(), steps, fc.constantFrom(...numberChoices), (units, step, choice) => {
        const grid = parseGrid(step);
        const signs = signsOf(choice);
        const text = unitsText(units, { ...grid, signs });
        const plain = text
          .replaceAll(signs.decimal, "|")
          .replaceAll(/[^\d|\u2212]/g, "")
          .replace("|", ".");
        expect(plain).toBe(unitsText(units, grid));
        expect(unitsOf(plain, grid)).toBe(units === 0 ? 0 : units);
      }),
    );
  });

  it("have groups of three, and of two in India", () => {
    const grid = { ...parseGrid("0.05"), signs: signsOf("en") };
    expect(unitsText(24_691_356, grid)).toBe("1,234,567.80");
    expect(unitsText(-24_691_356, { ...grid, signs: signsOf("de") })).toBe("\u22121.234.567,80");
    expect(unitsText(24_691_356, { ...grid, signs: signsOf("hi") })).toBe("12,34,567.80");
    expect(written("+1234.5 %", signsOf("de"))).toBe("+1.234,5 %");
    expect(written("1.24k", signsOf("de"))).toBe("1,24k");
    expect(written("–", signsOf("de"))).toBe("–");
    expect(written("1234.5", plainSigns)).toBe("1234.5");
  });
});

describe("the zones of the world", () => {
  it("are all known to the clock, and nothing else is", () => {
    const all = zonesByRegion().flatMap(({ names }) => names.map(({ zone }) => zone));
    expect(all.length).toBeGreaterThan(300);
    expect(all.every(isZone)).toBe(true);
    expect(isZone("Mars/Olympus")).toBe(false);
    expect(isZone("")).toBe(false);
    expect(new ZoneClock("Asia/Kathmandu").timeText(ms(Date.UTC(2026, 2, 2, 6)))).toBe("11:45");
    expect(new ZoneClock("Australia/Lord_Howe").timeText(ms(Date.UTC(2026, 0, 2, 0)))).toBe("11:00");
  });

  it("are in the list under any name that was stored", () => {
    const old = ["Asia/Calcutta", "Europe/Kiev", "US/Eastern", "exchange", "local", "UTC", "Mars/Olympus"];
    expect(old.map((zone) => readSettings({ zone }).zone)).toEqual([
      "Asia/Kolkata",
      "Europe/Kyiv",
      "America/New_York",
      "exchange",
      "local",
      "UTC",
      "exchange",
    ]);
    const offered = new Set(zonesByRegion().flatMap(({ names }) => names.map(({ zone }) => zone)));
    for (const zone of Intl.supportedValuesOf("timeZone").filter((name) => name.includes("/"))) {
      expect(offered).toContain(readSettings({ zone }).zone);
    }
  });
});
