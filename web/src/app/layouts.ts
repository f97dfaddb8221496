import { type LayoutRow, LayoutStore } from "../data/layouts";
import { RequestFailed, type Rest } from "../data/rest";
import { Store } from "../data/store";
import { type LayoutDocument, readLayout, writeLayout } from "../model/layout-file";
import type { LayoutsFace, LayoutsView } from "../panels/face";
import { download } from "./picture";
import type { Said } from "./said";

/** What layouts need of the page: how it looks now, and how to make it look so again. */
export interface LayoutHost {
  now(): LayoutDocument;
  show(layout: LayoutDocument): void;
}

/** Named layouts on the server, and as files. Whatever takes the place of something says so, and can be undone. */
export class Layouts implements LayoutsFace {
  readonly store = new Store<LayoutsView>({ state: "loading", rows: [], problem: "", current: "" });
  readonly #layouts: LayoutStore;
  readonly #host: LayoutHost;
  readonly #said: Said;

  constructor(rest: Rest, host: LayoutHost, said: Said) {
    this.#layouts = new LayoutStore(rest);
    this.#host = host;
    this.#said = said;
  }

  look(): Promise<boolean> {
    return this.#do(async () => {
      const rows = await this.#layouts.list();
      this.#show({ state: "ready", rows, problem: "" });
    });
  }

  save(name: string): Promise<boolean> {
    return this.#do(async () => {
      const known = this.#row(name);
      const before = known === undefined ? null : await this.#layouts.load(name);
      const row = await this.#layouts.save(name, writeLayout(this.#host.now()), known?.etag ?? null);
      await this.#listAgain(name);
      const undo = before === null ? () => this.#layouts.remove(name, row.etag) : () => this.#put(name, before);
      this.#said.say(known === undefined ? `Layout “${name}” is saved.` : `Layout “${name}” is replaced.`, undo);
    });
  }

  openLayout(name: string): Promise<boolean> {
    return this.#do(async () => this.#open(await this.#layouts.load(name), name));
  }

  rename(name: string, to: string): Promise<boolean> {
    return this.#do(async () => {
      const row = this.#known(name);
      await this.#layouts.save(to, await this.#layouts.load(name), null);
      await this.#layouts.remove(name, row.etag);
      await this.#listAgain(this.store.get().current === name ? to : null);
    });
  }

  remove(name: string): Promise<boolean> {
    return this.#do(async () => {
      const row = this.#known(name);
      const document = await this.#layouts.load(name);
      await this.#layouts.remove(name, row.etag);
      await this.#listAgain(null);
      this.#said.say(`Layout “${name}” is deleted.`, () => this.#put(name, document));
    });
  }

  /** A layout as a file; without a name what is on screen now. */
  exportFile(name: string | null): Promise<boolean> {
    return this.#do(async () => {
      const document = name === null ? writeLayout(this.#host.now()) : await this.#layouts.load(name);
      const words = (name ?? this.#host.now().charts[0].symbol).replace(/[^\w.-]+/g, "-");
      download(new Blob([document], { type: "application/json" }), `${words}.layout.json`);
    });
  }

  importFile(name: string, text: string): Promise<boolean> {
    return this.#do(async () => this.#open(text, name));
  }

  /** Show a layout that comes with the program; `more` is said beside. */
  openPreset(layout: LayoutDocument, name: string, more = ""): void {
    this.#place(layout, "", `${name} is open: ${layout.charts[0].symbol}, ${layout.charts[0].bars}.${more}`);
  }

  #open(text: string, name: string): void {
    const layout = readLayout(text);
    if ("problem" in layout) throw new RequestFailed(`“${name}” cannot be opened: ${layout.problem}.`, 0);
    const { symbol, bars } = layout.charts[0];
    this.#place(layout, name, `Layout “${name}” is open: ${symbol}, ${bars}.`);
  }

  // What is on screen is kept until the next one is opened: a wrong one is undone by one click.
  #place(layout: LayoutDocument, current: string, said: string): void {
    const before = this.#host.now();
    const wasCurrent = this.store.get().current;
    this.#host.show(layout);
    this.#show({ current });
    this.#said.say(said, async () => {
      this.#host.show(before);
      this.#show({ current: wasCurrent });
    });
  }

  async #put(name: string, document: string): Promise<void> {
    await this.#layouts.save(name, document, "*");
    await this.#listAgain(null);
  }

  async #listAgain(current: string | null): Promise<void> {
    const rows = await this.#layouts.list();
    this.#show({ rows, problem: "", ...(current === null ? {} : { current }) });
  }

  #row(name: string): LayoutRow | undefined {
    return this.store.get().rows.find((row) => row.name === name);
  }

  #known(name: string): LayoutRow {
    const row = this.#row(name);
    if (row === undefined) throw new RequestFailed(`There is no layout “${name}” any more.`, 404);
    return row;
  }

  #show(change: Partial<LayoutsView>): void {
    this.store.set({ ...this.store.get(), ...change });
  }

  // What was refused is said in the sheet; the list is read again, since somebody else may have changed it.
  async #do(action: () => Promise<void>): Promise<boolean> {
    try {
      await action();
      if (this.store.get().problem !== "") this.#show({ problem: "" });
      return true;
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      this.#show({ state: "ready", problem });
      if (error instanceof RequestFailed && (error.status === 404 || error.status === 409)) {
        await this.#layouts.list().then(
          (rows) => this.#show({ rows }),
          () => {},
        );
      }
      return false;
    }
  }
}
