import type { SnapshotMeta } from "../protocol/messages";
import { Asker } from "./asker";
import type { BarSeries } from "./bar-series";
import type { Rest } from "./rest";
import type { Clock } from "./store";
import { ownPrefix, type StudyBoard } from "./study-board";
import type { StudySeries } from "./study-series";

const pageBars = 480;
const mostBars = 5_000;

/** Loads what studies say of bars behind those that the stream began with, as far back as is looked at. */
export class StudyHistory {
  readonly #rest: Rest;
  readonly #board: StudyBoard;
  readonly #series: BarSeries;
  readonly #came: () => void;
  readonly #failed: (words: string) => void;
  readonly #clock: Clock;
  readonly #askers = new Map<StudySeries, Asker>();
  readonly #complete = new Set<StudySeries>();
  #wantedNs: bigint | null = null;

  constructor(
    rest: Rest,
    clock: Clock,
    chart: { readonly board: StudyBoard; readonly series: BarSeries },
    on: { readonly came: () => void; readonly failed: (words: string) => void },
  ) {
    [this.#rest, this.#clock, this.#board, this.#series] = [rest, clock, chart.board, chart.series];
    this.#came = on.came;
    this.#failed = on.failed;
  }

  close(): void {
    for (const asker of this.#askers.values()) asker.close();
  }

  /** Bars from that time on are looked at; what the look of the cells asks for is wanted of all bars that are held. */
  want(meta: SnapshotMeta, fromNs: bigint): void {
    if (this.#wantedNs === null || fromNs < this.#wantedNs) this.#wantedNs = fromNs;
    this.again(meta);
  }

  /** What is held has changed: look once more at what is wanted. */
  again(meta: SnapshotMeta): void {
    for (const [study, asker] of this.#askers) {
      if (this.#board.all.includes(study)) continue;
      asker.close();
      this.#askers.delete(study);
    }
    for (const study of this.#board.all) {
      const asker = this.#askers.get(study) ?? this.#askerOf(meta, study);
      this.#askers.set(study, asker);
      asker.look();
    }
  }

  #askerOf(meta: SnapshotMeta, study: StudySeries): Asker {
    return new Asker(
      this.#clock,
      () => (this.#wants(study) ? { ask: (signal) => this.#page(meta, study, signal) } : null),
      (error) => {
        this.#complete.add(study);
        const words = error instanceof Error ? error.message : String(error);
        this.#failed(`${study.spec.title}: what it says of older bars could not be loaded: ${words}`);
      },
    );
  }

  #wants(study: StudySeries): boolean {
    const first = study.firstNs;
    const wanted = this.#wantedOf(study);
    if (first === null || wanted === null || this.#complete.has(study)) return false;
    return this.#board.all.includes(study) && first > wanted && this.#series.lowerBound(first) > this.#series.first;
  }

  // A level that stands may be as old as any bar.
  #wantedOf(study: StudySeries): bigint | null {
    const isOwn = study.spec.label.startsWith(ownPrefix);
    return isOwn && this.#series.length > 0 ? this.#series.openNs(this.#series.first) : this.#wantedNs;
  }

  async #page(meta: SnapshotMeta, study: StudySeries, signal: AbortSignal): Promise<() => void> {
    const first = study.firstNs as bigint;
    const missing = this.#series.lowerBound(first) - this.#series.lowerBound(this.#wantedOf(study) ?? first);
    const { symbol, bars, ticks_per_level: ticksPerLevel } = meta;
    const limit = Math.min(mostBars, Math.max(pageBars, missing));
    const query = { symbol, bars, ticksPerLevel, toNs: first, limit };
    const frame = await this.#rest.studyFrame(study.spec, query, signal);
    return () => {
      const part = frame.studies[0];
      const came = part === undefined || study.firstNs !== first ? 0 : study.prepend(frame, part);
      if (came === 0) this.#complete.add(study);
      else this.#came();
    };
  }
}
