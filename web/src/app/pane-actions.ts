import type { Chart } from "../gui/chart";
import type { PaneName } from "../model/cursor";
import { boxOf, dragSplitter } from "../model/pane-layout";
import { addPane, closePane, movePane, type PaneKind, usualShare } from "../model/panes";
import type { ToldPane } from "../model/told";
import type { PaneFace } from "../panels/face";
import type { Studies } from "./studies";
import type { ToldStreams } from "./told";

/** What is done to the panes from menus and commands. */
export class PaneActions implements PaneFace {
  readonly #chart: () => Chart;
  readonly #studies: Studies;
  readonly #told: ToldStreams;
  readonly #openSettings: (label: string) => void;

  constructor(chart: () => Chart, studies: Studies, told: ToldStreams, openSettings: (label: string) => void) {
    this.#chart = chart;
    this.#studies = studies;
    this.#told = told;
    this.#openSettings = openSettings;
  }

  add(kind: PaneKind): void {
    const chart = this.#chart();
    chart.setPanes(addPane(chart.panes, { id: kind, kind, share: usualShare({ id: kind, kind }) }));
  }

  addTold(pane: ToldPane): void {
    void this.#told.add(pane);
  }

  close(pane: PaneName): void {
    const chart = this.#chart();
    const label = this.#labelOf(pane);
    if (label !== null) this.#studies.remove(label);
    else chart.setPanes(closePane(chart.panes, pane));
  }

  move(pane: PaneName, by: number): void {
    const chart = this.#chart();
    chart.setPanes(movePane(chart.panes, pane, by));
  }

  grow(pane: PaneName, by: number): void {
    const chart = this.#chart();
    const layout = chart.layout.get();
    chart.setPanes(dragSplitter(layout, pane, boxOf(layout, pane).top - by));
  }

  maximise(pane: PaneName): void {
    const chart = this.#chart();
    chart.maximise(chart.maximised === pane ? null : pane);
    chart.moved();
  }

  hasSettings(pane: PaneName): boolean {
    return this.#labelOf(pane) !== null;
  }

  settings(pane: PaneName): void {
    const label = this.#labelOf(pane);
    if (label !== null) this.#openSettings(label);
  }

  #labelOf(pane: PaneName): string | null {
    const spec = this.#chart().model.panes.spec(pane);
    return spec?.kind === "study" ? (spec.of ?? null) : null;
  }
}
