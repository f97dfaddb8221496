import { describe, expect, it } from "vitest";
import { chainFor, isUnderlying, OptionsDesk } from "../src/data/options-desk";
import type { Rest } from "../src/data/rest";
import type { Clock } from "../src/data/store";
import { parseGrid } from "../src/model/decimal";
import { optionLevels } from "../src/model/option-levels";
import { change, clockOf, figures, quantity, tableRows, zoneOf } from "../src/model/option-table";
import { type ChartColours, heatChart, profileChart, ratiosChart } from "../src/panels/options/charts";
import type { ChainInfo, ChainReply, OptionCell, OptionHeat } from "../src/protocol/options";

const nothing: OptionCell = {
  oi: null,
  oi_day: null,
  oi_step: null,
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
  said: {},
};
const atNs = 1_764_929_160_000_000_000n;

function chainOf(change: Partial<ChainReply> = {}): ChainReply {
  const said = { oi: { since_ns: String(atNs), source: "file" } };
  return {
    symbol: "nse:NIFTY",
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

it("puts strikes and walls on the ticks of a chart", () => {
  const levels = optionLevels(chainOf(), parseGrid("0.05"));
  expect(levels.lines.map(({ tick, kind }) => [tick, kind])).toEqual([
    [524_000, "call"],
    [522_000, "put"],
    [523_000, "pain"],
  ]);
  expect(levels.strikes[2]).toEqual({ tick: 524_000, call: 1, put: 0 });
});

describe("the chain that is looked at", () => {
  const info = (symbol: string): ChainInfo => ({ symbol, rows: 1, first_ns: "0", last_ns: "0", expiries: [] });

  it("is that of the chart's underlying, the longest name that fits", () => {
    const chains = [info("nse:NIFTY"), info("nse:NIFTYNXT50"), info("sim:PERP")];
    expect(chainFor(chains, "upstox:NIFTY.FUT1")?.symbol).toBe("nse:NIFTY");
    expect(chainFor(chains, "upstox:NIFTYNXT50.FUT1")?.symbol).toBe("nse:NIFTYNXT50");
    expect(chainFor(chains, "binance_usdm:BTCUSDT")?.symbol).toBe("nse:NIFTY");
    expect(chainFor([], "x:Y")).toBeUndefined();
  });

  it("draws its levels on charts of its underlying alone", () => {
    expect(isUnderlying("nse:NIFTY", "upstox:NIFTY.FUT1")).toBe(true);
    expect(isUnderlying("nse:NIFTY", "upstox:NIFTY25DECFUT")).toBe(true);
    expect(isUnderlying("sim:PERP", "sim:PERP")).toBe(true);
    expect(isUnderlying("nse:NIFTY", "upstox:NIFTYNXT50.FUT1")).toBe(false);
    expect(isUnderlying("nse:BANKNIFTY", "binance_usdm:BTCUSDT")).toBe(false);
  });

  it("asks anew for what is chosen: no expiry of the last look, no strikes around a money that nobody tells", async () => {
    const asked: Record<string, unknown>[] = [];
    const due: (() => void)[] = [];
    const clock: Clock = { now: () => 0, after: (_, run) => void due.push(run) };
    const turns = async (): Promise<void> => {
      for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
    };
    const options = async (part: string, query: Record<string, unknown>): Promise<unknown> => {
      if (part === "") return [info("nse:NIFTY"), info("nse:BANKNIFTY")];
      asked.push({ part, ...query });
      return part === "/chain"
        ? chainOf({ expiry: String(query["expiry"] ?? "2025-12-09") })
        : { expiry: query["expiry"] };
    };
    const desk = new OptionsDesk({ options } as unknown as Rest, clock);
    desk.open();
    await turns();
    desk.choose({ tab: "heat", expiry: "2025-12-16" });
    await turns();
    expect(desk.view.get().heat).toEqual({ expiry: "2025-12-16" });
    desk.choose({ tab: "chain", expiry: "2025-12-23" });
    await turns();
    expect(desk.view.get().heat).toBeNull();
    desk.choose({ around: 10 });
    await turns();
    desk.choose({ symbol: "nse:BANKNIFTY" });
    await turns();
    expect(asked.at(-1)).toEqual({ part: "/chain", symbol: "nse:BANKNIFTY" });
    desk.choose({ expiry: "2025-12-30" });
    await turns();
    desk.close();
    desk.open("nse:BANKNIFTY");
    await turns();
    expect(asked.at(-1)).toEqual({ part: "/chain", symbol: "nse:BANKNIFTY" });
  });

  it("is asked for again while somebody looks, and no more when it is closed", async () => {
    const asked: string[] = [];
    const due: (() => void)[] = [];
    const clock: Clock = { now: () => 0, after: (_, run) => void due.push(run) };
    const answers: Record<string, unknown> = { "": [info("nse:NIFTY")], "/chain": chainOf(), "/heat": { strikes: [] } };
    const options = async (part: string): Promise<unknown> => {
      asked.push(part);
      return answers[part];
    };
    const rest = { options } as unknown as Rest;
    const desk = new OptionsDesk(rest, clock);
    desk.open("upstox:NIFTY.FUT1");
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
    expect(desk.view.get().chain?.max_pain).toBe("26150");
    desk.choose({ tab: "heat" });
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
    expect(asked).toEqual(["", "/chain", "/chain", "/heat"]);
    desk.close();
    for (const run of due) run();
    await Promise.resolve();
    expect(asked.length).toBe(4);
    expect(desk.view.get().state).toBe("closed");
  });

  it("says what the server said when it refuses, and asks again", async () => {
    const due: (() => void)[] = [];
    const clock: Clock = { now: () => 0, after: (_, run) => void due.push(run) };
    let fails = true;
    const options = async (part: string): Promise<unknown> => {
      if (part === "") return [info("nse:NIFTY")];
      if (fails) throw new Error("the expiry 2025-12-10 is not known");
      return chainOf();
    };
    const desk = new OptionsDesk({ options } as unknown as Rest, clock);
    desk.open();
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
    expect(desk.view.get()).toMatchObject({ state: "failed", problem: "the expiry 2025-12-10 is not known" });
    fails = false;
    due.at(-1)?.();
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
    expect(desk.view.get()).toMatchObject({ state: "ready", problem: "" });
  });
});
