import { describe, expect, it } from "vitest";
import { BarSeries } from "../src/data/bar-series";
import type { FootprintQuery, Rest } from "../src/data/rest";
import { systemClock } from "../src/data/store";
import { StudyBoard } from "../src/data/study-board";
import { StudyHistory } from "../src/data/study-history";
import { ownLabels, ownStudies } from "../src/model/own-levels";
import { defaultSettings, type Settings } from "../src/model/settings";
import { Zones } from "../src/model/study-zones";
import type { StudyOutput, StudySpec } from "../src/protocol/messages";
import type { StudyFrame, StudyPart } from "../src/protocol/studies";
import { frameOf, meta, minutes, openOf } from "./support/frames";

const all: Settings = { ...defaultSettings, zones: "on", nakedPoc: "sessions", unfinished: "on" };
const fine = { ...meta, ticks_per_level: 1 };
const labels = (settings: Settings, chosen: Parameters<typeof ownStudies>[2] = []): string[] =>
  ownStudies(settings, fine, chosen).map(({ study }) => study);

describe("levels that the look of the cells asks for", () => {
  it("are studies: of what is switched on, and in rows of one tick", () => {
    expect(ownStudies(defaultSettings, fine, [])).toEqual([]);
    expect(ownStudies(all, null, [])).toEqual([]);
    expect(labels(all)).toEqual(["stacked_zones", "naked_poc", "unfinished_auction"]);
    expect(ownStudies(all, meta, []).map(({ label }) => label)).toEqual([ownLabels.zones, ownLabels.nakedPoc]);
  });

  it("are left to a study that draws them already", () => {
    const chosen = (study: string, params = {}, shows: readonly string[] | null = null) => [
      { study, label: study, params, shows },
    ];
    expect(labels(all, chosen("stacked_zones"))).toEqual(["naked_poc", "unfinished_auction"]);
    expect(labels(all, chosen("unfinished_auction"))).toEqual(["stacked_zones", "naked_poc"]);
    expect(labels(all, chosen("unfinished_auction", {}, []))).toHaveLength(3);
    expect(labels(all, chosen("naked_poc"))).not.toContain("naked_poc");
    expect(labels(all, chosen("naked_poc", { scope: "bar" }))).toContain("naked_poc");
    expect(labels({ ...all, nakedPoc: "bars" }, chosen("naked_poc", { scope: "bar" }))).not.toContain("naked_poc");
  });

  it("are stacks of the imbalances that the cells show", () => {
    const params = (change: Partial<Settings>, known = fine) =>
      ownStudies({ ...all, ...change }, known, []).find(({ study }) => study === "stacked_zones")?.params;
    const standard = { percent: 300, compare: "ge", convention: "ratio", zero: "infinite", direction: "diagonal" };
    expect(params({})).toEqual({ ...standard, stack_n: 3 });
    expect(params({}, { ...fine, min_vol: 40 })).toEqual({ ...standard, stack_n: 3, min_vol_lot: 40 });
    expect(params({ imbalancePct: 150, imbalanceAgainst: "horizontal", imbalanceMin: 0.25, stack: 4 })).toEqual({
      ...standard,
      ...{ percent: 150, direction: "horizontal", stack_n: 4, min_vol_lot: 250 },
    });
  });
});

const zone: StudyOutput = {
  ...{ name: "zone", kind: "zone", unit: "tick", columns: ["tick"], title: "zone" },
  life: { key: ["zone"], ends: "ends", ended: [1], since: "", side: "" },
};
const specOf = (label: string): StudySpec => ({ study: "z", label, params: {}, title: "Z", outputs: [zone] });

