"""What formats of option chains share: the rows of one underlying, and contracts as whole units."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

import msgspec
import numpy as np

from footloom.core.chains import CHAIN, nse_expiry_ns
from footloom.core.nse_lots import units_a_lot
from footloom.core.series import KINDS
from footloom.core.snapshots import NO_QUOTE
from footloom.errors import DataError
from footloom.importers._csv_words import shown
from footloom.importers._exact import Refused, Units, number
from footloom.importers._rows import BareRows, Dropped, Silence

__all__ = (
    "ALIKE",
    "CALENDAR",
    "DIFFERENT",
    "FRACTION",
    "LOT",
    "MADE",
    "TICK",
    "VENUE",
    "ChainRows",
    "expiry_of",
    "lot_of",
    "signed_units",
    "strike_of",
    "units",
)

VENUE: Final = "nse"
CALENDAR: Final = "nse_fo"
TICK, LOT = Decimal("0.01"), Decimal(1)  # of prices of options and of indices; one unit
COLUMNS: Final = KINDS[CHAIN].columns

MADE = "rows of calls, puts and underlyings that these make"
ALIKE = "the same row under another id"
DIFFERENT = "another row of its minute and strike with other values: the highest id stands"
FRACTION = "numbers of lots with a fraction, that are whole units"

_COARSEST = Decimal("0.01")  # units: a fraction of a lot that is written less finely may mean several whole numbers
_MOST = Decimal(2**53)


@dataclass
class ChainRows:
    """Gathers rows of one underlying and gives them as a block; a row is time, line, and the columns of the tape."""

    venue: str
    symbol: str
    rows: list[tuple[int, ...]] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)
    dropped: dict[str, Dropped] = field(default_factory=dict)
    gaps: list[Silence] = field(default_factory=list)
    lines: int = 0  # of the file, that the rows were made of

    def drop(self, reason: str, line: int, text: bytes, detail: str, *, defect: bool = True) -> None:
        """Count a row that is not taken; the first of a reason is the example."""
        known = self.dropped.get(reason)
        if known is None:
            self.dropped[reason] = Dropped(reason, 1, line, shown(text), detail, defect)
        else:
            self.dropped[reason] = dataclasses.replace(known, count=known.count + 1)

    def add(self, at_ns: int, line: int, **said: int) -> None:
        """Take a row; columns that are not named were not said."""
        self.rows.append((at_ns, line, *(said.get(name, NO_QUOTE) for name in COLUMNS)))

    def block(self) -> BareRows:
        """Return what was taken since the last time, in the order of time."""
        table = np.array(self.rows, np.int64).reshape(-1, 2 + len(COLUMNS))
        table = table[np.argsort(table[:, 0], kind="stable")]
        columns = {name: np.ascontiguousarray(table[:, 2 + i]) for i, name in enumerate(COLUMNS)}
        times = np.ascontiguousarray(table[:, 0])
        self.counted[MADE] += len(table)
        made = BareRows(
            venue=self.venue,
            symbol=self.symbol,
            tape=CHAIN,
            line=np.ascontiguousarray(table[:, 1]),
            columns={"ts_exch_ns": times, "ts_recv_ns": times.copy(), **columns},
            dropped=list(self.dropped.values()),
            counted=+self.counted,
            gaps=self.gaps,
            lines=self.lines,
        )
        self.lines = 0
        self.rows, self.counted, self.dropped, self.gaps = [], Counter(), {}, []
        return made


@functools.lru_cache(maxsize=1_024)
def expiry_of(text: str) -> tuple[dt.date, int]:
    """Return the day that a text such as ``09-Dec-2025`` names, and the instant of that day at which options end.

    Raises
    ------
    Refused
        It is no day, or one on which NSE does not trade.
    """
    try:
        day = dt.datetime.strptime(text.strip(), "%d-%b-%Y").date()  # noqa: DTZ007 - a date has no zone
        return day, nse_expiry_ns(day)
    except ValueError:
        raise Refused("expiry is no day", f"expiry_date is {text[:40]!r}: write it as 09-Dec-2025") from None
    except DataError as error:
        raise Refused("expiry on a day without trading", str(error)) from None


def lot_of(symbol: str, expiry: dt.date, asked: int | None) -> int:
    """Return how many units a lot is: what the user says, else what is known for that expiry.

    Raises
    ------
    Refused
        Nobody knows.
    """
    known = asked or units_a_lot(symbol, expiry)
    if known is None:
        raise Refused(
            "lot size unknown",
            f"how many units a lot of {symbol} is that expires on {expiry} is not known: say it with --market-lot",
        )
    return known


def strike_of(raw: bytes | msgspec.Raw, prices: Units) -> int:
    """Return a strike in ticks.

    Raises
    ------
    Refused
        It is no number above zero, or off the grid.
    """
    value = number(raw)
    if value is None or value <= 0:
        raise Refused("no strike", f"the strike is {shown(bytes(raw)) or 'empty'}: it must be a number above zero")
    return prices.of(raw)


def units(texts: Sequence[str], lot: int, what: str, counted: Counter[str]) -> list[int]:
    """Return numbers of lots as whole units, `NO_QUOTE` for those that say nothing.

    Raises
    ------
    Refused
        One is below zero, no number, or no whole number of units.
    """
    found = []
    for text in texts:
        value = signed_units(text, lot, what, counted)
        if value is not None and value < 0:
            raise Refused("number below zero", f"{what} is {text.strip()[:40]}: below zero")
        found.append(NO_QUOTE if value is None else value)
    return found


def signed_units(text: str, lot: int, what: str, counted: Counter[str]) -> int | None:
    """Return a number of lots as whole units, None where it says nothing.

    A fraction of a lot is a binary float that divided units by another lot: it is taken where its digits leave one
    whole number only.

    Raises
    ------
    Refused
        It is no number, or no whole number of units.
    """
    plain = text.strip().replace(",", "")
    if plain in {"", "-"}:
        return None
    value = number(plain.encode())
    if value is None:
        raise Refused(f"{what} is no number", f"{what} is {text.strip()[:40]!r}: no decimal number")
    if abs(value) * lot >= _MOST:
        raise Refused("number too large", f"{what} is {text.strip()[:40]}: too large")
    exact = value * lot
    whole = exact.to_integral_value()
    if value != value.to_integral_value():
        digit = Decimal(1).scaleb(int(value.as_tuple().exponent)) * lot
        if digit > _COARSEST or abs(exact - whole) > digit:
            raise Refused("no whole number of units", f"{what} is {value} lots of {lot}: {exact} is no number of units")
        counted[FRACTION] += 1
    return int(whole)
