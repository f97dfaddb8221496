import { describe, expect, it } from "vitest";
import { StudyBoard } from "../src/data/study-board";
import { StudySeries } from "../src/data/study-series";
import { ChartModel } from "../src/model/chart-model";
import { defaultFlow, fireOf, flowTable, readFlow } from "../src/model/flow-table";
import { defaultSettings } from "../src/model/settings";
import { barStatistics } from "../src/model/statistics";
import { freeLabel, readStudies } from "../src/model/study-choice";
import {
  asksFirst,
  changedOnly,
  counts,
  type FormField,
  fieldsOf,
  fieldText,
  lastName,
  parseField,
  withName,
} from "../src/model/study-form";
import { placeOf, shownOutputs } from "../src/model/study-look";
import { columnText, exactValue } from "../src/model/study-values";
import { livesOf } from "../src/model/study-zones";
import { hasWords, wordsOf } from "../src/model/word-search";
import type { JsonSchema, StudyOutput, StudySpec } from "../src/protocol/messages";
import { decodeStudies, isStudyFrame, type StudyFrame } from "../src/protocol/studies";
import { type BarIndex, dpx } from "../src/protocol/units";
import { frameOf, lowPanes, meta, minutes, openOf } from "./support/frames";

const output = (name: string, kind: StudyOutput["kind"], unit: StudyOutput["unit"], columns = [name]): StudyOutput => ({
  name,
  kind,
  unit,
  columns,
  title: name,
});
const vwap: StudySpec = {
  study: "vwap",
  label: "mine",
  params: {},
  title: "VWAP",
  outputs: [output("vwap", "line", "tick"), output("sd", "column", "tick")],
};

const told = (
  kind: StudyFrame["kind"],
  opens: readonly number[],
  values: readonly number[],
  label = "mine",
): StudyFrame => ({
  kind,
  topicId: 1,
  topicSeq: 1,
  prevSeq: -1,
  openNs: BigInt64Array.from(opens, openOf),
  levelStart: new Uint32Array(opens.length + 1),
  studies: [{ label, bars: { vwap: Float64Array.from(values) }, cells: {}, events: {}, eventCount: 0 }],
});

// The bytes of a frame, put together by hand from the description in docs/protocol.md.
function bytes(): ArrayBuffer {
  const words = JSON.stringify({
    studies: [
      {
        label: "a",
        bars: [
          ["x", "f64"],
          ["t_ns", "i64"],
          ["w", "text"],
        ],
        cells: [["c", "f64"]],
        events: [["bar", "f64"]],
        n_events: 1,
      },
    ],
    texts: [["a", "bars", "w", ["up", "down"]]],
  });
  const text = new TextEncoder().encode(words);
  const pad = (size: number): number => Math.ceil(size / 8) * 8;
  const sizes = [40, pad(text.length), 16, pad(12), 16, 16, 24, 8];
  const buffer = new ArrayBuffer(sizes.reduce((sum, size) => sum + size, 0));
  const view = new DataView(buffer);
  new Uint8Array(buffer).set(new TextEncoder().encode("FTLM"), 0);
  view.setUint8(4, 2);
  view.setUint8(5, 5);
  for (const [k, value] of [text.length, 2, 3, 7].entries()) view.setUint32(8 + 4 * k, value, true);
  view.setFloat64(24, 12, true);
  view.setFloat64(32, -1, true);
  new Uint8Array(buffer).set(text, 40);
  let at = 40 + pad(text.length);
  const put = (values: readonly (number | bigint)[]): void => {
    for (const value of values) {
      if (typeof value === "bigint") view.setBigInt64(at, value, true);
      else view.setFloat64(at, value, true);
      at += 8;
    }
  };
  put([5n, 9n]);
  for (const [k, value] of [0, 1, 3].entries()) view.setUint32(at + 4 * k, value, true);
  at += 16;
  put([1.5, Number.NaN, 3n, -(2n ** 63n), 1, 2, 3, 1]);
  return buffer;
}

describe("a value of a study in words", () => {
  const said = (of: StudyOutput, value: number): string => {
    const study = { value: () => value, decimals: () => null } as unknown as StudySeries;
    return columnText(new ChartModel(), study, of, of.name, 0 as BarIndex);
  };

  it("has the sign of its side, but a side itself has none", () => {
    expect([3, -3].map((value) => said(output("delta", "line", "lot"), value))).toEqual(["+3", "\u22123"]);
    expect([1, 0, -1].map((value) => said(output("signal", "line", "side"), value))).toEqual(["buy", "–", "sell"]);
  });

  it("has the decimals that show a part of a lot", () => {
    const model = new ChartModel();
    model.open(model.series, { ...meta, lot_size: "1", market_lot: "1000" });
    model.apply({ ...defaultSettings, unit: "lots" }, { isLight: false, isStrong: false });
    expect([3.5, 1500.5, 2000].map((value) => exactValue(model, "lot", value))).toEqual(["0.004", "1.500", "2"]);
  });
});

