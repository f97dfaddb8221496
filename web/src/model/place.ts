import type { BarSeries } from "../data/bar-series";
import type { BarIndex, Dpx } from "../protocol/units";
import type { AutoScale } from "./auto-scale";
import type { PaneName } from "./cursor";
import type { TimeScale } from "./time-scale";

/** What has to be remembered to show the same place in another topic. */
export interface Left {
  readonly symbol: string;
  readonly following: boolean;
  readonly offset: number;
  /** The bar at the right edge, and how much of it is to the left of that. */
  readonly rightNs: bigint;
  readonly fraction: number;
  readonly bars: string;
  readonly centreTick: number;
}

/** The same with its scales: what another page of the same chart needs to look alike. */
export interface ReturnPlace extends Left {
  readonly barCss: number;
  readonly rowCss: number;
  readonly ticksPerLevel: number;
  readonly autoScale: AutoScale;
}

/** The size of the plots, in device pixels. */
export interface Extent {
  readonly width: Dpx;
  readonly priceHeight: Dpx;
  /** By the panes' ids. */
  readonly paneHeights: ReadonlyMap<PaneName, Dpx>;
  readonly dpr: number;
}

/** Where the view stands, in times rather than in numbers of bars: these change when history is read anew. */
export class Place {
  /** How far the right edge stands behind the newest bar, in bars. */
  beyondEnd = 0;
  #rightNs = 0n;
  #rightFraction = 0;
  #isLost = false;

  /** Whether the bars of the place are not held: it is found again when they have come. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** The user has chosen another place. */
  forget(): void {
    this.#isLost = false;
  }

  note(series: BarSeries, time: TimeScale): void {
    this.beyondEnd = time.right - series.end;
    if (this.#isLost) return;
    const at = Math.max(series.first, Math.min(series.last, Math.floor(time.right))) as BarIndex;
    this.#rightNs = series.openNs(at);
    this.#rightFraction = time.right - at;
  }

  /** Stand at a time, as soon as its bars are held; until then at the oldest that are. */
  seek(rightNs: bigint, fraction: number, series: BarSeries, time: TimeScale): void {
    [this.#rightNs, this.#rightFraction] = [rightNs, fraction];
    this.find(series, time);
    if (this.#isLost) time.setRight(series.first + time.visible);
  }

  find(series: BarSeries, time: TimeScale): void {
    const at = series.at(this.#rightNs);
    this.#isLost = at === null;
    if (at !== null) time.setRight(at + this.#rightFraction);
  }
}
