import { ProfileDesk } from "../data/profile-desk";
import type { Chart } from "../gui/chart";
import { Level } from "../model/invalidation";
import { kindOf, pickOf, wantsOf } from "../model/profile-choice";
import { gutterOf, rangeOf, viewOf } from "../model/profiles";
import type { StudyChoice } from "../model/study-choice";
import type { StudyParams } from "../protocol/messages";
import type { BarIndex } from "../protocol/units";
import type { ChartHost } from "./chart-host";

const hints = {
  range: "Drag from the first bar to the last one of the profile. Enter takes the bars on screen, Esc none.",
  bar: "Click the bar from which on the profile counts. Enter takes the first one on screen, Esc none.",
} as const;

/** Profiles on the chart: which are chosen, what the server says of them, and how a range is shown with the mouse. */
export class Profiles {
  readonly #host: ChartHost;
  readonly #desk: ProfileDesk;
  #chosen: readonly StudyChoice[] = [];

  constructor(host: ChartHost) {
    this.#host = host;
    this.#desk = new ProfileDesk(host.rest, host.clock, {
      answered: (label, reply) => {
        const chart = host.chart();
        chart.model.profiles.put(label, reply);
        chart.invalidate(Level.full);
        host.changed();
      },
      problem: (words) => host.problem(words),
    });
  }

  /** Whether the server has said what there is to say of what is looked at. */
  get isQuiet(): boolean {
    return this.#desk.isQuiet;
  }

  choose(chosen: readonly StudyChoice[]): void {
    this.#chosen = chosen;
    const wants = wantsOf(chosen);
    this.#desk.want(wants);
    const chart = this.#host.chart();
    chart.model.gutter = gutterOf(wants);
    chart.invalidate(Level.full);
    this.look();
  }

  /** The page is in the background, or is seen again. */
  hide(isHidden: boolean): void {
    this.#desk.hide(isHidden);
  }

  /** The view has moved, or another chart is shown. */
  look(): void {
    if (wantsOf(this.#chosen).length > 0) this.#desk.look(viewOf(this.#host.chart().model));
  }

  /** Bars have changed; `anew`: not the newest ones alone. */
  grew(anew: boolean): void {
    if (wantsOf(this.#chosen).length === 0) return;
    const { model } = this.#host.chart();
    this.#desk.look(viewOf(model));
    const { series } = model;
    // The bar before the newest may have closed with the same news.
    const last = Math.max(series.first, series.last - 1) as BarIndex;
    this.#desk.grew(anew || series.length === 0 ? 0n : series.openNs(last));
  }

  /**
   * Let the user show which bars a kind of profile is of.
   *
   * @param add called with the settings that say so
   * @returns whether the kind needs that
   */
  pick(study: string, add: (params: StudyParams) => void): boolean {
    const wants = pickOf(kindOf(study) ?? "");
    if (wants === null) return false;
    const chart = this.#host.chart();
    this.#host.problem(hints[wants]);
    chart.pick.arm(wants, (from, to) => {
      this.#host.problem("");
      add(paramsOf(chart, wants, from, to));
    });
    return true;
  }
}

// Times as text: JavaScript's numbers cannot hold them to the nanosecond.
function paramsOf({ model }: Chart, wants: "range" | "bar", from: BarIndex, to: BarIndex): StudyParams {
  const { fromNs, toNs } = rangeOf(model.series, from, to);
  return wants === "bar" ? { anchor_ns: String(fromNs) } : { from_ns: String(fromNs), to_ns: String(toNs) };
}
