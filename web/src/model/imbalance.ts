import type { LevelMarker } from "../data/bar-series";
import type { LevelColumns } from "../protocol/decode";
import { CELL_FLAGS } from "../protocol/layout.generated";
import type { SnapshotMeta } from "../protocol/messages";
import type { Grid } from "./decimal";
import type { Settings } from "./settings";

/** The parameters of a cell's imbalance and of stacks (definitions 5.1, 5.2). */
export interface Rules {
  readonly pct: number;
  readonly compare: "ge" | "gt";
  readonly convention: "ratio" | "excess";
  readonly zero: "infinite" | "as_one" | "ignore";
  readonly against: "diagonal" | "horizontal";
  /** Lots; null is what came with the bar. */
  readonly minVol: number | null;
  readonly stack: number;
}

export function rulesOf(settings: Settings, lot: Grid): Rules {
  return {
    pct: settings.imbalancePct,
    compare: settings.imbalanceCompare,
    convention: settings.imbalanceConvention,
    zero: settings.imbalanceZero,
    against: settings.imbalanceAgainst,
    minVol: settings.imbalanceMin === 0 ? null : Math.max(1, Math.ceil(settings.imbalanceMin / lot.step - 1e-9)),
    stack: settings.stack,
  };
}

/** Whether the cells' marks as they came were found by these rules. */
export function areServers(rules: Rules, meta: SnapshotMeta): boolean {
  const plain = rules.convention === "ratio" && rules.zero === "infinite" && rules.against === "diagonal";
  const same = rules.pct === meta.imbalance_pct && rules.compare === meta.imbalance_compare;
  return plain && same && rules.minVol === null && rules.stack === meta.stack_n;
}

/** How many rows the sides that are compared stand apart. */
export const apartOf = ({ against }: Rules): 0 | 1 => (against === "diagonal" ? 1 : 0);

/** Whether the strong side is an imbalance against the weak one; lots. */
export function isImbalance(strong: number, weak: number, least: number, rules: Rules): boolean {
  if (strong <= 0 || strong < least) return false;
  if (weak === 0 && rules.zero === "infinite") return true;
  if (weak === 0 && rules.zero === "ignore") return false;
  const wanted = (rules.convention === "excess" ? rules.pct + 100 : rules.pct) * Math.max(1, weak);
  return rules.compare === "ge" ? 100 * strong >= wanted : 100 * strong > wanted;
}

const zeroWords = { infinite: "", as_one: ", 0 as 1 lot", ignore: ", not against 0" } as const;

/** The rules in words: `300 % diagonal ≥, min_vol auto (0.021)`. @param least the quantity that counts, in words */
export function rulesText(rules: Rules, meta: SnapshotMeta, least: string): string {
  const minVol = rules.minVol === null && meta.min_vol === "auto" ? `auto (${least})` : least;
  const excess = rules.convention === "excess" ? " more" : "";
  const stack = rules.stack === 3 ? "" : `, stacks of ${rules.stack}`;
  const compare = rules.compare === "ge" ? "≥" : ">";
  return `${rules.pct} %${excess} ${rules.against} ${compare}, min_vol ${minVol}${zeroWords[rules.zero]}${stack}`;
}

const { buy_imbalance: buyFlag, sell_imbalance: sellFlag, buy_stack: buyStack, sell_stack: sellStack } = CELL_FLAGS;

/**
 * The marks of one bar's cells: `from` up to, without, `to` of its levels, which ascend and may have holes; a hole counts
 * as zero, and the edge rows have no neighbour beyond.
 */
export function markBar(
  columns: LevelColumns,
  from: number,
  to: number,
  least: number,
  rules: Rules,
  flags: Uint8Array,
): void {
  const { row, buy, sell } = columns;
  const apart = apartOf(rules);
  for (let k = from; k < to; k += 1) {
    const [bought, sold] = [buy[k] as number, sell[k] as number];
    const weakSell = neighbour(row, sell, k, k - apart, from, to);
    const weakBuy = neighbour(row, buy, k, k + apart, from, to);
    const isBuy = weakSell >= 0 && isImbalance(bought, weakSell, least, rules);
    const isSell = weakBuy >= 0 && isImbalance(sold, weakBuy, least, rules);
    flags[k] = (isBuy ? buyFlag : 0) | (isSell ? sellFlag : 0);
  }
  markStacks(row, from, to, rules.stack, flags, buyFlag, buyStack);
  markStacks(row, from, to, rules.stack, flags, sellFlag, sellStack);
}

/** One side of the row at place `other`, next to row `k` or that row itself: 0 where nothing traded in it, -1 beyond the edge of the bar. */
export function neighbour(
  row: Int32Array,
  side: Float64Array,
  k: number,
  other: number,
  from: number,
  to: number,
): number {
  if (other < from || other >= to) return -1;
  return (row[other] as number) - (row[k] as number) === other - k ? (side[other] as number) : 0;
}

function markStacks(
  row: Int32Array,
  from: number,
  to: number,
  least: number,
  flags: Uint8Array,
  flag: number,
  stack: number,
): void {
  let start = from;
  for (let k = from; k <= to; k += 1) {
    const isOn = k < to && ((flags[k] as number) & flag) !== 0;
    const joins = isOn && k > start && (row[k] as number) === (row[k - 1] as number) + 1;
    if (isOn && (joins || k === start)) continue;
    if (k - start >= least) for (let at = start; at < k; at += 1) flags[at] = (flags[at] as number) | stack;
    start = isOn ? k : k + 1;
  }
}

interface Marked {
  readonly columns: LevelColumns;
  readonly done: Uint8Array;
}

/** Marks the cells of bars by the reader's own rules, each bar once: what a frame brought never changes. */
export function markerOf(rules: Rules): LevelMarker {
  const known = new WeakMap<LevelColumns, Marked>();
  return (columns, from, to, minVol) => {
    let marked = known.get(columns);
    if (marked === undefined) {
      const count = columns.row.length;
      marked = { columns: { ...columns, cell_flags: new Uint8Array(count) }, done: new Uint8Array(count) };
      known.set(columns, marked);
    }
    if (to > from && marked.done[from] === 0) {
      marked.done[from] = 1;
      markBar(columns, from, to, rules.minVol ?? minVol, rules, marked.columns.cell_flags);
    }
    return marked.columns;
  };
}
