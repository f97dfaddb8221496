import type { BarIndex } from "../protocol/units";
import type { ChartModel } from "./chart-model";
import type { PaneKind, PaneSpec } from "./panes";
import { studyExtent } from "./study-values";
import { toldExtent } from "./told-values";
import { hasFlow } from "./trust";

/** The least and the most value of some bars, and the room above and below as a share of their distance. */
export interface ValueExtent {
  readonly low: number;
  readonly high: number;
  readonly padding: number;
  /** The least distance that is shown; 1 where none is said: quantities are whole. */
  readonly least?: number;
}

type Reader = (model: ChartModel, spec: PaneSpec, from: number, to: number) => ValueExtent | null;

function deltaExtent({ series }: ChartModel, _spec: PaneSpec, from: number, to: number): ValueExtent | null {
  const { min_delta, max_delta } = series.columns;
  const { shift } = series;
  let [low, high] = [0, 0];
  let isKnown = false;
  for (let place = from + shift; place <= to + shift; place += 1) {
    if (!hasFlow(series, (place - shift) as BarIndex)) continue;
    isKnown = true;
    low = Math.min(low, min_delta[place] as number);
    high = Math.max(high, max_delta[place] as number);
  }
  return isKnown ? { low, high, padding: 0.05 } : null;
}

function cvdExtent({ series, settings }: ChartModel, _spec: PaneSpec, from: number, to: number): ValueExtent | null {
  const { min_delta, max_delta, cvd, buy, sell } = series.columns;
  const { shift } = series;
  const isCandles = settings.cvdStyle === "candles";
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let place = from + shift; place <= to + shift; place += 1) {
    if (!hasFlow(series, (place - shift) as BarIndex)) continue;
    const close = cvd[place] as number;
    const open = close - (buy[place] as number) + (sell[place] as number);
    low = Math.min(low, close, isCandles ? open + (min_delta[place] as number) : close);
    high = Math.max(high, close, isCandles ? open + (max_delta[place] as number) : close);
  }
  return high < low ? null : { low, high, padding: 0.08 };
}

function volumeExtent({ series }: ChartModel, _spec: PaneSpec, from: number, to: number): ValueExtent {
  let high = 0;
  for (let index = from; index <= to; index += 1) high = Math.max(high, series.volume(index as BarIndex));
  return { low: 0, high, padding: 0.03 };
}

const readers: { readonly [K in PaneKind]?: Reader } = {
  delta: deltaExtent,
  cvd: cvdExtent,
  volume: volumeExtent,
  study: studyExtent,
  stream: toldExtent,
};

/** What the values of a pane reach from and to on some bars; null where none of them has a value. */
export function extentOf(model: ChartModel, spec: PaneSpec, from: number, to: number): ValueExtent | null {
  return readers[spec.kind]?.(model, spec, from, to) ?? null;
}
