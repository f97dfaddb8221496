import { describe, expect, it } from "vitest";
import { BarSeries } from "../src/data/bar-series";
import { type CellColour, type CellText, columnLooks } from "../src/model/cell-look";
import { ChartModel } from "../src/model/chart-model";
import { contrast, parseHex, type Rgb } from "../src/model/colour";
import { parseGrid } from "../src/model/decimal";
import { countText, quantityStyle, ratioText } from "../src/model/format";
import { type Palette, paletteOf } from "../src/model/palette";
import { presetOf, presets } from "../src/model/presets";
import { cellModes, defaultSettings, readSettings } from "../src/model/settings";
import { type BarIndex, dpx } from "../src/protocol/units";
import { clearRows, emptySheet, type Sheet, type SheetForm } from "../src/renderers/sheet";
import {
  cellPixel,
  emptyCell,
  fillGround,
  fillText,
  type Numbers,
  type SheetStyle,
} from "../src/series/footprint/fillers";
import { columnPlaces } from "../src/series/footprint/layout";
import { SheetMaker, type SheetMarks } from "../src/series/footprint/sheet-maker";
import { type CellSpec, frameOf } from "./support/frames";

const colours: readonly CellColour[] = ["sides", "delta", "volume", "trades", "imbalance", "none"];
const texts: readonly CellText[] = ["bid-ask", "delta", "volume", "trades", "ratio"];
const forms: readonly SheetForm[] = ["grounds", "bars", "blocks"];
const themes = (["dark", "light"] as const).flatMap((theme) =>
  (["classic", "safe"] as const).flatMap((hue) =>
    ([false, true] as const).map((strong) => [theme, hue, strong] as const),
  ),
);

// Cells from nothing to far beyond what is typical, on each side, with every mark.
const sizes = [0, 1, 12, 60, 400];
const cells: CellSpec[] = sizes.flatMap((buy, i) =>
  sizes.map((sell, j): CellSpec => [100 + i * sizes.length + j, buy, sell, (i + j) % 4]),
);

function sheetOf(palette: Palette, form: SheetForm, text: CellText, colour: CellColour, marksColoured: boolean): Sheet {
  const series = new BarSeries();
  series.reset(frameOf([{ minute: 0, cells }]));
  const style: SheetStyle = {
    look: { form, text, colour },
    palette,
    quantity: quantityStyle("lots", parseGrid("1"), 100),
    typical: 100,
    typicalTrades: 3,
    doubtful: false,
    marksColoured,
    ratio: 300,
    price: null,
  };
  const marks: SheetMarks = { frame: "poc", valueArea: true, candle: true, ticksPerLevel: 2 };
  return new SheetMaker().make(series, 0 as BarIndex, style, marks) as Sheet;
}

/** Every ground that a number of the row may stand on: of bars in the middle, its own side's only. */
function groundsOf(sheet: Sheet, row: number, palette: Palette, isLeft: boolean): string[] {
  const [left, right] = [sheet.leftGround[row] as string, sheet.rightGround[row] as string];
  const own = sheet.splitGround && !isLeft ? right : left;
  if (sheet.form === "grounds") return [own];
  const { card, buyTint, sellTint, flatTint } = palette;
  const free = [card, buyTint, sellTint, flatTint];
  if (sheet.form === "bars" || !sheet.splitText) return [...free, left, right];
  const length = (isLeft ? sheet.leftLength : sheet.rightLength)[row] as number;
  return length > 0 ? [...free, own] : free;
}

/** All pairs of a number's colour and a ground under it, with the first number that has them. */
function collectPairs(sheet: Sheet, palette: Palette, pairs: Map<string, string>): void {
  for (let row = 0; row < sheet.count; row += 1) {
    for (const isLeft of sheet.splitText ? [true, false] : [true]) {
      const ink = (isLeft ? sheet.leftColour : sheet.rightColour)[row] as string;
      const text = (isLeft ? sheet.leftText : sheet.rightText)[row] as string;
      for (const ground of groundsOf(sheet, row, palette, isLeft))
        pairs.set(`${ink} ${ground}`, `${sheet.form} "${text}"`);
    }
  }
}

/** The pairs that cannot be read. */
function unread(pairs: ReadonlyMap<string, string>): string[] {
  return [...pairs].flatMap(([pair, of]) => {
    const [ink, ground] = pair.split(" ").map(parseHex) as [Rgb, Rgb];
    return contrast(ink, ground) < 4.5 ? [`${of}: ${pair}`] : [];
  });
}

