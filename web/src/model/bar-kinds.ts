import { compact } from "./format";

/** A way in which one kind of bars can be written, with an amount. */
export interface BarForm {
  readonly label: string;
  /** What the amount counts; `base` and `quote` stand for the instrument's own units. */
  readonly unit: string;
  /** What is written around the amount: `500t`, `ren10-3`. */
  readonly before: string;
  readonly after: string;
}

/** One kind of bars: what it is called, what it means, and how it is written. */
export interface BarKind {
  readonly id: string;
  readonly name: string;
  readonly means: string;
  readonly forms: readonly [BarForm, ...BarForm[]];
  readonly offered: readonly string[];
}

const form = (label: string, unit: string, before: string, after: string): BarForm => ({ label, unit, before, after });

/** All kinds of bars that the server builds (definitions 2.3 and 2.4). */
export const barKinds: readonly [BarKind, ...BarKind[]] = [
  {
    id: "time",
    name: "Time",
    means: "Ends by the clock, counted from the session's open. A minute without trades makes no bar.",
    forms: [form("minutes", "min", "", "m"), form("seconds", "s", "", "s"), form("hours", "h", "", "h")],
    offered: ["1s", "5s", "15s", "30s", "1m", "2m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "1d", "1w", "1mo"],
  },
  {
    id: "trades",
    name: "Trades",
    means: "Ends after so many trades, however long they take: quiet hours shrink, busy minutes unfold.",
    forms: [form("trades", "trades", "", "t")],
    offered: ["100t", "250t", "500t", "1000t", "2000t"],
  },
  {
    id: "volume",
    name: "Volume",
    means: "Ends with the trade that fills the quantity. Cut exactly, that trade is divided between two bars.",
    forms: [form("whole trades", "base", "", "v"), form("cut exactly", "base", "", "v-split")],
    offered: ["10v", "50v", "100v", "500v", "1000v"],
  },
  {
    id: "turnover",
    name: "Turnover",
    means: "Ends when trades of so much value have gone through: price times quantity, also known as dollar bars.",
    forms: [form("whole trades", "quote", "", "q"), form("cut exactly", "quote", "", "q-split")],
    offered: ["1e5q", "5e5q", "1e6q", "5e6q", "1e7q"],
  },
  {
    id: "range",
    name: "Range",
    means: "High minus low is at most so many ticks: the trade that would exceed it begins the next bar.",
    forms: [form("ticks", "ticks", "r", "")],
    offered: ["r10", "r20", "r50", "r100"],
  },
  {
    id: "renko",
    name: "Renko",
    means: "One brick of price after another. A brick against the last one's direction needs 2 heights, or 3.",
    forms: [form("turns by 2", "ticks", "ren", ""), form("turns by 3", "ticks", "ren", "-3")],
    offered: ["ren10", "ren20", "ren50", "ren100"],
  },
  {
    id: "delta",
    name: "Delta",
    means: "Ends when bought and sold quantity are so far apart, whichever side leads.",
    forms: [form("quantity", "base", "d", "")],
    offered: ["d50", "d100", "d500", "d1000"],
  },
  {
    id: "imbalance",
    name: "Imbalance",
    means: "Ends when signed trades, quantities or values lean to one side by so much. Adaptive: by what is expected.",
    forms: [
      form("trades", "trades", "ib", ""),
      form("quantity", "base", "vib", ""),
      form("value", "quote", "qib", ""),
      form("adaptive", "trades", "ib", "-e"),
    ],
    offered: ["ib20", "ib100", "vib20", "vib100", "ib100-e"],
  },
  {
    id: "runs",
    name: "Runs",
    means: "Ends when the buys alone, or the sells alone, reach so many trades, so much quantity or value.",
    forms: [form("trades", "trades", "rb", ""), form("quantity", "base", "vrb", ""), form("value", "quote", "qrb", "")],
    offered: ["rb20", "rb100", "vrb20", "vrb100"],
  },
];

const amount = /^\d+(?:\.\d+)?(?:e\d{1,2})?$/;

/** Bars as they are written, taken apart: their kind, form and amount; null for what no kind knows. */
export interface BarWords {
  readonly kind: BarKind;
  readonly form: BarForm;
  readonly amount: string;
}

/** Take bars apart as the server writes them: `500t`, `r20`, `ren10-3`, `1d`. */
export function barWords(bars: string): BarWords | null {
  for (const kind of barKinds) {
    for (const one of kind.forms) {
      if (!bars.startsWith(one.before) || !bars.endsWith(one.after)) continue;
      const middle = bars.slice(one.before.length, bars.length - one.after.length);
      if (amount.test(middle)) return { kind, form: one, amount: middle };
    }
  }
  const [time] = barKinds;
  return time.offered.includes(bars) ? { kind: time, form: time.forms[0], amount: "" } : null;
}

/** The unit of a form in an instrument's own words. */
export function unitOf(one: BarForm, base: string, quote: string): string {
  if (one.unit === "base") return base || "quantity";
  return one.unit === "quote" ? quote || "value" : one.unit;
}

/** `1e6` as people write it: `1,000,000`; what is longer stays as it is. */
export function plainAmount(text: string): string {
  const value = Number(text);
  return Number.isFinite(value) && value < 1e15 ? value.toLocaleString("en-US", { maximumFractionDigits: 9 }) : text;
}

/** Bars as a label has room for them: as they are written, a turnover as it is typed, `$1M` for `1e6q`. */
export function barsLabel(bars: string): string {
  const words = barWords(bars);
  if (words?.kind.id !== "turnover") return bars;
  const split = words.form.after.replace("q", "");
  return `$${compact(Number(words.amount)).replace(/\.0+(?=[kMBT]|$)/, "")}${split}`;
}

const calendarWords: Readonly<Record<string, string>> = { "1d": "one session", "1w": "one week", "1mo": "one month" };

/** Bars in a few words: `Range of 20 ticks`, `Time of 5 min`. */
export function barsInWords(bars: string, base = "", quote = ""): string {
  const words = barWords(bars);
  if (words === null) return `bars of ${bars}`;
  const calendar = calendarWords[bars];
  if (calendar !== undefined) return `${words.kind.name}: ${calendar}`;
  const extra = words.kind.forms[0] === words.form || words.kind.id === "time" ? "" : `, ${words.form.label}`;
  return `${words.kind.name}: ${plainAmount(words.amount)} ${unitOf(words.form, base, quote)}${extra}`;
}
