import { describe, expect, it } from "vitest";
import { Said } from "../src/app/said";
import { BarSeries } from "../src/data/bar-series";
import { ChartModel } from "../src/model/chart-model";
import { feedWords } from "../src/model/feed-words";
import { barReadout, barTable } from "../src/model/readout";
import { themeOf } from "../src/model/settings";
import { symbolList } from "../src/model/symbol-list";
import type { FeedNews, InstrumentInfo } from "../src/protocol/messages";
import { type BarIndex, dpx } from "../src/protocol/units";
import { drawBeyond } from "../src/series/footprint/beyond";
import type { Scene } from "../src/series/footprint/scene";
import { frameOf, lowPanes, meta, minutes, openOf } from "./support/frames";

const nowMs = 1_800_000_000_000;
const feed = (more: Partial<FeedNews>): FeedNews => ({
  type: "feed",
  symbol: "v:A",
  phase: "live",
  text: "",
  since_ns: "0",
  backfill: null,
  messages_per_s: 1,
  offset_ms: null,
  has_trades: true,
  ...more,
});

describe("feedWords", () => {
  it("says how long, why, and how bad it is", () => {
    const since_ns = String(BigInt(nowMs - 90_000) * 1_000_000n);
    const lost = feedWords(feed({ phase: "reconnecting", text: "closed (1006); attempt 3", since_ns }), nowMs);
    expect(lost).toMatchObject({ note: "reconnecting for 90 s: closed (1006); attempt 3", tone: "bad", dims: true });
    expect(feedWords(feed({ phase: "stale", since_ns }), nowMs).note).toBe("the feed is silent for 90 s");
    const text = "nothing was heard for 95 s, which is unusual here";
    expect(feedWords(feed({ phase: "stale", since_ns, text }), nowMs).note, "one duration").toBe(
      `the feed is silent: ${text}`,
    );
    const other = "no new trade is stored; another process: see what that process says";
    expect(feedWords(feed({ phase: "stale", since_ns, text: other }), nowMs).note).toBe(
      `the feed is silent for 90 s: ${other}`,
    );
    expect(feedWords(feed({ phase: "closed", text: "opens at 09:15" }), nowMs)).toMatchObject({
      text: "market closed",
      note: "opens at 09:15",
      tone: "quiet",
      dims: false,
    });
    expect(feedWords(feed({ phase: "stopped", text: "no token" }), nowMs)).toMatchObject({ tone: "bad", dims: true });
  });

  it("shows a progress while there is one", () => {
    expect(feedWords(feed({ backfill: 0.25 }), nowMs).backfill).toBe(0.25);
    expect(feedWords(feed({ backfill: 1 }), nowMs).backfill).toBeNull();
  });
});

describe("symbolList", () => {
  it("puts live symbols first, also those without trades, each once", () => {
    const stored = { key: "sim:X", simulated: false, live: false, inferred: false, tick_size: "0.5" } as InstrumentInfo;
    const known = { ...stored, key: "v:B", live: true };
    const feeds = new Map([
      ["v:A", feed({ phase: "connecting", has_trades: false })],
      ["v:B", feed({ symbol: "v:B", backfill: 0.5 })],
    ]);
    expect(symbolList([stored, known], feeds)).toEqual([
      { key: "v:A", dot: "warn", note: "connecting, no trade yet" },
      { key: "v:B", dot: "ok", note: "live, history 50 %, tick 0.5" },
      { key: "sim:X", dot: "quiet", note: "stored, tick 0.5" },
    ]);
  });
});

describe("themeOf", () => {
  it("is the system's until one is chosen", () => {
    expect([themeOf("system", true), themeOf("system", false), themeOf("dark", true)]).toEqual([
      "light",
      "dark",
      "dark",
    ]);
  });
});

