import type { Chart } from "../gui/chart";
import type { PaneName } from "../model/cursor";
import { addPane, closePane, movePane, newShare, type PaneKind } from "../model/panes";
import type { PaneFace } from "../panels/face";

/** What is done to the panes from menus and commands. */
export class PaneActions implements PaneFace {
  readonly #chart: () => Chart;

  constructor(chart: () => Chart) {
    this.#chart = chart;
  }

  add(kind: PaneKind): void {
    const chart = this.#chart();
    chart.setPanes(addPane(chart.panes, { id: kind, kind, share: newShare }));
  }

  close(pane: PaneName): void {
    const chart = this.#chart();
    chart.setPanes(closePane(chart.panes, pane));
  }

  move(pane: PaneName, by: number): void {
    const chart = this.#chart();
    chart.setPanes(movePane(chart.panes, pane, by));
  }

  maximise(pane: PaneName): void {
    const chart = this.#chart();
    chart.maximise(chart.maximised === pane ? null : pane);
    chart.moved();
  }

  hasSettings(_pane: PaneName): boolean {
    return false;
  }

  settings(_pane: PaneName): void {}
}
