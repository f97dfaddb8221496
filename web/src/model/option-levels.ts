import type { ChainReply, OptionWall, ReadOut } from "../protocol/options";
import { nsToMs } from "../protocol/units";
import type { Grid } from "./decimal";
import { written } from "./number-signs";

/** Where options are held, on the price axis of a chart: prices in ticks of the chart. */
export interface OptionLevels {
  /** Open interest of each strike; shares are of the largest of both sides. */
  readonly strikes: readonly { readonly tick: number; readonly call: number; readonly put: number }[];
  readonly lines: readonly OptionLine[];
  /** When the chain stood so, ns UTC, and the day of that on the exchange's calendar. */
  readonly atNs: bigint;
  readonly day: string;
}

/**
 * Levels that are out of sight, the nearest first: those above the prices that are shown, and those below.
 *
 * @param yOf where a price in ticks stands, from the top
 */
export function beyond(
  lines: readonly OptionLine[],
  yOf: (tick: number) => number,
  height: number,
): { readonly above: readonly OptionLine[]; readonly below: readonly OptionLine[] } {
  const main = lines.filter(({ isMain }) => isMain);
  return {
    above: main.filter(({ tick }) => yOf(tick) < 0).sort((a, b) => a.tick - b.tick),
    below: main.filter(({ tick }) => yOf(tick) > height).sort((a, b) => b.tick - a.tick),
  };
}

const farNs = 20n * 3_600_000_000_000n;

/** What is said behind a level: the day of a chain that is not of the time of the newest bar, "" where it is. */
export function dayNote({ atNs, day }: OptionLevels, newestNs: bigint | null): string {
  const apart = newestNs === null ? 0n : newestNs > atNs ? newestNs - atNs : atNs - newestNs;
  return apart > farNs ? ` (chain of ${day})` : "";
}

export type OptionLineKind = "call" | "put" | "pain" | "key";

export interface OptionLine {
  readonly tick: number;
  readonly kind: OptionLineKind;
  readonly text: string;
  /** How much of the chart's width it spans, from the price axis on. */
  readonly length: number;
  /** It is named at the edge where it is out of sight: the largest wall of a side, max pain, the key level. */
  readonly isMain: boolean;
}

/**
 * The levels of a chain on a chart's ticks. Strikes stand at their own price: where the chart shows a future, its basis
 * lies between the two, and nothing is shifted.
 */
export function optionLevels(chain: ChainReply, tick: Grid, readOut: ReadOut | null = null): OptionLevels {
  const ticks = (price: string): number => Number(price) / tick.step;
  const most = Math.max(1, ...chain.rows.flatMap(({ call, put }) => [Number(call.oi ?? 0), Number(put.oi ?? 0)]));
  const line = (price: string | null, kind: OptionLineKind, text: string, length = 1, isMain = true): OptionLine[] =>
    price === null ? [] : [{ tick: ticks(price), kind, text: `${text} ${written(price, tick.signs)}`, length, isMain }];
  const walls = (kind: "call" | "put", all: readonly OptionWall[]): OptionLine[] =>
    all.flatMap(({ strike, oi, strong }, place) => {
      const name = place === 0 ? `${strong ? "strong " : ""}${kind} wall` : `${kind} wall ${place + 1}`;
      return line(strike, kind, name, Number(oi) / Number(all[0]?.oi ?? oi), place === 0);
    });
  // The read-out may be a minute older than the chain: a wall that is none any more is not drawn, and makes no level.
  const held = [...chain.call_walls, ...chain.put_walls];
  const wall = held.find(({ strike }) => readOut?.key_level != null && Number(strike) === Number(readOut.key_level));
  return {
    atNs: BigInt(chain.at_ns),
    day: new Date(nsToMs(BigInt(chain.at_ns))).toLocaleDateString("en-CA", { timeZone: chain.tz }),
    strikes: chain.rows.map(({ strike, call, put }) => ({
      tick: ticks(strike),
      call: Number(call.oi ?? 0) / most,
      put: Number(put.oi ?? 0) / most,
    })),
    lines: [
      ...walls("call", chain.call_walls),
      ...walls("put", chain.put_walls),
      ...line(chain.max_pain, "pain", "max pain"),
      ...(wall === undefined || readOut === null
        ? []
        : line(readOut.poc, "key", `key level: wall ${written(wall.strike, tick.signs)} at the POC`)),
    ],
  };
}
