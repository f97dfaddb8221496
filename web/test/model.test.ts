import { describe, expect, it } from "vitest";
import { BarSeries } from "../src/data/bar-series";
import { barLeft, barTimeText } from "../src/model/bar-time";
import { cellAt, typicalLot } from "../src/model/cells";
import { ChartModel } from "../src/model/chart-model";
import { indexOfTime } from "../src/model/gap-bands";
import { cvdAnchor, emptyHeader, headerView, legendView, stepText } from "../src/model/header";
import { signsOf } from "../src/model/number-signs";
import { boxOf, dragSplitter, type PaneLayout, paneBoxes, splitterCss, zoneAt } from "../src/model/pane-layout";
import { addPane, closePane, movePane, type PaneSpec, pricePane, readPanes, usualShares } from "../src/model/panes";
import { barReadout, barTable, cellReadout } from "../src/model/readout";
import { defaultSettings } from "../src/model/settings";
import { isDoubtful } from "../src/model/trust";
import type { SnapshotMeta, Status } from "../src/protocol/messages";
import { type BarIndex, dpx } from "../src/protocol/units";
import { type BarSpec, frameOf, lowPanes, meta, minutes, openOf } from "./support/frames";

const bar = (index: number): BarIndex => index as BarIndex;
const seriesOf = (specs: readonly BarSpec[]): BarSeries => {
  const series = new BarSeries();
  series.reset(frameOf(specs));
  return series;
};

function modelOf(specs: readonly BarSpec[]): ChartModel {
  const model = new ChartModel();
  model.resize({ width: dpx(1600), priceHeight: dpx(600), paneHeights: lowPanes, dpr: 1 });
  model.open(seriesOf(specs), meta);
  model.settle();
  return model;
}

describe("cells", () => {
  const series = seriesOf([
    {
      minute: 0,
      cells: [
        [100, 12, 4],
        [101, 12, 0, 1],
        [103, 0, 9, 2],
      ],
    },
  ]);

  it("compare diagonally, and never with a row outside of the bar", () => {
    expect(cellAt(series, bar(0), 101)?.buyPct).toBe(300);
    expect(cellAt(series, bar(0), 100)?.buyPct).toBeNull();
    expect(cellAt(series, bar(0), 103)?.sellPct).toBeNull();
  });

  it("have rows of zeros between those that traded, and none around them", () => {
    expect(cellAt(series, bar(0), 102)).toMatchObject({ buy: 0, sell: 0, trades: 0, flags: 0 });
    expect(cellAt(series, bar(0), 99)).toBeNull();
    expect(cellAt(series, bar(0), 104)).toBeNull();
  });

  it("say what a large cell is", () => {
    expect(typicalLot(seriesOf([{ minute: 0, cells: [[1, 0, 0]] }]))).toBe(1);
    const many = Array.from({ length: 100 }, (_, k) => [k, k + 1, 0] as const);
    expect(typicalLot(seriesOf([{ minute: 0, cells: many }]))).toBe(96);
  });
});

