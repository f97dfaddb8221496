import { describe, expect, it } from "vitest";
import { OrderDesk, type OrderView } from "../src/data/order-desk";
import { RequestFailed, type Rest } from "../src/data/rest";
import type { Clock } from "../src/data/store";
import type { LargeOrder, LargeOrdersReply } from "../src/protocol/orders";

class HandClock implements Clock {
  ms = 0;
  #due: { at: number; run: () => void }[] = [];
  now(): number {
    return this.ms;
  }
  after(delayMs: number, run: () => void): void {
    this.#due.push({ at: this.ms + delayMs, run });
  }
  pass(ms: number): void {
    this.ms += ms;
    const due = this.#due.filter(({ at }) => at <= this.ms);
    this.#due = this.#due.filter(({ at }) => at > this.ms);
    for (const { run } of due) run();
  }
}

type Asked = Parameters<Rest["largeOrders"]>[0];

/** A tape of one order a nanosecond; it answers with the newest five of what is asked for, and settles ten behind its end. */
class Tape {
  end = 100n;
  asked: Asked[] = [];
  refusal: RequestFailed | null = null;
  reading = 7;
  largeOrders = async (query: Asked): Promise<LargeOrdersReply> => {
    this.asked.push(query);
    if (this.refusal !== null) throw this.refusal;
    const to = query.toNs === null || query.toNs > this.end ? this.end : query.toNs;
    const from = to - query.fromNs > 5n ? to - 5n : query.fromNs;
    const orders = Array.from({ length: Number(to - from) }, (_none, k) => order(from + BigInt(k)));
    return {
      symbol: query.symbol,
      tape: "trade",
      params: query.params,
      from_ns: String(from),
      settled_ns: String(query.toNs ?? this.end - 3n),
      reading: query.toNs === null ? this.reading : null,
      orders,
    };
  };
}

const order = (ns: bigint): LargeOrder => ({
  ts_ns: String(ns),
  side: "buy",
  qty: "1",
  vwap: "1",
  first: "1",
  last: "1",
  levels: 1,
  trades: 1,
  threshold: "1",
});

const view = (fromNs: bigint, toNs: bigint | null): OrderView => ({ symbol: "sim:PERP", tape: "trade", fromNs, toNs });
const want = { label: "orders:large", params: {} };

function desk(tape: Tape): { one: OrderDesk; clock: HandClock; shown: () => readonly string[]; said: string[] } {
  const clock = new HandClock();
  let shown: readonly string[] = [];
  const said: string[] = [];
  const one = new OrderDesk(tape, clock, {
    answered: (_label, held) => {
      shown = held === null ? [] : held.orders.map(({ ts_ns }) => ts_ns);
    },
    problem: (words) => said.push(words),
  });
  one.want([want]);
  return { one, clock, shown: () => shown, said };
}

const range = (from: number, to: number): string[] => Array.from({ length: to - from }, (_none, k) => String(from + k));

async function settle(clock: HandClock): Promise<void> {
  for (let k = 0; k < 40; k += 1) {
    await Promise.resolve();
    if (k % 4 === 3) clock.pass(5000);
  }
}

