"""What a user says about a table's columns, and what a row means by it.

Names of columns may be guessed in a preview; what the words of a side mean is never guessed. Vendors write A, ASK and
BID for the aggressor and for the resting side alike, so such words need `Mapping.buy` and `Mapping.sell`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from footloom.errors import ConfigError
from footloom.importers._records import NotTaken, Record
from footloom.importers._rows import Ask, Plan
from footloom.importers._wall_time import WallClock

__all__ = ("NEEDED", "ROLES", "UNITS", "Mapping", "Reading", "mapping_of", "plan_of", "time_kind")

ROLES: Final = ("ts", "date", "price", "qty", "side", "maker", "id", "symbol")
NEEDED: Final = ("ts", "price", "qty")
UNITS: Final = {"s": "s", "ms": "ms", "us": "µs", "ns": "ns", "iso": "ns"}
_PLAIN_SIDES: Final = {"buy": 1, "sell": -1, "any": 0, "unknown": 0, "none": 0, "": 0}
_MAKER: Final = {"true": -1, "1": -1, "false": 1, "0": 1}
_ISO = re.compile(
    r"(?:(\d{4})-?(\d{2})-?(\d{2})[T ]+)?(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9})\d*)?)?"
    r"\s*(Z|UTC|[+-]\d{2}:?\d{2})?"
)
_SHOWN = 6


class Mapping(msgspec.Struct, frozen=True, kw_only=True):
    """Which column is what.

    ``columns`` maps roles (`ROLES`) to names of columns, or to their numbers from 1 on. ``ts_unit`` is a key of
    `UNITS`. ``buy`` and ``sell`` are the words of the side of the aggressor.
    """

    columns: dict[str, str]
    ts_unit: str = ""
    buy: tuple[str, ...] = ()
    sell: tuple[str, ...] = ()


def mapping_of(text: str, ts_unit: str = "", buy: str = "", sell: str = "") -> Mapping:
    """Return what ``--map ts=..,price=..,qty=..`` and its companions say.

    Raises
    ------
    ConfigError
        A role is unknown, missing or named twice, or a word means both sides.
    """
    columns = _columns(text)
    words = [tuple(filter(None, (word.strip() for word in side.split(",")))) for side in (buy, sell)]
    both = {word.lower() for word in words[0]} & {word.lower() for word in words[1]}
    if both:
        raise ConfigError(f"--side-buy and --side-sell both claim {', '.join(sorted(both))}")
    if any(words) and not all(words):
        raise ConfigError("say both --side-buy and --side-sell: of one of them alone the other does not follow")
    if any(words) and "side" not in columns:
        raise ConfigError("--side-buy and --side-sell need a column: add side=COLUMN to --map")
    if ts_unit and ts_unit not in UNITS:
        raise ConfigError(f"--ts-unit {ts_unit}: units are {', '.join(UNITS)}")
    return Mapping(columns=columns, ts_unit=ts_unit, buy=words[0], sell=words[1])


def _columns(text: str) -> dict[str, str]:
    columns: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        role, equals, name = (piece.strip() for piece in part.partition("="))
        if role not in ROLES or not equals or not name:
            raise ConfigError(f"--map: {part!r} is no ROLE=COLUMN; roles are {', '.join(ROLES)}")
        if role in columns:
            raise ConfigError(f"--map: {role} is named twice, as {columns[role]} and {name}")
        columns[role] = name
    missing = [role for role in NEEDED if role not in columns]
    if missing:
        raise ConfigError(f"--map says nothing of {', '.join(missing)}: name the columns, as in ts=Time; see --preview")
    if "side" in columns and "maker" in columns:
        raise ConfigError("--map: side and maker say the same in two ways, name one of them")
    return columns


def time_kind(text: str) -> str:
    """Return ``number``, ``iso`` (date and time), ``local`` (that without a zone), ``clock`` (no date) or ``""``."""
    if re.fullmatch(r"\d+(\.\d*)?", text):
        return "number"
    match = _ISO.fullmatch(text)
    if match is None:
        return ""
    if not match[1]:
        return "clock"
    return "iso" if match[8] else "local"


@dataclass(frozen=True)
class Reading:
    """How rows are read: where each role stands, the unit of times, and what the words of the side mean."""

    at: dict[str, int]
    width: int
    unit: str
    sides: dict[str, int]

    def time_of(self, row: Sequence[str]) -> str:
        """Return the text of a row's time, with its date in front where that is a column of its own."""
        time = row[self.at["ts"]]
        return f"{row[self.at['date']]} {time}" if "date" in self.at else time

    def record(self, row: Sequence[str], clock: WallClock | None, ask: Ask) -> Record:
        """Return a row as a record; `NotTaken` where it is none."""
        if len(row) != self.width:
            raise NotTaken("wrong number of columns", f"{len(row)} columns, expected {self.width}")
        at = self.at
        time = self.time_of(row)
        return Record(
            time=str(_iso_ns(time, clock, ask.day)) if self.unit == "iso" else time,
            price=row[at["price"]],
            qty=row[at["qty"]],
            side=self._side(row),
            symbol=row[at["symbol"]] if "symbol" in at else "",
            tape=ask.tape,
            trade_id=row[at["id"]] if "id" in at else "",
        )

    def _side(self, row: Sequence[str]) -> int:
        role = "maker" if "maker" in self.at else "side"
        if role not in self.at:
            return 0
        text = row[self.at[role]]
        side = self.sides.get(text.lower())
        if side is None:
            known = ", ".join(word for word in self.sides if word)
            raise NotTaken("side is not readable", f"side is {text[:40]!r}, expected {known}")
        return side