const styles = forms.flatMap((form) =>
  texts.flatMap((text) =>
    colours.flatMap((colour) => [false, true].map((coloured) => [form, text, colour, coloured] as const)),
  ),
);

describe.each(themes)("%s, %s, more contrast: %s", (theme, hue, strong) => {
  it("writes every number of every style so that it can be read", () => {
    const palette = paletteOf(theme, hue, strong);
    const pairs = new Map<string, string>();
    for (const style of styles) collectPairs(sheetOf(palette, ...style), palette, pairs);
    expect(pairs.size).toBeGreaterThan(50);
    expect(unread(pairs).slice(0, 3)).toEqual([]);
  }, 60_000);
});

it("finds a number that cannot be read", () => {
  const palette = { ...paletteOf("dark", "classic"), cellText: "#555555" };
  const sheet = sheetOf(palette, "bars", "volume", "sides", false);
  const pairs = new Map<string, string>();
  collectPairs(sheet, palette, pairs);
  expect(unread(pairs)).not.toEqual([]);
});

describe("what a cell says", () => {
  const plain = paletteOf("dark", "classic");
  const of = (text: CellText, apart: 0 | 1 = 1): Sheet => {
    const series = new BarSeries();
    series.apart = apart;
    series.reset(
      frameOf([
        {
          minute: 0,
          cells: [
            [100, 40, 7],
            [101, 9, 0],
            [103, 2500, 3],
          ],
        },
      ]),
    );
    const style = { look: { form: "grounds", text, colour: "none" }, palette: plain } as const;
    return new SheetMaker().make(
      series,
      0 as BarIndex,
      {
        ...style,
        quantity: quantityStyle("lots", parseGrid("1"), 100),
        typical: 100,
        typicalTrades: 3,
        doubtful: false,
        marksColoured: false,
        ratio: 300,
        price: null,
      },
      { frame: "delta", valueArea: false, candle: false, ticksPerLevel: 2 },
    ) as Sheet;
  };

  it.each([
    ["bid-ask", ["7", "0", "", "3"], ["40", "9", "", "2.50k"]],
    ["delta", ["+33", "+9", "", "+2.50k"], ["", "", "", ""]],
    ["volume", ["47", "9", "", "2.50k"], ["", "", "", ""]],
    ["trades", ["1", "1", "", "1"], ["", "", "", ""]],
    // Sold against what was bought a row above, bought against what was sold a row below; a hole is nothing, and there
    // is no row beyond the edges.
    ["ratio", ["77", "0", "", ""], ["", "128", "", "∞"]],
  ] as const)("%s", (text, left, right) => {
    const sheet = of(text);
    expect([sheet.leftText.slice(0, 4), sheet.rightText.slice(0, 4)]).toEqual([left, right]);
  });

  it("compares the sides of one row where imbalances do", () => {
    const sheet = of("ratio", 0);
    expect([sheet.leftText.slice(0, 4), sheet.rightText.slice(0, 4)]).toEqual([
      ["17", "0", "", "0"],
      ["571", "∞", "", "83.3k"],
    ]);
  });

  it("is faint where it is written as zero, and of ratios where it makes no imbalance", () => {
    const style = { palette: plain, typical: 100, typicalTrades: 3, doubtful: false, marksColoured: false } as const;
    const inks = (text: CellText, cell: Partial<Numbers>): readonly [boolean, boolean] => {
      const sheet = emptySheet();
      clearRows(sheet, 1);
      const quantity = quantityStyle("base", parseGrid("0.001"), 20_000);
      const look = { form: "grounds", text, colour: "none" } as const;
      const whole = { ...style, look, quantity, ratio: 300, price: null };
      fillGround(sheet, 0, { ...emptyCell(), ...cell }, whole);
      fillText(sheet, 0, { ...emptyCell(), ...cell }, whole, 0);
      const [faint] = plain.neutralRamp.faint;
      return [sheet.leftColour[0] === faint, sheet.rightColour[0] === faint];
    };
    expect(inks("bid-ask", { sell: 40, buy: 60 }), "0.0 and 0.1").toEqual([true, false]);
    const sides = { sell: 9, sellAgainst: 10, buy: 20, buyAgainst: 10 };
    expect(inks("ratio", sides), "90 and 200 %").toEqual([true, false]);
    expect(inks("ratio", { ...sides, buyAgainst: 5 }), "400 %, of too little").toEqual([true, true]);
    expect(inks("ratio", { ...sides, buyAgainst: 0, flags: 1 }), "an imbalance").toEqual([true, false]);
  });

  it("does not write two zeros where volume has no side", () => {
    const style = { look: { form: "grounds", text: "bid-ask", colour: "sides" }, palette: plain } as const;
    const sheet = emptySheet();
    clearRows(sheet, 2);
    const rest = { typical: 100, typicalTrades: 3, doubtful: false, marksColoured: false, ratio: 300, price: null };
    const quantity = quantityStyle("lots", parseGrid("1"), 100);
    fillText(sheet, 0, { ...emptyCell(), unknown: 5146 }, { ...style, ...rest, quantity }, 0);
    fillText(sheet, 1, { ...emptyCell(), unknown: 5146, sell: 3 }, { ...style, ...rest, quantity }, 0);
    expect([sheet.leftText.slice(0, 2), sheet.rightText.slice(0, 2)]).toEqual([
      ["", "3"],
      ["?5.15k", "0"],
    ]);
  });

  it("has a side that is seen from afar, however small its delta", () => {
    const style = {
      ...{ typical: 100, typicalTrades: 3, doubtful: false, marksColoured: false, ratio: 300, price: null },
    };
    const look = { form: "grounds", text: "none", colour: "delta" } as const;
    const quantity = quantityStyle("lots", parseGrid("1"), 100);
    const pixel = (buy: number, sell: number): number =>
      cellPixel({ ...emptyCell(), buy, sell }, { ...style, look, palette: plain, quantity }, true);
    expect([pixel(5, 4), pixel(4, 5), pixel(4, 4)]).toEqual([
      plain.buyRamp.pixels[7],
      plain.sellRamp.pixels[7],
      plain.neutralRamp.pixels[0],
    ]);
    expect(pixel(500, 0)).toBe(plain.buyRamp.pixels.at(-1));
  });

  it("frames the row with the greatest delta when that is asked for", () => expect(of("delta").framed).toBe(3));

  it("is worth its price in the quote currency", () => {
    expect([countText(87.4), countText(999.6), countText(1_240_000)]).toEqual(["87", "1.00k", "1.24M"]);
    expect([ratioText(5, -1), ratioText(0, 0), ratioText(5, 0), ratioText(29, 10)]).toEqual(["", "0", "∞", "290"]);
  });
});

