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
const quietBand = 0.13;
const restBand = 0.27;

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
 * The centre row in `centre` mode, or null while the anchor is inside the quiet band of the pane. The view goes to the
 * middle of what is on screen, as far as the anchor keeps away from the edges.
 */
export function recentre(content: Content, view: View): number | null {
  const span = view.high - view.low;
  const band = span * quietBand;
  const quiet = content.anchor >= view.low + band && content.anchor <= view.high - band;
  return quiet ? null : centreOf(content, span);
}

/** Where a view of `span` rows stands best: see `recentre`. */
export function centreOf(content: Content, span: number): number {
  const reach = span * (0.5 - restBand);
  const middle = (content.low + content.high) / 2;
  return Math.min(content.anchor + reach, Math.max(content.anchor - reach, middle));
}
