import { describe, expect, it } from "vitest";
import { deskOf, lacks } from "../src/app/desk";
import { readPrefs } from "../src/app/prefs";
import { chainFor, deskChain, isUnderlying } from "../src/data/chain-choice";
import type { StreamListener } from "../src/data/hub";
import { changed } from "../src/data/option-change";
import { OptionsDesk, optionsClosed } from "../src/data/options-desk";
import { RequestFailed, type Rest } from "../src/data/rest";
import type { Clock } from "../src/data/store";
import { parseGrid } from "../src/model/decimal";
import { percentText } from "../src/model/format";
import { signsOf } from "../src/model/number-signs";
import { detailLines } from "../src/model/option-detail";
import { columnAt, dayTotals, heatPixels } from "../src/model/option-heat";
import { beyond, dayNote, optionLevels } from "../src/model/option-levels";
import { change, clockOf, figures, quantity, tableRows, zoneOf } from "../src/model/option-table";
import { readOptions } from "../src/model/options-kept";
import { readings } from "../src/model/read-out";
import {
  type ChartColours,
  namedStrikes,
  profileChart,
  ratiosChart,
  straddleChart,
} from "../src/panels/options/charts";
import { heatWords } from "../src/panels/options/heat";
import type { ChainInfo, ChainReply, OptionCell, OptionHeat, OptionRow, ReadOut } from "../src/protocol/options";
import type { StreamRequest } from "../src/protocol/streams";

const nothing: OptionCell = {
  oi: null,
  oi_day: null,
  oi_step: null,
  step_from_ns: null,
  volume: null,
  ltp: null,
  bid: null,
  ask: null,
  bid_qty: null,
  ask_qty: null,
  crossed: false,
  mid: null,
  iv: null,
  delta: null,
  gamma: null,
  vega: null,
  theta: null,
  venue: {},
  said: {},
};
const atNs = 1_764_929_160_000_000_000n;

function chainOf(change: Partial<ChainReply> = {}): ChainReply {
  const said = { oi: { since_ns: String(atNs), source: "file" } };
  return {
    symbol: "nse:NIFTY",
    name: "NIFTY",
    tz: "Asia/Kolkata",
    expiry: "2025-12-09",
    expiries: ["2025-12-09"],
    at_ns: String(atNs),
    days_to_expiry: 4,
    sessions_to_expiry: 3,
    units_a_lot: 75,
    rate: 0.055,
    spot: 26_120,
    spot_from: "chain",
    forward: null,
    atm: "26100",
    call_oi: "0",
    put_oi: "0",
    left_out: 0,
    pcr_oi: 1.1924,
    pcr_volume: null,
    max_pain: "26150",
    call_walls: [{ strike: "26200", oi: "15000", strong: true }],
    put_walls: [{ strike: "26100", oi: "7500", strong: false }],
    straddle: null,
    atm_iv: 0.1234,
    gex: null,
    gex_assumes: "dealers are long calls",
    rows: [
      {
        strike: "26100",
        call: { ...nothing, oi: "7500", said },
        put: { ...nothing, oi: "7500", oi_day: "-750", said },
      },
      { strike: "26150", call: nothing, put: nothing },
      { strike: "26200", call: { ...nothing, oi: "15000", oi_day: "1500", crossed: true, said }, put: nothing },
    ],
    ...change,
  };
}

const kolkata = clockOf(zoneOf("exchange", "Asia/Kolkata"));
const colours: ChartColours = {
  fg: "#eee",
  muted: "#888",
  line: "#333",
  panel: "#111",
  buy: "#0a0",
  sell: "#a00",
  accent: "#00a",
  warn: "#aa0",
};

describe("times of a chain", () => {
  it("are told on the exchange's clock, or on the one that the page is set to", () => {
    expect(kolkata(String(atNs))).toBe("15:36:00");
    expect(clockOf(zoneOf("UTC", "Asia/Kolkata"))(String(atNs))).toBe("10:06:00");
    const title = tableRows(chainOf(), "lots", kolkata)[0]?.call.title;
    expect(title).toBe("open interest 15000, file, since 15:36:00");
  });
});

