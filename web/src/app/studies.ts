import type { Rest } from "../data/rest";
import { Store } from "../data/store";
import type { TopicFeed } from "../data/topic-feed";
import type { Chart } from "../gui/chart";
import { Level } from "../model/invalidation";
import { ordersStudy } from "../model/orders";
import { ownStudies } from "../model/own-levels";
import { addPane, newShare } from "../model/panes";
import { asStudy, kindOf } from "../model/profile-choice";
import type { Settings } from "../model/settings";
import { freeLabel, mostStudies, requestOf, type StudyChoice } from "../model/study-choice";
import { asksFirst, changedOnly } from "../model/study-form";
import { wantsPane } from "../model/study-look";
import type { StudyFace } from "../panels/face";
import type { StudyInfo, StudyParams, StudyRequest } from "../protocol/messages";
import type { Orders } from "./orders";
import type { Profiles } from "./profiles";

/** What the studies need of the page. */
export interface StudiesHost {
  readonly rest: Rest;
  readonly profiles: Profiles;
  readonly orders: Orders;
  chart(): Chart;
  /** The feed on screen; null before the first. */
  feed(): TopicFeed | null;
  /** How the cells look: levels are a part of it. */
  settings(): Settings;
  /** What is chosen has changed: it is to be kept. */
  chosen(): void;
  problem(words: string): void;
  /** A study says nothing before its form is filled in. */
  asks(label: string): void;
}

/** The pane of a study. */
const paneOf = (label: string): string => `study ${label}`;

/** The studies that are chosen for the chart, and all that could be. */
export class Studies implements StudyFace {
  readonly catalogue = new Store<readonly StudyInfo[]>([]);
  readonly chosen: Store<readonly StudyChoice[]>;
  readonly #host: StudiesHost;
  /** What the server takes: what is refused is taken back. */
  #taken: readonly StudyChoice[];

  constructor(host: StudiesHost, chosen: readonly StudyChoice[]) {
    this.#host = host;
    this.chosen = new Store(chosen);
    this.chosen.subscribe((list) => host.profiles.choose(list));
    this.chosen.subscribe((list) => host.orders.choose(list));
    this.#taken = chosen;
  }

  /** Those that come with the bars. */
  get requests(): readonly StudyRequest[] {
    return this.chosen
      .get()
      .filter(({ study }) => kindOf(study) === null && study !== ordersStudy)
      .map(requestOf);
  }

  /** Ask for what is chosen, and for what the look of the cells draws, where that is not so already. */
  ask(): void {
    const feed = this.#host.feed();
    if (feed === null) return;
    const own = ownStudies(this.#host.settings(), feed.meta, this.chosen.get());
    feed.setStudies([...this.requests, ...own]);
  }

  /** Outputs that were chosen by hand, by label. */
  get shows(): ReadonlyMap<string, readonly string[]> {
    return new Map(this.chosen.get().flatMap(({ label, shows }) => (shows === null ? [] : [[label, shows] as const])));
  }

  async load(): Promise<void> {
    if (this.catalogue.get().length > 0) return;
    try {
      const { rest } = this.#host;
      const [studies, kinds, orders] = await Promise.all([rest.studies(), rest.profileKinds(), rest.orderKinds()]);
      this.catalogue.set([
        ...kinds.map((kind) => asStudy(kind)),
        ...orders.map((kind) => asStudy(kind, "orders:")),
        ...studies,
      ]);
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      this.#host.problem(`the list of studies could not be loaded: ${words}`);
    }
  }

  infoOf(study: string): StudyInfo | null {
    return this.catalogue.get().find(({ name }) => name === study) ?? null;
  }

  /** Add a study to the chart; one may stand there more than once, with other settings. */
  add(study: string, params: StudyParams = {}): void {
    const picks =
      Object.keys(params).length === 0 && this.#host.profiles.pick(study, (shown) => this.add(study, shown));
    if (!picks) void this.load().then(() => this.#add(study, params));
  }

  #add(study: string, params: StudyParams): void {
    const chosen = this.chosen.get();
    const info = this.infoOf(study);
    if (info === null) {
      this.#host.problem(`there is no study ${study}`);
      return;
    }
    if (chosen.length >= mostStudies) {
      this.#host.problem(`a chart has at most ${mostStudies} studies: close one first`);
      return;
    }
    const label = freeLabel(study, chosen);
    this.#set([...chosen, { study, label, params: changedOnly(info.params, params), shows: null }]);
    if (wantsPane(info.outputs)) this.#addPane(label);
    if (Object.keys(params).length === 0 && asksFirst(info.params)) this.#host.asks(label);
  }

  #addPane(label: string): void {
    const chart = this.#host.chart();
    chart.setPanes(addPane(chart.panes, { id: paneOf(label), kind: "study", of: label, share: newShare }));
  }

  remove(label: string): void {
    this.#set(this.chosen.get().filter((one) => one.label !== label));
    this.#closePane(label);
  }

  #closePane(label: string): void {
    const chart = this.#host.chart();
    if (chart.panes.some(({ of }) => of === label)) chart.setPanes(chart.panes.filter(({ of }) => of !== label));
  }

  /** Other settings of a study, or other outputs of it that are drawn. */
  change(label: string, params: StudyParams, shows: readonly string[] | null): void {
    const one = this.chosen.get().find((candidate) => candidate.label === label);
    const info = one === undefined ? null : this.infoOf(one.study);
    if (one === undefined || info === null) return;
    const next = { ...one, params: changedOnly(info.params, params), shows };
    this.#set(this.chosen.get().map((held) => (held.label === label ? next : held)));
    const drawn = shows === null ? info.outputs : info.outputs.filter(({ name }) => shows.includes(name));
    if (!wantsPane(drawn)) this.#closePane(label);
    else if (!this.#host.chart().panes.some(({ of }) => of === label)) this.#addPane(label);
  }

  /** Those of a layout, before its chart is opened. */
  restore(studies: readonly StudyChoice[]): void {
    this.chosen.set(studies);
    this.#host.chart().model.shows = this.shows;
  }

  /** The server has taken what was asked for. */
  taken(): void {
    this.#taken = this.chosen.get();
  }

  /** The server has refused it: what it took before is chosen again. */
  refused(words: string): void {
    this.#host.problem(words);
    const kept = this.#taken;
    for (const { label } of this.chosen.get()) if (!kept.some((one) => one.label === label)) this.#closePane(label);
    this.chosen.set(kept);
    this.#host.chart().model.shows = this.shows;
    this.#host.chosen();
  }

  #set(chosen: readonly StudyChoice[]): void {
    this.chosen.set(chosen);
    const chart = this.#host.chart();
    chart.model.shows = this.shows;
    this.ask();
    chart.invalidate(Level.full);
    this.#host.chosen();
  }
}
