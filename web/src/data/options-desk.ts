import type { ChainInfo, ChainReply, OptionHeat, OptionHistory, OptionSmile, ReadOut } from "../protocol/options";
import type { ChainSaid } from "../protocol/streams";
import { chainFor, hasOptions, isUnderlying } from "./chain-choice";
import type { Hub } from "./hub";
import { changed } from "./option-change";
import { RequestFailed, type Rest } from "./rest";
import { type Clock, Store } from "./store";

export type OptionTab = "chain" | "desk" | "readout" | "heat" | "profile" | "ratios" | "straddle" | "smile";

export const optionTabs: readonly { readonly tab: OptionTab; readonly label: string }[] = [
  { tab: "chain", label: "Chain" },
  { tab: "desk", label: "Desk" },
  { tab: "readout", label: "Read-out" },
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
  /** The same of the changes by strike and time, whose rows would be too many. */
  readonly heatAround: number | null;
  /** Seconds between two instants of what is drawn through time. */
  readonly everyS: number;
  /** The price of the underlying, for chains that do not say it; null where nobody knows. */
  readonly price: number | null;
}

/** What of it is remembered between visits, and in layouts. */
export interface OptionsKept {
  readonly open: boolean;
  readonly tab: OptionTab;
  readonly everyS: number;
}

export const optionsClosed: OptionsKept = { open: false, tab: "chain", everyS: 60 };

/** What is known of the chain that is looked at. */
export interface OptionView {
  readonly state: "closed" | "loading" | "ready" | "none" | "failed";
  readonly problem: string;
  readonly chains: readonly ChainInfo[];
  readonly chain: ChainReply | null;
  readonly history: OptionHistory | null;
  readonly heat: OptionHeat | null;
  readonly smile: OptionSmile | null;
  /** What the contract on the chart says, or that of the chain; null until it is known, and why not. */
  readonly readOut: ReadOut | null;
  readonly readOutProblem: string;
  /** Why the options of the live chart are not listened to, and what to run; "" where they are, or it is not live. */
  readonly followProblem: string;
}

const closed: OptionView = {
  state: "closed",
  problem: "",
  chains: [],
  chain: null,
  history: null,
  heat: null,
  smile: null,
  readOut: null,
  readOutProblem: "",
  followProblem: "",
};
const followMs = 10_000;
/** Who is refused for what the server is (another process records) asks ever more seldom, so often at the least. */
const refusedMs = 300_000;
const againMs = 3000;
const minuteNs = 60_000_000_000n;
const besideNames = {
  heat: "heat",
  smile: "smile",
  ratios: "history",
  straddle: "history",
  desk: "history",
} as const;

/** What of the page's connection is used. */
export type Streams = Pick<Hub, "subscribeStream">;

/** What a tab shows beside the chain itself; it is asked for over REST, and anew with each minute of the chain. */
type Beside = Partial<Pick<OptionView, "heat" | "history" | "smile">>;

/** The option chain that is looked at: a stream of it, while somebody looks. */
export class OptionsDesk {
  readonly view = new Store<OptionView>(closed);
  readonly choice = new Store<OptionChoice>({
    symbol: "",
    expiry: null,
    tab: "chain",
    around: null,
    heatAround: 15,
    everyS: 60,
    price: null,
  });
  readonly #rest: Rest;
  readonly #hub: Streams;
  readonly #clock: Clock;
  /** It was open when the page went, and opens with the first chart. */
  #waitsForChart: boolean;
  /** The newest question: answers to older ones are dropped. */
  #turn = 0;
  #besideTurn = 0;
  #besideOf = "";
  /** Why what a tab shows did not come, as it is said. */
  #besideProblem = "";
  #chart = "";
  #readOf = "";
  #follows = 0;
  #followMs = followMs;
  #isHidden = false;
  #stoodAt = "";
  #abort = new AbortController();
  #leave: () => void = () => {};

