import type { Rest } from "../data/rest";
import { Store } from "../data/store";
import { barTimeText } from "../model/bar-time";
import { type Cell, cellAt } from "../model/cells";
import type { ChartModel } from "../model/chart-model";
import type { Cursor } from "../model/cursor";
import { unitsOf } from "../model/decimal";
import { exactQuantity } from "../model/format";
import { written } from "../model/number-signs";
import { unitName } from "../model/quantity-unit";
import { barTable, cellReadout } from "../model/readout";
import type { Inspector, TradesView, TradeView } from "../panels/face";
import type { TradeRow, TradesReply } from "../protocol/messages";
import { type BarIndex, nsToMs } from "../protocol/units";

const mostTrades = 500;
const askAgainMs = 700;

/** What is looked at more closely: the trades of a cell, or the table of a bar; kept up to date while its bar is open. */
export class Inspection {
  readonly store = new Store<Inspector | null>(null);
  readonly #mark: (cell: { readonly index: BarIndex; readonly row: number } | null) => void;
  readonly #model: ChartModel;
  readonly #rest: Rest;
  #cell: { readonly index: BarIndex; readonly row: number } | null = null;
  #tableBar: BarIndex | null = null;
  #version = 0;
  #abort: AbortController | null = null;
  #askedMs = 0;

  /** @param mark shows on the chart which cell is looked at */
  constructor(
    model: ChartModel,
    rest: Rest,
    mark: (cell: { readonly index: BarIndex; readonly row: number } | null) => void,
  ) {
    this.#mark = mark;
    this.#model = model;
    this.#rest = rest;
  }

  close(): void {
    this.#abort?.abort();
    this.#abort = null;
    this.#cell = null;
    this.#tableBar = null;
    this.#mark(null);
    this.store.set(null);
  }

  showTable(index: BarIndex): void {
    if (this.#tableBar !== index) this.close();
    this.#tableBar = index;
    this.#version = this.#model.series.version(index);
    this.store.set({ kind: "table", side: this.#side(index), table: barTable(this.#model, index) });
  }

  /** The trades of the cell under the crosshair, or of the last price. */
  showTrades(cursor: Cursor | null): void {
    const { series, price } = this.#model;
    const last = series.lastPrice();
    if (last === null) return;
    if (cursor?.pane === "price" && cursor.index !== null) this.showCell(cursor.index, cursor.row);
    else this.showCell(series.last, Math.floor(last / price.ticksPerLevel));
  }

  showCell(index: BarIndex, row: number): void {
    const cell = cellAt(this.#model.series, index, row);
    if (cell === null) return;
    this.close();
    this.#cell = { index, row };
    this.#mark(this.#cell);
    this.store.set(this.#view(cell, "loading", null, ""));
    void this.#ask(index, row);
  }

  /** The series has changed: what is shown may be out of date. */
  refresh(nowMs: number): void {
    const { series } = this.#model;
    if (this.#tableBar !== null && series.has(this.#tableBar)) {
      const version = series.version(this.#tableBar);
      if (version !== this.#version) this.showTable(this.#tableBar);
      return;
    }
    if (this.#cell === null || !series.has(this.#cell.index)) return;
    const version = series.version(this.#cell.index);
    if (version === this.#version || nowMs - this.#askedMs < askAgainMs) return;
    this.#askedMs = nowMs;
    void this.#ask(this.#cell.index, this.#cell.row);
  }

  async #ask(index: BarIndex, row: number): Promise<void> {
    const { meta, series, price } = this.#model;
    if (meta === null) return;
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    this.#version = series.version(index);
    const k = price.ticksPerLevel;
    try {
      const reply = await this.#rest.trades(
        {
          symbol: meta.symbol,
          fromNs: series.openNs(index),
          toNs: series.closeNs(index),
          lowTick: row * k,
          highTick: row * k + k,
          limit: mostTrades,
        },
        abort.signal,
      );
      if (!abort.signal.aborted) this.#show(index, row, "ready", reply, "");
    } catch (error) {
      if (abort.signal.aborted) return;
      this.#show(index, row, "failed", null, error instanceof Error ? error.message : String(error));
    }
  }

  #show(index: BarIndex, row: number, state: TradesView["state"], reply: TradesReply | null, problem: string): void {
    if (!this.#model.series.has(index)) return;
    const cell = cellAt(this.#model.series, index, row);
    if (cell !== null) this.store.set(this.#view(cell, state, reply, problem));
  }

  #view(cell: Cell, state: TradesView["state"], reply: TradesReply | null, problem: string): TradesView {
    const model = this.#model;
    const words = cellReadout(model, cell);
    const single = model.price.ticksPerLevel === 1;
    return {
      kind: "trades",
      side: this.#side(cell.index),
      title: single ? words.price : `${words.price} – ${words.upTo}`,
      subtitle: `${model.meta?.bars ?? ""} bar of ${barTimeText(model, cell.index)}`,
      state,
      problem,
      trades: (reply?.trades ?? []).map((trade) => this.#trade(trade)).reverse(),
      count: reply?.count ?? 0,
      truncated: reply?.truncated ?? false,
      unit: model.quantity.unit === "lots" ? "lots" : unitName(model.meta),
      buy: this.#quantity(reply?.buy ?? ""),
      sell: this.#quantity(reply?.sell ?? ""),
      unknown: this.#quantity(reply?.unknown ?? ""),
      cell: words,
      equal: reply !== null && this.#isEqual(cell, reply),
    };
  }

  // Stays on the side where it opened, whatever the chart does meanwhile.
  #side(index: BarIndex): "left" | "right" {
    const open = this.store.get();
    if (open !== null) return open.side;
    return this.#model.time.x(index) > this.#model.time.width / 2 ? "left" : "right";
  }

  #trade(trade: TradeRow): TradeView {
    return {
      time: this.#model.clock.preciseText(nsToMs(BigInt(trade.ts_ns))),
      price: written(trade.price, this.#model.signs),
      qty: this.#quantity(trade.qty),
      side: trade.side,
      id: trade.id === null ? "" : String(trade.id),
    };
  }

  // In the unit of the cell; what is off the grid stays as it was sent.
  #quantity(text: string): string {
    const { quantity, signs } = this.#model;
    const units = unitsOf(text, quantity.lot);
    return units === null ? written(text, signs) : exactQuantity(units, quantity);
  }

  // Compared as whole lots: no rounding can make unequal sums look equal.
  #isEqual(cell: Cell, reply: TradesReply): boolean {
    const { lot } = this.#model.quantity;
    return (["buy", "sell", "unknown"] as const).every((side) => unitsOf(reply[side], lot) === cell[side]);
  }
}