describe("ChartModel", () => {
  it("opens on the newest bars, with text that can be read", () => {
    const model = modelOf(minutes(0, 300));
    const { from, to } = model.visibleBars();
    expect(to).toBe(299);
    expect(to - from + 1).toBeGreaterThanOrEqual(12);
    expect(to - from + 1).toBeLessThanOrEqual(20);
    expect(model.price.row).toBeGreaterThanOrEqual(12);
    expect(model.following).toBe(true);
  });

  it("opens on higher rows where the pane has room for enough of them", () => {
    const wide = minutes(0, 40).map((one) => ({ ...one, cells: minutes(0, 90).map((_, row) => [row, 1, 1] as const) }));
    const rowOf = (height: number, density: "normal" | "compact"): number => {
      const model = new ChartModel();
      model.apply({ ...defaultSettings, density }, { isLight: false, isStrong: false });
      model.resize({ width: dpx(1600), priceHeight: dpx(height), paneHeights: lowPanes, dpr: 1 });
      model.open(seriesOf(wide), meta);
      model.settle();
      return model.price.row;
    };
    expect([rowOf(370, "normal"), rowOf(640, "normal"), rowOf(1300, "normal"), rowOf(640, "compact")]).toEqual([
      12, 15, 15, 12,
    ]);
  });

  it("opens on twelve bars at the least, however far the market has gone", () => {
    const bars = minutes(0, 300).map((bar, k): BarSpec => ({ ...bar, cells: [[40 * k, 1, 1] as const] }));
    const { from, to } = modelOf(bars).visibleBars();
    expect(to - from + 1).toBeGreaterThanOrEqual(12);
  });

  it("moves on with new bars while it follows, and stands when it does not", () => {
    const model = modelOf(minutes(0, 300));
    const right = model.time.right;
    model.changed(model.series.merge(frameOf([{ minute: 300 }], "bar_open")));
    expect(model.time.right).toBe(right + 1);
    model.panBars(-50);
    expect(model.following).toBe(false);
    model.changed(model.series.merge(frameOf([{ minute: 301 }], "bar_open")));
    expect(model.time.right).toBe(right - 49);
    model.toLatest();
    expect(model.following).toBe(true);
  });

  it("does not move when history comes", () => {
    const model = modelOf(minutes(1000, 300));
    const before = [model.time.right, model.visibleBars()];
    model.series.prepend(frameOf(minutes(500, 500)));
    model.settle();
    expect([model.time.right, model.visibleBars()]).toEqual(before);
  });

  it("places bars anew to which one jumps: calm old ones fill the pane as wild new ones do", () => {
    const bars = minutes(0, 300).map((bar, k): BarSpec => {
      const [base, reach] = k < 150 ? [940, 9] : [100, 60];
      return { ...bar, cells: [base, base + reach].map((row) => [row, 1, 1] as const) };
    });
    const model = modelOf(bars);
    const wild = model.price.row;
    const filled = (low: number, high: number): number => {
      const span = model.price.span();
      expect([span.low <= low, span.high >= high]).toEqual([true, true]);
      return (high - low) / (span.high - span.low);
    };
    model.toOldest();
    model.settle();
    expect(model.price.row).toBeGreaterThan(wild);
    const calm = filled(940, 950);
    expect(model.price.row === 30 || calm > 0.5).toBe(true);
    model.toLatest();
    model.settle();
    expect(model.price.row).toBe(wild);
    model.zoomPrice(model.price.height / 2, 1.5);
    const own = model.price.row;
    model.toOldest();
    model.settle();
    expect(model.price.row).toBe(own);
    filled(940, 950);
  });

  it("keeps its price scale through ticks inside the view", () => {
    const model = modelOf(minutes(0, 300));
    const place = [model.price.row, model.price.centre];
    for (let tick = 0; tick < 50; tick += 1) {
      const cells = [
        [98, 1, 1],
        [100 + Math.round(4 * Math.sin(tick)), 5, 3],
      ] as const;
      model.changed(model.series.merge(frameOf([{ minute: 299, cells: [...cells] }], "bar_open")));
      model.settle();
      expect([model.price.row, model.price.centre]).toEqual(place);
    }
  });

  it("goes through the auto-scale modes and back", () => {
    const model = modelOf(minutes(0, 300));
    const start = model.autoScale;
    const seen = [model.nextAutoScale(), model.nextAutoScale(), model.nextAutoScale()];
    expect(new Set(seen).size).toBe(3);
    expect(model.autoScale).toBe(start);
    model.panPrice(30);
    expect(model.autoScale).toBe("manual");
    model.resetPrice();
    expect(model.autoScale).not.toBe("manual");
  });

  it("keeps the place when another step or interval is opened", () => {
    const model = modelOf(minutes(0, 300));
    model.panBars(-100);
    model.settle();
    const [right, held] = [model.time.right, model.series.openNs(bar(Math.floor(model.time.right)))];
    const tick = model.price.centre * model.price.ticksPerLevel;
    model.leave();
    model.open(seriesOf(minutes(0, 300)), { ...meta, ticks_per_level: 10 });
    expect(model.following).toBe(false);
    expect(model.series.openNs(bar(Math.floor(model.time.right)))).toBe(held);
    expect(model.time.right).toBeCloseTo(right, 1);
    expect(model.price.centre * 10).toBeCloseTo(tick);
  });
});

