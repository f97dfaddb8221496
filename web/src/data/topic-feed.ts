import type { Frame } from "../protocol/decode";
import type {
  GapSpan,
  RollSpan,
  SnapshotMeta,
  Status,
  StudyRequest,
  StudySpec,
  TopicRequest,
} from "../protocol/messages";
import type { StudyFrame } from "../protocol/studies";
import { Asker, type Question } from "./asker";
import { BarSeries, type SeriesChange } from "./bar-series";
import type { Hub, TopicListener } from "./hub";
import type { Rest } from "./rest";
import type { Clock } from "./store";
import { StudyBoard } from "./study-board";
import { StudyHistory } from "./study-history";

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
  /** After a loss everything was sent anew; `bars` of it were not held before. */
  resynced(bars: number): void;
  prepended(count: number): void;
  /** A gap was seen, or is healed. */
  gaps(news: Gap, healed: boolean): void;
  status(status: Status): void;
  paging(state: Paging): void;
  /** What studies say has changed; of the newest bar only, or of others too. */
  studied(newestOnly: boolean): void;
  /** The server took the studies that were asked for, or did not: then those before go on. */
  studiesTaken(): void;
  studiesRefused(message: string): void;
  refused(code: string, message: string): void;
}

/** Two sessions of one-minute bars: what is loaded behind the live edge without being asked for. */
const historyBars = 2880;
const sessionsNs = 2n * 86_400n * 1_000_000_000n;
const firstHistoryBars = 300;
const pageBars = 480;
const resubscribeEveryMs = 10_000;
/** Bars that are held at most, and how many go at once: a page that is open for weeks does not grow. */
const mostBars = 24_000;
const trimBars = 2_000;

// What is left of gaps where one stretch of them is healed.
function openParts(gaps: readonly Gap[], fromNs: bigint, toNs: bigint, held: Map<bigint, Gap>): Gap[] {
  const parts: Gap[] = [];
  for (const gap of gaps) {
    if (gap.toNs <= fromNs || gap.fromNs >= toNs) continue;
    held.delete(gap.fromNs);
    if (gap.fromNs < fromNs) parts.push({ ...gap, toNs: fromNs, missing: null });
    if (gap.toNs > toNs) parts.push({ ...gap, fromNs: toNs, missing: null });
  }
  return parts;
}

/** The live bars of one topic and the history behind them. */
export class TopicFeed implements TopicListener {
  readonly series = new BarSeries();
  readonly request: TopicRequest;
  meta: SnapshotMeta | null = null;
  gapList: readonly Gap[] = [];
  /** Open interest of the venue's candles, by the time of their open, as text. */
  readonly openInterest = new Map<bigint, string>();
  /** Where another contract takes over in a continuous future, in the order of time. */
  rolls: readonly RollSpan[] = [];
  readonly board = new StudyBoard();
  readonly #studyHistory: StudyHistory;
  #studies: readonly StudyRequest[];
  #studiesAreOld = false;
  /** It was subscribed to once more: the next snapshot ends a loss. */
  #isBack = false;
  /** It comes before the first bars, and of what is stored alone only once. */
  #header: Status | null = null;
  /** The subscription that is about to be given up, once the one that takes its place is there. */
  #leaveFormer: (() => void) | null = null;
  readonly #firstBars: number;
  readonly #hub: Hub;
  readonly #rest: Rest;
  readonly #clock: Clock;
  readonly #listener: FeedListener;
  #leave: () => void;
  #seq = -1;
  #rebuiltFrom: bigint | null = null;
  /** Bars that open before it, down to the other, were built anew: they are read again, the newest first. */
  #staleTo: bigint | null = null;
  #staleFrom = 0n;
  readonly #pages: Asker;
  #goalBars = 0;
  #paging: Paging = "idle";
  #askedAgainMs = Number.NEGATIVE_INFINITY;

