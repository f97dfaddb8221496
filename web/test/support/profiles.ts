import type { ProfileRows } from "../../src/protocol/profiles";
import { openOf } from "./frames";

/** The rows of one profile over some minutes, as the server tells them. */
export const rowsOf = (
  opens: number,
  ends: number,
  row: readonly number[] = [10, 11, 13],
  area: Pick<ProfileRows, "poc" | "vah" | "val"> = { poc: 11, vah: 11, val: 10 },
): ProfileRows => ({
  ...area,
  from_ns: String(openOf(opens)),
  to_ns: String(openOf(ends)),
  opens_ns: String(openOf(opens)),
  bars: ends - opens,
  volume: 60,
  delta: 0,
  row,
  buy: row.map((_, k) => 10 * k),
  sell: row.map(() => 5),
  unknown: row.map(() => 5),
  trades: row.map(() => 1),
});
