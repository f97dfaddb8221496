import { describe, expect, it } from "vitest";
import { ToldStreams } from "../src/app/told";
import { Hub, type Socket } from "../src/data/hub";
import { RequestFailed, Rest, type ToldQuery } from "../src/data/rest";
import { StudySeries } from "../src/data/study-series";
import { ToldFeed } from "../src/data/told-feed";
import type { Chart } from "../src/gui/chart";
import { ChartModel } from "../src/model/chart-model";
import { parseGrid } from "../src/model/decimal";
import { pricePane } from "../src/model/panes";
import { fillTold, heldNs, type ToldFacts, toldColumns, toldSpec } from "../src/model/told";
import { toldNote, toldParts } from "../src/model/told-values";
import type { ToldName, ToldReply, ToldRow } from "../src/protocol/streams";
import type { BarIndex } from "../src/protocol/units";
import { frameOf, meta, minuteNs, minutes, openOf } from "./support/frames";

const bars = (count: number) => {
  const { series } = new ChartModel();
  series.reset(frameOf(minutes(0, count)));
  return series;
};

const interest = (minute: number, quantity: string, more: Partial<ToldRow> = {}): ToldRow => ({
  open_ns: String(openOf(minute)),
  at_ns: String(openOf(minute) + 10_000_000_000n),
  quantity,
  change: null,
  since_ns: null,
  day_change: null,
  ...more,
});

const facts = (rows: readonly ToldRow[], more: Partial<ToldFacts> = {}): ToldFacts => ({
  name: "open_interest",
  rows,
  opens: rows.map(({ open_ns }) => BigInt(open_ns)),
  firstNs: openOf(0),
  lastNs: openOf(50),
  gaps: [],
  heldNs: openOf(0),
  isLive: false,
  lot: parseGrid("0.001"),
  ...more,
});

const list = (column: Float64Array | undefined): (number | null)[] =>
  [...(column ?? [])].map((value) => (Number.isNaN(value) ? null : value));

describe("what is told beside the trades", () => {
  it("stands for five minutes, or twice the usual time, and not over a gap", () => {
    const rows = [interest(0, "1.000"), interest(1, "2.500", { change: "1.500", since_ns: String(openOf(0)) })];
    expect(heldNs(rows)).toBe(300_000_000_000n);
    const columns = toldColumns(facts(rows), bars(9), 0 as BarIndex);
    expect(list(columns["oi"])).toEqual([1000, 2500, 2500, 2500, 2500, 2500, 2500, null, null]);
    expect(list(columns["told"]).slice(0, 3)).toEqual([1, 1, 0]);
    expect(list(columns["change"]).slice(0, 3)).toEqual([null, 1500, null]);
    const gap = { fromNs: openOf(2) + 1n, toNs: openOf(3), cause: "socket", missing: null };
    const cut = toldColumns(facts(rows, { gaps: [gap] }), bars(5), 0 as BarIndex);
    expect(list(cut["oi"])).toEqual([1000, 2500, 2500, null, null]);
  });

  it("belongs to the bar in force where a minute without trades has none", () => {
    const series = bars(2);
    series.merge(frameOf(minutes(5, 1), "bar_closed", 1));
    const rows = [interest(0, "1.000"), interest(3, "4.000", { change: "3.000", since_ns: String(openOf(0)) })];
    const columns = toldColumns(facts(rows), series, 0 as BarIndex);
    expect(list(columns["oi"])).toEqual([1000, 4000, 4000]);
    expect(list(columns["span"])).toEqual([null, 1, null]);
  });

  it("is no liquidation only while somebody listened", () => {
    const none = facts([], { name: "liquidations", firstNs: null, lastNs: -1n, isLive: true });
    expect(list(toldColumns(none, bars(2), 0 as BarIndex)["long"])).toEqual([null, null]);
    const rows: ToldRow[] = [
      { open_ns: String(openOf(2)), long: "0.500", short: "0", unknown: "0", count: 1, largest: "0.500" },
    ];
    const forced = facts(rows, { name: "liquidations", firstNs: openOf(2), lastNs: openOf(4) });
    expect(list(toldColumns(forced, bars(7), 0 as BarIndex)["long"])).toEqual([null, null, 500, 0, 0, null, null]);
    const live = toldColumns({ ...forced, isLive: true }, bars(7), 0 as BarIndex);
    expect(list(live["long"])).toEqual([null, null, 500, 0, 0, 0, 0]);
  });
});

