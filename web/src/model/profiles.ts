import type { BarSeries } from "../data/bar-series";
import type { ProfileView } from "../data/profile-desk";
import type { SnapshotMeta } from "../protocol/messages";
import type { ProfileRows, ProfilesReply, ProfileWant, TpoRows } from "../protocol/profiles";
import { type BarIndex, type Dpx, dpx } from "../protocol/units";
import type { TimeScale } from "./time-scale";

export type ProfileShow = "volume" | "bid_ask" | "delta";
export type ProfileLines = "labelled" | "plain" | "none";

/** One chosen profile as the server has it. */
export interface HeldProfile {
  readonly label: string;
  readonly reply: ProfilesReply;
}

/** The profiles of the chart, in the order in which they were chosen. */
export class ProfileBoard {
  #held: readonly HeldProfile[] = [];
  #version = 0;

  get list(): readonly HeldProfile[] {
    return this.#held;
  }

  /** Grows with each change. */
  get version(): number {
    return this.#version;
  }

  put(label: string, reply: ProfilesReply | null): void {
    const others = this.#held.filter((one) => one.label !== label);
    if (reply === null && others.length === this.#held.length) return;
    const at = this.#held.findIndex((one) => one.label === label);
    const next = reply === null ? null : { label, reply };
    this.#held =
      next === null ? others : at < 0 ? [...others, next] : this.#held.map((one, k) => (k === at ? next : one));
    this.#version += 1;
  }
}

/** How a profile's rows are drawn, as its settings say. */
export interface ProfileLook {
  readonly show: ProfileShow;
  readonly side: "left" | "right";
  /** Percent of the room. */
  readonly width: number;
  readonly lines: ProfileLines;
  /** `gutter`: beside the bars, before the axis; `over`: over them. */
  readonly place: "gutter" | "over";
}

export function lookOf({ kind, params }: ProfilesReply): ProfileLook {
  const { show, side, width, lines, place } = params as Partial<ProfileLook>;
  return {
    show: show ?? "volume",
    side: side ?? "left",
    width: width ?? 30,
    lines: lines ?? "labelled",
    place: besideAxis(kind) && side === "right" && place === "gutter" ? "gutter" : "over",
  };
}

/** What the server takes where nothing is said: the room is kept before it has answered, so that nothing moves when it does. */
const besideDefaults = { side: "right", width: 18, place: "gutter" } as const;
/** The bars keep more than half of the plot. */
const widestGutter = 0.45;

/** How much of the plot chosen profiles take beside the bars. */
export function gutterOf(wants: readonly ProfileWant[]): number {
  const shares = wants.map(({ kind, params }) => {
    const look: Partial<ProfileLook> = { ...besideDefaults, ...params };
    return besideAxis(kind) && look.side === "right" && look.place === "gutter" ? (look.width ?? 0) / 100 : 0;
  });
  return Math.min(
    widestGutter,
    shares.reduce((sum, share) => sum + share, 0),
  );
}

/** Where a profile stands: its rows begin at `base` and reach `length` pixels at the most, to the left or to the right. */
export interface ProfilePlace {
  readonly left: Dpx;
  readonly right: Dpx;
  readonly base: Dpx;
  readonly direction: 1 | -1;
  readonly length: number;
}

/** One profile on the screen. */
export interface PlacedProfile {
  readonly held: HeldProfile;
  readonly look: ProfileLook;
  readonly rows: ProfileRows;
  readonly place: ProfilePlace;
  /** The longest row: lots, of volume or of delta. */
  readonly most: number;
}

/** One session of letters on the screen. */
export interface PlacedTpo {
  readonly held: HeldProfile;
  readonly split: boolean;
  readonly lines: ProfileLines;
  readonly rows: TpoRows;
  readonly left: Dpx;
  readonly right: Dpx;
}

interface Charted {
  readonly meta: SnapshotMeta | null;
  readonly series: BarSeries;
  readonly time: TimeScale;
}

interface Scene {
  readonly series: BarSeries;
  readonly time: TimeScale;
  readonly dpr: number;
}

/** Beside the axis stands what is of no bars in particular. */
const besideAxis = (kind: string): boolean => kind === "visible" || kind === "composite";
const leastLengthCss = 24;
/** Between a profile and what stands left of it. */
const laneGapCss = 8;

/** The profiles that can be seen, from back to front; those in the gutter stand side by side, each in its lane. */
export function placedProfiles(scene: Scene, list: readonly HeldProfile[]): readonly PlacedProfile[] {
  const lanes = lanesOf(scene, list);
  return list.flatMap((held) => {
    const look = lookOf(held.reply);
    return held.reply.profiles.flatMap((rows) => {
      const place = lanes.get(held.label) ?? placeOf(scene, held.reply.kind, look, rows);
      return place === null ? [] : [{ held, look, rows, place, most: mostOf(rows, look.show) }];
    });
  });
}

function lanesOf({ time, dpr }: Scene, list: readonly HeldProfile[]): ReadonlyMap<string, ProfilePlace> {
  const beside = list.filter(({ reply }) => lookOf(reply).place === "gutter");
  const asked = beside.reduce((sum, { reply }) => sum + lookOf(reply).width, 0);
  const lanes = new Map<string, ProfilePlace>();
  let right: number = time.width;
  for (const { label, reply } of beside) {
    const lane = ((time.width - time.reach) * lookOf(reply).width) / asked;
    const length = Math.max(1, lane - laneGapCss * dpr);
    const [left, base] = [dpx(Math.round(right - lane)), dpx(Math.round(right))];
    lanes.set(label, { left, right: base, base, direction: -1, length });
    right -= lane;
  }
  return lanes;
}

function placeOf(scene: Scene, kind: string, look: ProfileLook, rows: ProfileRows): ProfilePlace | null {
  const { time, dpr } = scene;
  const direction = look.side === "left" ? 1 : -1;
  if (besideAxis(kind)) {
    const [left, right] = [dpx(0), time.reach];
    return { left, right, base: look.side === "left" ? left : right, direction, length: (right * look.width) / 100 };
  }
  const span = spanOf(scene, rows.opens_ns, rows.to_ns);
  if (span === null) return null;
  const [left, right] = [Math.max(0, span.left), Math.min(time.reach, span.right)];
  const room = Math.min(span.right - span.left, time.reach);
  const length = Math.max(leastLengthCss * dpr, (room * look.width) / 100);
  return { left: dpx(left), right: dpx(right), base: dpx(look.side === "left" ? left : right), direction, length };
}

// From the first bar of a stretch of time to the end of its last one; null where none of them is on the screen.
function spanOf(
  { series, time }: Scene,
  fromNs: string,
  toNs: string,
): { readonly left: number; readonly right: number } | null {
  if (series.length === 0) return null;
  const first = series.lowerBound(BigInt(fromNs));
  const end = Math.max(first + 1, series.lowerBound(BigInt(toNs)));
  if (first >= series.end || series.lowerBound(BigInt(toNs)) <= series.first) return null;
  const [left, right] = [time.x(first), time.x(Math.min(end, series.end))];
  return right <= 0 || left >= time.reach ? null : { left, right };
}

/** The sessions of letters that can be seen. */
export function placedLetters(scene: Scene, list: readonly HeldProfile[]): readonly PlacedTpo[] {
  return list.flatMap((held) => {
    const split = held.reply.params["letters"] === "split";
    const { lines } = lookOf(held.reply);
    return held.reply.letters.flatMap((rows) => {
      const span = spanOf(scene, rows.from_ns, rows.to_ns);
      if (span === null) return [];
      const left = dpx(Math.max(0, span.left));
      return [{ held, split, lines, rows, left, right: dpx(Math.min(scene.time.reach, span.right)) }];
    });
  });
}

const volumeAt = (rows: ProfileRows, k: number): number =>
  (rows.buy[k] as number) + (rows.sell[k] as number) + (rows.unknown[k] as number);

export const deltaAt = (rows: ProfileRows, k: number): number => (rows.buy[k] as number) - (rows.sell[k] as number);

/** How long a row is: its volume, or how far its delta is from zero; lots. */
export const sizeAt = (rows: ProfileRows, k: number, show: ProfileShow): number =>
  show === "delta" ? Math.abs(deltaAt(rows, k)) : volumeAt(rows, k);

const mostKept = new WeakMap<ProfileRows, Map<ProfileShow, number>>();

function mostOf(rows: ProfileRows, show: ProfileShow): number {
  const kept = mostKept.get(rows) ?? new Map<ProfileShow, number>();
  let most = kept.get(show);
  if (most === undefined) {
    most = 1;
    for (let k = 0; k < rows.row.length; k += 1) most = Math.max(most, sizeAt(rows, k, show));
    mostKept.set(rows, kept.set(show, most));
  }
  return most;
}

/** The rows of a profile from a lowest to a highest row: from the first of them to one behind the last. */
export function rowsWithin(rows: ProfileRows, low: number, high: number): readonly [from: number, to: number] {
  return [lowerBound(rows.row, low), lowerBound(rows.row, high + 1)];
}

function lowerBound(sorted: readonly number[], value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Of the sessions of an answer the last that had begun at a bar, of other kinds the newest; undefined where there is none.
 * The newest bar may be newer than the answer.
 */
export function partAt<T extends { readonly opens_ns?: string; readonly from_ns: string }>(
  series: BarSeries,
  kind: string,
  parts: readonly T[],
  index: number,
): T | undefined {
  if (kind !== "session" && kind !== "tpo") return parts.at(-1);
  return parts.findLast(({ opens_ns, from_ns }) => index >= series.lowerBound(BigInt(opens_ns ?? from_ns)));
}

/** A row of a profile under the cursor. */
export interface ProfileHit {
  readonly profile: PlacedProfile;
  /** Its place among the rows of the profile. */
  readonly at: number;
}

/** The row that stands under a place of the price pane; of several profiles the one that is drawn last. */
export function profileAt(placed: readonly PlacedProfile[], x: number, row: number): ProfileHit | null {
  for (const profile of [...placed].reverse()) {
    const { base, direction, length } = profile.place;
    const out = (x - base) * direction;
    if (out < 0 || out > length) continue;
    const [at] = rowsWithin(profile.rows, row, row);
    if (profile.rows.row[at] === row) return { profile, at };
  }
  return null;
}

/** The session of letters that has a row under a place of the price pane. */
export function lettersAt(placed: readonly PlacedTpo[], x: number, row: number): PlacedTpo | null {
  const found = placed.find(({ left, right, rows }) => {
    const k = row - rows.low_row;
    return x >= left && x <= right && k >= 0 && k < rows.count.length && (rows.count[k] as number) > 0;
  });
  return found ?? null;
}

/** The letters of a row, in the order of their brackets. */
export const lettersOf = ({ brackets }: TpoRows, row: number): string =>
  brackets.flatMap(([, letter, low, high]) => (low <= row && row <= high ? [letter] : [])).join("");

/**
 * What of a chart is looked at: bars that open up to that of the last one. Where a bar ends may move with each trade, where
 * it opens does not.
 */
export function viewOf({ meta, series, time }: Charted): ProfileView | null {
  if (meta === null || series.length === 0) return null;
  const { from, to } = time.range(series.first, series.end);
  if (to < from) return null;
  const screen = Math.ceil(time.visible);
  const opensNs = (index: number): bigint =>
    series.openNs(Math.max(series.first, Math.min(series.last, index)) as BarIndex);
  return {
    symbol: meta.symbol,
    tape: meta.tape ?? "",
    bars: meta.bars,
    ticksPerLevel: meta.ticks_per_level,
    fromNs: opensNs(from),
    toNs: opensNs(to) + 1n,
    nearFromNs: opensNs(from - screen),
    nearToNs: opensNs(to + screen) + 1n,
  };
}

/** The bars that a range between two of them covers, as the times that a fixed profile is asked for. */
export function rangeOf(
  series: BarSeries,
  one: BarIndex,
  other: BarIndex,
): { readonly fromNs: bigint; readonly toNs: bigint } {
  const [first, last] = one <= other ? [one, other] : [other, one];
  return { fromNs: series.openNs(first), toNs: series.closeNs(last) };
}
