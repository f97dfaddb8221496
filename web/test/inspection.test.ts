import { expect, it } from "vitest";
import { Inspection } from "../src/app/inspection";
import type { Rest } from "../src/data/rest";
import { StudyBoard } from "../src/data/study-board";
import { ChartModel } from "../src/model/chart-model";
import { defaultSettings, type UnitChoice } from "../src/model/settings";
import type { TradesView } from "../src/panels/face";
import type { BarIndex } from "../src/protocol/units";
import { frameOf, meta } from "./support/frames";

/** What is said of a cell of 225 bought and 150 sold, in lots of 75. */
async function viewIn(unit: UnitChoice): Promise<TradesView> {
  const model = new ChartModel();
  model.series.reset(frameOf([{ minute: 0, cells: [[100, 225, 150]] }]));
  model.open(model.series, { ...meta, lot_size: "1", market_lot: "75" }, new StudyBoard());
  model.apply({ ...defaultSettings, unit }, { isLight: false, isStrong: false });
  const trade = { ts_ns: "1763683200000000000", price: "100.0", qty: "75", side: "buy", id: 1 };
  const reply = { count: 5, buy: "225", sell: "150", unknown: "0", truncated: true, trades: [trade] };
  const rest = { trades: () => Promise.resolve(reply) } as unknown as Rest;
  const inspection = new Inspection(model, rest, () => {});
  inspection.showCell(0 as BarIndex, 100);
  await Promise.resolve();
  await Promise.resolve();
  return inspection.store.get() as TradesView;
}

it("writes the trades of a cell in the unit of the cell, and says which", async () => {
  const lots = await viewIn("lots");
  expect(lots).toMatchObject({ state: "ready", equal: true, unit: "lots", buy: "3", sell: "2", unknown: "0" });
  expect(lots.cell).toMatchObject({ ask: "3", bid: "2" });
  expect(lots.trades[0]?.qty).toBe("1");
  const base = await viewIn("base");
  expect(base).toMatchObject({ equal: true, unit: "SIM", buy: "225", sell: "150" });
  expect(base.trades[0]?.qty).toBe("75");
});
