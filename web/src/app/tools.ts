import { deskChain, hasOptions } from "../data/chain-choice";
import type { Rest } from "../data/rest";
import { type Clock, Store } from "../data/store";
import type { LayoutDocument } from "../model/layout-file";
import { barReadout, barWordsOf } from "../model/readout";
import { rulerWords } from "../model/ruler";
import type { RulerView, ToolsFace } from "../panels/face";
import { nsToMs } from "../protocol/units";
import { begins, deskOf, lacks, noChain } from "./desk";
import { Layouts } from "./layouts";
import { download, drawPicture, pictureName, pngOf } from "./picture";
import { readPrefs } from "./prefs";
import { Said } from "./said";
import type { Terminal } from "./terminal";

/** The tools beside the chart: ruler, pictures of the chart, layouts. */
export class Tools implements ToolsFace {
  readonly #terminal: Terminal;
  readonly #said: Said;
  readonly ruler = new Store<RulerView>({ armed: false, said: "" });
  readonly layouts: Layouts;

  constructor(terminal: Terminal, rest: Rest, clock: Clock) {
    this.#terminal = terminal;
    this.#said = new Said(clock);
    this.layouts = new Layouts(
      rest,
      {
        now: () => ({ charts: [terminal.choice.get()], look: { ...terminal.look.prefs() } }),
        show: (layout) => this.#show(layout),
      },
      this.#said,
    );
  }

  get said(): Said["store"] {
    return this.#said.store;
  }

  dismissSaid(): void {
    this.#said.dismiss();
  }

  /** FUT1, walls and max pain on its axis, the change of its open interest, the chain and its straddle: in one click. */
  async openDesk(): Promise<void> {
    const { choice, options } = this.#terminal;
    try {
      const shown = choice.get();
      const chain = deskChain(await options.listed(), shown.symbol);
      const prefs = this.#terminal.look.prefs();
      if (chain !== undefined) this.layouts.openPreset(deskOf(chain, shown, prefs), `${chain.name} desk`, lacks(chain));
      else if (hasOptions(shown.symbol)) this.layouts.openPreset(deskOf(null, shown, prefs), "NIFTY desk", begins);
      else this.#said.say(noChain);
    } catch (error) {
      this.#said.say(error instanceof Error ? error.message : String(error));
    }
  }

  /** The ruler has moved, or what it measures has changed. */
  showRuler(): void {
    const { ruler, armed } = this.#terminal.chart.ruler;
    const said = ruler === null ? "" : rulerWords(this.#terminal.model, ruler).said;
    const shown = this.ruler.get();
    if (shown.said !== said || shown.armed !== armed) this.ruler.set({ armed, said });
  }

  /** What was lost on the way is there again. */
  resynced(bars: number): void {
    const missed = bars === 0 ? "" : `, with ${bars} ${bars === 1 ? "bar" : "bars"} that came meanwhile`;
    this.#said.say(`Resynced: the chart is as the server has it${missed}.`);
  }

  async savePicture(): Promise<void> {
    const picture = this.#picture();
    if (picture === null) return;
    const name = this.#name();
    download(await pngOf(picture), name);
    this.#said.say(`The picture is saved as ${name}.`);
  }

  /** Browsers hand out the clipboard on https and on this machine only. */
  async copyPicture(): Promise<void> {
    const picture = this.#picture();
    if (picture === null) return;
    if (!window.isSecureContext || navigator.clipboard?.write === undefined) {
      this.#said.say(
        "The clipboard is not there: browsers give it to pages that come over https or from this machine only. Alt + S saves the picture as a file.",
      );
      return;
    }
    try {
      await navigator.clipboard.write([new ClipboardItem({ "image/png": pngOf(picture) })]);
      this.#said.say("The picture is in the clipboard.");
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#said.say(`The clipboard did not take the picture (${why}). Alt + S saves it as a file.`);
    }
  }

  #show({ charts: [chart], look }: LayoutDocument): void {
    const { settings, panes, studies, flow, options } = readPrefs(look);
    this.#terminal.studies.restore(studies);
    this.#terminal.chart.setPanes(panes);
    this.#terminal.change(settings);
    this.#terminal.openAsked(chart);
    if (look["flow"] !== undefined) this.#terminal.flow.change(flow);
    if (look["options"] !== undefined) this.#terminal.options.restore(options, chart.symbol);
  }

  #picture(): HTMLCanvasElement | null {
    const { model, chart, status } = this.#terminal;
    const { meta, series } = model;
    if (meta === null || series.length === 0) return null;
    chart.flush();
    const time = this.#time();
    return drawPicture(
      chart.root,
      model.palette,
      {
        legend: this.#terminal.legend.get(),
        bar: barWordsOf(barReadout(model, chart.cursor?.index ?? series.last)),
        time: `${model.clock.fullText(time, true)} ${model.clock.label(time)}`,
        badges: [...(meta.simulated ? ["SIMULATED"] : []), ...(status?.recorded === false ? ["NOT RECORDED"] : [])],
      },
      model.dpr,
    );
  }

  #time(): ReturnType<typeof nsToMs> {
    const { status, model } = this.#terminal;
    return nsToMs(status === null ? model.series.closeNs(model.series.last) : BigInt(status.engine_ns));
  }

  #name(): string {
    const { meta } = this.#terminal.model;
    return pictureName(meta?.symbol ?? "chart", meta?.bars ?? "", this.#time());
  }
}
