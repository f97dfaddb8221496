import { barTimeText } from "./bar-time";
import type { ChartModel } from "./chart-model";
import type { Cursor } from "./cursor";
import { unitsText } from "./decimal";
import { exactQuantity, exactSigned, percentText } from "./format";
import type { HoverWords } from "./hover-words";
import { written } from "./number-signs";
import {
  deltaAt,
  lettersAt,
  lettersOf,
  type PlacedTpo,
  type ProfileHit,
  placedLetters,
  placedProfiles,
  profileAt,
} from "./profiles";

/** What a profile says of the row under the cursor. */
export function profileWords(model: ChartModel, cursor: Cursor): HoverWords | null {
  if (cursor.pane !== "price" || model.profiles.list.length === 0) return null;
  const hit = profileAt(placedProfiles(model, model.profiles.list), cursor.x, cursor.row);
  if (hit !== null) return rowWords(model, hit);
  const letters = lettersAt(placedLetters(model, model.profiles.list), cursor.x, cursor.row);
  return letters === null ? null : letterWords(model, letters, cursor.row);
}

const priceOf = (model: ChartModel, row: number): string => unitsText(row * model.price.ticksPerLevel, model.tick);

function rowWords(model: ChartModel, { profile, at }: ProfileHit): HoverWords {
  const { rows, held } = profile;
  const lots = (value: number): string => exactQuantity(value, model.quantity);
  const [buy, sell, unknown] = [rows.buy[at] as number, rows.sell[at] as number, rows.unknown[at] as number];
  const volume = buy + sell + unknown;
  return {
    label: held.label,
    lines: [
      `${held.reply.title}${sinceText(model, rows.opens_ns)}`,
      `${priceOf(model, rows.row[at] as number)}  volume ${lots(volume)} (${percentText(volume / Math.max(1, rows.volume), 1, model.signs)})`,
      `bid ${lots(sell)} × ask ${lots(buy)}${unknown === 0 ? "" : `, unknown ${lots(unknown)}`}`,
      `delta ${exactSigned(deltaAt(rows, at), model.quantity)}, trades ${written(String(rows.trades[at]), model.signs)}`,
      `POC ${priceOf(model, rows.poc)}, value area ${priceOf(model, rows.val)} to ${priceOf(model, rows.vah)}`,
      `all ${lots(rows.volume)}, delta ${exactSigned(rows.delta, model.quantity)}`,
    ],
  };
}

function letterWords(model: ChartModel, { rows, held }: PlacedTpo, row: number): HoverWords {
  const count = rows.count[row - rows.low_row] as number;
  const isSingle = rows.singles.includes(row);
  const { ib_low: from, ib_high: to } = rows;
  const balance = from === null || to === null ? "not stored" : `${priceOf(model, from)} to ${priceOf(model, to)}`;
  return {
    label: held.label,
    lines: [
      `${held.reply.title}${sinceText(model, rows.from_ns)}`,
      `${priceOf(model, row)}  ${lettersOf(rows, row)} (${count})${isSingle ? ", single print" : ""}`,
      `TPO POC ${priceOf(model, rows.poc)}, value area ${priceOf(model, rows.val)} to ${priceOf(model, rows.vah)}`,
      `initial balance ${balance}, ${rows.total} TPOs`,
    ],
  };
}

// Since when it counts; the bar may be older than those that are loaded.
function sinceText(model: ChartModel, openNs: string): string {
  const index = model.series.lowerBound(BigInt(openNs));
  if (!model.series.has(index) || model.series.openNs(index) !== BigInt(openNs)) return "";
  return ` since ${barTimeText(model, index)}`;
}
