import { type NumberChoice, numberChoices } from "./number-signs";
import type { HueName, ThemeName } from "./palette";
import { isZone, zoneNow } from "./time-zone";

/** What a column of cells shows; the first six are those of Alt + 1 to 6. */
export type NumberMode = "bid-ask" | "delta" | "volume" | "trades" | "profile" | "imbalance";
export type CellMode = NumberMode | "blocks" | "bubbles" | "heatmap";

export const cellModes: readonly { readonly mode: CellMode; readonly label: string; readonly short: string }[] = [
  { mode: "bid-ask", label: "Bid × Ask", short: "B×A" },
  { mode: "delta", label: "Delta", short: "Δ" },
  { mode: "volume", label: "Volume", short: "Vol" },
  { mode: "trades", label: "Trades", short: "Trd" },
  { mode: "profile", label: "Profile", short: "Prof" },
  { mode: "imbalance", label: "Imbalance", short: "Imb" },
  { mode: "blocks", label: "Blocks", short: "Blk" },
  { mode: "bubbles", label: "Bubbles", short: "Bub" },
  { mode: "heatmap", label: "Heatmap", short: "Heat" },
];

export const numberModes = cellModes.slice(0, 6) as readonly { readonly mode: NumberMode; readonly label: string }[];

/** The text of a cell; `auto` is what its mode is about. */
export type TextChoice = "auto" | "bid-ask" | "delta" | "volume" | "trades" | "none";
/** What a cell's colour says; `auto` is what its mode is about. */
export type ColourChoice = "auto" | "sides" | "delta" | "volume" | "imbalance" | "none";
export type FrameChoice = "poc" | "delta" | "none";
export type ValueAreaChoice = "lines" | "rail" | "none";
export type CandleChoice = "beside" | "behind" | "none";
export type MarkChoice = "frame" | "text" | "none";
export type Switch = "on" | "off";

export type ThemeChoice = "system" | ThemeName;
export type Density = "normal" | "compact";
export type CvdStyle = "line" | "candles";
/** The exchange's zone, this machine's, or one by its IANA name. */
export type ZoneChoice = "exchange" | "local" | (string & {});
export type UnitChoice = "base" | "quote" | "lots";

/** What the system asks for. */
export interface SystemLook {
  readonly isLight: boolean;
  readonly isStrong: boolean;
}

/** How the cells look, and by which parameters their imbalances are found (definitions 5.1). */
export interface CellSettings {
  readonly mode: CellMode;
  readonly second: NumberMode | "none";
  readonly text: TextChoice;
  readonly colour: ColourChoice;
  readonly frame: FrameChoice;
  readonly valueArea: ValueAreaChoice;
  readonly candle: CandleChoice;
  readonly marks: MarkChoice;
  readonly imbalancePct: number;
  readonly imbalanceCompare: "ge" | "gt";
  readonly imbalanceConvention: "ratio" | "excess";
  readonly imbalanceZero: "infinite" | "as_one" | "ignore";
  readonly imbalanceAgainst: "diagonal" | "horizontal";
  /** The least quantity of an imbalance, in base units; 0 is the engine's own measure. */
  readonly imbalanceMin: number;
  readonly stack: number;
  readonly zones: Switch;
  readonly nakedPoc: "none" | "bars" | "sessions";
  readonly unfinished: Switch;
  readonly lastLine: "bar" | "axis" | "none";
}

/** How the chart looks: nothing here changes a number of the tape. */
export interface Settings extends CellSettings {
  readonly theme: ThemeChoice;
  readonly hue: HueName;
  readonly density: Density;
  readonly unit: UnitChoice;
  readonly cvdStyle: CvdStyle;
  readonly zone: ZoneChoice;
  readonly numbers: NumberChoice;
}

export const defaultCells: CellSettings = {
  mode: "bid-ask",
  second: "none",
  text: "auto",
  colour: "auto",
  frame: "poc",
  valueArea: "lines",
  candle: "beside",
  marks: "frame",
  imbalancePct: 300,
  imbalanceCompare: "ge",
  imbalanceConvention: "ratio",
  imbalanceZero: "infinite",
  imbalanceAgainst: "diagonal",
  imbalanceMin: 0,
  stack: 3,
  zones: "off",
  nakedPoc: "none",
  unfinished: "off",
  lastLine: "bar",
};

export const defaultSettings: Settings = {
  ...defaultCells,
  theme: "system",
  hue: "classic",
  density: "normal",
  unit: "base",
  cvdStyle: "line",
  zone: "exchange",
  numbers: "plain",
};

type Numeric = { [K in keyof Settings]: Settings[K] extends number ? K : never }[keyof Settings];
export type NumericSetting = Extract<Numeric, string>;

/** The numbers among the settings: from, to, and whether they are whole. */
export const numericSettings: Readonly<
  Record<NumericSetting, { readonly least: number; readonly most: number; readonly whole: boolean }>
> = {
  imbalancePct: { least: 101, most: 10_000, whole: true },
  imbalanceMin: { least: 0, most: 1e12, whole: false },
  stack: { least: 2, most: 20, whole: true },
};

const choices: { readonly [K in Exclude<keyof Settings, NumericSetting | "zone">]: readonly Settings[K][] } = {
  mode: cellModes.map(({ mode }) => mode),
  second: ["none", ...numberModes.map(({ mode }) => mode)],
  text: ["auto", "bid-ask", "delta", "volume", "trades", "none"],
  colour: ["auto", "sides", "delta", "volume", "imbalance", "none"],
  frame: ["poc", "delta", "none"],
  valueArea: ["lines", "rail", "none"],
  candle: ["beside", "behind", "none"],
  marks: ["frame", "text", "none"],
  imbalanceCompare: ["ge", "gt"],
  imbalanceConvention: ["ratio", "excess"],
  imbalanceZero: ["infinite", "as_one", "ignore"],
  imbalanceAgainst: ["diagonal", "horizontal"],
  zones: ["on", "off"],
  nakedPoc: ["none", "bars", "sessions"],
  unfinished: ["on", "off"],
  lastLine: ["bar", "axis", "none"],
  theme: ["system", "dark", "light"],
  hue: ["classic", "safe"],
  density: ["normal", "compact"],
  unit: ["base", "quote", "lots"],
  cvdStyle: ["line", "candles"],
  numbers: numberChoices,
};

/** The theme that is drawn. @param systemIsLight what the system asks for */
export const themeOf = (choice: ThemeChoice, systemIsLight: boolean): ThemeName =>
  choice !== "system" ? choice : systemIsLight ? "light" : "dark";

/** Whether a setting may have a value. */
export function isSetting(name: string, value: unknown): boolean {
  if (name === "zone") return typeof value === "string" && (value === "exchange" || value === "local" || isZone(value));
  if (Object.hasOwn(choices, name))
    return (choices[name as keyof typeof choices] as readonly unknown[]).includes(value);
  if (!Object.hasOwn(numericSettings, name) || typeof value !== "number") return false;
  const { least, most, whole } = numericSettings[name as NumericSetting];
  return value >= least && value <= most && (!whole || Number.isInteger(value));
}

/** Settings from what was stored, whatever that is: unknown names and values are left at their defaults. */
export function readSettings(stored: unknown): Settings {
  if (typeof stored !== "object" || stored === null) return defaultSettings;
  const known = Object.entries(stored).filter(([name, value]) => isSetting(name, value));
  const settings: Settings = { ...defaultSettings, ...Object.fromEntries(known) };
  return { ...settings, zone: zoneNow(settings.zone) };
}
