import type { StudyTable } from "../data/study-columns";
import { cellAt, rowsOf } from "../model/cells";
import { unitsText } from "../model/decimal";
import { hoverWords } from "../model/hover-words";
import { Level } from "../model/invalidation";
import { placedOrders } from "../model/orders";
import { boxOf as paneBox } from "../model/pane-layout";
import { placedLetters, placedProfiles } from "../model/profiles";
import { barTable } from "../model/readout";
import { defaultSettings, type Settings } from "../model/settings";
import type { ToldName } from "../protocol/streams";
import type { BarIndex } from "../protocol/units";
import { barLayout, shapeOf } from "../series/footprint/layout";
import { levelsOf, rowBoxes } from "../series/profiles/histogram";
import { letterGrid } from "../series/profiles/letters";
import type { Terminal } from "./terminal";

/** A rectangle in CSS pixels of the page. */
interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

interface TextBox extends Rect {
  readonly text: string;
  readonly layer: string;
}

/**
 * `window.footloom`: what tests, benchmarks and the curious may look at. It reads; `flush` draws
 * what is due, `repaint` everything; `show` and `begin` change the view.
 */
export interface DebugFace {
  readonly version: string;
  /** Visible bars, scales and modes. */
  viewport(): Readonly<Record<string, unknown>>;
  /** How many bars are held, and the index of the first and the last. */
  bars(): { readonly count: number; readonly first: number; readonly last: number };
  /** One bar with its cells, as exact text; the last without an index. */
  bar(index?: number): Readonly<Record<string, unknown>>;
  /** What a study says of a bar, by column, and the events known at its close; the last bar without an index. */
  study(label: string, index?: number): Readonly<Record<string, unknown>> | null;
  /** What a stream beside the trades says of a bar, by column. */
  told(name: string, index?: number): Readonly<Record<string, unknown>> | null;
  /** Counts frames and says what the last one did. */
  frames(): Readonly<Record<string, unknown>>;
  /** Where a cell is drawn. */
  cellBox(index: number, row: number): Rect;
  /** All text on the canvases, as it is drawn just now. */
  textBoxes(): readonly TextBox[];
  /** The profiles and letters on screen: their numbers, and where each row and line is drawn, CSS pixels of the page. */
  profiles(): Readonly<Record<string, unknown>>;
  /** The large orders on screen, as told, and where each circle is drawn, CSS pixels of the page. */
  orders(): Readonly<Record<string, unknown>>;
  /** The header's status message as it came. */
  status(): unknown;
  meta(): unknown;
  flush(): void;
  /** Draw everything anew, from nothing that was kept. */
  repaint(): void;
  /** Change how the chart looks. */
  show(settings: Partial<Settings>): void;
  /** Back to the first view of the chart that is shown, with nothing open over it. */
  begin(): void;
}

declare global {
  interface Window {
    footloom?: DebugFace;
  }
}

export function exposeDebugFace(terminal: Terminal): void {
  const { model, chart } = terminal;
  window.footloom = {
    version: "1",
    viewport: () => viewportOf(terminal),
    bars: () => ({ count: model.series.length, first: model.series.first, last: model.series.last }),
    bar: (index) => barOf(terminal, (index ?? model.series.last) as BarIndex),
    study: (label, index) => studyAt(terminal, label, (index ?? model.series.last) as BarIndex),
    told: (name, index) => toldAt(terminal, name, (index ?? model.series.last) as BarIndex),
    frames: () => ({ ...chart.stats, tiles: chart.painter.footprint.tiles }),
    cellBox: (index, row) => cellBox(terminal, index, row),
    textBoxes: () => textBoxes(terminal),
    profiles: () => profilesOf(terminal),
    orders: () => ordersOf(terminal),
    status: () => terminal.status,
    meta: () => model.meta,
    flush: () => chart.flush(),
    repaint: () => {
      chart.painter.footprint.forget();
      chart.invalidate(Level.full);
      chart.flush();
    },
    show: (settings) => terminal.change(settings),
    begin: () => begin(terminal),
  };
}

function begin(terminal: Terminal): void {
  const { model, chart } = terminal;
  terminal.open(null);
  terminal.closeInspector();
  terminal.tools.dismissSaid();
  terminal.change({ mode: defaultSettings.mode });
  chart.ruler.clear();
  chart.leave();
  chart.maximise(null);
  model.defaultBarWidth();
  model.toLatest();
  model.setAutoScale("centre");
  chart.moved();
}

