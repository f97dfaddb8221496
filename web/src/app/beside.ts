import type { SeriesChange } from "../data/bar-series";
import type { Hub } from "../data/hub";
import { OptionsDesk, type OptionsKept } from "../data/options-desk";
import type { Readable } from "../data/store";
import type { TopicFeed } from "../data/topic-feed";
import type { ChartModel } from "../model/chart-model";
import { Level } from "../model/invalidation";
import type { Settings } from "../model/settings";
import type { SnapshotMeta } from "../protocol/messages";
import type { ChartHost } from "./chart-host";
import { levelsOf } from "./option-lines";
import { Orders } from "./orders";
import type { Prefs } from "./prefs";
import { Profiles } from "./profiles";
import { Studies } from "./studies";
import { ToldStreams } from "./told";

/** What is shown beside the bars needs of the page. */
export interface BesideHost extends ChartHost {
  readonly hub: Hub;
  /** What the chart shows; null before the first bars. */
  readonly charted: Readable<SnapshotMeta | null>;
  feed(): TopicFeed | null;
  settings(): Settings;
  /** What is chosen has changed: it is to be kept. */
  chosen(): void;
  /** A study says nothing before its form is filled in. */
  asks(label: string): void;
}

/** Where the option screens cover the chart, a page that is opened shows the chart. */
const leastForOptions = 800;
const keptOptions = (kept: OptionsKept): OptionsKept => ({
  ...kept,
  open: kept.open && window.innerWidth >= leastForOptions,
});

/** All that is asked for beside the bars of the chart: studies, profiles, large orders, told streams, options. */
export class Beside {
  readonly profiles: Profiles;
  readonly orders: Orders;
  readonly studies: Studies;
  readonly told: ToldStreams;
  readonly options: OptionsDesk;
  readonly #model: ChartModel;
  readonly #host: BesideHost;

  constructor(model: ChartModel, host: BesideHost, first: Pick<Prefs, "studies" | "options">) {
    [this.#model, this.#host] = [model, host];
    const { hub, rest, clock } = host;
    [this.profiles, this.orders] = [new Profiles(host), new Orders(host)];
    this.studies = new Studies({ ...host, profiles: this.profiles, orders: this.orders }, first.studies);
    this.told = new ToldStreams(model, host);
    this.options = new OptionsDesk(rest, hub, clock, keptOptions(first.options));
    model.shows = this.studies.shows;
    this.options.view.subscribe(() => this.showLevels());
    host.charted.subscribe((meta) => {
      this.options.showing(meta?.symbol ?? "");
      this.showLevels();
    });
  }

  /** Another chart is shown. @param lacksStudies it was refused with them */
  opened(isLive: () => boolean, lacksStudies: boolean): void {
    this.told.open(isLive);
    this.look();
    // The bars come first: levels may have to be read from the first trade on.
    if (!lacksStudies) this.studies.ask();
  }

  /** Bars have changed. */
  changed(change: SeriesChange): void {
    this.told.barsChanged(change);
    this.grew(change.renumbered || change.revised === true);
  }

  /** Trades have come; or `anew`, earlier ones have changed. */
  grew(anew: boolean): void {
    this.profiles.grew(anew);
    this.orders.grew(anew);
  }

  /** The view has moved, or there are older bars. */
  look(): void {
    this.profiles.look();
    this.orders.look();
  }

  /** The page is in the background, or is seen again. */
  hide(isHidden: boolean): void {
    this.profiles.hide(isHidden);
    this.orders.hide(isHidden);
    this.told.hide(isHidden);
    this.options.hide(isHidden);
  }

  /** The levels of the chain, at the prices of its underlying: on the chart of something else they would say nothing. */
  showLevels(): void {
    const levels = levelsOf(this.options.view.get(), this.#host.charted.get()?.symbol ?? "", this.#model.tick);
    if (levels === null && this.#model.optionLevels === null) return;
    this.#model.optionLevels = levels;
    this.#host.chart().invalidate(Level.full);
  }
}