describe("the large orders of a chart", () => {
  it("come newest first until all that is looked at is held", async () => {
    const { one, clock, shown } = desk(new Tape());
    one.look(view(83n, null));
    await settle(clock);
    expect(shown()).toEqual(range(83, 100));
    expect(one.isQuiet).toBe(true);
  });

  it("are asked for again from where they had settled when the tape grows", async () => {
    const tape = new Tape();
    const { one, clock, shown } = desk(tape);
    one.look(view(95n, null));
    await settle(clock);
    tape.end = 102n;
    one.grew(false);
    await settle(clock);
    expect(shown()).toEqual(range(95, 102));
    expect(tape.asked.at(-1)).toMatchObject({ fromNs: 97n, toNs: null });
  });

  it("are all asked for again when one came later than the others had settled", async () => {
    const tape = new Tape();
    const { one, clock, shown } = desk(tape);
    one.look(view(83n, null));
    await settle(clock);
    const before = tape.asked.length;
    [tape.end, tape.reading] = [101n, 8];
    one.grew(false);
    await settle(clock);
    expect(shown()).toEqual(range(83, 101));
    expect(tape.asked.slice(before).map(({ fromNs, toNs }) => [fromNs, toNs])).toEqual([
      [97n, null],
      [83n, null],
      [83n, 96n],
      [83n, 91n],
      [83n, 86n],
    ]);
  });

  it("that were made before earlier trades changed are not shown", async () => {
    const tape = new Tape();
    const { one, clock, shown } = desk(tape);
    let answer: (() => void) | null = null;
    const now = tape.largeOrders;
    tape.largeOrders = async (query) => {
      const made = await now(query);
      await new Promise<void>((done) => {
        answer = done;
      });
      return { ...made, orders: [] };
    };
    one.look(view(95n, null));
    await settle(clock);
    tape.largeOrders = now;
    one.grew(true);
    (answer as unknown as () => void)();
    await settle(clock);
    expect(shown()).toEqual(range(95, 100));
  });

  it("come though earlier trades change faster than an answer does, and are asked for no more often than news", async () => {
    const tape = new Tape();
    const { one, clock, shown } = desk(tape);
    const now = tape.largeOrders;
    tape.largeOrders = async (query) => {
      const made = await now(query);
      await new Promise<void>((done) => clock.after(300, done));
      return made;
    };
    let whole = false;
    one.look(view(83n, null));
    for (let k = 0; k < 200; k += 1) {
      if (k === 150) tape.end = 101n;
      one.grew(true);
      clock.pass(50);
      for (let turn = 0; turn < 8; turn += 1) await Promise.resolve();
      whole ||= shown().length === 17;
      if (k === 100) expect(shown().at(-1)).toBe("99");
    }
    expect([whole, shown().at(-1)], "older ones too, and news").toEqual([true, "100"]);
    expect(tape.asked.length).toBeLessThan(30);
    tape.largeOrders = now;
    await settle(clock);
    expect(shown()).toEqual(range(83, 101));
    expect(one.isQuiet).toBe(true);
  });

  it("stay on the chart while all of several answers are asked for again", async () => {
    const tape = new Tape();
    const counts: number[] = [];
    const clock = new HandClock();
    const one = new OrderDesk(tape, clock, {
      answered: (_label, held) => counts.push(new Set(held?.orders.map(({ ts_ns }) => ts_ns)).size),
      problem: () => {},
    });
    one.want([want]);
    one.look(view(80n, null));
    await settle(clock);
    expect(counts).toEqual([0, 5, 10, 15, 20]);
    for (const happens of [() => one.grew(true), () => one.grew(false)]) {
      tape.reading += 1;
      tape.end += 1n;
      counts.length = 0;
      happens();
      await settle(clock);
      expect(counts.length).toBeGreaterThanOrEqual(4);
      expect(Math.min(...counts)).toBe(Number(tape.end) - 80);
    }
  });

  it("leave no hole when more has come than one answer holds", async () => {
    const tape = new Tape();
    const { one, clock, shown } = desk(tape);
    one.look(view(95n, null));
    await settle(clock);
    tape.end = 130n;
    one.grew(false);
    await settle(clock);
    expect(shown()).toEqual(range(95, 130));
  });

  it("of the past are asked for once, and not again when the tape grows", async () => {
    const tape = new Tape();
    const { one, clock, shown } = desk(tape);
    one.look(view(10n, 18n));
    await settle(clock);
    expect(shown()).toEqual(range(10, 18));
    const before = tape.asked.length;
    one.grew(false);
    one.look(view(11n, 18n));
    await settle(clock);
    expect(tape.asked.length).toBe(before);
    one.look(view(11n, 21n));
    await settle(clock);
    expect(shown()).toEqual(range(10, 21));
  });

  it("far away are begun anew", async () => {
    const tape = new Tape();
    const { one, clock, shown } = desk(tape);
    one.look(view(10n, 14n));
    await settle(clock);
    one.look(view(60n, 64n));
    await settle(clock);
    expect(shown()).toEqual(range(60, 64));
  });

  it("that are refused are said once, and asked for again when something else is looked at", async () => {
    const tape = new Tape();
    tape.refusal = new RequestFailed("too much", 413);
    const { one, clock, said } = desk(tape);
    one.look(view(95n, null));
    await settle(clock);
    one.grew(false);
    await settle(clock);
    expect(said).toEqual(["Large orders: too much"]);
    expect(tape.asked.length).toBe(1);
    tape.refusal = null;
    one.look(view(96n, null));
    await settle(clock);
    expect(one.isQuiet).toBe(true);
    expect(tape.asked.length).toBe(2);
  });

  it("are not asked for while nobody sees the page", async () => {
    const tape = new Tape();
    const { one, clock, shown } = desk(tape);
    one.hide(true);
    one.look(view(95n, null));
    await settle(clock);
    expect(tape.asked.length).toBe(0);
    one.hide(false);
    await settle(clock);
    expect(shown()).toEqual(range(95, 100));
  });
});