function viewportOf({ model, chart, settings, link, paging }: Terminal): Readonly<Record<string, unknown>> {
  const { from, to } = model.visibleBars();
  const span = model.price.span();
  const { dpr } = model;
  return {
    from,
    to,
    right: model.time.right,
    barPx: model.time.bar / dpr,
    rowPx: model.price.row / dpr,
    centreRow: model.price.centre,
    lowRow: span.low,
    highRow: span.high,
    following: model.following,
    autoScale: model.autoScale,
    maximised: chart.maximised,
    mode: settings.get().mode,
    theme: model.palette.theme,
    hue: settings.get().hue,
    plotWidth: chart.layout.get().plotWidth,
    reach: model.time.reach / dpr,
    axisWidth: chart.layout.get().axisWidth,
    boxes: chart.layout.get().boxes,
    timeAxis: chart.layout.get().timeAxis,
    link: link.get(),
    paging: paging.get(),
    cursor: chart.cursor,
    ruler: chart.ruler.ruler,
    rulerArmed: chart.ruler.armed,
    gapBands: chart.painter.bands.map(({ left, right, gap }) => ({
      left: left / dpr,
      right: right / dpr,
      cause: gap.cause,
    })),
  };
}

function studyAt({ model }: Terminal, label: string, index: BarIndex): Readonly<Record<string, unknown>> | null {
  const study = model.studies.of(label);
  if (study === null || !model.series.has(index)) return null;
  const row = study.row(index);
  const opens = model.series.openNs(index);
  const events: unknown[] = [];
  for (let k = 0; k < study.events.length; k += 1) {
    if (study.events.time("open_ns", k) === opens) events.push(rowOf(study.events, k));
  }
  return { openNs: String(opens), row, ...rowOf(study.bars, row), events };
}

// Numbers as they are (null: undefined), times and texts as text.
function rowOf(table: StudyTable, row: number): Record<string, unknown> {
  return Object.fromEntries(
    table.names.map((name) => {
      const column = table.column(name);
      if (column instanceof BigInt64Array)
        return [name, table.time(name, row) === null ? null : String(table.time(name, row))];
      if (!(column instanceof Float64Array)) return [name, column?.[row] ?? null];
      const value = table.number(name, row);
      return [name, Number.isNaN(value) ? null : value];
    }),
  );
}

function toldAt({ model }: Terminal, name: string, index: BarIndex): Readonly<Record<string, unknown>> | null {
  const told = model.told.get(name as ToldName);
  if (told === undefined) return null;
  const row = told.study.row(index);
  return {
    isNone: told.isNone,
    gaps: told.gaps.length,
    openNs: String(model.series.openNs(index)),
    ...rowOf(told.study.bars, row),
  };
}

function barOf({ model }: Terminal, index: BarIndex): Readonly<Record<string, unknown>> {
  const { series } = model;
  const rows = rowsOf(series, index);
  const k = model.price.ticksPerLevel;
  const cells: unknown[] = [];
  for (let row = rows?.low ?? 0; rows !== null && row <= rows.high; row += 1) {
    const cell = cellAt(series, index, row);
    if (cell !== null)
      cells.push({
        ...cell,
        price: unitsText(row * k, model.tick),
        lowest: row === rows.low,
        highest: row === rows.high,
      });
  }
  const numbers = [
    "buy",
    "sell",
    "unknown",
    "trades",
    "open_tick",
    "high_tick",
    "low_tick",
    "close_tick",
    "cvd",
    "base_row",
    "poc",
    "vah",
    "val",
  ] as const;
  return {
    index,
    openNs: String(series.openNs(index)),
    closeNs: String(series.closeNs(index)),
    final: series.isFinal(index),
    ...Object.fromEntries(numbers.map((name) => [name, series.number(name, index)])),
    cells,
    table: barTable(model, index),
  };
}

