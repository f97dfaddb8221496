import type { StudySpec } from "../protocol/messages";
import type { StudyFrame } from "../protocol/studies";
import type { BarSeries } from "./bar-series";
import { StudySeries } from "./study-series";

/** The studies beside the bars of one chart, by their labels. */
export class StudyBoard {
  #list: readonly StudySeries[] = [];

  /** In the order in which they were asked for. */
  get list(): readonly StudySeries[] {
    return this.#list;
  }

  of(label: string): StudySeries | null {
    return this.#list.find(({ spec }) => spec.label === label) ?? null;
  }

  /** Follow what the server resolved: a study that is set as before keeps what it has said. */
  open(specs: readonly StudySpec[], series: BarSeries): void {
    this.#list = specs.map((spec) => {
      const held = this.of(spec.label);
      if (held !== null && isSame(held.spec, spec)) return held;
      const made = new StudySeries(spec);
      made.align(series);
      return made;
    });
  }

  merge(frame: StudyFrame): void {
    for (const part of frame.studies) this.of(part.label)?.merge(frame, part);
  }

  /** Forget what was said: bars were built anew. */
  renew(series: BarSeries): void {
    this.#list = this.#list.map(({ spec }) => {
      const made = new StudySeries(spec);
      made.align(series);
      return made;
    });
  }

  /** The bars have other numbers, or there are more of them. */
  align(series: BarSeries): void {
    for (const one of this.#list) one.align(series);
  }
}

// What it is called says what of it is missing; its steps say what its columns count.
const isSame = (a: StudySpec, b: StudySpec): boolean =>
  JSON.stringify([a.study, a.title, a.params, a.steps]) === JSON.stringify([b.study, b.title, b.params, b.steps]);
