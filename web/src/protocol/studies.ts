import { ALIGN, HEADER_AT, HEADER_BYTES, LAYOUT_VERSION, STUDY_KINDS } from "./layout.generated";
import { ProtocolError } from "./problem";

export type StudyFrameKind = keyof typeof STUDY_KINDS;
/** Numbers (NaN is undefined), times in ns (`noTime` is undefined), or text. */
export type StudyColumn = Float64Array | BigInt64Array | readonly string[];
export type StudyColumns = Readonly<Record<string, StudyColumn>>;

/** In a column of times: undefined. */
export const noTime = -(2n ** 63n);

/** What one study says of the bars of a frame. */
export interface StudyPart {
  readonly label: string;
  /** One entry a bar. */
  readonly bars: StudyColumns;
  /** One entry a level. */
  readonly cells: StudyColumns;
  /** One entry an event; `bar` counts from the frame's first bar. */
  readonly events: StudyColumns;
  readonly eventCount: number;
}

/** What studies say of some bars (src/footloom/server/wire/studies.py). Its columns are views of the message's bytes. */
export interface StudyFrame {
  readonly kind: StudyFrameKind;
  readonly topicId: number;
  readonly topicSeq: number;
  readonly prevSeq: number;
  readonly openNs: BigInt64Array;
  readonly levelStart: Uint32Array;
  readonly studies: readonly StudyPart[];
}

type Listed = readonly (readonly [name: string, type: string])[];
interface Meta {
  readonly studies: readonly {
    readonly label: string;
    readonly bars: Listed;
    readonly cells: Listed;
    readonly events: Listed;
    readonly n_events: number;
  }[];
  readonly texts: readonly (readonly [label: string, part: string, name: string, values: readonly string[]])[];
}

const kinds = new Map<number, StudyFrameKind>(
  Object.entries(STUDY_KINDS).map(([name, value]) => [value, name as StudyFrameKind]),
);
const padded = (bytes: number): number => Math.ceil(bytes / ALIGN) * ALIGN;

/** Whether the bytes are a frame of studies, by their header. */
export const isStudyFrame = (buffer: ArrayBuffer): boolean =>
  buffer.byteLength >= HEADER_BYTES && kinds.has(new DataView(buffer).getUint8(HEADER_AT.kind));

/** Walks over the columns behind a frame's meta. */
class Walk {
  readonly #buffer: ArrayBuffer;
  #at: number;

  constructor(buffer: ArrayBuffer, at: number) {
    this.#buffer = buffer;
    this.#at = at;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#buffer.byteLength;
  }

  numbers(count: number): Float64Array {
    return new Float64Array(this.#buffer, this.#take(8 * count), count);
  }

  times(count: number): BigInt64Array {
    return new BigInt64Array(this.#buffer, this.#take(8 * count), count);
  }

  starts(count: number): Uint32Array {
    return new Uint32Array(this.#buffer, this.#take(4 * count), count);
  }

  #take(bytes: number): number {
    const at = this.#at;
    this.#at += padded(bytes);
    if (this.#at > this.#buffer.byteLength) {
      throw new ProtocolError(`a frame of studies ends at byte ${this.#buffer.byteLength}, inside of its columns`);
    }
    return at;
  }
}

/**
 * Lay typed arrays over a frame of studies.
 *
 * @throws ProtocolError the bytes are of another version, or are not as long as they say
 */
export function decodeStudies(buffer: ArrayBuffer): StudyFrame {
  const head = new DataView(buffer);
  const kind = kinds.get(head.getUint8(HEADER_AT.kind));
  const version = head.getUint8(HEADER_AT.version);
  if (kind === undefined || version !== LAYOUT_VERSION) {
    throw new ProtocolError(`studies of layout version ${version}; this page reads ${LAYOUT_VERSION}: reload it`);
  }
  const metaBytes = head.getUint32(HEADER_AT.meta, true);
  const count = head.getUint32(HEADER_AT.bars, true);
  const levels = head.getUint32(HEADER_AT.levels, true);
  const meta = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, HEADER_BYTES, metaBytes))) as Meta;
  const walk = new Walk(buffer, HEADER_BYTES + padded(metaBytes));
  const openNs = walk.times(count);
  const levelStart = walk.starts(count + 1);
  const studies = meta.studies.map((row) => {
    const read = (part: "bars" | "cells" | "events", rows: number): StudyColumns =>
      Object.fromEntries(
        row[part].map(([name, type]) => [name, column(walk, meta, [row.label, part, name], type, rows)]),
      );
    return {
      label: row.label,
      bars: read("bars", count),
      cells: read("cells", levels),
      events: read("events", row.n_events),
      eventCount: row.n_events,
    };
  });
  if (!walk.isAtEnd) throw new ProtocolError(`a frame of studies of ${count} bars has bytes behind its columns`);
  return {
    kind,
    topicId: head.getUint32(HEADER_AT.topic, true),
    topicSeq: head.getFloat64(HEADER_AT.topic_seq, true),
    prevSeq: head.getFloat64(HEADER_AT.prev_seq, true),
    openNs,
    levelStart,
    studies,
  };
}

function column(
  walk: Walk,
  meta: Meta,
  [label, part, name]: readonly [string, string, string],
  type: string,
  rows: number,
): StudyColumn {
  if (type === "i64") return walk.times(rows);
  if (type === "f64") return walk.numbers(rows);
  const text = meta.texts.find((one) => one[0] === label && one[1] === part && one[2] === name);
  return text?.[3] ?? [];
}
