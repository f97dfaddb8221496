import { BarChart, CustomChart, LineChart } from "echarts/charts";
import { GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import { type EChartsType, init as initChart, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

use([BarChart, CustomChart, LineChart]);
use([GridComponent, LegendComponent, TooltipComponent, CanvasRenderer]);

/** A chart in an element, with no more of the library than the option screens draw with. */
export const init = (element: HTMLElement): EChartsType => initChart(element, null, { renderer: "canvas" });
