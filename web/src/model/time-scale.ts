import { type BarIndex, type Dpx, dpx } from "../protocol/units";

/** Bars at least this wide stand on whole pixels: text and edges stay crisp while the chart moves. */
const snapFromDpx = 8;
const narrowestDpx = 0.4;
const widestCssPx = 480;
/** All bars that there are fill at least this share of the plot, however far one zooms out; less while older ones come. */
const leastFilled = { all: 0.5, whileLoading: 0.1 } as const;

/**
 * Bars to pixels. Every bar has the same width whatever time it took, so session breaks and gaps take no room; `right` is
 * the (fractional) bar index at the right end of their room, which is the plot but for a gutter before the axis. All pixels
 * are device pixels.
 */
export class TimeScale {
  #width = 1;
  #bar = 100;
  #right = 0;
  #dpr = 1;
  #gutter = 0;

  /** Of the plot. */
  get width(): Dpx {
    return dpx(this.#width);
  }

  /** Where the room of the bars ends. */
  get reach(): Dpx {
    return dpx(Math.max(1, this.#width - this.#gutter));
  }

  /** Keep room free before the axis: a share of the plot. */
  setGutter(share: number): void {
    this.#gutter = Math.round(this.#width * share);
  }

  get right(): number {
    return this.#right;
  }

  /** The width of a bar as drawn. */
  get bar(): Dpx {
    return dpx(this.#bar >= snapFromDpx ? Math.round(this.#bar) : this.#bar);
  }

  /** How many bars fit in the plot. */
  get visible(): number {
    return this.reach / this.bar;
  }

  /** The right edge stays where it is; after a change of the device ratio bars keep their width in CSS pixels. */
  resize(width: Dpx, dpr: number): void {
    if (dpr !== this.#dpr) this.#bar *= dpr / this.#dpr;
    this.#dpr = dpr;
    this.#width = Math.max(1, width);
  }

  /** The left edge of a bar. */
  x(index: number): Dpx {
    const bar = this.bar;
    return dpx(this.reach - Math.round(this.#right * bar) + index * bar);
  }

  /** The (fractional) bar index at a place. */
  index(x: number): number {
    const bar = this.bar;
    return (x - this.reach + Math.round(this.#right * bar)) / bar;
  }

  /** The first and the last bar that can be seen, limited to those that exist. */
  range(first: BarIndex, end: BarIndex): { readonly from: number; readonly to: number } {
    return {
      from: Math.max(first, Math.floor(this.index(0))),
      to: Math.min(end - 1, Math.floor(this.index(this.reach - 0.01))),
    };
  }

  setBar(width: number): void {
    this.#bar = Math.min(widestCssPx * this.#dpr, Math.max(narrowestDpx, width));
  }

  setRight(right: number): void {
    this.#right = right;
  }

  /** Move what is drawn by `dx` to the right. */
  pan(dx: number): void {
    this.#right -= dx / this.bar;
  }

  /** Make bars `factor` times as wide; the place `x` keeps its bar. */
  zoomAt(x: number, factor: number): void {
    const held = this.index(x);
    this.setBar(this.#bar * factor);
    this.#right = held + (this.reach - x) / this.bar;
  }

  /** How much narrower bars may become when there are `count` of them: at most 1, which is not at all. */
  leastFactor(count: number, olderCome: boolean): number {
    const share = olderCome ? leastFilled.whileLoading : leastFilled.all;
    return Math.min(1, (this.reach * share) / Math.max(1, count) / this.bar);
  }

  /** Keep something in sight: at least `least` bars, and no more emptiness than four fifths of the room. */
  clamp(first: BarIndex, end: BarIndex, least = 2): void {
    const most = end + this.visible * 0.8;
    this.#right = Math.min(most, Math.max(first + Math.min(least, end - first), this.#right));
  }
}
