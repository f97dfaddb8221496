import type { BarSeries, SeriesChange } from "../data/bar-series";
import { StudySeries } from "../data/study-series";
import { ToldFeed, type ToldHost } from "../data/told-feed";
import type { ChartModel } from "../model/chart-model";
import { parseGrid } from "../model/decimal";
import { Level } from "../model/invalidation";
import { addPane, newShare, type PaneSpec } from "../model/panes";
import { fillTold, type ToldPane, toldPaneOf, toldSpec } from "../model/told";
import type { SnapshotMeta } from "../protocol/messages";
import type { ToldName } from "../protocol/streams";
import type { BarIndex } from "../protocol/units";
import type { ChartHost } from "./chart-host";

/** What the streams need of the page. */
export type ToldStreamsHost = ToldHost & ChartHost;

/** What is told beside the trades of the chart's symbol: open as long as a pane, or a row of the statistics, shows it. */
export class ToldStreams {
  readonly #model: ChartModel;
  readonly #host: ToldStreamsHost;
  readonly #feeds = new Map<ToldName, ToldFeed>();
  #isLive: () => boolean = () => false;
  #isHidden = false;

  constructor(model: ChartModel, host: ToldStreamsHost) {
    [this.#model, this.#host] = [model, host];
  }

  /** The chart shows another topic. */
  open(isLive: () => boolean): void {
    this.close();
    this.#isLive = isLive;
    this.follow();
  }

  close(): void {
    for (const feed of this.#feeds.values()) feed.close();
    this.#feeds.clear();
    this.#model.told = new Map();
  }

  /** Listen to what the panes show, and to nothing else. */
  follow(): void {
    const { meta, series } = this.#model;
    if (meta === null || series.length === 0) return;
    const wanted = wantedBy(this.#model.panes.specs);
    for (const [name, feed] of this.#feeds) {
      if (wanted.has(name)) continue;
      feed.close();
      this.#feeds.delete(name);
    }
    for (const name of wanted) if (!this.#feeds.has(name)) this.#begin(name, meta, series);
    this.#model.told = new Map([...this.#model.told].filter(([name]) => this.#feeds.has(name)));
    this.want();
  }

  /** The page is in the background, or is seen again. */
  hide(isHidden: boolean): void {
    this.#isHidden = isHidden;
    for (const feed of this.#feeds.values()) feed.hide(isHidden);
  }

  /** What is looked at, and a screen before it. */
  want(): void {
    const { series, time } = this.#model;
    if (series.length === 0) return;
    const from = Math.max(series.first, Math.floor(time.index(0) - time.visible)) as BarIndex;
    for (const feed of this.#feeds.values()) feed.want(series.openNs(from));
  }

  /** The bars have changed. */
  barsChanged(change: SeriesChange): void {
    const { series } = this.#model;
    if (change.renumbered) this.#renumbered();
    for (const feed of this.#feeds.values()) {
      if (change.renumbered || change.appended > 0) feed.barsChanged(change.renumbered);
      this.#fill(feed, series.openNs(series.last));
    }
  }

  // What is shown stays at its bars until it is told anew; a chart that opened without bars has its first ones.
  #renumbered(): void {
    this.follow();
    for (const { study } of this.#model.told.values()) study.align(this.#model.series);
  }

  /** Older bars have come. */
  prepended(): void {
    for (const [name, feed] of this.#feeds) {
      this.#model.told.get(name)?.study.align(this.#model.series);
      this.#fill(feed, 0n);
    }
    this.want();
  }

  /** Add a pane of something that is told, where anything of it is stored or waited for; else say so in words. */
  async add(pane: ToldPane): Promise<void> {
    const symbol = this.#model.meta?.symbol;
    if (symbol === undefined) return;
    try {
      const held = await this.#host.rest.heldStreams(symbol);
      if (symbol !== this.#model.meta?.symbol) return;
      if (!held.some(({ name }) => name === pane.stream)) {
        this.#host.problem(`${pane.title}: nothing of it is stored of ${symbol}, so there is nothing to draw.`);
        return;
      }
    } catch (error) {
      this.#host.problem(`${pane.title}: ${error instanceof Error ? error.message : String(error)}`);
      return;
    }
    const chart = this.#host.chart();
    const spec: PaneSpec = { id: `stream ${pane.of}`, kind: "stream", of: pane.of, share: newShare };
    chart.setPanes(addPane(chart.panes, spec));
  }

  #begin(name: ToldName, meta: SnapshotMeta, series: BarSeries): void {
    const feed: ToldFeed = new ToldFeed(this.#host, { meta, series }, name, {
      changed: (fromNs) => this.#changed(feed, fromNs),
      problem: (words) => this.#host.problem(words),
    });
    this.#feeds.set(name, feed);
    feed.hide(this.#isHidden);
    const study = new StudySeries(toldSpec(name));
    study.align(series);
    this.#model.told = new Map([...this.#model.told, [name, { study, gaps: [], isNone: null, waits: false }]]);
  }

  #changed(feed: ToldFeed, fromNs: bigint | null): void {
    const told = this.#model.told.get(feed.name);
    if (told === undefined || this.#feeds.get(feed.name) !== feed) return;
    const wasNone = told.isNone;
    [told.gaps, told.isNone, told.waits] = [feed.gaps, feed.isNone, feed.isNone === false && feed.firstNs === null];
    if (fromNs !== null) this.#fill(feed, fromNs);
    const chart = this.#host.chart();
    if (wasNone !== told.isNone) chart.resize();
    chart.invalidate(Level.full);
    this.#host.changed();
  }

  #fill(feed: ToldFeed, fromNs: bigint): void {
    const { meta, series, told } = this.#model;
    const held = told.get(feed.name);
    if (held === undefined || meta === null) return;
    const { name, rows, opens, firstNs, lastNs, gaps, heldNs } = feed;
    const facts = {
      name,
      rows,
      opens,
      firstNs,
      lastNs,
      gaps,
      heldNs,
      isLive: this.#isLive(),
      lot: parseGrid(meta.lot_size),
    };
    fillTold(held.study, facts, series, fromNs);
  }
}

// The statistics have a row of open interest.
function wantedBy(panes: readonly PaneSpec[]): Set<ToldName> {
  const wanted = new Set<ToldName>();
  for (const { kind, of } of panes) {
    const stream = kind === "stream" ? toldPaneOf(of)?.stream : undefined;
    if (stream !== undefined) wanted.add(stream);
    if (kind === "statistics") wanted.add("open_interest");
  }
  return wanted;
}
