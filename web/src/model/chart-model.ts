import { BarSeries, type SeriesChange } from "../data/bar-series";
import { StudyBoard } from "../data/study-board";
import type { Gap } from "../data/topic-feed";
import type { SnapshotMeta } from "../protocol/messages";
import { type BarIndex, type Dpx, dpx, type Lot } from "../protocol/units";
import {
  type AutoScale,
  autoScaleModes,
  type Content,
  centreOf,
  placeAll,
  recentre,
  refit,
  type Stretches,
} from "./auto-scale";
import { barLengthNs } from "./bar-length";
import { typicalLot } from "./cells";
import { contentOf, isAnySeen, stretchesOf } from "./content";
import { type Grid, parseGrid } from "./decimal";
import { type QuantityStyle, quantityStyle } from "./format";
import { areServers, markerOf, rulesOf } from "./imbalance";
import type { OptionLevels } from "./option-levels";
import { type Palette, paletteOf } from "./palette";
import { PaneScales } from "./pane-scales";
import { type Extent, type Left, Place, type ReturnPlace } from "./place";
import { PriceScale } from "./price-scale";
import { defaultSettings, type Settings, type SystemLook, themeOf } from "./settings";
import { Zones } from "./study-zones";
import { TimeScale } from "./time-scale";
import { ZoneClock } from "./time-zone";

/** What reaches no further than this into the pane is not in sight. */
const sliverCss = 4;
/** Pixels, in CSS, that the chart keeps free above and below what it fits. */
const marginsCss = { top: 10, bottom: 10 } as const;
/** Rows of the first view: numbers of 9 px stand in the lowest, and higher ones than the highest show no more. */
const firstRowCss = { normal: { least: 12, most: 30 }, compact: { least: 12, most: 22 } } as const;
/** After a trend that does not fit, fewer and wider bars leave less of the pane empty. */
const barsOnOpening = [16.5, 13.5, 11.5] as const;
/** Bars narrower than this hold no numbers: rows need no height to be read, and all bars on screen fit. */
const readableBarCss = 50;
const narrowestFirstBarCss = 65;
/** Two columns of numbers stand in bars of this width. */
const twoColumnsCss = 150;
/** What is left free at the right of the newest bar; less where few bars have room. */
const rightRoomBars = { many: 1, few: 0.4, fewBelow: 8 } as const;

/** Bars that are asked for at once, at the most, to stand at an older place. */
const mostBarsBack = 6000;

/** Everything that the chart shows and where: no DOM, no drawing, no clock. */
export class ChartModel {
  series = new BarSeries();
  meta: SnapshotMeta | null = null;
  gaps: readonly Gap[] = [];
  /** Open interest of the venue's candles, by the time of their open, as text. */
  openInterest: ReadonlyMap<bigint, string> = new Map();
  /** Where options are held, while a chain is looked at. */
  optionLevels: OptionLevels | null = null;
  /** Whether older bars are being loaded. */
  olderComes = false;
  /** Whether what is received is written to disk. */
  recorded = true;
  readonly time = new TimeScale();
  readonly price = new PriceScale();
  readonly panes = new PaneScales();
  /** What studies say of the bars. */
  studies = new StudyBoard();
  /** Of studies whose outputs were chosen by hand: which of them are drawn, by label. */
  shows: ReadonlyMap<string, readonly string[]> = new Map();
  readonly zones = new Zones();
  tick: Grid = parseGrid("1");
  quantity: QuantityStyle = quantityStyle("base", parseGrid("1"), 1);
  /** A large but common cell, in lots: what colours are measured against. Moves seldom, so that colours do not flicker. */
  typical = 1;
  autoScale: AutoScale = "centre";
  following = true;
  clock = new ZoneClock("UTC");
  settings: Settings = defaultSettings;
  palette: Palette = paletteOf("dark", "classic");
  dpr = 1;
  #shownFrom = 0;
  #shownTo = 0;
  #place: Left | null = null;
  #keepsRows = false;
  #placed = false;
  #fitNow = false;
  #isOverview = false;
  #lastAuto: AutoScale = "centre";
  #closedSinceTypical = 0;
  readonly #stands = new Place();

  /** @param system what the system asks for: a light theme, more contrast than usual */
  apply(settings: Settings, system: SystemLook = { isLight: false, isStrong: false }): void {
    this.settings = settings;
    this.palette = paletteOf(themeOf(settings.theme, system.isLight), settings.hue, system.isStrong);
    this.#setFormats();
    this.#setMarker();
  }

