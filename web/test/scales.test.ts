import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BarSeries } from "../src/data/bar-series";
import { centreOf, placeAll, recentre, refit, type Stretches } from "../src/model/auto-scale";
import { ChartModel } from "../src/model/chart-model";
import { cursorAt } from "../src/model/cursor";
import { gapBands } from "../src/model/gap-bands";
import { PriceScale } from "../src/model/price-scale";
import { axisValues, lastAxisValue } from "../src/model/study-values";
import { niceStep, priceTicks, timeMarks } from "../src/model/ticks";
import { TimeScale } from "../src/model/time-scale";
import { ZoneClock, zonesByRegion } from "../src/model/time-zone";
import { ValueScale } from "../src/model/value-scale";
import { type BarIndex, dpx, ms } from "../src/protocol/units";
import { frameOf, meta, minutes, openOf } from "./support/frames";

const bar = (index: number): BarIndex => index as BarIndex;

function timeScale(width = 1000, barWidth = 50, right = 100): TimeScale {
  const scale = new TimeScale();
  scale.resize(dpx(width), 1);
  scale.setBar(barWidth);
  scale.setRight(right);
  return scale;
}

function priceScale(row = 14, centre = 1000, ticksPerLevel = 20): PriceScale {
  const scale = new PriceScale();
  scale.resize(dpx(700), 1);
  scale.setTicksPerLevel(ticksPerLevel);
  scale.set(row, centre);
  return scale;
}

describe("TimeScale", () => {
  it("puts the right edge at the right of the plot", () => {
    const scale = timeScale();
    expect(scale.x(100)).toBe(1000);
    expect(scale.x(99)).toBe(950);
    expect(scale.index(950)).toBe(99);
    expect(scale.visible).toBe(20);
    expect(scale.range(bar(0), bar(100))).toEqual({ from: 80, to: 99 });
    expect(scale.range(bar(95), bar(97))).toEqual({ from: 95, to: 96 });
  });

  it("draws bars that can hold anything on whole pixels", () => {
    for (let width = 8; width < 120; width += 0.37) {
      const scale = timeScale(977, width, 12.3);
      expect(Number.isInteger(scale.x(5))).toBe(true);
      expect(Number.isInteger(scale.bar)).toBe(true);
    }
  });

  it("keeps the bar under the cursor while it zooms", () => {
    for (const factor of [0.5, 0.8, 1.3, 2.7]) {
      const scale = timeScale();
      const held = scale.index(333);
      scale.zoomAt(333, factor);
      expect(Math.abs(scale.x(held) - 333)).toBeLessThanOrEqual(1);
    }
  });

  it("adds up many small turns of the wheel although it draws whole pixels", () => {
    const scale = timeScale();
    for (let k = 0; k < 100; k += 1) scale.zoomAt(1000, 1.005);
    expect(scale.bar).toBe(Math.round(50 * 1.005 ** 100));
  });

  it("pans by pixels and never loses all bars", () => {
    const scale = timeScale();
    scale.pan(25);
    expect(scale.right).toBeCloseTo(99.5);
    scale.setRight(-50);
    scale.clamp(bar(0), bar(100));
    expect(scale.right).toBe(2);
    scale.setRight(5000);
    scale.clamp(bar(0), bar(100));
    expect(scale.right).toBe(100 + 20 * 0.8);
  });

  it("keeps the width of bars in CSS pixels when the page moves to a sharper screen", () => {
    const scale = timeScale();
    scale.resize(dpx(2000), 2);
    expect(scale.bar).toBe(100);
    expect(scale.visible).toBe(20);
  });
});