describe("the charts of a chain", () => {
  interface Drawn {
    readonly name: string;
    readonly data: readonly unknown[];
    readonly tooltip: { readonly valueFormatter: (value: unknown) => string };
  }
  const drawn = (option: object): readonly Drawn[] => (option as { series: readonly Drawn[] }).series;

  it("say changes with their own sign, wherever they are drawn, and nothing where nothing is known", () => {
    const [calls, , callDay, putDay] = drawn(profileChart(chainOf(), colours, "lots", { height: 400 }));
    expect(callDay?.data).toEqual([null, null, -20]);
    expect(putDay?.data).toEqual([-10, null, null]);
    expect(callDay?.tooltip.valueFormatter(-20)).toBe("+20");
    expect(putDay?.tooltip.valueFormatter(-10)).toBe("−10");
    expect(calls?.tooltip.valueFormatter(-200)).toBe("200");
    for (const nothing of [null, undefined, Number.NaN, "-"]) {
      expect(callDay?.tooltip.valueFormatter(nothing)).toBe("–");
      expect(calls?.tooltip.valueFormatter(nothing)).toBe("–");
    }
  });

  const heat: OptionHeat = {
    symbol: "nse:NIFTY",
    tz: "Asia/Kolkata",
    expiry: "2025-12-09",
    at_ns: [String(atNs), String(atNs + 60_000_000_000n)],
    strikes: ["26100", "<img src=x onerror=alert(1)>"],
    calls: [
      [null, 75],
      [null, 0],
    ],
    puts: [
      [null, 0],
      [null, 0],
    ],
    net: [
      [null, -75],
      [null, 0],
    ],
    held_calls: [
      [false, false],
      [false, true],
    ],
    held_puts: [
      [false, true],
      [false, true],
    ],
    clip_calls: 75,
    clip_puts: null,
    clip_net: 75,
    day_calls: [150, null],
    day_puts: [-75, 75],
  };

  // Red for less, green for more, blue for none: four bytes a cell, the highest strike first.
  const inks = { less: [200, 0, 0], none: [0, 0, 200], more: [0, 200, 0] } as const;
  const pixels = (side: "calls" | "puts" | "net"): readonly string[] => {
    const bytes = [...heatPixels(heat, side, 2, inks)];
    return [0, 4, 8, 12].map((at) => bytes.slice(at, at + 4).join(" "));
  };

  it("tell a change of nothing from one that nobody looked for, and from none that is known", () => {
    expect(pixels("calls"), "above, 26100 below").toEqual(["0 0 0 0", "0 0 200 102", "0 0 0 0", "0 200 0 255"]);
    expect(pixels("net")).toEqual(["0 0 0 0", "0 0 200 102", "0 0 0 0", "200 0 0 255"]);
    expect(dayTotals(heat, "calls", 75), "against the previous day's close").toEqual(["+2", "–"]);
    expect(dayTotals(heat, "net", 75)).toEqual(["−3", "–"]);
  });

  it("leave no strong change out where a day has more instants than the screen has pixels", () => {
    const day = [null, 1, -9, 2, null, null, 3];
    expect(
      [0, 1, 2].map((at) => columnAt(day, at, 3)),
      "two, two and three of seven",
    ).toEqual([1, 2, 6]);
    expect(columnAt(day, 1, 7), "one each").toBe(1);
    expect(
      [8, 9, 10].map((at) => columnAt(day, at, 14)),
      "half of one each",
    ).toEqual([-1, -1, -1]);
    expect(columnAt([], 0, 5)).toBe(-1);
  });

  it("write what the server says as text, never as markup", () => {
    const area = { x: 100, y: 10, width: 20, height: 40 };
    const words = (x: number, y: number): string =>
      heatWords({ heat, side: "calls", size: 75, clock: kolkata }, { x, y }, area);
    expect(words(119, 49)).toBe("15:37:00 · 26100<br><b>+1</b>");
    expect(words(101, 49)).toBe("15:36:00 · 26100<br><b>not known</b>");
    expect(words(111, 11)).not.toContain("<img");
    expect(words(111, 11)).toContain("nothing new was said");
  });

  it("have the exchange's clock below", () => {
    const nothing = { pcr_oi: [], pcr_volume: [], max_pain: [], straddle: [], atm_iv: [], spot: [] };
    const day = { ...nothing, symbol: "nse:NIFTY", tz: "Asia/Kolkata", expiry: "2025-12-09", units_a_lot: 75 };
    const history = { ...day, at_ns: [String(atNs)], call_oi: [null], put_oi: [null] };
    const { xAxis } = ratiosChart(history, colours, kolkata) as unknown as { xAxis: { data: readonly string[] } };
    expect(xAxis.data).toEqual(["15:36:00"]);
  });

  it("give a value that does not move an axis of its own size", () => {
    const day = { symbol: "sim:PERP", tz: "UTC", expiry: "2026-11-22", units_a_lot: null, straddle: [], atm_iv: [] };
    const times = { at_ns: [String(atNs), String(atNs + 60n * 10n ** 9n)], spot: [], call_oi: [], put_oi: [] };
    const axes = (max_pain: (string | null)[]): unknown[] => {
      const history = { ...day, ...times, pcr_oi: [0.9, 1.1], pcr_volume: [null, 1], max_pain };
      const { yAxis } = ratiosChart(history, colours, kolkata) as unknown as {
        yAxis: { min?: number; max?: number }[];
      };
      return yAxis.map(({ min, max }) => [min, max]);
    };
    expect(axes(["20000", null])).toEqual([
      [undefined, undefined],
      [19_800, 20_200],
    ]);
    expect(axes(["20000", "20050"])[1]).toEqual([undefined, undefined]);
    expect(axes([null, null])[1]).toEqual([undefined, undefined]);
    const vols = { at_ns: [], spot: [], call_oi: [], put_oi: [], pcr_oi: [], pcr_volume: [], max_pain: [] };
    const [straddle, iv] = (
      straddleChart(
        { ...day, ...vols, straddle: [244.6, 244.75], atm_iv: [0.45, 0.452, null] },
        colours,
        kolkata,
      ) as unknown as {
        yAxis: {
          min: number;
          max: number;
          axisLabel: { showMinLabel: boolean; formatter: (value: number) => string };
        }[];
      }
    ).yAxis;
    expect((straddle?.max ?? 0) - (straddle?.min ?? 0), "some paise are no storm").toBeCloseTo(1);
    expect(straddle?.axisLabel.formatter(244.65), "no two of its values are written alike").toBe("244.65");
    expect(iv?.axisLabel.showMinLabel, "44.60 is no step of it").toBe(false);
    expect(
      [iv?.min, iv?.max].map((one) => one?.toFixed(2)),
      "one percent at least",
    ).toEqual(["44.60", "45.60"]);
  });
});

