import { describe, expect, it } from "vitest";
import { BarSeries } from "../src/data/bar-series";
import { type LifeStyle, Lives } from "../src/model/lives";
import { pocOf } from "../src/model/session-pocs";
import { ZoneClock } from "../src/model/time-zone";
import { type BarSpec, type CellSpec, frameOf } from "./support/frames";

// The frames of the tests have two ticks a row; a bar's range is that of its rows.
const style: LifeStyle = { ticksPerLevel: 2, rules: "", clock: new ZoneClock("UTC") };

function livesOf(specs: readonly BarSpec[], wanted: LifeStyle = style): Lives {
  const series = new BarSeries();
  series.reset(frameOf(specs));
  const lives = new Lives();
  lives.follow(series, wanted);
  return lives;
}

const rows = (low: number, high: number): CellSpec[] =>
  Array.from({ length: high - low + 1 }, (_, k): CellSpec => [low + k, 5, 5]);

describe("zones of stacked imbalances", () => {
  const stack: CellSpec[] = [
    [100, 9, 9],
    [101, 50, 1, 5],
    [102, 50, 1, 5],
    [103, 50, 1, 5],
    [104, 9, 9],
  ];

  it("stand until a close beyond their far edge, and are tested before", () => {
    const lives = livesOf([
      { minute: 0, cells: stack },
      { minute: 1, cells: rows(105, 107) },
      { minute: 2, cells: rows(103, 106), close: 210 },
      // Trades below the zone, and closes in it: it stands.
      { minute: 3, cells: rows(99, 103), close: 203 },
      { minute: 4, cells: rows(99, 103), close: 201 },
    ]);
    expect(lives.zones).toEqual([{ side: 1, low: 101, high: 103, born: 0, tested: true, end: 4 }]);
  });

  it("of the sellers end above, and after 200 bars", () => {
    const sell = stack.map(([row, buy, sold, flag]): CellSpec => [row, sold, buy, flag === 5 ? 10 : 0]);
    const above = livesOf([
      { minute: 0, cells: sell },
      { minute: 1, cells: rows(100, 106), close: 209 },
    ]);
    expect(above.zones[0]).toMatchObject({ side: -1, end: 1 });
    const calm = Array.from({ length: 200 }, (_, k): BarSpec => ({ minute: k + 1, cells: rows(90, 91) }));
    expect(livesOf([{ minute: 0, cells: sell }, ...calm.slice(0, 199)]).zones[0]?.end).toBeNull();
    expect(livesOf([{ minute: 0, cells: sell }, ...calm]).zones[0]?.end).toBe(200);
  });

  it("are not born of an open bar", () => {
    expect(livesOf([{ minute: 0 }, { minute: 1, cells: stack, final: false }]).zones).toEqual([]);
  });
});

describe("naked points of control", () => {
  it("of bars end where a later bar touches their row", () => {
    const lives = livesOf([
      { minute: 0, cells: rows(100, 102) },
      { minute: 1, cells: rows(103, 105) },
      { minute: 2, cells: rows(98, 100) },
      { minute: 3, cells: rows(101, 102) },
    ]);
    expect(lives.barPocs.map(({ row, born, end }) => [row, born, end])).toEqual([
      [100, 0, 2],
      [103, 1, null],
      [98, 2, null],
      [101, 3, null],
    ]);
  });

  it("of bars that nobody follows any more are not drawn as naked", () => {
    // 251 untouched bars, each above the one before: the oldest gives way, and is touched at last.
    const rising = Array.from(
      { length: 252 },
      (_, k): BarSpec => ({ minute: k, cells: rows(100 + 2 * k, 101 + 2 * k) }),
    );
    const { barPocs } = livesOf([...rising, { minute: 252, cells: rows(100, 101) }]);
    expect(barPocs[0]).toMatchObject({ row: 100, born: 0, end: 251 });
    expect(barPocs[2]).toMatchObject({ row: 104, born: 2, end: null });
  });

  it("of sessions are born with the next session, and the first one's bars may not be all of it", () => {
    const day = 24 * 60;
    const lives = livesOf([
      { minute: 0, cells: rows(90, 92) },
      {
        minute: day,
        cells: [
          [100, 5, 5],
          [101, 30, 9],
          [102, 5, 5],
        ],
      },
      {
        minute: day + 1,
        cells: [
          [100, 40, 5],
          [101, 9, 9],
        ],
      },
      { minute: 2 * day, cells: rows(105, 107) },
      { minute: 2 * day + 1, cells: rows(100, 104) },
    ]);
    expect(lives.sessionPocs).toEqual([{ row: 101, born: 3, end: 4 }]);
  });

  it("with equal volumes are nearest to the middle, then lower", () => {
    const of = (volumes: readonly number[]): number | null => pocOf(new Map(volumes.map((volume, k) => [k, volume])));
    expect([of([30, 10, 30, 5, 30]), of([7, 1, 1, 7]), of([1, 9]), of([])]).toEqual([2, 0, 1, null]);
  });
});

describe("unfinished auctions", () => {
  const tick: LifeStyle = { ...style, ticksPerLevel: 1 };
  // One row of the tests is two ticks: highs and lows are where the frames say.
  it("are where both sides traded at an extreme, until a bar trades beyond it", () => {
    const lives = livesOf(
      [
        {
          minute: 0,
          cells: [
            [100, 0, 8],
            [101, 4, 4],
            [102, 3, 2],
          ],
        },
        {
          minute: 1,
          cells: [
            [101, 0, 5],
            [102, 9, 0],
          ],
        },
        {
          minute: 2,
          cells: [
            [100, 2, 3],
            [103, 9, 0],
          ],
        },
      ],
      tick,
    );
    expect(lives.auctions).toEqual([
      { extreme: 1, row: 205, born: 0, end: 2 },
      { extreme: -1, row: 200, born: 2, end: null },
    ]);
  });

  it("are not told of rows that are wider than a tick", () => {
    expect(livesOf([{ minute: 0, cells: rows(100, 101) }]).auctions).toEqual([]);
  });
});

describe("following", () => {
  const cells = (k: number): CellSpec[] => {
    const low = 100 + ((k * 7) % 11);
    return [
      [low, 9, 9],
      [low + 1, 50, 1, 5],
      [low + 2, 50, 1, 5],
      [low + 3, 50, 1, 5],
      [low + 4, (k % 3) * 20, 4],
    ];
  };
  const specs = Array.from(
    { length: 60 },
    (_, k): BarSpec => ({ minute: 100 + k, cells: cells(k), close: 200 + ((k * 5) % 23) }),
  );

  it("bar by bar, with older and corrected bars, says what reading all at once says", () => {
    const series = new BarSeries();
    series.reset(frameOf(specs.slice(20, 40)));
    const lives = new Lives();
    lives.follow(series, style);
    for (const spec of specs.slice(40)) {
      series.merge(frameOf([{ ...spec, final: false }], "bar_open"));
      lives.follow(series, style);
      series.merge(frameOf([spec], "bar_closed"));
      lives.follow(series, style);
    }
    series.prepend(frameOf(specs.slice(0, 20)));
    lives.follow(series, style);
    series.merge(frameOf([{ minute: 130, cells: rows(90, 120) }], "bar_revised"));
    lives.follow(series, style);
    const whole = new Lives();
    whole.follow(series, style);
    expect([lives.zones, lives.barPocs]).toEqual([whole.zones, whole.barPocs]);
    expect(lives.zones).toHaveLength(59);
  });
});
