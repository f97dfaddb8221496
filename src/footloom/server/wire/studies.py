"""What studies say, as frames: binary by the header of `footloom.server.wire.layout`, and its JSON twin.

The meta names every column and its type, study by study; behind ``open_ns`` (i64) and ``level_start`` (u32) of the bars
stand the columns in that order, each padded to 8 bytes. Whole numbers travel as float64 and are refused above 2^53,
times as int64; what is undefined is NaN, and the least int64 in a column of times.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from footloom.core.trades import I64
from footloom.errors import ProtocolError
from footloom.server.wire.frames import Form
from footloom.server.wire.layout import (
    ALIGN,
    HEADER,
    HEADER_BYTES,
    LAYOUT_VERSION,
    MAGIC,
    MAX_EXACT,
    NO_SEQ,
    STUDY_KINDS,
)
from footloom.studies import NONE, Answer, Column, Study

__all__ = ("Told", "decode_studies", "encode_studies")

_PARTS = ("bars", "cells", "events")
_KINDS = {number: name for name, number in STUDY_KINDS.items()}


@dataclass(frozen=True, slots=True)
class Told:
    """What studies say of some bars: ``open_ns`` (n,), ``level_start`` (n + 1,), answers by label."""

    open_ns: I64
    level_start: I64
    answers: Mapping[str, Answer]

    def last(self, count: int) -> Told:
        """Return what is said of the last bars."""
        total = len(self.open_ns)
        first = max(0, total - count)
        return Told(
            self.open_ns[first:],
            self.level_start[first:] - self.level_start[first],
            {label: answer.part(first, total, self.level_start) for label, answer in self.answers.items()},
        )

    @classmethod
    def concat(cls, pieces: Sequence[Told]) -> Told:
        """Join what was said of neighbouring bars; at least one piece."""
        counts = np.concatenate([np.diff(piece.level_start) for piece in pieces])
        answers = {
            label: Answer.concat([(piece.answers[label], len(piece.open_ns)) for piece in pieces])
            for label in pieces[0].answers
        }
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return cls(np.concatenate([piece.open_ns for piece in pieces]), starts, answers)


def encode_studies(
    told: Told, studies: Mapping[str, Study], kind: str, form: Form, *, topic_id: int, topic_seq: int
) -> bytes | str:
    """Return a frame; ``studies`` are by the labels of the answers.

    Raises
    ------
    ProtocolError
        A whole number is above 2^53, so that float64 would round it.
    """
    listed, columns = [], []
    for label, answer in told.answers.items():
        units = {name: output.unit for output in studies[label].OUTPUTS for name in output.columns}
        row: dict[str, Any] = {"label": label}
        for part in _PARTS:
            own = [_typed(label, name, column, units.get(name)) for name, column in getattr(answer, part).items()]
            row[part] = [[name, type_] for name, type_, _ in own]
            columns += [(label, part, *one) for one in own]
        row["n_events"] = len(next(iter(answer.events.values()), ()))
        listed.append(row)
    if form == "json":
        return _as_json(told, listed, columns, kind, topic_id, topic_seq)
    texts = [[label, part, name, list(column)] for label, part, name, type_, column in columns if type_ == "text"]
    meta = msgspec.json.encode({"studies": listed, "texts": texts})
    levels = int(told.level_start[-1])
    head = struct.pack(
        HEADER, MAGIC, LAYOUT_VERSION, STUDY_KINDS[kind], 0, len(meta), len(told.open_ns), levels, topic_id, topic_seq,
        NO_SEQ,
    )  # fmt: skip
    raw = [meta, told.open_ns.astype("<i8").tobytes(), told.level_start.astype("<u4").tobytes()]
    raw += [column.tobytes() for *_, type_, column in columns if type_ != "text"]
    return b"".join([head, *(part + bytes(-len(part) % ALIGN) for part in raw)])


def _typed(label: str, name: str, column: Column, unit: str | None) -> tuple[str, str, Any]:
    if column.dtype.kind not in "iufb":
        return name, "text", [str(value) for value in column.tolist()]
    if unit == "ns" or name.endswith("_ns"):
        return name, "i64", column.astype("<i8")
    if column.dtype.kind == "f":
        return name, "f64", column.astype("<f8")
    known = column != NONE if column.dtype == np.int64 else np.ones(len(column), np.bool_)
    worst = int(np.abs(column[known]).max(initial=0))
    if worst > MAX_EXACT:
        raise ProtocolError(f"study {label}: column {name} holds {worst}, which float64 cannot carry exactly")
    return name, "f64", np.where(known, column, np.nan).astype("<f8")


def _as_json(
    told: Told, listed: list[dict[str, Any]], columns: list[Any], kind: str, topic_id: int, topic_seq: int
) -> str:
    values: dict[str, dict[str, dict[str, Any]]] = {row["label"]: {part: {} for part in _PARTS} for row in listed}
    for label, part, name, type_, column in columns:
        values[label][part][name] = _plain(type_, column)
    twin = {
        "type": "frame",
        "version": LAYOUT_VERSION,
        "kind": kind,
        "topic_id": topic_id,
        "topic_seq": topic_seq,
        "open_ns": [str(at) for at in told.open_ns.tolist()],
        "level_start": told.level_start.tolist(),
        "studies": values,
    }
    return msgspec.json.encode(twin).decode()


def _plain(type_: str, column: Any) -> list[Any]:
    if type_ == "text":
        return list(column)
    if type_ == "i64":
        return [None if value == NONE else str(value) for value in column.tolist()]
    return [None if value != value else value for value in column.tolist()]  # noqa: PLR0124 - NaN is undefined


def decode_studies(data: bytes) -> dict[str, Any]:
    """Read one binary frame of studies, for programs and tests: the JSON twin's shape, with arrays for columns.

    Raises
    ------
    ProtocolError
        The bytes are no such frame, or not as long as they say.
    """
    if len(data) < HEADER_BYTES or data[:4] != MAGIC or data[5] not in _KINDS:
        raise ProtocolError(f"these {len(data)} bytes are no frame of studies")
    _, version, kind, _, n_meta, n_bars, n_levels, topic_id, seq, prev_seq = struct.unpack_from(HEADER, data)
    meta = msgspec.json.decode(data[HEADER_BYTES : HEADER_BYTES + n_meta])
    pieces = _pieces(data, HEADER_BYTES + n_meta + -n_meta % ALIGN)
    next(pieces)
    opens, starts = pieces.send(("<i8", n_bars)), pieces.send(("<u4", n_bars + 1))
    texts = {(label, part, name): values for label, part, name, values in meta["texts"]}
    studies: dict[str, dict[str, dict[str, Any]]] = {}
    for row in meta["studies"]:
        counts = {"bars": n_bars, "cells": n_levels, "events": row["n_events"]}
        studies[row["label"]] = {
            part: {
                name: texts[row["label"], part, name]
                if type_ == "text"
                else pieces.send(("<i8" if type_ == "i64" else "<f8", counts[part]))
                for name, type_ in row[part]
            }
            for part in _PARTS
        }
    return {
        "version": version, "kind": _KINDS[kind], "topic_id": topic_id, "topic_seq": int(seq),
        "prev_seq": int(prev_seq), "open_ns": opens, "level_start": starts, "studies": studies,
    }  # fmt: skip


def _pieces(data: bytes, at: int) -> Any:
    found: Any = None
    while True:
        dtype, count = yield found
        found = np.frombuffer(data, dtype, count, at)
        at += found.nbytes + -found.nbytes % ALIGN
