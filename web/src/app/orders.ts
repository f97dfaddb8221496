import { OrderDesk } from "../data/order-desk";
import { Level } from "../model/invalidation";
import { ordersOf, orderView } from "../model/orders";
import type { StudyChoice } from "../model/study-choice";
import type { ChartHost } from "./chart-host";

/** Large orders on the chart: which are chosen, and what the server says of them. */
export class Orders {
  readonly #host: ChartHost;
  readonly #desk: OrderDesk;
  #isWanted = false;

  constructor(host: ChartHost) {
    this.#host = host;
    this.#desk = new OrderDesk(host.rest, host.clock, {
      answered: (label, held) => {
        const chart = host.chart();
        chart.model.orders.put(label, held);
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
    const wants = ordersOf(chosen);
    this.#isWanted = wants.length > 0;
    this.look();
    this.#desk.want(wants);
  }

  /** The page is in the background, or is seen again. */
  hide(isHidden: boolean): void {
    this.#desk.hide(isHidden);
  }

  /** The view has moved, or another chart is shown. */
  look(): void {
    if (this.#isWanted) this.#desk.look(orderView(this.#host.chart().model));
  }

  /** Bars have changed; `anew`: not the newest ones alone. */
  grew(anew: boolean): void {
    if (!this.#isWanted) return;
    this.#desk.look(orderView(this.#host.chart().model));
    this.#desk.grew(anew);
  }
}
