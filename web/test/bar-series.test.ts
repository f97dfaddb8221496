import { describe, expect, it } from "vitest";
import { BarSeries } from "../src/data/bar-series";
import type { BarIndex } from "../src/protocol/units";
import { frameOf, minutes, openOf } from "./support/frames";

const opens = (series: BarSeries): bigint[] => {
  const found: bigint[] = [];
  for (let index = series.first; index < series.end; index = (index + 1) as BarIndex) found.push(series.openNs(index));
  return found;
};
const minutesOf = (...list: number[]): bigint[] => list.map(openOf);

describe("BarSeries", () => {
  it("numbers the first snapshot from zero, and history below it", () => {
    const series = new BarSeries();
    series.reset(frameOf(minutes(100, 3)));
    expect([series.first, series.end]).toEqual([0, 3]);
    expect(series.prepend(frameOf(minutes(95, 5)))).toBe(5);
    expect([series.first, series.end]).toEqual([-5, 3]);
    expect(series.openNs(0 as BarIndex)).toBe(openOf(100));
    expect(opens(series)).toEqual(minutesOf(95, 96, 97, 98, 99, 100, 101, 102));
  });

  it("joins the levels of bars that came one by one: their frames are not kept", () => {
    const series = new BarSeries();
    series.reset(frameOf(minutes(0, 3)));
    for (let k = 3; k < 600; k += 1) {
      for (const sold of [1, k])
        series.merge(
          frameOf(
            [
              {
                minute: k,
                cells: [
                  [k, 2, sold],
                  [k + 1, k, 0],
                ],
              },
            ],
            "bar_open",
          ),
        );
    }
    const held = new Set(Array.from({ length: 600 }, (_, k) => series.levels(k as BarIndex).columns));
    expect(held.size).toBeLessThan(150);
    for (let k = 3; k < 600; k += 1) {
      const { columns, from, to } = series.levels(k as BarIndex);
      expect([...columns.row.slice(from, to)]).toEqual([0, 1]);
      expect([...columns.buy.slice(from, to)]).toEqual([2, k]);
      expect([...columns.sell.slice(from, to)]).toEqual([k, 0]);
    }
    series.merge(frameOf([{ minute: 9, cells: [[9, 5, 5]] }], "bar_revised"));
    expect(series.volume(9 as BarIndex)).toBe(10);
    expect(series.levels(9 as BarIndex).to - series.levels(9 as BarIndex).from).toBe(1);
    expect(
      [...series.levels(10 as BarIndex).columns.sell.slice(series.levels(10 as BarIndex).from)].slice(0, 2),
    ).toEqual([10, 0]);
  });

  it("leaves out history that it holds already", () => {
    const series = new BarSeries();
    series.reset(frameOf(minutes(100, 2)));
    expect(series.prepend(frameOf(minutes(98, 3)))).toBe(2);
    expect(opens(series)).toEqual(minutesOf(98, 99, 100, 101));
  });

  it("replaces the open bar, appends the next, and says which", () => {
    const series = new BarSeries();
    series.reset(frameOf(minutes(0, 2)));
    const before = series.version(1 as BarIndex);
    expect(series.merge(frameOf([{ minute: 1, cells: [[7, 1, 9]] }], "bar_open"))).toEqual({
      lastOnly: true,
      appended: 0,
      renumbered: false,
      revised: false,
    });
    expect(series.delta(1 as BarIndex)).toBe(-8);
    expect(series.version(1 as BarIndex)).toBeGreaterThan(before);
    expect(series.merge(frameOf([{ minute: 2 }], "bar_open")).appended).toBe(1);
    expect(series.end).toBe(3);
  });

  it("revises a bar in place and inserts one that was missing", () => {
    const series = new BarSeries();
    series.reset(frameOf([{ minute: 0 }, { minute: 1 }, { minute: 5 }]));
    const revised = (minute: number) => series.merge(frameOf([{ minute, cells: [[3, 4, 4]] }], "bar_revised"));
    // The bar before the newest closes with the first news of the newest: only an older one is told late.
    expect(revised(1)).toMatchObject({ lastOnly: false, renumbered: false, revised: false });
    expect(revised(0)).toMatchObject({ lastOnly: false, renumbered: false, revised: true });
    expect(series.number("buy", 1 as BarIndex)).toBe(4);
    expect(series.merge(frameOf([{ minute: 3, cells: [[9, 2, 1]] }], "bar_revised")).renumbered).toBe(true);
    expect(opens(series)).toEqual(minutesOf(0, 1, 3, 5));
    expect(series.levels(2 as BarIndex).columns.buy[series.levels(2 as BarIndex).from]).toBe(2);
    expect(series.delta(3 as BarIndex)).toBe(2);
  });

  it("takes a snapshot after a reconnect as the truth from its first bar on", () => {
    const series = new BarSeries();
    series.reset(frameOf(minutes(0, 10)));
    const change = series.merge(frameOf(minutes(6, 8)));
    expect(change).toEqual({ lastOnly: false, appended: 4, renumbered: false });
    expect(series.length).toBe(14);
    expect(series.first).toBe(0);
  });

  it("begins anew where a snapshot cannot be joined", () => {
    const series = new BarSeries();
    series.reset(frameOf(minutes(0, 10)));
    expect(series.merge(frameOf(minutes(20, 5))).renumbered).toBe(true);
    expect(opens(series)).toEqual(minutesOf(20, 21, 22, 23, 24));
  });

  it("keeps the newest bars' numbers where a snapshot brings more behind them", () => {
    const series = new BarSeries();
    series.reset(frameOf(minutes(100, 3)));
    expect(series.merge(frameOf(minutes(60, 44)))).toEqual({ lastOnly: false, appended: 1, renumbered: false });
    expect([series.first, series.end]).toEqual([-40, 4]);
    expect(series.openNs(2 as BarIndex)).toBe(openOf(102));
    series.prepend(frameOf(minutes(50, 10)));
    expect(opens(series)).toEqual(minutesOf(...Array.from({ length: 54 }, (_, k) => 50 + k)));
  });

  it("keeps older bars beside a snapshot that cuts the newer ones otherwise", () => {
    const series = new BarSeries();
    series.reset(frameOf([0, 10, 20, 30, 40].map((minute) => ({ minute }))));
    const change = series.merge(frameOf([15, 25, 30, 40, 50].map((minute) => ({ minute }))));
    expect(change).toEqual({ lastOnly: false, appended: 1, renumbered: true });
    expect(opens(series)).toEqual(minutesOf(0, 10, 15, 25, 30, 40, 50));
    expect(series.openNs(3 as BarIndex)).toBe(openOf(30));
  });

  it("takes history anew in the place of what is held of it", () => {
    const series = new BarSeries();
    series.reset(frameOf(minutes(0, 100)));
    const page = frameOf([40, 45, 50, 55].map((minute) => ({ minute, cells: [[7, 8, 1]] })));
    expect(series.refill(page, openOf(60), false).renumbered).toBe(true);
    expect(series.openNs(60 as BarIndex)).toBe(openOf(60));
    expect(series.openNs(59 as BarIndex)).toBe(openOf(55));
    expect(series.delta(59 as BarIndex)).toBe(7);
    expect(series.openNs(series.first)).toBe(openOf(0));
    expect(series.length).toBe(84);
    series.refill(frameOf(minutes(20, 20)), openOf(40), true);
    expect(series.openNs(series.first)).toBe(openOf(20));
    expect(series.length).toBe(64);
    series.refill(frameOf(minutes(-300, 320)), openOf(20), false);
    expect(series.openNs(60 as BarIndex)).toBe(openOf(60));
    expect(opens(series).slice(0, 3)).toEqual(minutesOf(-300, -299, -298));
    series.refill(frameOf([]), openOf(40), true);
    expect(opens(series).slice(0, 2)).toEqual(minutesOf(40, 45));
  });

  it("lets old bars go without renumbering the rest, and takes them back", () => {
    const series = new BarSeries();
    series.reset(frameOf(minutes(0, 100)));
    expect(series.trim(30)).toBe(70);
    expect([series.first, series.end]).toEqual([70, 100]);
    expect(series.openNs(70 as BarIndex)).toBe(openOf(70));
    expect(series.trim(30)).toBe(0);
    series.prepend(frameOf(minutes(40, 30)));
    expect(series.openNs(40 as BarIndex)).toBe(openOf(40));
    expect(series.delta(99 as BarIndex)).toBe(2);
  });

  it("finds bars by time", () => {
    const series = new BarSeries();
    series.reset(frameOf([{ minute: 0 }, { minute: 1 }, { minute: 5 }]));
    expect(series.at(openOf(0) - 1n)).toBeNull();
    expect(series.at(openOf(1) + 5n)).toBe(1);
    expect(series.at(openOf(3))).toBe(1);
    expect(series.at(openOf(99))).toBe(2);
    expect(series.lowerBound(openOf(2))).toBe(2);
  });

  it("keeps everything right while it grows at both ends", () => {
    const series = new BarSeries();
    series.reset(frameOf(minutes(5000, 10)));
    for (let k = 0; k < 40; k += 1) {
      series.prepend(frameOf(minutes(4900 - k * 100, 100)));
      series.merge(frameOf([{ minute: 5010 + k, cells: [[k, k + 1, 0]] }], "bar_closed"));
    }
    expect(series.length).toBe(4050);
    expect(series.number("buy", series.last)).toBe(40);
    const all = opens(series);
    expect(all.every((open, k) => k === 0 || open > (all[k - 1] as bigint))).toBe(true);
    expect(series.levels(series.last).columns.row.length).toBe(1);
    expect(series.delta(series.first)).toBe(2);
  });
});
