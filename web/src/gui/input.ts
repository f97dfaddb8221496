import type { PaneName } from "../model/cursor";
import { AxisLock, doubleTapMs, type Gesture, GestureReader, holdMs, type PointerSample } from "../model/gestures";
import { dragSplitter, type Zone, zoneAt } from "../model/pane-layout";
import { usualShares } from "../model/panes";
import type { BarIndex } from "../protocol/units";
import type { Chart } from "./chart";

export interface InputListener {
  cellChosen(index: BarIndex, row: number): void;
  paneMaximised(pane: PaneName | null): void;
  /** What can be done with a bar was asked for, at a place in CSS pixels from the chart's corner. */
  barChosen(index: BarIndex, x: number, y: number): void;
}

const lineWheelPx = 16;
const pageWheelPx = 400;
/** One turn of the wheel zooms no further than this, however fast it was. */
const mostWheelPx = 240;
const zoomPerPx = 0.0016;

/** Mouse, touch and wheel on the chart. */
export class ChartInput {
  readonly #chart: Chart;
  readonly #listener: InputListener;
  readonly #reader = new GestureReader();
  readonly #stop = new AbortController();
  #zone: Zone = { kind: "none" };
  #measures = false;
  #picks = false;
  readonly #lock = new AxisLock();
  #tapTimer: ReturnType<typeof setTimeout> | undefined;
  #holdTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(chart: Chart, listener: InputListener) {
    this.#chart = chart;
    this.#listener = listener;
    const { root } = chart;
    const options = { signal: this.#stop.signal };
    root.addEventListener("pointerdown", (event) => this.#down(event), options);
    root.addEventListener("pointermove", (event) => this.#move(event), options);
    root.addEventListener("pointerup", (event) => this.#up(event), options);
    root.addEventListener("pointercancel", () => this.#run(this.#reader.cancel()), options);
    root.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && chart.leave(), options);
    root.addEventListener("wheel", (event) => this.#wheel(event), { ...options, passive: false });
    root.addEventListener("contextmenu", (event) => this.#menu(event), options);
  }

  destroy(): void {
    this.#stop.abort();
    clearTimeout(this.#tapTimer);
    clearTimeout(this.#holdTimer);
  }

  // With the mouse the bar under it; with the key for menus the one under the crosshair. A long press is the crosshair.
  #menu(event: MouseEvent): void {
    event.preventDefault();
    if (event instanceof PointerEvent && event.pointerType === "touch") return;
    const { model, cursor, root } = this.#chart;
    const box = root.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const isPointed = event.button === 2 && this.#zoneAt(x, y).kind === "plot";
    const index = isPointed ? Math.floor(model.time.index(x * model.dpr)) : (cursor?.index ?? model.series.last);
    if (!model.series.has(index)) return;
    const left = isPointed ? x : model.time.x(index) / model.dpr;
    this.#listener.barChosen(index, left, isPointed ? y : 40);
  }

  #zoneAt(x: number, y: number): Zone {
    return zoneAt(this.#chart.layout.get(), x, y);
  }

  #sample(event: PointerEvent): PointerSample {
    const box = this.#chart.root.getBoundingClientRect();
    return {
      id: event.pointerId,
      x: event.clientX - box.left,
      y: event.clientY - box.top,
      timeMs: event.timeStamp,
      touch: event.pointerType !== "mouse",
    };
  }

  #down(event: PointerEvent): void {
    if (event.pointerType === "mouse" && event.button !== 0) return;
    const at = this.#sample(event);
    this.#chart.root.focus({ preventScroll: true });
    this.#chart.root.setPointerCapture(event.pointerId);
    this.#zone = this.#zoneAt(at.x, at.y);
    const isPrice = this.#zone.kind === "plot" && this.#zone.pane === "price";
    this.#picks = isPrice && this.#chart.pick.armed;
    this.#measures = isPrice && !this.#picks && (event.shiftKey || this.#chart.ruler.armed);
    this.#run(this.#reader.down(at));
    clearTimeout(this.#holdTimer);
    if (this.#reader.mayHold) this.#holdTimer = setTimeout(() => this.#run(this.#reader.rest()), holdMs);
  }

  #move(event: PointerEvent): void {
    this.#run(this.#reader.move(this.#sample(event)));
  }

  #up(event: PointerEvent): void {
    clearTimeout(this.#holdTimer);
    this.#run(this.#reader.up(this.#sample(event)));
  }

  #run(gestures: readonly Gesture[]): void {
    for (const gesture of gestures) this.#on(gesture);
  }

  #on(gesture: Gesture): void {
    if (this.#picks && this.#pick(gesture)) return;
    if (this.#measures && this.#measure(gesture)) return;
    switch (gesture.kind) {
      case "hover":
      case "hold":
        this.#point(gesture.x, gesture.y);
        return;
      case "leave":
        this.#chart.leave();
        return;
      case "dragStart":
        this.#lock.start(this.#chart.model.autoScale === "manual");
        this.#chart.root.dataset["dragging"] = this.#zone.kind;
        return;
      case "dragEnd":
        delete this.#chart.root.dataset["dragging"];
        return;
      case "drag":
        this.#drag(gesture);
        return;
      case "pinch":
        this.#pinch(gesture);
        return;
      case "tap":
        this.#tap(gesture.x, gesture.y);
        return;
      case "doubleTap":
        this.#doubleTap(gesture.x, gesture.y);
        return;
    }
  }

  // A drag with Shift held, or after the ruler was taken up: from where it began to where it is.
  #measure(gesture: Gesture): boolean {
    const { ruler, model } = this.#chart;
    const top = this.#zone.kind === "plot" ? this.#zone.top : 0;
    if (gesture.kind === "dragStart") ruler.start(gesture.x * model.dpr, (gesture.y - top) * model.dpr);
    else if (gesture.kind === "drag") ruler.move(gesture.x * model.dpr, (gesture.y - top) * model.dpr);
    else if (gesture.kind === "dragEnd") this.#measures = false;
    else return false;
    this.#chart.leave();
    return true;
  }

  // Bars are shown to a tool that waits for them: from where the drag began to where it ended, or the one that is clicked.
  #pick(gesture: Gesture): boolean {
    const { pick, model } = this.#chart;
    if (gesture.kind === "dragStart") pick.start(gesture.x * model.dpr);
    else if (gesture.kind === "drag") pick.move(gesture.x * model.dpr);
    else if (gesture.kind === "tap") pick.start(gesture.x * model.dpr);
    if (gesture.kind === "dragEnd" || gesture.kind === "tap") {
      this.#picks = false;
      pick.take();
    }
    return (
      gesture.kind === "dragStart" || gesture.kind === "drag" || gesture.kind === "dragEnd" || gesture.kind === "tap"
    );
  }

  #point(x: number, y: number): void {
    const zone = this.#zoneAt(x, y);
    this.#chart.root.dataset["zone"] = zone.kind;
    if (zone.kind === "plot") this.#chart.pointAt(zone.pane, x, y - zone.top);
    else this.#chart.leave();
  }

  #drag(gesture: Extract<Gesture, { kind: "drag" }>): void {
    const { model } = this.#chart;
    const { dpr } = model;
    const zone = this.#zone;
    if (zone.kind === "splitter") {
      this.#chart.setPanes(dragSplitter(this.#chart.layout.get(), zone.below, gesture.y));
      return;
    }
    if (zone.kind === "plot") {
      model.panTime(gesture.dx * dpr);
      if (zone.pane === "price") this.#dragPrice(gesture.dx, gesture.dy);
      // The picture moves with the pointer: a crosshair on it would say nothing, and cost a layer.
      this.#chart.leave();
    } else if (zone.kind === "axis") {
      this.#dragAxis(zone.pane, gesture.dy);
    } else if (zone.kind === "time") {
      this.#dragTime(gesture.x, gesture.dx);
    }
    this.#chart.moved();
  }

  #dragPrice(dx: number, dy: number): void {
    const { model } = this.#chart;
    const moved = this.#lock.step(dx, dy);
    if (moved !== 0) model.panPrice(moved * model.dpr);
  }

