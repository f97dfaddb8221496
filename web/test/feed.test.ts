import { describe, expect, it } from "vitest";
import { backoffMs, Hub, type LinkState, type Socket } from "../src/data/hub";
import type { FootprintQuery, Rest } from "../src/data/rest";
import { type Clock, ThrottledStore } from "../src/data/store";
import { type FeedListener, type Paging, TopicFeed } from "../src/data/topic-feed";
import type { Frame } from "../src/protocol/decode";
import type { BarIndex } from "../src/protocol/units";
import { frameOf, minutes, openOf } from "./support/frames";

/** A clock that tests wind. */
class TestClock implements Clock {
  #now = 0;
  #waiting: { at: number; run: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(delayMs: number, run: () => void): void {
    this.#waiting.push({ at: this.#now + delayMs, run });
  }

  wind(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const next = this.#waiting.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      this.#now = next.at;
      next.run();
    }
    this.#now = until;
  }
}

class TestSocket implements Socket {
  binaryType = "";
  onopen: Socket["onopen"] = null;
  onclose: Socket["onclose"] = null;
  onmessage: Socket["onmessage"] = null;
  readonly sent: { op: string; id?: number; topic_id?: number; history_bars?: number }[] = [];

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(): void {
    this.onclose?.({} as CloseEvent);
  }

  say(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) } as MessageEvent<string>);
  }
}

const hello = { type: "hello", version: 1, server: "test" };

function hubOf(): { hub: Hub; sockets: TestSocket[]; clock: TestClock; states: LinkState["phase"][] } {
  const sockets: TestSocket[] = [];
  const clock = new TestClock();
  const hub = new Hub(() => {
    const socket = new TestSocket();
    sockets.push(socket);
    return socket;
  }, clock);
  const states: LinkState["phase"][] = [];
  hub.state.subscribe((state) => state.phase !== states.at(-1) && states.push(state.phase));
  hub.connect();
  return { hub, sockets, clock, states };
}

interface Heard {
  readonly opened: number[];
  readonly prepended: number[];
  readonly paging: Paging[];
  readonly refused: string[];
  readonly resynced: number[];
  readonly told: string[];
  changes: number;
}

const asked1m = { topic: { symbol: "sim:PERP", bars: "1m" }, studies: [] } as const;

