import type { Frame } from "../protocol/decode";
import type { GapSpan, SnapshotMeta, Status, TopicRequest } from "../protocol/messages";
import { BarSeries, type SeriesChange } from "./bar-series";
import type { Hub, TopicListener } from "./hub";
import type { Rest } from "./rest";
import type { Clock } from "./store";

/** A stretch of the tape that is known to be missing. */
export interface Gap {
  readonly fromNs: bigint;
  readonly toNs: bigint;
  readonly cause: string;
  readonly missing: number | null;
}

/** How far the history behind the live edge has come. */
export type Paging = "idle" | "loading" | "complete" | "failed";

/** Who draws a topic. */
export interface FeedListener {
  /** The first snapshot of the topic is there. */
  opened(meta: SnapshotMeta): void;
  changed(change: SeriesChange): void;
  prepended(count: number): void;
  gaps(): void;
  status(status: Status): void;
  paging(state: Paging): void;
  refused(message: string): void;
}

const firstHistoryBars = 300;
const pageBars = 480;
const resubscribeEveryMs = 10_000;
/** Bars that are held at most, and how many go at once: a page that is open for weeks does not grow. */
const mostBars = 24_000;
const trimBars = 2_000;

/**
 * Say whether a hole in a topic's sequence can be explained by states that were replaced while they waited: then the
 * frame after it still belongs to the bar that is held, or the bar that is held was final.
 */
export function holeIsHarmless(frame: Frame, series: BarSeries): boolean {
  if (series.length === 0) return false;
  const opens = frame.bars.open_ns[0];
  return opens !== undefined && (opens <= series.openNs(series.last) || series.isFinal(series.last));
}

/** The live bars of one topic and the history behind them. */
export class TopicFeed implements TopicListener {
  readonly series = new BarSeries();
  readonly request: TopicRequest;
  meta: SnapshotMeta | null = null;
  gapList: readonly Gap[] = [];
  readonly #hub: Hub;
  readonly #rest: Rest;
  readonly #clock: Clock;
  readonly #listener: FeedListener;
  #leave: () => void;
  #seq = -1;
  #rebuiltFrom: bigint | null = null;
  #goalBars = 0;
  #paging: Paging = "idle";
  #askedAgainMs = Number.NEGATIVE_INFINITY;
  #abort = new AbortController();

  constructor(hub: Hub, rest: Rest, clock: Clock, request: TopicRequest, listener: FeedListener) {
    this.#hub = hub;
    this.#rest = rest;
    this.#clock = clock;
    this.request = request;
    this.#listener = listener;
    this.#leave = hub.subscribe(request, firstHistoryBars, this);
  }

  close(): void {
    this.#leave();
    this.#abort.abort();
  }

  /** Load history until `bars` bars are held or there is no more. */
  wantBars(bars: number): void {
    this.#goalBars = Math.min(mostBars, Math.max(this.#goalBars, bars));
    void this.#page();
  }

  subscribed(): void {
    this.#seq = -1;
  }

  frame(frame: Frame): void {
    if (frame.kind === "snapshot") {
      this.#snapshot(frame);
      return;
    }
    if (this.meta === null || frame.topicSeq <= this.#seq) return;
    const hole = this.#seq >= 0 && frame.topicSeq > this.#seq + 1;
    const harmless = !hole || holeIsHarmless(frame, this.series);
    this.#seq = frame.topicSeq;
    this.#listener.changed(this.series.merge(frame));
    if (this.series.length > mostBars + trimBars && this.series.trim(mostBars) > 0) this.#setPaging("idle");
    if (!harmless) this.#askAgain();
  }

  gap(gap: GapSpan): void {
    this.#addGaps([gap]);
    this.#listener.gaps();
  }

  rebuilt(fromNs: bigint): void {
    this.#rebuiltFrom = fromNs;
  }

  status(status: Status): void {
    this.#listener.status(status);
  }

  refused(_code: string, message: string): void {
    this.#listener.refused(message);
  }

  #snapshot(frame: Frame): void {
    if (frame.meta === null) return;
    const isFirst = this.meta === null;
    this.meta = frame.meta;
    this.#seq = frame.topicSeq;
    this.#addGaps(frame.meta.gaps);
    // Bars older than the snapshot are of the epoch before: they are loaded again.
    const stale = this.#rebuiltFrom !== null && frame.count > 0 && this.#rebuiltFrom < (frame.bars.open_ns[0] ?? 0n);
    this.#rebuiltFrom = null;
    const before = this.series.length;
    const change = stale ? this.series.reset(frame) : this.series.merge(frame);
    if (isFirst || this.series.length < before) this.#setPaging(frame.meta.has_more ? "idle" : "complete");
    if (isFirst) this.#listener.opened(frame.meta);
    else this.#listener.changed(change);
    void this.#page();
  }

  async #page(): Promise<void> {
    if (this.#paging === "loading" || this.#paging === "complete" || this.meta === null) return;
    this.#setPaging("loading");
    try {
      while (this.series.length < this.#goalBars && this.series.length > 0) {
        const more = await this.#loadPage();
        if (this.#abort.signal.aborted) return;
        if (!more) {
          this.#setPaging("complete");
          return;
        }
      }
      this.#setPaging("idle");
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.#setPaging("failed");
      this.#listener.refused(`history could not be loaded: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  // One page before the oldest bar; false when nothing is older. The open bar moves on while it is under way.
  async #loadPage(): Promise<boolean> {
    const meta = this.meta as SnapshotMeta;
    const frame = await this.#rest.footprint(
      {
        symbol: meta.symbol,
        bars: meta.bars,
        ticksPerLevel: meta.ticks_per_level,
        toNs: this.series.openNs(this.series.first),
        limit: Math.min(pageBars, Math.max(60, this.#goalBars - this.series.length)),
      },
      this.#abort.signal,
    );
    if (this.#abort.signal.aborted) return false;
    const count = this.series.prepend(frame);
    if (frame.meta !== null) this.#addGaps(frame.meta.gaps);
    if (count > 0) this.#listener.prepended(count);
    return count > 0 && frame.meta?.has_more !== false;
  }

  #addGaps(spans: readonly GapSpan[]): void {
    const byStart = new Map(this.gapList.map((gap) => [gap.fromNs, gap]));
    for (const span of spans) {
      const fromNs = BigInt(span.from_ns);
      byStart.set(fromNs, { fromNs, toNs: BigInt(span.to_ns), cause: span.cause, missing: span.missing });
    }
    this.gapList = [...byStart.values()].sort((a, b) => (a.fromNs < b.fromNs ? -1 : 1));
  }

  #askAgain(): void {
    const now = this.#clock.now();
    if (now - this.#askedAgainMs < resubscribeEveryMs) return;
    this.#askedAgainMs = now;
    this.#leave();
    this.#leave = this.#hub.subscribe(this.request, firstHistoryBars, this);
  }

  #setPaging(state: Paging): void {
    this.#paging = state;
    this.#listener.paging(state);
  }
}
