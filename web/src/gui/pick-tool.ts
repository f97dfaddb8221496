import { type Readable, Store } from "../data/store";
import type { ChartModel } from "../model/chart-model";
import type { PickState } from "../model/pick";
import type { BarIndex } from "../protocol/units";

const none: PickState = { wants: null, from: null, to: null };

/** Bars that are shown with the mouse, a finger or Enter: from bar to bar, or one. */
export class PickTool {
  readonly #model: ChartModel;
  readonly #redraw: () => void;
  readonly #store = new Store<PickState>(none);
  #picked: ((from: BarIndex, to: BarIndex) => void) | null = null;

  constructor(model: ChartModel, redraw: () => void) {
    this.#model = model;
    this.#redraw = redraw;
  }

  get store(): Readable<PickState> {
    return this.#store;
  }

  get state(): PickState {
    return this.#store.get();
  }

  get armed(): boolean {
    return this.state.wants !== null;
  }

  /** The next drag or click shows it. */
  arm(wants: "range" | "bar", picked: (from: BarIndex, to: BarIndex) => void): void {
    this.#picked = picked;
    this.#set({ wants, from: null, to: null });
  }

  /** Leave it. @returns whether something was to be shown */
  clear(): boolean {
    const wasArmed = this.armed;
    this.#picked = null;
    if (wasArmed) this.#set(none);
    return wasArmed;
  }

  /** Begin at a place of the price pane, in its device pixels. */
  start(x: number): void {
    const at = this.#at(x);
    if (at !== null) this.#set({ ...this.state, from: at, to: at });
  }

  move(x: number): void {
    const at = this.#at(x);
    if (at === null || this.state.from === null) return;
    this.#set(this.state.wants === "bar" ? { ...this.state, from: at, to: at } : { ...this.state, to: at });
  }

  /** What is shown is taken. */
  take(): void {
    const { from, to } = this.state;
    const picked = this.#picked;
    if (from === null || to === null || picked === null) return;
    this.clear();
    picked(from, to);
  }

  /** By the keyboard: the bars on screen, or the first of them. */
  takeVisible(): void {
    const { from, to } = this.#model.visibleBars();
    if (to < from) return;
    this.#set({ ...this.state, from: from as BarIndex, to: (this.state.wants === "bar" ? from : to) as BarIndex });
    this.take();
  }

  // What lies beside all bars is at the nearest.
  #at(x: number): BarIndex | null {
    const { series, time } = this.#model;
    if (series.length === 0) return null;
    return Math.max(series.first, Math.min(series.last, Math.floor(time.index(x)))) as BarIndex;
  }

  #set(state: PickState): void {
    this.#store.set(state);
    this.#redraw();
  }
}
