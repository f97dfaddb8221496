import { barKinds } from "./bar-kinds";

const seldom = new Set(["30s", "2m", "2h", "1mo"]);
/** Bars by the clock that the interval box offers. */
export const offeredBars: readonly string[] = barKinds[0].offered.filter((bars) => !seldom.has(bars));

export type IntervalText = { readonly bars: string } | { readonly problem: string };

/** How text looks that means bars, and no symbol: `15s`, `500t`, `100v-split`, `1e6q`, `$1M`, `r20`, `ren10-3`, `ib20-e`. */
const looksLikeBars =
  /^(?:\d[\d.e]*[a-z]{0,2}(?:-split)?|\$\d[\d.,e]*[kmb]?(?:-split)?|(?:r|ren|d)\d[\d.e]*(?:-\d+)?|[vq]?(?:ib|rb)[\d.e]*(?:-e[\d.e]*)?)$/i;

export const meansBars = (text: string): boolean => looksLikeBars.test(text.trim());

/** Thousands, millions and billions, as they are written behind a value. */
const powers: Readonly<Record<string, number>> = { k: 3, m: 6, b: 9 };

/**
 * Read what was typed into the interval box: `5` is five minutes, `1M` a month, `$1M` bars of a turnover of a million; the
 * rest is the server's bar grammar and goes to it in small letters. What the server does not take it refuses in words.
 */
export function parseInterval(text: string): IntervalText {
  const typed = text.trim();
  if (/^(1?M|1mo)$/.test(typed)) return { bars: "1mo" };
  const time = /^(\d{1,4})\s*([smhdw]?)$/.exec(typed.toLowerCase());
  if (time === null) return otherBars(typed);
  const count = Number(time[1]);
  const unit = time[2] === "" ? "m" : (time[2] ?? "m");
  if (count === 0) return nothing;
  return { bars: canonical(count, unit) };
}

const nothing: IntervalText = { problem: "a bar must last longer than nothing" };
const isNothing = /^\$?[a-z]*0+(?:\.0+)?[a-z]*(?:-split)?$/i;

function otherBars(typed: string): IntervalText {
  if (isNothing.test(typed)) return nothing;
  const value = /^\$\s*(\d[\d,]*(?:\.\d+)?)(?:e(\d{1,2}))?([kmb]?)(-split)?$/i.exec(typed);
  if (value !== null) {
    const [, digits = "", exponent = "0", power = "", split = ""] = value;
    const zeros = Number(exponent) + (powers[power.toLowerCase()] ?? 0);
    return { bars: `${digits.replace(/,/g, "")}${zeros > 0 ? `e${zeros}` : ""}q${split.toLowerCase()}` };
  }
  if (/^[\w.-]+$/.test(typed) && !/^[\d.]+$/.test(typed)) return { bars: typed.toLowerCase() };
  return { problem: "write 15s, 5 (minutes), 1h, 1d, 500t (trades), 100v (volume), $1M (turnover), r20 (range) ..." };
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
