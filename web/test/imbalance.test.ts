import { describe, expect, it } from "vitest";
import { BarSeries } from "../src/data/bar-series";
import { cellAt } from "../src/model/cells";
import { parseGrid } from "../src/model/decimal";
import { apartOf, areServers, isImbalance, markerOf, type Rules, rulesOf, rulesText } from "../src/model/imbalance";
import { defaultSettings } from "../src/model/settings";
import type { BarIndex } from "../src/protocol/units";
import { type CellSpec, frameOf, meta } from "./support/frames";

const standard: Rules = {
  pct: 300,
  compare: "ge",
  convention: "ratio",
  zero: "infinite",
  against: "diagonal",
  minVol: 10,
  stack: 3,
};

/** Marks of the rows of one bar, the lowest first; rows as bid and ask, as traders write them. */
function marksOf(rows: readonly (readonly [bid: number, ask: number])[], rules: Rules): number[] {
  const series = new BarSeries();
  const cells = rows.map(([bid, ask], k): CellSpec => [500 + k, ask, bid]).filter(([, buy, sell]) => buy + sell > 0);
  series.reset(frameOf([{ minute: 0, cells }]));
  series.marker = markerOf(rules);
  return rows.map((_, k) => cellAt(series, 0 as BarIndex, 500 + k)?.flags ?? -1);
}

/** The definition, row by row, as it is written. */
function plainly(rows: readonly (readonly [bid: number, ask: number])[], rules: Rules): number[] {
  const has = (strong: number, weak: number): boolean => {
    if (!(strong > 0 && strong >= (rules.minVol as number))) return false;
    if (weak === 0 && rules.zero !== "as_one") return rules.zero === "infinite";
    const against = weak === 0 ? 1 : weak;
    const share = (100 * strong) / against - (rules.convention === "excess" ? 100 : 0);
    return rules.compare === "ge" ? share >= rules.pct : share > rules.pct;
  };
  const flags = rows.map(([bid, ask], r) => {
    const [below, above] = rules.against === "diagonal" ? [rows[r - 1]?.[0], rows[r + 1]?.[1]] : [bid, ask];
    return (below !== undefined && has(ask, below) ? 1 : 0) + (above !== undefined && has(bid, above) ? 2 : 0);
  });
  const stack = (r: number, side: number): boolean => {
    let [low, high] = [r, r];
    while (((flags[low - 1] ?? 0) & side) !== 0) low -= 1;
    while (((flags[high + 1] ?? 0) & side) !== 0) high += 1;
    return ((flags[r] as number) & side) !== 0 && high - low + 1 >= rules.stack;
  };
  return flags.map((flag, r) => flag + (stack(r, 1) ? 4 : 0) + (stack(r, 2) ? 8 : 0));
}

