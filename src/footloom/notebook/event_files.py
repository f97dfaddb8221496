"""Event files: trades as hftbacktest's ``npz``, with what our own tape knows beyond it in arrays of their own.

``data`` holds the events (`footloom.engine.events_array`). ``trade_id`` and ``flags`` have one row a trade, in the
exchange's order, and ``footloom.json`` says what the file is: hftbacktest reads ``data`` alone.
"""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from footloom.core.instrument import Instrument
from footloom.core.trades import FLAG_NO_RECV, Trades
from footloom.engine.events_array import (
    BUY_EVENT,
    EVENT,
    SELL_EVENT,
    Events,
    Weaver,
    event_rows,
    is_trade,
    late_rows,
)
from footloom.engine.table_facts import FACTS, Facts, facts_of, read_facts
from footloom.errors import ConfigError, DataError
from footloom.notebook.writing import whole_file

__all__ = ("FACTS_ENTRY", "EventsWritten", "read_events", "write_events")

FACTS_ENTRY = "footloom.json"
_BLOCK = 262_144  # rows that are woven at a time
_FOREVER = 2**63 - 1
_RECORD = np.dtype([("event", EVENT), ("trade_id", "<i8"), ("flags", "u1")])


class EventsWritten(msgspec.Struct, frozen=True):
    """What became of an event file.

    ``rows`` are trades, ``events`` what they became: ``split`` of them are two events, because they were received later
    than a trade behind them. ``least_latency_ns`` is the least receipt minus exchange time of those that were recorded,
    None where none was; where it is below 0 the local clock was behind, and hftbacktest wants it corrected.
    """

    rows: int
    bytes: int
    events: int
    split: int
    least_latency_ns: int | None


def write_events(
    path: Path, instrument: Instrument, chunks: Iterable[Trades], latency_ns: int = 0, *, force: bool = False
) -> EventsWritten:
    """Write trades that ascend by time as an event file; memory holds one chunk, and the trades that came late.

    ``latency_ns`` is added to the exchange's time of trades whose receipt nobody recorded.
    """
    if latency_ns < 0:
        raise ConfigError(f"a latency is 0 or more, got {latency_ns} ns: nothing is heard before it happened")
    with whole_file(path, force=force) as file, tempfile.TemporaryFile(dir=path.parent) as rows:
        kept = _Kept(rows)
        tape = "trade"
        for chunk in chunks:
            kept.add(chunk, latency_ns)
            tape = chunk.tape
        facts = facts_of("trades", instrument, tape=tape, latency_ns=latency_ns)
        split = _write_zip(file, kept, facts)
        size = file.tell()
    return EventsWritten(kept.count, size, kept.count + split, split, kept.least_ns)


class _Kept:
    # The trades on their way through a file of their own: where each receipt belongs is known only at the end.

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.count = 0
        self.least_ns: int | None = None
        self._last_ns = -_FOREVER

    def add(self, trades: Trades, latency_ns: int) -> None:
        if not len(trades):
            return
        if int(trades.ts_exch_ns[0]) < self._last_ns or (np.diff(trades.ts_exch_ns) < 0).any():
            raise DataError("trades must ascend by the exchange's time: sort them first")
        self._last_ns = int(trades.ts_exch_ns[-1])
        records = np.zeros(len(trades), _RECORD)
        records["event"] = event_rows(trades, latency_ns)
        records["trade_id"], records["flags"] = trades.trade_id, trades.flags
        heard = (trades.flags & FLAG_NO_RECV) == 0
        if heard.any():
            least = int((trades.ts_recv_ns - trades.ts_exch_ns)[heard].min())
            self.least_ns = least if self.least_ns is None else min(least, self.least_ns)
        self.file.write(records.tobytes())
        self.count += len(trades)

    def blocks(self) -> Iterator[NDArray[Any]]:
        self.file.seek(0)
        while data := self.file.read(_BLOCK * _RECORD.itemsize):
            yield np.frombuffer(data, _RECORD)

    def behind_ns(self) -> list[int]:
        # The earliest receipt behind each block.
        least = [int(block["event"]["local_ts"].min()) for block in self.blocks()]
        found = np.minimum.accumulate(np.array([*least[1:], _FOREVER])[::-1])[::-1]
        return [int(value) for value in found[: len(least)]]


def _write_zip(file: IO[bytes], kept: _Kept, facts: Facts) -> int:
    # Returns how many trades were split.
    behind = kept.behind_ns()
    pairs = zip(kept.blocks(), behind, strict=True)
    split = sum(int(late_rows(block["event"]["local_ts"], later).sum()) for block, later in pairs)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        weaver = Weaver()
        woven = (weaver.weave(block["event"], later) for block, later in zip(kept.blocks(), behind, strict=True))
        _write_array(archive, "data", EVENT, kept.count + split, woven)
        for name in ("trade_id", "flags"):
            columns = (np.ascontiguousarray(block[name]) for block in kept.blocks())
            _write_array(archive, name, _RECORD[name], kept.count, columns)
        archive.writestr(FACTS_ENTRY, msgspec.json.encode(facts))
    return split


def _write_array(
    archive: zipfile.ZipFile, name: str, dtype: np.dtype[Any], count: int, blocks: Iterable[NDArray[Any]]
) -> None:
    head = io.BytesIO()
    fields = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (count,)}
    np.lib.format.write_array_header_1_0(head, fields)
    with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
        entry.write(head.getvalue())
        for block in blocks:
            entry.write(block.tobytes())


def read_events(path: Path) -> tuple[dict[str, NDArray[Any]], Facts | None]:
    """Return the trades of an event file as columns, each once and in the exchange's order, and its facts.

    Columns: ``ts_exch_ns``, ``ts_recv_ns``, ``price`` and ``qty`` as floats, ``side``; of our own files ``trade_id``
    and ``flags`` too. Depth and other events are passed over.

    Raises
    ------
    DataError
        The file is no event file, or its arrays do not belong together.
    """
    events, more, facts = _arrays(path)
    trades = events[is_trade(events)]
    if more and any(len(column) != len(trades) for column in more.values()):
        raise DataError(f"{path}: {len(trades)} trades do not belong to the other arrays: the file was changed")
    ev = trades["ev"].astype(np.int64)
    sides = ((ev & BUY_EVENT) != 0).astype(np.int8) - ((ev & SELL_EVENT) != 0).astype(np.int8)
    columns = {"ts_exch_ns": trades["exch_ts"], "ts_recv_ns": trades["local_ts"], "price": trades["px"]}
    return columns | {"qty": trades["qty"], "side": sides} | more, facts


def _arrays(path: Path) -> tuple[Events, dict[str, NDArray[Any]], Facts | None]:
    try:
        with np.load(path) as archive:
            events = archive["data"]
            more = {name: archive[name] for name in ("trade_id", "flags") if name in archive.files}
            held = archive[FACTS_ENTRY] if FACTS_ENTRY in archive.files else None
    except (KeyError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise DataError(f"{path} is no event file with an array called data: {error}") from None
    if events.dtype.names != EVENT.names:
        raise DataError(f"{path}: the array data has the fields {events.dtype.names}, not {EVENT.names}")
    return events, more, read_facts({FACTS: held} if held is not None else None)
