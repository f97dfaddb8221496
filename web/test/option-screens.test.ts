import { describe, expect, it } from "vitest";
import type { StreamListener } from "../src/data/hub";
import { changed } from "../src/data/option-change";
import { chainFor, isUnderlying, OptionsDesk } from "../src/data/options-desk";
import type { Rest } from "../src/data/rest";
import type { Clock } from "../src/data/store";
import { parseGrid } from "../src/model/decimal";
import { optionLevels } from "../src/model/option-levels";
import { change, clockOf, figures, quantity, tableRows, zoneOf } from "../src/model/option-table";
import { readings } from "../src/model/read-out";
import { type ChartColours, heatChart, profileChart, ratiosChart } from "../src/panels/options/charts";
import type { ChainInfo, ChainReply, OptionCell, OptionHeat, ReadOut } from "../src/protocol/options";
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
  crossed: false,
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
    const [calls, , callDay, putDay] = drawn(profileChart(chainOf(), colours, "lots"));
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
  };

  it("tell a change of nothing from one that nobody looked for, and from none that is known", () => {
    const option = heatChart(heat, "calls", colours, 75, kolkata);
    expect(drawn(option)[0]?.data).toEqual([{ value: [1, 0, 75] }, { value: [1, 1, 0], itemStyle: { opacity: 0.4 } }]);
    expect(drawn(heatChart(heat, "net", colours, 75, kolkata))[0]?.data).toEqual([
      { value: [1, 0, -75] },
      { value: [1, 1, 0], itemStyle: { opacity: 0.4 } },
    ]);
    const { visualMap } = option as unknown as { visualMap: { inRange: { color: readonly string[] } } };
    expect(visualMap.inRange.color[1]).not.toBe(colours.panel);
  });

  it("write what the server says as text, never as markup", () => {
    const { tooltip } = heatChart(heat, "calls", colours, 75, kolkata) as unknown as {
      tooltip: { formatter: (one: object) => string };
    };
    expect(tooltip.formatter({ value: [1, 0, 75] })).toBe("15:37:00 · 26100<br><b>+1</b>");
    expect(tooltip.formatter({ value: [1, 1, 0] })).not.toContain("<img");
    expect(tooltip.formatter({ value: [1, 1, 0] })).toContain("nothing new was said");
  });

  it("have the exchange's clock below", () => {
    const nothing = { pcr_oi: [], pcr_volume: [], max_pain: [], straddle: [], atm_iv: [], spot: [] };
    const day = { ...nothing, symbol: "nse:NIFTY", tz: "Asia/Kolkata", expiry: "2025-12-09", units_a_lot: 75 };
    const history = { ...day, at_ns: [String(atNs)], call_oi: [null], put_oi: [null] };
    const { xAxis } = ratiosChart(history, colours, kolkata) as unknown as { xAxis: { data: readonly string[] } };
    expect(xAxis.data).toEqual(["15:36:00"]);
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
  expect(optionLevels(chainOf(), parseGrid("0.05")).lines.some(({ kind }) => kind === "key")).toBe(false);
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
    return { symbol, name, charts, rows: 1, first_ns: "0", last_ns: "0", expiries: [] };
  };

  /** A desk over answers that the test gives: streams of the chain, and REST beside them. */
  function deskOf(answers: Readonly<Record<string, unknown>>) {
    const asked: Record<string, unknown>[] = [];
    const due: (() => void)[] = [];
    const streams: { of: StreamRequest; listener: StreamListener; left: boolean }[] = [];
    const clock: Clock = { now: () => 0, after: (_, run) => void due.push(run) };
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
    const desk = new OptionsDesk({ options } as unknown as Rest, { subscribeStream }, clock);
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
    return { desk, asked, due, streams, tell, turns };
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
