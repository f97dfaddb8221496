import { describe, expect, it } from "vitest";
import { AxisLock, type Gesture, GestureReader, type PointerSample } from "../src/model/gestures";

const at = (x: number, y: number, timeMs = 0, held: Partial<PointerSample> = {}): PointerSample => ({
  id: 1,
  x,
  y,
  timeMs,
  touch: false,
  ...held,
});
const kinds = (gestures: readonly Gesture[]): string[] => gestures.map((gesture) => gesture.kind);

describe("mouse", () => {
  it("hovers without a button", () => {
    expect(new GestureReader().move(at(5, 6))).toEqual([{ kind: "hover", x: 5, y: 6 }]);
  });

  it("drags from three pixels on, and loses none of them", () => {
    const reader = new GestureReader();
    reader.down(at(0, 0));
    expect(reader.move(at(2, 0))).toEqual([]);
    expect(kinds(reader.move(at(5, 1)))).toEqual(["dragStart", "drag"]);
    expect(reader.move(at(9, 1))).toEqual([{ kind: "drag", x: 9, y: 1, dx: 4, dy: 0 }]);
    expect(kinds(reader.up(at(9, 1)))).toEqual(["dragEnd"]);
  });

  it("adds up to the whole way", () => {
    const reader = new GestureReader();
    reader.down(at(10, 10));
    let [dx, dy] = [0, 0];
    for (const point of [at(11, 10), at(20, 14), at(26, 19), at(50, 60)]) {
      for (const gesture of reader.move(point))
        if (gesture.kind === "drag") [dx, dy] = [dx + gesture.dx, dy + gesture.dy];
    }
    expect([dx, dy]).toEqual([40, 50]);
  });

  it("tells one tap from two, and two far apart from a double", () => {
    const reader = new GestureReader();
    const tap = (x: number, time: number): string[] => {
      reader.down(at(x, 0, time));
      return kinds(reader.up(at(x, 0, time + 20)));
    };
    expect(tap(10, 0)).toEqual(["tap"]);
    expect(tap(11, 150)).toEqual(["doubleTap"]);
    expect(tap(11, 300)).toEqual(["tap"]);
    expect(tap(60, 400)).toEqual(["tap"]);
    expect(tap(60, 2000)).toEqual(["tap"]);
  });
});

describe("touch", () => {
  const touch = (id: number, x: number, y: number, timeMs = 0): PointerSample => ({ id, x, y, timeMs, touch: true });

  it("rests into a crosshair that follows the finger", () => {
    const reader = new GestureReader();
    reader.down(touch(1, 10, 10));
    expect(reader.mayHold).toBe(true);
    expect(reader.rest()).toEqual([{ kind: "hold", x: 10, y: 10 }]);
    expect(reader.move(touch(1, 30, 12))).toEqual([{ kind: "hold", x: 30, y: 12 }]);
    expect(reader.up(touch(1, 30, 12))).toEqual([]);
  });

  it("does not rest once it drags", () => {
    const reader = new GestureReader();
    reader.down(touch(1, 10, 10));
    reader.move(touch(1, 40, 10));
    expect(reader.mayHold).toBe(false);
    expect(reader.rest()).toEqual([]);
  });

  it("pinches about the middle of two fingers, then goes on with one", () => {
    const reader = new GestureReader();
    reader.down(touch(1, 100, 100));
    reader.down(touch(2, 200, 100));
    expect(reader.move(touch(2, 300, 100))).toEqual([{ kind: "pinch", x: 200, y: 100, dx: 50, dy: 0, factor: 2 }]);
    expect(reader.up(touch(1, 100, 100))).toEqual([]);
    expect(reader.move(touch(2, 310, 100))).toEqual([{ kind: "drag", x: 310, y: 100, dx: 10, dy: 0 }]);
    expect(kinds(reader.up(touch(2, 310, 100)))).toEqual(["dragEnd"]);
  });

  it("lets go when the browser takes the pointer away", () => {
    const reader = new GestureReader();
    reader.down(touch(1, 0, 0));
    reader.move(touch(1, 50, 0));
    expect(kinds(reader.cancel())).toEqual(["dragEnd", "leave"]);
    expect(reader.move(touch(1, 60, 0))).toEqual([]);
  });
});

describe("the axis lock", () => {
  const dragged = (steps: readonly (readonly [dx: number, dy: number])[], isOpen = false): number => {
    const lock = new AxisLock();
    lock.start(isOpen);
    return steps.reduce((sum, [dx, dy]) => sum + lock.step(dx, dy), 0);
  };
  const times = (count: number, dx: number, dy: number): [number, number][] =>
    Array.from({ length: count }, () => [dx, dy]);

  it("keeps the price where it is while a drag goes mostly sideways", () => {
    expect(dragged(times(20, 15, 1))).toBe(0);
    expect(dragged(times(20, -15, -4))).toBe(0);
    expect(dragged([...times(20, 15, 1), ...times(20, -15, 1)])).toBe(0);
  });

  it("lets it go from 24 pixels up or down on, and loses none of them", () => {
    expect(dragged(times(24, 0, 1))).toBe(0);
    expect(dragged(times(30, 0, 1))).toBe(30);
    expect(dragged(times(30, 1, -2))).toBe(-60);
  });

  it("holds nothing back in a scale that is the user's", () => {
    expect(dragged(times(5, 10, 2), true)).toBe(10);
  });
});
