"""A SQLite database of finished footprints: table ``candles`` with prices, and levels as JSON, a row a bar.

Such databases are kept by footprint charts that throw the ticks away: levels are ``[{"price": .., "bidVol": ..,
"askVol": ..}]``, sells stand in ``bidVol``, and prices are rounded to the program's own rows.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from footloom.core.sessions import calendar
from footloom.importers._csv_rules import EARLIEST_S, LATEST_S, UNITS
from footloom.importers._exact import Refused, count_refused
from footloom.importers._finished import Bar, FinishedBars, Level, missing_session_ns, tape_of, texts
from footloom.importers._rows import Ask, BareRows, Dropped, Outside, Plan, Silence
from footloom.importers._source import Sample, Source

__all__ = ("KIND", "read", "recognise")

KIND = "sqlite"
_TAPE = "finished:sqlite"
_CALENDAR = "nse_fo"
_TABLE = "candles"
_NEEDED = ("instrument_token", "timestamp", "open", "high", "low", "close", "footprint_json")
_ROWS_A_BLOCK = 4_096
_SECOND_NS = 1_000_000_000


class _Level(msgspec.Struct):
    price: msgspec.Raw
    bidVol: msgspec.Raw = msgspec.Raw(b"0")  # noqa: N815 - the program's names
    askVol: msgspec.Raw = msgspec.Raw(b"0")  # noqa: N815


_decode = msgspec.json.Decoder(list[_Level]).decode


def recognise(sample: Sample) -> Plan | str:
    """Return a plan for such a database, or why the file is none."""
    try:
        with _opened(sample.path) as database:
            columns = [row[1] for row in database.execute(f"PRAGMA table_info({_TABLE})")]
    except sqlite3.Error as error:
        return f"it cannot be read: {error}"
    missing = [name for name in _NEEDED if name not in columns]
    if missing:
        return f"no table {_TABLE} with {', '.join(missing)}"
    return Plan(
        format="SQLite database of finished footprints",
        rows_say_symbol=True,
        tape=_TAPE,
        takes_tape=True,
        ids=False,
        own_grid=True,
        calendar=_CALENDAR,
        notes=(
            "finished footprints are no tape: they are kept as they came, with that program's rows and sides",
            f"sessions are taken to be those of {_CALENDAR}",
        ),
    )


def read(source: Source, plan: Plan, ask: Ask) -> Iterator[BareRows | Outside]:
    """Yield the file's rows."""
    reader = _Reader(plan, ask)
    outside = Outside()
    try:
        with _opened(source.path) as database:
            lengths = _usual_lengths(database)
            rows = database.execute(
                f"SELECT rowid, {', '.join(_NEEDED)} FROM {_TABLE} ORDER BY instrument_token, timestamp"  # noqa: S608 - our own names
            )
            while some := rows.fetchmany(_ROWS_A_BLOCK):
                for row in some:
                    reader.take(_Candle(*row), lengths)
                yield from reader.blocks()
    except sqlite3.Error as error:
        source.damage = f"the database is damaged ({error}): what was read before is kept"
    yield from reader.blocks()
    outside.other, outside.dropped = reader.other, list(reader.lost.values())
    yield outside


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    # For reading only, and as it lies there: not even a journal beside it is touched.
    database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        database.text_factory = lambda raw: raw.decode("utf-8", "backslashreplace")
        yield database
    finally:
        database.close()


# How long the bars of each instrument are, as most of them follow each other: the table does not say it.
def _usual_lengths(database: sqlite3.Connection) -> dict[str, int]:
    steps: dict[str, Counter[int]] = {}
    before: tuple[str, object] = ("", None)
    query = f"SELECT instrument_token, timestamp FROM {_TABLE} ORDER BY instrument_token, timestamp"  # noqa: S608
    for token, time in database.execute(query):
        if token == before[0] and isinstance(time, int) and isinstance(before[1], int):
            steps.setdefault(str(token), Counter())[time - before[1]] += 1
        before = (token, time)
    return {token: counts.most_common(1)[0][0] for token, counts in steps.items()}


