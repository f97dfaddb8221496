import type { FeedNews } from "../protocol/messages";
import { spanText } from "./format";

/** How alarming a state is: `quiet` is not live and need not be. */
export type Tone = "ok" | "quiet" | "warn" | "bad";

/** The connection of what is shown, from the exchange to the page, in words. */
export interface LinkView {
  readonly phase:
    | "connecting"
    | "live"
    | "silent"
    | "lost"
    | "reconnecting"
    | "stale"
    | "closed"
    | "stopped"
    | "stored";
  /** A few words for the toolbar. */
  readonly text: string;
  /** What happened and what is done about it; "" where there is nothing to say. */
  readonly note: string;
  readonly tone: Tone;
  /** Whether what is on screen may be out of date. */
  readonly dims: boolean;
  /** How much of the history behind the live edge has been fetched, 0 to 1; null where none is under way. */
  readonly backfill: number | null;
}

const backfillOf = (feed: FeedNews): number | null =>
  feed.backfill === null || feed.backfill >= 1 ? null : Math.max(0, feed.backfill);

/** What a feed says of itself. @param nowMs the wall clock */
export function feedWords(feed: FeedNews, nowMs: number): LinkView {
  const backfill = backfillOf(feed);
  const sinceMs = Number(BigInt(feed.since_ns) / 1_000_000n);
  const lasts = sinceMs > 0 && nowMs > sinceMs ? ` for ${spanText(nowMs - sinceMs)}` : "";
  const why = feed.text === "" ? "" : `: ${feed.text}`;
  switch (feed.phase) {
    case "live":
      return { phase: "live", text: "live", note: feed.text, tone: "ok", dims: false, backfill };
    case "connecting":
      return { phase: "connecting", text: "connecting", note: `connecting${why}`, tone: "warn", dims: false, backfill };
    case "reconnecting":
      return {
        phase: "reconnecting",
        text: "reconnecting",
        note: `reconnecting${lasts}${why}`,
        tone: "bad",
        dims: true,
        backfill,
      };
    case "stale":
      return {
        phase: "stale",
        text: "stale",
        note: `the feed is silent${/for \d/.test(why) ? "" : lasts}${why}`, // its words may say for how long
        tone: "bad",
        dims: true,
        backfill,
      };
    case "closed":
      return { phase: "closed", text: "market closed", note: feed.text, tone: "quiet", dims: false, backfill };
    case "stopped":
      return {
        phase: "stopped",
        text: "stopped",
        note: `the feed has stopped${why}`,
        tone: "bad",
        dims: true,
        backfill,
      };
  }
}
