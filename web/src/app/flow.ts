import { Store, ThrottledStore } from "../data/store";
import type { ChartModel } from "../model/chart-model";
import { type FlowSettings, type FlowTable, flowTable } from "../model/flow-table";
import type { FlowFace } from "../panels/face";
import type { BarIndex } from "../protocol/units";

/** The order flow table beside the chart. */
export class Flow implements FlowFace {
  readonly settings: Store<FlowSettings>;
  readonly table = new ThrottledStore<FlowTable>({ rows: [], line: "", zero: null, current: "–", sign: 0 }, 100);
  readonly #model: ChartModel;
  readonly #changed: () => void;
  readonly #openBar: (index: BarIndex) => void;

  constructor(
    model: ChartModel,
    settings: FlowSettings,
    on: { readonly changed: () => void; readonly openBar: (index: BarIndex) => void },
  ) {
    this.#model = model;
    this.settings = new Store(settings);
    this.#changed = on.changed;
    this.#openBar = on.openBar;
  }

  /** Bars have changed. */
  show(): void {
    if (this.settings.get().open) this.table.touch(() => flowTable(this.#model, this.settings.get()));
  }

  change(settings: Partial<FlowSettings>): void {
    this.settings.set({ ...this.settings.get(), ...settings });
    this.show();
    this.#changed();
  }

  openBar(index: BarIndex): void {
    if (this.#model.series.has(index)) this.#openBar(index);
  }
}