describe("all that is known of a strike", () => {
  const line = (name: string, change: Partial<ChainReply> = {}) =>
    detailLines(chainOf(change), chainOf(change).rows[0] as OptionRow, kolkata).find((one) => one.name === name);

  it("has each value with its source and age, and the venue's Greeks beside ours", () => {
    const since = (back: bigint) => ({ since_ns: String(atNs - back * 1_000_000_000n), source: "upstox_feed" });
    const call: OptionCell = {
      ...nothing,
      oi: "7500",
      oi_day: "-750",
      oi_step: "75",
      step_from_ns: String(atNs - 180_000_000_000n),
      bid: "101.00",
      bid_qty: "1500",
      ask_qty: "0",
      iv: 0.12345,
      delta: -0.51234,
      venue: { iv: "0.118", delta: "-0.52" },
      said: { oi: since(12n), bid: since(3n), prev_oi: since(7200n), iv: since(200n), delta: since(200n) },
    };
    const rows = [{ strike: "26100", call, put: nothing }];
    const texts = (name: string) => line(name, { rows })?.call;
    expect(texts("Open interest")).toEqual({ text: "7,500 (100\u00a0lots)", from: "upstox_feed, 12 s" });
    expect(texts("ΔOI, day")).toEqual({ text: "−750 (−10\u00a0lots)", from: "upstox_feed, 2 h" });
    expect(texts("ΔOI, last update")).toEqual({ text: "+75 (+1\u00a0lots)", from: "since 15:33:00" });
    expect(texts("Bid")).toEqual({ text: "101.00 × 1,500", from: "upstox_feed, 3 s" });
    expect(texts("Ask")?.text, "nobody offers").toBe("none");
    expect(texts("Middle")).toEqual({ text: "–", from: "" });
    expect(texts("IV, ours")?.text).toBe(percentText(0.12345, 2));
    expect(texts("IV, venue")).toEqual({ text: percentText(0.118, 2), from: "upstox_feed, 3 min" });
    expect(texts("Delta, ours")?.text).toBe("−0.5123");
    expect(texts("Delta, venue")?.text).toBe("−0.52");
    for (const { put } of detailLines(chainOf({ rows }), rows[0] as OptionRow, kolkata)) {
      expect(put, "what nobody said is no number").toEqual({ text: "–", from: "" });
    }
  });

  it("says that a quote is crossed, and gives units alone where a lot is not known", () => {
    const rows = [{ strike: "1", call: { ...nothing, oi: "1234567", crossed: true }, put: nothing }];
    expect(line("Middle", { rows })?.call.text).toBe("crossed");
    expect(line("Open interest", { rows, units_a_lot: null })?.call.text).toBe("1,234,567");
  });
});

describe("the desk", () => {
  const info = (symbol: string, front: string | null, last = "1"): ChainInfo => {
    const name = symbol.slice(symbol.indexOf(":") + 1);
    return { symbol, name, charts: [], front, rows: 1, first_ns: "0", last_ns: last, expiries: [] };
  };
  const fut = "upstox:NIFTY.FUT1";

  it("is of the chain that is charted, else of NIFTY's, else of any; one with a chart before others", () => {
    const [nifty, live] = [info("nse:NIFTY", fut), info("upstox:NIFTY", fut, "5")];
    const [bank, sim] = [info("nse:BANKNIFTY", "upstox:BANKNIFTY.FUT1"), info("sim:PERP", "sim:PERP", "9")];
    const all = [sim, bank, nifty, live];
    expect(deskChain(all, "upstox:BANKNIFTY.FUT1")).toBe(bank);
    expect(deskChain(all, "sim:PERP"), "of two the newer one").toBe(live);
    expect(deskChain([sim, bank, info("nse:NIFTY", null)], "sim:PERP")).toBe(bank);
    expect(deskChain([sim], "x:Y")).toBe(sim);
    expect(deskChain([], "x:Y")).toBeUndefined();
    expect(deskChain([sim], fut), "a live chart's own chain begins when it is looked at").toBeUndefined();
  });

  it("is a layout: the front future, its change of open interest, and the chain beside it", () => {
    const prefs = readPrefs({ settings: { mode: "delta" } });
    const { charts, look } = deskOf(info("nse:NIFTY", fut), { symbol: "x:Y", bars: "5m", step: 7 }, prefs);
    expect(charts).toEqual([{ symbol: fut, bars: "5m", step: null }]);
    expect(readPrefs(look).options).toEqual({ open: true, tab: "desk", everyS: 60 });
    expect(readPrefs(look).panes.map(({ id }) => id)).toEqual(["price", "stream interest_change", "delta"]);
    expect(readPrefs(look).settings.mode, "the rest stays as it is").toBe("delta");
    const alone = deskOf(info("nse:NIFTY", null), { symbol: "x:Y", bars: "5m", step: 7 }, prefs);
    expect(alone.charts[0].symbol).toBe("x:Y");
    const begins = deskOf(null, { symbol: fut, bars: "1m", step: 5 }, prefs);
    expect(begins.charts).toEqual([{ symbol: fut, bars: "1m", step: 5 }]);
    expect(readPrefs(begins.look).options.open).toBe(true);
    expect(lacks(info("nse:NIFTY", null))).toContain("footloom record upstox:NIFTY.FUT1");
    expect(lacks(info("nse:NIFTY", fut))).toBe("");
  });

  it("is remembered, whatever was stored", () => {
    expect(readOptions({ open: true, tab: "desk", everyS: 180 })).toEqual({ open: true, tab: "desk", everyS: 180 });
    for (const bad of [null, 7, { open: 1, tab: "no", everyS: 0.5 }]) expect(readOptions(bad)).toEqual(optionsClosed);
  });
});

