import type { FeedNews, InstrumentInfo, SymbolsFound } from "../protocol/messages";
import { feedWords, type Tone } from "./feed-words";

export type SymbolDot = Tone;

/** One line of the symbol switcher. */
export interface SymbolEntry {
  readonly key: string;
  readonly dot: SymbolDot;
  readonly note: string;
}

/** Live symbols first, in the order in which the server was asked for them, then what is stored. */
export function symbolList(
  instruments: readonly InstrumentInfo[],
  feeds: ReadonlyMap<string, FeedNews>,
): readonly SymbolEntry[] {
  const known = new Map(instruments.map((one) => [one.key, one]));
  const live = [...feeds.values()].map((feed): SymbolEntry => {
    const { tone, text, backfill } = feedWords(feed, 0);
    const one = known.get(feed.symbol);
    const state = feed.has_trades ? text : `${text}, no trade yet`;
    const history = backfill === null ? "" : `history ${Math.floor(100 * backfill)} %`;
    return { key: feed.symbol, dot: tone, note: joined([state, history, ...(one === undefined ? [] : facts(one))]) };
  });
  const others = instruments.filter((one) => !feeds.has(one.key));
  return [...live, ...others.map(entryOf)];
}

/** What a search found beyond these lines: opening it starts its stream. */
export function listedBeyond(found: SymbolsFound, lines: readonly SymbolEntry[]): readonly SymbolEntry[] {
  const known = new Set(lines.map(({ key }) => key));
  return found.symbols
    .filter(({ key }) => !known.has(key))
    .map((one) => ({
      key: one.key,
      dot: "quiet",
      note: joined([one.stored ? "stored" : "opens live", `tick ${one.tick_size}`]),
    }));
}

const unlisted = [
  ["loading", "lists on their way"],
  ["unreachable", "cannot be reached"],
  ["needs_login", "need a login"],
] as const;

/** Which venues could not be searched, in words, and why, at length. */
export function venueWords(found: SymbolsFound): readonly { readonly text: string; readonly why: string }[] {
  return unlisted.flatMap(([wanted, words]) => {
    const mine = found.venues.filter(({ state }) => state === wanted);
    const text = `Not searched, ${words}: ${mine.map(({ venue }) => venue).join(", ")}`;
    return mine.length === 0 ? [] : [{ text, why: mine.map((one) => one.text).join("\n") }];
  });
}

function entryOf(one: InstrumentInfo): SymbolEntry {
  const kind = one.simulated ? "simulated" : one.live ? "live" : "stored";
  return { key: one.key, dot: one.live ? "ok" : "quiet", note: joined([kind, ...facts(one)]) };
}

const facts = (one: InstrumentInfo): string[] => [one.inferred ? "sides inferred" : "", `tick ${one.tick_size}`];

const joined = (words: readonly string[]): string => words.filter((word) => word !== "").join(", ");
