import type { SnapshotMeta } from "../protocol/messages";
import type { ToldName, ToldReply, ToldRow } from "../protocol/streams";
import type { BarIndex } from "../protocol/units";
import { Asker, type Question } from "./asker";
import type { BarSeries } from "./bar-series";
import type { Hub, StreamListener } from "./hub";
import { RequestFailed, type Rest } from "./rest";
import type { Clock } from "./store";
import type { Gap } from "./topic-feed";

/** Who draws a stream. */
export interface ToldListener {
  /** What is said of bars from that time on has changed; null: whether anything is stored at all. */
  changed(fromNs: bigint | null): void;
  problem(words: string): void;
}

/** What a stream beside the trades is shown with. */
export interface ToldHost {
  readonly hub: Hub;
  readonly rest: Rest;
  readonly clock: Clock;
}

const pageBars = 2_880;
/** News is asked for no more often than this, and what could not be had ever more seldom, so often at the least. */
const refreshMs = 1_000;
const seldomMs = 16_000;
/** Bars that are asked for again with it: the venue's time may lie in one that has closed meanwhile. */
const refreshBars = 3;
const notStored = 404;

/**
 * One stream beside the trades, by the bars of a chart. What is stored is the truth, and is asked for again whenever the
 * stream says that there is more: so what stands on screen is what the API says, late rows and all.
 */
export class ToldFeed implements StreamListener {
  readonly name: ToldName;
  /** What is told within bars, ascending by the time of their open; a bar without any has none. */
  rows: readonly ToldRow[] = [];
  /** Of the rows, ns. */
  opens: readonly bigint[] = [];
  /** What is stored at all, ns; null while the first row is waited for. */
  firstNs: bigint | null = null;
  lastNs = -1n;
  gaps: readonly Gap[] = [];
  /** Nothing is stored of it; null while nobody knows. */
  isNone: boolean | null = null;
  /** All from there on is held, ns; null: nothing is. */
  heldNs: bigint | null = null;
  readonly #host: ToldHost;
  readonly #meta: SnapshotMeta;
  readonly #series: BarSeries;
  readonly #listener: ToldListener;
  readonly #asker: Asker;
  readonly #leave: () => void;
  #wantedNs: bigint | null = null;
  #isDue = false;
  #askedMs = Number.NEGATIVE_INFINITY;
  /** So often in a row nothing could be had. */
  #failures = 0;
  /** The newest bar when news was last asked for. */
  #newestNs: bigint | null = null;