class FakeSocket implements Socket {
  binaryType = "";
  onopen = null;
  onclose: Socket["onclose"] = null;
  onmessage: Socket["onmessage"] = null;
  readonly sent: Record<string, unknown>[] = [];
  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }
  close(): void {}
  says(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) } as MessageEvent<string>);
  }
}

class FakeRest extends Rest {
  readonly asked: ToldQuery[] = [];
  /** Minutes that an answer holds at the most. */
  readonly most: number;
  constructor(most = 1_000) {
    super("http://nowhere/");
    this.most = most;
  }
  override told(name: ToldName, query: ToldQuery): Promise<ToldReply> {
    this.asked.push(query);
    const toNs = query.toNs ?? openOf(40);
    const leastNs = toNs - BigInt(this.most) * minuteNs;
    const fromNs = leastNs > query.fromNs ? leastNs : query.fromNs;
    const rows = Array.from({ length: 40 }, (_none, k) => interest(k, `${k}.000`)).filter(
      ({ open_ns }) => BigInt(open_ns) >= fromNs && BigInt(open_ns) < toNs,
    );
    const span = { from_ns: String(fromNs), first_ns: String(openOf(0)), last_ns: String(openOf(39)) };
    return Promise.resolve({ ...query, name, rows, gaps: [], has_more: false, ...span });
  }
}

describe("a stream beside the trades", () => {
  it("is asked for again when it says that there is more, from where it was known before an outage", async () => {
    const socket = new FakeSocket();
    const clock = {
      ms: 0,
      now: () => clock.ms,
      after: (_ms: number, run: () => void) => void clock.due.push(run),
      due: [] as (() => void)[],
    };
    const hub = new Hub(() => socket, clock);
    const [rest, series] = [new FakeRest(), bars(20)];
    hub.connect();
    socket.says({ type: "hello", version: 1, server: "test" });
    const feed = new ToldFeed({ hub, rest, clock }, { meta, series }, "open_interest", {
      changed: () => {},
      problem: () => {},
    });
    const request = socket.sent.at(-1);
    expect(request).toMatchObject({ op: "subscribe", stream: { symbol: meta.symbol, name: "open_interest" } });
    socket.says({ type: "subscribed", id: request?.["id"], topic_id: 7 });
    await settled();
    expect(feed.rows.length).toBe(40);
    expect(rest.asked[0]?.fromNs).toBe(openOf(0));
    for (let minute = 20; minute < 40; minute += 1) series.merge(frameOf(minutes(minute, 1), "bar_closed", minute));
    clock.ms = 5_000;
    socket.says({
      type: "stream",
      topic_id: 7,
      topic_seq: 1,
      prev_seq: -1,
      symbol: meta.symbol,
      name: "open_interest",
      kind: "update",
      rows: [],
    });
    await settled();
    expect(rest.asked.at(-1)?.fromNs).toBe(openOf(16));
    expect(rest.asked.at(-1)?.toNs).toBe(undefined);
    feed.close();
    expect(socket.sent.at(-1)).toEqual({ op: "unsubscribe", topic_id: 7 });
    expect(minuteNs).toBe(60_000_000_000n);
  });
});

describe("a stream beside quiet bars", () => {
  it("is asked for as often as it takes, for an answer holds the newest of a long time only", async () => {
    const socket = new FakeSocket();
    const clock = { now: () => 0, after: () => {} };
    const hub = new Hub(() => socket, clock);
    const series = bars(2);
    series.merge(frameOf(minutes(38, 2), "bar_closed", 2));
    const rest = new FakeRest(7);
    const feed = new ToldFeed({ hub, rest, clock }, { meta, series }, "open_interest", {
      changed: () => {},
      problem: () => {},
    });
    feed.want(openOf(0));
    feed.refresh();
    for (let k = 0; k < 20; k += 1) await settled();
    expect(feed.rows.map(({ quantity }) => quantity)).toEqual(Array.from({ length: 40 }, (_none, k) => `${k}.000`));
    expect(feed.heldNs).toBe(openOf(0));
    expect(rest.asked.length).toBe(6); // the newest not again within the same second
    feed.close();
  });
});

class HandClock {
  ms = 0;
  readonly due: (() => void)[] = [];
  readonly now = (): number => this.ms;
  readonly after = (_ms: number, run: () => void): void => void this.due.push(run);
}

