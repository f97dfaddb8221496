import type { BarIndex } from "../protocol/units";

/** A level from the bar that made it until the bar that ended it; null while it stands. */
export interface Level {
  readonly row: number;
  readonly born: BarIndex;
  end: BarIndex | null;
}

/** One final bar, in ticks. */
export interface BarSpan {
  readonly index: BarIndex;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly ticksPerLevel: number;
}

/** Whether a bar leaves a point of control untouched; a touch is noted. */
export function isNaked(level: Level, { index, high, low, ticksPerLevel }: BarSpan): boolean {
  const isTouched = Math.floor(low / ticksPerLevel) <= level.row && level.row <= Math.floor(high / ticksPerLevel);
  if (isTouched) level.end = index;
  return !isTouched;
}
