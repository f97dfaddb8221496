/** A layout as JSON: what is shown, and how. Versioned, so that an older page refuses a newer layout in words. */
export interface LayoutChart {
  readonly symbol: string;
  readonly bars: string;
  /** Null: the symbol's default. */
  readonly step: number | null;
}

export interface LayoutDocument {
  readonly charts: readonly [LayoutChart, ...LayoutChart[]];
  /** Settings and panes as the page keeps them; whoever reads them checks them. */
  readonly look: Readonly<Record<string, unknown>>;
}

const version = 1;

/** A layout as the text of a file. */
export function writeLayout(layout: LayoutDocument): string {
  return `${JSON.stringify({ footloom: "layout", version, ...layout }, null, 2)}\n`;
}

export type LayoutText = LayoutDocument | { readonly problem: string };

/** Read the text of a layout; what is no layout is refused in words. */
export function readLayout(text: string): LayoutText {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: "it is no JSON: choose a file that was exported here" };
  }
  if (!isRecord(value) || !Array.isArray(value["charts"])) {
    return { problem: "it is no layout: it has no charts. Choose a file that was exported here" };
  }
  const written = value["version"] ?? version;
  if (typeof written !== "number" || written > version) {
    return { problem: `it was written by a newer footloom (version ${String(written)}, this page reads ${version})` };
  }
  const chart = chartOf(value["charts"][0]);
  if (chart === null) return { problem: 'its first chart is not understood: it needs a "symbol" and "bars"' };
  return { charts: [chart], look: isRecord(value["look"]) ? value["look"] : {} };
}

function chartOf(value: unknown): LayoutChart | null {
  if (!isRecord(value)) return null;
  const { symbol, bars = "1m", step = null } = value;
  if (typeof symbol !== "string" || symbol === "" || typeof bars !== "string") return null;
  const isStep = typeof step === "number" && Number.isInteger(step) && step > 0;
  return { symbol, bars, step: isStep ? step : null };
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
