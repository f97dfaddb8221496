import { BarChart, HeatmapChart, LineChart } from "echarts/charts";
import { GridComponent, LegendComponent, TooltipComponent, VisualMapComponent } from "echarts/components";
import { type EChartsType, init as initChart, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

use([BarChart, HeatmapChart, LineChart]);
use([GridComponent, LegendComponent, TooltipComponent, VisualMapComponent, CanvasRenderer]);

/** A chart in an element, with no more of the library than the option screens draw with. */
export const init = (element: HTMLElement): EChartsType => initChart(element, null, { renderer: "canvas" });
