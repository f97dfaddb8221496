import type { PaneName } from "./cursor";
import type { PaneSpec } from "./panes";

/** Where something is inside of the chart, in CSS pixels from its top. */
export interface Box {
  readonly top: number;
  readonly height: number;
}

export interface PaneLayout {
  readonly plotWidth: number;
  readonly axisWidth: number;
  /** From the top: the price pane first. */
  readonly panes: readonly PaneSpec[];
  /** By the panes' ids. */
  readonly boxes: Readonly<Record<PaneName, Box>>;
  readonly timeAxis: Box;
}

/** What lies at a place of the chart. */
export type Zone =
  | { readonly kind: "plot"; readonly pane: PaneName; readonly top: number }
  | { readonly kind: "axis"; readonly pane: PaneName; readonly top: number }
  | { readonly kind: "time" }
  | { readonly kind: "splitter"; readonly below: PaneName }
  | { readonly kind: "none" };

export const timeAxisCss = 26;
export const splitterCss = 7;
const leastPaneCss = 44;
/** A pane that has nothing to show is its title, which says so. */
const foldedCss = 24;
const leastPriceCss = 120;
const leastShare = 0.05;
const mostShare = 0.6;
const none: Box = { top: 0, height: 0 };

/** The box of a pane; one without height where it is not on the chart. */
export const boxOf = (layout: Pick<PaneLayout, "boxes">, pane: PaneName): Box => layout.boxes[pane] ?? none;

/** Divide the height: the panes below get their shares but no less than can be read, the price pane the rest. */
export function paneBoxes(
  height: number,
  panes: readonly PaneSpec[],
  maximised: PaneName | null,
  isFolded: (spec: PaneSpec) => boolean = () => false,
): Readonly<Record<PaneName, Box>> {
  const room = Math.max(1, height - timeAxisCss);
  if (maximised !== null && panes.some(({ id }) => id === maximised)) {
    return Object.fromEntries(panes.map(({ id }) => [id, id === maximised ? { top: 0, height: room } : none]));
  }
  const [, ...lower] = panes;
  const below = Math.max(0, room - lower.length * splitterCss);
  const sizes = fitted(
    lower.map((spec) => (isFolded(spec) ? foldedCss : Math.max(leastPaneCss, below * spec.share))),
    Math.max(0, below - leastPriceCss),
  );
  const price = below - sizes.reduce((sum, size) => sum + size, 0);
  let top = 0;
  return Object.fromEntries(
    panes.map(({ id }, k) => {
      const box = { top, height: k === 0 ? price : (sizes[k - 1] as number) };
      top += box.height + splitterCss;
      return [id, box];
    }),
  );
}

// Whole heights that are together no more than there is room for.
function fitted(wanted: readonly number[], most: number): number[] {
  const sum = wanted.reduce((total, size) => total + size, 0);
  if (sum <= most) return wanted.map(Math.round);
  return wanted.map((size) => Math.floor((size * most) / sum));
}

/** Move the splitter above a pane to `y`: the pane grows or shrinks at the cost of the one above it. */
export function dragSplitter(layout: PaneLayout, below: PaneName, y: number): readonly PaneSpec[] {
  const { boxes, panes } = layout;
  const at = panes.findIndex(({ id }) => id === below);
  const pane = panes[at];
  const above = panes[at - 1];
  if (pane === undefined || above === undefined) return panes;
  const room = panes.reduce((sum, { id }) => sum + boxOf({ boxes }, id).height, 0);
  const box = boxOf({ boxes }, below);
  const wanted = Math.min(mostShare, Math.max(leastShare, (box.top + box.height - y) / room));
  // Heights count, not what was once wished for: where room is short, shares and heights differ.
  const given = (spec: PaneSpec): number => boxOf({ boxes }, spec.id).height / room;
  const together = given(pane) + given(above);
  const share = at === 1 ? wanted : Math.max(leastShare, Math.min(wanted, together - leastShare));
  return panes.map((spec, k) => {
    if (k === at) return { ...spec, share };
    return k === at - 1 && k > 0 ? { ...spec, share: together - share } : spec;
  });
}

/** What is at a place, in CSS pixels from the chart's corner. */
export function zoneAt(layout: PaneLayout, x: number, y: number): Zone {
  if (y >= layout.timeAxis.top && y < layout.timeAxis.top + layout.timeAxis.height) return { kind: "time" };
  for (const [k, { id }] of layout.panes.entries()) {
    const box = boxOf(layout, id);
    if (box.height <= 0) continue;
    if (k > 0 && box.top > 0 && y >= box.top - splitterCss && y < box.top) return { kind: "splitter", below: id };
    if (y >= box.top && y < box.top + box.height) {
      return { kind: x < layout.plotWidth ? "plot" : "axis", pane: id, top: box.top };
    }
  }
  return { kind: "none" };
}