def plan_of(mapping: Mapping, names: Sequence[str], rows: Sequence[Sequence[str]], what: str, *, header: bool) -> Plan:
    """Return the plan for a table of some columns, by what its first rows hold.

    Raises
    ------
    ConfigError
        A column is not there, or a flag is missing.
    """
    at = {role: _position(role, column, names) for role, column in mapping.columns.items()}
    whole = [row for row in rows if len(row) == len(names)]
    reading = Reading(at, len(names), _unit(mapping, at, whole), _sides(mapping, at, whole))
    if "id" in at and whole and not whole[0][at["id"]].isdigit():
        raise ConfigError(
            f"column {names[at['id']]} holds {whole[0][at['id']]!r}, which is no whole number: leave id out of --map"
        )
    kinds = {time_kind(reading.time_of(row)) for row in whole} if reading.unit == "iso" else set()
    told = ", ".join(f"{role} is {names[column] if header else column + 1}" for role, column in at.items())
    notes = [f"columns as told: {told}; times in {reading.unit}"]
    if not {"side", "maker"} & at.keys():
        notes.append("no side is told: all volume is unknown")
    return Plan(
        format=what,
        rows_say_symbol="symbol" in at,
        tape="trade",
        takes_tape=True,
        ids="id" in at,
        needs_zone=bool({"local", "clock"} & kinds),
        needs_day="clock" in kinds,
        notes=tuple(notes),
        layout=reading,
    )


def _position(role: str, column: str, names: Sequence[str]) -> int:
    if column in names:
        return list(names).index(column)
    alike = [at for at, name in enumerate(names) if name.lower() == column.lower()]
    if len(alike) == 1:
        return alike[0]
    if column.isdigit() and 0 < int(column) <= len(names):
        return int(column) - 1
    raise ConfigError(f"--map {role}={column}: there is no such column; there are {', '.join(names)}")


def _unit(mapping: Mapping, at: dict[str, int], rows: Sequence[Sequence[str]]) -> str:
    example = rows[0][at["ts"]] if rows else ""
    number = time_kind(example) == "number" and "date" not in at
    if mapping.ts_unit:
        if number == (mapping.ts_unit == "iso"):
            wanted = "a number" if number else "no number"
            raise ConfigError(f"--ts-unit {mapping.ts_unit}, but the first time is {example!r}, which is {wanted}")
        return mapping.ts_unit
    if number:
        raise ConfigError(
            f"the first time is {example!r}, and no unit is told: add --ts-unit s, ms, us or ns; see --preview"
        )
    return "iso"


def _sides(mapping: Mapping, at: dict[str, int], rows: Sequence[Sequence[str]]) -> dict[str, int]:
    if "maker" in at:
        return _MAKER
    if mapping.buy:
        told = {word.lower(): 1 for word in mapping.buy} | {word.lower(): -1 for word in mapping.sell}
        return {word: side for word, side in _PLAIN_SIDES.items() if side == 0} | told
    if "side" in at:
        strange = sorted({row[at["side"]] for row in rows if row[at["side"]].lower() not in _PLAIN_SIDES})
        if strange:
            words = ", ".join(repr(word[:20]) for word in strange[:_SHOWN])
            raise ConfigError(
                f"the side is {words}, which vendors use in opposite ways: say who crossed the spread, with --side-buy"
                " and --side-sell"
            )
    return _PLAIN_SIDES


def _iso_ns(text: str, clock: WallClock | None, day: dt.date | None) -> int:
    match = _ISO.fullmatch(text)
    if match is None:
        raise NotTaken("time is not readable", f"time is {text[:40]!r}, expected such as 2025-01-01T09:30:00.123Z")
    year, month, date, hours, minutes, seconds, fraction, offset = match.groups()
    try:
        own = dt.date(int(year), int(month), int(date)) if year else day
        time = dt.time(int(hours), int(minutes), int(seconds or 0))
    except ValueError as error:
        raise NotTaken("time is not readable", f"time is {text[:40]!r}: {error}") from None
    of_day = ((time.hour * 60 + time.minute) * 60 + time.second) * 1_000_000_000 + int((fraction or "0").ljust(9, "0"))
    if own is None:
        raise NotTaken("time is not readable", f"time is {text[:40]!r}, without a date")
    if offset:
        return (own.toordinal() - _EPOCH) * 86_400_000_000_000 + of_day - _offset_ns(offset)
    if clock is None:
        raise NotTaken("time is not readable", f"time is {text[:40]!r}, without a zone as others have it")
    return clock.ns(own, of_day)


_EPOCH = dt.date(1970, 1, 1).toordinal()


def _offset_ns(text: str) -> int:
    if text in {"Z", "UTC"}:
        return 0
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return (minutes if text[0] == "+" else -minutes) * 60_000_000_000
