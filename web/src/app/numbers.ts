import { Store, ThrottledStore } from "../data/store";
import type { Chart } from "../gui/chart";
import { barLeft } from "../model/bar-time";
import { cellAt } from "../model/cells";
import type { ChartModel } from "../model/chart-model";
import type { Cursor } from "../model/cursor";
import {
  accuracyText,
  cvdAnchor,
  emptyHeader,
  headerView,
  type LegendView,
  legendView,
  scoreText,
} from "../model/header";
import { hoverWords } from "../model/hover-words";
import { Level } from "../model/invalidation";
import { overlayTitles, type PaneTitle, paneTitle } from "../model/pane-titles";
import { barReadout, cellReadout, spoken } from "../model/readout";
import type { ReadoutView } from "../panels/face";
import type { Status } from "../protocol/messages";
import { gapText } from "./gap-words";

/** The engine's time; none before anything was heard. */
const engineNs = (status: Status | null): bigint | null =>
  status === null || status.engine_ns === "0" ? null : BigInt(status.engine_ns);

const emptyReadout: ReadoutView = { bar: null, cell: null, pointed: false, gap: "" };

/** The numbers around the chart, at a pace that panels can follow. */
export class Numbers {
  readonly legend = new ThrottledStore<LegendView | null>(null, 500);
  readonly header = new ThrottledStore(emptyHeader, 100);
  readonly countdown = new ThrottledStore("", 200);
  readonly readout = new ThrottledStore<ReadoutView>(emptyReadout, 50);
  readonly overlays = new ThrottledStore<readonly PaneTitle[]>([], 50);
  readonly titles = new ThrottledStore<readonly PaneTitle[]>([], 50);
  readonly spoken = new ThrottledStore("", 700);
  readonly troubles = new Store<readonly string[]>([]);
  readonly inference = new Store<{ readonly text: string; readonly score: string }>({ text: "", score: "" });
  readonly #model: ChartModel;
  readonly #chart: () => Chart;
  #status: Status | null = null;

  constructor(model: ChartModel, chart: () => Chart) {
    this.#model = model;
    this.#chart = chart;
  }

  get status(): Status | null {
    return this.#status;
  }

  /** Another symbol is shown: what was said of the one before says nothing of it. */
  forget(): void {
    this.#status = null;
    this.#model.recorded = true;
  }

  onStatus(status: Status): void {
    const { recorded } = status;
    this.#chart().invalidate(recorded === this.#model.recorded ? Level.light : Level.full);
    this.#model.recorded = recorded;
    this.#status = status;
    const text = this.#model.meta?.inferred === true ? scoreText(status) : "";
    const score = accuracyText(status);
    const shown = this.inference.get();
    if (shown.text !== text || shown.score !== score) this.inference.set({ text, score });
    const troubles = [...(status.trouble == null ? [] : [status.trouble]), ...(status.notes ?? [])];
    if (troubles.join("\n") !== this.troubles.get().join("\n")) this.troubles.set(troubles);
    this.show();
  }

  /** @param atOnce another chart is shown: all numbers are of it from its first frame on, each at its own pace after that */
  show(atOnce = false): void {
    const [model, { painter, cursor }] = [this.#model, this.#chart()];
    if (model.meta === null || model.series.length === 0) return;
    const tell = <T>(store: ThrottledStore<T>, read: () => T): void => (atOnce ? store.put(read) : store.touch(read));
    // By the engine's own time: the market may be replayed at any speed.
    painter.countdown = barLeft(model, engineNs(this.#status));
    tell(this.countdown, () => painter.countdown);
    tell(this.header, () => headerView(model, this.#status, this.header.get()));
    tell(this.legend, () => (model.meta === null ? null : legendView(model, model.meta)));
    if (atOnce) {
      tell(this.readout, () => this.#readoutOf(cursor));
      tell(this.overlays, () => this.#overlaysAt(cursor?.index ?? null));
      tell(this.titles, () => this.#titlesAt(cursor?.index ?? null));
    } else if (cursor === null) this.point(null);
  }

  /** What is under the crosshair; the newest bar without one. */
  point(cursor: Cursor | null): void {
    this.readout.touch(() => this.#readoutOf(cursor));
    this.overlays.touch(() => this.#overlaysAt(cursor?.index ?? null));
    this.titles.touch(() => this.#titlesAt(cursor?.index ?? null));
    this.spoken.touch(() => {
      const { bar, cell, pointed } = this.#readoutOf(cursor);
      if (bar === null || !pointed) return "";
      const over = cursor === null ? null : hoverWords(this.#model, cursor);
      return over === null ? spoken(bar, cell) : `${spoken(bar, cell)}. ${over.lines.join(", ")}`;
    });
  }

  #overlaysAt(pointed: number | null): readonly PaneTitle[] {
    const model = this.#model;
    if (model.series.length === 0) return [];
    const index = pointed !== null && model.series.has(pointed) ? pointed : model.series.last;
    return overlayTitles(model, index);
  }

  #titlesAt(pointed: number | null): readonly PaneTitle[] {
    const model = this.#model;
    if (model.series.length === 0) return [];
    const index = pointed !== null && model.series.has(pointed) ? pointed : model.series.last;
    const anchor = model.meta === null ? "" : cvdAnchor(model, model.meta, this.#status, index);
    return model.panes.specs.slice(1).map((spec) => paneTitle(model, spec, index, anchor));
  }

  #readoutOf(cursor: Cursor | null): ReadoutView {
    const model = this.#model;
    if (model.series.length === 0) return emptyReadout;
    const pointed = cursor?.index ?? null;
    const index = pointed !== null && model.series.has(pointed) ? pointed : model.series.last;
    const cell = pointed === null || cursor?.pane !== "price" ? null : cellAt(model.series, index, cursor.row);
    return {
      bar: barReadout(model, index),
      cell: cell === null ? null : cellReadout(model, cell),
      pointed: pointed !== null,
      gap: cursor === null ? "" : this.#gapAt(cursor.x),
    };
  }

  #gapAt(x: number): string {
    const band = this.#chart().painter.bands.find((candidate) => x >= candidate.left && x <= candidate.right);
    return band === undefined ? "" : gapText(band.gap);
  }
}
