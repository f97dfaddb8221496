import type { SnapshotMeta } from "../protocol/messages";
import type { BarSeries } from "./bar-series";
import type { Rest } from "./rest";
import type { StudyBoard } from "./study-board";
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
  readonly #abort = new AbortController();
  readonly #busy = new Set<StudySeries>();
  readonly #complete = new Set<StudySeries>();
  #wantedNs: bigint | null = null;

  constructor(
    rest: Rest,
    board: StudyBoard,
    series: BarSeries,
    on: { readonly came: () => void; readonly failed: (words: string) => void },
  ) {
    this.#rest = rest;
    this.#board = board;
    this.#series = series;
    this.#came = on.came;
    this.#failed = on.failed;
  }

  close(): void {
    this.#abort.abort();
  }

  /** Bars from that time on are looked at. */
  want(meta: SnapshotMeta, fromNs: bigint): void {
    if (this.#wantedNs === null || fromNs < this.#wantedNs) this.#wantedNs = fromNs;
    this.again(meta);
  }

  /** What is held has changed: look once more at what is wanted. */
  again(meta: SnapshotMeta): void {
    for (const study of this.#board.list) void this.#load(meta, study);
  }

  async #load(meta: SnapshotMeta, study: StudySeries): Promise<void> {
    if (this.#busy.has(study)) return;
    this.#busy.add(study);
    try {
      while (this.#wants(study)) {
        const came = await this.#page(meta, study);
        if (this.#abort.signal.aborted) return;
        if (came === 0) this.#complete.add(study);
        else this.#came();
      }
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.#complete.add(study);
      const words = error instanceof Error ? error.message : String(error);
      this.#failed(`${study.spec.title}: what it says of older bars could not be loaded: ${words}`);
    } finally {
      this.#busy.delete(study);
    }
  }

  #wants(study: StudySeries): boolean {
    const first = study.firstNs;
    if (first === null || this.#wantedNs === null || this.#complete.has(study)) return false;
    return (
      this.#board.list.includes(study) && first > this.#wantedNs && this.#series.lowerBound(first) > this.#series.first
    );
  }

  async #page(meta: SnapshotMeta, study: StudySeries): Promise<number> {
    const first = study.firstNs as bigint;
    const missing = this.#series.lowerBound(first) - this.#series.lowerBound(this.#wantedNs ?? first);
    const { symbol, bars, ticks_per_level: ticksPerLevel } = meta;
    const limit = Math.min(mostBars, Math.max(pageBars, missing));
    const query = { symbol, bars, ticksPerLevel, toNs: first, limit };
    const frame = await this.#rest.studyFrame(study.spec, query, this.#abort.signal);
    const part = frame.studies[0];
    if (part === undefined || study.firstNs !== first) return 0;
    return study.prepend(frame, part);
  }
}