  constructor(
    hub: Hub,
    rest: Rest,
    clock: Clock,
    asked: { readonly topic: TopicRequest; readonly studies: readonly StudyRequest[]; readonly bars?: number },
    listener: FeedListener,
  ) {
    this.#firstBars = Math.max(firstHistoryBars, asked.bars ?? 0);
    this.#hub = hub;
    this.#rest = rest;
    this.#clock = clock;
    this.request = asked.topic;
    this.#studies = asked.studies;
    this.#listener = listener;
    this.#pages = new Asker(
      clock,
      () => this.#nextPage(),
      (error) => this.#pageFailed(error),
    );
    this.#studyHistory = new StudyHistory(rest, clock, this, {
      came: () => listener.studied(false),
      failed: (words) => listener.refused("history", words),
    });
    this.#leave = this.#subscribe();
  }

  get asksStudies(): boolean {
    return this.#studies.length > 0;
  }

  close(): void {
    this.#leave();
    this.#leaveFormer?.();
    this.#studyHistory.close();
    this.#pages.close();
  }

  /** Load history until `bars` bars are held or there is no more. */
  wantBars(bars: number): void {
    this.#goalBars = Math.min(mostBars, Math.max(this.#goalBars, bars));
    this.#pages.look();
  }

  /** Ask for other studies; the bars stay, and go on under the old subscription until the new one is there. */
  setStudies(studies: readonly StudyRequest[]): void {
    if (JSON.stringify(studies) === JSON.stringify(this.#studies)) return;
    this.#studies = studies;
    // One that is still being asked for is not wanted any more: the bars go on under the one that is there.
    if (this.#leaveFormer === null) this.#leaveFormer = this.#leave;
    else this.#leave();
    this.#leave = this.#subscribe();
  }

  /** Bars from that time on are looked at: what studies say of them is loaded. */
  wantStudies(fromNs: bigint): void {
    if (this.meta !== null) this.#studyHistory.want(this.meta, fromNs);
  }

  // After a loss older bars may have been revised unheard.
  subscribed(_topic: TopicRequest, studies: readonly StudySpec[]): void {
    const wasHanded = this.#leaveFormer !== null;
    this.#leaveFormer?.();
    this.#leaveFormer = null;
    this.#seq = -1;
    this.board.open(studies, this.series);
    if (this.meta !== null && !wasHanded) {
      this.#isBack = true;
      this.rebuilt(null);
    }
    if (wasHanded) this.#listener.studied(false);
    this.#listener.studiesTaken();
  }

  studies(frame: StudyFrame): void {
    if (this.meta === null) return;
    if (frame.kind === "studies" && this.#studiesAreOld) {
      this.#studiesAreOld = false;
      this.board.renew(this.series);
    }
    this.board.merge(frame);
    if (frame.kind === "studies") this.#studyHistory.again(this.meta);
    this.#listener.studied(frame.kind === "studies_open");
  }

  frame(frame: Frame): void {
    if (frame.kind === "snapshot") {
      this.#snapshot(frame);
      return;
    }
    if (this.meta === null || frame.topicSeq <= this.#seq) return;
    this.#seq = frame.topicSeq;
    const change = this.series.merge(frame);
    this.board.align(this.series);
    this.#listener.changed(change);
    if (this.series.length > mostBars + trimBars && this.series.trim(mostBars) > 0) this.#setPaging("idle");
  }

  lost(): void {
    this.#askAgain();
  }

  gap(gap: GapSpan): void {
    this.#addGaps([gap]);
    const { cause, missing } = gap;
    const [fromNs, toNs] = [BigInt(gap.from_ns), BigInt(gap.to_ns)];
    this.#listener.gaps({ fromNs, toNs, cause, missing }, gap.healed === true);
  }

  rebuilt(fromNs: bigint | null): void {
    const from = fromNs ?? 0n;
    this.#studiesAreOld = true;
    if (this.#rebuiltFrom === null || from < this.#rebuiltFrom) this.#rebuiltFrom = from;
  }

  status(status: Status): void {
    this.#header = status;
    if (this.meta !== null) this.#listener.status(status);
  }

  refused(code: string, message: string): void {
    if (this.#leaveFormer === null) {
      this.#listener.refused(code, message);
      return;
    }
    this.#leave();
    this.#leave = this.#leaveFormer;
    this.#leaveFormer = null;
    this.#studies = this.board.all.map(({ spec: { study, label, params } }) => ({ study, label, params }));
    this.#listener.studiesRefused(message);
  }

  #snapshot(frame: Frame): void {
    if (frame.meta === null) return;
    const isFirst = this.meta === null;
    this.meta = frame.meta;
    this.#seq = frame.topicSeq;
    const begins = frame.bars.open_ns[0];
    this.#forgetGaps(begins ?? 0n);
    this.#addGaps(frame.meta.gaps);
    this.#addRolls(frame.meta.rolls);
    const oldest = this.series.length > 0 ? this.series.openNs(this.series.first) : null;
    const change = this.series.merge(frame);
    this.board.align(this.series);
    if (begins !== undefined) this.#noteStale(begins);
    if (isFirst || oldest === null || change.renumbered || begins === undefined || begins <= oldest) {
      this.#setPaging(frame.meta.has_more ? "idle" : "complete");
    }
    if (isFirst) this.#open(frame.meta);
    else this.#listener.changed(change);
    if (this.#isBack) this.#listener.resynced(Math.max(0, change.appended));
    this.#isBack = false;
    this.#pages.look();
  }

  #open(meta: SnapshotMeta): void {
    this.#listener.opened(meta);
    if (this.#header !== null) this.#listener.status(this.#header);
  }

  // Bars that are older than the snapshot may be of the epoch before: they stay in sight until they have been read again.
  #noteStale(begins: bigint): void {
    const from = this.#rebuiltFrom;
    this.#rebuiltFrom = null;
    if (from === null || from >= begins) return;
    this.#staleFrom = this.#staleTo === null || from < this.#staleFrom ? from : this.#staleFrom;
    this.#staleTo = begins;
    if (from < this.series.openNs(this.series.first)) this.#setPaging("idle");
  }

  #nextPage(): Question | null {
    const { meta } = this;
    if (meta === null || !this.#wantsPage()) return null;
    const stale = this.#staleTo;
    this.#setPaging("loading");
    return { ask: (signal) => (stale === null ? this.#loadPage(meta, signal) : this.#reload(meta, stale, signal)) };
  }

  #pageFailed(error: unknown): void {
    this.#setPaging("failed");
    const words = error instanceof Error ? error.message : String(error);
    this.#listener.refused("history", `history could not be loaded: ${words}`);
  }

  #wantsPage(): boolean {
    if (this.#staleTo !== null) return true;
    return this.#paging !== "complete" && this.series.length > 0 && this.series.length < this.#goalBars;
  }

  // One page of what was built anew takes the place of what is held.
  async #reload(meta: SnapshotMeta, toNs: bigint, signal: AbortSignal): Promise<() => void> {
    const { series } = this;
    if (series.openNs(series.first) >= toNs) {
      return () => {
        this.#staleTo = null;
        this.#setPaging("idle");
      };
    }
    const frame = await this.#ask(meta, toNs, pageBars, signal);
    return () => {
      if (this.#staleTo !== toNs) {
        this.#setPaging("idle");
        return;
      }
      const isOldest = frame.count === 0 || frame.meta?.has_more === false;
      const begins = frame.bars.open_ns[0];
      const change = series.refill(frame, toNs, isOldest);
      this.board.align(series);
      this.#listener.changed(change);
      const isDone = isOldest || begins === undefined || begins <= this.#staleFrom;
      this.#staleTo = isDone ? null : begins;
      this.#setPaging(isOldest ? "complete" : "idle");
    };
  }

  // One page before the oldest bar. The open bar moves on while it is under way.
  async #loadPage(meta: SnapshotMeta, signal: AbortSignal): Promise<() => void> {
    const limit = Math.min(pageBars, Math.max(60, this.#goalBars - this.series.length));
    const oldest = this.series.openNs(this.series.first);
    const frame = await this.#ask(meta, oldest, limit, signal);
    return () => {
      if (this.series.openNs(this.series.first) !== oldest) {
        this.#setPaging("idle");
        return;
      }
      const count = this.series.prepend(frame);
      this.board.align(this.series);
      if (frame.meta !== null) this.#addGaps(frame.meta.gaps);
      this.#addRolls(frame.meta?.rolls);
      if (count > 0) this.#listener.prepended(count);
      this.#setPaging(count > 0 && frame.meta?.has_more !== false ? "idle" : "complete");
    };
  }

  async #ask(meta: SnapshotMeta, toNs: bigint, limit: number, signal: AbortSignal): Promise<Frame> {
    const { symbol, bars, ticks_per_level: ticksPerLevel } = meta;
    const page = await this.#rest.footprint({ symbol, bars, ticksPerLevel, toNs, limit }, signal);
    page.meta?.open_interest?.forEach((text, k) => {
      const opens = page.bars.open_ns[k];
      if (opens !== undefined && text !== "") this.openInterest.set(opens, text);
    });
    return page;
  }

  // What a snapshot says of gaps from its first bar on is all there is.
  #forgetGaps(fromNs: bigint): void {
    this.gapList = this.gapList.filter((gap) => gap.toNs <= fromNs);
  }

  #addGaps(spans: readonly GapSpan[]): void {
    const byStart = new Map(this.gapList.map((gap) => [gap.fromNs, gap]));
    for (const span of spans) {
      const [fromNs, toNs] = [BigInt(span.from_ns), BigInt(span.to_ns)];
      if (span.healed !== true) byStart.set(fromNs, { fromNs, toNs, cause: span.cause, missing: span.missing });
      else for (const gap of openParts([...byStart.values()], fromNs, toNs, byStart)) byStart.set(gap.fromNs, gap);
    }
    this.gapList = [...byStart.values()].sort((a, b) => (a.fromNs < b.fromNs ? -1 : 1));
  }

  #addRolls(rolls: readonly RollSpan[] = []): void {
    if (rolls.length === 0) return;
    const byTime = new Map([...this.rolls, ...rolls].map((roll) => [BigInt(roll.at_ns), roll]));
    this.rolls = [...byTime].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, roll]) => roll);
  }

  #askAgain(): void {
    const now = this.#clock.now();
    if (now - this.#askedAgainMs < resubscribeEveryMs) return;
    this.#askedAgainMs = now;
    this.#leave();
    this.#leave = this.#subscribe();
  }

  #subscribe(): () => void {
    const wanted = { topic: this.request, historyBars: this.#firstBars, studies: this.#studies };
    return this.#hub.subscribe(wanted, this);
  }

  #setPaging(state: Paging): void {
    this.#paging = state;
    this.#listener.paging(state);
  }
}

/** How many bars are loaded behind the live edge without being asked for. */
export function historyGoal(series: BarSeries): number {
  const span = series.closeNs(series.last) - series.openNs(series.last);
  return Math.min(historyBars, Math.max(300, Math.ceil(Number(sessionsNs) / Math.max(1, Number(span)))));
}
