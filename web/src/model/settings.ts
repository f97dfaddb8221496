import type { HueName, ThemeName } from "./palette";

/** What a cell shows; the numbers are those of Alt + 1 to 6, of which three are built. */
export type CellMode = "bid-ask" | "delta" | "volume";

export const cellModes: readonly { readonly mode: CellMode; readonly label: string; readonly short: string }[] = [
  { mode: "bid-ask", label: "Bid × Ask", short: "B×A" },
  { mode: "delta", label: "Delta", short: "Δ" },
  { mode: "volume", label: "Volume", short: "Vol" },
];

export type ThemeChoice = "system" | ThemeName;
export type Density = "normal" | "compact";
export type CvdStyle = "line" | "candles";
export type ZoneChoice = "exchange" | "UTC" | "local";

/** What the system asks for. */
export interface SystemLook {
  readonly isLight: boolean;
  readonly isStrong: boolean;
}

/** How the chart looks: nothing here changes a number. */
export interface Settings {
  readonly mode: CellMode;
  readonly theme: ThemeChoice;
  readonly hue: HueName;
  readonly density: Density;
  readonly unit: "base" | "lots";
  readonly cvdStyle: CvdStyle;
  readonly zone: ZoneChoice;
}

export const defaultSettings: Settings = {
  mode: "bid-ask",
  theme: "system",
  hue: "classic",
  density: "normal",
  unit: "base",
  cvdStyle: "line",
  zone: "exchange",
};

const choices: { readonly [K in keyof Settings]: readonly Settings[K][] } = {
  mode: cellModes.map(({ mode }) => mode),
  theme: ["system", "dark", "light"],
  hue: ["classic", "safe"],
  density: ["normal", "compact"],
  unit: ["base", "lots"],
  cvdStyle: ["line", "candles"],
  zone: ["exchange", "UTC", "local"],
};

/** The theme that is drawn. @param systemIsLight what the system asks for */
export const themeOf = (choice: ThemeChoice, systemIsLight: boolean): ThemeName =>
  choice !== "system" ? choice : systemIsLight ? "light" : "dark";

/** Settings from what was stored, whatever that is: unknown names and values are left at their defaults. */
export function readSettings(stored: unknown): Settings {
  if (typeof stored !== "object" || stored === null) return defaultSettings;
  const kept: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(stored)) {
    if (name in choices && (choices[name as keyof Settings] as readonly unknown[]).includes(value)) kept[name] = value;
  }
  return { ...defaultSettings, ...kept };
}
