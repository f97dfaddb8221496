import type { BarSeries } from "../data/bar-series";
import type { StudySeries } from "../data/study-series";
import type { ToldFeed } from "../data/told-feed";
import type { Gap } from "../data/topic-feed";
import type { StudySpec } from "../protocol/messages";
import type { ToldName, ToldRow } from "../protocol/streams";
import type { BarIndex } from "../protocol/units";
import { type Grid, unitsOf } from "./decimal";

/** What streams and their panes are called. */
export const toldTitles: Readonly<Record<ToldName, string>> = {
  open_interest: "Open interest",
  funding: "Funding",
  liquidations: "Liquidations",
};

/** A pane of something that is told beside the trades: which stream it reads. */
export interface ToldPane {
  readonly of: string;
  readonly stream: ToldName;
  readonly title: string;
  readonly about: string;
}

export const toldPanes: readonly ToldPane[] = [
  {
    of: "open_interest",
    stream: "open_interest",
    title: "Open interest",
    about: "contracts that are open, as told last",
  },
  {
    of: "interest_change",
    stream: "open_interest",
    title: "Change of open interest",
    about: "from one telling of another value to the next, over the bars between them",
  },
  { of: "funding", stream: "funding", title: "Funding", about: "the rate, and the mark price against the index" },
  {
    of: "liquidations",
    stream: "liquidations",
    title: "Liquidations",
    about: "longs that were sold, shorts that were bought back: what the venue tells of them",
  },
];

export const toldPaneOf = (of: string | undefined): ToldPane | null => toldPanes.find((one) => one.of === of) ?? null;

const columnsOf: Readonly<Record<ToldName, readonly string[]>> = {
  open_interest: ["oi", "change", "span", "day_change", "told"],
  funding: ["rate", "mark", "index", "premium", "next_ms", "told"],
  liquidations: ["long", "short", "unknown", "count", "largest"],
};

/** A stream as a study of the chart's bars, whose columns the page makes itself. */
export const toldSpec = (name: ToldName): StudySpec => ({
  study: name,
  label: name,
  params: {},
  title: toldTitles[name],
  outputs: columnsOf[name].map((column) => ({
    name: column,
    kind: "column",
    unit: name === "funding" ? "percent" : "lot",
    columns: [column],
    title: column,
  })),
});

/** A stream as the chart shows it. */
export interface ToldShown {
  readonly study: StudySeries;
  gaps: readonly Gap[];
  /** Nothing is stored of it, and nobody listens to it; null while nobody knows. */
  isNone: boolean | null;
  /** It is listened to, and has told nothing yet. */
  waits: boolean;
}

/** What the columns are made of: what a feed holds, and what is known of its symbol. */
export interface ToldFacts
  extends Pick<ToldFeed, "name" | "rows" | "opens" | "firstNs" | "lastNs" | "gaps" | "heldNs"> {
  readonly isLive: boolean;
  readonly lot: Grid;
}

/** Make the columns of bars from a time on anew, as a study of the chart's bars. */
export function fillTold(study: StudySeries, facts: ToldFacts, series: BarSeries, fromNs: bigint): void {
  const heldNs = facts.heldNs;
  if (heldNs === null || series.length === 0) return;
  const from = series.lowerBound(fromNs < heldNs ? heldNs : fromNs);
  if (!series.has(from)) return;
  const bars = toldColumns(facts, series, from);
  const at = from + series.shift;
  const openNs = series.columns.open_ns.slice(at, at + series.end - from);
  const frame = { kind: "studies", topicId: 0, topicSeq: 0, prevSeq: -1, levelStart: new Uint32Array(0) } as const;
  const part = { label: facts.name, bars, cells: {}, events: {}, eventCount: 0 };
  study.merge({ ...frame, openNs, studies: [part] }, part);
  study.align(series);
}

const leastHeldNs = 300_000_000_000n;
const ns = (text: string | null | undefined): bigint | null => (text == null ? null : BigInt(text));

/** Lots of exact text; what is off the chart's grid is as near as a number gets. */
function lotsOf(text: string | null | undefined, lot: Grid): number {
  if (text == null) return Number.NaN;
  return unitsOf(text, lot) ?? Number(text) / lot.step;
}

const numberOf = (text: string | null | undefined): number => (text == null ? Number.NaN : Number(text));

/** How long a value stands that is not told anew: five minutes, or twice the usual time between two (definitions 7.5). */
export function heldNs(rows: readonly ToldRow[]): bigint {
  const steps: bigint[] = [];
  for (let k = Math.max(1, rows.length - 200); k < rows.length; k += 1) {
    const [before, at] = [ns(rows[k - 1]?.at_ns), ns(rows[k]?.at_ns)];
    if (before !== null && at !== null && at > before) steps.push(at - before);
  }
  steps.sort((a, b) => (a < b ? -1 : 1));
  const usual = 2n * (steps[steps.length >> 1] ?? 0n);
  return usual > leastHeldNs ? usual : leastHeldNs;
}

