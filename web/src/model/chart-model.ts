import { BarSeries, type SeriesChange } from "../data/bar-series";
import { StudyBoard } from "../data/study-board";
import type { Gap } from "../data/topic-feed";
import type { RollSpan, SnapshotMeta } from "../protocol/messages";
import type { ToldName } from "../protocol/streams";
import { type BarIndex, type Dpx, dpx, type Lot } from "../protocol/units";
import type { AutoScale } from "./auto-scale";
import { barLengthNs } from "./bar-length";
import { typicalLot } from "./cells";
import { type Grid, parseGrid } from "./decimal";
import { cellQuantity, type QuantityStyle, quantityStyle } from "./format";
import { apartOf, areServers, markerOf, rulesOf } from "./imbalance";
import { type NumberSigns, plainSigns, signsOf } from "./number-signs";
import type { OptionLevels } from "./option-levels";
import { OrderBoard } from "./orders";
import { type Palette, paletteOf } from "./palette";
import { PaneScales } from "./pane-scales";
import { type Extent, type Left, Place, type ReturnPlace } from "./place";
import { PriceScale } from "./price-scale";
import { type OnScreen, PriceView } from "./price-view";
import { ProfileBoard } from "./profiles";
import { stepsPerLot } from "./quantity-unit";
import { defaultSettings, type Settings, type SystemLook, themeOf } from "./settings";
import { Zones } from "./study-zones";
import { TimeScale } from "./time-scale";
import { ZoneClock } from "./time-zone";
import type { ToldShown } from "./told";

