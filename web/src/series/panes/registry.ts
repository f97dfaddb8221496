import type { ChartModel } from "../../model/chart-model";
import type { PaneKind, PaneSpec } from "../../model/panes";
import { isDoubtful } from "../../model/trust";
import type { ValueScale } from "../../model/value-scale";
import type { OutputUnit } from "../../protocol/messages";
import type { Context } from "../../renderers/text";
import { drawCvd } from "./cvd";
import { drawDelta } from "./delta";
import { drawStudyPane, lastOfStudy } from "./study-pane";
import { drawTold, lastOfTold } from "./told";
import { drawVolume } from "./volume";

/** What a pane is drawn with: its part of the chart, the scale of its values, its height in device pixels. */
export interface PaneFrame {
  readonly ctx: Context;
  readonly model: ChartModel;
  readonly spec: PaneSpec;
  readonly scale: ValueScale;
  readonly height: number;
}

/** The newest value of a pane, as the label on its axis says it. */
export interface LastValue {
  readonly value: number;
  readonly unit?: OutputUnit;
  readonly ground: string;
  readonly colour: string;
}

/** How a kind of pane is drawn. */
export interface PaneView {
  draw(frame: PaneFrame): void;
  /** What its axis says of the newest bar; where two would stand on each other the first does. */
  last(model: ChartModel, spec: PaneSpec): readonly LastValue[];
}

const bySign = ({ palette }: ChartModel, value: number): LastValue =>
  value >= 0
    ? { value, ground: palette.buy, colour: palette.onBuy }
    : { value, ground: palette.sell, colour: palette.onSell };

const views: { readonly [K in PaneKind]?: PaneView } = {
  delta: {
    draw: drawDelta,
    // A delta that is not to be trusted has no colour (definitions 1.4).
    last: (model) => {
      const { series, palette } = model;
      const value = series.delta(series.last);
      if (!isDoubtful(series, series.last)) return [bySign(model, value)];
      return [{ value, ground: palette.label, colour: palette.labelText }];
    },
  },
  cvd: {
    draw: drawCvd,
    last: ({ series, palette }) => [
      { value: series.number("cvd", series.last), ground: palette.line, colour: palette.onLine },
    ],
  },
  volume: {
    draw: drawVolume,
    last: ({ series, palette }) => [
      { value: series.volume(series.last), ground: palette.label, colour: palette.labelText },
    ],
  },
  study: { draw: drawStudyPane, last: lastOfStudy },
  stream: { draw: drawTold, last: lastOfTold },
};

/** How a pane is drawn; null for the price pane. */
export const viewOf = ({ kind }: PaneSpec): PaneView | null => views[kind] ?? null;
