import { type Dpx, dpx, type PriceTick, priceTick, type Row } from "../protocol/units";

/** Rows at least this high stand on whole pixels. */
const snapFromDpx = 8;
const lowestDpx = 0.002;
const highestCssPx = 120;

/**
 * Prices to pixels, through rows of `ticksPerLevel` ticks. A row covers the ticks from its low edge up to the next row's,
 * and a single price is drawn in the middle of its tick, so that at one tick a row a price line runs through its row.
 * `centre` is the (fractional) row in the middle of the pane. All pixels are device pixels.
 */
export class PriceScale {
  #height = 1;
  #row = 14;
  #centre = 0;
  #dpr = 1;
  #ticksPerLevel = 1;

  get height(): Dpx {
    return dpx(this.#height);
  }

  get centre(): number {
    return this.#centre;
  }

  get ticksPerLevel(): number {
    return this.#ticksPerLevel;
  }

  /** The height of a row as drawn. */
  get row(): Dpx {
    return dpx(this.#row >= snapFromDpx ? Math.round(this.#row) : this.#row);
  }

  resize(height: Dpx, dpr: number): void {
    if (dpr !== this.#dpr) this.#row *= dpr / this.#dpr;
    this.#dpr = dpr;
    this.#height = Math.max(1, height);
  }

  /** Another study step: the same prices stay where they are, and so does their scale. */
  setTicksPerLevel(ticks: number): void {
    const ratio = ticks / this.#ticksPerLevel;
    this.#ticksPerLevel = ticks;
    this.#row *= ratio;
    this.#centre /= ratio;
  }

  #origin(): number {
    return Math.round(this.#height / 2 + this.#centre * this.row);
  }

  /** The low edge of a (fractional) row. */
  y(row: number): Dpx {
    return dpx(this.#origin() - row * this.row);
  }

  /** The middle of a tick: where a price is drawn. */
  yOfPrice(tick: number): Dpx {
    return this.y((tick + 0.5) / this.#ticksPerLevel);
  }

  /** The low edge of a tick. */
  yOfTick(tick: number): Dpx {
    return this.y(tick / this.#ticksPerLevel);
  }

  /** The row at a place; the pixel at an edge is the lower row's, as it is drawn. */
  rowAt(y: number): Row {
    return (Math.ceil((this.#origin() - y) / this.row) - 1) as Row;
  }

  /** The price at a place. */
  tickAt(y: number): PriceTick {
    return priceTick(Math.ceil(((this.#origin() - y) / this.row) * this.#ticksPerLevel) - 1);
  }

  /** The lowest and the highest (fractional) row in sight. */
  span(): { readonly low: number; readonly high: number } {
    const origin = this.#origin();
    return { low: (origin - this.#height) / this.row, high: origin / this.row };
  }

  set(row: number, centre: number): void {
    this.#row = Math.min(highestCssPx * this.#dpr, Math.max(lowestDpx, row));
    this.#centre = centre;
  }

  /** Move what is drawn down by `dy`. */
  pan(dy: number): void {
    this.#centre += dy / this.row;
  }

  /** Make rows `factor` times as high; the place `y` keeps its price. */
  zoomAt(y: number, factor: number): void {
    const held = (this.#origin() - y) / this.row;
    this.set(this.#row * factor, this.#centre);
    this.#centre = held + (y - this.#height / 2) / this.row;
  }
}
