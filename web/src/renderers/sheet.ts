/** The form of a row's quantity: its whole ground, a bar from the left, bars from the middle, circles. */
export type SheetForm = "grounds" | "bars" | "blocks" | "bubbles";

/** The candle that stands behind the cells, in rows counted from the sheet's lowest row's low edge. */
export interface BackCandle {
  readonly low: number;
  readonly bodyLow: number;
  readonly bodyHigh: number;
  readonly high: number;
  readonly tint: string;
  readonly colour: string;
}

/** What stands in the rows of one column of a bar, ready to be painted: no prices, no lots, only colours, lengths, text. */
export interface Sheet {
  /** Rows without holes, the lowest first. */
  count: number;
  form: SheetForm;
  /** Two grounds a row, or one that uses the left entries only. */
  splitGround: boolean;
  /** Two numbers a row (bid left, ask right), or one that uses the left entries only. */
  splitText: boolean;
  readonly leftGround: string[];
  readonly rightGround: string[];
  readonly leftColour: string[];
  readonly rightColour: string[];
  readonly leftText: string[];
  readonly rightText: string[];
  /** Lengths of bars and radii of circles, 0 to 1 of the room that there is; not used by `grounds`. */
  leftLength: Float32Array;
  rightLength: Float32Array;
  /** Bits of `mark`. */
  marks: Uint8Array;
  /** Share of the row's volume whose side is unknown, 0 to 1: hatched. Of `bars`: its length. */
  unknown: Float32Array;
  /** The row with a frame; -1 where none has. */
  framed: number;
  vah: number;
  val: number;
  back: BackCandle | null;
}

/** Marks of a row. */
export const mark = { buyImbalance: 1, sellImbalance: 2, buyStack: 4, sellStack: 8 } as const;

export function emptySheet(): Sheet {
  return {
    count: 0,
    form: "grounds",
    splitGround: true,
    splitText: true,
    leftGround: [],
    rightGround: [],
    leftColour: [],
    rightColour: [],
    leftText: [],
    rightText: [],
    leftLength: new Float32Array(256),
    rightLength: new Float32Array(256),
    marks: new Uint8Array(256),
    unknown: new Float32Array(256),
    framed: -1,
    vah: -1,
    val: -1,
    back: null,
  };
}

/** Room for `count` rows, all of them without marks and lengths. */
export function clearRows(sheet: Sheet, count: number): void {
  sheet.count = count;
  if (sheet.marks.length < count) {
    sheet.marks = new Uint8Array(count * 2);
    for (const name of ["unknown", "leftLength", "rightLength"] as const) sheet[name] = new Float32Array(count * 2);
  }
  for (const numbers of [sheet.marks, sheet.unknown, sheet.leftLength, sheet.rightLength]) numbers.fill(0, 0, count);
}
