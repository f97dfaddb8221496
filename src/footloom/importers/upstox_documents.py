"""Upstox messages as recorders keep them in MongoDB (collection ``tick_data``), exported as JSON: to snapshots.

A document is one instrument's part of a message, its key, and ``_insertion_time``: the recorder's wall clock, which is
UTC or that of Kolkata, whatever zone it is labelled with.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec
import numpy as np

from footloom.core.recorder_clock import object_id_ns, usual_offset_ns, zone_offset_ns
from footloom.errors import DataError
from footloom.importers._csv_words import shown
from footloom.importers._exact import Refused, number
from footloom.importers._json_documents import Document, documents, documents_of
from footloom.importers._rows import Ask, BareRows, Outside, Plan, Rows
from footloom.importers._source import Sample, Source
from footloom.importers._upstox import Messages, decode, time_ns
from footloom.importers._upstox_fields import TickDocument
from footloom.typed import from_json
from footloom.venues.upstox import VENUE

__all__ = ("DOCUMENTS", "DocumentReader", "read", "recognise")

_FIRST = 500  # documents that tell the recorder's zone
_FEW = 3
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_IST_NS = 19_800_000_000_000
_FARTHEST_NS = 14 * 3_600_000_000_000  # of all zones from UTC
_QUARTER_NS = 900_000_000_000
DOCUMENTS = Plan(
    format="Upstox messages recorded as documents (tick_data)",
    venue=VENUE,
    venue_from="the fields of its documents",
    rows_say_symbol=True,
    ids=False,
)
_decode = msgspec.json.Decoder(TickDocument).decode


def recognise(sample: Sample) -> Plan | str:
    """Return a plan for an export of such documents, or why the file is none."""
    found = documents_of(sample)
    if not found:
        return "no JSON objects"
    kinds: Counter[str] = Counter()
    named = False
    for one in found:
        try:
            document = decode(one.text, _decode)
        except Refused as refused:
            kinds[refused.detail] += 1
            continue
        mine = document.is_feed and (document.symbol or document.inserted)
        kinds["" if mine else "objects without fullFeed, ltpc or firstLevelWithGreeks, and instrumentKey"] += 1
        named = named or bool(mine and document.symbol)
    if not kinds[""]:
        return kinds.most_common(1)[0][0]
    return dataclasses.replace(DOCUMENTS, rows_say_symbol=named)


def read(source: Source, plan: Plan, ask: Ask) -> Iterator[Rows | BareRows | Outside]:
    """Yield the file's rows."""
    reader = DocumentReader(plan, ask)
    for found in documents(source):
        yield from reader.take(found)
    yield from reader.flush()


class DocumentReader:
    """Reads documents as they come, some at a time."""

    def __init__(self, plan: Plan, ask: Ask) -> None:
        self._plan = plan
        self._messages = Messages(ask)
        self._clock: _Clock | None = None
        self._waiting: list[_Read] = []

    def take(self, found: Iterable[Document]) -> Iterator[Rows | BareRows | Outside]:
        """Yield the rows of documents; the first hundreds wait until the recorder's zone is known."""
        every = (_read(document, self._messages) for document in found)
        self._waiting += [one for one in every if one is not None]
        if self._clock is not None or len(self._waiting) >= _FIRST:
            yield from self.flush()

    def flush(self) -> Iterator[Rows | BareRows | Outside]:
        """Yield the rows of all documents that wait."""
        waiting, self._waiting = self._waiting, []
        self._clock = self._clock or _Clock.of(waiting)
        _take(waiting, self._clock, self._messages, self._plan)
        yield from self._messages.blocks()


@dataclass(frozen=True, slots=True)
class _Read:
    # A document, the time that its recorder wrote, as it is labelled, and the second of its ObjectId.
    document: TickDocument
    where: Document
    written_ns: int | None
    made_ns: int | None