describe("lengths", () => {
  it("are the shares of the bar's longest row, unknown volume included", () => {
    const series = new BarSeries();
    series.reset(
      frameOf([
        {
          minute: 0,
          cells: [
            [100, 40, 10],
            [101, 60, 40],
          ],
        },
      ]),
    );
    const sheet = sheetFor(series, "bars");
    expect([...sheet.leftLength.slice(0, 2)]).toEqual([Math.fround(0.1), Math.fround(0.4)]);
    expect([...sheet.rightLength.slice(0, 2)]).toEqual([Math.fround(0.4), Math.fround(0.6)]);
    const blocks = sheetFor(series, "blocks");
    expect(blocks.rightLength[1]).toBe(1);
    expect(blocks.leftLength[1]).toBe(Math.fround(40 / 60));
  });

  it("make the area of a circle its quantity", () => {
    const series = new BarSeries();
    series.reset(
      frameOf([
        {
          minute: 0,
          cells: [
            [100, 75, 300],
            [101, 3000, 12],
          ],
        },
      ]),
    );
    const sheet = sheetFor(series, "bubbles");
    expect((sheet.leftLength[0] as number) / (sheet.rightLength[0] as number)).toBeCloseTo(2, 6);
    expect(sheet.rightLength[1]).toBe(1);
  });
});

function sheetFor(series: BarSeries, form: SheetForm): Sheet {
  const style: SheetStyle = {
    look: { form, text: "none", colour: "sides" },
    palette: paletteOf("dark", "classic"),
    quantity: quantityStyle("lots", parseGrid("1"), 100),
    typical: 100,
    typicalTrades: 3,
    doubtful: false,
    marksColoured: false,
    ratio: 300,
    price: null,
  };
  return new SheetMaker().make(series, 0 as BarIndex, style, {
    frame: "none",
    valueArea: false,
    candle: false,
    ticksPerLevel: 2,
  }) as Sheet;
}