  constructor(rest: Rest, hub: Streams, clock: Clock, kept: OptionsKept = optionsClosed) {
    this.#rest = rest;
    this.#hub = hub;
    this.#clock = clock;
    this.#waitsForChart = kept.open;
    this.choice.set({ ...this.choice.get(), tab: kept.tab, everyS: kept.everyS });
  }

  /** How it stands, to be remembered. */
  get kept(): OptionsKept {
    const { tab, everyS } = this.choice.get();
    return { open: this.isOpen || this.#waitsForChart, tab, everyS };
  }

  /** Call `run` whenever what is remembered of it has changed. */
  onKept(run: () => void): void {
    let before = this.kept;
    const look = (): void => {
      const now = this.kept;
      const isSame = now.open === before.open && now.tab === before.tab && now.everyS === before.everyS;
      before = now;
      if (!isSame) run();
    };
    this.view.subscribe(look);
    this.choice.subscribe(look);
  }

  /** Stand as a layout says, with the chain of what its chart shows. */
  restore({ open, tab, everyS }: OptionsKept, chart: string): void {
    if (!open) this.close();
    if (!this.isOpen) {
      this.choice.set({ ...this.choice.get(), tab, everyS });
      if (open) this.open(chart);
      return;
    }
    const { symbol } = chainFor(this.view.get().chains, chart) ?? this.choice.get();
    this.choose({ symbol, tab, everyS });
  }

  get isOpen(): boolean {
    return this.view.get().state !== "closed";
  }

  /** Look at the chain of an underlying; without a name, at that of the chart's symbol or the first there is. */
  open(near = ""): void {
    if (this.isOpen) return;
    this.#waitsForChart = false;
    this.view.set({ ...closed, state: "loading" });
    this.choice.set({ ...this.choice.get(), expiry: null }); // that of the last look may be no more
    void this.#start(near);
    this.#followAnew();
  }

  #followAnew(): void {
    this.#followMs = followMs;
    void this.#follow(++this.#follows);
  }