@dataclass(slots=True)
class _Candle:
    row: int
    token: object
    timestamp: object
    open: object
    high: object
    low: object
    close: object
    levels: object


class _Reader:
    def __init__(self, plan: Plan, ask: Ask) -> None:
        self.plan = plan
        self.ask = ask
        self.tape = tape_of(ask.tape, plan.tape)
        self.calendar = calendar(plan.calendar)
        self.bars: dict[str, FinishedBars] = {}
        self.before: dict[str, tuple[int, int]] = {}
        self.numbers: Counter[str] = Counter()
        self.other: Counter[str] = Counter()
        self.lost: dict[str, Dropped] = {}

    def blocks(self) -> Iterator[BareRows]:
        for bars in self.bars.values():
            yield bars.block()

    def take(self, candle: _Candle, lengths: dict[str, int]) -> None:
        symbol = str(candle.token)
        if self.ask.symbol not in {"", symbol}:
            self.other[f"bars of {symbol}"] += 1
            return
        self.numbers[symbol] += 1
        try:
            open_ns = _seconds(candle.timestamp) * _SECOND_NS
            close_ns = open_ns + lengths.get(symbol, 0) * _SECOND_NS
            prices = _four(candle)
            levels = _levels(candle)
        except Refused as refused:
            where = f"row {candle.row} of {_TABLE}"
            dropped = self.bars[symbol].dropped if symbol in self.bars else self.lost
            count_refused(dropped, refused, candle.row, f"{candle}".encode(), where)
            return
        if symbol not in self.bars:
            venue = self.plan.venue or self.ask.venue
            grid = self.ask.grid(venue, symbol, open_ns)
            self.bars[symbol] = FinishedBars(venue, symbol, self.tape, grid)
        self._note_gap(symbol, open_ns, close_ns, candle.row)
        values = (candle.token, candle.timestamp, candle.open, candle.high, candle.low, candle.close)
        text = ", ".join(map(str, values)).encode()
        self.bars[symbol].take(Bar(open_ns, close_ns, self.numbers[symbol], prices, levels, candle.row, text))

    def _note_gap(self, symbol: str, open_ns: int, close_ns: int, row: int) -> None:
        if symbol in self.before:
            reached, line = self.before[symbol]
            if missing_session_ns(self.calendar, reached, open_ns):
                self.bars[symbol].gaps.append(Silence(reached, open_ns, line, row, "no bars"))
        self.before[symbol] = (close_ns, row)


def _seconds(value: object) -> int:
    if not isinstance(value, int):
        raise Refused("timestamp is no time", f"timestamp is {value!r}: no time in s since 1970")
    if EARLIEST_S <= value < LATEST_S:
        return value
    fits = [unit for power, unit in enumerate(UNITS) if EARLIEST_S <= value / 1000**power < LATEST_S]
    unit = f"a time in {fits[0]}" if fits else "no time between 2009 and 2100 in any unit"
    raise Refused("timestamp in another unit", f"timestamp is {value}: {unit}, expected s")


def _four(candle: _Candle) -> tuple[bytes, bytes, bytes, bytes]:
    first, high, low, last = texts((candle.open, candle.high, candle.low, candle.close))
    return first, high, low, last


def _levels(candle: _Candle) -> list[Level]:
    if not isinstance(candle.levels, str):
        raise Refused("a bar without footprint_json", f"footprint_json is {candle.levels!r}", defect=False)
    try:
        found = _decode(candle.levels)
    except msgspec.MsgspecError as error:
        raise Refused("footprint_json is not readable", f"footprint_json is not as expected: {error}") from None
    return [Level(bytes(one.price), bytes(one.bidVol), bytes(one.askVol), candle.row) for one in found]