describe("an axis of strikes", () => {
  const strikes = Array.from({ length: 85 }, (_, place) => String(23_750 + 50 * place));
  const named = (length: number, of = strikes): string[] => of.filter((_, place) => namedStrikes(of, length)(place));

  it("names as many as have room, at round ones", () => {
    expect(named(2000)).toEqual(strikes);
    expect(named(700).slice(0, 3)).toEqual(["23800", "23900", "24000"]);
    expect(named(200)).toEqual(["24000", "24500", "25000", "25500", "26000", "26500", "27000", "27500"]);
    const uneven = ["20000", "20500", "21000", "21050", "21100", "21150", "21200"];
    expect(named(99, uneven), "a step that is coarse far from the money").toEqual(uneven);
    expect(named(50, uneven)).toEqual(["20000", "21000", "21200"]);
    expect(named(10, ["25000"])).toEqual(["25000"]);
  });
});

describe("the table of a chain", () => {
  it("has the highest strike first, in lots of the day, and marks the money, walls and the least pain", () => {
    const rows = tableRows(chainOf(), "lots", kolkata);
    expect(rows.map(({ strike }) => strike)).toEqual(["26200", "26150", "26100"]);
    expect(rows.map(({ isAtm, isMaxPain }) => [isAtm, isMaxPain])).toEqual([
      [false, false],
      [false, true],
      [true, false],
    ]);
    expect(rows[0]?.call).toMatchObject({
      oi: "200",
      oiShare: 1,
      wall: 1,
      quote: "crossed",
      day: { text: "+20", sign: 1 },
    });
    expect(rows[2]?.put).toMatchObject({ oi: "100", oiShare: 0.5, wall: 1, day: { text: "−10", sign: -1 } });
    expect(rows[2]?.callInMoney).toBe(true);
    expect(rows[0]?.putInMoney).toBe(true);
  });

  it("says nothing where nothing is known, and never a zero", () => {
    expect(tableRows(chainOf(), "units", kolkata)[1]?.call).toMatchObject({
      oi: "–",
      ltp: "–",
      iv: "–",
      day: { text: "–", sign: 0 },
    });
    expect([quantity(null, 1), quantity("0", 1), change("0", 1)]).toEqual(["–", "0", { text: "0", sign: 0 }]);
    const [spot, forward, , byVolume] = figures(chainOf({ spot: null, spot_from: null }), "units");
    expect([spot?.value, forward?.value, byVolume?.value]).toEqual(["–", "–", "–"]);
  });

  it("says how many strikes its sums leave out", () => {
    const explained = (left: number): readonly (string | undefined)[] =>
      ["PCR OI", "Max pain"].map(
        (wanted) => figures(chainOf({ left_out: left }), "units").find(({ name }) => name === wanted)?.explained,
      );
    for (const one of explained(2)) expect(one).toContain("2 strikes of which a side is not known are left out.");
    for (const one of explained(1)) expect(one).toContain("1 strike of which a side is not known is left out.");
    for (const one of explained(0)) expect(one).not.toContain("left out");
  });

  it("stays with units where the size of a lot is not known", () => {
    expect(tableRows(chainOf({ units_a_lot: null }), "lots", kolkata)[0]?.call.oi).toBe("15.0k");
  });

  it("draws pale what is older than five minutes", () => {
    const late = chainOf({ at_ns: String(atNs + 300_000_000_001n) });
    expect(tableRows(late, "lots", kolkata)[0]?.call.isOld).toBe(true);
    expect(tableRows(chainOf({ at_ns: String(atNs + 300_000_000_000n) }), "lots", kolkata)[0]?.call.isOld).toBe(false);
  });
});

const readOut: ReadOut = {
  symbol: "upstox:NIFTY.FUT1",
  tz: "Asia/Kolkata",
  at_ns: String(atNs),
  session_ns: String(atNs),
  poc: "26190.50",
  key_level: "26200",
  chain: "nse:NIFTY",
  readings: [
    {
      baseline: "previous close",
      label: "long_unwinding",
      reading: "bearish",
      confirmed: false,
      words: "long unwinding: price and open interest fall",
      because: ["price 26,300.00 to 26,190.50"],
      from_ns: null,
      to_ns: String(atNs),
    },
    {
      baseline: "interval",
      label: null,
      reading: null,
      confirmed: null,
      words: "no reading: open interest at both ends of the stretch is not known",
      because: [],
      from_ns: String(atNs - 181_000_000_000n),
      to_ns: String(atNs),
    },
  ],
};

