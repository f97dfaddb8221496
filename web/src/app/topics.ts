import type { SeriesChange } from "../data/bar-series";
import type { Hub } from "../data/hub";
import type { Rest } from "../data/rest";
import { type Clock, Store } from "../data/store";
import { type FeedListener, type Gap, historyGoal, type Paging, TopicFeed } from "../data/topic-feed";
import type { ChartModel } from "../model/chart-model";
import type { Choice } from "../panels/face";
import type { SnapshotMeta, Status, StudyRequest } from "../protocol/messages";
import type { BarIndex } from "../protocol/units";

const moreBars = 960;

/** What the chart and its panels do with what comes of the topic that is shown. */
export interface TopicScene {
  /** A topic is asked for; what is on screen stays until its first bars are there. */
  asked(): void;
  /** What is on screen goes. */
  leaves(): void;
  /** @param isOther another symbol than before */
  opened(isOther: boolean): void;
  changed(change: SeriesChange): void;
  resynced(bars: number): void;
  prepended(): void;
  gaps(news: Gap, healed: boolean): void;
  status(status: Status): void;
  studied(newestOnly: boolean): void;
  studiesTaken(): void;
  studiesRefused(message: string): void;
  /** Nothing of a symbol is stored yet. @returns whether it is waited for */
  waits(symbol: string): boolean;
  says(words: string): void;
  /** What was asked for cannot be shown. */
  refused(): void;
}

interface TopicSources {
  readonly hub: Hub;
  readonly rest: Rest;
  readonly clock: Clock;
  readonly model: ChartModel;
  /** The studies that are asked for with the bars. */
  studies(): readonly StudyRequest[];
  /** The chart that is shown has another address now. */
  addressed(symbol: string, bars: string, step: number | null): void;
}

/** Which topic is shown, and which is on its way to be. */
export class Topics {
  readonly choice = new Store<Choice>({ symbol: "", bars: "1m", step: null });
  readonly meta = new Store<SnapshotMeta | null>(null);
  /** Nothing is stored and nothing is live: there is no chart to open. */
  readonly isEmpty = new Store(false);
  readonly paging = new Store<Paging>("idle");
  /** Why nothing could be opened, while nothing is shown; "" where that is not so. */
  readonly refusal = new Store("");
  /** It was asked for without its studies, which may be what the server refused. */
  lacksStudies = false;
  readonly #sources: TopicSources;
  readonly #scene: TopicScene;
  #stepChosen = false;
  #asksDefault = true;
  #feed: TopicFeed | null = null;
  #coming: TopicFeed | null = null;
  /** Why the chart that comes, or that has come, lacks its studies; "" where it does not. */
  #without = "";

  constructor(sources: TopicSources, scene: TopicScene) {
    this.#sources = sources;
    this.#scene = scene;
  }

  /** The feed on screen; null before the first. */
  get feed(): TopicFeed | null {
    return this.#feed;
  }

  close(): void {
    this.#feed?.close();
    this.#coming?.close();
  }

  /** Open the chart of an address, or the first one. */
  openAsked(choice: Choice): void {
    this.#stepChosen = choice.step !== null;
    this.open(choice);
  }

  chooseSymbol(symbol: string): void {
    if (symbol === this.choice.get().symbol) return;
    this.#stepChosen = false;
    this.open({ symbol, bars: this.choice.get().bars, step: null });
  }

  chooseBars(bars: string): void {
    if (bars !== this.choice.get().bars) this.open({ ...this.choice.get(), bars });
  }

  chooseStep(ticks: number): void {
    if (ticks === this.choice.get().step) return;
    this.#stepChosen = true;
    this.open({ ...this.choice.get(), step: ticks });
  }

  /** Open what is chosen once more. */
  again(): void {
    this.open(this.choice.get());
  }

  /** Open a chart; what is on screen stays until the first bars of the new one are there. */
  open(choice: Choice, studies = this.#sources.studies(), without = ""): void {
    const { hub, rest, clock, model } = this.#sources;
    this.#without = without;
    this.lacksStudies = studies.length < this.#sources.studies().length;
    this.choice.set(choice);
    this.isEmpty.set(false);
    this.refusal.set("");
    this.#scene.asked();
    this.#coming?.close();
    this.#asksDefault = choice.step === null;
    const topic = {
      symbol: choice.symbol,
      bars: choice.bars,
      ...(choice.step === null ? {} : { ticks_per_level: choice.step }),
    };
    const asked = { topic, studies, bars: model.barsBackTo(choice.symbol, choice.bars) };
    const feed: TopicFeed = new TopicFeed(
      hub,
      rest,
      clock,
      asked,
      this.#listenerOf(() => feed),
    );
    this.#coming = feed;
  }

