import type { CustomSeriesRenderItem, CustomSeriesRenderItemReturn } from "echarts";
import { CustomChart } from "echarts/charts";
import { GridComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { rampStep } from "../../src/model/palette";
import { hasRoom, type Peer, type PlainBar, plainBar, type Scene } from "./scene";

echarts.use([CustomChart, GridComponent, CanvasRenderer]);

type Shape = Exclude<CustomSeriesRenderItemReturn, null | undefined>;

/** The scene on ECharts: one custom item a bar, its cells are the item's rectangles and texts. */
export function onECharts(root: HTMLElement, scene: Scene): Peer {
  const chart = echarts.init(root, null, { renderer: "canvas" });
  const held: PlainBar[] = Array.from({ length: scene.bars }, (_, index) => plainBar(scene.series, index));
  const data = (): number[][] => held.map((bar, index) => [index, bar.base, bar.base + bar.rows.length]);
  const renderItem: CustomSeriesRenderItem = (_, api) => barGroup(scene, held, api);
  chart.setOption({
    animation: false,
    backgroundColor: scene.palette.background,
    grid: { left: 0, right: 80, top: 0, bottom: 26 },
    xAxis: { type: "value", min: 0, max: 1, splitLine: { show: false } },
    yAxis: { type: "value", position: "right", min: 0, max: 1, splitLine: { show: false } },
    series: [{ type: "custom", clip: true, encode: { x: 0, y: [1, 2] }, renderItem, data: data() }],
  });
  return {
    show(right, count, low, high) {
      const from = right - count;
      const outside = (index: number): boolean => index < from - 1 || index > right + 1;
      chart.setOption({
        xAxis: { min: from, max: right },
        yAxis: { min: low, max: high },
        series: [{ data: data().filter(([index]) => !outside(index as number)) }],
      });
      chart.getZr().flush();
    },
    update() {
      held[scene.bars - 1] = plainBar(scene.series, scene.bars - 1);
      chart.setOption({ series: [{ data: data().slice(-20) }] });
      chart.getZr().flush();
    },
    dispose() {
      chart.dispose();
    },
  };
}

function barGroup(scene: Scene, held: readonly PlainBar[], api: Parameters<CustomSeriesRenderItem>[1]): Shape {
  const index = api.value(0) as number;
  const bar = held[index] as PlainBar;
  const [left = 0, bottom = 0] = api.coord([index, bar.base]);
  const [right = 0, above = 0] = api.coord([index + 1, bar.base + 1]);
  const [row, half] = [bottom - above, (0.9 * (right - left)) / 2];
  const withText = hasRoom(row, 2 * half);
  const font = `${Math.max(1, Math.min(12, Math.floor(row - 2)))}px sans-serif`;
  const children: unknown[] = [];
  const cell = (x: number, y: number, fill: string, quantity: number, align: "left" | "right"): void => {
    children.push({ type: "rect", shape: { x, y, width: half, height: Math.max(1, row - 1) }, style: { fill } });
    if (!withText) return;
    const at = { x: align === "right" ? x + half - 3 : x + 3, y: y + row / 2 };
    const style = { ...at, text: scene.text(quantity), font, fill: scene.palette.text, align, verticalAlign: "middle" };
    children.push({ type: "text", style });
  };
  const typical = scene.typical();
  for (let k = 0; k < bar.rows.length; k += 1) {
    const y = bottom - ((bar.rows[k] as number) + 1) * row;
    const [buy, sell] = [bar.buy[k] as number, bar.sell[k] as number];
    cell(left, y, scene.palette.sellRamp.ground[rampStep(sell, typical)] as string, sell, "right");
    cell(left + half, y, scene.palette.buyRamp.ground[rampStep(buy, typical)] as string, buy, "left");
  }
  return { type: "group", children } as Shape;
}
