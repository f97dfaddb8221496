import type { PaneName } from "./cursor";

/** What a pane shows: something of the bars themselves, a study, or a stream beside the trades. */
export const paneKinds = ["price", "delta", "cvd", "volume", "statistics", "study", "stream"] as const;
export type PaneKind = (typeof paneKinds)[number];

/** One pane of the chart. */
export interface PaneSpec {
  /** Stands once on a chart; the price pane's is "price". */
  readonly id: PaneName;
  readonly kind: PaneKind;
  /** The part of the chart's height that it takes; of the price pane it is not looked at: it takes the rest. */
  readonly share: number;
  /** Of a study pane: the study's label. Of a stream pane: the stream's name. */
  readonly of?: string;
}

export const pricePane: PaneSpec = { id: "price", kind: "price", share: 0 };
export const defaultPanes: readonly PaneSpec[] = [
  pricePane,
  { id: "delta", kind: "delta", share: 0.14 },
  { id: "cvd", kind: "cvd", share: 0.13 },
];
/** What a pane takes that was just added. */
export const newShare = 0.14;
/** What a pane takes unasked; the table takes more, for all of its rows are read. */
export const usualShare = ({ id, kind }: Pick<PaneSpec, "id" | "kind">): number =>
  defaultPanes.find((pane) => pane.id === id)?.share ?? (kind === "statistics" ? 0.24 : newShare);
export const mostPanes = 12;

/** Whether a pane has an axis of values of its own; the others have prices, or rows of a table. */
export const hasValues = ({ kind }: PaneSpec): boolean => kind !== "price" && kind !== "statistics";

/** What is added takes nothing of the price pane beyond this: the panes below share the rest. */
const leastPriceShare = 0.5;
const sharesOf = (panes: readonly PaneSpec[]): number => panes.slice(1).reduce((sum, { share }) => sum + share, 0);

/** Add a pane below the others, or return the list where it stands there already or no more have room. */
export function addPane(panes: readonly PaneSpec[], pane: PaneSpec): readonly PaneSpec[] {
  if (panes.length >= mostPanes || panes.some(({ id }) => id === pane.id)) return panes;
  return squeezed([...panes, pane], Math.max(1 - leastPriceShare, sharesOf(panes)));
}

/** The same panes, each as high as it is unasked. */
export const usualShares = (panes: readonly PaneSpec[]): readonly PaneSpec[] =>
  squeezed(
    panes.map((pane) => ({ ...pane, share: usualShare(pane) })),
    1 - leastPriceShare,
  );

function squeezed(panes: readonly PaneSpec[], most: number): readonly PaneSpec[] {
  const sum = sharesOf(panes);
  return sum <= most ? panes : panes.map((one, k) => (k === 0 ? one : { ...one, share: (one.share * most) / sum }));
}

/** Take a pane away; the price pane stays. */
export function closePane(panes: readonly PaneSpec[], id: PaneName): readonly PaneSpec[] {
  return panes.filter((pane) => pane.id !== id || pane.kind === "price");
}

/** Move a pane up (-1) or down (+1) among those below the price. */
export function movePane(panes: readonly PaneSpec[], id: PaneName, by: number): readonly PaneSpec[] {
  const at = panes.findIndex((pane) => pane.id === id);
  const to = Math.min(panes.length - 1, Math.max(1, at + by));
  if (at < 1 || to === at) return panes;
  const rest = panes.filter((pane) => pane.id !== id);
  return [...rest.slice(0, to), panes[at] as PaneSpec, ...rest.slice(to)];
}

/** Panes from what was stored, whatever that is; null where it is no list of panes with the price on top. */
export function readPanes(stored: unknown): readonly PaneSpec[] | null {
  if (!Array.isArray(stored)) return null;
  const panes = stored.filter(isPane).slice(0, mostPanes);
  const lower = panes.filter(({ kind }, k) => kind !== "price" && panes.findIndex((p) => p.id === panes[k]?.id) === k);
  return [pricePane, ...lower];
}

function isPane(value: unknown): value is PaneSpec {
  if (typeof value !== "object" || value === null) return false;
  const { id, kind, share, of } = value as Partial<Record<keyof PaneSpec, unknown>>;
  const isWhole = typeof id === "string" && id !== "" && paneKinds.some((known) => known === kind);
  const needsName = kind === "study" || kind === "stream";
  if (!isWhole || (needsName && typeof of !== "string")) return false;
  return typeof share === "number" && share >= 0 && share <= 1;
}
