import type { Rest } from "../data/rest";
import type { Clock } from "../data/store";
import type { Chart } from "../gui/chart";

/** What whoever asks the server for something beside the bars needs of the page. */
export interface ChartHost {
  readonly rest: Rest;
  readonly clock: Clock;
  chart(): Chart;
  /** What is said has changed: titles are to be written anew. */
  changed(): void;
  problem(words: string): void;
}