  // Cells keep the marks they came with while the reader's imbalances are those of the engine.
  #setMarker(): void {
    if (this.meta === null) return;
    const rules = rulesOf(this.settings, parseGrid(this.meta.lot_size));
    this.series.marker = areServers(rules, this.meta) ? null : markerOf(rules);
  }

  resize(extent: Extent): void {
    this.dpr = extent.dpr;
    this.time.resize(extent.width, extent.dpr);
    this.price.resize(extent.priceHeight, extent.dpr);
    this.panes.resize(this, extent.paneHeights);
    if (!this.#placed && this.series.length > 0) this.#setPlace();
  }

  /** Remember the place before another topic is opened. */
  leave(): void {
    this.#place = this.#left() ?? this.#place;
  }

  /** What another page needs to stand here; null without bars. */
  returnPlace(): ReturnPlace | null {
    const left = this.#left();
    if (left === null) return null;
    const { row, ticksPerLevel } = this.price;
    const scales = { barCss: this.time.bar / this.dpr, rowCss: row / this.dpr, ticksPerLevel };
    return { ...left, ...scales, autoScale: this.autoScale };
  }

  /** Open the next topic where another page stood, with its scales. */
  returnTo(place: ReturnPlace): void {
    this.#place = place;
    this.#keepsRows = true;
    this.time.setBar(place.barCss * this.dpr);
    this.price.setTicksPerLevel(place.ticksPerLevel);
    this.price.set(place.rowCss * this.dpr, place.centreTick / place.ticksPerLevel);
    this.autoScale = place.autoScale;
  }

  /** Whether the bars of the place are not held yet: older ones are wanted. */
  get seeksOlder(): boolean {
    return this.#stands.isLost;
  }

  #left(): Left | null {
    if (this.meta === null || this.series.length === 0) return null;
    const right = Math.min(this.series.last, Math.max(this.series.first, Math.floor(this.time.right)));
    return {
      symbol: this.meta.symbol,
      bars: this.meta.bars,
      following: this.following,
      offset: this.time.right - this.series.end,
      rightNs: this.series.openNs(right as BarIndex),
      fraction: Math.max(0, Math.min(1, this.time.right - right)),
      centreTick: this.price.centre * this.price.ticksPerLevel,
    };
  }

  /** How many bars of a kind lie between the place that is shown, or is to be shown, and now, with a screen before it. */
  barsBackTo(symbol: string, bars: string): number {
    const left = this.#left() ?? this.#place;
    if (left === null || left.following || left.symbol !== symbol) return 0;
    const screens = Math.ceil(2 * this.time.visible);
    const lengthNs = barLengthNs(bars);
    if (lengthNs === null || this.series.length === 0) return Math.min(mostBarsBack, 3000 + screens);
    const back = (this.series.closeNs(this.series.last) - left.rightNs) / lengthNs;
    return Math.min(mostBarsBack, Number(back) + screens);
  }

  /** Show a topic whose first bars are there. */
  open(series: BarSeries, meta: SnapshotMeta, studies = new StudyBoard()): void {
    [this.series, this.meta, this.studies, this.olderComes] = [series, meta, studies, false];
    this.zones.join(series, meta.ticks_per_level);
    this.tick = parseGrid(meta.tick_size);
    this.typical = typicalLot(series);
    this.#setFormats();
    this.#setMarker();
    this.panes.setAuto();
    this.#placed = false;
    if (this.time.width > 1) this.#setPlace();
  }

  changed(change: SeriesChange): void {
    this.#closedSinceTypical += change.appended;
    if (this.following) {
      this.time.setRight(
        change.renumbered ? this.series.end + this.#stands.beyondEnd : this.time.right + change.appended,
      );
    } else if (change.renumbered) this.#stands.find(this.series, this.time);
    if (this.#closedSinceTypical >= 30) this.#measureAgain();
  }

  /** Older bars have come: what was looked at may be held again. */
  prepended(): void {
    if (this.#stands.isLost) this.#stands.find(this.series, this.time);
  }

  /** Whether none of the bars on screen is in sight, or the last price is not while it is followed. */
  get priceIsOff(): boolean {
    if (this.autoScale !== "manual" || this.series.length === 0) return false;
    const { from, to } = this.visibleBars();
    if (to < from) return false;
    const { low, high } = this.price.span();
    const sliver = this.px(sliverCss) / this.price.row;
    if (!isAnySeen(this.#stretches(from, to), low + sliver, high - sliver)) return true;
    const { anchor } = this.#content(from, to);
    return this.following && (anchor < low || anchor > high);
  }

  /** Whether the newest bar can be seen whole. */
  get lastInSight(): boolean {
    return this.series.length > 0 && this.time.right >= this.series.end - 0.02;
  }

  panTime(dx: number): void {
    this.time.pan(dx);
    this.#afterMove();
  }

  // Making bars narrower brings more of them, and no more emptiness: neither behind the newest nor before the oldest.
  zoomTime(x: number, factor: number): void {
    const empty = Math.max(0, (this.time.right - this.series.end) * this.time.bar);
    this.time.zoomAt(x, Math.max(factor, this.time.leastFactor(this.series.length, this.olderComes)));
    if (factor < 1) {
      const most = this.series.end + Math.max(this.#rightRoom(), empty / this.time.bar);
      this.time.setRight(Math.min(this.time.right, most));
    }
    this.#afterMove();
  }

  /** Widen bars that show one column of numbers until two fit. @returns whether they were too narrow */
  makeRoom(): boolean {
    const { bar, width } = this.time;
    const isNarrow = bar < twoColumnsCss * this.dpr;
    if (isNarrow) this.zoomTime(this.following ? width : width / 2, (twoColumnsCss * this.dpr) / bar);
    return isNarrow;
  }

  panBars(bars: number): void {
    this.time.setRight(this.time.right + bars);
    this.#afterMove();
  }

  panPrice(dy: number): void {
    this.autoScale = "manual";
    this.price.pan(dy);
  }

  panRows(rows: number): void {
    this.autoScale = "manual";
    this.price.set(this.price.row, this.price.centre + rows);
  }

  /** In `centre` mode the height of rows is the user's and the place the chart's; else the scale becomes manual. */
  zoomPrice(y: number, factor: number): void {
    if (this.autoScale === "fit" || this.#isOverview) this.autoScale = "manual";
    this.price.zoomAt(y, factor);
  }

  toOldest(): void {
    this.time.setRight(this.series.first + this.time.visible);
    this.#afterMove();
  }

  toLatest(): void {
    this.time.setRight(this.series.end + this.#rightRoom());
    this.#afterMove();
    this.#shownFrom = Number.NaN;
  }

  defaultBarWidth(): void {
    this.time.setBar(this.#firstBar());
  }

  setAutoScale(mode: AutoScale): void {
    this.autoScale = mode;
    if (mode !== "manual") this.#lastAuto = mode;
    this.#fitNow = mode === "fit";
    if (mode === "centre") this.#firstRows();
  }

  /** Out of `manual` back to the automatic mode that was last in force, or from one of those to fitting all bars on screen. */
  resetPrice(): void {
    this.setAutoScale(this.autoScale === "manual" ? this.#lastAuto : "fit");
  }

  nextAutoScale(): AutoScale {
    const next = autoScaleModes[(autoScaleModes.indexOf(this.autoScale) + 1) % autoScaleModes.length] ?? "fit";
    this.setAutoScale(next);
    return next;
  }

  /** Bars on screen; empty (`to < from`) without data. */
  visibleBars(): { readonly from: number; readonly to: number } {
    return this.time.range(this.series.first, this.series.end);
  }

  /** Let the scales that look after themselves do so; called before a full frame. */
  settle(): void {
    if (this.series.length === 0) return;
    this.time.clamp(this.series.first, this.series.end);
    this.#stands.note(this.series, this.time);
    const { from, to } = this.visibleBars();
    if (to < from) return;
    const setChanged = from !== this.#shownFrom || to !== this.#shownTo;
    this.#shownFrom = from;
    this.#shownTo = to;
    this.#settlePrice(from, to, setChanged);
    this.panes.settle(this, from, to);
  }

  #settlePrice(from: number, to: number, setChanged: boolean): void {
    if (this.autoScale === "manual") return;
    const content = this.#content(from, to);
    const span = this.price.span();
    const view = { low: span.low, high: span.high, height: this.price.height };
    const wasOverview = this.#isOverview;
    this.#isOverview = this.time.bar < readableBarCss * this.dpr;
    if (this.autoScale === "centre" && !this.#isOverview) {
      if (wasOverview) {
        this.#firstRows();
        return;
      }
      const centre = recentre(content, view, () => this.#stretches(from, to));
      if (centre !== null) this.price.set(this.price.row, centre);
      return;
    }
    const margins = this.#margins();
    const placement = this.#fitNow
      ? placeAll(content, view.height, margins)
      : refit(content, view, margins, setChanged);
    this.#fitNow = false;
    if (placement !== null) this.price.set(placement.row, placement.centre);
  }

  #content(from: number, to: number): Content {
    return contentOf(this.series, this.price.ticksPerLevel, from, to, this.lastInSight ? this.series.last : to);
  }

  #stretches(from: number, to: number): Stretches {
    return stretchesOf(this.series, this.price.ticksPerLevel, from, to);
  }

  #afterMove(): void {
    this.#stands.forget();
    this.time.clamp(this.series.first, this.series.end);
    this.following = this.lastInSight;
  }

  #margins(): { readonly top: number; readonly bottom: number } {
    return { top: marginsCss.top * this.dpr, bottom: marginsCss.bottom * this.dpr };
  }

  #rightRoom(): number {
    return this.time.visible < rightRoomBars.fewBelow ? rightRoomBars.few : rightRoomBars.many;
  }

  #firstBar(bars: number = barsOnOpening[0]): number {
    return Math.round(Math.max(narrowestFirstBarCss * this.dpr, this.time.width / bars));
  }

  #setPlace(): void {
    this.#placed = true;
    const meta = this.meta as SnapshotMeta;
    const place = this.#place?.symbol === meta.symbol ? this.#place : null;
    this.#place = null;
    this.#shownFrom = Number.NaN;
    if (place === null) {
      this.#firstView(meta);
      return;
    }
    this.following = place.following;
    if (place.following) this.time.setRight(this.series.end + Math.max(this.#rightRoom(), place.offset));
    else this.#stands.seek(place.rightNs, place.bars === meta.bars ? place.fraction : 1, this.series, this.time);
    const keepsRows = this.#keepsRows;
    this.#keepsRows = false;
    if (this.autoScale === "manual") {
      this.price.setTicksPerLevel(meta.ticks_per_level);
      return;
    }
    const row = this.price.row;
    this.price.setTicksPerLevel(meta.ticks_per_level);
    this.price.set(row, place.centreTick / meta.ticks_per_level);
    if (this.following && this.autoScale === "centre" && !keepsRows) this.#firstRows();
  }

  #firstView(meta: SnapshotMeta): void {
    this.following = true;
    this.defaultBarWidth();
    this.time.setRight(this.series.end + this.#rightRoom());
    this.price.setTicksPerLevel(meta.ticks_per_level);
    this.autoScale = "centre";
    for (const bars of barsOnOpening) {
      this.time.setBar(this.#firstBar(bars));
      this.time.setRight(this.series.end + this.#rightRoom());
      if (this.#firstRows()) break;
    }
  }

  /**
   * As high as all bars on screen allow, within what can be read; see `centreOf` where not all can be in sight.
   *
   * @returns whether all bars on screen fit
   */
  #firstRows(): boolean {
    const { from, to } = this.visibleBars();
    if (to < from) return true;
    const content = this.#content(from, to);
    const { least, most } = firstRowCss[this.settings.density];
    const fitted = placeAll(content, this.price.height, this.#margins());
    const row = Math.min(most * this.dpr, Math.max(least * this.dpr, fitted.row));
    const span = this.price.height / Math.round(row);
    this.price.set(row, row === fitted.row ? fitted.centre : centreOf(content, span, this.#stretches(from, to)));
    return content.high - content.low <= span;
  }

  #measureAgain(): void {
    this.#closedSinceTypical = 0;
    const now = typicalLot(this.series);
    if (now > this.typical * 1.4 || now < this.typical / 1.4) {
      this.typical = now;
      this.#setFormats();
    }
  }

  #setFormats(): void {
    if (this.meta === null) return;
    this.quantity = quantityStyle(this.settings.unit, parseGrid(this.meta.lot_size), this.typical as Lot);
    const zone = this.settings.zone === "exchange" ? this.meta.tz : this.settings.zone;
    if (this.clock.zone !== zone || zone === "local") this.clock = new ZoneClock(zone);
  }

  px(css: number): Dpx {
    return dpx(Math.round(css * this.dpr));
  }
}
