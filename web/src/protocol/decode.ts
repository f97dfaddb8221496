import {
  ALIGN,
  BAR_COLUMNS,
  HEADER_AT,
  HEADER_BYTES,
  ITEM_BYTES,
  KINDS,
  LAYOUT_VERSION,
  LEVEL_COLUMNS,
  LEVEL_START,
  MAGIC,
} from "./layout.generated";
import type { SnapshotMeta } from "./messages";
import { ProtocolError } from "./problem";

type ColumnType = keyof typeof ITEM_BYTES;

/** The typed array that holds a column of a wire type. */
type ArrayOf<T extends ColumnType> = {
  readonly i64: BigInt64Array;
  readonly f64: Float64Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly u8: Uint8Array;
}[T];

type ColumnsOf<Table extends readonly (readonly [string, ColumnType])[]> = {
  readonly [Entry in Table[number] as Entry[0]]: ArrayOf<Entry[1]>;
};

/** One entry a bar; `level_start` has one more. */
export type BarColumns = ColumnsOf<typeof BAR_COLUMNS>;
/** One entry a traded level, ascending by row within its bar. */
export type LevelColumns = ColumnsOf<typeof LEVEL_COLUMNS>;

export type FrameKind = keyof typeof KINDS;

/** One binary message. Its columns are views of the message's bytes: nothing is copied, nothing may be written. */
export interface Frame {
  readonly kind: FrameKind;
  readonly topicId: number;
  /** Where in its topic it stands. */
  readonly topicSeq: number;
  /** The place of the message before it that this client was sent: another one than the last that came was lost. */
  readonly prevSeq: number;
  readonly meta: SnapshotMeta | null;
  readonly count: number;
  readonly bars: BarColumns;
  readonly levels: LevelColumns;
}

const kindNames = new Map<number, FrameKind>(Object.entries(KINDS).map(([name, value]) => [value, name as FrameKind]));

const padded = (bytes: number): number => Math.ceil(bytes / ALIGN) * ALIGN;

function view(kind: ColumnType, buffer: ArrayBuffer, at: number, length: number): ArrayOf<ColumnType> {
  switch (kind) {
    case "i64":
      return new BigInt64Array(buffer, at, length);
    case "f64":
      return new Float64Array(buffer, at, length);
    case "i32":
      return new Int32Array(buffer, at, length);
    case "u32":
      return new Uint32Array(buffer, at, length);
    case "u8":
      return new Uint8Array(buffer, at, length);
  }
}

function readColumns(
  buffer: ArrayBuffer,
  start: number,
  table: readonly (readonly [string, ColumnType])[],
  rows: number,
): { columns: Record<string, ArrayOf<ColumnType>>; end: number } {
  const columns: Record<string, ArrayOf<ColumnType>> = {};
  let at = start;
  for (const [name, kind] of table) {
    const length = name === LEVEL_START ? rows + 1 : rows;
    const bytes = length * ITEM_BYTES[kind];
    if (at + bytes > buffer.byteLength) {
      throw new ProtocolError(
        `the frame ends at byte ${buffer.byteLength}, inside column ${name}, which ends at ${at + bytes}`,
      );
    }
    columns[name] = view(kind, buffer, at, length);
    at += padded(bytes);
  }
  return { columns, end: at };
}

function checkHeader(buffer: ArrayBuffer, head: DataView): FrameKind {
  const magic = String.fromCharCode(...new Uint8Array(buffer, 0, 4));
  if (magic !== MAGIC) {
    throw new ProtocolError(`this is no chart frame: it begins with "${MAGIC}", got "${magic}"`);
  }
  const version = head.getUint8(HEADER_AT.version);
  const kind = kindNames.get(head.getUint8(HEADER_AT.kind));
  if (version !== LAYOUT_VERSION || kind === undefined) {
    throw new ProtocolError(
      `frame of layout version ${version}, kind ${head.getUint8(HEADER_AT.kind)}; this page reads version ${LAYOUT_VERSION}: reload it`,
    );
  }
  return kind;
}

/**
 * Lay typed arrays over one binary message (layout: src/footloom/server/wire/layout.py).
 *
 * @throws ProtocolError the bytes are no frame of this version, or are not as long as their header says
 */
export function decodeFrame(buffer: ArrayBuffer): Frame {
  if (buffer.byteLength < HEADER_BYTES) {
    throw new ProtocolError(`a frame has at least ${HEADER_BYTES} bytes, got ${buffer.byteLength}`);
  }
  const head = new DataView(buffer);
  const kind = checkHeader(buffer, head);
  const metaLength = head.getUint32(HEADER_AT.meta, true);
  const count = head.getUint32(HEADER_AT.bars, true);
  const levelCount = head.getUint32(HEADER_AT.levels, true);
  const bars = readColumns(buffer, HEADER_BYTES + padded(metaLength), BAR_COLUMNS, count);
  const levels = readColumns(buffer, bars.end, LEVEL_COLUMNS, levelCount);
  if (levels.end !== buffer.byteLength) {
    throw new ProtocolError(
      `a frame of ${count} bars and ${levelCount} levels has ${levels.end} bytes, got ${buffer.byteLength}`,
    );
  }
  const metaBytes = new Uint8Array(buffer, HEADER_BYTES, metaLength);
  return {
    kind,
    topicId: head.getUint32(HEADER_AT.topic, true),
    topicSeq: head.getFloat64(HEADER_AT.topic_seq, true),
    prevSeq: head.getFloat64(HEADER_AT.prev_seq, true),
    meta: metaLength > 0 ? (JSON.parse(new TextDecoder().decode(metaBytes)) as SnapshotMeta) : null,
    count,
    // The two tables name exactly these columns; the loop above cannot tell the compiler so.
    bars: bars.columns as unknown as BarColumns,
    levels: levels.columns as unknown as LevelColumns,
  };
}