describe("a frame of studies", () => {
  it("is read column by column", () => {
    expect(isStudyFrame(bytes())).toBe(true);
    const frame = decodeStudies(bytes());
    expect([frame.kind, frame.topicId, frame.topicSeq, frame.prevSeq]).toEqual(["studies", 7, 12, -1]);
    expect([...frame.openNs]).toEqual([5n, 9n]);
    expect([...frame.levelStart]).toEqual([0, 1, 3]);
    const [part] = frame.studies;
    expect(part?.bars).toEqual({
      x: Float64Array.of(1.5, Number.NaN),
      t_ns: BigInt64Array.of(3n, -(2n ** 63n)),
      w: ["up", "down"],
    });
    expect(part?.cells["c"]).toEqual(Float64Array.of(1, 2, 3));
    expect(part?.events["bar"]).toEqual(Float64Array.of(1));
  });

  it("is refused where it is cut off", () => {
    expect(() => decodeStudies(bytes().slice(0, -8))).toThrow(/ends at byte/);
    expect(() => decodeStudies(new Uint8Array([...new Uint8Array(bytes()), ...new Uint8Array(8)]).buffer)).toThrow(
      /behind/,
    );
  });
});

describe("what a study says", () => {
  const series = (count: number) => {
    const model = new ChartModel();
    model.series.reset(frameOf(minutes(0, count)));
    return model.series;
  };

  it("is found by bar: live, closed, older, and where the bars have moved", () => {
    const bars = series(6);
    const study = new StudySeries(vwap);
    study.align(bars);
    const values = (): number[] => [0, 1, 2, 3, 4, 5].map((index) => study.value("vwap", index));
    study.merge(told("studies", [2, 3, 4], [20, 30, 40]), told("studies", [2, 3, 4], [20, 30, 40]).studies[0] as never);
    const say = (frame: StudyFrame): void => study.merge(frame, frame.studies[0] as never);
    expect(values()).toEqual([Number.NaN, Number.NaN, 20, 30, 40, Number.NaN]);
    say(told("studies_open", [5], [50]));
    say(told("studies_closed", [4], [41]));
    expect(values()).toEqual([Number.NaN, Number.NaN, 20, 30, 41, 50]);
    const older = told("studies", [0, 1, 2], [1, 10, 99]);
    expect(study.prepend(older, older.studies[0] as never)).toBe(2);
    expect(values()).toEqual([1, 10, 20, 30, 41, 50]);
    say(told("studies", [3, 4], [31, 42]));
    expect(values()).toEqual([1, 10, 20, 31, 42, Number.NaN]);
    bars.prepend(frameOf(minutes(-3, 3)));
    study.align(bars);
    expect(study.value("vwap", 3)).toBe(31);
    expect(study.value("vwap", -1)).toBeNaN();
  });

  it("has no time where none is known", () => {
    const study = new StudySeries(vwap);
    const frame = told("studies", [0, 1], [1, 2]);
    const bars = { vwap: Float64Array.of(1, 2), since: BigInt64Array.of(-(2n ** 63n), 7n) };
    study.merge(frame, { ...(frame.studies[0] as StudyFrame["studies"][number]), bars });
    study.align(series(2));
    expect([study.time("since", 0), study.time("since", 1), study.time("vwap", 1)]).toEqual([null, 7n, null]);
  });

  it("forgets events that are taken back, once, and none of those behind them", () => {
    const study = new StudySeries(vwap);
    const say = (
      kind: StudyFrame["kind"],
      opens: readonly number[],
      at: readonly number[],
      zones: readonly number[],
    ) => {
      const frame = told(kind, opens, opens);
      const events = { bar: Float64Array.from(at), zone: Float64Array.from(zones) };
      study.merge(frame, { ...(frame.studies[0] as never as StudyFrame["studies"][0]), events, eventCount: at.length });
    };
    say("studies", [0, 1, 2, 3], [0, 1, 2, 3], [10, 11, 12, 13]);
    say("studies_closed", [1], [], []);
    const { events } = study;
    const zones = Array.from({ length: events.length }, (_, k) => [
      events.number("zone", k),
      events.time("open_ns", k),
    ]);
    expect(zones).toEqual([
      [10, openOf(0)],
      [12, openOf(2)],
      [13, openOf(3)],
    ]);
  });

  it("is kept for a study that is set as before, and forgotten for one that is not", () => {
    const bars = series(3);
    const board = new StudyBoard();
    board.open([vwap], bars);
    board.merge(told("studies", [0, 1, 2], [1, 2, 3]));
    const held = board.of("mine");
    board.open([vwap, { ...vwap, label: "other" }], bars);
    expect(board.of("mine")).toBe(held);
    board.open([{ ...vwap, params: { reset: "week" } }], bars);
    expect(board.of("mine")?.value("vwap", 1)).toBeNaN();
    expect(board.of("other")).toBeNull();
  });

  it("tells the lives of zones by its events", () => {
    const zone: StudyOutput = {
      ...output("zone", "zone", "tick", ["lo", "hi"]),
      life: { key: ["zone"], ends: "ends", ended: [1], since: "", side: "side" },
    };
    const study = new StudySeries({ ...vwap, outputs: [zone] });
    const bars = series(6);
    study.align(bars);
    const event = (at: readonly number[], zones: readonly number[], ends: readonly number[]): void => {
      const frame = told("studies", [0, 1, 2, 3, 4, 5], [0, 0, 0, 0, 0, 0]);
      const columns = {
        bar: Float64Array.from(at),
        zone: Float64Array.from(zones),
        ends: Float64Array.from(ends),
        lo: Float64Array.from(zones, (z) => 10 * z),
        hi: Float64Array.from(zones, (z) => 10 * z + 4),
        side: Float64Array.from(zones, (z) => (z === 1 ? 1 : -1)),
      };
      study.merge(frame, {
        ...(frame.studies[0] as never as StudyFrame["studies"][0]),
        events: columns,
        eventCount: at.length,
      });
    };
    event([1, 2, 4], [1, 2, 1], [0, 0, 1]);
    const lives = livesOf(study, zone, bars, 2);
    expect(lives.count).toBe(2);
    expect([lives.begin[0], lives.end[0], lives.low[0], lives.high[0], lives.side[0]]).toEqual([1, 4, 5, 7, 1]);
    expect([lives.begin[1], lives.end[1], lives.side[1]]).toEqual([2, Number.POSITIVE_INFINITY, -1]);
  });
});