  /** Older bars than are held are looked at, or soon will be. */
  wantOlder(): void {
    this.#feed?.wantBars(this.#sources.model.series.length + moreBars);
  }

  // What is looked at, and a screen before it.
  wantStudies(): void {
    const { series, time, studies } = this.#sources.model;
    if (series.length === 0 || studies.all.length === 0) return;
    const from = Math.max(series.first, Math.floor(time.index(0) - time.visible)) as BarIndex;
    this.#feed?.wantStudies(series.openNs(from));
  }

  #listenerOf(feed: () => TopicFeed): FeedListener {
    const isShown = (): boolean => this.#feed === feed();
    const scene = this.#scene;
    return {
      opened: (meta) => this.#opened(feed(), meta),
      changed: (change) => isShown() && this.#changed(change),
      resynced: (bars) => isShown() && this.#resynced(feed(), bars),
      prepended: () => isShown() && this.#prepended(),
      gaps: (gap, healed) => isShown() && this.#gapsChanged(gap, healed),
      status: (status) => isShown() && scene.status(status),
      studied: (newestOnly) => isShown() && scene.studied(newestOnly),
      studiesTaken: () => scene.studiesTaken(),
      studiesRefused: (message) => scene.studiesRefused(message),
      paging: (state) => isShown() && this.#paged(state),
      refused: (code, message) => this.#refused(feed(), code, message),
    };
  }

  #opened(feed: TopicFeed, meta: SnapshotMeta): void {
    if (feed !== this.#coming) return;
    const { model } = this.#sources;
    this.#coming = null;
    this.#scene.leaves();
    model.leave();
    const isOther = this.meta.get()?.symbol !== meta.symbol;
    this.#feed?.close();
    this.#feed = feed;
    this.meta.set(meta);
    this.choice.set({ symbol: meta.symbol, bars: meta.bars, step: meta.ticks_per_level });
    model.gaps = feed.gapList;
    model.openInterest = feed.openInterest;
    model.rolls = feed.rolls;
    model.open(feed.series, meta, feed.board);
    this.#scene.opened(isOther);
    if (this.#without !== "") this.#scene.says(this.#without);
    this.#sources.addressed(meta.symbol, meta.bars, this.#stepChosen ? meta.ticks_per_level : null);
    feed.wantBars(historyGoal(feed.series));
  }

  #refused(feed: TopicFeed, code: string, message: string): void {
    if (feed !== this.#coming) {
      this.#scene.says(message);
      return;
    }
    feed.close();
    this.#coming = null;
    if (feed.asksStudies && code !== "not_stored") {
      // It may be the studies that are refused: the chart comes without them, and says so.
      this.open(this.choice.get(), [], `shown without its studies: ${message}`);
      return;
    }
    if (code === "not_stored" && this.#scene.waits(feed.request.symbol)) return;
    const meta = this.meta.get();
    if (meta === null) this.refusal.set(message);
    else this.#scene.says(message);
    this.#scene.refused();
    if (meta !== null) this.choice.set({ symbol: meta.symbol, bars: meta.bars, step: meta.ticks_per_level });
  }

  // What failed while the connection was away is over; what the chart lacks, it lacks as before.
  #resynced(feed: TopicFeed, bars: number): void {
    this.#scene.says(feed.asksStudies ? "" : this.#without);
    this.#scene.resynced(bars);
  }

  #changed(change: SeriesChange): void {
    const { model } = this.#sources;
    if (change.renumbered) this.#scene.leaves();
    if (this.#feed !== null) [model.gaps, model.rolls] = [this.#feed.gapList, this.#feed.rolls];
    model.changed(change);
    this.#scene.changed(change);
    this.#followDefaultStep();
  }

  // A tape that has only begun says little of how far its bars reach: its default step grows with it.
  #followDefaultStep(): void {
    const meta = this.#feed?.meta;
    if (meta == null || this.#stepChosen || this.#coming !== null) return;
    if (meta.default_ticks_per_level !== meta.ticks_per_level && this.#asksDefault) {
      this.open({ symbol: meta.symbol, bars: meta.bars, step: null });
    }
  }

  #prepended(): void {
    if (this.#feed !== null) this.#sources.model.rolls = this.#feed.rolls;
    this.#sources.model.prepended();
    if (this.#sources.model.seeksOlder) this.wantOlder();
    this.#scene.prepended();
  }

  #paged(state: Paging): void {
    this.#sources.model.olderComes = state === "loading";
    this.paging.set(state);
  }

  #gapsChanged(gap: Gap, healed: boolean): void {
    if (this.#feed !== null) this.#sources.model.gaps = this.#feed.gapList;
    this.#scene.gaps(gap, healed);
  }
}
