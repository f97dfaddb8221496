import type { LayoutRow } from "../data/layouts";
import type { OptionsDesk } from "../data/options-desk";
import type { Readable } from "../data/store";
import type { Paging } from "../data/topic-feed";
import type { AutoScale } from "../model/auto-scale";
import type { PaneName } from "../model/cursor";
import type { LinkView } from "../model/feed-words";
import type { FlowSettings, FlowTable } from "../model/flow-table";
import type { HeaderView, LegendView } from "../model/header";
import type { Command } from "../model/keymap";
import type { ThemeName } from "../model/palette";
import type { PaneLayout } from "../model/pane-layout";
import type { PaneTitle } from "../model/pane-titles";
import type { PaneKind } from "../model/panes";
import type { BarReadout, BarTable, CellReadout } from "../model/readout";
import type { CellMode, Settings } from "../model/settings";
import type { StudyChoice } from "../model/study-choice";
import type { ToldPane } from "../model/told";
import type {
  FeedNews,
  InstrumentInfo,
  LoginRow,
  SnapshotMeta,
  StudyInfo,
  StudyParams,
  SymbolsFound,
  TradeSide,
} from "../protocol/messages";

import type { BarIndex } from "../protocol/units";

/** What is under the crosshair, or the newest bar without one. */
export interface ReadoutView {
  readonly bar: BarReadout | null;
  readonly cell: CellReadout | null;
  readonly pointed: boolean;
  readonly gap: string;
}

export interface ViewState {
  readonly following: boolean;
  readonly autoScale: AutoScale;
  readonly maximised: PaneName | null;
  /** The price is off the screen, and the scale does not follow it. */
  readonly priceIsOff: boolean;
}

export type Dialog =
  | { readonly kind: "search"; readonly text: string }
  | { readonly kind: "interval"; readonly text: string }
  | { readonly kind: "studies" }
  | { readonly kind: "study"; readonly label: string }
  | { readonly kind: "keys" }
  | { readonly kind: "layouts" }
  | { readonly kind: "login"; readonly venue: string }
  | { readonly kind: "settings" };

export interface TradeView {
  readonly time: string;
  readonly price: string;
  readonly qty: string;
  readonly side: TradeSide;
  readonly id: string;
}

/** The trades of one cell. */
export interface TradesView {
  readonly kind: "trades";
  /** The side of the chart on which it covers nothing that was pointed at. */
  readonly side: "left" | "right";
  readonly title: string;
  readonly subtitle: string;
  readonly state: "loading" | "ready" | "failed";
  readonly problem: string;
  readonly trades: readonly TradeView[];
  readonly count: number;
  readonly truncated: boolean;
  /** What the quantities count. */
  readonly unit: string;
  readonly buy: string;
  readonly sell: string;
  readonly unknown: string;
  readonly cell: CellReadout | null;
  /** Whether the trades' sums are the cell's numbers. */
  readonly equal: boolean;
}

export interface TableView {
  readonly kind: "table";
  readonly side: "left" | "right";
  readonly table: BarTable;
}

export type Inspector = TradesView | TableView;

/** What is chosen, as soon as it is chosen; the meta follows when the server has answered. */
export interface Choice {
  readonly symbol: string;
  readonly bars: string;
  /** Null: the symbol's default. */
  readonly step: number | null;
}

export interface GapNews {
  readonly text: string;
  readonly healed: boolean;
}

/** What can be done with a bar, where it was asked for. */
export interface BarMenu {
  readonly index: BarIndex;
  readonly time: string;
  /** The bar's open, as studies take it. */
  readonly anchor: number;
  /** The same as text, to the nanosecond. */
  readonly opensNs: string;
  /** CSS pixels from the chart's corner. */
  readonly x: number;
  readonly y: number;
}

/** What can be done with the panes of the chart. */
export interface PaneFace {
  /** Add one that shows something of the bars: "volume", "delta", ... */
  add(kind: PaneKind): void;
  /** Add one of what is told beside the trades; where nothing of it is stored, a notice says so. */
  addTold(pane: ToldPane): void;
  close(pane: PaneName): void;
  /** Up (-1) or down (+1) among those below the price. */
  move(pane: PaneName, by: number): void;
  /** Higher by so many pixels, at the cost of the one above it. */
  grow(pane: PaneName, by: number): void;
  /** Give it all the room, or everyone theirs again. */
  maximise(pane: PaneName): void;
  hasSettings(pane: PaneName): boolean;
  settings(pane: PaneName): void;
}

/** The studies beside the bars of the chart. */
export interface StudyFace {
  /** All that the server knows; empty until `load` was called. */
  readonly catalogue: Readable<readonly StudyInfo[]>;
  readonly chosen: Readable<readonly StudyChoice[]>;
  load(): Promise<void>;
  infoOf(study: string): StudyInfo | null;
  add(study: string, params?: StudyParams): void;
  remove(label: string): void;
  /** @param shows the outputs that are drawn, by name; null: as they come */
  change(label: string, params: StudyParams, shows: readonly string[] | null): void;
}

