import { expect, it } from "vitest";
import { StudyBoard } from "../src/data/study-board";
import { ChartModel } from "../src/model/chart-model";
import { overlayTitles, paneTitle, type TitlePart } from "../src/model/pane-titles";
import { edgeTitle, studyColour } from "../src/model/study-look";
import type { StudyOutput, StudySpec } from "../src/protocol/messages";
import type { StudyFrame } from "../src/protocol/studies";
import { type BarIndex, dpx } from "../src/protocol/units";
import { freeLeft, freeLefts } from "../src/series/panes/free-room";
import { lastOfStudy } from "../src/series/panes/study-pane";
import { frameOf, meta, minutes, openOf } from "./support/frames";

const last = 1 as BarIndex;

function output(name: string, kind: StudyOutput["kind"], title: string, columns = [name], unit = "lot"): StudyOutput {
  return { name, kind, unit: unit as StudyOutput["unit"], columns, title };
}

/** A chart of two bars with one study, whose columns say these numbers at its last bar. */
function chartOf(title: string, outputs: readonly StudyOutput[], values: Readonly<Record<string, number>>): ChartModel {
  const model = new ChartModel();
  model.series.reset(frameOf(minutes(0, 2)));
  const spec: StudySpec = { study: "mine", label: "mine", params: {}, title, outputs };
  const board = new StudyBoard();
  board.open([spec], model.series);
  const bars = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Float64Array.of(0, value)]));
  const frame: StudyFrame = {
    ...{ kind: "studies", topicId: 1, topicSeq: 1, prevSeq: -1, levelStart: new Uint32Array(3) },
    openNs: BigInt64Array.of(openOf(0), openOf(1)),
    studies: [{ label: "mine", bars, cells: {}, events: {}, eventCount: 0 }],
  };
  board.merge(frame);
  board.align(model.series);
  model.open(model.series, meta, board);
  return model;
}

const said = (parts: readonly TitlePart[]): string[] => parts.map(({ label, text }) => `${label} ${text}`.trim());
const inPane = (model: ChartModel): readonly TitlePart[] =>
  paneTitle(model, { id: "study mine", kind: "study", of: "mine", share: 0.1 }, last, "").parts;

it("say candles by their close first, and what has sides with its sign", () => {
  const candle = output("candle", "candle", "delta candles", ["open", "max", "min", "delta"]);
  const model = chartOf("Delta", [candle], { open: 0, max: 899, min: -7273, delta: -6174 });
  expect(said(inPane(model))).toEqual(["−6.174", "open 0.000", "high +0.899", "low −7.273"]);
  expect(inPane(model).map(({ tone, minor }) => [tone, minor])).toEqual([
    ["sell", false],
    ["", true],
    ["", true],
    ["", true],
  ]);
  expect(said(inPane(chartOf("CVD", [output("cvd", "line", "CVD")], { cvd: 73_786 })))).toEqual(["+73.786"]);
});

it("give each of several lines the colour in which it is drawn, and a line that is called otherwise its name", () => {
  const model = chartOf(
    "CVD by trade size",
    [output("small", "line", "small trades"), output("large", "line", "large trades")],
    { small: -32_460, large: 163_601 },
  );
  expect(said(inPane(model))).toEqual(["small trades −32.460", "large trades 163.601"]);
  const { theme } = model.palette;
  expect(inPane(model).map(({ colour }) => colour)).toEqual([studyColour(theme, 0, 0), studyColour(theme, 0, 1)]);
  const labels = lastOfStudy(model, { id: "study mine", kind: "study", of: "mine", share: 0.1 });
  expect(labels.map(({ value, ground }) => [value, ground])).toEqual([
    [-32_460, studyColour(theme, 0, 0)],
    [163_601, studyColour(theme, 0, 1)],
  ]);
  const speed = chartOf("Tape speed", [output("trades", "line", "trades a second", ["trades"], "per_second")], {
    trades: 27.73,
  });
  expect(said(inPane(speed))).toEqual(["trades a second 27.73"]);
  expect(inPane(speed)[0]?.colour).toBeUndefined();
  const effort = chartOf("Effort", [output("effort", "histogram", "volume a tick")], { effort: 256_413 });
  expect(inPane(effort)).toEqual([{ label: "volume a tick", text: "256.413", tone: "", minor: false }]);
});

it("say small shares of a percent with three digits: a premium is one", () => {
  const premium = output("premium", "line", "premium", ["premium"], "percent");
  const text = (value: number): string => said(inPane(chartOf("Premium to X", [premium], { premium: value })))[0] ?? "";
  expect([0.115063, -0.0425, 1.2549, -20.56].map(text)).toEqual(["0.115 %", "−0.0425 %", "1.25 %", "−20.6 %"]);
});

it("name over the price which of a study's levels is said, in its colour", () => {
  const box = output("box", "box", "range", ["low", "high", "since"], "tick");
  const line = output("vwap", "line", "VWAP", ["vwap"], "tick");
  const [title] = overlayTitles(chartOf("London", [box, line], { low: 1, high: 2, since: 1, vwap: 1000 }), last);
  expect(said(title?.parts ?? [])).toEqual(["VWAP 500.0"]);
  expect(title?.parts[0]?.colour).toBe(studyColour("dark", 0, 1));
});

it("call the edges of a value area by their own names", () => {
  const area = output("value_area", "band", "developing value area", ["val_row", "vah_row"], "row");
  expect([edgeTitle(area, "val_row"), edgeTitle(area, "vah_row")]).toEqual(["dev VAL", "dev VAH"]);
  expect(edgeTitle(output("range1", "band", "OR 5 min", ["low1", "high1"], "tick"), "low1")).toBe("OR 5 min");
});

it("find room beside the cells, the rightmost first, and never over the newest bar, which grows", () => {
  const model = new ChartModel();
  model.resize({ width: dpx(1200), priceHeight: dpx(600), paneHeights: new Map(), dpr: 1 });
  const at = (minute: number, row: number) => ({ minute, cells: [[row, 1, 1]] as [number, number, number][] });
  model.series.reset(frameOf([at(0, 100), at(1, 104), at(2, 100)]));
  model.open(model.series, meta);
  const { price, time } = model;
  const room = (row: number, to: number) => ({ y: price.y(row + 0.5), size: 1, width: 4, from: time.x(0), to });
  const inFirst = [...freeLefts(model, room(104, time.x(3)))];
  expect(inFirst.length).toBeGreaterThan(0);
  expect(Math.max(...inFirst)).toBeLessThan(time.x(1));
  expect(freeLeft(model, room(100, time.x(2)))).toBe(time.x(2) - 4);
  expect(freeLeft(model, room(104, time.x(3)), "left")).toBe(time.x(0));
  expect(freeLeft(model, room(100, time.x(1)))).toBeNull();
  expect(Math.max(...freeLefts(model, room(120, time.x(3))))).toBeLessThanOrEqual(time.x(2) - 4);
});
