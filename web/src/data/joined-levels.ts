import type { LevelColumns } from "../protocol/decode";

/** The levels of one bar: `from` up to, without, `to` in `columns`. */
export interface LevelPart {
  readonly columns: LevelColumns;
  readonly from: number;
  readonly to: number;
}

/**
 * The levels of some bars, one behind the other in columns of their own. Each bar of the live edge comes as a frame, whose
 * views and buffer take more memory than its levels.
 */
export function joinLevels(parts: readonly LevelPart[]): { readonly columns: LevelColumns; readonly starts: number[] } {
  const count = parts.reduce((sum, { from, to }) => sum + to - from, 0);
  const columns: LevelColumns = {
    row: new Int32Array(count),
    buy: new Float64Array(count),
    sell: new Float64Array(count),
    unknown: new Float64Array(count),
    trades: new Uint32Array(count),
    cell_flags: new Uint8Array(count),
  };
  const starts: number[] = [];
  let at = 0;
  for (const { columns: own, from, to } of parts) {
    starts.push(at);
    for (const name of Object.keys(columns) as (keyof LevelColumns)[]) {
      columns[name].set(own[name].subarray(from, to), at);
    }
    at += to - from;
  }
  starts.push(at);
  return { columns, starts };
}
