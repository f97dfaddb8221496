import { describe, expect, it } from "vitest";
import { chainFor, OptionsDesk } from "../src/data/options-desk";
import type { Rest } from "../src/data/rest";
import type { Clock } from "../src/data/store";
import { parseGrid } from "../src/model/decimal";
import { optionLevels } from "../src/model/option-levels";
import { change, figures, quantity, tableRows } from "../src/model/option-table";
import type { ChainInfo, ChainReply, OptionCell } from "../src/protocol/options";

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

describe("the table of a chain", () => {
  it("has the highest strike first, in lots of the day, and marks the money, walls and the least pain", () => {
    const rows = tableRows(chainOf(), "lots");
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
    expect(tableRows(chainOf(), "units")[1]?.call).toMatchObject({
      oi: "–",
      ltp: "–",
      iv: "–",
      day: { text: "–", sign: 0 },
    });
    expect([quantity(null, 1), quantity("0", 1), change("0", 1)]).toEqual(["–", "0", { text: "0", sign: 0 }]);
    const [spot, forward, , byVolume] = figures(chainOf({ spot: null, spot_from: null }), "units");
    expect([spot?.value, forward?.value, byVolume?.value]).toEqual(["–", "–", "–"]);
  });

  it("stays with units where the size of a lot is not known", () => {
    expect(tableRows(chainOf({ units_a_lot: null }), "lots")[0]?.call.oi).toBe("15.0k");
  });

  it("draws pale what is older than five minutes", () => {
    const late = chainOf({ at_ns: String(atNs + 300_000_000_001n) });
    expect(tableRows(late, "lots")[0]?.call.isOld).toBe(true);
    expect(tableRows(chainOf({ at_ns: String(atNs + 300_000_000_000n) }), "lots")[0]?.call.isOld).toBe(false);
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