/** Answers when the test says so. */
class SlowRest extends FakeRest {
  readonly answers: ((error?: Error) => Promise<void>)[] = [];
  override told(name: ToldName, query: ToldQuery): Promise<ToldReply> {
    const reply = super.told(name, query);
    return new Promise((take, fail) => {
      this.answers.push(async (error) => {
        if (error === undefined) take(await reply);
        else fail(error);
        await settled();
      });
    });
  }
}

/** Says of a stream that it is listened to, and has told nothing yet. */
class WaitingRest extends FakeRest {
  waits = true;
  override async told(name: ToldName, query: ToldQuery): Promise<ToldReply> {
    const reply = await super.told(name, query);
    return this.waits ? { ...reply, rows: [], first_ns: null, last_ns: null } : reply;
  }
}

describe("what is asked of a stream", () => {
  function feedOf() {
    const [clock, rest, series] = [new HandClock(), new SlowRest(), bars(20)];
    const problems: string[] = [];
    const hub = new Hub(() => new FakeSocket(), clock);
    const feed = new ToldFeed({ hub, rest, clock }, { meta, series }, "open_interest", {
      changed: () => {},
      problem: (words) => problems.push(words),
    });
    return { feed, rest, clock, problems };
  }

  it("is asked once where nothing is stored, however often the view moves", async () => {
    const { feed, rest, problems } = feedOf();
    feed.want(openOf(5));
    await rest.answers[0]?.(new RequestFailed("nothing is stored", 404));
    expect(feed.isNone).toBe(true);
    for (let k = 0; k < 20; k += 1) {
      feed.want(openOf(k));
      await settled();
    }
    expect(rest.asked.length).toBe(1);
    feed.said(); // there is something now
    expect(problems).toEqual([]);
  });

  it("is asked again once a second where the answer did not come", async () => {
    const { feed, rest, clock, problems } = feedOf();
    feed.want(openOf(5));
    await rest.answers[0]?.(new RequestFailed("the server cannot be reached", 0));
    for (let k = 0; k < 20; k += 1) feed.want(openOf(k));
    expect(rest.asked.length).toBe(1);
    clock.ms = 1_000;
    for (const run of clock.due.splice(0)) run();
    expect(rest.asked.length).toBe(2);
    await rest.answers[1]?.();
    expect(feed.rows.length).toBe(40);
    expect(problems.length).toBe(1);
  });

  it("is asked again, ever more seldom, though nobody looks: what could not be had is said once", async () => {
    const { feed, rest, clock, problems } = feedOf();
    feed.want(openOf(5));
    const askedMs: number[] = [];
    for (let k = 0; k < 60; k += 1) {
      clock.ms = 1_000 * k;
      for (const run of clock.due.splice(0)) run();
      if (rest.answers.length > askedMs.length) {
        askedMs.push(clock.ms);
        await rest.answers.at(-1)?.(k < 40 ? new RequestFailed("too much is asked for", 503) : undefined);
      }
    }
    expect(askedMs.slice(0, 7)).toEqual([0, 1_000, 3_000, 7_000, 15_000, 31_000, 47_000]);
    expect(feed.isNone).toBe(false);
    expect(problems.length).toBe(1);
  });

  it("is asked for news once a second at the most, also where answers are slow", async () => {
    const { feed, rest, clock } = feedOf();
    feed.want(openOf(5));
    feed.said();
    await rest.answers[0]?.();
    expect(rest.asked.length).toBe(1);
    clock.ms = 1_000;
    for (const run of clock.due.splice(0)) run();
    expect(rest.asked.length).toBe(2);
  });

  it("drops the answer of bars that were built anew meanwhile, and asks for all of them", async () => {
    const { feed, rest } = feedOf();
    feed.want(openOf(5));
    feed.barsChanged(true);
    await rest.answers[0]?.();
    expect([feed.rows.length, feed.heldNs]).toEqual([0, null]);
    expect(rest.asked.length).toBe(2);
    await rest.answers[1]?.();
    expect([feed.rows.length, feed.heldNs]).toEqual([40, openOf(0)]);
  });
});