describe("bars that do not end by the clock", () => {
  const modelWith = (bars: string): ChartModel => {
    const model = new ChartModel();
    model.resize({ width: dpx(1600), priceHeight: dpx(600), paneHeights: lowPanes, dpr: 1 });
    model.open(seriesOf([{ minute: 0 }, { minute: 1, cells: [[100, 12, 4, 7]], final: false }]), { ...meta, bars });
    return model;
  };

  it("are told by their opening and their last trade, others by their opening", () => {
    expect(barTimeText(modelWith("1m"), bar(1))).toMatch(/2025 00:01$/);
    expect(barTimeText(modelWith("500t"), bar(1))).toMatch(/\d\d:\d\d:\d\d – \d\d:\d\d:\d\d$/);
  });

  it("say what is left in what they count, or nothing", () => {
    const model = modelWith("500t");
    expect(barLeft(model, null)).toBe(`${500 - model.series.number("trades", bar(1))} t`);
    const [whole, split] = ["100v", "100v-split"].map((bars) => barLeft(modelWith(bars), null));
    expect(whole).not.toBe("");
    expect(split, "bars that are cut at their end count alike").toBe(whole);
    expect(barLeft(modelWith("r20"), 0n)).toBe("");
    expect(barLeft(modelWith("1m"), openOf(1))).toBe("01:00");
  });
});

describe("time and index", () => {
  it("is linear inside of bars and takes no room between them", () => {
    const series = seriesOf([{ minute: 0 }, { minute: 1 }, { minute: 60 }]);
    expect(indexOfTime(series, openOf(0) + 30_000_000_000n)).toBe(0.5);
    expect(indexOfTime(series, openOf(30))).toBe(2);
    expect(indexOfTime(series, openOf(60))).toBe(2);
    expect(indexOfTime(series, openOf(-5))).toBe(0);
  });
});

describe("trust", () => {
  it("doubts bars with few sides or few quotes, not true sides", () => {
    const series = seriesOf([
      { minute: 0 },
      { minute: 1, quoteShare: 0.49 },
      { minute: 2, coverage: 0.79 },
      { minute: 3, quoteShare: 0.5, coverage: 0.8 },
    ]);
    expect([0, 1, 2, 3].map((index) => isDoubtful(series, bar(index)))).toEqual([false, true, true, false]);
  });
});

describe("read-outs", () => {
  const specs: BarSpec[] = [
    {
      minute: 14 * 60 + 5,
      cells: [
        [100, 1500, 400],
        [101, 2500, 0, 1],
      ],
      close: 203,
      final: false,
    },
  ];

  it("say a bar and a cell exactly", () => {
    const model = modelOf(specs);
    expect(barReadout(model, bar(0))).toMatchObject({
      time: "21 Nov 2025 14:05",
      open: "100.0",
      high: "101.5",
      close: "101.5",
      change: "+1.5",
      buy: "4.000",
      sell: "0.400",
      delta: "+3.600",
      deltaPct: "81.8 %",
      isFinal: false,
    });
    const cell = cellAt(model.series, bar(0), 101);
    expect(cell && cellReadout(model, cell)).toMatchObject({
      price: "101.0",
      upTo: "102.0",
      ask: "2.500",
      bid: "0.000",
      imbalance: "buy imbalance 625 %",
    });
  });

  it("make a table whose rows add up to the bar", () => {
    const table = barTable(modelOf(specs), bar(0));
    expect(table.rows.map((row) => row.price)).toEqual(["101.0", "100.0"]);
    expect(table.total).toMatchObject({ bid: "0.400", ask: "4.000", delta: "+3.600" });
    expect(table.adds).toBe(true);
  });
});

