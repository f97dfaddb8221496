"""What passes from an importer to `footloom.feeds.ingest`."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from types import ModuleType
from typing import Any, NamedTuple, Protocol, cast

from footloom.core.trades import I8, I64
from footloom.importers._csv_rules import SCAN, Grid
from footloom.importers._source import Sample, Source

__all__ = (
    "NO_SYMBOL", "Ask", "BareRows", "Dropped", "Importer", "Outside", "Plan", "RawText", "Rows", "Silence",
    "as_importer", "is_symbol",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dropped:
    """Rows of one block that were not taken, for one reason; ``line`` and ``text`` are those of the first.

    ``detail`` says what is wrong with it: values, and what was expected. ``defect`` is False where nothing is wrong
    with the rows, as with prints that are no market trades.
    """

    reason: str
    count: int
    line: int
    text: str
    detail: str
    defect: bool = True


@dataclass(slots=True)
class Rows:
    """One block of one tape; columns as in `Trades`, in the order of the file.

    ``line`` is the number of each row's line in the file. ``trade_id`` is None where the file has none, ``ts_recv_ns``
    where nobody recorded it. ``other_*`` are rows whose id was seen though they are no market trades: line, id, time.
    ``dropped`` counts rows that belong to this tape and are not among the columns, ``counted`` what is odd about rows
    that are kept.
    """

    venue: str
    symbol: str
    tape: str
    line: I64
    ts_exch_ns: I64
    price_tick: I64
    qty_lot: I64
    side: I8
    trade_id: I64 | None
    ts_recv_ns: I64 | None
    other_line: I64
    other_id: I64
    other_ns: I64
    dropped: list[Dropped] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)


class Silence(NamedTuple):
    """A stretch that is known to be missing, ns UTC on the clock of receipts, and the lines on both sides of it."""

    from_ns: int
    to_ns: int
    after_line: int
    before_line: int
    cause: str


@dataclass(slots=True)
class BareRows:
    """One block of a tape whose rows are no trades, such as snapshots, in the order of the file.

    ``columns`` are those of the tape's form (`footloom.store.columns`), int64 on the instrument's grid, except those
    that the file does not have. ``line`` is the number of each row's line in the file. With `SCAN` instead of a grid
    the columns of prices and quantities hold the decimals that these need. ``gaps`` are stretches that are known to be
    missing; ``dropped`` and ``counted`` are as in `Rows`. ``lines`` is how many rows of the file these are,
    where one may be several.
    """

    venue: str
    symbol: str
    tape: str
    line: I64
    columns: dict[str, I64]
    dropped: list[Dropped] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)
    gaps: list[Silence] = field(default_factory=list)
    lines: int | None = None


@dataclass(slots=True)
class RawText:
    """Text that is kept as it is, for later work: what it is (``depth``), and the times of its first and last message.

    A file yields at most one, at its end; ``messages`` are those in it, ``counted`` what is odd about them.
    """

    venue: str
    symbol: str
    kind: str
    messages: int
    first_ns: int
    last_ns: int
    counted: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Outside:
    """Lines of one block that belong to no tape: other messages by kind, and lines that cannot be read."""

    other: Counter[str] = field(default_factory=Counter)
    dropped: list[Dropped] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an importer has recognised.

    ``venue``, ``symbol`` and ``tape`` are ``""`` where neither the file nor its name says so, or where each row says
    its own (``rows_say_symbol``, ``rows_say_venue``). ``venue_from`` tells in words what gave the venue away; where
    nothing did, ``venues`` are those that it can be (none: any). ``ids`` says that rows carry the venue's ids.
    ``holes`` False: the ids are sparse by nature, so that none is missing. ``own_grid``: prices are off the
    instrument's tick by nature, and say nothing about it. ``takes_tape`` says that the tape can be chosen.
    ``grid`` are tick and lot of a format whose numbers stand on one by nature. ``takes_lot`` says that its quantities
    are contracts, ``needs_instant`` that it is of one instant which it does not say. ``needs_zone`` says that times are
    those of a zone, ``needs_day`` that they are times of a day; ``zone`` and ``day`` are what the format or the file's
    name say. ``calendar`` names the sessions of its instruments,
    where the venue is none that footloom knows. ``layout`` is the importer's own.
    """

    format: str
    venue: str = ""
    venue_from: str = ""
    venues: tuple[str, ...] = ()
    symbol: str = ""
    rows_say_symbol: bool = False
    rows_say_venue: bool = False
    tape: str = ""
    ids: bool = True
    holes: bool = True
    own_grid: bool = False
    grid: tuple[Decimal, Decimal] | None = None
    takes_lot: bool = False
    needs_instant: bool = False
    takes_tape: bool = False
    needs_zone: bool = False
    zone: str = ""
    needs_day: bool = False
    day: dt.date | None = None
    calendar: str = ""
    notes: tuple[str, ...] = ()
    layout: Any = None


@dataclass(frozen=True, slots=True)
class Ask:
    """What to read: venue and symbol where the plan leaves them open (``""``: all), and the grid of each instrument.

    `scan` instead of a grid reads the decimals that prices and quantities need, in the place of ticks and lots.
    ``tape`` (``""``: that of the plan), ``zone`` and ``day`` are set where the plan asks for them; ``market_lot`` is
    how many units a contract is, ``at_ns`` the instant of a file that does not say its own, where the user says them.
    """

    venue: str = ""
    symbol: str = ""
    tape: str = ""
    zone: str = ""
    day: dt.date | None = None
    market_lot: int | None = None
    at_ns: int | None = None
    grid: Callable[[str, str, int], Grid] = lambda _venue, _symbol, _at_ns: SCAN


_SYMBOL = re.compile(r"[^\W_][\w.\-|: ]{0,39}")
NO_SYMBOL = "no symbol"  # why rows are not taken


def is_symbol(text: str) -> bool:
    """Tell whether a text can be the symbol of anything.

    Examples
    --------
    >>> [is_symbol(text) for text in ("BTCUSDT", "NSE_FO|45450", "../x", "")]
    [True, True, False, False]
    """
    return _SYMBOL.fullmatch(text) is not None


class Importer(Protocol):
    """What a module in `footloom.importers` offers.

    It is asked about text only, unless its ``KIND`` names another kind of `Source`.
    """

    def recognise(self, sample: Sample) -> Plan | str:
        """Return a plan, or why the file is not of this format."""

    def read(self, source: Source, plan: Plan, ask: Ask) -> Iterator[Rows | BareRows | RawText | Outside]:
        """Yield the file's rows."""


def as_importer(module: ModuleType) -> Importer:
    """Return a module as the importer that it is."""
    return cast(Importer, module)
