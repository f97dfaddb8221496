/** The words of what was typed. */
export const wordsOf = (typed: string): string[] =>
  typed
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");

/** Whether a text has all words, one or several of what they name: "POCs" finds a POC. */
export function hasWords(text: string, words: readonly string[]): boolean {
  const lower = text.toLowerCase();
  return words.every((word) => lower.includes(word) || (/...s$/.test(word) && lower.includes(word.slice(0, -1))));
}