describe("header and legend", () => {
  const status: Status = {
    type: "status",
    symbol: "sim:PERP",
    last: "101.5",
    bid: "101.0",
    ask: "101.5",
    prev_close: "100.0",
    day_open: "99.0",
    day_high: "102.0",
    day_low: "98.5",
    day_volume: "12345.678",
    vwap: "100.2",
    lag_ms: 7,
    engine_ns: "0",
    recorded: true,
    score: null,
  };

  it("compares with the previous close and knows the last direction", () => {
    const model = modelOf([
      {
        minute: 0,
        cells: [
          [100, 1, 1],
          [101, 1, 1],
        ],
        close: 203,
      },
    ]);
    const first = headerView(model, status, emptyHeader);
    expect(first).toMatchObject({
      last: "101.5",
      change: "+1.5",
      changePct: "+1.50 %",
      spread: "0.5",
      volume: "12.3k",
      direction: 0,
      until: "21 Nov 2025 00:00:59",
    });
    model.series.merge(frameOf([{ minute: 0, cells: [[100, 1, 1]], close: 200 }], "bar_open"));
    expect(headerView(model, status, first)).toMatchObject({ last: "100.0", direction: -1 });
    expect(headerView(model, null, first).change).toBe("–");
    expect(first).toMatchObject({ volumeUnit: "SIM" });
    const nifty = { ...meta, base: "", lot_size: "1", market_lot: "75" };
    model.apply({ ...defaultSettings, unit: "lots" }, { isLight: false, isStrong: false });
    model.open(model.series, nifty);
    const lots = headerView(model, { ...status, day_volume: "59250" }, emptyHeader);
    expect(lots).toMatchObject({ volume: "790", volumeUnit: "lots" });
    expect(first).toMatchObject({ lag: "7 ms", isLate: false });
    expect(headerView(model, { ...status, lag_ms: 43_723 }, first)).toMatchObject({ lag: "43.7 s", isLate: true });
  });

  it("says from when on the day's figures and the running delta know the session", () => {
    const model = modelOf(minutes(0, 5));
    const joined = (seconds: number): Status => ({
      ...status,
      day_start_ns: String(openOf(0)),
      day_from_ns: String(openOf(0) + BigInt(seconds) * 1_000_000_000n),
    });
    expect(headerView(model, joined(12_660), emptyHeader).since).toBe("since 03:31");
    expect(headerView(model, joined(60), emptyHeader).since).toBe("");
    expect(headerView(model, { ...status, day_start_ns: null, day_from_ns: null }, emptyHeader).since).toBe("");
    expect(headerView(model, status, emptyHeader).since).toBe("");
    const { last } = model.series;
    expect(cvdAnchor(model, meta, joined(12_660), last)).toBe("since 03:31");
    expect(cvdAnchor(model, meta, joined(5), last)).toContain("session");
    expect(cvdAnchor(model, { ...meta, cvd_reset: "never" }, joined(12_660), last)).toContain("continuous");
  });

  it("says in words what the numbers mean", () => {
    expect(stepText({ ...meta, ticks_per_level: 20 })).toBe("0.5 × 20 = 10.0");
    const legend = legendView(modelOf(minutes(0, 5)), meta);
    expect(legend.imbalance).toBe("300 % diagonal ≥, min_vol auto (0.010)");
    const inLots = modelOf(minutes(0, 5));
    const ofLots = { ...meta, lot_size: "1", market_lot: "75" };
    inLots.open(inLots.series, ofLots);
    inLots.apply({ ...defaultSettings, unit: "lots", imbalanceMin: 750 }, { isLight: false, isStrong: false });
    expect(legendView(inLots, ofLots).imbalance, "one's own too").toBe("300 % diagonal ≥, min_vol 10");
    expect(legend.valueArea).toBe("VA 70 % two-row");
    expect(legend.zone).toBe("UTC");
    const unitOf = (unit: "base" | "quote" | "lots", words: Partial<SnapshotMeta> = {}): string => {
      const model = modelOf(minutes(0, 5));
      model.apply({ ...defaultSettings, unit, numbers: "de" }, { isLight: false, isStrong: false });
      model.open(model.series, { ...meta, ...words });
      return legendView(model, { ...meta, ...words }).unit;
    };
    expect([unitOf("base"), unitOf("quote"), unitOf("lots")]).toEqual([
      "SIM",
      "cells in USD, else SIM",
      "lots of 0,001 SIM",
    ]);
    const nifty = { base: "", quote: "", lot_size: "1", market_lot: "75" };
    expect([unitOf("base", nifty), unitOf("quote", nifty), unitOf("lots", nifty)]).toEqual([
      "",
      "cells in quote",
      "lots of 75",
    ]);
    expect(stepText({ ...meta, ticks_per_level: 20 }, signsOf("de"))).toBe("0,5 × 20 = 10,0");
  });

  it("finds where the running delta of a bar began", () => {
    const model = modelOf([
      { minute: -1, cvd: 50 },
      { minute: 0, cvd: 2 },
      { minute: 1, cvd: 4 },
    ]);
    const { first, last } = model.series;
    expect(cvdAnchor(model, meta, null, last)).toBe("session, from 21 Nov 00:00");
    expect(cvdAnchor(model, meta, null, first), "that of the session before is none of its").toBe("session");
    const today = { ...status, day_start_ns: String(openOf(0)), day_from_ns: String(openOf(0) + 90_000_000_000n) };
    expect([first, last].map((index) => cvdAnchor(model, meta, today, index))).toEqual(["session", "since 00:01"]);
    expect(cvdAnchor(model, { ...meta, cvd_reset: "never" }, null, last)).toContain("continuous");
  });
});

