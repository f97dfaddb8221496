import type { ChainReply, OptionWall, ReadOut } from "../protocol/options";
import type { Grid } from "./decimal";

/** Where options are held, on the price axis of a chart: prices in ticks of the chart. */
export interface OptionLevels {
  /** Open interest of each strike; shares are of the largest of both sides. */
  readonly strikes: readonly { readonly tick: number; readonly call: number; readonly put: number }[];
  readonly lines: readonly OptionLine[];
}

export type OptionLineKind = "call" | "put" | "pain" | "key";

export interface OptionLine {
  readonly tick: number;
  readonly kind: OptionLineKind;
  readonly text: string;
  /** How much of the chart's width it spans, from the price axis on. */
  readonly length: number;
}

/**
 * The levels of a chain on a chart's ticks. Strikes stand at their own price: where the chart shows a future, its basis
 * lies between the two, and nothing is shifted.
 */
export function optionLevels(chain: ChainReply, tick: Grid, readOut: ReadOut | null = null): OptionLevels {
  const ticks = (price: string): number => Number(price) / tick.step;
  const most = Math.max(1, ...chain.rows.flatMap(({ call, put }) => [Number(call.oi ?? 0), Number(put.oi ?? 0)]));
  const line = (price: string | null, kind: OptionLineKind, text: string, length = 1): OptionLine[] =>
    price === null ? [] : [{ tick: ticks(price), kind, text: `${text} ${price}`, length }];
  const walls = (kind: "call" | "put", all: readonly OptionWall[]): OptionLine[] =>
    all.flatMap(({ strike, oi, strong }, place) => {
      const name = place === 0 ? `${strong ? "strong " : ""}${kind} wall` : `${kind} wall ${place + 1}`;
      return line(strike, kind, name, Number(oi) / Number(all[0]?.oi ?? oi));
    });
  return {
    strikes: chain.rows.map(({ strike, call, put }) => ({
      tick: ticks(strike),
      call: Number(call.oi ?? 0) / most,
      put: Number(put.oi ?? 0) / most,
    })),
    lines: [
      ...walls("call", chain.call_walls),
      ...walls("put", chain.put_walls),
      ...line(chain.max_pain, "pain", "max pain"),
      ...(readOut?.key_level == null
        ? []
        : line(readOut.poc, "key", `key level: wall ${readOut.key_level} at the POC`)),
    ],
  };
}
