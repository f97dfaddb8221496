import { describe, expect, it } from "vitest";
import { parseGrid, unitsOf, unitsText } from "../src/model/decimal";
import {
  cellQuantity,
  compact,
  countdown,
  exactQuantity,
  exactSigned,
  quantityStyle,
  signed,
  spanText,
  sumText,
} from "../src/model/format";
import { meansBars, nextStep, offeredBars, parseInterval } from "../src/model/interval";
import { commandOf, type Key } from "../src/model/keymap";
import { signsOf, typedNumber } from "../src/model/number-signs";
import { readSettings } from "../src/model/settings";

describe("exact decimals", () => {
  it.each([
    [131_201, "0.5", "65600.5"],
    [-3, "0.05", "\u22120.15"],
    [0, "0.25", "0.00"],
    [2 ** 53 - 1, "0.001", "9007199254740.991"],
    [7, "10", "70"],
    [435, "0.01", "4.35"],
  ])("%d units of %s are %s", (units, step, text) => {
    expect(unitsText(units, parseGrid(step))).toBe(text);
    expect(unitsOf(text, parseGrid(step))).toBe(units);
  });

  it("never rounds what is off the grid", () => {
    expect(unitsOf("0.3", parseGrid("0.25"))).toBeNull();
    expect(unitsOf("1.0005", parseGrid("0.001"))).toBeNull();
    expect(unitsOf("1.5000", parseGrid("0.5"))).toBe(3);
    expect(unitsOf("-1.5", parseGrid("0.5"))).toBe(-3);
    expect(unitsOf("x", parseGrid("1"))).toBeNull();
    expect(() => parseGrid("-1")).toThrow(RangeError);
    expect(() => parseGrid("0.00")).toThrow(RangeError);
  });
});

describe("quantities in cells", () => {
  const lot = parseGrid("0.001");

  it("take as many decimals as typical cells need, and no more than there are", () => {
    expect(quantityStyle("base", lot, 60_000).decimals).toBe(0);
    expect(quantityStyle("base", lot, 6_000).decimals).toBe(1);
    expect(quantityStyle("base", lot, 700).decimals).toBe(2);
    expect(quantityStyle("base", lot, 20).decimals).toBe(3);
    expect(quantityStyle("base", parseGrid("1"), 1).decimals).toBe(0);
    expect(quantityStyle("lots", lot, 1).decimals).toBe(0);
  });

  it("are at most five characters", () => {
    const style = quantityStyle("base", lot, 700);
    for (let lots = 1; lots < 2 ** 50; lots = Math.ceil(lots * 1.7)) {
      expect(cellQuantity(lots, style).length).toBeLessThanOrEqual(5);
    }
    expect(cellQuantity(0, style)).toBe("0");
    expect(cellQuantity(12_345, style)).toBe("12.35");
    expect(cellQuantity(1_234_567, style)).toBe("1.23k");
    expect(signed(-1500, style)).toBe("\u22121.50");
    expect(signed(1500, style)).toBe("+1.50");
    expect(signed(0, style)).toBe("0");
    expect(signed(-5, style)).toBe("\u22120.01");
    expect(signed(-4, style)).toBe("\u22120.004");
    expect(signed(40, quantityStyle("base", lot, 90_000))).toBe("+0.04");
    expect(signed(400, quantityStyle("base", lot, 90_000))).toBe("+0.4");
    expect(signed(-3, quantityStyle("base", parseGrid("0.00000001"), 10 ** 9))).toBe("0");
    expect(signed(-1, quantityStyle("lots", lot, 700))).toBe("\u22121");
    const nifty = quantityStyle("lots", parseGrid("1"), 6000, 75);
    expect([150, 97_500, 0].map((units) => cellQuantity(units, nifty))).toEqual(["2", "1.30k", "0"]);
    expect([exactQuantity(29_475, nifty), exactSigned(7275, nifty), exactQuantity(100, nifty)]).toEqual([
      "393",
      "+97",
      "1.33",
    ]);
    expect(sumText(-297_000, nifty)).toBe("\u22123.960k");
    expect([30, 1, 0, 38].map((units) => cellQuantity(units, nifty))).toEqual(["0.40", "0.01", "0", "1"]);
    expect([30, -30, -1].map((units) => signed(units, nifty))).toEqual(["+0.40", "\u22120.40", "\u22120.01"]);
    const large = quantityStyle("lots", parseGrid("1"), 6000, 1000);
    expect([3, 1003, 2000, 250_001].map((units) => exactQuantity(units, large))).toEqual([
      "0.003",
      "1.003",
      "2",
      "250.001",
    ]);
    expect([cellQuantity(3, large), signed(-3, large)]).toEqual(["0.003", "\u22120.003"]);
    expect([sumText(4_309_463, style), sumText(-4_309_463, style), sumText(-5, style)]).toEqual([
      "+4.309k",
      "\u22124.309k",
      "\u22120.01",
    ]);
    expect(exactQuantity(1_234_567, style)).toBe("1234.567");
  });

  it.each([
    [0, "0"],
    [-0.003, "\u22120.003"],
    [0.000125, "0.00013"],
    [0.0149, "0.015"],
    [0.0101, "0.01"],
    [0.0999, "0.1"],
    [-1e-9, "0"],
    [0.25, "0.25"],
    [999.4, "999.4"],
    [999.6, "1.00k"],
    [-12_345, "\u221212.3k"],
    [99_960, "100k"],
    [1_500_000, "1.50M"],
    [2.5e12, "2.50T"],
  ])("%d is %s for short", (value, text) => expect(compact(value)).toBe(text));
});

