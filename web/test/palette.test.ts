import { describe, expect, it } from "vitest";
import { contrast, parseHex } from "../src/model/colour";
import { heatStep, paletteOf, rampStep, rampSteps } from "../src/model/palette";

const all = (["dark", "light"] as const).flatMap((theme) =>
  (["classic", "safe"] as const).map((hue) => [theme, hue] as const),
);

describe.each(all)("%s, %s", (theme, hue) => {
  const palette = paletteOf(theme, hue);

  it("has text that can be read in every cell", () => {
    for (const ramp of [palette.buyRamp, palette.sellRamp, palette.neutralRamp]) {
      for (let k = 0; k < rampSteps; k += 1) {
        const ground = parseHex(ramp.ground[k] as string);
        expect(contrast(ground, parseHex(ramp.text[k] as string))).toBeGreaterThanOrEqual(4.5);
        expect(contrast(ground, parseHex(ramp.faint[k] as string))).toBeGreaterThanOrEqual(4.5);
      }
    }
  });

  it("has labels, axes and signed numbers that can be read", () => {
    const pairs: readonly (readonly [string, string])[] = [
      [palette.background, palette.axisText],
      [palette.background, palette.text],
      [palette.label, palette.labelText],
      [palette.buy, palette.onBuy],
      [palette.sell, palette.onSell],
      [palette.line, palette.onLine],
      [palette.background, palette.buyText],
      [palette.background, palette.sellText],
    ];
    for (const [ground, text] of pairs) expect(contrast(parseHex(ground), parseHex(text))).toBeGreaterThanOrEqual(4.5);
  });

  it("grows stronger with every step", () => {
    const base = parseHex(palette.buyRamp.ground[0] as string);
    const distances = palette.buyRamp.ground.map((ground) => contrast(base, parseHex(ground)));
    expect(distances.every((distance, k) => k === 0 || distance >= (distances[k - 1] as number))).toBe(true);
  });
});

describe("rampStep", () => {
  it("keeps zero apart from little, and never leaves the ramp", () => {
    expect(rampStep(0, 100)).toBe(0);
    expect(rampStep(1, 1e9)).toBe(1);
    expect(rampStep(100, 100)).toBe(rampSteps - 1);
    expect(rampStep(1e12, 100)).toBe(rampSteps - 1);
  });
});

describe("heatStep", () => {
  it("goes on where ramps end, and is no less seen where little traded", () => {
    expect([heatStep(0, 100), heatStep(1e12, 100)]).toEqual([0, rampSteps - 1]);
    const steps = [1, 10, 50, 100, 150, 200, 250].map((lots) => heatStep(lots, 100));
    expect(steps).toEqual([...new Set(steps)].sort((a, b) => a - b));
    expect(heatStep(100, 100)).toBeLessThan(rampStep(100, 100) - 5);
  });
});
