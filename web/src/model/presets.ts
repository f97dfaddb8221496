import { type CellSettings, defaultCells, type Settings } from "./settings";

/** A look of the cells under the name of the program whose readers know it. */
export interface Preset {
  readonly id: string;
  readonly label: string;
  /** What of that program's documents it follows, and what it leaves at this program's own default. */
  readonly note: string;
  readonly cells: CellSettings;
}

const preset = (id: string, label: string, note: string, cells: Partial<CellSettings>): Preset => ({
  id,
  label,
  note,
  cells: { ...defaultCells, ...cells },
});

export const presets: readonly Preset[] = [
  preset("footloom", "footloom", "300 % diagonal at or above, against an empty cell too", {}),
  preset("atas", "ATAS", "cluster imbalance 150 % in excess, above; greatest volume framed", {
    colour: "delta",
    marks: "text",
    valueArea: "none",
    imbalancePct: 150,
    imbalanceConvention: "excess",
    imbalanceCompare: "gt",
    unfinished: "on",
  }),
  preset("tradingview", "TradingView", "300 % at or above; its sides are of candles within the bar, ours of trades", {
    mode: "blocks",
    marks: "frame",
    valueArea: "lines",
    zones: "on",
  }),
  preset("sierra", "Sierra Chart", "numbers coloured by diagonal ratio, nothing against something counts as 1 lot", {
    colour: "none",
    marks: "text",
    candle: "behind",
    valueArea: "none",
    imbalanceZero: "as_one",
  }),
  preset("exocharts", "Exocharts", "volume profile coloured by delta; its imbalance percentage is not public: 300 %", {
    mode: "profile",
    colour: "delta",
    text: "bid-ask",
    marks: "none",
    valueArea: "rail",
    nakedPoc: "bars",
  }),
  preset("gocharting", "GoCharting", "bid and ask with delta beside; its percentage is not public: 300 %", {
    second: "delta",
    colour: "imbalance",
    marks: "text",
    valueArea: "none",
  }),
];

const names = Object.keys(defaultCells) as readonly (keyof CellSettings)[];

/** The preset that the settings are, or null where they have been adjusted. */
export function presetOf(settings: Settings): Preset | null {
  return presets.find(({ cells }) => names.every((name) => cells[name] === settings[name])) ?? null;
}