/** One value a bar from bar `from` to the newest, by column; NaN is not known. */
export function toldColumns(facts: ToldFacts, series: BarSeries, from: BarIndex): Record<string, Float64Array> {
  const count = series.end - from;
  const columns = Object.fromEntries(columnsOf[facts.name].map((name) => [name, new Float64Array(count).fill(NaN)]));
  const fill = fillers[facts.name](facts, series);
  let at = lowerBound(facts.opens, series.openNs(from));
  for (let index = from as number; index < series.end; index += 1) {
    const next = index + 1 < series.end ? series.openNs((index + 1) as BarIndex) : null;
    const begin = at;
    while (at < facts.opens.length && (next === null || (facts.opens[at] as bigint) < next)) at += 1;
    const said = fill(
      index as BarIndex,
      facts.rows.slice(begin, at),
      begin > 0 ? (facts.rows[begin - 1] ?? null) : null,
    );
    for (const [name, value] of Object.entries(said)) (columns[name] as Float64Array)[index - from] = value;
  }
  return columns;
}

function lowerBound(opens: readonly bigint[], ns: bigint): number {
  let [low, high] = [0, opens.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((opens[middle] as bigint) < ns) low = middle + 1;
    else high = middle;
  }
  return low;
}

type Said = Readonly<Record<string, number>>;
/** What is said of a bar by the rows within it; without any, what the row before still says. */
type Filler = (index: BarIndex, rows: readonly ToldRow[], before: ToldRow | null) => Said;

const touches = ({ gaps }: ToldFacts, fromNs: bigint, toNs: bigint): boolean =>
  gaps.some((gap) => gap.fromNs < toNs && gap.toNs > fromNs);

// Whether what a row said still stands when a bar opens.
function isHeld(facts: ToldFacts, longest: bigint, row: ToldRow, opensNs: bigint): boolean {
  const toldNs = ns(row.at_ns);
  return toldNs !== null && opensNs - toldNs <= longest && !touches(facts, toldNs, opensNs);
}

const sum = (values: readonly number[]): number => {
  const known = values.filter((value) => !Number.isNaN(value));
  return known.length === 0 ? Number.NaN : known.reduce((total, value) => total + value, 0);
};

const fillers: Readonly<Record<ToldName, (facts: ToldFacts, series: BarSeries) => Filler>> = {
  open_interest: (facts, series) => {
    const longest = heldNs(facts.rows);
    const lots = (text: string | null | undefined): number => lotsOf(text, facts.lot);
    return (index, rows, before) => {
      const last = rows.at(-1);
      if (last === undefined) {
        if (before === null || !isHeld(facts, longest, before, series.openNs(index))) return {};
        return { oi: lots(before.quantity), told: 0 };
      }
      const changed = rows.find(({ change }) => change != null);
      const since = ns(changed?.since_ns);
      const begins = since === null ? index : Math.max(series.first, series.at(since) ?? series.first);
      return {
        oi: lots(last.quantity),
        told: 1,
        change: sum(rows.map(({ change }) => lots(change))),
        day_change: lots(last.day_change),
        span: changed === undefined ? Number.NaN : Math.max(1, index - begins),
      };
    };
  },
  funding: (facts, series) => {
    const longest = heldNs(facts.rows);
    return (index, rows, before) => {
      const last = rows.at(-1);
      const row = last ?? before;
      if (row === null || row === undefined) return {};
      if (last === undefined && !isHeld(facts, longest, row, series.openNs(index))) return {};
      const [mark, of] = [numberOf(row.mark), numberOf(row.index)];
      return {
        rate: numberOf(row.rate) * 100,
        mark,
        index: of,
        premium: (100 * (mark - of)) / of,
        next_ms: row.next_ns == null ? Number.NaN : Number(BigInt(row.next_ns) / 1_000_000n),
        told: last === undefined ? 0 : 1,
      };
    };
  },
  liquidations: (facts, series) => {
    const none = { long: 0, short: 0, unknown: 0, count: 0, largest: 0 };
    return (index, rows) => {
      const [opens, closes] = [series.openNs(index), series.closeNs(index)];
      if (rows.length === 0) {
        const isHeard = facts.firstNs !== null && closes > facts.firstNs && (facts.isLive || opens <= facts.lastNs);
        return isHeard && !touches(facts, opens, closes) ? none : {};
      }
      const total = (name: "long" | "short" | "unknown"): number =>
        sum(rows.map((row) => lotsOf(row[name], facts.lot)));
      return {
        long: total("long"),
        short: total("short"),
        unknown: total("unknown"),
        count: rows.reduce((count, row) => count + (row.count ?? 0), 0),
        largest: Math.max(...rows.map((row) => lotsOf(row.largest, facts.lot))),
      };
    };
  },
};
