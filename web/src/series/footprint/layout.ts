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
}

const textFromCss = { height: 9, width: 44 } as const;

/** @param bar width of the bar, whole where it is 8 or more */
export function barLayout(bar: number, dpr: number): BarLayout {
  const css = bar / dpr;
  if (css < 9) {
    const gap = css >= 3 ? Math.max(1, Math.round(dpr)) : 0;
    return {
      candleLeft: 0,
      candleWidth: 0,
      blockLeft: 0,
      blockWidth: bar - gap,
      bracketWidth: 0,
      sellBracket: 0,
      buyBracket: 0,
    };
  }
  const size = (least: number, share: number, most: number): number =>
    Math.round(Math.min(most * dpr, Math.max(least * dpr, bar * share)));
  const pad = size(1, 0.02, 3);
  const candleWidth = size(2, 0.07, 9);
  const bracketWidth = css >= 24 ? size(2, 0.04, 4) : 0;
  const gap = size(1, 0.06, 8);
  const sellBracket = pad + candleWidth + pad;
  const blockLeft = sellBracket + bracketWidth + Math.round(dpr);
  const buyBracket = bar - gap - bracketWidth;
  return {
    candleLeft: pad,
    candleWidth,
    blockLeft,
    blockWidth: Math.max(1, buyBracket - Math.round(dpr) * (bracketWidth > 0 ? 1 : 0) - blockLeft),
    bracketWidth,
    sellBracket,
    buyBracket,
  };
}

/** Whether numbers can be read in cells of this size: from 9 px height and 44 px width. */
export function hasText(row: number, blockWidth: number, dpr: number): boolean {
  return row >= textFromCss.height * dpr && blockWidth >= textFromCss.width * dpr;
}
