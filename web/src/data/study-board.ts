import type { StudySpec } from "../protocol/messages";
import type { StudyFrame } from "../protocol/studies";
import type { BarSeries } from "./bar-series";
import { StudySeries } from "./study-series";

/** Labels of studies that nobody chose, because the look of the cells asks for them, begin so. */
export const ownPrefix = "cells: ";

/** The studies beside the bars of one chart, by their labels. */
export class StudyBoard {
  #all: readonly StudySeries[] = [];
  #list: readonly StudySeries[] = [];

  /** Those that were chosen for the chart, in the order in which they were asked for. */
  get list(): readonly StudySeries[] {
    return this.#list;
  }

  /** With those that the look of the cells asks for. */
  get all(): readonly StudySeries[] {
    return this.#all;
  }

  of(label: string): StudySeries | null {
    return this.#all.find(({ spec }) => spec.label === label) ?? null;
  }

  /** Follow what the server resolved: a study that is set as before keeps what it has said. */
  open(specs: readonly StudySpec[], series: BarSeries): void {
    this.#hold(
      specs.map((spec) => {
        const held = this.of(spec.label);
        return held !== null && isSame(held.spec, spec) ? held : begun(spec, series);
      }),
    );
  }

  merge(frame: StudyFrame): void {
    for (const part of frame.studies) this.of(part.label)?.merge(frame, part);
  }

  /** Forget what was said: bars were built anew. */
  renew(series: BarSeries): void {
    this.#hold(this.#all.map(({ spec }) => begun(spec, series)));
  }

  /** The bars have other numbers, or there are more of them. */
  align(series: BarSeries): void {
    for (const one of this.#all) one.align(series);
  }

  #hold(all: readonly StudySeries[]): void {
    this.#all = all;
    this.#list = all.filter(({ spec }) => !spec.label.startsWith(ownPrefix));
  }
}

function begun(spec: StudySpec, series: BarSeries): StudySeries {
  const study = new StudySeries(spec);
  study.align(series);
  return study;
}

// What it is called says what of it is missing; its steps say what its columns count.
const isSame = (a: StudySpec, b: StudySpec): boolean =>
  JSON.stringify([a.study, a.title, a.params, a.steps]) === JSON.stringify([b.study, b.title, b.params, b.steps]);