  // Again and again while it is open: streams come and go, and another chart may be shown. A chain that begins with
  // it is looked at in place of an older one.
  async #follow(turn: number): Promise<void> {
    const chart = this.#chart;
    let [followProblem, nextMs] = ["", followMs];
    if (this.#isHidden) return; // it begins anew when the page is seen
    if (hasOptions(chart)) {
      try {
        await this.#rest.followOptions(chart);
        await this.#joinBegun(chart, turn);
      } catch (error) {
        followProblem = this.#stands() ? wordsOf(error) : "";
        if (error instanceof RequestFailed && error.status === 409) nextMs = Math.min(2 * this.#followMs, refusedMs);
      }
    }
    if (turn !== this.#follows || !this.isOpen) return;
    if (chart === this.#chart && this.view.get().followProblem !== followProblem) {
      this.view.set({ ...this.view.get(), followProblem });
    }
    this.#followMs = nextMs;
    this.#clock.after(nextMs, () => turn === this.#follows && this.isOpen && void this.#follow(turn));
  }

  /** While nobody sees the page nothing is asked for beside the stream; then at once. */
  hide(isHidden: boolean): void {
    const isBack = this.#isHidden && !isHidden;
    this.#isHidden = isHidden;
    if (!isBack || !this.isOpen) return;
    this.#followAnew();
    this.#lookBeside();
    this.#lookReadOut();
  }

  // Whether nothing came since the last look: a chain that moves is recorded by somebody else.
  #stands(): boolean {
    const { state, chain } = this.view.get();
    const at = chain === null ? "" : `${chain.symbol} ${chain.at_ns}`;
    const stands = chain === null ? state !== "loading" : at === this.#stoodAt;
    this.#stoodAt = at;
    return stands;
  }

  async #joinBegun(chart: string, turn: number): Promise<void> {
    const chains = await this.listed();
    const { chains: known, state } = this.view.get();
    if (turn !== this.#follows || !this.isOpen || state === "loading") return;
    const begun = chainFor(chains, chart);
    if (begun === undefined || known.some(({ symbol }) => symbol === begun.symbol)) return;
    this.view.set({ ...this.view.get(), chains });
    if (isUnderlying(begun, chart)) this.choose({ symbol: begun.symbol });
  }

  /** Which chains there are; those that are shown may be older. */
  listed(): Promise<readonly ChainInfo[]> {
    return this.#rest.options<readonly ChainInfo[]>("", {});
  }

  /** The contract that is charted now: where it stands on the chain's underlying, the read-out is of it. */
  showing(chart: string): void {
    const isOther = chart !== this.#chart;
    this.#chart = chart;
    if (this.#waitsForChart && chart !== "") this.open(chart);
    else if (isOther && this.isOpen) this.#followAnew();
    this.#lookReadOut();
  }

  close(): void {
    this.#waitsForChart = false;
    this.#follows += 1;
    this.#stop();
    this.#readOf = "";
    this.view.set(closed);
  }

  /** Look at something else of it; what is shown stays until the answer is there. */
  choose(change: Partial<OptionChoice>): void {
    const before = this.choice.get();
    const next = { ...before, ...change };
    const isOther = next.symbol !== before.symbol;
    // Another chain has expiries of its own, and may not tell where its money is.
    const { expiry = null, around = null, price = null } = change;
    const chosen = isOther ? { ...next, expiry, around, price } : next;
    this.choice.set(chosen);
    if (isOther) {
      this.#readOf = ""; // an answer that is under way is of another chain
      const { chains, state, followProblem } = this.view.get();
      this.view.set({ ...closed, chains, state, followProblem });
    }
    if (!this.isOpen || chosen.symbol === "") return;
    if (isSameStream(before, chosen) && this.view.get().state === "ready") this.#lookBeside();
    else this.#look();
  }

  #stop(): void {
    this.#turn += 1;
    this.#besideTurn += 1;
    this.#besideOf = "";
    this.#abort.abort();
    this.#leave();
    this.#leave = () => {};
  }

  async #start(near: string): Promise<void> {
    const turn = ++this.#turn;
    try {
      const chains = await this.listed();
      if (turn !== this.#turn) return;
      const chain = chainFor(chains, near || this.choice.get().symbol);
      this.view.set({ ...this.view.get(), chains, state: chain === undefined ? "none" : "loading" });
      if (chain === undefined) this.#clock.after(againMs, () => turn === this.#turn && void this.#start(near));
      else this.choose({ symbol: chain.symbol });
    } catch (error) {
      if (turn === this.#turn) this.#failed(wordsOf(error), () => void this.#start(near));
    }
  }

  // The stream of what is chosen now, in place of the one before.
  #look(): void {
    this.#stop();
    const turn = this.#turn;
    const { symbol, ...chain } = this.#asked();
    this.#leave = this.#hub.subscribeStream(
      { symbol, name: "options", chain },
      {
        granted: () => {},
        said: (news) => void (turn === this.#turn && news.type === "chain" && this.#take(news)),
        // What changed meanwhile was not told: the whole of it is asked for again.
        lost: () => void (turn === this.#turn && this.#look()),
        refused: (_code, message) =>
          void (turn === this.#turn && this.#failed(message, () => turn === this.#turn && this.#look())),
      },
    );
  }

  #take(news: ChainSaid): void {
    const before = this.view.get();
    const chain =
      news.chain ??
      (before.chain === null || news.change === undefined ? before.chain : changed(before.chain, news.change));
    if (chain === null) return;
    const problem = news.problem ?? "";
    // What other tabs showed may be of another expiry: it is asked for when they are opened.
    const nothing = { history: null, heat: null, smile: null, readOut: null, readOutProblem: "" };
    const kept = before.chain?.expiry === chain.expiry ? {} : nothing;
    this.view.set({ ...before, ...kept, state: problem === "" ? "ready" : "failed", problem, chain });
    this.#lookBeside();
    this.#lookReadOut();
  }

  // Once a minute of the chain's own time, whatever is opened: its key level stands on the chart.
  #lookReadOut(): void {
    const { chain, chains } = this.view.get();
    if (chain === null || this.#isHidden) return;
    const info = chains.find(({ symbol }) => symbol === chain.symbol);
    const chart = info !== undefined && isUnderlying(info, this.#chart) ? this.#chart : "";
    const { around, price } = this.choice.get();
    const of = [chain.symbol, chain.expiry, around, price, chart, BigInt(chain.at_ns) / minuteNs].join(" ");
    if (of === this.#readOf) return;
    this.#readOf = of;
    void this.#askReadOut(of, chart);
  }

  async #askReadOut(of: string, chart: string): Promise<void> {
    const query = { ...this.#asked(), ...(chart === "" ? {} : { contract: chart }) };
    let told: Pick<OptionView, "readOut" | "readOutProblem">;
    try {
      told = { readOut: await this.#rest.options<ReadOut>("/readout", query), readOutProblem: "" };
    } catch (error) {
      told = { readOut: null, readOutProblem: wordsOf(error) };
      this.#clock.after(againMs, () => this.#readAgain(of));
    }
    if (of === this.#readOf && this.isOpen) this.view.set({ ...this.view.get(), ...told });
  }

  #readAgain(of: string): void {
    if (of !== this.#readOf) return;
    this.#readOf = "";
    this.#lookReadOut();
  }

  // What the tab shows beside the chain, once a minute of the chain's own time and for each other question.
  #lookBeside(): void {
    const { chain } = this.view.get();
    const { tab, everyS } = this.choice.get();
    if (chain === null || this.#isHidden || tab === "chain" || tab === "profile" || tab === "readout") return;
    const minute = BigInt(chain.at_ns) / minuteNs;
    const { around, heatAround } = this.choice.get();
    const of = [chain.symbol, chain.expiry, around, heatAround, tab, everyS, minute].join(" ");
    if (of === this.#besideOf) return; // it is here or on its way: a chain changes faster than a slow answer comes
    this.#besideOf = of;
    void this.#askBeside(tab);
  }

  async #askBeside(tab: keyof typeof besideNames): Promise<void> {
    const turn = ++this.#besideTurn;
    this.#abort.abort();
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    try {
      const name = besideNames[tab];
      const beside: Beside = { [name]: await this.#ask(name, signal) };
      if (turn !== this.#besideTurn) return;
      const view = this.view.get();
      const isOver = this.#besideProblem !== "" && view.problem === this.#besideProblem;
      this.#besideProblem = "";
      this.view.set({ ...view, ...beside, ...(isOver ? { state: "ready", problem: "" } : {}) });
    } catch (error) {
      if (turn !== this.#besideTurn || signal.aborted) return;
      this.#besideOf = "";
      this.#besideProblem = wordsOf(error);
      this.#failed(this.#besideProblem, () => turn === this.#besideTurn && this.#lookBeside());
    }
  }

  #failed(problem: string, again: () => void): void {
    this.view.set({ ...this.view.get(), state: "failed", problem });
    const turn = this.#turn;
    this.#clock.after(againMs, () => turn === this.#turn && again());
  }

  #ask<T>(what: string, signal: AbortSignal): Promise<T> {
    const { everyS, heatAround } = this.choice.get();
    const hasMoney = this.view.get().chain?.atm != null;
    const chain = what === "heat" ? this.#asked(hasMoney ? heatAround : null) : this.#asked();
    const query = what === "heat" || what === "history" ? { ...chain, every_s: everyS } : chain;
    return this.#rest.options<T>(`/${what}`, query, signal);
  }

  // The chain that is looked at: what is told beside it is of the same strikes.
  #asked(around = this.choice.get().around) {
    const { symbol, expiry, price } = this.choice.get();
    return {
      symbol,
      ...(expiry === null ? {} : { expiry }),
      ...(around === null ? {} : { strikes: around }),
      ...(price === null ? {} : { price }),
    };
  }
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Whether two choices are told by one stream of the chain. */
const isSameStream = (one: OptionChoice, other: OptionChoice): boolean =>
  one.symbol === other.symbol &&
  one.expiry === other.expiry &&
  one.around === other.around &&
  one.price === other.price;
