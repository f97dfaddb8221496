import type { StudyInfo } from "../protocol/messages";
import type { ProfileKindRow, ProfileWant } from "../protocol/profiles";
import type { StudyChoice } from "./study-choice";

/** Profiles stand among the chosen studies under names of their own: one menu, one form, one memory for both. */
const prefix = "profile:";

/** The kind of profile that a chosen study is; null where it is a study of the bars. */
export const kindOf = (study: string): string | null => (study.startsWith(prefix) ? study.slice(prefix.length) : null);

/** A kind of profile as the menu and the form know studies. */
export const asStudy = ({ name, title, about, params }: ProfileKindRow, before = prefix): StudyInfo => ({
  name: `${before}${name}`,
  title,
  about,
  params,
  outputs: [],
});

/** The profiles among what is chosen. */
export function wantsOf(chosen: readonly StudyChoice[]): readonly ProfileWant[] {
  return chosen.flatMap(({ study, label, params }) => {
    const kind = kindOf(study);
    return kind === null ? [] : [{ label, kind, params }];
  });
}

/** What the mouse has to show before a profile can be added: nothing, a range of bars, or one bar. */
export const pickOf = (kind: string): "range" | "bar" | null =>
  kind === "fixed" ? "range" : kind === "anchored" ? "bar" : null;