describe("PriceScale", () => {
  it("covers each row from its low edge up", () => {
    const scale = priceScale();
    expect(scale.y(1000)).toBe(350);
    expect(scale.y(1001)).toBe(336);
    expect(scale.rowAt(349)).toBe(1000);
    expect(scale.rowAt(350)).toBe(999);
    expect(scale.tickAt(349.9)).toBe(20000);
    expect(scale.tickAt(350)).toBe(19999);
  });

  it("draws a price in the middle of its tick", () => {
    const scale = priceScale(20, 1000, 1);
    expect(scale.yOfPrice(1000)).toBe((scale.y(1000) + scale.y(1001)) / 2);
    expect(scale.yOfTick(1000)).toBe(scale.y(1000));
  });

  it("keeps the price under the cursor while it zooms", () => {
    for (const factor of [0.4, 0.9, 1.1, 3]) {
      const scale = priceScale();
      const held = (350 - 123) / scale.row + 1000;
      scale.zoomAt(123, factor);
      expect(Math.abs(scale.y(held) - 123)).toBeLessThanOrEqual(1);
    }
  });

  it("keeps prices in place when the study step changes", () => {
    const scale = priceScale(14, 1000, 20);
    const before = scale.yOfTick(20_100);
    scale.setTicksPerLevel(40);
    expect(scale.centre).toBe(500);
    expect(scale.row).toBe(28);
    expect(scale.yOfTick(20_100)).toBe(before);
  });
});

describe("auto-scale", () => {
  const margins = { top: 70, bottom: 20 };
  const view = { low: 0, high: 50, height: 700 };

  it("fits all rows between the margins, on whole pixels", () => {
    const scale = priceScale();
    const { row, centre } = placeAll({ low: 100, high: 140, anchor: 120 }, 700, margins);
    scale.set(row, centre);
    expect(row).toBe(15);
    expect(scale.y(140)).toBeGreaterThanOrEqual(margins.top - 1);
    expect(scale.y(100)).toBeLessThanOrEqual(700 - margins.bottom + 1);
  });

  it("does not move for ticks inside the view", () => {
    for (let high = 20; high <= 49; high += 0.1) {
      expect(refit({ low: 5, high, anchor: high }, view, margins, false)).toBeNull();
    }
  });

  it("moves when the content would leave the view", () => {
    expect(refit({ low: 5, high: 49.9, anchor: 49 }, view, margins, false)).not.toBeNull();
    expect(refit({ low: -1, high: 30, anchor: 0 }, view, margins, false)).not.toBeNull();
  });

  it("comes closer only after other bars came on screen and fill less than half", () => {
    const content = { low: 20, high: 30, anchor: 25 };
    expect(refit(content, view, margins, false)).toBeNull();
    expect(refit(content, view, margins, true)).not.toBeNull();
    expect(refit({ low: 10, high: 40, anchor: 25 }, view, margins, true)).toBeNull();
  });

  const stretches = (...bars: readonly (readonly [low: number, high: number])[]): (() => Stretches) => {
    return () => ({ low: bars.map(([low]) => low), high: bars.map(([, high]) => high) });
  };

  it("lets the last price walk through the inner 60 %, then puts it well inside", () => {
    const content = (anchor: number) => ({ low: anchor - 60, high: anchor + 1, anchor });
    const bars = (anchor: number) => stretches([anchor - 60, anchor], [anchor - 9, anchor + 1]);
    for (let anchor = 10; anchor <= 40; anchor += 0.5) {
      expect(recentre(content(anchor), view, bars(anchor), false)).toBeNull();
    }
    const centre = recentre(content(41), view, bars(41), false) as number;
    const share = (41 - (centre - 25)) / 50;
    expect(share).toBeGreaterThan(0.25);
    expect(share).toBeLessThan(0.75);
  });

  it("stands while all bars are in sight, wherever the last price is", () => {
    expect(recentre({ low: 5, high: 49, anchor: 48 }, view, stretches([5, 49]), true)).toBeNull();
    const centre = recentre({ low: 6, high: 51, anchor: 50 }, view, stretches([6, 51]), false) as number;
    expect(centre - 25).toBeLessThanOrEqual(6);
    expect(centre + 25).toBeGreaterThanOrEqual(51);
  });

  it("after a trend the pane is full of bars, with no more than a quarter of it beyond them", () => {
    const bars = Array.from({ length: 16 }, (_, k) => [k * 6, k * 6 + 12] as const);
    const content = { low: 0, high: 102, anchor: 101 };
    const centre = centreOf(content, 50, stretches(...bars)());
    expect(centre + 25 - content.high).toBeLessThanOrEqual(0.27 * 50);
    expect(content.high).toBeLessThanOrEqual(centre + 25);
  });

  it("goes to where most cells are, as far as the last price allows", () => {
    const bars = stretches([40, 90], [40, 90], [60, 80], [44, 60]);
    const centre = recentre({ low: 40, high: 90, anchor: 44 }, { ...view, high: 45 }, bars, false) as number;
    expect(centre).toBeGreaterThan(50);
    expect((44 - (centre - 22.5)) / 45).toBeCloseTo(0.27, 2);
  });

  it("leaves no half of the pane empty when other bars come while the anchor stands well", () => {
    const bars = stretches(...Array.from({ length: 13 }, (_, k) => [-50 + k * 5, -38 + k * 5] as const));
    const content = { low: -50, high: 22, anchor: 18 };
    expect(recentre(content, view, bars, false)).toBeNull();
    const centre = recentre(content, view, bars, true) as number;
    expect(centre).toBeLessThan(10);
    expect(recentre(content, { ...view, low: centre - 25, high: centre + 25 }, bars, true)).toBeNull();
  });

  it("a random walk inside the view moves the scale seldom", () => {
    let [price, moves, low] = [25, 0, 0];
    let state = 12345;
    for (let k = 0; k < 5000; k += 1) {
      state = (state * 1103515245 + 12345) % 2 ** 31;
      price += state / 2 ** 31 - 0.5;
      const centre = recentre(
        { low: price - 10, high: price + 10, anchor: price },
        { low, high: low + 50, height: 700 },
        stretches([price - 10, price + 10]),
        true,
      );
      if (centre !== null) {
        moves += 1;
        low = centre - 25;
      }
    }
    expect(moves).toBeLessThan(12);
  });
});

