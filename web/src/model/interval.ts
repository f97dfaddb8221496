/** Bars that can be chosen from the menu. */
export const offeredBars: readonly string[] = [
  "1s",
  "5s",
  "15s",
  "1m",
  "3m",
  "5m",
  "15m",
  "30m",
  "1h",
  "4h",
  "1d",
  "1w",
];

/** Bars that end by what was traded, not by the clock, with what they are called. */
export const offeredKinds: readonly { readonly kind: string; readonly bars: readonly string[] }[] = [
  { kind: "Trades", bars: ["100t", "500t", "1000t"] },
  { kind: "Volume", bars: ["10v", "100v", "1000v"] },
  { kind: "Turnover", bars: ["1e5q", "1e6q", "1e7q"] },
  { kind: "Range", bars: ["r10", "r20", "r50"] },
  { kind: "Renko", bars: ["ren10", "ren20", "ren50"] },
  { kind: "Delta", bars: ["d50", "d100", "d500"] },
  { kind: "Imbalance", bars: ["ib20", "ib100", "vib20"] },
  { kind: "Runs", bars: ["rb20", "rb100", "vrb20"] },
];

export type IntervalText = { readonly bars: string } | { readonly problem: string };

/** How text looks that means bars, and no symbol: `15s`, `500t`, `100v-split`, `1e6q`, `r20`, `ren10-3`, `d500`, `ib20-e`. */
const looksLikeBars =
  /^(?:\$?\d[\d.e]*[a-z]{0,3}(?:-split)?|(?:r|ren|d)\d[\d.e]*(?:-\d+)?|[vq]?(?:ib|rb)[\d.e]*(?:-e[\d.e]*)?)$/i;

export const meansBars = (text: string): boolean => looksLikeBars.test(text.trim());

/**
 * Read what was typed into the interval box: `5` is five minutes, the rest is the server's bar grammar and goes to it as
 * it stands; what the server does not take it refuses in words.
 */
export function parseInterval(text: string): IntervalText {
  const typed = text.trim();
  const time = /^(\d{1,4})\s*([smhdw]?)$/.exec(typed.toLowerCase());
  if (time === null) {
    if (/^[\w.$-]+$/.test(typed)) return { bars: typed };
    return { problem: "write 15s, 5 (minutes), 1h, 1d, 500t (trades), 100v (volume), r20 (range) ..." };
  }
  const count = Number(time[1]);
  const unit = time[2] === "" ? "m" : (time[2] ?? "m");
  if (count === 0) return { problem: "a bar must last longer than nothing" };
  return { bars: canonical(count, unit) };
}

// 60 seconds are a minute and 60 minutes an hour, however they were typed.
function canonical(count: number, unit: string): string {
  if (unit === "s" && count % 60 === 0) return canonical(count / 60, "m");
  if (unit === "m" && count % 60 === 0) return canonical(count / 60, "h");
  if (unit === "h" && count % 24 === 0) return `${count / 24}d`;
  return `${count}${unit}`;
}

/** The neighbour of a study step among 1, 2 and 5 times powers of ten. */
export function nextStep(ticks: number, direction: 1 | -1): number {
  const ladder: number[] = [];
  for (let power = 1; power <= 1e7; power *= 10) ladder.push(power, 2 * power, 5 * power);
  if (direction === 1) return ladder.find((step) => step > ticks) ?? ticks;
  return ladder.findLast((step) => step < ticks) ?? ticks;
}
