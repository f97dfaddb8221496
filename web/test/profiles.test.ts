import { describe, expect, it } from "vitest";
import { BarSeries } from "../src/data/bar-series";
import { ProfileDesk, type ProfileView } from "../src/data/profile-desk";
import { RequestFailed } from "../src/data/rest";
import type { Clock } from "../src/data/store";
import { kindOf, wantsOf } from "../src/model/profile-choice";
import {
  gutterOf,
  lettersOf,
  ProfileBoard,
  partAt,
  placedProfiles,
  profileAt,
  rangeOf,
  rowsWithin,
  viewOf,
} from "../src/model/profiles";
import { TimeScale } from "../src/model/time-scale";
import type { ProfileRows, ProfilesReply, ProfileWant, TpoRows } from "../src/protocol/profiles";
import { type BarIndex, dpx } from "../src/protocol/units";
import { frameOf, meta, openOf } from "./support/frames";
import { rowsOf } from "./support/profiles";

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

const view = (from: number, to: number, near = 0): ProfileView => ({
  symbol: "sim:PERP",
  tape: "trade",
  bars: "1m",
  ticksPerLevel: 2,
  fromNs: openOf(from),
  toNs: openOf(to),
  nearFromNs: openOf(from - near),
  nearToNs: openOf(to + near),
});

const reply = (
  kind: string,
  profiles: readonly ProfileRows[],
  params: Record<string, unknown> = {},
): ProfilesReply => ({
  symbol: "sim:PERP",
  tape: "trade",
  kind,
  title: kind,
  bars: "1m",
  ticks_per_level: 2,
  params: { show: "volume", side: "left", width: 50, lines: "labelled", ...params },
  profiles,
  letters: [],
});

function desk() {
  const clock = new HandClock();
  const asked: { want: ProfileWant; view: ProfileView; answer: (made: ProfilesReply | Error) => Promise<void> }[] = [];
  const told: [string, ProfilesReply | null][] = [];
  const problems: string[] = [];
  const rest = {
    profiles: (want: ProfileWant, at: ProfileView) =>
      new Promise<ProfilesReply>((take, fail) => {
        const answer = async (made: ProfilesReply | Error): Promise<void> => {
          if (made instanceof Error) fail(made);
          else take(made);
          for (let k = 0; k < 5; k += 1) await Promise.resolve();
        };
        asked.push({ want, view: at, answer });
      }),
  };
  const made = new ProfileDesk(rest, clock, {
    answered: (label, got) => told.push([label, got]),
    problem: (words) => problems.push(words),
  });
  return { desk: made, clock, asked, told, problems };
}

const visible: ProfileWant = { label: "v", kind: "visible", params: {} };
const session: ProfileWant = { label: "s", kind: "session", params: {} };

