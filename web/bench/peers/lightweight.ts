import {
  type CustomData,
  type CustomSeriesOptions,
  type CustomSeriesPricePlotValues,
  createChart,
  customSeriesDefaultOptions,
  type ICustomSeriesPaneRenderer,
  type ICustomSeriesPaneView,
  type PaneRendererCustomData,
  type Time,
  type UTCTimestamp,
} from "lightweight-charts";
import { rampStep } from "../../src/model/palette";
import { hasRoom, type Peer, type PlainBar, plainBar, type Scene } from "./scene";

interface Footprint extends CustomData<Time> {
  readonly bar: PlainBar;
}

type Rendered = PaneRendererCustomData<Time, Footprint>;
type Draw = ICustomSeriesPaneRenderer["draw"];
type Target = Parameters<Draw>[0];
type ToCoordinate = Parameters<Draw>[1];

const firstS = Date.UTC(2025, 10, 21) / 1000;

/** The cells as a custom series of lightweight-charts: what its documentation shows for one. */
class FootprintView implements ICustomSeriesPaneView<Time, Footprint, CustomSeriesOptions> {
  readonly #scene: Scene;
  #data: Rendered | null = null;
  readonly #renderer: ICustomSeriesPaneRenderer = { draw: (target, convert) => this.#draw(target, convert) };

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  renderer(): ICustomSeriesPaneRenderer {
    return this.#renderer;
  }

  update(data: Rendered): void {
    this.#data = data;
  }

  priceValueBuilder({ bar }: Footprint): CustomSeriesPricePlotValues {
    return [bar.base, bar.base + bar.rows.length, bar.base];
  }

  isWhitespace(data: Footprint | { time: Time }): data is { time: Time } {
    return !("bar" in data);
  }

  defaultOptions(): CustomSeriesOptions {
    return { ...customSeriesDefaultOptions, priceLineVisible: false, lastValueVisible: false };
  }

  #draw(target: Target, convert: ToCoordinate): void {
    const data = this.#data;
    const range = data?.visibleRange;
    if (data === null || range === null || range === undefined) return;
    target.useMediaCoordinateSpace(({ context }) => {
      const width = data.barSpacing * 0.9;
      for (let at = Math.max(0, range.from); at < range.to; at += 1) {
        const item = data.bars[at];
        if (item !== undefined) this.#bar(context, item.x - width / 2, width / 2, item.originalData.bar, convert);
      }
    });
  }

  #bar(ctx: CanvasRenderingContext2D, left: number, half: number, bar: PlainBar, convert: ToCoordinate): void {
    const { palette } = this.#scene;
    const typical = this.#scene.typical();
    const row = Math.abs((convert(bar.base) ?? 0) - (convert(bar.base + 1) ?? 0));
    const withText = hasRoom(row, 2 * half);
    ctx.font = `${Math.max(1, Math.min(12, Math.floor(row - 2)))}px sans-serif`;
    ctx.textBaseline = "middle";
    for (let k = 0; k < bar.rows.length; k += 1) {
      const y = convert(bar.base + (bar.rows[k] as number));
      if (y === null) continue;
      const [buy, sell] = [bar.buy[k] as number, bar.sell[k] as number];
      ctx.fillStyle = palette.sellRamp.ground[rampStep(sell, typical)] as string;
      ctx.fillRect(left, y - row, half, Math.max(1, row - 1));
      ctx.fillStyle = palette.buyRamp.ground[rampStep(buy, typical)] as string;
      ctx.fillRect(left + half, y - row, half, Math.max(1, row - 1));
      if (!withText) continue;
      ctx.fillStyle = palette.text;
      ctx.textAlign = "right";
      ctx.fillText(this.#scene.text(sell), left + half - 3, y - row / 2);
      ctx.textAlign = "left";
      ctx.fillText(this.#scene.text(buy), left + half + 3, y - row / 2);
    }
  }
}

/** The scene on lightweight-charts. Its frames are drawn when the browser asks: nothing here draws at once. */
export function lightweight(root: HTMLElement, scene: Scene): Peer {
  const range = { low: 0, high: 1 };
  const chart = createChart(root, {
    autoSize: true,
    layout: { background: { color: scene.palette.background }, textColor: scene.palette.text, attributionLogo: false },
    grid: { vertLines: { visible: false }, horzLines: { visible: false } },
    timeScale: { minBarSpacing: 0.5, timeVisible: true },
  });
  const shown = chart.addCustomSeries(new FootprintView(scene), {
    autoscaleInfoProvider: () => ({ priceRange: { minValue: range.low, maxValue: range.high } }),
  });
  const item = (index: number): Footprint => ({
    time: (firstS + 60 * index) as UTCTimestamp,
    bar: plainBar(scene.series, index),
  });
  shown.setData(Array.from({ length: scene.bars }, (_, index) => item(index)));
  shown.priceScale().applyOptions({ scaleMargins: { top: 0, bottom: 0 } });
  return {
    show(right, count, low, high) {
      [range.low, range.high] = [low, high];
      shown.priceScale().applyOptions({ autoScale: true });
      chart.timeScale().setVisibleLogicalRange({ from: right - count, to: right });
    },
    update() {
      shown.update(item(scene.bars - 1));
    },
    dispose() {
      chart.remove();
    },
  };
}
