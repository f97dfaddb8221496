import { describe, expect, it } from "vitest";
import type { Rest } from "../src/data/rest";
import type { Clock } from "../src/data/store";
import { SymbolSearch } from "../src/data/symbol-search";
import { listedBeyond, venueWords } from "../src/model/symbol-list";
import type { SymbolsFound } from "../src/protocol/messages";

const one = (key: string, stored = false) => ({ key, venue: "v", tick_size: "0.1", stored, live: false });
const venue = (name: string, state: SymbolsFound["venues"][number]["state"], text = "") => ({
  venue: name,
  state,
  text,
  count: 0,
});

function searchOf(answers: SymbolsFound[]): { search: SymbolSearch; asked: string[]; wind: () => Promise<void> } {
  const asked: string[] = [];
  const waiting: (() => void)[] = [];
  const clock = { now: () => 0, after: (_ms: number, run: () => void) => waiting.push(run) } as unknown as Clock;
  const rest = {
    symbols: async (text: string) => {
      asked.push(text);
      return answers.shift() ?? { symbols: [], venues: [] };
    },
  } as unknown as Rest;
  const wind = async (): Promise<void> => {
    for (const run of waiting.splice(0)) run();
    await new Promise((resolve) => setTimeout(resolve, 1));
  };
  return { search: new SymbolSearch(rest, clock), asked, wind };
}

describe("SymbolSearch", () => {
  it("asks for the newest words alone", async () => {
    const { search, asked, wind } = searchOf([{ symbols: [one("v:BTC")], venues: [] }]);
    search.look("b");
    search.look("bt");
    search.look("bt ");
    await wind();
    expect(asked).toEqual(["bt"]);
    expect(search.store.get().symbols.map(({ key }) => key)).toEqual(["v:BTC"]);
    search.look("");
    expect(search.store.get().symbols).toEqual([]);
  });

  it("asks again while a list is on its way", async () => {
    const loading = { symbols: [], venues: [venue("v", "loading")] };
    const { search, asked, wind } = searchOf([loading, loading, { symbols: [one("v:BTC")], venues: [] }]);
    search.look("btc");
    for (let k = 0; k < 5; k++) await wind();
    expect(asked).toEqual(["btc", "btc", "btc"]);
    expect(search.store.get().symbols).toHaveLength(1);
  });
});

describe("what a search found", () => {
  it("stands beyond what is known", () => {
    const known = [{ key: "v:A", dot: "ok", note: "" }] as const;
    const found = { symbols: [one("v:A"), one("v:B"), one("v:C", true)], venues: [] };
    expect(listedBeyond(found, known).map(({ key, note }) => [key, note])).toEqual([
      ["v:B", "opens live, tick 0.1"],
      ["v:C", "stored, tick 0.1"],
    ]);
  });

  it("says of the other venues why they were not searched", () => {
    const venues = [venue("a", "listed"), venue("b", "needs_login", "no token"), venue("c", "needs_login", "ended")];
    expect(venueWords({ symbols: [], venues })).toEqual([
      { text: "Not searched, need a login: b, c", why: "no token\nended" },
    ]);
  });
});
