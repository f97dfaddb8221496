/** What stands in the rows of one bar's block, ready to be painted: no prices, no lots, only colours and text. */
export interface Sheet {
    /** Rows without holes, the lowest first. */
    count: number;
    /** Two halves a row (bid left, ask right), or one cell a row that uses the left entries only. */
    split: boolean;
    readonly leftGround: string[];
    readonly rightGround: string[];
    readonly leftColour: string[];
    readonly rightColour: string[];
    readonly leftText: string[];
    readonly rightText: string[];
    /** Bits of `mark`. */
    marks: Uint8Array;
    /** Share of the row's volume whose side is unknown, 0 to 1: hatched. */
    unknown: Float32Array;
    poc: number;
    vah: number;
    val: number;
}
/** Marks of a row. */
export declare const mark: {
    readonly buyImbalance: 1;
    readonly sellImbalance: 2;
    readonly buyStack: 4;
    readonly sellStack: 8;
};
export declare function emptySheet(): Sheet;
