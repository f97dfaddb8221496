/** What fingers and the mouse mean, without a browser: pointer events in, gestures out. Pixels are CSS pixels. */
export interface PointerSample {
  readonly id: number;
  readonly x: number;
  readonly y: number;
  readonly timeMs: number;
  readonly touch: boolean;
}

export type Gesture =
  | { readonly kind: "hover"; readonly x: number; readonly y: number }
  | { readonly kind: "leave" }
  | { readonly kind: "dragStart"; readonly x: number; readonly y: number }
  | { readonly kind: "drag"; readonly x: number; readonly y: number; readonly dx: number; readonly dy: number }
  | { readonly kind: "dragEnd" }
  | {
      readonly kind: "pinch";
      readonly x: number;
      readonly y: number;
      readonly dx: number;
      readonly dy: number;
      readonly factor: number;
    }
  | { readonly kind: "tap"; readonly x: number; readonly y: number; readonly touch: boolean }
  | { readonly kind: "doubleTap"; readonly x: number; readonly y: number }
  | { readonly kind: "hold"; readonly x: number; readonly y: number };

/** How long a finger rests before it becomes the crosshair. */
export const holdMs = 380;
/** Within this time two taps are one double tap. */
export const doubleTapMs = 320;
const dragFromPx = { mouse: 3, touch: 8 } as const;
const sameSpotPx = { mouse: 6, touch: 24 } as const;

interface Finger {
  x: number;
  y: number;
}

/** One surface's pointers, from press to release. */
export class GestureReader {
  readonly #fingers = new Map<number, Finger>();
  #start: PointerSample | null = null;
  #state: "idle" | "pressed" | "dragging" | "pinching" | "holding" = "idle";
  #lastTap: PointerSample | null = null;

  /** Whether a finger rests and may yet become the crosshair: then call `rest` after `holdMs`. */
  get mayHold(): boolean {
    return this.#state === "pressed" && this.#start?.touch === true;
  }

  down(at: PointerSample): Gesture[] {
    this.#fingers.set(at.id, { x: at.x, y: at.y });
    if (this.#fingers.size === 1) {
      this.#start = at;
      this.#state = "pressed";
      return [];
    }
    const wasDragging = this.#state === "dragging";
    this.#state = "pinching";
    return wasDragging ? [{ kind: "dragEnd" }] : [];
  }

  move(at: PointerSample): Gesture[] {
    const finger = this.#fingers.get(at.id);
    if (finger === undefined) return at.touch ? [] : [{ kind: "hover", x: at.x, y: at.y }];
    if (this.#state === "pinching") return this.#pinch(finger, at);
    const [dx, dy] = [at.x - finger.x, at.y - finger.y];
    if (this.#state === "pressed") return this.#press(finger, at);
    finger.x = at.x;
    finger.y = at.y;
    if (this.#state === "holding") return [{ kind: "hold", x: at.x, y: at.y }];
    return [{ kind: "drag", x: at.x, y: at.y, dx, dy }];
  }

  /** The pressed finger has rested long enough. */
  rest(): Gesture[] {
    if (!this.mayHold || this.#start === null) return [];
    this.#state = "holding";
    return [{ kind: "hold", x: this.#start.x, y: this.#start.y }];
  }

  up(at: PointerSample): Gesture[] {
    this.#fingers.delete(at.id);
    const state = this.#state;
    if (this.#fingers.size > 0) {
      // One finger of a pinch stays: it goes on as a drag.
      this.#state = "dragging";
      return [];
    }
    this.#state = "idle";
    if (state === "dragging") return [{ kind: "dragEnd" }];
    return state === "pressed" ? this.#tap(at) : [];
  }

  cancel(): Gesture[] {
    const wasDragging = this.#state === "dragging";
    this.#fingers.clear();
    this.#state = "idle";
    return wasDragging ? [{ kind: "dragEnd" }, { kind: "leave" }] : [{ kind: "leave" }];
  }

  #press(finger: Finger, at: PointerSample): Gesture[] {
    const start = this.#start ?? at;
    const far = at.touch ? dragFromPx.touch : dragFromPx.mouse;
    if (Math.hypot(at.x - start.x, at.y - start.y) < far) return [];
    this.#state = "dragging";
    finger.x = at.x;
    finger.y = at.y;
    return [
      { kind: "dragStart", x: start.x, y: start.y },
      { kind: "drag", x: at.x, y: at.y, dx: at.x - start.x, dy: at.y - start.y },
    ];
  }

  #pinch(finger: Finger, at: PointerSample): Gesture[] {
    const before = this.#spread();
    finger.x = at.x;
    finger.y = at.y;
    const after = this.#spread();
    return [
      {
        kind: "pinch",
        x: after.x,
        y: after.y,
        dx: after.x - before.x,
        dy: after.y - before.y,
        factor: after.distance / Math.max(1, before.distance),
      },
    ];
  }

  #spread(): { readonly x: number; readonly y: number; readonly distance: number } {
    const [a, b] = [...this.#fingers.values()] as [Finger, Finger];
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, distance: Math.max(1, Math.hypot(a.x - b.x, a.y - b.y)) };
  }

  #tap(at: PointerSample): Gesture[] {
    const last = this.#lastTap;
    const spot = at.touch ? sameSpotPx.touch : sameSpotPx.mouse;
    if (last !== null && at.timeMs - last.timeMs <= doubleTapMs && Math.hypot(at.x - last.x, at.y - last.y) <= spot) {
      this.#lastTap = null;
      return [{ kind: "doubleTap", x: at.x, y: at.y }];
    }
    this.#lastTap = at;
    return [{ kind: "tap", x: at.x, y: at.y, touch: at.touch }];
  }
}

/** A drag takes the price along from this far up or down on, and only where that is this share of its way sideways. */
const priceDrag = { fromPx: 24, share: 1 / 3 } as const;

/** Keeps a drag that goes mostly sideways off the price, so that a price scale that looks after itself goes on doing so. */
export class AxisLock {
  #across = 0;
  #risen = 0;
  #furthest = 0;
  #isOpen = false;

  /** @param isOpen whether the price goes along from the first pixel on: where its scale is the user's already */
  start(isOpen: boolean): void {
    [this.#across, this.#risen, this.#furthest, this.#isOpen] = [0, 0, 0, isOpen];
  }

  /** @returns how far this step of the drag moves the price down, in the pixels given; all of the way once it is let go */
  step(dx: number, dy: number): number {
    if (this.#isOpen) return dy;
    this.#across += dx;
    this.#risen += dy;
    this.#furthest = Math.max(this.#furthest, Math.abs(this.#across));
    this.#isOpen = Math.abs(this.#risen) > Math.max(priceDrag.fromPx, this.#furthest * priceDrag.share);
    return this.#isOpen ? this.#risen : 0;
  }
}
