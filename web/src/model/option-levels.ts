import type { ChainReply } from "../protocol/options";
import type { Grid } from "./decimal";

/** Where options are held, on the price axis of a chart: prices in ticks of the chart. */
export interface OptionLevels {
  /** Open interest of each strike; shares are of the largest of both sides. */
  readonly strikes: readonly { readonly tick: number; readonly call: number; readonly put: number }[];
  readonly lines: readonly OptionLine[];
}

export type OptionLineKind = "call" | "put" | "pain";

export interface OptionLine {
  readonly tick: number;
  readonly kind: OptionLineKind;
  readonly text: string;
}

/**
 * The levels of a chain on a chart's ticks. Strikes stand at their own price: where the chart shows a future, its basis
 * lies between the two, and nothing is shifted.
 */
export function optionLevels(chain: ChainReply, tick: Grid): OptionLevels {
  const ticks = (price: string): number => Number(price) / tick.step;
  const most = Math.max(1, ...chain.rows.flatMap(({ call, put }) => [Number(call.oi ?? 0), Number(put.oi ?? 0)]));
  const line = (price: string | null | undefined, kind: OptionLineKind, name: string): OptionLine[] =>
    price === null || price === undefined ? [] : [{ tick: ticks(price), kind, text: `${name} ${price}` }];
  return {
    strikes: chain.rows.map(({ strike, call, put }) => ({
      tick: ticks(strike),
      call: Number(call.oi ?? 0) / most,
      put: Number(put.oi ?? 0) / most,
    })),
    lines: [
      ...line(chain.call_walls[0]?.strike, "call", "call wall"),
      ...line(chain.put_walls[0]?.strike, "put", "put wall"),
      ...line(chain.max_pain, "pain", "max pain"),
    ],
  };
}
