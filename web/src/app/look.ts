import { Store } from "../data/store";
import type { ChartModel } from "../model/chart-model";
import type { ThemeName } from "../model/palette";
import { type Settings, type SystemLook, themeOf } from "../model/settings";
import { loadPrefs, type Prefs, savePrefs } from "./prefs";

/** What the look needs of the chart. */
export interface LookHost {
  readonly storage: Storage | null;
  /** What the system asks for. */
  readonly look: SystemLook;
  /** How the panes stand, to be remembered. */
  panes(): Pick<Prefs, "panes" | "studies" | "flow" | "options">;
  /** Draw with other settings. */
  changed(): void;
}

/** How the page looks, and that the browser remembers it. */
export class Look {
  readonly settings: Store<Settings>;
  /** The theme that is drawn: the one chosen, or the system's. */
  readonly theme: Store<ThemeName>;
  readonly offersPalette: Store<boolean>;
  readonly first: Prefs;
  readonly #host: LookHost;
  readonly #model: ChartModel;
  #system: SystemLook;

  constructor(model: ChartModel, host: LookHost) {
    this.#model = model;
    this.#host = host;
    this.#system = host.look;
    this.first = loadPrefs(host.storage);
    const { settings, paletteOffered } = this.first;
    this.settings = new Store(settings);
    this.theme = new Store(themeOf(settings.theme, host.look.isLight));
    this.offersPalette = new Store(!paletteOffered && settings.hue === "classic");
    model.apply(settings, host.look);
  }

  change(settings: Partial<Settings>): void {
    const next = { ...this.settings.get(), ...settings };
    this.settings.set(next);
    this.theme.set(themeOf(next.theme, this.#system.isLight));
    this.#model.apply(next, this.#system);
    if (settings.hue !== undefined) this.dismissOffer();
    this.#host.changed();
    this.save();
  }

  /** The system asks for another look. */
  systemChanged(look: SystemLook): void {
    this.#system = look;
    this.change({});
  }

  dismissOffer(): void {
    this.offersPalette.set(false);
    this.save();
  }

  /** Everything that is remembered, as it is now. */
  prefs(): Prefs {
    return { settings: this.settings.get(), ...this.#host.panes(), paletteOffered: !this.offersPalette.get() };
  }

  save(): void {
    savePrefs(this.#host.storage, this.prefs());
  }
}
