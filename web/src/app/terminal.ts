import type { SeriesChange } from "../data/bar-series";
import type { Hub } from "../data/hub";
import type { OptionsDesk } from "../data/options-desk";
import type { Rest } from "../data/rest";
import { type Clock, type Readable, Store } from "../data/store";
import { SymbolSearch } from "../data/symbol-search";
import { Chart } from "../gui/chart";
import { ChartInput } from "../gui/input";
import type { AutoScale } from "../model/auto-scale";
import { ChartModel } from "../model/chart-model";
import { Level } from "../model/invalidation";
import type { Command } from "../model/keymap";
import type { PaneLayout } from "../model/pane-layout";
import type { CellMode, Settings, SystemLook } from "../model/settings";
import type { BarMenu, Choice, Dialog, TerminalFace, ViewState } from "../panels/face";
import type { InstrumentInfo, LoginRow, Status } from "../protocol/messages";
import type { BarIndex } from "../protocol/units";
import { barMenuAt } from "./bar-menu";
import { Beside } from "./beside";
import { runCommand } from "./commands";
import { Flow } from "./flow";
import { GapWords } from "./gap-words";
import { Inspection } from "./inspection";
import { type Clocks, LinkWords, type Shown } from "./link-words";
import { Logins } from "./logins";
import { Look } from "./look";
import { Numbers } from "./numbers";
import { PaneActions } from "./pane-actions";
import type { Prefs } from "./prefs";
import { Tools } from "./tools";
import { type TopicScene, Topics } from "./topics";
import { Waiting } from "./waiting";

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
  readonly studies: Beside["studies"];
  readonly profiles: Beside["profiles"];
  readonly orders: Beside["orders"];
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
  readonly #topics: Topics;
  readonly choice: Topics["choice"];
  readonly meta: Topics["meta"];
  readonly isEmpty: Topics["isEmpty"];
  readonly paging: Topics["paging"];
  readonly refusal: Topics["refusal"];
  readonly view = new Store<ViewState>({
    following: true,
    autoScale: "centre",
    maximised: null,
    priceIsOff: false,
  });
  readonly dialog = new Store<Dialog | null>(null);
  readonly barMenu = new Store<BarMenu | null>(null);
  readonly notice = new Store("");
  readonly options: OptionsDesk;
  readonly #beside: Beside;
  readonly #inspection: Inspection;
  readonly #host: TerminalHost;
  readonly #words: LinkWords;
  readonly #waiting: Waiting;
  readonly #logins: Logins;
  readonly gapNews: GapWords;
  readonly #input: ChartInput;

  constructor(host: TerminalHost) {
    this.#host = host;
    this.look = new Look(this.model, {
      storage: host.storage,
      look: host.look,
      panes: () => this.#kept(),
      changed: () => this.#redraw(),
    });
    ({ settings: this.settings, theme: this.theme, offersPalette: this.offersPalette } = this.look);
    this.chart = new Chart(host.root, this.model, {
      viewMoved: () => this.#viewMoved(),
      cursorMoved: (cursor) => this.#numbers.point(cursor),
      panesChanged: () => this.#panesChanged(),
    });
    const { hub, rest, clock } = host;
    this.#topics = new Topics(
      {
        ...{ hub, rest, clock, model: this.model, studies: () => this.studies.requests },
        addressed: (symbol, bars, step) => host.addressed(symbol, bars, step),
      },
      this.#scene(),
    );
    ({ choice: this.choice, meta: this.meta, isEmpty: this.isEmpty, paging: this.paging } = this.#topics);
    this.refusal = this.#topics.refusal;
    this.#beside = this.#besideOf();
    const { told } = this.#beside;
    ({ studies: this.studies, profiles: this.profiles, orders: this.orders, options: this.options } = this.#beside);
    this.panes = new PaneActions(
      () => this.chart,
      this.studies,
      told,
      (label) => this.open({ kind: "study", label }),
    );
    this.flow = new Flow(this.model, this.look.first.flow, {
      changed: () => this.look.save(),
      openBar: (index) => this.#inspection.showTable(index),
    });
    this.chart.setPanes(this.look.first.panes);
    this.tools = new Tools(this, host.rest, host.clock);
    this.chart.ruler.store.subscribe(() => this.tools.showRuler());
    this.#input = new ChartInput(this.chart, {
      cellChosen: (index, row) => this.#inspection.showCell(index, row),
      paneMaximised: () => this.#showView(),
      barChosen: (index, x, y) => this.barMenu.set({ ...barMenuAt(this.model, index), x, y }),
    });
    this.#inspection = new Inspection(this.model, host.rest, (cell) => {
      this.chart.painter.marked = cell;
      this.chart.invalidate(Level.light);
    });
    this.#words = new LinkWords(host.hub, host.clocks, () => this.#shown());
    this.#waiting = new Waiting(host.hub, host.clock, () => this.#topics.again());
    this.gapNews = new GapWords(host.clock);
    [this.symbols, this.feeds] = [new SymbolSearch(host.rest, host.clock), host.hub.feeds];
    this.options.onKept(() => this.look.save());
    this.#logins = new Logins(host.rest, host.clock);
    void this.#logins.look();
    this.instruments.subscribe(() => this.#words?.look());
    host.hub.onProblem((message) => this.notice.set(message));
  }

  #kept(): Pick<Prefs, "panes" | "studies" | "flow" | "options"> {
    const [studies, flow] = [this.studies.chosen.get(), this.flow.settings.get()];
    return { panes: this.chart.panes, studies, flow, options: this.options.kept };
  }

  #besideOf(): Beside {
    const { hub, rest, clock } = this.#host;
    return new Beside(
      this.model,
      {
        ...{ hub, rest, clock, charted: this.meta },
        chart: () => this.chart,
        feed: () => this.#topics.feed,
        settings: () => this.settings.get(),
        changed: () => this.#numbers.show(),
        chosen: () => this.#panesChanged(),
        problem: (words) => this.notice.set(words),
        asks: (label) => this.open({ kind: "study", label }),
      },
      this.look.first,
    );
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
    this.#topics.close();
    this.#beside.told.close();
    this.#input.destroy();
    this.#words.destroy();
    this.chart.destroy();
  }

  // --- what is shown -------------------------------------------------------------------------------------------------

  /** Open the chart of an address, or the first one. */
  openAsked(choice: Choice): void {
    this.#topics.openAsked(choice);
  }

  #scene(): TopicScene {
    return {
      asked: () => this.#asked(),
      leaves: () => this.#leave(),
      opened: (isOther) => this.#opened(isOther),
      changed: (change) => this.#changed(change),
      resynced: (bars) => this.tools.resynced(bars),
      prepended: () => this.#moreBars(),
      gaps: (gap, healed) => {
        this.gapNews.say(gap, healed, this.model.clock);
        if (healed) this.#beside.grew(true);
        this.chart.invalidate(Level.full);
      },
      status: (status) => this.#numbers.onStatus(status),
      studied: (newestOnly) => this.#studied(newestOnly),
      studiesTaken: () => this.studies.taken(),
      studiesRefused: (message) => this.studies.refused(message),
      waits: (symbol) => this.#wait(symbol),
      says: (words) => this.notice.set(words),
      refused: () => this.#words.look(),
    };
  }

  #asked(): void {
    this.notice.set("");
    this.#waiting.stop();
    this.#words.look();
  }

  // Bars get other numbers: nothing that was drawn or pointed at is at its place.
  #leave(): void {
    this.chart.painter.footprint.forget();
    this.#inspection.close();
    this.chart.ruler.clear();
    this.chart.pick.clear();
    if (this.barMenu.get() !== null) this.closeBarMenu();
  }

  #opened(isOther: boolean): void {
    if (isOther) this.#numbers.forget();
    this.chart.resize();
    this.#beside.opened(() => this.#shown().isLive === true, this.#topics.lacksStudies);
    this.#numbers.show(true);
    this.flow.show();
    this.#showView();
    this.gapNews.dismiss();
    this.#words.look();
  }

  /** The page is in the background, or is seen again. */
  hide(isHidden: boolean): void {
    this.#beside.hide(isHidden);
  }

  #wait(symbol: string): boolean {
    const runs = this.feeds.get().has(symbol);
    if (runs) this.#waiting.wait(symbol);
    return runs;
  }

  #changed(change: SeriesChange): void {
    this.#beside.changed(change);
    this.flow.show();
    this.chart.invalidate(change.lastOnly ? Level.light : Level.full);
    this.#inspection.refresh(this.#host.clock.now());
    this.#numbers.show();
    this.#showView();
    this.tools.showRuler();
  }

  #studied(newestOnly: boolean): void {
    this.chart.invalidate(newestOnly ? Level.light : Level.full);
    this.#numbers.show();
    if (!newestOnly) this.#topics.wantStudies();
  }

  #moreBars(): void {
    this.#beside.told.prepended();
    this.#topics.wantStudies();
    this.#beside.look();
    this.chart.invalidate(Level.full);
    this.#showView();
  }

  #shown(): Shown {
    // What cannot be shown sends nothing, and nothing is missed.
    const symbol = this.refusal.get() === "" ? this.choice.get().symbol : "";
    const known = this.instruments.get();
    return { symbol, isLive: known.length === 0 ? null : known.some((one) => one.key === symbol && one.live) };
  }

  #viewMoved(): void {
    this.#showView();
    this.#beside.look();
    const { series, time } = this.model;
    if (series.length === 0) return;
    this.#topics.wantStudies();
    if (time.index(0) < series.first + time.visible) this.#topics.wantOlder();
    this.#beside.told.want();
  }

  #panesChanged(): void {
    this.#beside.told.follow();
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
    this.#topics.chooseSymbol(symbol);
  }

  chooseBars(bars: string): void {
    this.#topics.chooseBars(bars);
  }

  chooseStep(ticks: number): void {
    this.#topics.chooseStep(ticks);
  }

  setMode(mode: CellMode): void {
    this.change({ mode });
  }

  change(settings: Partial<Settings>): void {
    const hadTwo = this.settings.get().second !== "none";
    this.look.change(settings);
    if (settings.numbers !== undefined) this.chart.resize(); // the axis is as wide as its prices are written
    const hasTwo = this.settings.get().second !== "none";
    if (hadTwo !== hasTwo && (hasTwo ? this.model.makeRoom() : this.model.giveRoom())) this.chart.moved();
  }

  #redraw(): void {
    this.studies.ask();
    this.#beside.showLevels(); // their prices are written as all others
    this.chart.invalidate(Level.full);
    this.#numbers.show();
  }

  open(dialog: Dialog | null): void {
    if (dialog !== null) this.notice.set("");
    this.dialog.set(dialog);
  }

  closeBarMenu(): void {
    this.barMenu.set(null);
    this.chart.root.focus({ preventScroll: true });
  }

  showBar(index: BarIndex): void {
    if (this.model.series.has(index)) this.#inspection.showTable(index);
  }

  closeInspector(): void {
    this.#inspection.close();
  }

  showTable(): void {
    const { series } = this.model;
    if (series.length > 0) this.#inspection.showTable(this.chart.cursor?.index ?? series.last);
  }

  /** The trades of the cell under the crosshair, or of the last price. */
  showTrades(): void {
    this.#inspection.showTrades(this.chart.cursor);
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
