"""An option chain as NSE's web page exports it: calls to the left of the strike, puts to the right, by position.

The names of columns come twice, so that only their place tells whose they are. Open interest, its change and volume
are contracts, quantities of the quote units; ``-`` says nothing. The day of expiry stands in the file's name alone, and
the moment nowhere.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from footloom.core.chains import CALL, CHAIN, PUT, quote_side, source_code
from footloom.core.snapshots import NO_QUOTE
from footloom.importers._chain import (
    CALENDAR,
    LOT,
    TICK,
    VENUE,
    ChainRows,
    expiry_of,
    lot_of,
    signed_units,
    strike_of,
    units,
)
from footloom.importers._exact import Refused, Units, count_refused, units_of
from footloom.importers._rows import Ask, BareRows, Outside, Plan
from footloom.importers._source import Sample, Source

__all__ = ("read", "recognise")

_NAME = re.compile(r"option-chain-ED-(?P<symbol>[A-Z0-9&-]+?)-(?P<expiry>\d\d-[A-Za-z]{3}-\d{4})", re.IGNORECASE)
_WIDTH, _STRIKE = 23, 11
# Places of what a call says; a put's are their mirror image.
_CALLS: Final = {"oi": 1, "change": 2, "volume": 3, "iv": 4, "ltp": 5, "bid_qty": 7, "bid": 8, "ask": 9, "ask_qty": 10}
_PUTS: Final = {
    "oi": 21,
    "change": 20,
    "volume": 19,
    "iv": 18,
    "ltp": 17,
    "bid_qty": 12,
    "bid": 13,
    "ask": 14,
    "ask_qty": 15,
}
_NOTHING = frozenset(("", "-"))
_SOURCE = source_code("nse_export")
_PERCENT = Units(6, 1, "IV")  # percent to 10^-8 of one

SILENT = "options of which nothing is said"
NO_BASELINE = "changes larger than the open interest itself: no baseline"


def recognise(sample: Sample) -> Plan | str:
    """Return a plan for such an export, or why the file is none."""
    rows = [_cells(line) for line in sample.lines[:2]]
    if len(rows) < 2 or len(rows[1]) <= _STRIKE or rows[1][_STRIKE].upper() not in {"STRIKE", "STRIKE PRICE"}:
        return f"no second line with STRIKE as its column {_STRIKE + 1}"
    if "CALLS" not in (cell.upper() for cell in rows[0]):
        return "no first line of CALLS and PUTS"
    named = next((found for name in sample.names if (found := _NAME.search(name))), None)
    if named is None:
        return "its name does not say underlying and expiry, as option-chain-ED-NIFTY-09-Dec-2025.csv does"
    return Plan(
        format="option chain of NSE's web page",
        venue=VENUE,
        venue_from="its columns",
        symbol=named["symbol"].upper(),
        tape=CHAIN,
        ids=False,
        grid=(TICK, LOT),
        takes_lot=True,
        needs_instant=True,
        calendar=CALENDAR,
        layout=named["expiry"].title(),
        notes=("numbers of lots are kept as units",),
    )


def read(source: Source, plan: Plan, ask: Ask) -> Iterator[BareRows | Outside]:
    """Yield the file's rows."""
    assert ask.at_ns is not None
    prices, _ = units_of(ask.grid(plan.venue, plan.symbol, ask.at_ns))
    reader = _Reader(plan, ask, prices)
    for block in source.blocks():
        for k, text in enumerate(block.texts()):
            reader.take(block.first_line + k, text)
    yield reader.chain.block()


class _Reader:
    def __init__(self, plan: Plan, ask: Ask, prices: Units) -> None:
        self.ask, self.symbol, self.expiry, self.prices = ask, plan.symbol, str(plan.layout), prices
        self.chain = ChainRows(plan.venue, plan.symbol)
        self.strikes: set[int] = set()

    def take(self, line: int, text: bytes) -> None:
        row = _cells(text)
        if line <= 2 or not any(row):
            return
        try:
            self._row(line, row)
        except Refused as refused:
            count_refused(self.chain.dropped, refused, line, text, "")

    def _row(self, line: int, row: list[str]) -> None:
        if len(row) not in {_WIDTH, _WIDTH - 1}:
            raise Refused("another number of columns", f"{len(row)} columns, expected {_WIDTH}")
        day, expiry_ns = expiry_of(self.expiry)
        if self.ask.at_ns is not None and expiry_ns <= self.ask.at_ns:
            raise Refused(
                "expired before its moment", f"its options expired on {day}, before the moment that --at says"
            )
        lot = lot_of(self.symbol, day, self.ask.market_lot)
        strike = strike_of(_plain(row[_STRIKE]).encode(), self.prices)
        if strike in self.strikes:
            raise Refused("a strike stands twice", f"{row[_STRIKE][:40]} stood on an earlier line")
        both = [self._side(row, places, lot) for places in (_CALLS, _PUTS)]
        self.strikes.add(strike)
        self.chain.lines += 1
        for side, said in zip((CALL, PUT), both, strict=True):
            if all(value == NO_QUOTE for value in said.values()):
                self.chain.counted[SILENT] += 1
            self.chain.add(
                self.ask.at_ns or 0, line, side=side, expiry_ns=expiry_ns, strike_tick=strike, source=_SOURCE, **said
            )

    def _side(self, row: list[str], places: dict[str, int], lot: int) -> dict[str, int]:
        text = {name: row[place] for name, place in places.items()}
        counted: Counter[str] = self.chain.counted
        oi, volume = units((text["oi"], text["volume"]), lot, "OI or VOLUME", counted)
        change = signed_units(text["change"], lot, "CHNG IN OI", counted)
        before = NO_QUOTE
        if change is not None and oi != NO_QUOTE and change > oi:
            counted[NO_BASELINE] += 1
        elif change is not None and oi != NO_QUOTE:
            before = oi - change
        bid_qty, ask_qty = units((text["bid_qty"], text["ask_qty"]), 1, "BID QTY or ASK QTY", counted)
        bid, ask = self._price(text["bid"]), self._price(text["ask"])
        return {
            "oi_lot": oi,
            "prev_oi_lot": before,
            "volume_lot": volume,
            "iv_e8": NO_QUOTE if text["iv"] in _NOTHING else _PERCENT.of(_plain(text["iv"]).encode()),
            "ltp_tick": self._price(text["ltp"]),
            **_quote("bid", bid, bid_qty),
            **_quote("ask", ask, ask_qty),
        }

    def _price(self, text: str) -> int:
        return NO_QUOTE if text in _NOTHING else self.prices.of(_plain(text).encode())


def _quote(name: str, price: int, quantity: int) -> dict[str, int]:
    tick, lot = quote_side(price, quantity)
    return {f"{name}_tick": tick, f"{name}_lot": lot}


def _cells(line: bytes) -> list[str]:
    text = line.decode("utf-8", "backslashreplace").strip("\r\n")
    rows: list[Any] = list(csv.reader([text])) if text.strip() else []
    return [cell.strip() for cell in rows[0]] if rows else []


def _plain(text: str) -> str:
    return text.replace(",", "")