it("puts strikes, the three walls of each side and the key level on the ticks of a chart", () => {
  const call_walls = [
    { strike: "26200", oi: "15000", strong: true },
    { strike: "26300", oi: "7500", strong: false },
  ];
  const levels = optionLevels(chainOf({ call_walls }), parseGrid("0.05"), readOut);
  expect(levels.lines.map(({ tick, kind, length }) => [tick, kind, length])).toEqual([
    [524_000, "call", 1],
    [526_000, "call", 0.5],
    [522_000, "put", 1],
    [523_000, "pain", 1],
    [523_810, "key", 1],
  ]);
  expect(levels.lines.map(({ text }) => text)).toEqual([
    "strong call wall 26200",
    "call wall 2 26300",
    "put wall 26100",
    "max pain 26150",
    "key level: wall 26200 at the POC 26190.50",
  ]);
  const out = (top: number) => {
    const { above, below } = beyond(levels.lines, (tick) => top / 0.05 - tick, 20 / 0.05);
    return [above, below].map((lines) => lines.map(({ tick }) => tick * 0.05));
  };
  expect(out(26_210), "the nearest first, and a second wall is not named").toEqual([[], [26_150, 26_100]]);
  expect(out(26_090)).toEqual([[26_100, 26_150, 26_190.5, 26_200], []]);
  const dayNs = 86_400_000_000_000n;
  expect([dayNote(levels, atNs), dayNote(levels, null), dayNote(levels, atNs + dayNs)]).toEqual([
    "",
    "",
    " (chain of 2025-12-05)",
  ]);
  const hasKey = (walls: typeof call_walls, told?: ReadOut): boolean =>
    optionLevels(chainOf({ call_walls: walls }), parseGrid("0.05"), told).lines.some(({ kind }) => kind === "key");
  expect([hasKey(call_walls), hasKey(call_walls, { ...readOut, key_level: null })]).toEqual([false, false]);
  expect(hasKey(call_walls.slice(0, 1), { ...readOut, key_level: "26200.00" })).toBe(true);
  expect(hasKey(call_walls.slice(1), readOut), "the wall that it names is one no more").toBe(false);
  expect(levels.strikes[2]).toEqual({ tick: 524_000, call: 1, put: 0 });
});

it("says what a reading leans to, whether volume agrees, and never makes one up", () => {
  const [close, interval] = readings(readOut, clockOf(zoneOf("exchange", "Asia/Kolkata")));
  expect(close).toMatchObject({
    title: "Against the previous close",
    verdict: "Bearish, but aggressive volume does not agree",
    tone: "bearish",
    words: "Long unwinding: price and open interest fall.",
  });
  expect(interval).toMatchObject({ title: "Over the last interval", verdict: "No reading", tone: "neutral" });
  expect(interval?.when).toMatch(/^\d\d:\d\d:\d\d to \d\d:\d\d:\d\d$/);
});

it("writes the numbers of a reading's reasons as all others", () => {
  const line = "open interest 1,210,000 to 1,206,000.5: -0.33% (a change of at most 0.5% is none), delta +12";
  const told = readOut.readings.slice(0, 1).map((row) => ({ ...row, because: [line] }));
  const because = (choice: "plain" | "de") =>
    readings({ ...readOut, readings: told }, clockOf(zoneOf("exchange", "Asia/Kolkata")), signsOf(choice))[0]
      ?.because[0];
  expect(because("plain")).toBe(
    "open interest 1210000 to 1206000.5: \u22120.33% (a change of at most 0.5% is none), delta +12",
  );
  expect(because("de")).toBe(
    "open interest 1.210.000 to 1.206.000,5: \u22120,33% (a change of at most 0,5% is none), delta +12",
  );
});

it("puts what changed in a chain into what is known of it", () => {
  const before = chainOf();
  const { rows: _, ...head } = chainOf({ pcr_oi: 2 });
  const strikes = before.rows.slice(1).map(({ strike }) => strike);
  const [, row] = before.rows;
  const said = { ltp: { since_ns: "5", source: "feed" } };
  const after = changed(before, { head, strikes, rows: [{ strike: row?.strike ?? "", put: { ltp: "9.5", said } }] });
  expect(after.pcr_oi).toBe(2);
  expect(after.rows.map(({ strike }) => strike)).toEqual(strikes);
  expect(after.rows[0]?.put).toEqual({ ...row?.put, ltp: "9.5", said: { ...row?.put.said, ...said } });
  expect(after.rows[1]).toBe(before.rows[2]);
});