describe("doubt", () => {
  it("takes the colour of a delta that is not to be trusted, and leaves its number", () => {
    const palette = paletteOf("dark", "classic");
    for (const quoteShare of [0.9, 0.4]) {
      const series = new BarSeries();
      series.reset(
        frameOf([
          {
            minute: 0,
            cells: [
              [100, 90, 1],
              [101, 1, 90],
            ],
            quoteShare,
          },
        ]),
      );
      const sheet = deltaSheet(series, palette);
      const isGrey = palette.neutralRamp.ground.includes(sheet.leftGround[0] as string);
      expect([isGrey, sheet.leftText[0]]).toEqual([quoteShare < 0.5, "+89"]);
    }
  });
});

function deltaSheet(series: BarSeries, palette: Palette): Sheet {
  const style = { look: { form: "grounds", text: "delta", colour: "delta" }, palette } as const;
  const rest = { typical: 100, typicalTrades: 3, doubtful: false, marksColoured: false, ratio: 300, price: null };
  const marks: SheetMarks = { frame: "none", valueArea: false, candle: false, ticksPerLevel: 2 };
  const quantity = quantityStyle("lots", parseGrid("1"), 100);
  return new SheetMaker().make(series, 0 as BarIndex, { ...style, ...rest, quantity }, marks) as Sheet;
}

describe("settings", () => {
  it("reads what older pages stored, and refuses what is not a choice", () => {
    expect(readSettings({ mode: "volume", unit: "lots", zone: "UTC" })).toEqual({
      ...defaultSettings,
      mode: "volume",
      unit: "lots",
      zone: "UTC",
    });
    const odd = {
      imbalancePct: 50,
      imbalanceMin: -1,
      stack: 2.5,
      mode: "pie",
      second: "heatmap",
      toString: "on",
      zones: true,
    };
    expect(readSettings(odd)).toEqual(defaultSettings);
    expect(readSettings({ imbalancePct: 150, imbalanceMin: 0.25, stack: 4 })).toMatchObject({
      imbalancePct: 150,
      stack: 4,
    });
  });

  it("knows a preset until something is adjusted", () => {
    for (const preset of presets) {
      const settings = { ...defaultSettings, theme: "light", ...preset.cells } as const;
      expect(presetOf(settings)?.id).toBe(preset.id);
      expect(readSettings(JSON.parse(JSON.stringify(settings)))).toEqual(settings);
      expect(presetOf({ ...settings, stack: 7 })).toBeNull();
    }
    expect(new Set(presets.map(({ cells }) => JSON.stringify(cells))).size).toBe(presets.length);
  });

  it("has the six modes of the keys first", () => {
    expect(cellModes.slice(0, 6).map(({ mode }) => mode)).toEqual([
      "bid-ask",
      "delta",
      "volume",
      "trades",
      "profile",
      "imbalance",
    ]);
  });

  it("gives the second column its own mode's look, and none where cells are no columns", () => {
    const settings = {
      ...defaultSettings,
      mode: "profile",
      second: "delta",
      text: "bid-ask",
      colour: "delta",
    } as const;
    expect(columnLooks(settings)).toEqual([
      { form: "bars", text: "bid-ask", colour: "delta" },
      { form: "grounds", text: "delta", colour: "delta" },
    ]);
    expect(columnLooks({ ...settings, mode: "heatmap" })).toHaveLength(1);
  });

  it("makes room for a second column once, and keeps the newest bar where it is", () => {
    const model = new ChartModel();
    model.series.reset(frameOf(Array.from({ length: 60 }, (_, minute) => ({ minute }))));
    model.time.resize(dpx(1600), 1);
    model.time.setBar(100);
    model.time.setRight(20);
    model.following = true;
    expect([model.makeRoom(), model.time.bar, model.makeRoom(), model.time.bar]).toEqual([true, 150, false, 150]);
    expect([model.giveRoom(), model.time.bar, model.giveRoom()]).toEqual([true, 100, false]);
    model.makeRoom();
    model.zoomTime(0, 1.2);
    expect([model.giveRoom(), model.time.bar]).toEqual([false, 180]);
    model.time.resize(dpx(305), 1);
    model.time.setBar(70);
    expect([model.makeRoom(), model.time.bar]).toEqual([true, 122]);
  });

  it("puts two columns side by side where numbers fit into both", () => {
    expect(columnPlaces(91, 2, 1)).toEqual([
      { left: 0, width: 44 },
      { left: 47, width: 44 },
    ]);
    expect(columnPlaces(90, 2, 1)).toEqual([{ left: 0, width: 90 }]);
    expect(columnPlaces(200, 1, 2)).toEqual([{ left: 0, width: 200 }]);
  });
});
