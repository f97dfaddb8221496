"""Bybit's archive files of order books: one ``orderbook.DEPTH.SYMBOL`` message a line, a snapshot first.

The text is kept as it is (``depth raw``), and what makes it usable later is counted: messages that are no book, update
ids that are missing, times that step back.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from footloom.importers._csv_words import shown
from footloom.importers._rows import Ask, Dropped, Outside, Plan, RawText
from footloom.importers._source import Sample, Source

__all__ = ("read", "recognise")

_TOPIC = re.compile(r"orderbook\.(\d+)\.(\w+)")
_MS = 1_000_000


class _Data(msgspec.Struct):
    s: str
    b: list[tuple[str, str]]
    a: list[tuple[str, str]]
    u: int
    seq: int = 0


class _Message(msgspec.Struct):
    topic: str
    type: str
    ts: int
    data: _Data
    cts: int = 0


_decoder = msgspec.json.Decoder(_Message, strict=False)  # `ts` is a text in some files


def recognise(sample: Sample) -> Plan | str:
    """Return a plan for a file of order books, or why it is none."""
    found = [message for message in map(_message, sample.lines) if message is not None]
    if not found or len(found) * 4 < len(sample.lines):
        return "no lines of JSON with a topic such as orderbook.500.BTCUSDT"
    match = _TOPIC.fullmatch(found[0].topic)
    assert match is not None
    return Plan(
        format=f"Bybit archive, order book of {match[1]} levels",
        venues=("bybit_linear", "bybit_spot", "bybit_inverse"),
        symbol=match[2],
        tape="depth raw",
        ids=False,
        notes=("the book is kept as it is (depth raw): no chart is made of it yet",),
    )


def read(source: Source, plan: Plan, ask: Ask) -> Iterator[RawText | Outside]:
    """Yield what was counted, and at the end the text."""
    book = _Book(plan.symbol)
    for block in source.blocks():
        outside = Outside()
        last = block.lines - 1
        for k, line in enumerate(block.texts()):
            if not line.strip():
                continue
            wrong = book.add(line)
            if wrong:
                cut = "" if block.ended or k < last else "; the file ends within this line, it seems to be cut"
                outside.dropped.append(Dropped(wrong, 1, block.first_line + k, shown(line), wrong + cut))
        yield outside
    if book.messages:
        venue = plan.venue or ask.venue
        yield RawText(venue, plan.symbol, "depth", book.messages, book.first_ns, book.last_ns, book.counted)


def _message(line: bytes) -> _Message | None:
    try:
        message = _decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return message if _TOPIC.fullmatch(message.topic) else None


@dataclass
class _Book:
    # What has been seen of one symbol's book.
    symbol: str
    messages: int = 0
    first_ns: int = 0
    last_ns: int = 0
    update: int | None = None
    counted: Counter[str] = field(default_factory=Counter)

    def add(self, line: bytes) -> str:
        """Count a message; what is wrong with it, ``""`` where nothing is."""
        message = _message(line)
        if message is None:
            return "no message of an order book"
        if message.data.s != self.symbol:
            return f"a book of {message.data.s[:40]}, the file is of {self.symbol}"
        time_ns = (message.cts or message.ts) * _MS
        self._follow(message)
        if self.messages and time_ns < self.last_ns:
            self.counted["time steps back"] += 1
        self.first_ns = min(self.first_ns or time_ns, time_ns)
        self.last_ns = max(self.last_ns, time_ns)
        self.messages += 1
        return ""

    def _follow(self, message: _Message) -> None:
        data = message.data
        if message.type == "snapshot":
            self.counted["snapshots"] += 1
        elif self.update is None:
            self.counted["changes before a snapshot"] += 1
        elif data.u != self.update + 1:
            self.counted["breaks in the update ids"] += 1
        if message.type == "snapshot" or self.update is not None:
            self.update = data.u