describe("the form of a study", () => {
  const schema: JsonSchema = {
    properties: {
      reset: { enum: ["day", "never", "session"], default: "session" },
      percent: { type: "integer", minimum: 100, maximum: 10_000, default: 300 },
      anchor_ns: { anyOf: [{ type: "integer", minimum: 0, description: "ns" }, { type: "null" }], default: null },
      bands: {
        type: "array",
        prefixItems: [1, 2, 3].map(() => ({ type: "number", exclusiveMinimum: 0, maximum: 100 })),
        default: [1, 2, 3],
      },
      on: { type: "boolean", default: false },
    },
  };
  const field = (name: string): FormField => fieldsOf(schema).find((one) => one.name === name) as FormField;

  it("is made from its schema", () => {
    expect(fieldsOf(schema).map(({ kind }) => kind)).toEqual(["choice", "whole", "time", "list", "flag"]);
    expect([field("percent").label, field("anchor_ns").label]).toEqual(["Percent", "Anchor (UTC)"]);
    expect(fieldText(field("bands"), [1, 2, 3])).toBe("1, 2, 3");
    const named = (names: Record<string, JsonSchema>): string[] =>
      fieldsOf({ properties: names }).map(({ label }) => label);
    const method = { enum: ["classic", "fibonacci"] };
    expect(
      named({ min_vol_lot: {}, eps_tick: {}, quiet_s: {}, max_age: {}, ib_brackets: {}, lot: {}, method }),
    ).toEqual([
      ...["Least volume (lots)", "Tolerance (ticks)", "Quiet (s)", "Most age", "Initial balance brackets", "Lot"],
      "Method",
    ]);
    expect(named({ method: { enum: ["one_row", "two_row"] } })).toEqual(["Value area grows by"]);
    expect(parseField(field("percent"), "400")).toEqual({ value: 400 });
    for (const bad of ["99", "10001", "3.5", "", "x"])
      expect(parseField(field("percent"), bad)).toHaveProperty("problem");
    expect(parseField(field("bands"), "0.5 1 2")).toEqual({ value: [0.5, 1, 2] });
    for (const bad of ["1 2", "0 1 2", "1 2 101"]) expect(parseField(field("bands"), bad)).toHaveProperty("problem");
    expect(parseField(field("anchor_ns"), "")).toEqual({ value: null });
    const time = parseField(field("anchor_ns"), "2026-03-02T14:30:00");
    expect(time).toEqual({ value: Date.UTC(2026, 2, 2, 14, 30) * 1e6 });
    expect(fieldText(field("anchor_ns"), "value" in time ? time.value : 0)).toBe("2026-03-02T14:30:00");
    expect(changedOnly(schema, { reset: "session", percent: 400, bands: [1, 2, 3] })).toEqual({ percent: 400 });
  });

  it("draws outputs where their units belong, and one axis a pane unasked", () => {
    const outputs = [
      output("a", "line", "per_second"),
      output("b", "line", "ratio"),
      output("c", "band", "tick", ["l", "u"]),
      output("d", "column", "lot"),
    ];
    expect(outputs.map(placeOf)).toEqual(["pane", "pane", "price", "none"]);
    expect(shownOutputs(outputs, null, "pane").map(({ name }) => name)).toEqual(["a"]);
    expect(shownOutputs(outputs, ["b"], "pane").map(({ name }) => name)).toEqual(["b"]);
    expect(shownOutputs(outputs, null, "price").map(({ name }) => name)).toEqual(["c"]);
  });

  it("keeps what is stored only where it is understood", () => {
    const good = { study: "vwap", label: "vwap", params: { reset: "week" }, shows: null };
    expect(readStudies([good, good, { ...good, label: "" }, { ...good, label: "x", params: 5 }, 7])).toEqual([good]);
    expect(freeLabel("vwap", [good])).toBe("vwap 2");
  });
});

