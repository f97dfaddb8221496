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
/** @param bar width of the bar, whole where it is 8 or more */
export declare function barLayout(bar: number, dpr: number): BarLayout;
/** Whether numbers can be read in cells of this size (ui.md: from 9 px height and 44 px width). */
export declare function hasText(row: number, blockWidth: number, dpr: number): boolean;
