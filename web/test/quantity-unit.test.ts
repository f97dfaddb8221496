import { expect, it } from "vitest";
import { lotOf, quoteWorth, stepsPerLot, unitName } from "../src/model/quantity-unit";

const linear = { base: "BTC", contract_multiplier: "1", inverse: false };
const coin = { base: "BTC", contract_multiplier: "100", inverse: true };

it("calls quantities after what they count", () => {
  expect(unitName(linear)).toBe("BTC");
  expect(unitName({ base: "BTC" }), "an older server").toBe("BTC");
  expect(unitName(coin), "of a coin-margined contract each is 100 USD, and no BTC").toBe("contracts");
  expect(unitName({ ...linear, contract_multiplier: "0.01" })).toBe("contracts");
  expect(unitName(null)).toBe("");
});

it("counts lots as the market trades them, or the least quantities", () => {
  const nifty = { lot_size: "1", market_lot: "75" };
  expect([lotOf(nifty), stepsPerLot(nifty)]).toEqual(["75", 75]);
  const coins = { lot_size: "0.001", market_lot: null };
  expect([lotOf(coins), stepsPerLot(coins), stepsPerLot({ lot_size: "0.001" })]).toEqual(["0.001", 1, 1]);
});

it("values them in the quote currency", () => {
  expect(quoteWorth(linear, 60_000)).toBe(60_000);
  expect(quoteWorth(coin, 60_000), "whatever the price").toBe(100);
  expect(quoteWorth({ ...linear, contract_multiplier: "0.5" }, 60_000)).toBe(30_000);
});
