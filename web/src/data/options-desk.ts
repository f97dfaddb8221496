import type { ChainInfo, ChainReply, OptionHeat, OptionHistory, OptionSmile } from "../protocol/options";
import type { Rest } from "./rest";
import { type Clock, Store } from "./store";

export type OptionTab = "chain" | "heat" | "profile" | "ratios" | "straddle" | "smile";

export const optionTabs: readonly { readonly tab: OptionTab; readonly label: string }[] = [
  { tab: "chain", label: "Chain" },
  { tab: "heat", label: "OI change" },
  { tab: "profile", label: "OI by strike" },
  { tab: "ratios", label: "PCR, max pain" },
  { tab: "straddle", label: "Straddle, IV" },
  { tab: "smile", label: "Smile" },
];

/** What is asked for: null leaves the choice to the server. */
export interface OptionChoice {
  readonly symbol: string;
  readonly expiry: string | null;
  readonly tab: OptionTab;
  /** Strikes on each side of the money; null for all. */
  readonly around: number | null;
  /** Seconds between two instants of what is drawn through time. */
  readonly everyS: number;
  /** The price of the underlying, for chains that do not say it; null where nobody knows. */
  readonly price: number | null;
}

/** What is known of the chain that is looked at. */
export interface OptionView {
  readonly state: "closed" | "loading" | "ready" | "none" | "failed";
  readonly problem: string;
  readonly chains: readonly ChainInfo[];
  readonly chain: ChainReply | null;
  readonly history: OptionHistory | null;
  readonly heat: OptionHeat | null;
  readonly smile: OptionSmile | null;
}

const closed: OptionView = {
  state: "closed",
  problem: "",
  chains: [],
  chain: null,
  history: null,
  heat: null,
  smile: null,
};
const everyMs = 3000;

/** The option chain that is looked at: asked for again and again while somebody looks. */
export class OptionsDesk {
  readonly view = new Store<OptionView>(closed);
  readonly choice = new Store<OptionChoice>({
    symbol: "",
    expiry: null,
    tab: "chain",
    around: null,
    everyS: 60,
    price: null,
  });
  readonly #rest: Rest;
  readonly #clock: Clock;
  #turn = 0;
  #abort = new AbortController();

  constructor(rest: Rest, clock: Clock) {
    this.#rest = rest;
    this.#clock = clock;
  }

  get isOpen(): boolean {
    return this.view.get().state !== "closed";
  }

  /** Look at the chain of an underlying; without a name, at that of the chart's symbol or the first there is. */
  open(near = ""): void {
    if (this.isOpen) return;
    this.view.set({ ...closed, state: "loading" });
    this.choice.set({ ...this.choice.get(), expiry: null }); // that of the last look may be no more
    void this.#start(near);
  }

  close(): void {
    this.#turn += 1;
    this.#abort.abort();
    this.view.set(closed);
  }

  /** Look at something else of it; what is shown stays until the answer is there. */
  choose(change: Partial<OptionChoice>): void {
    const before = this.choice.get();
    const next = { ...before, ...change };
    const isOther = next.symbol !== before.symbol;
    // Another chain has expiries of its own, and may not tell where its money is.
    this.choice.set(isOther ? { ...next, expiry: change.expiry ?? null, around: change.around ?? null } : next);
    if (isOther) this.view.set({ ...this.view.get(), chain: null, history: null, heat: null, smile: null });
    if (this.isOpen && next.symbol !== "") void this.#look();
  }

  async #start(near: string): Promise<void> {
    const turn = ++this.#turn;
    try {
      const chains = await this.#rest.options<readonly ChainInfo[]>("", {});
      if (turn !== this.#turn) return;
      const chain = chainFor(chains, near || this.choice.get().symbol);
      this.view.set({ ...this.view.get(), chains, state: chain === undefined ? "none" : "loading" });
      if (chain === undefined) this.#clock.after(everyMs, () => turn === this.#turn && void this.#start(near));
      else this.choose({ symbol: chain.symbol });
    } catch (error) {
      if (turn === this.#turn) this.#failed(error, turn, () => this.#start(near));
    }
  }

  // The newest question alone is answered: what was under way is not waited for.
  async #look(): Promise<void> {
    const turn = ++this.#turn;
    this.#abort.abort();
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    const { tab } = this.choice.get();
    try {
      const chain = await this.#ask<ChainReply>("chain", signal);
      const rest = await this.#beside(tab, signal);
      if (turn !== this.#turn) return;
      // What other tabs showed may be of another expiry: it is asked for when they are opened.
      const before = { ...this.view.get(), history: null, heat: null, smile: null };
      this.view.set({ ...before, state: "ready", problem: "", chain, ...rest });
      this.#clock.after(everyMs, () => turn === this.#turn && void this.#look());
    } catch (error) {
      if (turn === this.#turn && !signal.aborted) this.#failed(error, turn, () => this.#look());
    }
  }

  #failed(error: unknown, turn: number, again: () => Promise<void>): void {
    const problem = error instanceof Error ? error.message : String(error);
    this.view.set({ ...this.view.get(), state: "failed", problem });
    this.#clock.after(everyMs, () => turn === this.#turn && void again());
  }

  async #beside(tab: OptionTab, signal: AbortSignal): Promise<Partial<OptionView>> {
    if (tab === "heat") return { heat: await this.#ask<OptionHeat>("heat", signal) };
    if (tab === "smile") return { smile: await this.#ask<OptionSmile>("smile", signal) };
    if (tab === "ratios" || tab === "straddle") return { history: await this.#ask<OptionHistory>("history", signal) };
    return {};
  }

  #ask<T>(what: string, signal: AbortSignal): Promise<T> {
    const { symbol, expiry, around, everyS, price } = this.choice.get();
    const query: Record<string, string | number> = { symbol };
    if (expiry !== null) query["expiry"] = expiry;
    if (around !== null) query["strikes"] = around;
    if (price !== null) query["price"] = price;
    if (what === "heat" || what === "history") query["every_s"] = everyS;
    return this.#rest.options<T>(`/${what}`, query, signal);
  }
}

const nameOf = (key: string): string => key.slice(key.indexOf(":") + 1).toUpperCase();

/** Whether a chart shows the underlying of a chain or what is derived from it: "upstox:NIFTY.FUT1" of "nse:NIFTY". */
export function isUnderlying(chain: string, chart: string): boolean {
  const [name, of] = [nameOf(chart), nameOf(chain)];
  return name.startsWith(of) && !/^[A-Z]/.test(name.slice(of.length));
}

/** The chain whose underlying a symbol's name begins with ("upstox:NIFTY.FUT1" is of "nse:NIFTY"), else the first. */
export function chainFor(chains: readonly ChainInfo[], near: string): ChainInfo | undefined {
  const fits = chains.filter(({ symbol }) => isUnderlying(symbol, near));
  fits.sort((a, b) => nameOf(b.symbol).length - nameOf(a.symbol).length);
  return fits[0] ?? chains[0];
}
