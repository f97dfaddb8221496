"""Chart frames as bytes: the binary layout of `footloom.server.wire.layout`, its JSON twin, and a decoder for programs.

The encoder is pure; what a frame says is decided by the engine.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from footloom.engine.frame import ChartFrame
from footloom.errors import ProtocolError
from footloom.server.wire.layout import (
    ALIGN,
    BAR_COLUMNS,
    HEADER,
    HEADER_BYTES,
    KINDS,
    LAYOUT_VERSION,
    LEVEL_COLUMNS,
    LEVEL_START,
    MAGIC,
    MAX_EXACT,
    NO_SEQ,
    PREV_SEQ_AT,
    ColumnType,
)

__all__ = (
    "Columns",
    "Decoded",
    "chart_columns",
    "columns_json",
    "decode",
    "encode",
    "encode_columns",
    "encode_json",
    "stamped",
)

_DTYPES: dict[ColumnType, np.dtype[Any]] = {
    "i64": np.dtype("<i8"),
    "f64": np.dtype("<f8"),
    "i32": np.dtype("<i4"),
    "u32": np.dtype("<u4"),
    "u8": np.dtype("u1"),
}
_KIND_NAMES = {number: name for name, number in KINDS.items()}
_INT32 = np.iinfo(np.int32)


@dataclass(frozen=True, slots=True)
class Columns:
    """A chart frame in wire units, before it becomes bytes: int64 and float64 columns, named as in the layout."""

    bars: Mapping[str, NDArray[Any]]
    levels: Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Decoded:
    """What `decode` reads from one frame; the columns are views of the frame's bytes."""

    kind: str
    topic_id: int
    topic_seq: int
    prev_seq: int
    meta: dict[str, Any] | None
    bars: dict[str, NDArray[Any]]
    levels: dict[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.bars["open_ns"])


def chart_columns(frame: ChartFrame) -> Columns:
    """Return the columns of a frame in wire units.

    Raises
    ------
    ProtocolError
        A number is above 2^53, so that float64 would round it, or a row is more than 2^31 from its bar's lowest row.
    """
    footprint = frame.footprint
    bars, levels, start = footprint.bars, footprint.levels, footprint.level_offset
    base = levels.row[start[:-1]] if len(levels) else np.zeros(len(bars), np.int64)
    counts = np.diff(start)
    columns = Columns(
        bars={
            "open_ns": bars.open_ns,
            "close_ns": bars.close_ns,
            "last_ns": bars.last_ns,
            "base_row": base,
            "open_tick": bars.open_tick,
            "high_tick": bars.high_tick,
            "low_tick": bars.low_tick,
            "close_tick": bars.close_tick,
            "buy": bars.buy_lot,
            "sell": bars.sell_lot,
            "unknown": bars.unknown_lot,
            "min_delta": bars.min_delta_lot,
            "max_delta": bars.max_delta_lot,
            "cvd": frame.cvd_lot,
            "min_vol": frame.min_vol_lot,
            "coverage": frame.coverage,
            "quote_share": frame.quote_share,
            "trades": bars.trades,
            "poc": frame.poc_row - base,
            "vah": frame.vah_row - base,
            "val": frame.val_row - base,
            "flags": bars.flags,
            LEVEL_START: start,
        },
        levels={
            "row": levels.row - np.repeat(base, counts),
            "buy": levels.buy_lot,
            "sell": levels.sell_lot,
            "unknown": levels.unknown_lot,
            "trades": levels.trades,
            "cell_flags": frame.cell_flags,
        },
    )
    for block, table in ((columns.bars, BAR_COLUMNS), (columns.levels, LEVEL_COLUMNS)):
        _refuse_inexact(block, table)
    return columns


# All whole-number columns are looked at in one go: the open bar is encoded dozens of times a second.
def _refuse_inexact(block: Mapping[str, NDArray[Any]], table: tuple[tuple[str, ColumnType], ...]) -> None:
    for kind, low, high in (("f64", -MAX_EXACT, MAX_EXACT), ("i32", _INT32.min, _INT32.max)):
        names = [name for name, type_ in table if type_ == kind and block[name].dtype.kind == "i"]
        together = np.concatenate([block[name] for name in names])
        if not len(together) or (together.max() <= high and together.min() >= low):
            continue
        worst = max(names, key=lambda name: int(np.abs(block[name]).max()))
        raise ProtocolError(
            f"column {worst} holds {int(block[worst][np.abs(block[worst]).argmax()])}, which {kind} on the wire cannot "
            f"carry exactly (at most {high}): choose more ticks per level, or a coarser lot or tick size"
        )


def _padded(raw: bytes) -> bytes:
    return raw + bytes(-len(raw) % ALIGN)


def encode(frame: ChartFrame, kind: str, *, topic_id: int = 0, topic_seq: int = 0, meta: bytes = b"") -> bytes:
    """Return one binary frame.

    Parameters
    ----------
    frame
        The bars to send.
    kind
        ``snapshot``, ``bar_open``, ``bar_closed`` or ``bar_revised``.
    topic_id, topic_seq
        Which topic it belongs to, and where in it.
    meta
        JSON of the snapshot's meta; empty for the other kinds.

    Raises
    ------
    ProtocolError
        A number cannot be carried exactly (see `chart_columns`).
    """
    return encode_columns(chart_columns(frame), kind, topic_id=topic_id, topic_seq=topic_seq, meta=meta)