function feedOf(
  pages: readonly Frame[] = [],
): ReturnType<typeof hubOf> & { feed: TopicFeed; heard: Heard; asked: FootprintQuery[]; socket: TestSocket } {
  const parts = hubOf();
  const heard: Heard = { opened: [], prepended: [], paging: [], refused: [], resynced: [], told: [], changes: 0 };
  const asked: FootprintQuery[] = [];
  const left = [...pages];
  const rest = {
    footprint: async (query: FootprintQuery) => {
      asked.push(query);
      return left.shift() ?? frameOf([], "snapshot", 0, { has_more: false });
    },
  } as unknown as Rest;
  const listener: FeedListener = {
    opened: () => {
      heard.opened.push(feed.series.length);
      heard.told.push("bars");
    },
    changed: () => {
      heard.changes += 1;
    },
    resynced: (bars) => heard.resynced.push(bars),
    prepended: (count) => heard.prepended.push(count),
    gaps: () => {},
    status: () => heard.told.push("header"),
    paging: (state) => heard.paging.push(state),
    refused: (_code, message) => heard.refused.push(message),
    studied: () => {},
    studiesTaken: () => {},
    studiesRefused: (message) => heard.refused.push(message),
  };
  const feed: TopicFeed = new TopicFeed(parts.hub, rest, parts.clock, asked1m, listener);
  const socket = parts.sockets[0] as TestSocket;
  socket.say(hello);
  return { ...parts, feed, heard, asked, socket };
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

describe("Hub", () => {
  const nobody = (): Parameters<Hub["subscribe"]>[1] => ({
    subscribed: () => {},
    frame: () => {},
    studies: () => {},
    gap: () => {},
    rebuilt: () => {},
    lost: () => {},
    status: () => {},
    refused: () => {},
  });
  const wanted = { topic: asked1m.topic, historyBars: 10, studies: [] };
  const taken = (id: number, topicId: number): object => ({
    type: "subscribed",
    id,
    topic_id: topicId,
    topic: wanted.topic,
  });
  const givenUp = ({ sent }: TestSocket): (number | undefined)[] =>
    sent.filter(({ op }) => op === "unsubscribe").map(({ topic_id: id }) => id);

  // As the page does each second.
  const lookOn = (hub: Hub, clock: TestClock, seconds: number): void => {
    for (let k = 0; k < seconds; k += 1) {
      clock.wind(1000);
      hub.look();
    }
  };
  const pings = ({ sent }: TestSocket): number => sent.filter(({ op }) => op === "ping").length;

  it("makes a connection anew that answers nothing any more, and hears no more of the old one", () => {
    const { hub, sockets, clock, states } = hubOf();
    const [dead] = sockets as [TestSocket];
    dead.close = () => {}; // its other side is gone: no close comes back
    let told = 0;
    hub.onDead(() => {
      told += 1;
    });
    hub.subscribe(wanted, nobody());
    dead.say(hello);
    lookOn(hub, clock, 10);
    expect(pings(dead)).toBe(1);
    lookOn(hub, clock, 19);
    expect([sockets.length, pings(dead)]).toEqual([1, 1]);
    lookOn(hub, clock, 2);
    expect([sockets.length, told]).toEqual([2, 1]);
    sockets[1]?.say(hello);
    expect(states).toEqual(["connecting", "live", "lost", "connecting", "live"]);
    expect(sockets[1]?.sent.map(({ op }) => op)).toEqual(["subscribe"]);
    expect(dead.onmessage).toBeNull();
  });

  it("leaves a connection alone that answers, however quiet the market is", () => {
    const { hub, sockets, clock } = hubOf();
    const [socket] = sockets as [TestSocket];
    socket.say(hello);
    for (let k = 0; k < 6; k += 1) {
      lookOn(hub, clock, 10);
      expect(pings(socket)).toBe(k + 1);
      socket.say({ type: "pong" });
    }
    expect(sockets.length).toBe(1);
    expect(hub.lastMessageMs).toBe(0); // an answer is no news of the market
  });

  it("asks at once after a sleep, and does not take what slept with it for dead", () => {
    const { hub, sockets, clock } = hubOf();
    const [socket] = sockets as [TestSocket];
    socket.say(hello);
    lookOn(hub, clock, 12);
    clock.wind(3_600_000);
    hub.look();
    expect([sockets.length, pings(socket)]).toEqual([1, 2]);
    socket.say({ type: "pong" });
    lookOn(hub, clock, 9);
    expect([sockets.length, pings(socket)]).toEqual([1, 2]);
  });

  it("does not wait for ever for a connection that does not come about", () => {
    const { hub, sockets, clock } = hubOf();
    lookOn(hub, clock, 22);
    expect(sockets.length).toBe(2);
  });

  it.each([true, false])(
    "gives a dead connection up that is hardly looked at while the page is hidden (opened: %s)",
    (opened) => {
      const { hub, sockets, clock } = hubOf();
      if (opened) sockets[0]?.say(hello);
      for (let minute = 0; minute < 3; minute += 1) {
        expect(sockets.length).toBe(1);
        clock.wind(60_000);
        hub.look();
      }
      clock.wind(1000);
      expect(sockets.length).toBe(2);
    },
  );

  it("keeps one that answers while the page is hidden", () => {
    const { hub, sockets, clock } = hubOf();
    sockets[0]?.say(hello);
    for (let minute = 0; minute < 10; minute += 1) {
      clock.wind(60_000);
      hub.look();
      sockets[0]?.say({ type: "pong" });
    }
    expect(sockets.length).toBe(1);
  });

  it("gives a dead connection up however often the page is seen again", () => {
    const { hub, sockets, clock } = hubOf();
    sockets[0]?.say(hello);
    hub.probe();
    lookOn(hub, clock, 15);
    hub.probe();
    lookOn(hub, clock, 7);
    expect(sockets.length).toBe(2);
  });

  it("waits longer each time for a line that is slow, until it has brought something", () => {
    const { hub, sockets, clock } = hubOf();
    const bringsAfter = (seconds: number): void => {
      sockets.at(-1)?.say(hello);
      lookOn(hub, clock, seconds);
    };
    bringsAfter(31);
    clock.wind(1000);
    expect(sockets.length).toBe(2);
    bringsAfter(49);
    expect(sockets.length).toBe(2);
    sockets[1]?.onmessage?.({ data: new ArrayBuffer(0) } as MessageEvent<ArrayBuffer>);
    lookOn(hub, clock, 32);
    expect(sockets.length, "as patient as at first").toBe(3);
  });

  it("gives up what nobody wants any more by the time that it is granted", () => {
    const { hub, sockets } = hubOf();
    const socket = sockets[0] as TestSocket;
    socket.say(hello);
    const leave = hub.subscribe(wanted, nobody());
    leave();
    expect(givenUp(socket)).toEqual([]);
    socket.say(taken(1, 7));
    expect(givenUp(socket)).toEqual([7]);
  });

  it("keeps a topic that is granted twice as long as one of both wants it", () => {
    const { hub, sockets } = hubOf();
    const socket = sockets[0] as TestSocket;
    socket.say(hello);
    hub.subscribe(wanted, nobody())();
    const leave = hub.subscribe(wanted, nobody());
    hub.subscribe(wanted, nobody())();
    socket.say(taken(1, 7));
    socket.say(taken(2, 7));
    socket.say(taken(3, 7));
    expect(givenUp(socket)).toEqual([]);
    hub.subscribe({ ...wanted, topic: { symbol: "sim:NONE", bars: "1m" } }, nobody())();
    hub.subscribe(wanted, nobody());
    socket.say(taken(4, 8));
    expect(givenUp(socket)).toEqual([]);
    socket.say({ type: "error", id: 5, code: "bad_request", message: "no" });
    expect(givenUp(socket)).toEqual([8]);
    leave();
    expect(givenUp(socket)).toEqual([8, 7]);
  });

  it("goes on with a topic while a second one that asked for the same listens to it", () => {
    const { hub, sockets } = hubOf();
    const socket = sockets[0] as TestSocket;
    socket.say(hello);
    const [leaveShown, leaveNext] = [hub.subscribe(wanted, nobody()), hub.subscribe(wanted, nobody())];
    socket.say(taken(1, 7));
    socket.say(taken(2, 7));
    leaveShown();
    expect(givenUp(socket)).toEqual([]);
    leaveNext();
    expect(givenUp(socket)).toEqual([7]);
  });

  it("asks for its topics after the hello, and again after each loss", () => {
    const { hub, sockets, clock, states } = hubOf();
    const listener = {
      subscribed: () => {},
      frame: () => {},
      studies: () => {},
      gap: () => {},
      rebuilt: () => {},
      lost: () => {},
      status: () => {},
      refused: () => {},
    };
    hub.subscribe({ topic: { symbol: "a:B", bars: "1m" }, historyBars: 300, studies: [] }, listener);
    expect(sockets[0]?.sent).toEqual([]);
    sockets[0]?.say(hello);
    expect(sockets[0]?.sent).toMatchObject([{ op: "subscribe", id: 1, history_bars: 300 }]);
    sockets[0]?.close();
    expect(hub.state.get()).toMatchObject({ phase: "lost", attempt: 1 });
    clock.wind(1000);
    sockets[1]?.say(hello);
    expect(sockets[1]?.sent).toMatchObject([{ op: "subscribe", id: 2 }]);
    expect(states).toEqual(["connecting", "live", "lost", "connecting", "live"]);
  });

  it("waits longer after each failure, up to ten seconds, and not in step", () => {
    expect([1, 2, 3, 4, 5, 6, 20].map((attempt) => backoffMs(attempt, 0.5))).toEqual([
      500, 1000, 2000, 4000, 8000, 10_000, 10_000,
    ]);
    expect(backoffMs(3, 0)).toBe(1600);
    expect(backoffMs(3, 1)).toBeCloseTo(2400);
  });

  it("says what it cannot understand and goes on", () => {
    const { hub, sockets } = hubOf();
    const problems: string[] = [];
    hub.onProblem((message) => problems.push(message));
    sockets[0]?.onmessage?.({ data: new ArrayBuffer(8) } as MessageEvent<ArrayBuffer>);
    sockets[0]?.onmessage?.({ data: "{" } as MessageEvent<string>);
    sockets[0]?.say(hello);
    expect(problems).toHaveLength(2);
    expect(hub.state.get().phase).toBe("live");
  });
});

describe("TopicFeed", () => {
  it("opens with the snapshot and loads history behind it, page by page", async () => {
    const { feed, heard, asked } = feedOf([
      frameOf(minutes(600, 400)),
      frameOf(minutes(500, 100), "snapshot", 0, { has_more: false }),
    ]);
    feed.frame(frameOf(minutes(1000, 300)));
    expect(heard.opened).toEqual([300]);
    feed.wantBars(2880);
    await settled();
    expect(heard.prepended).toEqual([400, 100]);
    expect(asked.map((query) => query.toNs)).toEqual([openOf(1000), openOf(600)]);
    expect(feed.series.length).toBe(800);
    expect(heard.paging.at(-1)).toBe("complete");
  });

  it("says behind the first bars what the header was before them: of a stored chart it comes only once", () => {
    const { feed, heard } = feedOf();
    const header = { type: "status", symbol: "sim:PERP" } as unknown as Parameters<TopicFeed["status"]>[0];
    feed.status(header);
    expect(heard.told).toEqual([]);
    feed.frame(frameOf(minutes(0, 3)));
    expect(heard.told).toEqual(["bars", "header"]);
    feed.status(header);
    expect(heard.told).toEqual(["bars", "header", "header"]);
  });

  it("stops paging at its goal, and goes on when more is wanted", async () => {
    const { feed, asked } = feedOf([frameOf(minutes(600, 400)), frameOf(minutes(200, 400))]);
    feed.frame(frameOf(minutes(1000, 300)));
    feed.wantBars(600);
    await settled();
    expect(feed.series.length).toBe(700);
    feed.wantBars(900);
    await settled();
    expect(asked).toHaveLength(2);
  });

  it("takes live bars in their order and leaves old ones out", () => {
    const { feed, heard } = feedOf();
    feed.frame(frameOf(minutes(0, 3), "snapshot", 10));
    feed.frame(frameOf([{ minute: 2, cells: [[1, 9, 0]] }], "bar_open", 11));
    feed.frame(frameOf([{ minute: 2, cells: [[1, 1, 0]] }], "bar_open", 9));
    expect(heard.changes).toBe(1);
    expect(feed.series.delta(feed.series.last)).toBe(9);
  });

  it("asks anew after a loss, but not after states that were replaced", () => {
    const { feed, socket, clock, heard } = feedOf();
    const subscribes = (): number => socket.sent.filter(({ op }) => op === "subscribe").length;
    const gap = { from_ns: "1", to_ns: "2", cause: "x", missing: 1, healed: false };
    const place = (topic_id: number, topic_seq: number, prev_seq: number): void =>
      socket.say({ type: "gap", topic_id, topic_seq, prev_seq, gap });
    socket.say({ type: "subscribed", id: 1, topic_id: 7, topic: {} });
    feed.frame(frameOf([{ minute: 0 }, { minute: 1, final: false }], "snapshot", 1));
    place(7, 1, -1);
    place(7, 5, 1); // 2, 3 and 4 were replaced before they were sent
    expect(subscribes()).toBe(1);
    place(8, 9, 3); // of a topic that nobody listens to
    expect(subscribes()).toBe(1);
    place(7, 8, 6); // 6 was sent and never came
    expect(subscribes()).toBe(2);
    expect(heard.resynced).toEqual([]);
    socket.say({ type: "subscribed", id: 2, topic_id: 7, topic: {} });
    feed.frame(frameOf([{ minute: 0 }, { minute: 1 }, { minute: 2, final: false }], "snapshot", 8));
    expect(heard.resynced).toEqual([1]);
    place(7, 9, -1); // the topic begins anew
    place(7, 12, 11);
    expect(subscribes()).toBe(2); // at most every ten seconds
    clock.wind(10_000);
    place(7, 14, 13);
    expect(subscribes()).toBe(3);
  });

  it("goes on under what is there, and reads nothing anew, when other studies are chosen faster than the server takes them", () => {
    const { feed, socket, heard, asked } = feedOf();
    const left = (): (number | undefined)[] =>
      socket.sent.filter(({ op }) => op === "unsubscribe").map(({ topic_id }) => topic_id);
    socket.say({ type: "subscribed", id: 1, topic_id: 7, topic: {} });
    feed.frame(frameOf(minutes(0, 100), "snapshot", 1));
    for (const percent of [200, 250]) feed.setStudies([{ study: "imbalance", label: "a", params: { percent } }]);
    expect(left(), "the first one goes on").toEqual([]);
    socket.say({ type: "subscribed", id: 2, topic_id: 8, topic: {} });
    expect(left()).toEqual([]);
    socket.say({ type: "subscribed", id: 3, topic_id: 9, topic: {} });
    feed.frame(frameOf(minutes(50, 51), "snapshot", 1));
    expect(left().sort()).toEqual([7, 8]);
    expect([heard.resynced, asked.length], "nothing was lost").toEqual([[], 0]);
  });

  it("says of a snapshot that holds fewer bars than before that none came", () => {
    const { feed, socket, heard } = feedOf();
    socket.say({ type: "subscribed", id: 1, topic_id: 7, topic: {} });
    feed.frame(frameOf(minutes(0, 5), "snapshot", 1));
    socket.say({ type: "subscribed", id: 1, topic_id: 7, topic: {} });
    feed.frame(frameOf(minutes(0, 3), "snapshot", 2));
    expect(heard.resynced).toEqual([0]);
  });

  it("reads again what was built anew, the newest first, and keeps it in sight meanwhile", async () => {
    const { feed, asked, heard } = feedOf([
      frameOf(minutes(40, 20).map((spec) => ({ ...spec, cells: [[1, 7, 0]] }))),
      frameOf(minutes(5, 35).map((spec) => ({ ...spec, cells: [[1, 7, 0]] }))),
    ]);
    feed.frame(frameOf(minutes(0, 100), "snapshot", 1, { has_more: false }));
    feed.rebuilt(openOf(10));
    feed.frame(frameOf(minutes(60, 50), "snapshot", 2));
    expect(feed.series.length).toBe(110);
    expect(heard.resynced).toEqual([]); // nothing was lost on the way
    await settled();
    expect(asked.map((query) => query.toNs)).toEqual([openOf(60), openOf(40)]);
    expect(feed.series.length).toBe(110);
    expect(feed.series.delta(5 as BarIndex)).toBe(7);
    expect(feed.series.delta(4 as BarIndex)).toBe(2);
  });

  it("goes on to history that was fetched behind what seemed to be the first bar", async () => {
    const { feed, heard, asked } = feedOf([frameOf(minutes(500, 100), "snapshot", 0, { has_more: false })]);
    feed.frame(frameOf(minutes(1000, 3), "snapshot", 1, { has_more: false }));
    feed.wantBars(2880);
    await settled();
    expect(heard.paging.at(-1)).toBe("complete");
    feed.rebuilt(openOf(500));
    feed.frame(frameOf(minutes(600, 404), "snapshot", 2));
    await settled();
    expect(asked.map((query) => query.toNs)).toEqual([openOf(600)]);
    expect(feed.series.length).toBe(504);
    expect(feed.series.openNs(0 as BarIndex)).toBe(openOf(1000));
  });

  it("lets a gap go when it is healed, all of it or a part", () => {
    const { feed } = feedOf();
    const gap = (from: number, to: number, healed = false) => ({
      from_ns: String(from),
      to_ns: String(to),
      cause: "x",
      missing: 3,
      healed,
    });
    feed.frame(frameOf(minutes(0, 2), "snapshot", 1, { gaps: [gap(10, 20), gap(30, 40)] }));
    feed.gap(gap(10, 20, true));
    expect(feed.gapList.map(({ fromNs }) => fromNs)).toEqual([30n]);
    feed.gap(gap(33, 36, true));
    expect(feed.gapList.map(({ fromNs, toNs }) => [fromNs, toNs])).toEqual([
      [30n, 33n],
      [36n, 40n],
    ]);
  });

  it("collects gaps once, in order", () => {
    const { feed } = feedOf();
    const gap = (from: number) => ({ from_ns: String(from), to_ns: String(from + 5), cause: "x", missing: null });
    feed.frame(frameOf(minutes(0, 2), "snapshot", 1, { gaps: [gap(50), gap(10)] }));
    feed.gap(gap(30));
    feed.gap(gap(10));
    expect(feed.gapList.map(({ fromNs }) => fromNs)).toEqual([10n, 30n, 50n]);
  });
});

describe("ThrottledStore", () => {
  it("tells the first change at once and then the newest once a period", () => {
    const clock = new TestClock();
    clock.wind(1000);
    const store = new ThrottledStore(0, 50, clock);
    const seen: number[] = [];
    store.subscribe((value) => seen.push(value));
    for (let k = 1; k <= 100; k += 1) {
      store.touch(() => k);
      clock.wind(10);
    }
    clock.wind(100);
    expect(seen.length).toBeLessThanOrEqual(23);
    expect(seen.at(-1)).toBe(100);
    expect(seen.slice(0, 2)).toEqual([0, 1]);
  });

  it("does not make what nobody will see", () => {
    const clock = new TestClock();
    const store = new ThrottledStore(0, 50, clock);
    let made = 0;
    for (let k = 0; k < 10; k += 1) {
      store.touch(() => {
        made += 1;
        return made;
      });
    }
    clock.wind(60);
    expect(made).toBe(2);
  });
});