  #dragAxis(pane: PaneName, dy: number): void {
    const { model } = this.#chart;
    if (pane === "price") model.zoomPrice(model.price.height / 2, Math.exp(-dy * 0.006));
    else model.panes.of(pane)?.zoom(Math.exp(dy * 0.006));
  }

  // The right edge stands; what was under the pointer stays under it.
  #dragTime(x: number, dx: number): void {
    const { model } = this.#chart;
    const { plotWidth } = this.#chart.layout.get();
    const before = Math.max(20, plotWidth - (x - dx));
    const after = Math.max(20, plotWidth - x);
    model.zoomTime(model.time.reach, after / before);
  }

  #pinch(gesture: Extract<Gesture, { kind: "pinch" }>): void {
    const { model } = this.#chart;
    model.panTime(gesture.dx * model.dpr);
    model.zoomTime(gesture.x * model.dpr, gesture.factor);
    if (this.#zone.kind === "plot" && this.#zone.pane === "price") {
      model.zoomPrice((gesture.y - this.#zone.top) * model.dpr, gesture.factor);
      if (model.autoScale === "manual") model.panPrice(gesture.dy * model.dpr);
    }
    this.#chart.moved();
  }

  // A single tap counts when no second one follows.
  #tap(x: number, y: number): void {
    clearTimeout(this.#tapTimer);
    if (this.#chart.ruler.clear()) return;
    const zone = this.#zoneAt(x, y);
    if (zone.kind !== "plot" || zone.pane !== "price") return;
    const { model } = this.#chart;
    const index = Math.floor(model.time.index(x * model.dpr));
    const row = model.price.rowAt((y - zone.top) * model.dpr);
    if (!model.series.has(index)) return;
    this.#tapTimer = setTimeout(() => this.#listener.cellChosen(index as BarIndex, row), doubleTapMs - 60);
  }

  #doubleTap(x: number, y: number): void {
    clearTimeout(this.#tapTimer);
    const zone = this.#zoneAt(x, y);
    const { model } = this.#chart;
    if (zone.kind === "axis") {
      if (zone.pane === "price") model.resetPrice();
      else model.panes.of(zone.pane)?.setAuto();
    } else if (zone.kind === "time") {
      model.defaultBarWidth();
      model.toLatest();
    } else if (zone.kind === "plot") {
      const pane = this.#chart.maximised === null ? zone.pane : null;
      this.#chart.maximise(pane);
      this.#listener.paneMaximised(pane);
    } else if (zone.kind === "splitter") {
      this.#chart.setPanes(usualShares(this.#chart.panes));
    }
    this.#chart.moved();
  }

  #wheel(event: WheelEvent): void {
    event.preventDefault();
    const box = this.#chart.root.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const [dx, dy] = wheelPx(event);
    const zone = this.#zoneAt(x, y);
    const { model } = this.#chart;
    const factor = Math.exp(-Math.max(-mostWheelPx, Math.min(mostWheelPx, dy || dx)) * zoomPerPx);
    if (zone.kind === "axis" || (event.ctrlKey && zone.kind === "plot")) {
      this.#zoomValues(zone.pane, y - zone.top, factor);
    } else if (event.shiftKey || Math.abs(dx) > Math.abs(dy)) {
      model.panTime(-(dx || dy) * model.dpr);
    } else {
      model.zoomTime(Math.min(model.time.reach, x * model.dpr), factor);
    }
    this.#chart.moved();
    this.#point(x, y);
  }

  #zoomValues(pane: PaneName, y: number, factor: number): void {
    const { model } = this.#chart;
    if (pane === "price") model.zoomPrice(y * model.dpr, factor);
    else model.panes.of(pane)?.zoom(1 / factor);
  }
}

function wheelPx(event: WheelEvent): readonly [dx: number, dy: number] {
  const scale = event.deltaMode === 1 ? lineWheelPx : event.deltaMode === 2 ? pageWheelPx : 1;
  return [event.deltaX * scale, event.deltaY * scale];
}
