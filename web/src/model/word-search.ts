/** The words of what was typed. */
export const wordsOf = (typed: string): string[] =>
  typed
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");

/** How well a title is what was typed: 0 where it begins so, 1 where each word begins one of its own, else 2. */
export function rankOf(title: string, words: readonly string[]): number {
  const lower = title.toLowerCase();
  if (lower.startsWith(words.join(" "))) return 0;
  const own = lower.split(/[^\p{L}\p{N}$]+/u);
  return words.every((word) => own.some((one) => one.startsWith(word))) ? 1 : 2;
}

/** Whether a text has all words, one or several of what they name: "POCs" finds a POC. */
export function hasWords(text: string, words: readonly string[]): boolean {
  const lower = text.toLowerCase();
  return words.every((word) => lower.includes(word) || (/...s$/.test(word) && lower.includes(word.slice(0, -1))));
}