const below = (...shares: readonly number[]): PaneSpec[] => [
  pricePane,
  ...shares.map((share, k): PaneSpec => ({ id: `p${k}`, kind: "volume", share })),
];
const layoutOf = (height: number, panes: readonly PaneSpec[], maximised: string | null = null): PaneLayout => ({
  plotWidth: 900,
  axisWidth: 70,
  panes,
  boxes: paneBoxes(height, panes, maximised),
  timeAxis: { top: height - 26, height: 26 },
});

describe("panes", () => {
  it("leave out the numbers of a delta pane that is too low for them", () => {
    const reserved = (height: number): number => {
      const model = new ChartModel();
      model.resize({ width: dpx(1600), priceHeight: dpx(600), paneHeights: new Map([["delta", dpx(height)]]), dpr: 1 });
      model.open(seriesOf(minutes(0, 40)), meta);
      model.settle();
      return height - (model.panes.of("delta")?.height ?? 0);
    };
    expect([reserved(90), reserved(56), reserved(48)]).toEqual([17, 17, 0]);
  });

  it("share the height and never overlap, however many there are", () => {
    for (const height of [300, 600, 1000]) {
      for (const count of [0, 1, 2, 5, 11]) {
        const layout = layoutOf(height, below(...Array.from({ length: count }, () => 0.2)));
        let edge = 0;
        for (const [k, { id }] of layout.panes.entries()) {
          const box = boxOf(layout, id);
          expect(box.top).toBe(k === 0 ? 0 : edge + splitterCss);
          expect(box.height).toBeGreaterThanOrEqual(0);
          edge = box.top + box.height;
        }
        expect(edge).toBe(height - 26);
        expect(boxOf(layout, "price").height).toBeGreaterThan(100);
      }
    }
    const alone = layoutOf(600, below(0.2, 0.2), "p1");
    expect([boxOf(alone, "price").height, boxOf(alone, "p1")]).toEqual([0, { top: 0, height: 574 }]);
    expect(boxOf(layoutOf(600, below(0.2), "gone"), "price").height).toBeGreaterThan(300);
  });

  it("know what is under the pointer, and give what a splitter takes", () => {
    const layout = layoutOf(600, below(0.2, 0.2, 0.1));
    const top = (pane: string): number => boxOf(layout, pane).top;
    expect(zoneAt(layout, 10, 10)).toEqual({ kind: "plot", pane: "price", top: 0 });
    expect(zoneAt(layout, 950, top("p1") + 5)).toMatchObject({ kind: "axis", pane: "p1" });
    expect(zoneAt(layout, 10, 590)).toEqual({ kind: "time" });
    expect(zoneAt(layout, 10, top("p0") - 3)).toEqual({ kind: "splitter", below: "p0" });
    const dragged = layoutOf(600, dragSplitter(layout, "p1", top("p1") - 40));
    for (const pane of ["price", "p2"]) expect(boxOf(dragged, pane).height).toBeCloseTo(boxOf(layout, pane).height, -1);
    expect(boxOf(dragged, "p1").top).toBeCloseTo(top("p1") - 40, -1);
  });

  it("come, go and change places, and the price stays on top", () => {
    const two = below(0.2, 0.2);
    const ids = (panes: readonly PaneSpec[]): string[] => panes.map(({ id }) => id);
    expect(ids(movePane(two, "p1", -1))).toEqual(["price", "p1", "p0"]);
    expect(movePane(two, "p0", -1)).toBe(two);
    expect(movePane(two, "price", 1)).toBe(two);
    expect(ids(closePane(two, "p0"))).toEqual(["price", "p1"]);
    expect(ids(closePane(two, "price"))).toEqual(ids(two));
    expect(addPane(two, two[1] as PaneSpec)).toBe(two);
    const crowd = [3, 4, 5, 6].reduce<readonly PaneSpec[]>(
      (panes, k) => addPane(panes, { id: `p${k}`, kind: "delta", share: 0.14 }),
      two,
    );
    const lower = crowd.slice(1).map(({ share }) => share);
    expect(
      lower.reduce((sum, share) => sum + share),
      "the price keeps half",
    ).toBeCloseTo(0.5);
    expect((lower[0] as number) / (lower[1] as number), "the others their proportions").toBeCloseTo(1);
    const tables = usualShares(addPane(two, { id: "statistics", kind: "statistics", share: 0.1 }));
    expect(tables.map(({ share }) => share)).toEqual(
      [0, 0.14, 0.14, 0.24].map((share) => expect.closeTo((share * 0.5) / 0.52)),
    );
    const low = addPane(below(0.4, 0.4), { id: "p2", kind: "delta", share: 0.1 });
    expect(
      low.slice(1).reduce((sum, { share }) => sum + share, 0),
      "what the user has dragged stays",
    ).toBeCloseTo(0.8);
    const many = below(...Array.from({ length: 11 }, () => 0.1));
    expect(addPane(many, { id: "more", kind: "delta", share: 0.1 })).toBe(many);
  });

  it("are read from whatever was stored", () => {
    expect(readPanes(undefined)).toBeNull();
    expect(readPanes(JSON.parse(JSON.stringify(below(0.2, 0.3))))).toEqual(below(0.2, 0.3));
    const odd = [
      { id: "a", kind: "volume", share: 0.2 },
      { id: "a", kind: "delta", share: 0.2 },
      { id: "b", kind: "study", share: 0.1 },
      5,
      { id: "c", kind: "moon", share: 0.1 },
      { id: "d", kind: "cvd", share: 7 },
    ];
    expect(readPanes(odd)?.map(({ id }) => id)).toEqual(["price", "a"]);
  });
});

