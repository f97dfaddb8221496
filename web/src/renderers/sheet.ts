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
export const mark = { buyImbalance: 1, sellImbalance: 2, buyStack: 4, sellStack: 8 } as const;

export function emptySheet(): Sheet {
  return {
    count: 0,
    split: true,
    leftGround: [],
    rightGround: [],
    leftColour: [],
    rightColour: [],
    leftText: [],
    rightText: [],
    marks: new Uint8Array(256),
    unknown: new Float32Array(256),
    poc: -1,
    vah: -1,
    val: -1,
  };
}