describe("the order flow table", () => {
  it("has its newest bar on top, its levels counted, and fire above 3:1 only", () => {
    const sides = [[3, 1], [31, 10], [10, 31], [1, 0], [0, 0]] as const; // biome-ignore format: pairs
    expect(sides.map(([buy, sell]) => fireOf(buy, sell, 3))).toEqual(["", "buy", "sell", "buy", ""]);
    expect(sides.map(([buy, sell]) => fireOf(buy, sell, 3.1))).toEqual(["", "", "", "buy", ""]);
    const model = new ChartModel();
    model.resize({ width: dpx(1600), priceHeight: dpx(600), paneHeights: lowPanes, dpr: 1 });
    const flat = [0, 1, 2].map((minute) => ({
      minute,
      cvd: 5,
      cells: [
        [100, 4, 4],
        [101, 1, 0],
      ] as const,
    }));
    model.series.reset(frameOf(flat));
    model.open(model.series, meta);
    const table = flowTable(model, { ...defaultFlow, rows: 2 });
    expect(table.rows.map(({ time, levels }) => [time, levels])).toEqual([
      ["00:02:00", "2"],
      ["00:01:00", "2"],
    ]);
    expect(table.rows.map(({ fire, sign, length }) => [fire, sign, length])).toEqual([
      ["", 1, 1],
      ["", 1, 1],
    ]);
    expect(table.line).toBe("0.00,50.00 50.00,50.00 100.00,50.00");
    expect(table.zero).toBeNull();
  });

  it("gives a delta that is not to be trusted no colour, and neither does the table of statistics", () => {
    const model = new ChartModel();
    const cells = [[100, 9, 1]] as [number, number, number][];
    model.series.reset(frameOf([{ minute: 0, cells, quoteShare: 0.4 }, { minute: 1, cells, quoteShare: 0.6 }])); // biome-ignore format: two bars
    model.open(model.series, meta);
    expect(flowTable(model, defaultFlow).rows.map(({ sign }) => sign)).toEqual([1, 0]);
    const signs = (index: number) => barStatistics(model, index as BarIndex).slice(1, 5).map(({ sign }) => sign); // biome-ignore format: one line
    expect([signs(0), signs(1)].map((list) => new Set(list).has(1))).toEqual([false, true]);
    expect(new Set(signs(0))).toEqual(new Set([0]));
  });

  it("draws where zero is, where its CVD crosses it", () => {
    const model = new ChartModel();
    const at = (minute: number, cvd: number) => ({ minute, cvd, cells: [[100, 5, 4]] as [number, number, number][] });
    model.series.reset(frameOf([at(0, -10), at(1, 30)]));
    model.open(model.series, meta);
    const { line, zero } = flowTable(model, defaultFlow);
    expect(line).toBe("0.00,95.00 100.00,5.00");
    expect(zero).toBe(72.5);
  });
});