/** After a trend that does not fit, fewer and wider bars leave less of the pane empty. */
const barsOnOpening = [16.5, 14.5, 13] as const;
const narrowestFirstBarCss = { usual: 70, long: 96 } as const;
const widestFirstBarCss = 132;
/** Two columns of numbers stand in bars of this width. */
const twoColumnsCss = { least: 122, most: 150 } as const;
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
  /** Where another contract takes over in a continuous future. */
  rolls: readonly RollSpan[] = [];
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
  /** What is told beside the trades, by the names of the streams that are listened to. */
  told: ReadonlyMap<ToldName, ToldShown> = new Map();
  readonly zones = new Zones();
  /** Profiles as the server has them. */
  readonly profiles = new ProfileBoard();
  /** Large orders as the server has them. */
  readonly orders = new OrderBoard();
  tick: Grid = parseGrid("1");
  /** How numbers are written. */
  signs: NumberSigns = plainSigns;
  quantity: QuantityStyle = quantityStyle("base", parseGrid("1"), 1);
  /** A large but common cell, in lots: what colours are measured against. Moves seldom, so that colours do not flicker. */
  typical = 1;
  following = true;
  clock = new ZoneClock("UTC");
  settings: Settings = defaultSettings;
  palette: Palette = paletteOf("dark", "classic");
  dpr = 1;
  #shownFrom = 0;
  #shownTo = 0;
  #place: Left | null = null;
  /** Bars that were made wider for a second column: from and to. */
  #widened: { readonly from: number; readonly to: number } | null = null;
  #keepsRows = false;
  #placed = false;
  #gutter = 0;
  #closedSinceTypical = 0;
  readonly #stands = new Place();
  readonly #priceView = new PriceView(this.price, this.time);

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
    this.series.apart = apartOf(rules);
  }

  /** Keep room free before the axis for profiles: a share of the plot. */
  set gutter(share: number) {
    this.#gutter = share;
    this.time.setGutter(share);
  }

  resize(extent: Extent): void {
    this.dpr = extent.dpr;
    this.time.resize(extent.width, extent.dpr);
    this.time.setGutter(this.#gutter);
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

  get autoScale(): AutoScale {
    return this.#priceView.mode;
  }

  set autoScale(mode: AutoScale) {
    this.#priceView.mode = mode;
  }

  /** Whether none of the bars on screen is in sight, or the last price is not while it is followed. */
  get priceIsOff(): boolean {
    return this.series.length > 0 && this.#priceView.isOff(this.#onScreen(), this.dpr, this.following);
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
    const { bar } = this.time;
    const wide = this.#twoColumns() * this.dpr;
    if (bar >= wide) return false;
    this.#zoomBars(wide);
    this.#widened = { from: bar, to: this.time.bar };
    return true;
  }

  /** Back to one column: bars that were widened for two, and not zoomed since, are as they were. @returns whether they changed */
  giveRoom(): boolean {
    const widened = this.#widened;
    this.#widened = null;
    if (widened === null || widened.to !== this.time.bar) return false;
    this.#zoomBars(widened.from);
    return true;
  }

  #zoomBars(bar: number): void {
    const { bar: now, reach } = this.time;
    this.zoomTime(this.following ? reach : reach / 2, bar / now);
  }

  // Where there is little room two bars are better than one and a half.
  #twoColumns(): number {
    return Math.max(twoColumnsCss.least, Math.min(twoColumnsCss.most, this.time.reach / this.dpr / 2.5));
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
    this.#priceView.zoom(y, factor);
  }

  toOldest(): void {
    this.#jumpTo(this.series.first + this.time.visible);
  }

  toLatest(): void {
    this.#jumpTo(this.series.end + this.#rightRoom());
    this.#shownFrom = Number.NaN;
  }

  #jumpTo(right: number): void {
    const before = this.time.right;
    this.time.setRight(right);
    this.#afterMove();
    if (Math.abs(this.time.right - before) > this.time.visible / 2) this.#priceView.jump();
  }

  defaultBarWidth(): void {
    this.time.setBar(this.#firstBar());
  }

  setAutoScale(mode: AutoScale): void {
    this.#priceView.setMode(mode);
    if (mode === "centre") this.#firstRows();
  }

  /** Out of `manual` back to the automatic mode that was last in force, or from one of those to fitting all bars on screen. */
  resetPrice(): void {
    this.setAutoScale(this.#priceView.resetMode);
  }

  nextAutoScale(): AutoScale {
    const next = this.#priceView.nextMode;
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
    const shown = this.#onScreen();
    const { from, to } = shown;
    if (to < from) return;
    const setChanged = from !== this.#shownFrom || to !== this.#shownTo;
    this.#shownFrom = from;
    this.#shownTo = to;
    this.#priceView.settle(shown, this.dpr, this.settings.density, setChanged);
    this.panes.settle(this, from, to);
  }

  #onScreen(): OnScreen {
    const { from, to } = this.visibleBars();
    return { series: this.series, from, to, anchor: this.lastInSight ? this.series.last : to };
  }

  #afterMove(): void {
    this.#stands.forget();
    this.time.clamp(this.series.first, this.series.end);
    this.following = this.lastInSight;
  }

  #rightRoom(): number {
    return this.time.visible < rightRoomBars.fewBelow ? rightRoomBars.few : rightRoomBars.many;
  }

  #firstBar(bars: number = barsOnOpening[0]): number {
    // A few bars are wide, rather than leave most of the plot empty.
    const fewCss = Math.min(widestFirstBarCss, this.time.reach / this.dpr / (this.series.length + 1));
    // Bars show their numbers, which are long where lots are many.
    const isLong = cellQuantity(this.typical, this.quantity).length > 4;
    const narrowCss = isLong ? narrowestFirstBarCss.long : narrowestFirstBarCss.usual;
    const leastCss = this.settings.second === "none" ? Math.max(narrowCss, fewCss) : this.#twoColumns();
    return Math.round(Math.max(leastCss * this.dpr, this.time.reach / bars));
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

  /** @returns whether all bars on screen fit */
  #firstRows(): boolean {
    return this.#priceView.firstRows(this.#onScreen(), this.dpr, this.settings.density);
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
    this.signs = signsOf(this.settings.numbers);
    this.tick = { ...parseGrid(this.meta.tick_size), signs: this.signs };
    const lot = { ...parseGrid(this.meta.lot_size), signs: this.signs };
    this.quantity = quantityStyle(this.settings.unit, lot, this.typical as Lot, stepsPerLot(this.meta));
    const zone = this.settings.zone === "exchange" ? this.meta.tz : this.settings.zone;
    if (this.clock.zone !== zone || zone === "local") this.clock = new ZoneClock(zone);
  }

  px(css: number): Dpx {
    return dpx(Math.round(css * this.dpr));
  }
}
