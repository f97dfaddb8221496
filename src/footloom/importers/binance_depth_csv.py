"""Tables of Binance depth updates, a level a row: exports of the depth stream, and tables with ``first_update_id``.

The text is kept as it is (``depth raw``), and what makes it usable later is counted: breaks between updates, rows that
cannot be read, rows received an hour or more away from their time, silences of an hour.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from footloom.importers import _csv_rules as csv
from footloom.importers._csv_words import shown
from footloom.importers._records import NotTaken, fields
from footloom.importers._rows import Ask, Dropped, Outside, Plan, RawText
from footloom.importers._source import Sample, Source
from footloom.venues._binance import FUTURES, SPOT, USDM, venue_of

__all__ = ("read", "recognise")

_ROLES = {
    "timestampofreceive": "received",
    "eventtime": "time",
    "timestamp": "time",
    "symbol": "symbol",
    "firstupdateid": "first",
    "first_update_id": "first",
    "finalupdateid": "last",
    "last_update_id": "last",
    "finalupdateidinlaststream": "before",
    "pu": "before",
    "update_type": "kind",
    "price": "price",
    "quantity": "qty",
    "qty": "qty",
}
_NEEDED = ("time", "symbol", "first", "last", "price", "qty")
_WHOLE = ("time", "first", "last")
_SCALES = {13: 1_000_000, 16: 1_000}  # ms and µs, by their digits
_HOUR_NS = 3_600_000_000_000


def recognise(sample: Sample) -> Plan | str:
    """Return a plan for a table of depth updates, or why the file is none."""
    rows = [row for row in map(fields, sample.lines) if row and not row[0].startswith("#")]
    names = rows[0] if rows else []
    at = {_ROLES[name.lower()]: k for k, name in enumerate(names) if name.lower() in _ROLES}
    missing = [role for role in _NEEDED if role not in at]
    if missing:
        return "no header with the update ids, price and quantity of depth updates"
    symbol = rows[1][at["symbol"]] if len(rows) > 1 and len(rows[1]) == len(names) else ""
    return Plan(
        format="table of Binance depth updates",
        venue=venue_of(FUTURES, symbol) if "before" in at else SPOT,
        venue_from="its columns",
        venues=(SPOT, USDM),
        symbol=symbol,
        tape="depth raw",
        ids=False,
        layout=(tuple(names), at),
        notes=("the updates are kept as they are (depth raw): no chart is made of them yet",),
    )


def read(source: Source, plan: Plan, ask: Ask) -> Iterator[RawText | Outside]:
    """Yield what was counted, and at the end the text."""
    names, at = plan.layout
    book = _Updates(names, at, plan.symbol)
    for block in source.blocks():
        outside, last = Outside(), block.lines - 1
        for k, line in enumerate(block.texts()):
            try:
                book.add(fields(line))
            except NotTaken as error:
                cut = "" if block.ended or k < last else "; the file ends within this line, it seems to be cut"
                drop = Dropped(error.reason, 1, block.first_line + k, shown(line), error.detail + cut)
                outside.dropped.append(drop)
        yield outside
    if book.rows:
        yield RawText(
            plan.venue or ask.venue, plan.symbol, "depth", book.rows, book.first_ns, book.last_ns, book.counted
        )


@dataclass
class _Updates:
    # What has been seen of one symbol's updates.
    names: Sequence[str]
    at: dict[str, int]
    symbol: str
    rows: int = 0
    first_ns: int = 0
    last_ns: int = 0
    update: int | None = None
    counted: Counter[str] = field(default_factory=Counter)

    def add(self, row: list[str]) -> None:
        """Count a row; `NotTaken` where it is none."""
        if not row or row[0].startswith("#") or row == list(self.names):
            return
        if len(row) != len(self.names):
            raise NotTaken("wrong number of columns", f"{len(row)} columns, the header has {len(self.names)}")
        found = {role: row[at] for role, at in self.at.items()}
        for role in _WHOLE:
            if not found[role].isdigit():
                raise NotTaken("no depth update", f"{self.names[self.at[role]]} is {found[role][:40]!r}")
        if found["symbol"] != self.symbol:
            raise NotTaken("another symbol", f"it is {found['symbol'][:40]!r}, the file is of {self.symbol}")
        time_ns = self._ns(found["time"])
        self._follow(found)
        if abs(self._ns(found.get("received", found["time"])) - time_ns) >= _HOUR_NS:
            self.counted["rows received an hour or more away"] += 1
        if self.rows and time_ns - self.last_ns >= _HOUR_NS:
            self.counted["silent for an hour or more before it"] += 1
        self.first_ns = min(self.first_ns or time_ns, time_ns)
        self.last_ns = max(self.last_ns, time_ns)
        self.rows += 1

    # Rows of one update repeat its ids.
    def _follow(self, found: dict[str, str]) -> None:
        first, last = int(found["first"]), int(found["last"])
        if found.get("kind") == "snap":
            self.counted["rows of a snapshot"] += 1
        elif self.update not in {None, last}:
            self.counted["updates"] += 1
            expected = int(found["before"]) == self.update if "before" in found else first == (self.update or 0) + 1
            if not expected:
                self.counted["breaks in the update ids"] += 1
        elif self.update is None:
            self.counted["updates"] += 1
        self.update = last

    def _ns(self, text: str) -> int:
        scale = _SCALES.get(len(text))
        if scale is None or not text.isdigit() or not csv.EARLIEST_S <= int(text) * scale // 10**9 < csv.LATEST_S:
            raise NotTaken("no depth update", f"time is {text[:40]!r}, no time in ms or µs")
        return int(text) * scale
