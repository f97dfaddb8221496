import { contrast, hex, mix, parseHex, type Rgb, readable } from "./colour";

export type ThemeName = "dark" | "light";
export type HueName = "classic" | "safe";

/** The colours of everything that is drawn: one set for each theme and pair of hues. */
export interface Palette {
  readonly theme: ThemeName;
  readonly background: string;
  readonly grid: string;
  readonly daySeparator: string;
  readonly axisText: string;
  readonly text: string;
  readonly muted: string;
  readonly crosshair: string;
  readonly label: string;
  readonly labelText: string;
  readonly buy: string;
  readonly sell: string;
  readonly onBuy: string;
  readonly onSell: string;
  readonly onLine: string;
  /** Signed numbers on the plain ground. */
  readonly buyText: string;
  readonly sellText: string;
  /** Imbalances and stacked zones: as strong as the theme allows. */
  readonly buyStrong: string;
  readonly sellStrong: string;
  readonly poc: string;
  readonly valueArea: string;
  readonly untrusted: string;
  readonly hatch: string;
  readonly gap: string;
  readonly line: string;
  readonly watermark: string;
  readonly lastCell: string;
  readonly buyRamp: Ramp;
  readonly sellRamp: Ramp;
  readonly neutralRamp: Ramp;
  /** Volume where cells are colour and nothing else. */
  readonly heatRamp: Ramp;
  /** What rows stand on that their bars do not fill: the card of the block, or the body of a candle behind them. */
  readonly card: string;
  readonly buyTint: string;
  readonly sellTint: string;
  readonly flatTint: string;
  /** Numbers that can be read on the strongest of a ramp's grounds and beside it, and zeros beside it. */
  readonly cellText: string;
  readonly freeFaint: string;
}

/** Cell grounds from faint to strong, each with a text colour that can be read on it. */
export interface Ramp {
  readonly ground: readonly string[];
  readonly text: readonly string[];
  readonly faint: readonly string[];
  /** The text of an imbalance of that side. */
  readonly buyMark: readonly string[];
  readonly sellMark: readonly string[];
  /** The grounds as the 32-bit pixels of an ImageData (little-endian RGBA). */
  readonly pixels: Uint32Array;
}

export const rampSteps = 24;

interface Base {
  readonly background: string;
  readonly cell: string;
  readonly grid: string;
  readonly daySeparator: string;
  readonly axisText: string;
  readonly text: string;
  readonly muted: string;
  readonly crosshair: string;
  readonly label: string;
  readonly labelText: string;
  readonly poc: string;
  readonly valueArea: string;
  readonly untrusted: string;
  readonly hatch: string;
  readonly gap: string;
  readonly line: string;
  readonly watermark: string;
  readonly lastCell: string;
  readonly neutral: string;
  readonly cellTexts: readonly string[];
  readonly faintTexts: readonly string[];
  readonly deepest: number;
  /** The heatmap's colours, from nothing to the most. */
  readonly heat: readonly string[];
}

const bases: Readonly<Record<ThemeName, Base>> = {
  dark: {
    background: "#0d1117",
    cell: "#141a22",
    grid: "#171d26",
    daySeparator: "#2f3a49",
    axisText: "#9aa6b5",
    text: "#d5dce5",
    muted: "#7c8896",
    crosshair: "#7f8b9a",
    label: "#2b3440",
    labelText: "#e9eef4",
    poc: "#f2b93b",
    valueArea: "#9b8cff",
    untrusted: "#7c8896",
    hatch: "#8893a2",
    gap: "#b98a2e",
    line: "#6ea8fe",
    watermark: "#141b24",
    lastCell: "#f4f7fb",
    neutral: "#7d8fa9",
    cellTexts: ["#dfe6ee", "#0b0f14"],
    faintTexts: ["#8a95a3", "#a9b3bf", "#dfe6ee"],
    deepest: 0.72,
    heat: ["#141a22", "#173a63", "#14708c", "#2fae8e", "#e8c547", "#fff3c4"],
  },
  light: {
    background: "#ffffff",
    cell: "#f4f6f9",
    grid: "#eef1f5",
    daySeparator: "#c3ccd8",
    axisText: "#56616f",
    text: "#1c2430",
    muted: "#68737f",
    crosshair: "#6a7686",
    label: "#2f3945",
    labelText: "#ffffff",
    poc: "#b87400",
    valueArea: "#6a5bc4",
    untrusted: "#8a94a0",
    hatch: "#8a94a0",
    gap: "#b07a14",
    line: "#1f6feb",
    watermark: "#f3f5f9",
    lastCell: "#0b0f14",
    neutral: "#66778f",
    cellTexts: ["#141a22", "#ffffff"],
    faintTexts: ["#6b7582", "#56616f", "#141a22"],
    deepest: 0.68,
    heat: ["#f4f6f9", "#cfe3f2", "#7fb8d8", "#3d7fb8", "#5b3f9e", "#3a0d4f"],
  },
};

interface Hues {
  readonly buy: string;
  readonly sell: string;
  readonly buyStrong: string;
  readonly sellStrong: string;
}

const hues: Readonly<Record<HueName, Readonly<Record<ThemeName, Hues>>>> = {
  classic: {
    dark: { buy: "#1fb89a", sell: "#ef5350", buyStrong: "#3df0cb", sellStrong: "#ff8b84" },
    light: { buy: "#0c9a7f", sell: "#e0403d", buyStrong: "#006b56", sellStrong: "#b3150f" },
  },
  safe: {
    dark: { buy: "#2684ff", sell: "#ff8a1e", buyStrong: "#7cb8ff", sellStrong: "#ffb469" },
    light: { buy: "#1a6fe0", sell: "#e87400", buyStrong: "#0a4a9e", sellStrong: "#9c4a00" },
  },
};