describe("times", () => {
  it("counts down to zero and no further", () => {
    expect(countdown(59_001)).toBe("01:00");
    expect(countdown(9_000)).toBe("00:09");
    expect(countdown(-5)).toBe("00:00");
    expect(countdown(3_661_000)).toBe("1:01:01");
    expect(countdown(3 * 86_400_000)).toBe("3d 0h");
  });

  it("says spans in one unit", () => {
    expect([340, 16_000, 180_000, 5_400_000, 9_000_000].map(spanText)).toEqual([
      "340 ms",
      "16 s",
      "3 min",
      "90 min",
      "2.5 h",
    ]);
  });
});

describe("intervals and steps", () => {
  it.each([
    ["$1000000", "1000000q"],
    ["$1,000,000", "1000000q"],
    ["$1M", "1e6q"],
    ["$2.5m", "2.5e6q"],
    ["$1e6", "1e6q"],
    ["$250k-split", "250e3q-split"],
    ["1M", "1mo"],
    ["M", "1mo"],
    ["1m", "1m"],
  ])("%s is %s", (typed, bars) => expect(parseInterval(typed)).toEqual({ bars }));

  it.each([
    ["5", "5m"],
    ["15s", "15s"],
    ["60", "1h"],
    ["90", "90m"],
    ["120s", "2m"],
    ["24h", "1d"],
    ["1W", "1w"],
    [" 3 m ", "3m"],
  ])("%s is %s", (typed, bars) => expect(parseInterval(typed)).toEqual({ bars }));
  it.each(["0", "0t", "$0", "r0", "0.0v-split"])("%s is nothing", (typed) =>
    expect(parseInterval(typed)).toEqual({ problem: "a bar must last longer than nothing" }),
  );
  it.each(["99999999", "3.5"])("%s is a number of nothing", (typed) =>
    expect(parseInterval(typed)).toHaveProperty("problem", expect.stringContaining("500t (trades)")),
  );

  it("says what it does not take", () => {
    for (const text of ["", "0", "5 apples", "%"]) expect(parseInterval(text)).toHaveProperty("problem");
  });

  it("leaves the bars that do not end by the clock to the server", () => {
    const typed = ["500t", "100v", "1e6q", "r20", "ren10", "d500", "ib", "5x"];
    for (const bars of [...typed, "100v-split", "ren10-3", "ib500-e"]) {
      expect(parseInterval(` ${bars}`)).toEqual({ bars });
    }
    expect(parseInterval("R20")).toEqual({ bars: "r20" });
    expect(parseInterval("500T")).toEqual({ bars: "500t" });
    const meant = ["500t", "1e6q", "$1000000", "r20", "ren10", "d500", "ib20"];
    for (const text of [...meant, "$1M", "$250,000", "100v-split", "1e6q-split", "ren10-3", "vib0.5-e50", "qrb1e6"]) {
      expect(meansBars(text)).toBe(true);
    }
    for (const text of ["", "r", "perp", "sim:PERP", "d", "redo"]) expect(meansBars(text)).toBe(false);
  });

  it("offers only what it reads", () => {
    for (const bars of offeredBars) expect(parseInterval(bars)).toEqual({ bars });
  });

  it("steps through 1, 2, 5", () => {
    expect([1, 2, 5, 10, 25].map((step) => nextStep(step, 1))).toEqual([2, 5, 10, 20, 50]);
    expect([1, 2, 5, 10, 25].map((step) => nextStep(step, -1))).toEqual([1, 1, 2, 5, 20]);
  });
});