@dataclass(frozen=True, slots=True)
class _Clock:
    # How far the recorder's clock is ahead in files whose documents have no ObjectId.
    offset_ns: int

    @classmethod
    def of(cls, first: list[_Read]) -> _Clock:
        # A document with a new trade was written soon after it; one that repeats an old trade tells nothing.
        written, traded, fresh = [], [], []
        latest: dict[str, int] = {}
        for one in first:
            ltt_ns = _ltt_ns(one.document)
            if one.written_ns is None or ltt_ns is None:
                continue
            symbol = one.document.symbol
            fresh.append(symbol in latest and ltt_ns > latest[symbol])
            latest[symbol] = ltt_ns
            written.append(one.written_ns)
            traded.append(ltt_ns)
        if not written:
            return cls(0)
        times, trades, new = np.array(written), np.array(traded), np.array(fresh)
        if new.sum() >= _FEW:
            return cls(usual_offset_ns(times[new], trades[new]))
        return cls(_IST_NS if int((times - trades).min()) >= _IST_NS - _QUARTER_NS else 0)

    def received_ns(self, one: _Read) -> tuple[int | None, int]:
        # The time of receipt in UTC, and by how much the written one was ahead of it.
        if one.written_ns is None:
            return one.made_ns, 0
        offset = self.offset_ns if one.made_ns is None else zone_offset_ns(one.written_ns, one.made_ns)
        if abs(offset) > _FARTHEST_NS:  # no zone: the document was copied, and got its ObjectId then
            offset = self.offset_ns
        return one.written_ns - offset, offset


def _read(where: Document, messages: Messages) -> _Read | None:
    if where.fault:
        messages.refuse(where)
        return None
    try:
        document = decode(where.text, _decode)
        written_ns, made_ns = _written_ns(document.inserted), _made_ns(document.id)
    except Refused as refused:
        messages.refuse(where, refused.reason, refused.detail)
        return None
    return _Read(document, where, written_ns, made_ns)


def _take(found: list[_Read], clock: _Clock, messages: Messages, plan: Plan) -> None:
    for one in found:
        document = one.document
        symbol = document.symbol or plan.symbol or messages.symbol
        if not document.is_feed:
            messages.other("documents without a feed")
        elif not symbol:
            messages.refuse(one.where, "no instrument", "it has no instrumentKey: name the instrument with --symbol")
        else:
            recv_ns, offset_ns = clock.received_ns(one)
            messages.take(symbol, document, recv_ns, one.where, ahead_ns=offset_ns)


def _ltt_ns(document: TickDocument) -> int | None:
    trade = document.parts().trade
    try:
        return None if trade is None or not trade.ltt else time_ns(trade.ltt, "ltt")
    except Refused:
        return None


def _made_ns(raw: msgspec.Raw) -> int | None:
    # `_id`, plain or `{"$oid": ".."}`; one that is no ObjectId tells no time.
    text = bytes(raw)
    if not text:
        return None
    try:
        held = from_json(text, dict[str, str] | str)
        return object_id_ns(held if isinstance(held, str) else next(iter(held.values()), ""))
    except (DataError, msgspec.DecodeError):
        return None


# `2025-12-15 09:32:48.88`, with Z or another zone or none; `{"$date": ..}` around it; ms since 1970.
def _written_ns(raw: msgspec.Raw) -> int | None:
    text = bytes(raw).strip()
    if text in {b"", b"null"}:
        return None
    if text.startswith(b"{"):
        inner = decode(text, msgspec.json.Decoder(dict[str, msgspec.Raw]).decode)
        if "$date" in inner:
            return _written_ns(inner["$date"])
    if not text.startswith(b'"') or number(text) is not None:
        return time_ns(text, "_insertion_time")
    try:
        moment = dt.datetime.fromisoformat(text.strip(b'"').decode())
    except ValueError:
        raise Refused("_insertion_time is no time", f"_insertion_time is {shown(text)}: no time") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1_000