describe("ValueScale", () => {
  it("moves only when values would be cut or have become small", () => {
    const scale = new ValueScale();
    scale.resize(dpx(100), dpx(20));
    scale.follow(-10, 10, 0.05);
    const zero = scale.y(0);
    scale.follow(-9, 10.5, 0.05);
    expect(scale.y(0)).toBe(zero);
    scale.follow(-9, 30, 0.05);
    expect(scale.y(30)).toBeGreaterThan(20);
    expect(scale.y(-9)).toBeLessThan(100);
    expect(scale.value(scale.y(7))).toBeCloseTo(7);
  });

  it("is left alone after it was set by hand, until asked", () => {
    const scale = new ValueScale();
    scale.resize(dpx(100), dpx(0));
    scale.follow(-10, 10, 0);
    scale.zoom(2);
    const before = scale.y(10);
    scale.follow(-100, 100, 0);
    expect(scale.y(10)).toBe(before);
    scale.setAuto();
    scale.follow(-100, 100, 0);
    expect(scale.y(100)).toBe(0);
  });
});

it("stands on whole hundreds of lots where lots are what it says", () => {
  const scale = new ValueScale();
  scale.resize(dpx(120), dpx(20));
  scale.follow(-297_000, -180_000, 0);
  const lots = scale.ticks(30, 1, 75).map((units) => units / 75);
  expect(lots.length).toBeGreaterThan(1);
  expect(lots.filter((lot) => lot % 100 !== 0)).toEqual([]);
  expect(
    scale.ticks(30, 1).some((units) => (units / 75) % 100 !== 0),
    "and units on whole thousands",
  ).toBe(true);
});