type Told = readonly (readonly [minute: number, zone: number, ends: number])[];
function frame(label: string, kind: StudyFrame["kind"], opens: readonly number[], told: Told): StudyFrame {
  const column = (pick: (one: Told[number]) => number): Float64Array => Float64Array.from(told, pick);
  const part: StudyPart = {
    label,
    bars: { tick: Float64Array.from(opens) },
    cells: {},
    events: {
      bar: column(([minute]) => opens.indexOf(minute)),
      zone: column(([, number]) => number),
      ends: column(([, , ends]) => ends),
      tick: column(([, number]) => 100 + number),
    },
    eventCount: told.length,
  };
  const [openNs, levelStart] = [BigInt64Array.from(opens, openOf), new Uint32Array(opens.length + 1)];
  return { kind, topicId: 1, topicSeq: 1, prevSeq: -1, openNs, levelStart, studies: [part] };
}

describe("lives of zones", () => {
  it("count final bars alone, and are put together again when one has closed", () => {
    const series = new BarSeries();
    series.reset(frameOf([...minutes(0, 3), { minute: 3, final: false }]));
    const board = new StudyBoard();
    board.open([specOf("mine")], series);
    const zones = new Zones();
    zones.join(series, 1);
    const lives = (): (readonly [number, number, number, number])[] => {
      const list = zones.of(board.of("mine") as never, zone);
      return Array.from({ length: list.count }, (_, k) => [
        list.begin[k] as number,
        list.end[k] as number,
        list.born[k] as number,
        list.isTouched[k] as number,
      ]);
    };
    const stands = Number.POSITIVE_INFINITY;
    const first: Told = [[0, 1, 0], [1, 2, 0], [2, 1, 0]]; // biome-ignore format: rows
    board.merge(frame("mine", "studies", [0, 1, 2], first));
    expect(lives()).toEqual([[0, stands, 0, 1], [1, stands, 1, 0]]); // biome-ignore format: rows
    board.merge(frame("mine", "studies_open", [3], [[3, 1, 1], [3, 3, 0]])); // biome-ignore format: rows
    expect(lives()).toEqual([[0, stands, 0, 1], [1, stands, 1, 0]]); // biome-ignore format: rows
    // The bar closes with another end than it looked like; what is said of it may come before the bar itself.
    board.merge(frame("mine", "studies_closed", [3], [[3, 2, 1]]));
    series.merge(frameOf([{ minute: 3 }], "bar_closed"));
    expect(lives()).toEqual([[0, stands, 0, 1], [1, 3, 1, 0]]); // biome-ignore format: rows
  });
});

describe("history of studies", () => {
  it("goes back to the first bar for levels, and a screen back for what was chosen", async () => {
    const series = new BarSeries();
    series.reset(frameOf(minutes(0, 50)));
    const board = new StudyBoard();
    board.open([specOf("mine"), specOf(ownLabels.zones)], series);
    expect([board.list.length, board.all.length]).toEqual([1, 2]);
    for (const label of ["mine", ownLabels.zones]) board.merge(frame(label, "studies", [40, 41, 42], []));
    const asked: string[] = [];
    const rest = {
      studyFrame: ({ label }: StudySpec, query: FootprintQuery) => {
        asked.push(`${label} before ${String((query.toNs - openOf(0)) / 60_000_000_000n)}`);
        const to = Number((query.toNs - openOf(0)) / 60_000_000_000n);
        const opens = Array.from({ length: Math.min(20, to) }, (_, k) => to - Math.min(20, to) + k);
        return Promise.resolve(frame(label, "studies", opens, []));
      },
    } as unknown as Rest;
    const failed: string[] = [];
    const history = new StudyHistory(
      rest,
      systemClock,
      { board, series },
      { came: () => {}, failed: (words) => failed.push(words) },
    );
    history.want({ ...meta }, openOf(25));
    await new Promise((resolve) => setTimeout(resolve));
    expect(asked.sort()).toEqual([`${ownLabels.zones} before 20`, `${ownLabels.zones} before 40`, "mine before 40"]);
    expect(board.of(ownLabels.zones)?.firstNs).toBe(openOf(0));
    expect(failed).toEqual([]);
  });
});