describe("a candle of the venue", () => {
  it("is pointed at where it is out of sight, as bars of trades are", () => {
    const frame = frameOf([{ minute: 0, cells: [] }, { minute: 1 }, { minute: 2, cells: [] }]);
    for (const [at, low, high] of [
      [0, 900, 902],
      [2, 180, 208],
    ] as const) {
      frame.bars.flags[at] = 9;
      frame.bars.low_tick[at] = low;
      frame.bars.high_tick[at] = high;
    }
    const series = new BarSeries();
    series.reset(frame);
    const arrows: number[] = [];
    const ctx = { fillRect: () => {}, beginPath: () => {}, moveTo: (_x: number, y: number) => arrows.push(y) };
    const pen = { ...ctx, lineTo: () => {}, fill: () => {} } as unknown as CanvasRenderingContext2D;
    const layout = { candleWidth: 0, candleLeft: 0 };
    // Rows 95 to 105, from the bottom of the pane up.
    const scene = { series, layout, palette: {}, bar: 60, dpr: 1, row: 10, height: 100, ticksPerLevel: 2 };
    const at = { x: (index: number) => index * 60, y: (row: number) => (105 - row) * 10 };
    drawBeyond(pen, { ...scene, ...at } as unknown as Scene, 0, 2);
    expect(arrows, "the first is above, the last reaches below").toEqual([2, 98]);
  });

  it("reads as a candle: volume and open interest, and nothing of order flow", () => {
    const model = new ChartModel();
    model.resize({ width: dpx(1600), priceHeight: dpx(600), paneHeights: lowPanes, dpr: 1 });
    const frame = frameOf([{ minute: 0, cells: [] }, { minute: 1 }]);
    frame.bars.flags[0] = 9;
    frame.bars.cvd[0] = Number.NaN;
    frame.bars.unknown[0] = 7;
    const series = new BarSeries();
    series.reset(frame);
    model.open(series, meta);
    model.openInterest = new Map([[openOf(0), "9004"]]);
    model.settle();
    expect(barReadout(model, 0 as BarIndex)).toMatchObject({
      hasFlow: false,
      delta: "–",
      cvd: "–",
      minDelta: "–",
      trades: "–",
      openInterest: "9004",
      doubtful: false,
    });
    expect(barReadout(model, 0 as BarIndex).volume).not.toBe("0");
    expect(barReadout(model, 1 as BarIndex).hasFlow).toBe(true);
    expect(barTable(model, 0 as BarIndex).rows).toEqual([]);
  });
});

describe("the place of a view", () => {
  const modelOf = (): ChartModel => {
    const model = new ChartModel();
    model.resize({ width: dpx(1600), priceHeight: dpx(600), paneHeights: lowPanes, dpr: 1 });
    const series = new BarSeries();
    series.reset(frameOf(minutes(0, 200)));
    model.open(series, meta);
    model.settle();
    return model;
  };

  it("stays where its time is while older bars are cut otherwise", () => {
    const model = modelOf();
    model.panBars(-100);
    model.settle();
    const at = model.series.openNs(Math.floor(model.time.right) as BarIndex);
    const page = frameOf(Array.from({ length: 40 }, (_, k) => ({ minute: 2 * k })));
    model.changed(model.series.refill(page, openOf(80), true));
    model.settle();
    expect(model.following).toBe(false);
    expect(model.series.openNs(Math.floor(model.time.right) as BarIndex)).toBe(at);
  });

  it("is found again when its bars come back, and stays at the live edge for who follows", () => {
    const model = modelOf();
    model.panBars(-150);
    model.settle();
    const at = model.series.openNs(Math.floor(model.time.right) as BarIndex);
    model.changed(model.series.reset(frameOf(minutes(190, 10))));
    model.settle();
    model.series.prepend(frameOf(minutes(0, 190)));
    model.prepended();
    model.settle();
    expect(model.series.openNs(Math.floor(model.time.right) as BarIndex)).toBe(at);
    const other = modelOf();
    const beyond = other.time.right - other.series.end;
    other.changed(other.series.reset(frameOf(minutes(190, 12))));
    expect(other.following).toBe(true);
    expect(other.time.right - other.series.end).toBeCloseTo(beyond);
  });

  it("keeps no more emptiness behind the newest bar when bars get narrower", () => {
    const model = modelOf();
    const empty = (model.time.right - model.series.end) * model.time.bar;
    for (let k = 0; k < 5; k += 1) model.zoomTime(dpx(300), 0.7);
    expect((model.time.right - model.series.end) * model.time.bar).toBeLessThanOrEqual(empty + 1);
    expect(model.following).toBe(true);
  });

  it("says when the price is off the screen of a scale that does not follow it", () => {
    const model = modelOf();
    expect(model.priceIsOff).toBe(false);
    model.panRows(500);
    expect(model.priceIsOff).toBe(true);
    model.resetPrice();
    model.settle();
    expect(model.priceIsOff).toBe(false);
  });
});

describe("what was done a moment ago", () => {
  it("leaves the chart by itself, what can be undone later than the rest", () => {
    const due: { ms: number; run: () => void }[] = [];
    const said = new Said({ now: () => 0, after: (ms, run) => due.push({ ms, run }) });
    said.say("The picture is saved.");
    said.say("Layout “one” is open.", async () => {});
    const [first, second] = due as [(typeof due)[number], (typeof due)[number]];
    expect(second.ms).toBeGreaterThan(first.ms);
    first.run();
    expect(said.store.get()?.text, "its own time is not over").toBe("Layout “one” is open.");
    second.run();
    expect(said.store.get()).toBeNull();
  });
});
