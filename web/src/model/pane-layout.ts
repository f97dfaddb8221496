import type { PaneName } from "./cursor";

/** Where something is inside of the chart, in CSS pixels from its top. */
export interface Box {
  readonly top: number;
  readonly height: number;
}

export interface PaneLayout {
  readonly plotWidth: number;
  readonly axisWidth: number;
  readonly boxes: Readonly<Record<PaneName, Box>>;
  readonly timeAxis: Box;
}

/** Shares of the height that the panes below take. */
export interface PaneShares {
  readonly delta: number;
  readonly cvd: number;
}

/** What lies at a place of the chart. */
export type Zone =
  | { readonly kind: "plot"; readonly pane: PaneName; readonly top: number }
  | { readonly kind: "axis"; readonly pane: PaneName; readonly top: number }
  | { readonly kind: "time" }
  | { readonly kind: "splitter"; readonly below: "delta" | "cvd" }
  | { readonly kind: "none" };

export const timeAxisCss = 26;
export const splitterCss = 7;
export const paneOrder: readonly PaneName[] = ["price", "delta", "cvd"];
export const defaultShares: PaneShares = { delta: 0.14, cvd: 0.13 };
const leastPaneCss = 44;
const leastPriceCss = 120;
const leastShare = 0.05;
const mostShare = 0.6;

/** Divide the height: the panes below get their shares but no less than can be read, the price pane the rest. */
export function paneBoxes(
  height: number,
  shares: PaneShares,
  maximised: PaneName | null,
): Readonly<Record<PaneName, Box>> {
  const room = Math.max(1, height - timeAxisCss);
  const none: Box = { top: 0, height: 0 };
  if (maximised !== null) return { price: none, delta: none, cvd: none, [maximised]: { top: 0, height: room } };
  const below = Math.max(0, room - 2 * splitterCss);
  const most = Math.max(0, below - leastPriceCss) / 2;
  const size = (share: number): number => Math.round(Math.min(most, Math.max(leastPaneCss, below * share)));
  const [delta, cvd] = [size(shares.delta), size(shares.cvd)];
  const price = below - delta - cvd;
  return {
    price: { top: 0, height: price },
    delta: { top: price + splitterCss, height: delta },
    cvd: { top: price + delta + 2 * splitterCss, height: cvd },
  };
}

/** Move the splitter above a pane to `y`: the pane grows or shrinks at the cost of the one above it. */
export function dragSplitter(layout: PaneLayout, shares: PaneShares, below: "delta" | "cvd", y: number): PaneShares {
  const { boxes } = layout;
  const room = boxes.price.height + boxes.delta.height + boxes.cvd.height;
  const share = Math.min(mostShare, Math.max(leastShare, (boxes[below].top + boxes[below].height - y) / room));
  if (below === "delta") return { ...shares, delta: share };
  const together = shares.delta + shares.cvd;
  const cvd = Math.min(share, together - leastShare);
  return { delta: together - cvd, cvd };
}

/** What is at a place, in CSS pixels from the chart's corner. */
export function zoneAt(layout: PaneLayout, x: number, y: number): Zone {
  if (y >= layout.timeAxis.top && y < layout.timeAxis.top + layout.timeAxis.height) return { kind: "time" };
  for (const name of paneOrder) {
    const box = layout.boxes[name];
    if (box.height <= 0) continue;
    if (name !== "price" && box.top > 0 && y >= box.top - splitterCss && y < box.top) {
      return { kind: "splitter", below: name };
    }
    if (y >= box.top && y < box.top + box.height) {
      return { kind: x < layout.plotWidth ? "plot" : "axis", pane: name, top: box.top };
    }
  }
  return { kind: "none" };
}