describe("keys", () => {
  const press = (key: string, held: Partial<Key> = {}): ReturnType<typeof commandOf> =>
    commandOf({ key, code: held.code ?? "", ctrl: false, alt: false, shift: false, ...held });

  it.each([
    ["ArrowLeft", {}, { kind: "panBars", bars: -1 }],
    ["ArrowRight", { ctrl: true }, { kind: "panScreens", screens: 0.5 }],
    ["ArrowUp", { alt: true }, { kind: "cursor", bars: 0, rows: 1 }],
    ["+", {}, { kind: "zoom", factor: 1.25 }],
    ["Home", {}, { kind: "oldest" }],
    ["End", {}, { kind: "latest" }],
    ["a", {}, { kind: "autoScale" }],
    ["[", {}, { kind: "step", direction: -1 }],
    ["]", {}, { kind: "step", direction: 1 }],
    ["2", { alt: true, code: "Digit2" }, { kind: "mode", number: 2 }],
    ["5", {}, { kind: "type", text: "5" }],
    ["b", {}, { kind: "type", text: "b" }],
    ["/", {}, { kind: "search" }],
    ["k", { ctrl: true }, { kind: "search" }],
    ["?", { shift: true }, { kind: "keys" }],
    ["Escape", {}, { kind: "cancel" }],
  ] as const)("%s with %o", (key, held, command) => expect(press(key, held)).toEqual(command));

  it("leaves the browser its own keys", () => {
    for (const key of ["Tab", "F5", " ", "Shift"]) expect(press(key)).toBeNull();
    expect(press("r", { ctrl: true })).toBeNull();
    expect(press("ArrowLeft", { shift: true })).toBeNull();
  });
});

describe("settings", () => {
  it("takes what it knows from what was stored and leaves the rest", () => {
    expect(readSettings({ theme: "light", hue: "purple", weather: 1 })).toMatchObject({
      theme: "light",
      hue: "classic",
    });
    expect(readSettings(null).mode).toBe("bid-ask");
  });
});

it("reads a number as it is typed, with the signs of any language", () => {
  const typed = ["26175", "26175.5", "26,175", "26,175.5", "1,234,567", " 26 175 "];
  expect(typed.map((text) => typedNumber(text))).toEqual([26175, 26175.5, 26175, 26175.5, 1234567, 26175]);
  const german = ["26.175", "26.175,5", "26175,5", "26175.5", "26,175", "1.234.567,25"];
  expect(german.map((text) => typedNumber(text, signsOf("de")))).toEqual([
    26175, 26175.5, 26175.5, 26175.5, 26.175, 1234567.25,
  ]);
  expect(["", "x", ".", "1.2.x"].map((text) => typedNumber(text))).toEqual([NaN, NaN, NaN, NaN]);
});