describe("the chain that is looked at", () => {
  const info = (symbol: string, charts: readonly string[] = []): ChainInfo => {
    const name = symbol.slice(symbol.indexOf(":") + 1);
    return { symbol, name, charts, front: charts[0] ?? null, rows: 1, first_ns: "0", last_ns: "0", expiries: [] };
  };

  /** A desk over answers that the test gives: streams of the chain, and REST beside them. */
  function deskOf(answers: Readonly<Record<string, unknown>>) {
    const asked: Record<string, unknown>[] = [];
    const due: (() => void)[] = [];
    const waits: number[] = [];
    const streams: { of: StreamRequest; listener: StreamListener; left: boolean }[] = [];
    const clock: Clock = {
      now: () => 0,
      after: (ms, run) => {
        waits.push(ms);
        due.push(run);
      },
    };
    const options = async (part: string, query: Record<string, unknown>): Promise<unknown> => {
      if (part !== "") asked.push({ part, ...query });
      const answer = answers[part];
      if (answer instanceof Error) throw answer;
      return answer;
    };
    const subscribeStream = (of: StreamRequest, listener: StreamListener): (() => void) => {
      const stream = { of, listener, left: false };
      streams.push(stream);
      return () => {
        stream.left = true;
      };
    };
    const followed: string[] = [];
    const followOptions = async (symbol: string): Promise<void> => {
      followed.push(symbol);
      if (answers["/follow"] instanceof Error) throw answers["/follow"];
    };
    const [rest, hub] = [{ options, followOptions } as unknown as Rest, { subscribeStream }];
    const desk = new OptionsDesk(rest, hub, clock);
    const tell = (chain: ChainReply, problem = ""): void =>
      streams.at(-1)?.listener.said({
        type: "chain",
        kind: "snapshot",
        topic_id: 1,
        topic_seq: 0,
        prev_seq: -1,
        chain,
        problem,
      });
    const turns = async (): Promise<void> => {
      for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
    };
    return { desk, asked, due, streams, tell, turns, rest, hub, clock, followed, waits };
  }
  const both = [info("nse:NIFTY"), info("nse:BANKNIFTY")];

  it("is that of the chart's underlying, the longest name that fits", () => {
    const chains = [info("nse:NIFTY"), info("nse:NIFTYNXT50"), info("sim:PERP")];
    expect(chainFor(chains, "upstox:NIFTY.FUT1")?.symbol).toBe("nse:NIFTY");
    expect(chainFor(chains, "upstox:NIFTYNXT50.FUT1")?.symbol).toBe("nse:NIFTYNXT50");
    expect(chainFor(chains, "binance_usdm:BTCUSDT")?.symbol).toBe("nse:NIFTY");
    expect(chainFor([], "x:Y")).toBeUndefined();
    const live = { ...info("upstox:NIFTY", ["upstox:NSE_FO|53001"]), last_ns: "9" };
    expect(chainFor([...chains, live], "upstox:NSE_FO|53001")?.symbol).toBe("upstox:NIFTY");
    expect(chainFor([...chains, live], "upstox:NIFTY.FUT1")?.symbol, "of two the newer one").toBe("upstox:NIFTY");
  });

  it("draws its levels on charts of its underlying alone", () => {
    expect(isUnderlying(info("nse:NIFTY"), "upstox:NIFTY.FUT1")).toBe(true);
    expect(isUnderlying(info("nse:NIFTY"), "upstox:NIFTY25DECFUT")).toBe(true);
    expect(isUnderlying(info("sim:PERP"), "sim:PERP")).toBe(true);
    expect(isUnderlying(info("nse:NIFTY"), "upstox:NIFTYNXT50.FUT1")).toBe(false);
    expect(isUnderlying(info("nse:BANKNIFTY"), "binance_usdm:BTCUSDT")).toBe(false);
    expect(isUnderlying(info("upstox:NSE_INDEX|Nifty 50", ["upstox:NSE_FO|1"]), "upstox:NSE_FO|1")).toBe(true);
  });

  it("has its options followed as long as somebody sees the page", async () => {
    const { desk, due, turns, followed } = deskOf({ "": both });
    const pass = async (): Promise<void> => {
      for (const run of due.splice(0)) run();
      await turns();
    };
    desk.showing("upstox:NIFTY.FUT1");
    desk.open("upstox:NIFTY.FUT1");
    await turns();
    await pass();
    expect(followed.length).toBe(2);
    desk.hide(true);
    for (let k = 0; k < 3; k += 1) await pass();
    expect(followed.length, "hidden").toBe(2);
    desk.hide(false);
    await turns();
    expect(followed.length, "seen again: at once").toBe(3);
    await pass();
    expect(followed.length, "one loop alone goes on").toBe(4);
  });

  it("asks ever more seldom to follow options that another process records, and anew for another chart", async () => {
    const locked = new RequestFailed("the store is recorded by process 7", 409);
    const { desk, due, turns, followed, waits } = deskOf({ "": both, "/follow": locked });
    desk.showing("upstox:NIFTY.FUT1");
    desk.open("upstox:NIFTY.FUT1");
    for (let k = 0; k < 7; k += 1) {
      await turns();
      for (const run of due.splice(0)) run();
    }
    expect(waits).toEqual([20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000]);
    await turns();
    desk.showing("upstox:BANKNIFTY.FUT1");
    await turns();
    expect(followed.at(-1)).toBe("upstox:BANKNIFTY.FUT1");
    expect(waits.at(-1)).toBe(20_000);
  });

  it("is not drawn through time, nor read out, while nobody sees the page", async () => {
    const { desk, asked, tell, turns } = deskOf({ "": both, "/history": {}, "/readout": {} });
    desk.open("upstox:NIFTY.FUT1");
    await turns();
    desk.choose({ tab: "ratios" });
    tell(chainOf());
    await turns();
    const count = asked.length;
    desk.hide(true);
    tell(chainOf({ at_ns: String(atNs + 120_000_000_000n) }));
    await turns();
    expect(asked.length, "hidden").toBe(count);
    desk.hide(false);
    await turns();
    expect(asked.length, "seen again: both at once").toBe(count + 2);
    desk.close();
  });

  it("is one stream, of another question a new one, and of a closed panel none", async () => {
    const { desk, streams, tell, turns } = deskOf({ "": both, "/heat": { strikes: [] } });
    desk.open("upstox:NIFTY.FUT1");
    await turns();
    expect(streams.map(({ of }) => of)).toEqual([{ symbol: "nse:NIFTY", name: "options", chain: {} }]);
    tell(chainOf());
    expect(desk.view.get()).toMatchObject({ state: "ready", problem: "" });
    desk.choose({ tab: "heat" });
    await turns();
    expect(streams.length, "another tab is the same chain").toBe(1);
    desk.choose({ around: 10, expiry: "2025-12-16" });
    desk.choose({ symbol: "nse:BANKNIFTY" });
    await turns();
    expect(streams.map(({ of, left }) => [of.symbol, of.chain, left])).toEqual([
      ["nse:NIFTY", {}, true],
      ["nse:NIFTY", { expiry: "2025-12-16", strikes: 10 }, true],
      ["nse:BANKNIFTY", {}, false],
    ]);
    desk.close();
    expect(streams.every(({ left }) => left)).toBe(true);
    tell(chainOf());
    expect(desk.view.get().state).toBe("closed");
  });

  it("asks once for what a tab shows, however often the chain changes until it comes", async () => {
    const { desk, asked, tell, turns } = deskOf({ "": both, "/heat": { strikes: [] } });
    desk.open("upstox:NIFTY.FUT1");
    await turns();
    tell(chainOf());
    desk.choose({ tab: "heat" });
    for (let second = 1n; second <= 20n; second += 1n) tell(chainOf({ at_ns: String(atNs + second * 10n ** 9n) }));
    await turns();
    tell(chainOf({ at_ns: String(atNs + 21n * 10n ** 9n) }));
    await turns();
    const heats = (): number => asked.filter(({ part }) => part === "/heat").length;
    expect([heats(), desk.view.get().heat]).toEqual([1, { strikes: [] }]);
    tell(chainOf({ at_ns: String(atNs + 60n * 10n ** 9n) }));
    desk.choose({ around: 10 });
    tell(chainOf({ at_ns: String(atNs + 60n * 10n ** 9n) }));
    await turns();
    expect(heats(), "of another minute, and of another question").toBe(3);
  });

  it("says why options are not listened to where the chain stands, and nothing where somebody else records it", async () => {
    const { desk, due, tell, turns, rest } = deskOf({ "": both });
    Object.assign(rest, { followOptions: () => Promise.reject(new Error("recorded by process 7")) });
    desk.showing("upstox:NIFTY.FUT1");
    desk.open("upstox:NIFTY.FUT1");
    const again = async (): Promise<string> => {
      for (const run of due.splice(0)) run();
      await turns();
      return desk.view.get().followProblem;
    };
    await turns();
    tell(chainOf());
    expect(await again(), "not known yet").toBe("");
    expect(await again()).toBe("recorded by process 7");
    tell(chainOf({ at_ns: String(atNs + 10n ** 9n) }));
    expect(await again()).toBe("");
  });

  it("opens again with the first chart where it was open, and tells what is to be remembered", async () => {
    const { streams, turns, rest, hub, clock } = deskOf({ "": both, "/history": {} });
    const desk = new OptionsDesk(rest, hub, clock, { open: true, tab: "desk", everyS: 180 });
    const kept: boolean[] = [];
    desk.onKept(() => kept.push(desk.kept.open));
    expect(desk.kept, "before there is a chart").toEqual({ open: true, tab: "desk", everyS: 180 });
    desk.showing("");
    await turns();
    expect(streams.length).toBe(0);
    desk.showing("upstox:BANKNIFTY.FUT1");
    await turns();
    expect(streams.map(({ of }) => of.symbol)).toEqual(["nse:BANKNIFTY"]);
    desk.restore({ open: true, tab: "heat", everyS: 60 }, "upstox:NIFTY.FUT1");
    await turns();
    expect(streams.map(({ of }) => of.symbol)).toEqual(["nse:BANKNIFTY", "nse:NIFTY"]);
    expect(desk.choice.get()).toMatchObject({ tab: "heat", everyS: 60 });
    desk.restore(optionsClosed, "upstox:NIFTY.FUT1");
    expect(desk.isOpen).toBe(false);
    expect(kept.at(-1)).toBe(false);
    desk.showing("upstox:NIFTY.FUT1");
    expect(desk.isOpen, "closed by hand it stays closed").toBe(false);
  });

  it("asks for what a tab shows around the money, once a minute of the chain", async () => {
    const { desk, asked, tell, turns } = deskOf({ "": both, "/heat": { strikes: ["1"] }, "/readout": readOut });
    desk.open();
    await turns();
    tell(chainOf());
    desk.choose({ tab: "heat" });
    await turns();
    const heats = (): unknown[] => asked.filter(({ part }) => part === "/heat");
    expect(heats()).toEqual([{ part: "/heat", symbol: "nse:NIFTY", strikes: 15, every_s: 60 }]);
    tell(chainOf({ at_ns: String(atNs + 1_000_000_000n), pcr_oi: 1 }));
    await turns();
    expect(heats().length).toBe(1);
    tell(chainOf({ at_ns: String(atNs + 60_000_000_000n) }));
    await turns();
    expect(heats().length).toBe(2);
    expect(desk.view.get().heat).toEqual({ strikes: ["1"] });
    tell(chainOf({ expiry: "2025-12-16" }));
    expect(desk.view.get().heat, "that of another expiry is not shown").toBeNull();
  });

  it("reads the contract that is charted out, where it stands on the underlying", async () => {
    const { desk, asked, tell, turns } = deskOf({ "": both, "/readout": readOut });
    desk.showing("binance_usdm:BTCUSDT");
    desk.open("nse:NIFTY");
    await turns();
    tell(chainOf());
    await turns();
    expect(asked).toEqual([{ part: "/readout", symbol: "nse:NIFTY" }]);
    desk.showing("upstox:NIFTY.FUT1");
    await turns();
    expect(asked.at(-1)).toEqual({ part: "/readout", symbol: "nse:NIFTY", contract: "upstox:NIFTY.FUT1" });
    expect(desk.view.get().readOut).toBe(readOut);
    desk.choose({ around: 5 });
    tell(chainOf());
    await turns();
    expect(asked.at(-1), "its walls are those of the strikes that are shown").toMatchObject({ strikes: 5 });
  });

  it("shows the read-out of the chain that is chosen, however fast one goes to another and back", async () => {
    const late: ((answer: ReadOut) => void)[] = [];
    const answers: Record<string, unknown> = { "": both };
    const wait = (): Promise<ReadOut> => new Promise((take) => late.push(take));
    answers["/readout"] = wait();
    const { desk, tell, turns } = deskOf(answers);
    desk.open("nse:NIFTY");
    await turns();
    tell(chainOf());
    desk.choose({ symbol: "nse:BANKNIFTY" });
    late[0]?.(readOut);
    await turns();
    expect(desk.view.get().readOut, "that of another chain").toBeNull();
    answers["/readout"] = readOut;
    desk.choose({ symbol: "nse:NIFTY" });
    tell(chainOf());
    await turns();
    expect(desk.view.get().readOut).toBe(readOut);
    tell(chainOf({ expiry: "2025-12-16" }));
    expect(desk.view.get().readOut, "that of another expiry").toBeNull();
  });

  it("asks again for a read-out that failed, after a while and not with each chain", async () => {
    const answers: Record<string, unknown> = { "": both, "/readout": new Error("the server cannot be reached") };
    const { desk, asked, due, tell, turns } = deskOf(answers);
    desk.open();
    await turns();
    for (let again = 0; again < 3; again += 1) {
      tell(chainOf());
      await turns();
    }
    expect([desk.view.get().readOutProblem, asked.length]).toEqual(["the server cannot be reached", 1]);
    answers["/readout"] = readOut;
    for (const run of due.splice(0)) run();
    await turns();
    expect(desk.view.get()).toMatchObject({ readOutProblem: "", readOut });
    expect(asked.length).toBe(2);
  });

  it("takes back what it said of a tab when that comes after all", async () => {
    const answers: Record<string, unknown> = {
      "": both,
      "/readout": readOut,
      "/heat": new Error("the server is busy"),
    };
    const { desk, due, tell, turns } = deskOf(answers);
    desk.open();
    await turns();
    tell(chainOf());
    desk.choose({ tab: "heat" });
    await turns();
    expect(desk.view.get()).toMatchObject({ state: "failed", problem: "the server is busy" });
    answers["/heat"] = { strikes: ["1"] };
    due.at(-1)?.();
    await turns();
    expect(desk.view.get()).toMatchObject({ state: "ready", problem: "", heat: { strikes: ["1"] } });
  });

  it("says what the server said when it refuses or stands still, and asks again", async () => {
    const { desk, due, streams, tell, turns } = deskOf({ "": both, "/readout": new Error("no future is stored") });
    desk.open();
    await turns();
    streams[0]?.listener.refused("not_stored", "the expiry 2025-12-10 is not known");
    expect(desk.view.get()).toMatchObject({ state: "failed", problem: "the expiry 2025-12-10 is not known" });
    due.at(-1)?.();
    expect(streams.length).toBe(2);
    tell(chainOf());
    await turns();
    expect(desk.view.get()).toMatchObject({ state: "ready", problem: "", readOutProblem: "no future is stored" });
    tell(chainOf(), "the store cannot be read");
    expect(desk.view.get()).toMatchObject({ state: "failed", problem: "the store cannot be read" });
    tell(chainOf());
    expect(desk.view.get()).toMatchObject({ state: "ready", problem: "" });
  });
});