describe("imbalances by the reader's own rules", () => {
  // The worked example of definitions 5.1: three buys that are a stack; strictly above, the second is none.
  const example = [[10, 5], [20, 33], [4, 60], [0, 15]] as const; // biome-ignore format: rows
  it("finds what the definitions' example says", () => {
    expect(marksOf(example, standard)).toEqual([0, 5, 5, 5]);
    expect(marksOf(example, { ...standard, compare: "gt" })).toEqual([0, 1, 0, 1]);
  });

  it("tells a ratio from an excess, and at the threshold from above it", () => {
    const found = (strong: number): boolean[] =>
      (["ratio", "excess"] as const).flatMap((convention) =>
        (["ge", "gt"] as const).map((compare) =>
          isImbalance(strong, 30, 1, { ...standard, pct: 350, convention, compare }),
        ),
      );
    expect([105, 106, 135, 136].map(found)).toEqual([
      [true, false, false, false],
      [true, true, false, false],
      [true, true, true, false],
      [true, true, true, true],
    ]);
  });

  it("is the definition on any rows, with holes, zeros and edges, for all rules", () => {
    let state = 20_261_121;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    let seen = 0;
    for (let turn = 0; turn < 600; turn += 1) {
      const rules: Rules = {
        pct: [150, 200, 300, 400][random(4)] as number,
        compare: random(2) === 0 ? "ge" : "gt",
        convention: random(2) === 0 ? "ratio" : "excess",
        zero: (["infinite", "as_one", "ignore"] as const)[random(3)] as Rules["zero"],
        against: random(2) === 0 ? "diagonal" : "horizontal",
        minVol: 1 + random(6),
        stack: 2 + random(3),
      };
      const rows = Array.from({ length: 2 + random(9) }, (): [number, number] =>
        random(5) === 0 ? [0, 0] : [random(4) * random(9), random(4) * random(9)],
      );
      // The edge rows of a bar are rows that traded.
      for (const edge of [0, rows.length - 1]) rows[edge] = [1 + random(9), random(20)];
      const found = marksOf(rows, rules);
      const wanted = plainly(rows, rules);
      seen += wanted.filter((flag) => flag > 3).length;
      expect(found, JSON.stringify({ rows, rules })).toEqual(wanted);
    }
    expect(seen, "stacks were among them").toBeGreaterThan(100);
  });

  it("takes the bar's own least quantity where none is chosen, and marks again when the rules change", () => {
    const series = new BarSeries();
    series.reset(frameOf([{ minute: 0, cells: [[500, 0, 1], [501, 9, 0], [502, 12, 0]] }])); // biome-ignore format: rows
    expect(cellAt(series, 0 as BarIndex, 502)?.flags).toBe(0);
    series.marker = markerOf({ ...standard, minVol: null });
    expect([501, 502].map((row) => cellAt(series, 0 as BarIndex, row)?.flags)).toEqual([0, 1]);
    series.marker = markerOf({ ...standard, minVol: 2 });
    expect([501, 502].map((row) => cellAt(series, 0 as BarIndex, row)?.flags)).toEqual([1, 1]);
    series.marker = null;
    expect(cellAt(series, 0 as BarIndex, 502)?.flags).toBe(0);
  });
});

it("says by how much the compared sides differ, diagonally or in one row", () => {
  const series = new BarSeries();
  series.reset(frameOf([{ minute: 0, cells: [[500, 8, 4], [501, 12, 2]] }])); // biome-ignore format: rows
  const said = (): unknown[] =>
    [500, 501].flatMap((row) => {
      const cell = cellAt(series, 0 as BarIndex, row);
      return [cell?.sellPct, cell?.buyPct];
    });
  expect(said()).toEqual([(100 * 4) / 12, null, null, 300]);
  series.apart = apartOf({ ...standard, against: "horizontal" });
  expect(said()).toEqual([50, 200, (100 * 2) / 12, 600]);
});

describe("rules", () => {
  const lot = parseGrid("0.001");
  it("are the engine's as long as nothing was adjusted", () => {
    const rules = rulesOf(defaultSettings, lot);
    expect(areServers(rules, meta)).toBe(true);
    for (const other of [{ pct: 301 }, { zero: "ignore" }, { minVol: 1 }, { stack: 4 }, { compare: "gt" }] as const) {
      expect(areServers({ ...rules, ...other }, meta)).toBe(false);
    }
  });

  it("count the least quantity in whole lots, never less", () => {
    expect(rulesOf({ ...defaultSettings, imbalanceMin: 0.25 }, lot).minVol).toBe(250);
    expect(rulesOf({ ...defaultSettings, imbalanceMin: 0.2501 }, lot).minVol).toBe(251);
    expect(rulesOf({ ...defaultSettings, imbalanceMin: 1e-9 }, lot).minVol).toBe(1);
  });

  it("stand in the legend", () => {
    expect(rulesText(rulesOf(defaultSettings, lot), meta, "0.021")).toBe("300 % diagonal ≥, min_vol auto (0.021)");
    const own = { ...standard, pct: 150, convention: "excess", compare: "gt", zero: "ignore", stack: 4 } as const;
    expect(rulesText(own, meta, "0.010")).toBe("150 % more diagonal >, min_vol 0.010, not against 0, stacks of 4");
  });
});
