import type { ChainChange, ChainReply, OptionCell, OptionRow } from "../protocol/options";

/** A chain with what changed in it. Rows that did not change stay the same objects. */
export function changed(chain: ChainReply, change: ChainChange): ChainReply {
  const news = new Map(change.rows.map((row) => [row.strike, row]));
  const stands = new Set(change.strikes);
  const rows = chain.rows
    .filter(({ strike }) => stands.has(strike))
    .map((row) => changedRow(row, news.get(row.strike)));
  return { ...change.head, rows };
}

function changedRow(row: OptionRow, news: ChainChange["rows"][number] | undefined): OptionRow {
  if (news === undefined) return row;
  return { ...row, call: changedCell(row.call, news.call), put: changedCell(row.put, news.put) };
}

function changedCell(cell: OptionCell, news: Partial<OptionCell> | undefined): OptionCell {
  if (news === undefined) return cell;
  return { ...cell, ...news, said: { ...cell.said, ...news.said }, venue: { ...cell.venue, ...news.venue } };
}
