/**
 * What has to be drawn again. Each level includes those below it.
 *
 * - `cursor`: the crosshair layer
 * - `light`: the newest bar and the overlays; no scale has moved
 * - `full`: everything, after the scales have been looked after
 */
export const Level = { none: 0, cursor: 1, light: 2, full: 3 } as const;
export type Level = (typeof Level)[keyof typeof Level];

export const levelName = (level: Level): string => Object.keys(Level)[level] ?? "none";

/** Collects what was asked for since the last frame. */
export class Invalidation {
  #level: Level = Level.none;

  get level(): Level {
    return this.#level;
  }

  /** Returns whether it was clean before, so that a frame has to be asked for. */
  add(level: Level): boolean {
    const wasClean = this.#level === Level.none;
    if (level > this.#level) this.#level = level;
    return wasClean && this.#level !== Level.none;
  }

  take(): Level {
    const level = this.#level;
    this.#level = Level.none;
    return level;
  }
}
