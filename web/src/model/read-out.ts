import type { ReadOut, ReadOutRow } from "../protocol/options";
import { type NumberSigns, plainSigns, written } from "./number-signs";
import type { NsClock } from "./option-table";

/** One reading in words. */
export interface ReadingView {
  readonly title: string;
  readonly when: string;
  readonly verdict: string;
  readonly tone: "bullish" | "bearish" | "neutral";
  readonly words: string;
  readonly because: readonly string[];
}

const titles: Readonly<Record<ReadOutRow["baseline"], string>> = {
  "previous close": "Against the previous close",
  interval: "Over the last interval",
};
const agreements = new Map<boolean | null, string>([
  [true, ", and aggressive volume agrees"],
  [false, ", but aggressive volume does not agree"],
]);

/** The readings of a contract: the default one against the previous close, then that of the last interval. */
export function readings(readOut: ReadOut, clock: NsClock, signs = plainSigns): readonly ReadingView[] {
  return readOut.readings.map((row) => ({
    title: titles[row.baseline],
    when: row.from_ns === null ? "" : row.baseline === "interval" ? `${clock(row.from_ns)} to ${clock(row.to_ns)}` : "",
    verdict: verdictOf(row),
    tone: row.reading ?? "neutral",
    words: `${row.words.charAt(0).toUpperCase()}${row.words.slice(1)}.`,
    because: row.because.filter((line) => !isTitle(line)).map((line) => rewritten(line, signs)),
  }));
}

function verdictOf({ reading, confirmed }: ReadOutRow): string {
  if (reading === null) return "No reading";
  return `${reading.charAt(0).toUpperCase()}${reading.slice(1)}${agreements.get(confirmed) ?? ""}`;
}

// What they are against stands above them.
const isTitle = (line: string): boolean => line === "against the previous close" || line === "over the interval";

// The reasons come as sentences with English numbers: their digits stand, their signs become the reader's.
function rewritten(line: string, signs: NumberSigns): string {
  return line.replace(/-?\d{1,3}(?:,\d{3})+(?:\.\d+)?|-?\d+(?:\.\d+)?/g, (number) =>
    written(number.replaceAll(",", ""), signs),
  );
}
