"""Recorded Upstox frames, one a line: ``{"type": "live_feed", "feeds": {KEY: {"ltpc": {..}}}, "currentTs": ..}``.

The first frame has no type, and an empty ``ltpc`` for instruments that have not traded. Frames of ltpc mode have no
volume of the day: their trades go to a partial tape.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from footloom.core.ticks import PARTIAL
from footloom.importers._exact import Refused
from footloom.importers._json_documents import Document, documents, documents_of
from footloom.importers._rows import Ask, BareRows, Outside, Plan, Rows
from footloom.importers._source import Sample, Source
from footloom.importers._upstox import Messages, decode, time_ns
from footloom.importers._upstox_fields import Feed
from footloom.venues.upstox import VENUE

__all__ = ("read", "recognise")

_NOTHING = msgspec.Raw(b"")


class _Frame(msgspec.Struct):
    type: str = "initial_feed"  # the first kind is left out, as a zero is
    feeds: dict[str, Feed] | None = None
    currentTs: msgspec.Raw = _NOTHING  # noqa: N815 - the wire's name


_decode = msgspec.json.Decoder(_Frame).decode


def recognise(sample: Sample) -> Plan | str:
    """Return a plan for recorded frames, or why the file holds none."""
    found = documents_of(sample)
    if not found:
        return "no JSON objects"
    why = ""
    feeds: list[Feed] = []
    for one in found:
        try:
            feeds += (decode(one.text, _decode).feeds or {}).values()
        except Refused as refused:
            why = why or refused.detail
    if not any(feed.is_feed for feed in feeds):
        return why or "objects without feeds"
    ltpc = all(feed.is_ltpc for feed in feeds)
    note = f"ltpc mode has no volume of the day: trades that were seen go to {PARTIAL}, a lower bound and no coverage"
    return Plan(
        format=f"recorded Upstox frames{', ltpc mode' if ltpc else ''}",
        venue=VENUE,
        venue_from="the fields of its frames",
        rows_say_symbol=True,
        ids=False,
        notes=(note,) if ltpc else (),
    )


def read(source: Source, plan: Plan, ask: Ask) -> Iterator[Rows | BareRows | Outside]:  # noqa: ARG001 - as every importer
    """Yield the file's rows."""
    messages = Messages(ask)
    for found in documents(source):
        for where in found:
            _take(where, messages)
        yield from messages.blocks()


def _take(where: Document, messages: Messages) -> None:
    if where.fault:
        messages.refuse(where)
        return
    try:
        frame = decode(where.text, _decode)
        recv_ns = time_ns(frame.currentTs, "currentTs") if frame.currentTs else None
    except Refused as refused:
        messages.refuse(where, refused.reason, refused.detail)
        return
    if not frame.feeds:
        messages.other(frame.type)
    for symbol, feed in (frame.feeds or {}).items():
        messages.take(symbol, feed, recv_ns, where)