def encode_columns(columns: Columns, kind: str, *, topic_id: int = 0, topic_seq: int = 0, meta: bytes = b"") -> bytes:
    """Return one binary frame of columns that are in wire units already."""
    n_bars, n_levels = len(columns.bars["open_ns"]), len(columns.levels["row"])
    header = struct.pack(
        HEADER, MAGIC, LAYOUT_VERSION, KINDS[kind], 0, len(meta), n_bars, n_levels, topic_id, topic_seq, NO_SEQ
    )
    parts = [header, _padded(meta)]
    parts += [_padded(columns.bars[name].astype(_DTYPES[type_]).tobytes()) for name, type_ in BAR_COLUMNS]
    parts += [_padded(columns.levels[name].astype(_DTYPES[type_]).tobytes()) for name, type_ in LEVEL_COLUMNS]
    return b"".join(parts)


def stamped(data: bytes | str, prev_seq: int) -> bytes | str:
    """Return a frame, or a message of a topic in JSON, with the ``prev_seq`` of the client that it goes to."""
    if isinstance(data, str):
        return f'{data[:-1]},"prev_seq":{prev_seq}}}'
    return b"".join((data[:PREV_SEQ_AT], struct.pack("<d", prev_seq), memoryview(data)[HEADER_BYTES:]))


def _json_column(column: NDArray[Any], type_: ColumnType) -> list[Any]:
    if type_ == "i64":  # JavaScript's numbers end at 2^53, nanoseconds do not
        return [str(value) for value in column.tolist()]
    if column.dtype.kind == "f":
        return [None if value != value else value for value in column.tolist()]  # noqa: PLR0124 - NaN is unknown
    values: list[Any] = column.tolist()
    return values


def encode_json(frame: ChartFrame, kind: str, *, topic_id: int = 0, topic_seq: int = 0, meta: bytes = b"") -> bytes:
    """Return the JSON twin of `encode`: the same columns under the same names, ns as decimal text, unknown as null."""
    return columns_json(chart_columns(frame), kind, topic_id=topic_id, topic_seq=topic_seq, meta=meta)


def columns_json(columns: Columns, kind: str, *, topic_id: int = 0, topic_seq: int = 0, meta: bytes = b"") -> bytes:
    """Return the JSON twin of `encode_columns`."""
    twin = {
        "type": "frame",
        "version": LAYOUT_VERSION,
        "kind": kind,
        "topic_id": topic_id,
        "topic_seq": topic_seq,
        "meta": msgspec.Raw(meta) if meta else None,
        "bars": {name: _json_column(columns.bars[name], type_) for name, type_ in BAR_COLUMNS},
        "levels": {name: _json_column(columns.levels[name], type_) for name, type_ in LEVEL_COLUMNS},
    }
    return msgspec.json.encode(twin)


def decode(data: bytes) -> Decoded:
    """Read one binary frame.

    Raises
    ------
    ProtocolError
        The bytes are no frame of this version, or are not as long as their header says.
    """
    if len(data) < HEADER_BYTES or data[:4] != MAGIC:
        raise ProtocolError(f"these {len(data)} bytes are no chart frame: it begins with {MAGIC!r}, got {data[:4]!r}")
    _, version, kind, _, n_meta, n_bars, n_levels, topic_id, topic_seq, prev_seq = struct.unpack_from(HEADER, data)
    if version != LAYOUT_VERSION or kind not in _KIND_NAMES:
        raise ProtocolError(
            f"frame of layout version {version}, kind {kind}: this program reads version {LAYOUT_VERSION}, "
            f"kinds {sorted(_KIND_NAMES)}"
        )
    at = HEADER_BYTES + n_meta + -n_meta % ALIGN
    bars, at = _read_columns(data, at, BAR_COLUMNS, n_bars)
    levels, at = _read_columns(data, at, LEVEL_COLUMNS, n_levels)
    if at != len(data):
        raise ProtocolError(f"a frame of {n_bars} bars and {n_levels} levels has {at} bytes, got {len(data)}")
    meta = msgspec.json.decode(data[HEADER_BYTES : HEADER_BYTES + n_meta]) if n_meta else None
    return Decoded(_KIND_NAMES[kind], topic_id, int(topic_seq), int(prev_seq), meta, bars, levels)


def _read_columns(
    data: bytes, at: int, table: tuple[tuple[str, ColumnType], ...], rows: int
) -> tuple[dict[str, NDArray[Any]], int]:
    columns = {}
    for name, type_ in table:
        dtype, count = _DTYPES[type_], rows + (name == LEVEL_START)
        n_bytes = count * dtype.itemsize
        if at + n_bytes > len(data):
            raise ProtocolError(
                f"the frame ends at byte {len(data)}, inside column {name}, which ends at {at + n_bytes}"
            )
        columns[name] = np.frombuffer(data, dtype, count, at)
        at += n_bytes + -n_bytes % ALIGN
    return columns, at
