import type { CustomSeriesRenderItem, EChartsOption } from "echarts";
import { type NumberSigns, plainSigns, written } from "../../model/number-signs";
import { columnAt, dayTotals, type HeatSide, heatPixels, isHeld, type Rgb } from "../../model/option-heat";
import { change, type NsClock } from "../../model/option-table";
import type { OptionHeat } from "../../protocol/options";
import { type ChartColours, category, frame, strikeAxis } from "./charts";

/** Where something is on a chart, in its pixels. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

interface Area extends Place {
  readonly width: number;
  readonly height: number;
}

/** What a chart is drawn on: where the mouse is, and how high it is, in its pixels. */
export interface Stage {
  readonly pointer: () => Place;
  readonly height: number;
}

/** Which changes by strike and time are shown; quantities stand for `size` units. */
export interface HeatShown {
  readonly heat: OptionHeat;
  readonly side: HeatSide;
  readonly size: number;
  readonly clock: NsClock;
  readonly signs?: NumberSigns;
}

// Tooltips are HTML, and strikes and times come from the server.
const plain = (text: string): string => text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);

/** What is said of the cell under a place of the map, as HTML. */
export function heatWords(
  { heat, side, size, clock, signs = plainSigns }: HeatShown,
  { x, y }: Place,
  area: Area,
): string {
  const rows = heat.strikes.length;
  const row = rows - 1 - within(Math.floor(((y - area.y) / area.height) * rows), rows);
  const strips = Math.max(1, Math.round(area.width));
  const strip = within(Math.floor(((x - area.x) / area.width) * strips), strips);
  const values = heat[side][row] ?? [];
  const known = columnAt(values, strip, strips);
  const column = known < 0 ? Math.floor((strip * values.length) / strips) : known;
  const value = values[column] ?? null;
  const held = value !== null && isHeld(heat, side, row, column) ? " · nothing new was said" : "";
  const where = `${clock(heat.at_ns[column] ?? "0")} · ${written(heat.strikes[row] ?? "", signs)}${held}`;
  return `${plain(where)}<br><b>${plain(value === null ? "not known" : change(String(value), size, signs).text)}</b>`;
}

const within = (at: number, count: number): number => Math.max(0, Math.min(count - 1, at));

/** Changes of open interest, strike by time, each row's change of the day at its end; what is held is pale, what is unknown stays empty (definitions 7.5). */
export function heatChart(shown: HeatShown, colours: ChartColours, stage: Stage): EChartsOption {
  const { pointer, height } = stage;
  const { heat, side, size, clock, signs = plainSigns } = shown;
  let area: Area = { x: 0, y: 0, width: 1, height: 1 };
  // One picture, painted whole: cells that the library paints one by one come in slices, and a map that is half
  // there looks like one of which half is not known.
  const renderItem: CustomSeriesRenderItem = (params, api) => {
    area = onPixels(params.coordSys as unknown as Area, api.getDevicePixelRatio());
    return { type: "image", style: { ...area, image: painted(shown, colours, area, api.getDevicePixelRatio()) } };
  };
  return {
    ...frame(colours),
    grid: { left: 62, right: 66, top: 22, bottom: 32 },
    tooltip: {
      ...(frame(colours).tooltip as object),
      trigger: "item",
      formatter: () => heatWords(shown, pointer(), area),
    },
    xAxis: category(colours, heat.at_ns.map(clock)),
    yAxis: [
      strikeAxis(
        colours,
        heat.strikes,
        height - 54,
        heat.strikes.map((strike) => written(strike, signs)),
      ),
      {
        ...strikeAxis(colours, heat.strikes, height - 54, dayTotals(heat, side, size, signs)),
        position: "right",
        name: "day",
        nameLocation: "end",
        nameGap: 4,
      },
    ] as NonNullable<EChartsOption["yAxis"]>,
    series: [{ type: "custom", renderItem, data: [[0, 0]], cursor: "crosshair" }],
  };
}

function onPixels({ x, y, width, height }: Area, dpr: number): Area {
  const [left, top] = [Math.round(x * dpr), Math.round(y * dpr)];
  const [right, bottom] = [Math.round((x + width) * dpr), Math.round((y + height) * dpr)];
  return { x: left / dpr, y: top / dpr, width: (right - left) / dpr, height: (bottom - top) / dpr };
}

function painted({ heat, side }: HeatShown, colours: ChartColours, area: Area, dpr: number): HTMLCanvasElement {
  const [width, height] = [Math.max(1, Math.round(area.width * dpr)), Math.max(1, Math.round(area.height * dpr))];
  const rows = heat.strikes.length;
  const inks = { less: rgbOf(colours.sell), none: rgbOf(colours.line), more: rgbOf(colours.buy) };
  const map = canvas(width, height);
  if (rows === 0) return map;
  const strips = canvas(width, rows);
  const image = new ImageData(width, rows);
  image.data.set(heatPixels(heat, side, width, inks));
  strips.getContext("2d")?.putImageData(image, 0, 0);
  const context = map.getContext("2d");
  if (context === null) return map;
  context.imageSmoothingEnabled = false; // a row is a strike, with an edge
  context.drawImage(strips, 0, 0, width, height);
  return map;
}

function canvas(width: number, height: number): HTMLCanvasElement {
  const made = document.createElement("canvas");
  made.width = width;
  made.height = height;
  return made;
}

// In whatever way the page's style writes it.
function rgbOf(colour: string): Rgb {
  const context = canvas(1, 1).getContext("2d");
  if (context === null) return [128, 128, 128];
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  const [red = 0, green = 0, blue = 0] = context.getImageData(0, 0, 1, 1).data;
  return [red, green, blue];
}
