import type { CellMode, ColourChoice, Settings, TextChoice } from "./settings";

/** The form of a row: its whole ground, a bar from the left, bars from the middle, circles. */
export type Form = "grounds" | "bars" | "blocks" | "bubbles";
export type CellText = Exclude<TextChoice, "auto"> | "ratio";
export type CellColour = Exclude<ColourChoice, "auto"> | "trades";

/** How one column of cells is drawn, with all that is left to the mode worked out. */
export interface ColumnLook {
  readonly form: Form;
  readonly text: CellText;
  readonly colour: CellColour;
}

const forms: Readonly<Partial<Record<CellMode, Form>>> = { profile: "bars", blocks: "blocks", bubbles: "bubbles" };

const texts: Readonly<Record<CellMode, CellText>> = {
  "bid-ask": "bid-ask",
  delta: "delta",
  volume: "volume",
  trades: "trades",
  profile: "volume",
  imbalance: "ratio",
  blocks: "bid-ask",
  bubbles: "none",
  heatmap: "none",
};

const colours: Readonly<Record<CellMode, CellColour>> = {
  "bid-ask": "sides",
  delta: "delta",
  volume: "volume",
  trades: "trades",
  profile: "sides",
  imbalance: "imbalance",
  blocks: "sides",
  bubbles: "sides",
  heatmap: "volume",
};

const lookOf = (mode: CellMode, text: TextChoice, colour: ColourChoice): ColumnLook => ({
  form: forms[mode] ?? "grounds",
  text: text === "auto" ? texts[mode] : text,
  colour: colour === "auto" ? colours[mode] : colour,
});

/** The columns of a bar, one or two; text and colour are chosen for the first, the second follows its mode. */
export function columnLooks(settings: Settings): readonly ColumnLook[] {
  const { mode, second, text, colour } = settings;
  const first = lookOf(mode, text, colour);
  return second === "none" || mode === "heatmap" || mode === "bubbles"
    ? [first]
    : [first, lookOf(second, "auto", "auto")];
}

/** Whether the numbers of a column stand in two halves: sold left, bought right. */
export const isSplit = (text: CellText): boolean => text === "bid-ask" || text === "ratio";

/** All settings on which the picture of a bar's cells depends, as a key. */
export function lookKey(settings: Settings): string {
  const { mode, second, text, colour, frame, valueArea, candle, marks, hue, density, numbers } = settings;
  const look = [mode, second, text, colour, frame, valueArea, candle, marks, hue, density, numbers];
  return [...look, rulesKey(settings)].join("|");
}

/** The parameters of imbalances as a key. */
function rulesKey(settings: Settings): string {
  const { imbalancePct, imbalanceCompare, imbalanceConvention, imbalanceZero } = settings;
  const { imbalanceAgainst, imbalanceMin, stack } = settings;
  return [
    imbalancePct,
    imbalanceCompare,
    imbalanceConvention,
    imbalanceZero,
    imbalanceAgainst,
    imbalanceMin,
    stack,
  ].join(",");
}