describe("the streams of a chart", () => {
  function streamsOf(model: ChartModel, rest: FakeRest): ToldStreams {
    model.panes.set([pricePane, { id: "stream open_interest", kind: "stream", of: "open_interest", share: 0.1 }]);
    const clock = new HandClock();
    const chart = { resize: () => {}, invalidate: () => {} } as unknown as Chart;
    const hub = new Hub(() => new FakeSocket(), clock);
    return new ToldStreams(model, { hub, rest, clock, chart: () => chart, changed: () => {}, problem: () => {} });
  }

  it("stay at their bars when one comes late between others", async () => {
    const model = new ChartModel();
    const series = bars(5);
    for (let minute = 6; minute < 10; minute += 1) series.merge(frameOf(minutes(minute, 1), "bar_closed", minute));
    model.open(series, meta);
    const streams = streamsOf(model, new FakeRest());
    streams.open(() => false);
    await settled();
    const interestAt = (minute: number): number | undefined =>
      model.told.get("open_interest")?.study.value("oi", series.lowerBound(openOf(minute)));
    expect([interestAt(6), interestAt(8)]).toEqual([6000, 8000]);
    const change = series.merge(frameOf(minutes(5, 1), "bar_closed", 99));
    expect(change.renumbered).toBe(true);
    streams.barsChanged(change);
    expect([interestAt(5), interestAt(6), interestAt(8)]).toEqual([Number.NaN, 6000, 8000]);
    streams.close();
  });

  it("open a pane that waits on a live chart, where the server names what has told nothing yet", async () => {
    const model = new ChartModel();
    model.open(bars(5), meta);
    const rest = new WaitingRest();
    const streams = streamsOf(model, rest);
    streams.open(() => true);
    await settled();
    const told = model.told.get("open_interest");
    expect([told?.isNone, told?.waits]).toEqual([false, true]);
    const spec = { id: "stream open_interest", kind: "stream", of: "open_interest", share: 0.1 } as const;
    expect(toldParts(model, spec, 4 as BarIndex)).toEqual([]);
    expect(toldNote(model, spec, 4 as BarIndex)).toContain("none told yet");
    expect(told?.study.value("oi", 4)).toBeNaN();
    rest.waits = false;
    streams.close();
    streams.open(() => true);
    await settled();
    expect(model.told.get("open_interest")?.waits).toBe(false);
    expect(model.told.get("open_interest")?.study.value("oi", 3)).toBe(3000);
    streams.close();
  });

  it("begin with the first bars of a chart that opened without any", () => {
    const model = new ChartModel();
    const series = bars(0);
    model.open(series, meta);
    const streams = streamsOf(model, new FakeRest());
    streams.open(() => true);
    expect(model.told.size).toBe(0);
    streams.barsChanged(series.merge(frameOf(minutes(0, 1), "bar_open", 1)));
    expect([...model.told.keys()]).toEqual(["open_interest"]);
    streams.close();
  });
});

it("says when funding is due from the last trade of a bar on, and not from its open", () => {
  const model = new ChartModel();
  model.open(bars(1), meta);
  const rows: ToldRow[] = [
    { open_ns: String(openOf(0)), at_ns: String(openOf(0)), rate: "0.0001", next_ns: String(openOf(2)) },
  ];
  const study = new StudySeries(toldSpec("funding"));
  fillTold(study, facts(rows, { name: "funding" }), model.series, 0n);
  model.told = new Map([["funding", { study, gaps: [], isNone: false, waits: false }]]);
  const parts = toldParts(model, { id: "f", kind: "stream", of: "funding", share: 0.1 }, 0 as BarIndex);
  expect(parts.find(({ label }) => label === "due in")?.text).toBe("61 s");
});

it("says how many of its liquidations a venue tells", () => {
  const noteOf = (symbol: string): string => {
    const model = new ChartModel();
    model.open(bars(1), { ...meta, symbol });
    model.told = new Map([
      ["liquidations", { study: new StudySeries(toldSpec("liquidations")), gaps: [], isNone: false, waits: false }],
    ]);
    return toldNote(model, { id: "l", kind: "stream", of: "liquidations", share: 0.1 }, 0 as BarIndex);
  };
  expect(noteOf("binance_usdm:BTCUSDT")).toBe("at least: the venue tells the newest of each second only");
  expect(noteOf("bybit_linear:BTCUSDT")).toBe("all that the venue tells");
  expect(noteOf("sim:PERP")).toContain("at least");
});

const settled = async (): Promise<void> => {
  for (let k = 0; k < 10; k += 1) await Promise.resolve();
};
