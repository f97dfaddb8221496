import { nextStep } from "../model/interval";
import type { Command, PlainKind } from "../model/keymap";
import { cellModes } from "../model/settings";
import type { BarIndex, PriceTick } from "../protocol/units";
import type { Terminal } from "./terminal";

type Handlers = {
  readonly [K in Exclude<Command["kind"], PlainKind>]: (
    terminal: Terminal,
    command: Extract<Command, { kind: K }>,
  ) => void;
};

const handlers: Handlers = {
  panBars: ({ model, chart }, { bars }) => {
    model.panBars(bars);
    chart.moved();
  },
  panScreens: ({ model, chart }, { screens }) => {
    model.panBars(screens * model.time.visible);
    chart.moved();
  },
  panRows: ({ model, chart }, { rows }) => {
    model.panRows(rows);
    chart.moved();
  },
  // About the newest bar while it is followed, else about the middle.
  zoom: ({ model, chart }, { factor }) => {
    model.zoomTime(model.following ? model.time.reach : model.time.reach / 2, factor);
    chart.moved();
  },
  zoomPrice: ({ model, chart }, { factor }) => {
    model.zoomPrice(model.price.height / 2, factor);
    chart.moved();
  },
  step: (terminal, { direction }) => {
    const ticks = terminal.choice.get().step;
    if (ticks !== null) terminal.chooseStep(nextStep(ticks, direction));
  },
  mode: (terminal, { number }) => {
    const chosen = cellModes[number - 1];
    if (chosen !== undefined) terminal.setMode(chosen.mode);
  },
  cursor: (terminal, { bars, rows }) => moveCursor(terminal, bars, rows),
  type: (terminal, { text }) => terminal.open({ kind: /\d|\$/.test(text) ? "interval" : "search", text }),
};

const plainHandlers: Readonly<Record<PlainKind, (terminal: Terminal) => void>> = {
  oldest: ({ model, chart }) => {
    model.toOldest();
    chart.moved();
  },
  latest: ({ model, chart }) => {
    model.toLatest();
    chart.moved();
  },
  autoScale: ({ model, chart }) => {
    model.nextAutoScale();
    chart.moved();
  },
  search: (terminal) => terminal.open({ kind: "search", text: "" }),
  keys: (terminal) => terminal.open({ kind: "keys" }),
  cancel: (terminal) => cancel(terminal),
  table: (terminal) => (terminal.chart.pick.armed ? terminal.chart.pick.takeVisible() : terminal.showTable()),
  trades: (terminal) => terminal.showTrades(),
  ruler: (terminal) => takeRuler(terminal),
  picture: (terminal) => void terminal.tools.savePicture(),
  copyPicture: (terminal) => void terminal.tools.copyPicture(),
  layouts: (terminal) => terminal.open({ kind: "layouts" }),
  maximise: ({ chart }) => {
    chart.maximise(chart.maximised === null ? (chart.cursor?.pane ?? "price") : null);
    chart.moved();
  },
};

/** Carry out what a key or a menu asks for. */
export function runCommand(terminal: Terminal, command: Command): void {
  if (command.kind in plainHandlers) {
    plainHandlers[command.kind as PlainKind](terminal);
    return;
  }
  const handler = handlers[command.kind as keyof Handlers] as (terminal: Terminal, command: Command) => void;
  handler(terminal, command);
}

// The innermost thing that is open goes first.
function cancel(terminal: Terminal): void {
  const { chart } = terminal;
  if (terminal.dialog.get() !== null) terminal.open(null);
  else if (chart.ruler.clear()) return;
  else if (chart.pick.clear()) terminal.dismissNotice();
  else if (terminal.inspector.get() !== null) terminal.closeInspector();
  else if (chart.maximised !== null) {
    chart.maximise(null);
    chart.moved();
  } else chart.leave();
}

// From the cell under the read-out where there is one: the keyboard leads it on. Else the next drag measures.
function takeRuler({ model, chart }: Terminal): void {
  if (chart.ruler.clear()) return;
  const { cursor } = chart;
  if (cursor?.pane !== "price" || cursor.index === null) chart.ruler.arm();
  else chart.ruler.startAt({ index: cursor.index, tick: (cursor.row * model.price.ticksPerLevel) as PriceTick });
}

// From where the crosshair is, else onto the last price.
function moveCursor({ model, chart }: Terminal, bars: number, rows: number): void {
  const price = model.series.lastPrice();
  if (price === null) return;
  const cursor = chart.cursor?.pane === "price" ? chart.cursor : null;
  if (cursor === null) {
    chart.pointAtCell(model.series.last, Math.floor(price / model.price.ticksPerLevel));
    return;
  }
  const from = (cursor.index ?? model.series.last) + bars;
  const index = Math.max(model.series.first, Math.min(model.series.last, from));
  const left = model.time.x(index);
  if (left < 0) model.panTime(-left);
  else if (left + model.time.bar > model.time.reach) model.panTime(model.time.reach - left - model.time.bar);
  chart.pointAtCell(index, cursor.row + rows);
  const tick = ((cursor.row + rows) * model.price.ticksPerLevel) as PriceTick;
  chart.ruler.follow({ index: index as BarIndex, tick });
  chart.moved();
}
