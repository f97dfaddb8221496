import { type Readable, Store } from "../data/store";
import type { ChartModel } from "../model/chart-model";
import type { Ruler, RulerPoint } from "../model/ruler";
import type { BarIndex } from "../protocol/units";

export interface RulerState {
  /** The next drag on the price pane measures. */
  readonly armed: boolean;
  readonly ruler: Ruler | null;
}

const none: RulerState = { armed: false, ruler: null };

/** The ruler between a press and a release, or between two places that the keyboard chose. */
export class RulerTool {
  readonly #model: ChartModel;
  readonly #redraw: () => void;
  readonly #store = new Store<RulerState>(none);
  #byKeys = false;

  constructor(model: ChartModel, redraw: () => void) {
    this.#model = model;
    this.#redraw = redraw;
  }

  get store(): Readable<RulerState> {
    return this.#store;
  }

  get ruler(): Ruler | null {
    return this.#store.get().ruler;
  }

  get armed(): boolean {
    return this.#store.get().armed;
  }

  arm(): void {
    this.#set({ armed: true, ruler: null });
  }

  /** Take it off the chart. @returns whether there was one */
  clear(): boolean {
    const { armed, ruler } = this.#store.get();
    this.#byKeys = false;
    this.#set(none);
    return armed || ruler !== null;
  }

  /** Begin at a place of the price pane, in its device pixels. */
  start(x: number, y: number): void {
    const at = this.#at(x, y);
    this.#byKeys = false;
    this.#set(at === null ? none : { armed: false, ruler: { from: at, to: at } });
  }

  move(x: number, y: number): void {
    const at = this.#at(x, y);
    if (at !== null && this.ruler !== null) this.#set({ armed: false, ruler: { from: this.ruler.from, to: at } });
  }

  /** Begin at a cell: from there on the ruler follows the cell that the keyboard chooses. */
  startAt(point: RulerPoint): void {
    this.#byKeys = true;
    this.#set({ armed: false, ruler: { from: point, to: point } });
  }

  follow(point: RulerPoint): void {
    if (this.#byKeys && this.ruler !== null) this.#set({ armed: false, ruler: { from: this.ruler.from, to: point } });
  }

  // Bars are counted whole: what lies beside all of them is at the nearest.
  #at(x: number, y: number): RulerPoint | null {
    const { series, time, price } = this.#model;
    if (series.length === 0) return null;
    const index = Math.max(series.first, Math.min(series.last, Math.floor(time.index(x)))) as BarIndex;
    return { index, tick: price.tickAt(y) };
  }

  #set(state: RulerState): void {
    this.#store.set(state);
    this.#redraw();
  }
}