describe("ticks", () => {
  it("steps are 1, 2 or 5 times a power of ten", () => {
    expect([0.03, 1, 1.1, 3, 7, 49, 51].map(niceStep)).toEqual([0.05, 1, 2, 5, 10, 50, 100]);
  });

  it("prices stand on row edges while rows are high, and are round", () => {
    const close = priceTicks(priceScale(30, 6560, 20), 0.5, 28);
    expect(close.every((tick) => tick % 20 === 0)).toBe(true);
    const far = priceTicks(priceScale(2, 6560, 20), 0.5, 28);
    const step = (far[1] as number) - (far[0] as number);
    expect(step * 0.5).toBe(200);
    expect(far.every((tick) => tick % 20 === 0)).toBe(true);
  });

  it("times do not depend on where the chart was panned to", () => {
    const series = new BarSeries();
    series.reset(frameOf(minutes(0, 400)));
    const clock = new ZoneClock("UTC");
    const scale = timeScale(1000, 20, 200);
    const at = (right: number): Map<number, string> => {
      scale.setRight(right);
      return new Map(timeMarks(series, scale, clock, 80).map((mark) => [mark.index, mark.text]));
    };
    const [first, second] = [at(200), at(203)];
    const shared = [...first.keys()].filter((index) => index >= 153 && index < 200);
    expect(shared.length).toBeGreaterThan(5);
    for (const index of shared) expect(second.get(index)).toBe(first.get(index));
    expect([...first.values()].every((text) => /^\d\d:\d[05]$/.test(text))).toBe(true);
  });

  it("marks a new day in the zone that is shown", () => {
    const series = new BarSeries();
    series.reset(frameOf(minutes(17 * 60, 200)));
    const marks = timeMarks(series, timeScale(1000, 10, 150), new ZoneClock("Asia/Kolkata"), 80);
    const strong = marks.filter((mark) => mark.strong);
    expect(strong.map((mark) => mark.text)).toEqual(["22 Nov"]);
    expect(strong[0]?.index).toBe(90);
  });
});

describe("ZoneClock", () => {
  it("knows offsets that are no whole hours, and daylight saving", () => {
    const kolkata = new ZoneClock("Asia/Kolkata");
    expect(kolkata.timeText(ms(Date.UTC(2025, 10, 21, 3, 45)))).toBe("09:15");
    expect(kolkata.label(ms(0))).toBe("Asia/Kolkata (UTC+5:30)");
    expect(new ZoneClock("Asia/Calcutta").label(ms(0)), "as some browsers call it").toBe("Asia/Kolkata (UTC+5:30)");
    const asia = zonesByRegion().find(({ region }) => region === "Asia")?.names ?? [];
    expect(asia.map(({ words }) => words)).toContain("Kolkata");
    const york = new ZoneClock("America/New_York");
    expect(york.timeText(ms(Date.UTC(2025, 0, 10, 14, 30)))).toBe("09:30");
    expect(york.timeText(ms(Date.UTC(2025, 6, 10, 13, 30)))).toBe("09:30");
    expect(new ZoneClock("UTC").fullText(ms(Date.UTC(2025, 10, 21, 14, 5, 9)), true)).toBe("21 Nov 2025 14:05:09");
  });

  it("counts a zone that is not known as UTC", () => {
    expect(new ZoneClock("Mars/Olympus").timeText(ms(0))).toBe("00:00");
  });
});