describe("the view", () => {
  const many = (count: number): BarSpec[] => Array.from({ length: count }, (_, minute) => ({ minute }));
  const zoomedOut = (model: ChartModel): number => {
    for (let k = 0; k < 100; k += 1) {
      model.zoomTime(1600, 0.8);
      model.settle();
    }
    return model.time.bar * model.series.length;
  };

  it("zooms out until all bars fill half of the pane, and further only while older ones come", () => {
    const model = modelOf(many(40));
    expect(zoomedOut(model)).toBeGreaterThanOrEqual(760);
    expect(zoomedOut(model)).toBeLessThanOrEqual(840);
    expect(model.following).toBe(true);
    model.olderComes = true;
    expect(zoomedOut(model)).toBeLessThan(200);
    expect(zoomedOut(model)).toBeGreaterThan(140);
    model.zoomTime(1600, 2);
    expect(zoomedOut(model)).toBeLessThan(200);
  });

  it("never widens bars because there are few of them", () => {
    const model = modelOf(many(2));
    const before = model.time.bar;
    model.zoomTime(1600, 0.5);
    expect(model.time.bar).toBe(before);
  });

  it("says when no bar on screen is within a scale that is the user's", () => {
    const model = modelOf(many(40));
    model.panTime(600);
    model.settle();
    expect(model.following).toBe(false);
    model.panPrice(40);
    expect(model.priceIsOff).toBe(false);
    model.panPrice(5000);
    expect(model.priceIsOff).toBe(true);
    model.resetPrice();
    model.settle();
    expect(model.priceIsOff).toBe(false);
  });

  it("does not count what only touches the edge, nor bars above and below that leave the pane empty", () => {
    const steps = [0, 1].map((minute) => ({ minute, cells: [[100 + 900 * minute, 5, 3]] as const }));
    const model = modelOf(steps);
    model.panTime(-10);
    model.panPrice(0);
    model.price.set(20, 500);
    model.following = false;
    expect(model.priceIsOff).toBe(true);
    const { low } = model.price.span();
    model.price.set(20, 500 + 101 - low - 0.1);
    expect(model.priceIsOff).toBe(true);
    model.price.set(20, 500 + 101 - low - 0.9);
    expect(model.priceIsOff).toBe(false);
  });
});