describe("asking for profiles", () => {
  it("asks once, and again only for what has moved while the answer was under way", async () => {
    const { desk: one, asked, told } = desk();
    one.want([visible]);
    expect(asked.length).toBe(0);
    one.look(view(0, 10));
    one.look(view(1, 11));
    one.look(view(2, 12));
    expect(asked.length).toBe(1);
    await asked[0]?.answer(reply("visible", [rowsOf(0, 10)]));
    expect(asked.length).toBe(2);
    expect(asked[1]?.view.fromNs).toBe(openOf(2));
    await asked[1]?.answer(reply("visible", [rowsOf(2, 12)]));
    expect(asked.length).toBe(2);
    expect(told.filter(([, got]) => got !== null).length).toBe(2);
    expect(one.isQuiet).toBe(true);
  });

  it("keeps sessions while the view stays within what was asked for", async () => {
    const { desk: one, asked } = desk();
    one.want([session]);
    one.look(view(100, 110, 10));
    await asked[0]?.answer(reply("session", [rowsOf(0, 200)]));
    one.look(view(92, 102, 10));
    expect(asked.length).toBe(1);
    one.look(view(89, 99, 10));
    expect(asked.length).toBe(2);
  });

  it("follows a live tape twice a second at the most, and what takes long more rarely", async () => {
    const { desk: one, asked, clock } = desk();
    one.want([visible]);
    one.look(view(0, 10));
    clock.pass(1000);
    await asked[0]?.answer(reply("visible", [rowsOf(0, 10)]));
    for (let k = 0; k < 20; k += 1) one.grew(0n);
    expect(asked.length).toBe(1);
    clock.pass(3900);
    expect(asked.length).toBe(1);
    clock.pass(101);
    expect(asked.length).toBe(2);
    await asked[1]?.answer(reply("visible", [rowsOf(0, 10)]));
    one.grew(0n);
    clock.pass(501);
    expect(asked.length).toBe(3);
  });

  it("says once what is refused, and asks again when the settings are others", async () => {
    const { desk: one, asked, problems, clock } = desk();
    one.want([session]);
    one.look(view(0, 10));
    await asked[0]?.answer(new RequestFailed("no such zone", 400));
    one.grew(0n);
    clock.pass(10_000);
    expect(asked.length).toBe(1);
    expect(problems).toEqual(["s: no such zone"]);
    one.want([{ ...session, params: { hours: "UTC 08:00-09:00" } }]);
    expect(asked.length).toBe(2);
  });

  it("asks again for what was lost on its way", async () => {
    const { desk: one, asked, problems, clock } = desk();
    one.want([session]);
    one.look(view(0, 10));
    await asked[0]?.answer(new RequestFailed("the server cannot be reached", 0));
    expect(problems).toEqual([]);
    clock.pass(10_000);
    expect(asked.length).toBe(2);
  });

  it("asks for nothing while nobody sees the page, and then for what is due", async () => {
    const { desk: one, asked, clock } = desk();
    one.want([visible]);
    one.look(view(0, 10));
    await asked[0]?.answer(reply("visible", [rowsOf(0, 10)]));
    one.hide(true);
    one.grew(0n);
    one.look(view(1, 11));
    clock.pass(10_000);
    expect(asked.length).toBe(1);
    one.hide(false);
    expect(asked[1]?.view.fromNs).toBe(openOf(1));
  });

  it("shows nothing of another chart, nor what was taken off", async () => {
    const { desk: one, asked, told } = desk();
    one.want([session]);
    one.look(view(0, 10));
    one.look({ ...view(0, 10), bars: "5m" });
    await asked[0]?.answer(reply("session", [rowsOf(0, 10)]));
    expect(told.filter(([, got]) => got !== null)).toEqual([]);
    await asked[1]?.answer(reply("session", [rowsOf(0, 10)]));
    expect(told.at(-1)?.[1]).not.toBeNull();
    one.want([]);
    expect(told.at(-1)).toEqual(["s", null]);
  });
});

function scene(): { series: BarSeries; time: TimeScale; dpr: number } {
  const series = new BarSeries();
  series.reset(frameOf(Array.from({ length: 20 }, (_, minute) => ({ minute }))));
  const time = new TimeScale();
  time.resize(dpx(1000), 1);
  time.setBar(50);
  time.setRight(series.end);
  return { series, time, dpr: 1 };
}

const held = (kind: string, profiles: readonly ProfileRows[], params = {}) => [
  { label: kind, reply: reply(kind, profiles, params) },
];

describe("where profiles stand", () => {
  it("lets a session's rows begin at its first bar, half of its bars long", () => {
    const [placed] = placedProfiles(scene(), held("session", [rowsOf(4, 12)]));
    expect(placed?.place).toEqual({ left: 200, right: 600, base: 200, direction: 1, length: 200 });
    expect(placed?.most).toBe(30);
  });

  it("turns them round at its end", () => {
    const [placed] = placedProfiles(scene(), held("session", [rowsOf(4, 12)], { side: "right" }));
    expect(placed?.place).toMatchObject({ base: 600, direction: -1 });
  });

  it("leaves out what is off the screen, and keeps what reaches into it at its edge", () => {
    const wide = scene();
    wide.time.setRight(40);
    expect(placedProfiles(wide, held("session", [rowsOf(4, 12)]))).toEqual([]);
    const cut = scene();
    cut.time.setRight(26);
    expect(placedProfiles(cut, held("session", [rowsOf(4, 12)]))[0]?.place).toMatchObject({
      left: 0,
      base: 0,
      right: 300,
    });
  });

  it("keeps a session that began before the bars that are loaded", () => {
    expect(placedProfiles(scene(), held("session", [rowsOf(-600, 8)]))[0]?.place).toMatchObject({
      left: 0,
      right: 400,
    });
    expect(placedProfiles(scene(), held("session", [rowsOf(-600, 0)]))).toEqual([]);
  });

  it("puts what is visible beside the axis", () => {
    const [placed] = placedProfiles(scene(), held("visible", [rowsOf(0, 20)], { side: "right", width: 18 }));
    expect(placed?.place).toEqual({ left: 0, right: 1000, base: 1000, direction: -1, length: 180 });
  });

  it("keeps room for those that stand beside the bars before the server has answered, but most of the plot for bars", () => {
    const want = (kind: string, params: Record<string, unknown> = {}): ProfileWant =>
      ({ label: kind, kind, params }) as ProfileWant;
    expect(gutterOf([want("visible")])).toBeCloseTo(0.18);
    expect(gutterOf([want("visible", { width: 10 }), want("composite", { width: 15 })])).toBeCloseTo(0.25);
    expect(gutterOf([want("visible", { place: "over" }), want("composite", { side: "left" }), want("session")])).toBe(
      0,
    );
    expect(gutterOf([want("visible", { width: 80 })])).toBe(0.45);
  });

  it("puts them side by side behind the last bar", () => {
    const wide = scene();
    wide.time.setGutter(0.3);
    const beside = { side: "right", place: "gutter" };
    const list = [
      ...held("visible", [rowsOf(0, 20)], { ...beside, width: 20 }),
      ...held("composite", [rowsOf(0, 20)], { ...beside, width: 10 }),
    ].map((one, k) => ({ ...one, label: String(k) }));
    const [near, far] = placedProfiles(wide, list).map(({ place }) => place);
    expect(near).toMatchObject({ left: 800, right: 1000, base: 1000, direction: -1 });
    expect(far).toMatchObject({ left: 700, right: 800, base: 800, direction: -1 });
    expect(far?.left).toBe(wide.time.reach);
    expect(wide.time.x(20)).toBe(700 - Math.round((wide.time.right - 20) * wide.time.bar));
    expect(wide.time.index(700)).toBeCloseTo(wide.time.right);
  });

  it("finds the row under the cursor where it is drawn, and no row without trades", () => {
    const placed = placedProfiles(scene(), held("session", [rowsOf(4, 12)]));
    expect(profileAt(placed, 250, 13)).toMatchObject({ at: 2 });
    expect(profileAt(placed, 250, 12)).toBeNull();
    expect(profileAt(placed, 450, 13)).toBeNull();
    expect(profileAt(placed, 150, 13)).toBeNull();
  });

  it("cuts rows as plain filtering does", () => {
    const made = rowsOf(0, 1, [-7, -3, 0, 4, 5, 9]);
    for (let low = -9; low < 12; low += 1) {
      for (let high = low - 1; high < 12; high += 1) {
        const [from, to] = rowsWithin(made, low, high);
        expect(made.row.slice(from, to)).toEqual(made.row.filter((row) => row >= low && row <= high));
      }
    }
  });
});