describe("gaps on the time axis", () => {
  const series = new BarSeries();
  series.reset(frameOf([{ minute: 0 }, { minute: 1 }, { minute: 9 }]));
  const gap = (fromS: number, toS: number): { fromNs: bigint; toNs: bigint; cause: string; missing: null } => ({
    fromNs: openOf(0) + BigInt(fromS) * 1_000_000_000n,
    toNs: openOf(0) + BigInt(toS) * 1_000_000_000n,
    cause: "test",
    missing: null,
  });
  const isBrief = (fromS: number, toS: number, width = 60): boolean | undefined =>
    gapBands(series, [gap(fromS, toS)], timeScale(1000, width, 3), 5)[0]?.isBrief;

  it("are brief where they are a pixel of their bar, and never between bars", () => {
    expect(isBrief(20, 21)).toBe(true);
    expect(isBrief(20, 23)).toBe(false);
    expect(isBrief(20, 21, 200)).toBe(false);
    expect(isBrief(120, 540)).toBe(false); // no bar is there: it takes no room, and must be seen
    expect(isBrief(59, 61)).toBe(false);
  });
});

describe("the words of an axis", () => {
  it("have as many digits as tell neighbours apart", () => {
    const model = new ChartModel();
    model.open(series3(), { ...meta, lot_size: "1" });
    expect(axisValues(model, "count", [1800, 1802, 1804])).toEqual(["1.800k", "1.802k", "1.804k"]);
    expect(axisValues(model, "count", [40_008_660, 40_008_661])).toEqual(["40.008660M", "40.008661M"]);
    expect(axisValues(model, "percent", [0.010001, 0.010002])).toEqual(["0.010001 %", "0.010002 %"]);
    expect(axisValues(model, "count", [1000, 2000])).toEqual(["1.00k", "2.00k"]);
    expect(lastAxisValue(model, "count", -4331, [-4330])).toBe("\u22124.331k");
    expect(lastAxisValue(model, "count", 4333, [4320, 4340])).toBe("4.33k");
    expect(lastAxisValue(model, "count", 0, [0, 50])).toBe("0");
    model.open(series3(), { ...meta, lot_size: "0.001" });
    expect(lastAxisValue(model, "lot", 1.0024, [1]), "small ones too").toBe("0.001002");
  });

  it("never say one thing twice, whatever a pane shows", () => {
    const model = new ChartModel();
    model.open(series3(), { ...meta, lot_size: "0.001" });
    const units = ["lot", "count", "percent", "price", "base"] as const;
    const size = fc.double({ min: -3, max: 9, noNaN: true });
    fc.assert(
      fc.property(
        fc.constantFrom(...units),
        size,
        size,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (unit, at, span, k) => {
          const low = 10 ** at;
          const scale = new ValueScale();
          scale.resize(dpx(120), dpx(20));
          scale.setAuto();
          scale.follow(low, low + 10 ** Math.max(span, at - 6), 0.05, low * 1e-6);
          const ticks = scale.ticks(30, unit === "lot" || unit === "count" ? 1 : 0);
          const texts = axisValues(model, unit, ticks);
          expect(new Set(texts).size).toBe(texts.length);
          const value = scale.value(20 + 100 * k);
          const last = lastAxisValue(model, unit, value, ticks);
          ticks.forEach((tick, n) => {
            if (Math.abs(scale.y(tick) - scale.y(value)) > 1) expect(last).not.toBe(texts[n]);
          });
        },
      ),
    );
  });

  it("are none where nothing on screen has a value", () => {
    const model = new ChartModel();
    model.resize({ width: dpx(600), priceHeight: dpx(300), paneHeights: new Map(), dpr: 1 });
    model.open(series3(), meta);
    const funding = { id: "stream funding", kind: "stream", of: "funding", share: 1 } as const;
    const study = { id: "study x", kind: "study", of: "x", share: 1 } as const;
    model.panes.set([...model.panes.specs, funding, study]);
    model.settle();
    expect([model.panes.shown(study.id), model.panes.shown(funding.id)]).toEqual([null, null]);
    expect(model.panes.of(study.id)).not.toBeNull();
    expect(model.panes.shown("delta")).not.toBeNull();
    expect(cursorAt(model, study.id, 10, 10).value).toBeNaN();
  });
});

function series3(): BarSeries {
  const series = new BarSeries();
  series.reset(frameOf([{ minute: 0 }]));
  return series;
}
