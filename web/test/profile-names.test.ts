import { expect, it, vi } from "vitest";
import { ChartModel } from "../src/model/chart-model";
import type { ProfileRows, ProfilesReply } from "../src/protocol/profiles";
import { type BarIndex, dpx } from "../src/protocol/units";
import type { Context } from "../src/renderers/text";
import { drawProfileLines } from "../src/series/profiles/histogram";
import { frameOf, meta } from "./support/frames";
import { rowsOf } from "./support/profiles";

const bars = 12;

// Letters that are all of one width.
const canvas = { getContext: () => ({ measureText: (text: string) => ({ width: 7 * text.length }) }) };
vi.stubGlobal("document", { createElement: () => canvas });

function chart(): ChartModel {
  const model = new ChartModel();
  model.resize({ width: dpx(1200), priceHeight: dpx(600), paneHeights: new Map(), dpr: 1 });
  model.series.reset(
    frameOf(
      Array.from({ length: bars }, (_, minute) => ({
        minute,
        cells: [
          [100, 4, 4],
          [104, 1, 0],
        ] as const,
      })),
    ),
  );
  model.open(model.series, meta);
  model.toLatest();
  return model;
}

const rows = (opens: number, ends: number, poc = 102): ProfileRows =>
  rowsOf(opens, ends, [97, 102, 107], { poc, vah: 107, val: 97 });

/** The names of a profile's levels, and where they were written. */
function names(model: ChartModel, profile: ProfileRows): Map<string, { x: number; y: number }> {
  const found = new Map<string, { x: number; y: number }>();
  const fillText = (text: string, x: number, y: number): void => void found.set(text.split(" ")[0] ?? "", { x, y });
  const ctx = new Proxy({ fillText } as unknown as Context, {
    get: (target, name) => (name in target ? target[name as keyof Context] : () => {}),
    set: () => true,
  });
  const reply: ProfilesReply = {
    ...{ symbol: "sim:PERP", tape: "trade", kind: "anchored", title: "anchored", bars: "1m", ticks_per_level: 2 },
    params: { show: "volume", side: "left", width: 50, lines: "labelled" },
    profiles: [profile],
    letters: [],
  };
  model.profiles.put("p", reply);
  drawProfileLines(ctx, model);
  return found;
}

it("stand behind the newest bar, whose numbers they would cover, and else over the end of their line", () => {
  const model = chart();
  const end = model.time.x(bars as BarIndex);
  for (const { x } of names(model, rows(2, bars)).values()) expect(x).toBeGreaterThan(end);
  const past = names(model, rows(2, 6));
  expect([...past.keys()].sort()).toEqual(["POC", "VAH", "VAL"]);
  for (const { x } of past.values()) expect(x).toBeLessThan(model.time.x(6 as BarIndex));
});

it("make way for the last price", () => {
  const model = chart();
  const [last] = [model.series.lastPrice() as number];
  const row = Math.floor(last / model.price.ticksPerLevel);
  const poc = names(model, rows(2, bars, row)).get("POC");
  const y = model.price.yOfPrice(last as Parameters<typeof model.price.yOfPrice>[0]);
  expect(Math.abs((poc?.y ?? y) - y)).toBeGreaterThan(8);
});

it("stand on no cells of the newest bar: without room there are none", () => {
  const model = chart();
  const cells = Array.from({ length: bars }, (_, minute) => ({ minute, cells: [[90, 4, 4], [120, 4, 4]] as const })); // biome-ignore format: a bar a line
  model.series.reset(frameOf(cells));
  model.open(model.series, meta);
  model.toLatest();
  expect(names(model, rows(2, bars)).size).toBe(3); // behind it there is room
  model.resize({ width: dpx(400), priceHeight: dpx(600), paneHeights: new Map(), dpr: 1 });
  model.toLatest();
  expect(names(model, rows(0, bars)).size).toBe(0);
});
