import type { SeriesChange } from "../data/bar-series";
import type { Hub } from "../data/hub";
import { isUnderlying, OptionsDesk } from "../data/options-desk";
import type { Rest } from "../data/rest";
import { type Clock, type Readable, Store } from "../data/store";
import { SymbolSearch } from "../data/symbol-search";
import { type FeedListener, type Gap, historyGoal, type Paging, TopicFeed } from "../data/topic-feed";
import { Chart } from "../gui/chart";
import { ChartInput } from "../gui/input";
import type { AutoScale } from "../model/auto-scale";
import { ChartModel } from "../model/chart-model";
import { Level } from "../model/invalidation";
import type { Command } from "../model/keymap";
import { optionLevels } from "../model/option-levels";
import type { PaneLayout } from "../model/pane-layout";
import type { CellMode, Settings, SystemLook } from "../model/settings";
import type { Choice, Dialog, TerminalFace, ViewState } from "../panels/face";
import type { InstrumentInfo, LoginRow, SnapshotMeta, Status } from "../protocol/messages";
import type { ChainReply } from "../protocol/options";
import type { BarIndex } from "../protocol/units";
import { runCommand } from "./commands";
import { Flow } from "./flow";
import { GapWords } from "./gap-words";
import { Inspection } from "./inspection";
import { type Clocks, LinkWords, type Shown } from "./link-words";
import { Logins } from "./logins";
import { Look } from "./look";
import { Numbers } from "./numbers";
import { PaneActions } from "./pane-actions";
import { Studies } from "./studies";
import { Tools } from "./tools";
import { Waiting } from "./waiting";

const moreBars = 960;

/** What the terminal needs of the page around it. */
export interface TerminalHost {
  readonly root: HTMLElement;
  readonly hub: Hub;
  readonly rest: Rest;
  readonly clock: Clock;
  readonly storage: Storage | null;
  /** What the system asks for. */
  readonly look: SystemLook;
  readonly clocks: Clocks;
  /** The chart that is shown has another address now. */
  addressed(symbol: string, bars: string, step: number | null): void;
}

/** One chart with its feed: joins data, model, drawing and panels, and carries out commands. */
export class Terminal implements TerminalFace {
  readonly model = new ChartModel();
  readonly #numbers = new Numbers(this.model, () => this.chart);
  readonly legend = this.#numbers.legend;
  readonly header = this.#numbers.header;
  readonly countdown = this.#numbers.countdown;
  readonly readout = this.#numbers.readout;
  readonly spoken = this.#numbers.spoken;
  readonly titles = this.#numbers.titles;
  readonly overlays = this.#numbers.overlays;
  readonly studies: Studies;
  readonly panes: PaneActions;
  readonly flow: Flow;
  readonly troubles = this.#numbers.troubles;
  readonly inference = this.#numbers.inference;
  readonly chart: Chart;
  readonly look: Look;
  readonly settings: Look["settings"];
  readonly theme: Look["theme"];
  readonly offersPalette: Look["offersPalette"];
  readonly tools: Tools;
  readonly instruments = new Store<readonly InstrumentInfo[]>([]);
  readonly symbols: SymbolSearch;
  readonly feeds: Hub["feeds"];
  readonly choice = new Store<Choice>({ symbol: "", bars: "1m", step: null });
  readonly meta = new Store<SnapshotMeta | null>(null);
  readonly view = new Store<ViewState>({
    following: true,
    autoScale: "centre",
    maximised: null,
    priceIsOff: false,
  });
  readonly dialog = new Store<Dialog | null>(null);
  readonly notice = new Store("");
  /** Nothing is stored and nothing is live: there is no chart to open. */
  readonly isEmpty = new Store(false);
  readonly paging = new Store<Paging>("idle");
  readonly options: OptionsDesk;
  readonly #inspection: Inspection;
  readonly #host: TerminalHost;
  readonly #words: LinkWords;
  readonly #waiting: Waiting;
  readonly #logins: Logins;
  readonly gapNews: GapWords;
  #stepChosen = false;
  #asksDefault = true;
  #feed: TopicFeed | null = null;
  #coming: TopicFeed | null = null;
  readonly #input: ChartInput;