function profilesOf(terminal: Terminal): Readonly<Record<string, unknown>> {
  const { model, chart } = terminal;
  const { dpr } = model;
  const root = chart.root.getBoundingClientRect();
  const corner = { x: root.left, y: root.top + paneBox(chart.layout.get(), "price").top };
  const levels = (y: number): number => corner.y + y / dpr;
  return {
    quiet: terminal.profiles.isQuiet,
    words: chart.cursor === null ? null : hoverWords(model, chart.cursor),
    profiles: placedProfiles(model, model.profiles.list).map((placed) => ({
      label: placed.held.label,
      kind: placed.held.reply.kind,
      look: placed.look,
      ...placed.rows,
      left: corner.x + placed.place.left / dpr,
      right: corner.x + placed.place.right / dpr,
      levels: levelsOf(model, placed).map((one) => ({ ...one, y: levels(one.y) })),
      boxes: rowBoxes(model, placed).map((box) => ({
        row: placed.rows.row[box.k],
        x: corner.x + box.left / dpr,
        y: levels(box.top),
        width: box.width / dpr,
        height: box.height / dpr,
      })),
    })),
    letters: placedLetters(model, model.profiles.list).map((placed) => ({
      label: placed.held.label,
      ...placed.rows,
      ...letterGrid(model, placed),
      left: corner.x + placed.left / dpr,
      right: corner.x + placed.right / dpr,
    })),
  };
}

function ordersOf({ model, chart, orders }: Terminal): Readonly<Record<string, unknown>> {
  const { dpr } = model;
  const root = chart.root.getBoundingClientRect();
  const top = root.top + paneBox(chart.layout.get(), "price").top;
  return {
    quiet: orders.isQuiet,
    held: model.orders.list.map(({ orders: list }) => list.length),
    words: chart.cursor === null ? null : hoverWords(model, chart.cursor),
    circles: placedOrders(model).map(({ order, lots, x, y, radius }) => ({
      ...order,
      lots,
      x: root.left + x / dpr,
      y: top + y / dpr,
      radius: radius / dpr,
    })),
  };
}

function cellBox({ model, chart }: Terminal, index: number, row: number): Rect {
  const { dpr } = model;
  const corner = chart.root.getBoundingClientRect();
  const layout = barLayout(model.time.bar, dpr, shapeOf(model.settings));
  return {
    x: corner.left + (model.time.x(index) + layout.blockLeft) / dpr,
    y: corner.top + paneBox(chart.layout.get(), "price").top + model.price.y(row + 1) / dpr,
    width: layout.blockWidth / dpr,
    height: model.price.row / dpr,
  };
}

// Listens to the text calls of every canvas while one frame is drawn without bitmaps.
function textBoxes({ model, chart }: Terminal): readonly TextBox[] {
  const boxes: TextBox[] = [];
  const names = new Map<HTMLCanvasElement, string>();
  for (const pane of chart.stack.panes) {
    const { name } = pane;
    names
      .set(pane.cells.canvas, `${name}.cells`)
      .set(pane.overlay.canvas, `${name}.overlay`)
      .set(pane.cursor.canvas, `${name}.cursor`);
  }
  names.set(chart.stack.time.axis.canvas, "time.axis").set(chart.stack.time.cursor.canvas, "time.cursor");
  const kept = CanvasRenderingContext2D.prototype.fillText;
  CanvasRenderingContext2D.prototype.fillText = function listen(this: CanvasRenderingContext2D, text, x, y, most) {
    const layer = names.get(this.canvas);
    if (layer !== undefined) boxes.push(boxOf(this, layer, text, x, y, most, model.dpr));
    if (most === undefined) kept.call(this, text, x, y);
    else kept.call(this, text, x, y, most);
  };
  chart.painter.footprint.direct = true;
  try {
    chart.invalidate(Level.full);
    chart.flush();
  } finally {
    CanvasRenderingContext2D.prototype.fillText = kept;
    chart.painter.footprint.direct = false;
  }
  return boxes;
}

function boxOf(
  ctx: CanvasRenderingContext2D,
  layer: string,
  text: string,
  x: number,
  y: number,
  most: number | undefined,
  dpr: number,
): TextBox {
  const corner = ctx.canvas.getBoundingClientRect();
  const size = ctx.measureText(text);
  const squeeze = most === undefined ? 1 : Math.min(1, most / Math.max(1, size.width));
  const left = x - size.actualBoundingBoxLeft * squeeze;
  const top = y - size.actualBoundingBoxAscent;
  return {
    text,
    layer,
    x: corner.left + left / dpr,
    y: corner.top + top / dpr,
    width: ((size.actualBoundingBoxLeft + size.actualBoundingBoxRight) * squeeze) / dpr,
    height: (size.actualBoundingBoxAscent + size.actualBoundingBoxDescent) / dpr,
  };
}