// Not so strong that the first text could not be read on it: the numbers of a ramp have one colour.
function deepestOf(base: Base, hue: string): number {
  const [cell, over, text] = [base.cell, hue, base.cellTexts[0] as string].map(parseHex) as [Rgb, Rgb, Rgb];
  let deepest = base.deepest;
  while (deepest > 0.3 && contrast(mix(cell, over, deepest), text) < 4.6) deepest -= 0.01;
  return deepest;
}

const pixelsOf = (grounds: readonly Rgb[]): Uint32Array =>
  Uint32Array.from(grounds, ([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0);

const rounded = (colour: Rgb): Rgb => colour.map(Math.round) as unknown as Rgb;

function ramp(base: Base, hue: string, pair: Hues): Ramp {
  const [cell, over] = [parseHex(base.cell), parseHex(hue)];
  const deepest = deepestOf(base, hue);
  const grounds = Array.from({ length: rampSteps }, (_, k) =>
    rounded(mix(cell, over, (deepest * k) / (rampSteps - 1))),
  );
  return rampOn(base, grounds, pair);
}

// The text of an imbalance has its side's colour as far as that can be read, else the plain text's.
function rampOn(base: Base, grounds: readonly Rgb[], pair: Hues): Ramp {
  const texts = base.cellTexts.map(parseHex);
  const faints = [...base.faintTexts.map(parseHex), ...texts];
  const on = (candidates: readonly Rgb[]): string[] => grounds.map((ground) => hex(readable(ground, candidates)));
  return {
    ground: grounds.map(hex),
    text: on(texts),
    faint: on(faints),
    buyMark: on([parseHex(pair.buyStrong), ...texts]),
    sellMark: on([parseHex(pair.sellStrong), ...texts]),
    pixels: pixelsOf(grounds),
  };
}

function heat(base: Base, pair: Hues): Ramp {
  const stops = base.heat.map(parseHex);
  const grounds = Array.from({ length: rampSteps }, (_, k) => {
    const at = (k / (rampSteps - 1)) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    return rounded(mix(stops[low] as Rgb, stops[low + 1] as Rgb, at - low));
  });
  return rampOn(base, grounds, pair);
}

const tintShare = 0.2;

// What numbers stand on where bars leave room, and the colours in which they can be read on all of it.
function freeColours(
  base: Base,
  pair: Hues,
): Pick<Palette, "card" | "buyTint" | "sellTint" | "flatTint" | "cellText" | "freeFaint"> {
  const [ground, card] = [parseHex(base.background), parseHex(base.cell)];
  const tint = (hue: string): Rgb => rounded(mix(ground, parseHex(hue), tintShare));
  const tints = [tint(pair.buy), tint(pair.sell), tint(base.neutral)] as const;
  const cellText = base.cellTexts[0] as string;
  const onAll = (candidates: readonly string[]): string =>
    candidates.find((text) => [card, ...tints].every((one) => contrast(one, parseHex(text)) >= 4.5)) ?? cellText;
  return {
    card: base.cell,
    buyTint: hex(tints[0]),
    sellTint: hex(tints[1]),
    flatTint: hex(tints[2]),
    cellText,
    freeFaint: onAll(base.faintTexts),
  };
}

function build(theme: ThemeName, hue: HueName, strong: boolean): Palette {
  const plain = bases[theme];
  const base = strong ? { ...plain, axisText: plain.text, muted: plain.text, grid: plain.daySeparator } : plain;
  const pair = hues[hue][theme];
  const onColour = (ground: string): string =>
    hex(readable(parseHex(ground), [parseHex("#ffffff"), parseHex("#0b0f14")]));
  const onGround = (plain: string, strong: string): string =>
    hex(readable(parseHex(base.background), [parseHex(plain), parseHex(strong)]));
  return {
    ...base,
    theme,
    ...pair,
    onBuy: onColour(pair.buy),
    onSell: onColour(pair.sell),
    onLine: onColour(base.line),
    buyText: onGround(pair.buy, pair.buyStrong),
    sellText: onGround(pair.sell, pair.sellStrong),
    buyRamp: ramp(base, pair.buy, pair),
    sellRamp: ramp(base, pair.sell, pair),
    neutralRamp: ramp(base, base.neutral, pair),
    heatRamp: heat(base, pair),
    ...freeColours(base, pair),
  };
}

const built = new Map<string, Palette>();

/** @param strong for who asked the system for more contrast */
export function paletteOf(theme: ThemeName, hue: HueName, strong = false): Palette {
  const key = `${theme}/${hue}/${strong}`;
  const known = built.get(key) ?? build(theme, hue, strong);
  built.set(key, known);
  return known;
}

/** Less than 1: small quantities still differ from each other. */
const rampCurve = 0.62;

/** Where a quantity stands on a ramp, measured against the chart's typical large cell. */
export function rampStep(lots: number, typicalLot: number): number {
  if (lots <= 0) return 0;
  const share = Math.min(1, lots / typicalLot) ** rampCurve;
  return Math.min(rampSteps - 1, 1 + Math.floor(share * (rampSteps - 1.001)));
}

/**
 * A heatmap has nothing but its colours: they go on far beyond what is typical, so that the largest rows differ too, and
 * begin where the least can be told from nothing in a single pixel.
 */
const [heatReach, leastHeat] = [2.5, 3];

/** As `rampStep`, of a heatmap. */
export function heatStep(lots: number, typicalLot: number): number {
  if (lots <= 0) return 0;
  const share = Math.sqrt(Math.min(1, lots / (heatReach * typicalLot)));
  return Math.min(rampSteps - 1, leastHeat + Math.floor(share * (rampSteps - leastHeat)));
}