describe("what is chosen", () => {
  it("tells profiles from studies", () => {
    const chosen = [
      { study: "vwap", label: "vwap", params: {}, shows: null },
      { study: "profile:fixed", label: "a", params: { from_ns: "5" }, shows: null },
    ];
    expect(wantsOf(chosen)).toEqual([{ label: "a", kind: "fixed", params: { from_ns: "5" } }]);
    expect(kindOf("vwap")).toBeNull();
  });

  it("takes whole bars, whichever way they were shown", () => {
    const { series } = scene();
    const range = rangeOf(series, 7 as BarIndex, 3 as BarIndex);
    expect(range).toEqual({ fromNs: openOf(3), toNs: openOf(8) });
  });

  it("looks at the same while the newest bar goes on, wherever that ends", () => {
    const { series, time } = scene();
    const before = viewOf({ meta, series, time });
    expect([before?.fromNs, before?.toNs]).toEqual([openOf(0), openOf(19) + 1n]);
    series.columns.close_ns[series.last + series.shift] = openOf(25);
    expect(viewOf({ meta, series, time })).toEqual(before);
  });

  it("names the session of a bar, also of one that is newer than the answer, and none before the first", () => {
    const { series } = scene();
    const sessions = [rowsOf(2, 4), rowsOf(4, 12)];
    const at = (index: number): string | undefined => partAt(series, "session", sessions, index)?.to_ns;
    expect([2, 3, 4, 11, 12].map(at)).toEqual([4, 4, 12, 12, 12].map((minute) => String(openOf(minute))));
    expect(at(1)).toBeUndefined();
    expect(partAt(series, "visible", sessions, 0)).toBe(sessions[1]);
  });

  it("keeps the order in which profiles were chosen, and counts changes", () => {
    const board = new ProfileBoard();
    board.put("a", reply("session", []));
    board.put("b", reply("visible", []));
    board.put("a", reply("session", [rowsOf(0, 1)]));
    expect(board.list.map(({ label }) => label)).toEqual(["a", "b"]);
    expect(board.version).toBe(3);
    board.put("c", null);
    expect(board.version).toBe(3);
    board.put("a", null);
    expect(board.list.map(({ label }) => label)).toEqual(["b"]);
  });

  it("spells the letters of a row", () => {
    const tpo = {
      brackets: [
        [0, "A", 1, 3],
        [2, "C", 2, 2],
      ],
    } as unknown as TpoRows;
    expect([1, 2, 3, 4].map((row) => lettersOf(tpo, row))).toEqual(["A", "AC", "A", ""]);
  });
});
