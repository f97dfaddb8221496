import { type Dpx, dpx } from "../protocol/units";
import { multiples, niceStep } from "./ticks";

/** Values such as delta to pixels, for the panes below; looks after itself as calmly as the price scale. */
export class ValueScale {
  #height = 1;
  #top = 0;
  #low = -1;
  #high = 1;
  #auto = true;
  /** Nothing on screen has a value: the scale means nothing. */
  isBlank = false;

  get height(): Dpx {
    return dpx(this.#height);
  }

  get auto(): boolean {
    return this.#auto;
  }

  /** Values stand between `top` (the pane's title is above) and `height`, in device pixels from the pane's top. */
  resize(height: Dpx, top: Dpx): void {
    this.#height = Math.max(1, height);
    this.#top = Math.min(top, this.#height / 2);
  }

  y(value: number): Dpx {
    const share = (this.#high - value) / (this.#high - this.#low);
    return dpx(this.#top + share * (this.#height - this.#top));
  }

  value(y: number): number {
    return this.#high - ((y - this.#top) / (this.#height - this.#top)) * (this.#high - this.#low);
  }

  /**
   * Take in what is on screen; moves only when it would be cut, or has come to fill less than 45 %.
   *
   * @param least the least distance that is shown
   */
  follow(low: number, high: number, padding: number, least = 1): void {
    if (!this.#auto || !(high >= low)) return;
    const span = this.#high - this.#low;
    const inSight = low >= this.#low && high <= this.#high;
    if (inSight && high - low >= span * 0.45) return;
    const room = Math.max(high - low, least) * (1 + padding * 2);
    const middle = (low + high) / 2;
    this.#low = middle - room / 2;
    this.#high = middle + room / 2;
  }

  setAuto(): void {
    this.#auto = true;
    this.#low = 0;
    this.#high = 1e-9;
  }

  /** Stretch about the middle, by hand. */
  zoom(factor: number): void {
    this.#auto = false;
    const middle = (this.#low + this.#high) / 2;
    const half = ((this.#high - this.#low) / 2) * factor;
    this.#low = middle - half;
    this.#high = middle + half;
  }

  pan(dy: number): void {
    this.#auto = false;
    const by = (dy / (this.#height - this.#top)) * (this.#high - this.#low);
    this.#low += by;
    this.#high += by;
  }

  /** @param per what the values are written in multiples of, such as the units of a lot */
  ticks(spacing: number, least = 0, per = 1): number[] {
    const room = (spacing / (this.#height - this.#top)) * (this.#high - this.#low);
    return multiples(per * Math.max(least, niceStep(room / per)), this.value(this.#height), this.value(0));
  }
}