it("keeps settings of the order flow table that can be", () => {
  expect(readFlow({ open: true, rows: 20, points: 1, ratio: 2.5 })).toEqual({
    ...defaultFlow,
    open: true,
    rows: 20,
    ratio: 2.5,
  });
  expect(readFlow({ rows: 8.5, ratio: 0.5 })).toEqual(defaultFlow);
});

describe("fields that count only beside a choice", () => {
  const schema: JsonSchema = {
    properties: {
      hours: { enum: ["london", "own"], default: "london" },
      opens: { type: "string", default: "00:00", when: { hours: "own" } },
    },
  };
  const [hours, opens] = fieldsOf(schema) as [FormField, FormField];

  it("stand behind what decides of them, and before what stands by itself", () => {
    const mixed = { properties: { pct: { type: "string" }, ...schema.properties, daily: { type: "boolean" } } };
    expect(fieldsOf(mixed).map(({ name }) => name)).toEqual(["hours", "opens", "pct", "daily"]);
  });

  it("are told by the schema", () => {
    expect(counts(hours, () => "")).toBe(true);
    expect(counts(opens, (name) => (name === "hours" ? "london" : ""))).toBe(false);
    expect(counts(opens, (name) => (name === "hours" ? "own" : ""))).toBe(true);
  });
});

describe("studies that read other symbols", () => {
  const schema: JsonSchema = {
    properties: {
      symbols: { type: "string", format: "symbols", default: "" },
      symbol: { type: "string", format: "symbol", default: "" },
      quiet_s: { type: "integer", default: 300 },
    },
  };
  const field = (name: string): FormField => fieldsOf(schema).find((one) => one.name === name) as FormField;

  it("are asked for symbols before they say anything, and take names alone", () => {
    expect(asksFirst(schema)).toBe(true);
    expect(asksFirst({ properties: { quiet_s: { type: "integer", default: 300 } } })).toBe(false);
    expect(parseField(field("symbols"), " a:X,b:Y  ")).toEqual({ value: "a:X, b:Y" });
    expect(parseField(field("symbols"), "")).toEqual({ value: "" });
    expect(parseField(field("symbols"), "BTCUSDT")).toHaveProperty("problem");
    expect(parseField(field("symbol"), "a:X b:Y")).toHaveProperty("problem");
    const vix = "upstox:NSE_INDEX|India VIX";
    expect(parseField(field("symbol"), ` ${vix} `), "a name may have blanks").toEqual({ value: vix });
    expect(parseField(field("symbols"), `a:X ${vix}  b:Y`)).toEqual({ value: `a:X, ${vix}, b:Y` });
  });

  it("have the word that is written replaced by a name that is offered", () => {
    expect(lastName("a:X, bin")).toBe("bin");
    expect(withName(field("symbols"), "a:X, bin", "binance_spot:BTCUSDT")).toBe("a:X, binance_spot:BTCUSDT, ");
    expect(withName(field("symbol"), "bin", "binance_spot:BTCUSDT")).toBe("binance_spot:BTCUSDT");
    expect([lastName("a:X, india vi"), lastName("a:X b:Y"), lastName("a:X, ")]).toEqual(["india vi", "b:Y", ""]);
  });

  it("count in units of their own, which are written exactly", () => {
    const spec: StudySpec = {
      study: "premium",
      label: "mine",
      params: {},
      title: "Premium",
      outputs: [output("vwap", "line", "price")],
      steps: { price: "0.05", base: "0.0002" },
    };
    const study = new StudySeries(spec);
    const frame = told("studies", [0, 1], [3, Number.NaN]);
    study.merge(frame, frame.studies[0] as StudyFrame["studies"][number]);
    expect(study.bars.number("vwap", 0)).toBe(0.15);
    expect(study.bars.number("vwap", 1)).toBeNaN();
    expect(study.decimals("vwap")).toBe(2);
  });
});

it("finds what is typed as several of it", () => {
  expect(hasWords("naked_poc Naked POC", wordsOf(" Naked POCs"))).toBe(true);
  expect(hasWords("Session levels", wordsOf("level sessions"))).toBe(true);
  expect(hasWords("Delta", wordsOf("as"))).toBe(false);
  expect(hasWords("Naked POC", wordsOf("naked vwaps"))).toBe(false);
});