  constructor(
    host: ToldHost,
    chart: { readonly meta: SnapshotMeta; readonly series: BarSeries },
    name: ToldName,
    listener: ToldListener,
  ) {
    [this.#host, this.#meta, this.#series, this.name, this.#listener] = [
      host,
      chart.meta,
      chart.series,
      name,
      listener,
    ];
    this.#asker = new Asker(
      host.clock,
      () => this.#next(),
      (error) => this.#failed(error),
    );
    this.#leave = host.hub.subscribeStream({ symbol: chart.meta.symbol, name }, this);
  }

  close(): void {
    this.#leave();
    this.#asker.close();
  }

  /** Bars from that time on are looked at. */
  want(fromNs: bigint): void {
    if (this.#wantedNs === null || fromNs < this.#wantedNs) this.#wantedNs = fromNs;
    // Every move of the view says so: what did not come is asked for as rarely as news, and what is none not again.
    if (this.heldNs === null && !this.#asker.isBusy && this.isNone !== true) this.#isDue = true;
    this.#asker.look();
  }

  /** The chart has other bars, or more of them: what is told of the newest is asked for again, or of all. */
  barsChanged(renumbered: boolean): void {
    if (renumbered) {
      if (this.#asker.isBusy) this.#askedMs = Number.NEGATIVE_INFINITY; // it was asked of other bars
      this.#asker.drop();
      this.heldNs = null;
    }
    this.refresh();
  }

  /** While nobody sees the page nothing is asked for; then what is due at once. */
  hide(isHidden: boolean): void {
    this.#asker.hide(isHidden);
  }

  /** Ask for what is new, now or as soon as it is time. */
  refresh(): void {
    this.#isDue = true;
    this.#asker.look();
  }

  granted(): void {
    this.refresh();
  }

  said(): void {
    this.refresh();
  }

  lost(): void {
    this.refresh();
  }

  refused(_code: string, message: string): void {
    this.#listener.problem(message);
  }

  #failed(error: unknown): void {
    if (error instanceof RequestFailed && error.status === notStored) {
      this.isNone = true;
      this.#listener.changed(null);
      return;
    }
    if (this.#failures === 0)
      this.#listener.problem(`${this.name.replaceAll("_", " ")} could not be loaded: ${words(error)}`);
    if (this.heldNs !== null) return;
    this.#failures += 1;
    this.refresh(); // nobody else may ask again: a chart of stored bars gets no news
  }

  // The newest first, then what lies behind.
  #next(): Question | null {
    const series = this.#series;
    if (series.length === 0) return null;
    const older = this.#older();
    const dueMs = this.#askedMs + Math.min(seldomMs, refreshMs * 2 ** Math.max(0, this.#failures - 1));
    if (this.#isDue && (older === null || this.#host.clock.now() >= dueMs))
      return { dueMs, ask: (signal) => this.#askNewest(signal) };
    return older;
  }

  #older(): Question | null {
    const [series, held] = [this.#series, this.heldNs];
    if (held === null) return null;
    const at = series.lowerBound(held);
    const isEnough = this.#wantedNs === null || held <= this.#wantedNs || this.firstNs === null || held <= this.firstNs;
    if (isEnough || at <= series.first) return null;
    return {
      ask: async (signal) => {
        const take = await this.#load(this.#pageBefore(at), held, signal);
        return () => void take();
      },
    };
  }

  // From where it was known before: the connection may have been lost for a while.
  async #askNewest(signal: AbortSignal): Promise<() => void> {
    const [series, held] = [this.#series, this.heldNs];
    this.#isDue = false;
    this.#askedMs = this.#host.clock.now();
    const known = this.#newestNs === null ? series.last : series.lowerBound(this.#newestNs);
    const newestNs = series.openNs(series.last);
    const again = series.openNs(Math.max(series.first, Math.min(known, series.last) - refreshBars) as BarIndex);
    const [askedNs, untilNs] = [held === null ? this.#pageBefore(series.end) : again, this.lastNs];
    const take = await this.#load(askedNs, null, signal);
    return () => {
      const fromNs = take();
      if (fromNs > askedNs && fromNs > untilNs) this.heldNs = fromNs; // what was held does not reach it
      this.#newestNs = newestNs;
    };
  }

  // Where a page of bars begins that ends before a bar; behind all that the chart holds there is nothing to draw on.
  #pageBefore(end: number): bigint {
    return this.#series.openNs(Math.max(this.#series.first, end - pageBars) as BarIndex);
  }

  // Quiet bars lie far apart: the answer may hold the newer ones only, and says from when on.
  async #load(askedNs: bigint, toNs: bigint | null, signal: AbortSignal): Promise<() => bigint> {
    const { symbol, bars } = this.#meta;
    const query = { symbol, bars, fromNs: askedNs, limit: 2 * pageBars, ...(toNs === null ? {} : { toNs }) };
    const reply = await this.#host.rest.told(this.name, query, signal);
    return () => {
      const saidNs = BigInt(reply.from_ns);
      const fromNs = saidNs > askedNs && (toNs === null || saidNs < toNs) ? saidNs : askedNs;
      this.isNone = false;
      this.#failures = 0;
      this.#take(reply, fromNs, toNs);
      if (this.heldNs === null || fromNs < this.heldNs) this.heldNs = fromNs;
      this.#listener.changed(fromNs);
      return fromNs;
    };
  }

  // The answer is all there is of its stretch.
  #take(reply: ToldReply, fromNs: bigint, toNs: bigint | null): void {
    const isOutside = (opens: bigint): boolean => opens < fromNs || (toNs !== null && opens >= toNs);
    const kept = this.rows.filter((_row, k) => isOutside(this.opens[k] as bigint));
    this.rows = [...kept, ...reply.rows].sort((a, b) => (BigInt(a.open_ns) < BigInt(b.open_ns) ? -1 : 1));
    this.opens = this.rows.map(({ open_ns }) => BigInt(open_ns));
    this.firstNs = reply.first_ns === null ? null : BigInt(reply.first_ns);
    this.lastNs = BigInt(reply.last_ns ?? -1);
    const gaps = reply.gaps.map(({ from_ns, to_ns, cause, missing }) => {
      return { fromNs: BigInt(from_ns), toNs: BigInt(to_ns), cause, missing };
    });
    const others = this.gaps.filter((gap) => gap.toNs <= fromNs || (toNs !== null && gap.fromNs >= toNs));
    this.gaps = [...others, ...gaps].sort((a, b) => (a.fromNs < b.fromNs ? -1 : 1));
  }
}

const words = (error: unknown): string => (error instanceof Error ? error.message : String(error));
