import type { CandleChoice, Settings } from "../../model/settings";

/** How the width of a bar is divided: candle, cells, brackets. Device pixels, from the bar's left edge. */
export interface BarLayout {
  readonly candleLeft: number;
  /** 0: too narrow for a candle. */
  readonly candleWidth: number;
  readonly blockLeft: number;
  readonly blockWidth: number;
  /** 0: too narrow for brackets. */
  readonly bracketWidth: number;
  readonly sellBracket: number;
  readonly buyBracket: number;
  /** Of a candle behind the cells: a rail on either side of them. */
  readonly railWidth: number;
}

const textFromCss = { height: 9, width: 44 } as const;

/** One column of cells inside of a bar's block. */
export interface ColumnPlace {
  readonly left: number;
  readonly width: number;
}

/** Two columns side by side where numbers fit into both, else one. */
export function columnPlaces(width: number, count: number, dpr: number): readonly ColumnPlace[] {
  const gap = Math.round(3 * dpr);
  const first = Math.floor((width - gap) / 2);
  if (count < 2 || first < textFromCss.width * dpr) return [{ left: 0, width }];
  return [
    { left: 0, width: first },
    { left: first + gap, width: width - first - gap },
  ];
}

/** How a bar's candle and cells share its width. `whole`: cells take all of it. */
export type BarShape = CandleChoice | "whole";

/** What the settings make of a bar. */
export const shapeOf = ({ mode, candle }: Settings): BarShape => (mode === "heatmap" ? "whole" : candle);

/** @param bar width of the bar, whole where it is 8 or more */
export function barLayout(bar: number, dpr: number, shape: BarShape = "beside"): BarLayout {
  const css = bar / dpr;
  if (css < 9 || shape === "whole") {
    const gap = shape !== "whole" && css >= 3 ? Math.max(1, Math.round(dpr)) : 0;
    return {
      candleLeft: 0,
      candleWidth: 0,
      blockLeft: 0,
      blockWidth: bar - gap,
      bracketWidth: 0,
      sellBracket: 0,
      buyBracket: 0,
      railWidth: 0,
    };
  }
  const size = (least: number, share: number, most: number): number =>
    Math.round(Math.min(most * dpr, Math.max(least * dpr, bar * share)));
  const pad = size(1, 0.02, 3);
  const candleWidth = shape === "beside" ? size(2, 0.07, 9) : 0;
  const bracketWidth = css >= 24 ? size(2, 0.04, 4) : 0;
  const gap = size(1, 0.06, 8);
  const sellBracket = candleWidth > 0 ? pad + candleWidth + pad : pad;
  const railWidth = shape === "behind" ? size(1, 0.025, 3) : 0;
  const blockLeft = sellBracket + bracketWidth + Math.round(dpr) + railWidth;
  const buyBracket = bar - gap - bracketWidth;
  return {
    candleLeft: pad,
    candleWidth,
    blockLeft,
    blockWidth: Math.max(1, buyBracket - Math.round(dpr) * (bracketWidth > 0 ? 1 : 0) - railWidth - blockLeft),
    bracketWidth,
    sellBracket,
    buyBracket,
    railWidth,
  };
}

/** Whether numbers can be read in cells of this size: from 9 px height and 44 px width. */
export function hasText(row: number, blockWidth: number, dpr: number): boolean {
  return row >= textFromCss.height * dpr && blockWidth >= textFromCss.width * dpr;
}