  constructor(host: TerminalHost) {
    this.#host = host;
    this.look = new Look(this.model, {
      storage: host.storage,
      look: host.look,
      panes: () => ({
        panes: this.chart.panes,
        studies: this.studies.chosen.get(),
        flow: this.flow.settings.get(),
      }),
      changed: () => this.#redraw(),
    });
    ({ settings: this.settings, theme: this.theme, offersPalette: this.offersPalette } = this.look);
    this.chart = new Chart(host.root, this.model, {
      viewMoved: () => this.#viewMoved(),
      cursorMoved: (cursor) => this.#numbers.point(cursor),
      panesChanged: () => this.#panesChanged(),
    });
    this.studies = new Studies(
      {
        rest: host.rest,
        chart: () => this.chart,
        feed: () => this.#feed,
        changed: () => this.#panesChanged(),
        problem: (words) => this.notice.set(words),
      },
      this.look.first.studies,
    );
    this.panes = new PaneActions(
      () => this.chart,
      this.studies,
      (label) => this.open({ kind: "study", label }),
    );
    this.flow = new Flow(this.model, this.look.first.flow, {
      changed: () => this.look.save(),
      openBar: (index) => this.#inspection.showTable(index),
    });
    this.model.shows = this.studies.shows;
    this.chart.setPanes(this.look.first.panes);
    this.tools = new Tools(this, host.rest, host.clock);
    this.chart.ruler.store.subscribe(() => this.tools.showRuler());
    this.#input = new ChartInput(this.chart, {
      cellChosen: (index, row) => this.#inspection.showCell(index, row),
      paneMaximised: () => this.#showView(),
    });
    this.#inspection = new Inspection(this.model, host.rest, (cell) => {
      this.chart.painter.marked = cell;
      this.chart.invalidate(Level.light);
    });
    this.#words = new LinkWords(host.hub, host.clocks, () => this.#shown());
    this.#waiting = new Waiting(host.hub, host.clock, () => this.openTopic(this.choice.get()));
    this.gapNews = new GapWords(host.clock);
    [this.symbols, this.feeds] = [new SymbolSearch(host.rest, host.clock), host.hub.feeds];
    this.options = new OptionsDesk(host.rest, host.clock);
    this.options.view.subscribe(({ chain }) => this.#showLevels(chain));
    this.meta.subscribe(() => this.#showLevels(this.options.view.get().chain));
    this.#logins = new Logins(host.rest, host.clock);
    void this.#logins.look();
    this.instruments.subscribe(() => this.#words?.look());
    host.hub.onProblem((message) => this.notice.set(message));
  }

  // A chain is at the prices of its underlying: on the chart of something else its levels would say nothing.
  #showLevels(chain: ChainReply | null): void {
    const charted = this.meta.get()?.symbol;
    const isShown = chain !== null && charted !== undefined && isUnderlying(chain.symbol, charted);
    const levels = isShown ? optionLevels(chain, this.model.tick) : null;
    if (levels === null && this.model.optionLevels === null) return;
    this.model.optionLevels = levels;
    this.chart.invalidate(Level.full);
  }

  get layout(): Readable<PaneLayout> {
    return this.chart.layout;
  }

  get link(): LinkWords["store"] {
    return this.#words.store;
  }

  get waiting(): Waiting["store"] {
    return this.#waiting.store;
  }

  get logins(): Logins["store"] {
    return this.#logins.store;
  }

  logIn(venue: string, way: string, fields: Readonly<Record<string, string>>): Promise<LoginRow> {
    return this.#logins.logIn(venue, way, fields);
  }

  get inspector(): Inspection["store"] {
    return this.#inspection.store;
  }

  get status(): Status | null {
    return this.#numbers.status;
  }

  /** Everything of the page that lives on its own: for tests and for a page that is taken down. */
  destroy(): void {
    this.#feed?.close();
    this.#coming?.close();
    this.#input.destroy();
    this.#words.destroy();
    this.chart.destroy();
  }

  // --- what is shown -------------------------------------------------------------------------------------------------

  /** Open the chart of an address, or the first one. */
  openAsked(choice: Choice): void {
    this.#stepChosen = choice.step !== null;
    this.openTopic(choice);
  }

  /** Open a chart; what is on screen stays until the first bars of the new one are there. */
  openTopic(choice: Choice, studies = this.studies.requests): void {
    this.choice.set(choice);
    this.isEmpty.set(false);
    this.notice.set("");
    this.#waiting.stop();
    this.#words.look();
    this.#coming?.close();
    this.#asksDefault = choice.step === null;
    const request = {
      symbol: choice.symbol,
      bars: choice.bars,
      ...(choice.step === null ? {} : { ticks_per_level: choice.step }),
    };
    const feed: TopicFeed = new TopicFeed(
      this.#host.hub,
      this.#host.rest,
      this.#host.clock,
      { topic: request, studies, bars: this.model.barsBackTo(choice.symbol, choice.bars) },
      this.#listenerOf(() => feed),
    );
    this.#coming = feed;
  }

  #listenerOf(feed: () => TopicFeed): FeedListener {
    const isShown = (): boolean => this.#feed === feed();
    return {
      opened: (meta) => this.#opened(feed(), meta),
      changed: (change) => isShown() && this.#changed(change),
      prepended: () => isShown() && this.#prepended(),
      gaps: (gap, healed) => isShown() && this.#gapsChanged(gap, healed),
      status: (status) => isShown() && this.#numbers.onStatus(status),
      studied: (newestOnly) => isShown() && this.#studied(newestOnly),
      studiesTaken: () => this.studies.taken(),
      studiesRefused: (message) => this.studies.refused(message),
      paging: (state) => isShown() && this.#paged(state),
      refused: (code, message) => this.#refused(feed(), code, message),
    };
  }

  #opened(feed: TopicFeed, meta: SnapshotMeta): void {
    if (feed !== this.#coming) return;
    this.#coming = null;
    this.#inspection.close();
    this.chart.ruler.clear();
    this.model.leave();
    const isOther = this.meta.get()?.symbol !== meta.symbol;
    this.#feed?.close();
    this.#feed = feed;
    if (isOther) this.#numbers.forget();
    this.meta.set(meta);
    this.choice.set({ symbol: meta.symbol, bars: meta.bars, step: meta.ticks_per_level });
    this.model.gaps = feed.gapList;
    this.model.openInterest = feed.openInterest;
    this.model.open(feed.series, meta, feed.board);
    this.chart.painter.footprint.forget();
    this.chart.resize();
    this.#numbers.show();
    this.flow.show();
    this.#showView();
    this.gapNews.dismiss();
    this.#words.look();
    this.#host.addressed(meta.symbol, meta.bars, this.#stepChosen ? meta.ticks_per_level : null);
    feed.wantBars(historyGoal(feed.series));
  }

  #refused(feed: TopicFeed, code: string, message: string): void {
    if (feed !== this.#coming) {
      this.notice.set(message);
      return;
    }
    feed.close();
    this.#coming = null;
    if (feed.asksStudies && code !== "not_stored") {
      // It may be the studies that are refused: the chart comes without them, and says so.
      this.openTopic(this.choice.get(), []);
      this.notice.set(`shown without its studies: ${message}`);
      return;
    }
    if (code === "not_stored" && this.feeds.get().has(feed.request.symbol)) {
      this.#waiting.wait(feed.request.symbol);
      return;
    }
    this.notice.set(message);
    const meta = this.meta.get();
    if (meta !== null) this.choice.set({ symbol: meta.symbol, bars: meta.bars, step: meta.ticks_per_level });
  }

  #changed(change: SeriesChange): void {
    if (change.renumbered) {
      this.chart.painter.footprint.forget();
      this.#inspection.close();
      this.chart.ruler.clear();
    }
    if (this.#feed !== null) this.model.gaps = this.#feed.gapList;
    this.model.changed(change);
    this.flow.show();
    this.chart.invalidate(change.lastOnly ? Level.light : Level.full);
    this.#inspection.refresh(this.#host.clock.now());
    this.#numbers.show();
    this.#showView();
    this.tools.showRuler();
    this.#followDefaultStep();
  }

  // A tape that has only begun says little of how far its bars reach: its default step grows with it.
  #followDefaultStep(): void {
    const meta = this.#feed?.meta;
    if (meta == null || this.#stepChosen || this.#coming !== null) return;
    if (meta.default_ticks_per_level !== meta.ticks_per_level && this.#asksDefault) {
      this.openTopic({ symbol: meta.symbol, bars: meta.bars, step: null });
    }
  }

  #studied(newestOnly: boolean): void {
    this.chart.invalidate(newestOnly ? Level.light : Level.full);
    this.#numbers.show();
    if (!newestOnly) this.#wantStudies();
  }

  // What is looked at, and a screen before it.
  #wantStudies(): void {
    const { series, time } = this.model;
    if (series.length === 0 || this.model.studies.list.length === 0) return;
    const from = Math.max(series.first, Math.floor(time.index(0) - time.visible)) as BarIndex;
    this.#feed?.wantStudies(series.openNs(from));
  }

  #prepended(): void {
    this.model.prepended();
    if (this.model.seeksOlder) this.#feed?.wantBars(this.model.series.length + moreBars);
    this.chart.invalidate(Level.full);
    this.#showView();
  }

  #paged(state: Paging): void {
    this.model.olderComes = state === "loading";
    this.paging.set(state);
  }

  #gapsChanged(gap: Gap, healed: boolean): void {
    if (this.#feed !== null) this.model.gaps = this.#feed.gapList;
    this.gapNews.say(gap, healed, this.model.clock);
    this.chart.invalidate(Level.full);
  }

  #shown(): Shown {
    const symbol = this.choice.get().symbol;
    const known = this.instruments.get();
    return { symbol, isLive: known.length === 0 ? null : known.some((one) => one.key === symbol && one.live) };
  }

  #viewMoved(): void {
    this.#showView();
    const { series, time } = this.model;
    if (this.#feed === null || series.length === 0) return;
    this.#wantStudies();
    if (time.index(0) < series.first + time.visible) this.#feed.wantBars(series.length + moreBars);
  }

  #panesChanged(): void {
    this.#numbers.show();
    this.#showView();
    this.look.save();
  }

  #showView(): void {
    const { following, autoScale, priceIsOff } = this.model;
    const { maximised } = this.chart;
    const shown = this.view.get();
    const isSame = shown.following === following && shown.autoScale === autoScale && shown.maximised === maximised;
    if (isSame && shown.priceIsOff === priceIsOff) return;
    this.view.set({ following, autoScale, maximised, priceIsOff });
    if (!isSame) this.look.save();
  }

  // --- what can be done ----------------------------------------------------------------------------------------------

  run(command: Command): void {
    runCommand(this, command);
  }

  chooseSymbol(symbol: string): void {
    if (symbol === this.choice.get().symbol) return;
    this.#stepChosen = false;
    this.openTopic({ symbol, bars: this.choice.get().bars, step: null });
  }

  chooseBars(bars: string): void {
    if (bars !== this.choice.get().bars) this.openTopic({ ...this.choice.get(), bars });
  }

  chooseStep(ticks: number): void {
    if (ticks === this.choice.get().step) return;
    this.#stepChosen = true;
    this.openTopic({ ...this.choice.get(), step: ticks });
  }

  setMode(mode: CellMode): void {
    this.change({ mode });
  }

  change(settings: Partial<Settings>): void {
    const { second } = this.settings.get();
    this.look.change(settings);
    if (second === "none" && this.settings.get().second !== "none" && this.model.makeRoom()) this.chart.moved();
  }

  #redraw(): void {
    this.chart.invalidate(Level.full);
    this.#numbers.show();
  }

  open(dialog: Dialog | null): void {
    if (dialog !== null) this.notice.set("");
    this.dialog.set(dialog);
  }

  closeInspector(): void {
    this.#inspection.close();
  }

  showTable(): void {
    const { series } = this.model;
    if (series.length === 0) return;
    const index = this.chart.cursor?.index ?? series.last;
    this.#inspection.showTable(index);
  }

  goLive(): void {
    this.model.toLatest();
    if (this.model.autoScale === "manual") this.model.resetPrice();
    this.chart.moved();
  }

  fitPrice(): void {
    this.model.resetPrice();
    this.chart.moved();
  }

  setAutoScale(mode: AutoScale): void {
    this.model.setAutoScale(mode);
    this.chart.moved();
  }

  dismissNotice(): void {
    this.notice.set("");
  }

  dismissGap(): void {
    this.gapNews.dismiss();
  }

  dismissPaletteOffer(): void {
    this.look.dismissOffer();
  }

  retryNow(): void {
    this.#host.hub.retryNow();
  }
}
