/** How the price scale looks after itself; in `manual` it does not. */
export type AutoScale = "fit" | "centre" | "manual";

export const autoScaleModes: readonly AutoScale[] = ["fit", "centre", "manual"];

/** What the chart shows, in rows (fractional). */
export interface Content {
  readonly low: number;
  readonly high: number;
  /** What `centre` keeps in sight: the last price, or in history the close of the newest bar on screen. */
  readonly anchor: number;
}

export interface View {
  readonly low: number;
  readonly high: number;
  /** Height of the pane in rows' pixels. */
  readonly height: number;
}

export interface Placement {
  readonly row: number;
  readonly centre: number;
}

/** Room above and below what is fitted, in pixels: the legend stands above. */
export interface Margins {
  readonly top: number;
  readonly bottom: number;
}

const lowestFilling = 0.5;
const edgeBand = 0.015;
/** The anchor may come this near to the edge (share of the pane) before the view moves, and then stands no nearer than the second. */
const quietBand = 0.2;
const restBand = 0.27;
/** A view in which less than this share of the cells is seen that could be seen leaves bars out, and room empty. */
const leastOfBest = 0.75;
/** The newest bar on screen counts so many times as much as the oldest when a place is chosen. */
const newestWeight = 3;
const candidates = 48;

/** The rows of the bars on screen, the oldest first: bar `k` covers `low[k]` up to, without, `high[k]`. */
export interface Stretches {
  readonly low: readonly number[];
  readonly high: readonly number[];
}

/** The placement at which all of the content is in sight between the margins. */
export function placeAll(content: Content, height: number, margins: Margins): Placement {
  const rows = Math.max(content.high - content.low, 4);
  const room = Math.max(8, height - margins.top - margins.bottom);
  const wished = room / rows;
  // Rows that will stand on whole pixels are rounded down, or the content would not fit.
  const row = wished >= 8 ? Math.floor(wished) : wished;
  const middle = (content.low + content.high) / 2;
  return { row, centre: middle + (margins.top - margins.bottom) / 2 / row };
}

/**
 * The placement in `fit` mode, or null while the present one is good enough: the content is in sight and, after the set
 * of bars on screen has changed, fills at least half. So a tick inside the view never moves the scale.
 */
export function refit(content: Content, view: View, margins: Margins, setChanged: boolean): Placement | null {
  const span = view.high - view.low;
  const inSight = content.low >= view.low + span * edgeBand && content.high <= view.high - span * edgeBand;
  const filling = (content.high - content.low) / span;
  const room = (view.height - margins.top - margins.bottom) / view.height;
  if (inSight && (!setChanged || filling >= lowestFilling * room)) return null;
  return placeAll(content, view.height, margins);
}

/**
 * The centre row in `centre` mode, or null while the present one is good enough: all of the content is in sight, or the
 * anchor inside the quiet band of the pane and, after the set of bars on screen has changed, not much less of the bars
 * than could be: see `centreOf`.
 */
export function recentre(content: Content, view: View, bars: () => Stretches, setChanged: boolean): number | null {
  const span = view.high - view.low;
  const band = span * quietBand;
  const isQuiet = content.anchor >= view.low + band && content.anchor <= view.high - band;
  if (isQuiet && !setChanged) return null;
  if (content.low >= view.low && content.high <= view.high) return null;
  const stretches = bars();
  const centre = centreOf(content, span, stretches);
  const best = cellsInSight(stretches, centre - span / 2, centre + span / 2);
  const isMuch = cellsInSight(stretches, view.low, view.high) >= best * leastOfBest;
  return isQuiet && isMuch ? null : centre;
}

/**
 * Where a view of `span` rows stands best. Content that fits is in sight as a whole; else as many cells of the bars on
 * screen are as can be, newer bars counting for more. As far as this allows the anchor keeps away from the edges.
 */
export function centreOf(content: Content, span: number, bars: Stretches): number {
  const reach = span * (0.5 - restBand);
  if (content.high - content.low <= span) {
    const wished = clamp((content.low + content.high) / 2, content.anchor - reach, content.anchor + reach);
    return clamp(wished, content.high - span / 2, content.low + span / 2);
  }
  let [best, most] = [content.anchor, -1];
  for (let k = 0; k <= candidates; k += 1) {
    const centre = content.anchor + reach * ((2 * k) / candidates - 1);
    const seen = cellsInSight(bars, centre - span / 2, centre + span / 2);
    const isNearer = Math.abs(centre - content.anchor) < Math.abs(best - content.anchor);
    if (seen > most || (seen === most && isNearer)) [best, most] = [centre, seen];
  }
  return best;
}

const clamp = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value));

function cellsInSight({ low, high }: Stretches, from: number, to: number): number {
  let sum = 0;
  const slope = (newestWeight - 1) / Math.max(1, low.length - 1);
  for (let k = 0; k < low.length; k += 1) {
    const rows = Math.min(to, high[k] as number) - Math.max(from, low[k] as number);
    if (rows > 0) sum += rows * (1 + slope * k);
  }
  return sum;
}
