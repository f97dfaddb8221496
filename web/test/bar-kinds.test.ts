import { describe, expect, it } from "vitest";
import { barKinds, barsInWords, barsLabel, barWords } from "../src/model/bar-kinds";
import { meansBars, parseInterval } from "../src/model/interval";

describe("kinds of bars", () => {
  it("takes apart what it offers, and puts it together again", () => {
    for (const kind of barKinds) {
      for (const bars of kind.offered) {
        const words = barWords(bars);
        expect(words?.kind.id, bars).toBe(kind.id);
        if (words !== null && words.amount !== "") {
          expect(`${words.form.before}${words.amount}${words.form.after}`).toBe(bars);
        }
        expect(parseInterval(bars), bars).toEqual({ bars });
        expect(meansBars(bars), bars).toBe(true);
      }
    }
  });

  it("knows every form by its own spelling", () => {
    for (const kind of barKinds) {
      for (const form of kind.forms) {
        const words = barWords(`${form.before}40${form.after}`);
        expect([words?.kind.id, words?.form.label, words?.amount]).toEqual([kind.id, form.label, "40"]);
      }
    }
  });

  it.each([
    ["500t", "Trades: 500 trades"],
    ["1e6q", "Turnover: 1,000,000 USDT"],
    ["0.5v-split", "Volume: 0.5 BTC, cut exactly"],
    ["r20", "Range: 20 ticks"],
    ["ren10-3", "Renko: 10 ticks, turns by 3"],
    ["ib100-e", "Imbalance: 100 trades, adaptive"],
    ["15s", "Time: 15 s"],
    ["1d", "Time: one session"],
    ["1mo", "Time: one month"],
    ["ib500-e50", "bars of ib500-e50"],
  ])("%s is %s", (bars, words) => expect(barsInWords(bars, "BTC", "USDT")).toBe(words));

  it("labels a turnover as it is typed", () => {
    for (const [bars, label] of [
      ["1e6q", "$1M"],
      ["250000q", "$250k"],
      ["1.5e6q-split", "$1.50M-split"],
      ["r20", "r20"],
    ] as const) {
      expect(barsLabel(bars)).toBe(label);
      if (bars !== label) expect(meansBars(label)).toBe(true);
    }
  });
});
