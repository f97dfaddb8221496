import type { EChartsType } from "echarts/core";
import type { Place } from "./heat";

interface Axis {
  readonly data?: readonly unknown[];
}

/**
 * Where a key of the keyboard leads on a chart: from value to value of its named axes, along the middle of the others.
 * Null where the key is none of these. The first one leads to the newest value, and the middle of the strikes.
 */
export function nextPlace(chart: EChartsType, from: Place | null, key: string): Place | null {
  const { xAxis = [], yAxis = [] } = chart.getOption() as { xAxis?: readonly Axis[]; yAxis?: readonly Axis[] };
  const across = xAxis[0]?.data?.length ?? 0;
  const up = yAxis[0]?.data?.length ?? 0;
  const goals: Readonly<Record<string, readonly [number, number]>> = {
    ArrowRight: [1, 0],
    ArrowLeft: [-1, 0],
    ArrowUp: [0, 1],
    ArrowDown: [0, -1],
    Home: [-across, 0],
    End: [across, 0],
  };
  const by = goals[key];
  if (by === undefined) return null;
  const at = from === null ? null : chart.convertFromPixel({ gridIndex: 0 }, [from.x, from.y]);
  const column = along(at?.[0], by[0], across, across - 1);
  const row = along(at?.[1], by[1], up, Math.floor(up / 2));
  const [x, y] = [pixel(chart, "xAxisIndex", column), pixel(chart, "yAxisIndex", row)];
  return { x: x ?? middle(chart.getWidth()), y: y ?? middle(chart.getHeight()) };
}

// The next one of an axis of names; null on one of values.
function along(at: number | undefined, by: number, count: number, first: number): number | null {
  if (count === 0) return null;
  const next = at === undefined ? first : at + by;
  return Math.max(0, Math.min(count - 1, next));
}

function pixel(chart: EChartsType, axis: "xAxisIndex" | "yAxisIndex", at: number | null): number | null {
  return at === null ? null : chart.convertToPixel({ [axis]: 0 }, at);
}

const middle = (length: number): number => Math.round(length / 2);
