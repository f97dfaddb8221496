import type { BarSeries } from "../data/bar-series";
import {
  type AutoScale,
  autoScaleModes,
  type Content,
  centreOf,
  type Margins,
  placeAll,
  recentre,
  refit,
  type Stretches,
} from "./auto-scale";
import { contentOf, isAnySeen, stretchesOf } from "./content";
import type { PriceScale } from "./price-scale";
import type { Settings } from "./settings";
import type { TimeScale } from "./time-scale";

/** What reaches no further than this into the pane is not in sight. */
const sliverCss = 4;
/** Pixels, in CSS, that the chart keeps free above and below what it fits. */
const marginsCss = { top: 10, bottom: 10 } as const;
/**
 * Rows of the first view: numbers of 10 px stand in the lowest, and higher ones than the highest show no more. A high pane
 * has so many rows that each may be higher, up to `roomy`.
 */
const firstRowCss = {
  normal: { least: 12, roomy: 15, most: 30 },
  compact: { least: 12, roomy: 12, most: 22 },
} as const;
const rowsEnough = 44;
/** Bars narrower than this hold no numbers: rows need no height to be read, and all bars on screen fit. */
const readableBarCss = 50;

/** The bars on screen (empty where `to < from`), and the one whose close is kept in sight. */
export interface OnScreen {
  readonly series: BarSeries;
  readonly from: number;
  readonly to: number;
  readonly anchor: number;
}

/** The price scale as it looks after itself, until the user takes it. */
export class PriceView {
  mode: AutoScale = "centre";
  readonly #price: PriceScale;
  readonly #time: TimeScale;
  #fitNow = false;
  #isOverview = false;
  #placeNow = false;
  #rowIsUsers = false;
  #lastAuto: AutoScale = "centre";

  constructor(price: PriceScale, time: TimeScale) {
    this.#price = price;
    this.#time = time;
  }

  setMode(mode: AutoScale): void {
    this.mode = mode;
    if (mode !== "manual") this.#lastAuto = mode;
    this.#fitNow = mode === "fit";
  }

  /** The one after the present mode. */
  get nextMode(): AutoScale {
    return autoScaleModes[(autoScaleModes.indexOf(this.mode) + 1) % autoScaleModes.length] ?? "fit";
  }

  /** Out of `manual` back to the automatic mode that was last in force, or from one of those to fitting all bars on screen. */
  get resetMode(): AutoScale {
    return this.mode === "manual" ? this.#lastAuto : "fit";
  }

  /** In `centre` mode the height of rows is the user's and the place the chart's; else the scale becomes manual. */
  zoom(y: number, factor: number): void {
    if (this.mode === "fit" || this.#isOverview) this.mode = "manual";
    this.#price.zoomAt(y, factor);
    this.#rowIsUsers = true;
  }

  /** Quite other bars are on screen: they are placed anew, and not where those before them happened to be. */
  jump(): void {
    [this.#fitNow, this.#placeNow] = [true, true];
  }

  /** Whether none of the bars on screen is in sight, or, while it is followed, the last price is not. */
  isOff(shown: OnScreen, dpr: number, following: boolean): boolean {
    if (this.mode !== "manual" || shown.to < shown.from) return false;
    const { low, high } = this.#price.span();
    const sliver = Math.round(sliverCss * dpr) / this.#price.row;
    if (!isAnySeen(this.#stretches(shown), low + sliver, high - sliver)) return true;
    const { anchor } = this.#content(shown);
    return following && (anchor < low || anchor > high);
  }

  /** @param setChanged other bars are on screen than at the frame before */
  settle(shown: OnScreen, dpr: number, density: Settings["density"], setChanged: boolean): void {
    const placesNow = this.#placeNow;
    this.#placeNow = false;
    if (this.mode === "manual") return;
    const wasOverview = this.#isOverview;
    this.#isOverview = this.#time.bar < readableBarCss * dpr;
    if (this.mode === "fit" || this.#isOverview) this.#fit(shown, dpr, setChanged);
    else if (wasOverview || (placesNow && !this.#rowIsUsers)) this.firstRows(shown, dpr, density);
    else {
      const [content, view] = [this.#content(shown), this.#view()];
      const stretches = (): Stretches => this.#stretches(shown);
      const centre = placesNow
        ? centreOf(content, view.high - view.low, stretches())
        : recentre(content, view, stretches, setChanged);
      if (centre !== null) this.#price.set(this.#price.row, centre);
    }
  }

  /**
   * As high as all bars on screen allow, within what can be read; see `centreOf` where not all can be in sight.
   *
   * @returns whether all bars on screen fit
   */
  firstRows(shown: OnScreen, dpr: number, density: Settings["density"]): boolean {
    if (shown.to < shown.from) return true;
    this.#rowIsUsers = false;
    const content = this.#content(shown);
    const { least: lowest, roomy, most } = firstRowCss[density];
    const least = Math.min(roomy, Math.max(lowest, this.#price.height / dpr / rowsEnough));
    const fitted = placeAll(content, this.#price.height, marginsOf(dpr));
    const row = Math.min(most * dpr, Math.max(least * dpr, fitted.row));
    const span = this.#price.height / Math.round(row);
    this.#price.set(row, row === fitted.row ? fitted.centre : centreOf(content, span, this.#stretches(shown)));
    return content.high - content.low <= span;
  }

  #fit(shown: OnScreen, dpr: number, setChanged: boolean): void {
    const [content, view, margins] = [this.#content(shown), this.#view(), marginsOf(dpr)];
    const placement = this.#fitNow
      ? placeAll(content, view.height, margins)
      : refit(content, view, margins, setChanged);
    this.#fitNow = false;
    if (placement !== null) this.#price.set(placement.row, placement.centre);
  }

  #view(): { readonly low: number; readonly high: number; readonly height: number } {
    const { low, high } = this.#price.span();
    return { low, high, height: this.#price.height };
  }

  #content({ series, from, to, anchor }: OnScreen): Content {
    return contentOf(series, this.#price.ticksPerLevel, from, to, anchor);
  }

  #stretches({ series, from, to }: OnScreen): Stretches {
    return stretchesOf(series, this.#price.ticksPerLevel, from, to);
  }
}

const marginsOf = (dpr: number): Margins => ({ top: marginsCss.top * dpr, bottom: marginsCss.bottom * dpr });
