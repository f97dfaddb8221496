import type { OptionsKept } from "../data/options-desk";
import { type FlowSettings, readFlow } from "../model/flow-table";
import { readOptions } from "../model/options-kept";
import { defaultPanes, type PaneSpec, readPanes } from "../model/panes";
import { readSettings, type Settings } from "../model/settings";
import { readStudies, type StudyChoice } from "../model/study-choice";

/** What the page remembers between visits; a browser that keeps nothing gets the defaults. */
export interface Prefs {
  readonly settings: Settings;
  /** From the top: the price pane first. */
  readonly panes: readonly PaneSpec[];
  readonly studies: readonly StudyChoice[];
  /** The order flow table. */
  readonly flow: FlowSettings;
  /** The option screens beside the chart. */
  readonly options: OptionsKept;
  readonly paletteOffered: boolean;
}

const key = "footloom.prefs.1";

export function loadPrefs(storage: Storage | null): Prefs {
  return readPrefs(parse(storage?.getItem(key) ?? null));
}

/** Read what was remembered, or what a layout says; what is not understood is left at its default. */
export function readPrefs(stored: Readonly<Record<string, unknown>>): Prefs {
  return {
    settings: readSettings(stored["settings"]),
    panes: readPanes(stored["panes"]) ?? defaultPanes,
    studies: readStudies(stored["studies"]),
    flow: readFlow(stored["flow"]),
    options: readOptions(stored["options"]),
    paletteOffered: stored["paletteOffered"] === true,
  };
}

export function savePrefs(storage: Storage | null, prefs: Prefs): void {
  try {
    storage?.setItem(key, JSON.stringify(prefs));
  } catch {
    // Full or forbidden: the page works without memory.
  }
}

/** The browser's storage, or null where it is forbidden even to look. */
export function pageStorage(): Storage | null {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

/** The storage of this tab alone, which outlives a reload. */
export function tabStorage(): Storage | null {
  try {
    return window.sessionStorage;
  } catch {
    return null;
  }
}

function parse(text: string | null): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? "{}");
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
