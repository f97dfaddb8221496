import type { StudyParams, StudyRequest } from "../protocol/messages";
import { mostOwn } from "./own-levels";

/** A study that is chosen for the chart. */
export interface StudyChoice extends StudyRequest {
  /** The outputs that are drawn, by name; null: those that the page draws unasked. */
  readonly shows: readonly string[] | null;
}

/** The server takes 32 beside one chart, of which the look of the cells may ask for some. */
export const mostStudies = 32 - mostOwn;

/** A label that no other study of the chart has. */
export function freeLabel(study: string, taken: readonly StudyChoice[]): string {
  const isTaken = (label: string): boolean => taken.some((one) => one.label === label);
  let number = 2;
  if (!isTaken(study)) return study;
  while (isTaken(`${study} ${number}`)) number += 1;
  return `${study} ${number}`;
}

/** Chosen studies from what was stored, whatever that is. */
export function readStudies(stored: unknown): readonly StudyChoice[] {
  if (!Array.isArray(stored)) return [];
  const found = stored.filter(isChoice).map(({ study, label, params, shows }) => ({ study, label, params, shows }));
  return found.filter((one, k) => found.findIndex(({ label }) => label === one.label) === k).slice(0, mostStudies);
}

function isChoice(value: unknown): value is StudyChoice {
  if (typeof value !== "object" || value === null) return false;
  const { study, label, params, shows } = value as Partial<Record<keyof StudyChoice, unknown>>;
  const isNamed = typeof study === "string" && study !== "" && typeof label === "string" && label !== "";
  const isSet = typeof params === "object" && params !== null && !Array.isArray(params);
  return (
    isNamed && isSet && (shows === null || (Array.isArray(shows) && shows.every((one) => typeof one === "string")))
  );
}

/** What is asked of the server. */
export const requestOf = ({ study, label, params }: StudyChoice): StudyRequest => ({ study, label, params });

/** The settings that differ from their defaults, as they stand in a title: `percent 400, zero ignore`. */
export function settingsText(params: StudyParams): string {
  return Object.entries(params)
    .map(([name, value]) => `${name.replaceAll("_", " ")} ${Array.isArray(value) ? value.join("/") : String(value)}`)
    .join(", ");
}