/** The layouts of the server. */
export interface LayoutsView {
  readonly state: "loading" | "ready";
  readonly rows: readonly LayoutRow[];
  /** Why the last thing asked for was not done. */
  readonly problem: string;
  /** The layout that was opened or saved last; "" where none was. */
  readonly current: string;
}

/** What can be done with layouts; each says whether it was done. */
export interface LayoutsFace {
  readonly store: Readable<LayoutsView>;
  look(): Promise<unknown>;
  /** Under a name that is taken it replaces that layout. */
  save(name: string): Promise<boolean>;
  openLayout(name: string): Promise<boolean>;
  rename(name: string, to: string): Promise<boolean>;
  remove(name: string): Promise<boolean>;
  exportFile(name: string | null): Promise<boolean>;
  importFile(name: string, text: string): Promise<boolean>;
}

/** What was done, and how to take it back. */
export interface SaidView {
  readonly text: string;
  readonly undo: (() => void) | null;
}

export interface RulerView {
  /** The next drag on the chart measures. */
  readonly armed: boolean;
  /** What is measured, in words. */
  readonly said: string;
}

/** The tools beside the chart. */
export interface ToolsFace {
  readonly ruler: Readable<RulerView>;
  readonly layouts: LayoutsFace;
  readonly said: Readable<SaidView | null>;
  dismissSaid(): void;
  /** The preset "NIFTY desk". */
  openDesk(): Promise<void>;
}

/** The order flow table beside the chart. */
export interface FlowFace {
  readonly settings: Readable<FlowSettings>;
  readonly table: Readable<FlowTable>;
  change(settings: Partial<FlowSettings>): void;
  /** Show the price levels of a bar. */
  openBar(index: BarIndex): void;
}

/** All that panels know of the program: stores to read and actions to call. */
export interface TerminalFace {
  readonly settings: Readable<Settings>;
  readonly instruments: Readable<readonly InstrumentInfo[]>;
  /** How the feeds of live symbols stand, by symbol. */
  readonly feeds: Readable<ReadonlyMap<string, FeedNews>>;
  /** What a search for symbols found, beside what is known of the store. */
  readonly symbols: { readonly store: Readable<SymbolsFound>; look(text: string): void };
  readonly choice: Readable<Choice>;
  /** The symbol whose first trade is waited for; "" where none is. */
  readonly waiting: Readable<string>;
  /** The gap that was seen or healed last, in words. */
  readonly gapNews: Readable<GapNews | null>;
  readonly meta: Readable<SnapshotMeta | null>;
  readonly legend: Readable<LegendView | null>;
  readonly header: Readable<HeaderView>;
  readonly countdown: Readable<string>;
  readonly link: Readable<LinkView>;
  readonly readout: Readable<ReadoutView>;
  readonly spoken: Readable<string>;
  readonly view: Readable<ViewState>;
  readonly layout: Readable<PaneLayout>;
  /** The titles of the panes below the price, with their values at the bar under the crosshair. */
  readonly titles: Readable<readonly PaneTitle[]>;
  readonly panes: PaneFace;
  readonly studies: StudyFace;
  readonly flow: FlowFace;
  /** The studies that are drawn over the price, with their values at the bar under the crosshair. */
  readonly overlays: Readable<readonly PaneTitle[]>;
  /** The option chain that is looked at beside the chart. */
  readonly options: OptionsDesk;
  /** The theme that is drawn: the one chosen, or the system's. */
  readonly theme: Readable<ThemeName>;
  readonly dialog: Readable<Dialog | null>;
  readonly barMenu: Readable<BarMenu | null>;
  readonly inspector: Readable<Inspector | null>;
  readonly notice: Readable<string>;
  /** What is wrong with the server, in words: what happened and what to do. */
  readonly troubles: Readable<readonly string[]>;
  /** The brokers that need a login; none where the server listens to no venue. */
  readonly logins: Readable<readonly LoginRow[]>;
  readonly paging: Readable<Paging>;
  /** What the badge of a feed with inferred sides says, and its score. */
  readonly inference: Readable<{ readonly text: string; readonly score: string }>;
  readonly offersPalette: Readable<boolean>;
  readonly tools: ToolsFace;
  /** Nothing is stored and nothing is live: there is no chart to open. */
  readonly isEmpty: Readable<boolean>;
  /** Why the chart that was asked for cannot be shown, while none is; "" where that is not so. */
  readonly refusal: Readable<string>;

  run(command: Command): void;
  chooseSymbol(symbol: string): void;
  chooseBars(bars: string): void;
  chooseStep(ticks: number): void;
  setMode(mode: CellMode): void;
  change(settings: Partial<Settings>): void;
  open(dialog: Dialog | null): void;
  closeInspector(): void;
  closeBarMenu(): void;
  /** The price levels of a bar as a table. */
  showBar(index: BarIndex): void;
  showTable(): void;
  goLive(): void;
  /** Bring the price back into sight. */
  fitPrice(): void;
  setAutoScale(mode: AutoScale): void;
  logIn(venue: string, way: string, fields: Readonly<Record<string, string>>): Promise<LoginRow>;
  dismissNotice(): void;
  dismissGap(): void;
  dismissPaletteOffer(): void;
  retryNow(): void;
}
