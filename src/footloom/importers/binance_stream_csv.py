"""CSV exports of Binance trade streams, a message a row: ``TimestampOfReceive,Stream,EventType,EventTime,..``.

The last column tells the market: ``M`` stands in spot messages, ``X`` in those of futures. Spot exports of 2025
carry µs, futures ms.
"""

from __future__ import annotations

from collections.abc import Iterator

from footloom.importers import _csv_rules as csv
from footloom.importers._csv import read_csv
from footloom.importers._csv_reference import fields_of
from footloom.importers._csv_words import CsvLayout
from footloom.importers._rows import Ask, Outside, Plan, Rows
from footloom.importers._source import Sample, Source
from footloom.venues._binance import COINM, FUTURES, SPOT, USDM, venue_of

__all__ = ("read", "recognise")

_ROLES = {
    "timestampofreceive": csv.RECV,
    "eventtype": csv.TEXT + 1,
    "transactiontime": csv.TIME,
    "tradetime": csv.TIME,
    "symbol": csv.TEXT,
    "tradeid": csv.ID,
    "aggregatetradeid": csv.ID,
    "aggtradeid": csv.ID,
    "price": csv.PRICE,
    "quantity": csv.QTY,
    "isbuyermarketmaker": csv.MAKER,
    "isbuyermaker": csv.MAKER,
    "xunknownparameter": csv.TEXT + 2,
    "x": csv.TEXT + 2,
}
_NEEDED = {
    csv.RECV: "TimestampOfReceive",
    csv.TEXT + 1: "EventType",
    csv.TIME: "TransactionTime",
    csv.TEXT: "Symbol",
    csv.ID: "TradeId",
    csv.PRICE: "Price",
    csv.QTY: "Quantity",
    csv.MAKER: "IsBuyerMarketMaker",
}
_TAPES = {b"trade": "trade", b"aggTrade": "agg_trade"}


def recognise(sample: Sample) -> Plan | str:
    """Return a plan for an export of a trade stream, or why it is none."""
    lines = [line for line in sample.lines if fields_of(line)]
    header = lines[0] if lines else b""
    names = tuple(name.decode("utf-8", "replace") for name in fields_of(header))
    roles = tuple(_ROLES.get(name.lower(), csv.IGNORED) for name in names)
    missing = [name for role, name in _NEEDED.items() if role not in roles]
    if "Stream" in names and "FirstUpdateId" in names:
        return "an export of depth updates: it holds no trades"
    if missing:
        return f"no header with {', '.join(missing)}"
    if len(set(roles) - {csv.IGNORED}) != sum(role != csv.IGNORED for role in roles):
        return "two columns of its header mean the same"
    first = fields_of(lines[1]) if len(lines) > 1 else []
    event = first[roles.index(csv.TEXT + 1)] if len(first) == len(roles) else b"trade"
    if event not in _TAPES:
        return f"its first row is a message of type {event.decode('utf-8', 'replace')!r}, expected trade or aggTrade"
    symbol = first[roles.index(csv.TEXT)].decode("utf-8", "replace") if len(first) == len(roles) else ""
    venue, why = _market(names, symbol)
    layout = CsvLayout(roles=roles, names=names, header=header, event=event)
    return Plan(
        format=f"CSV export of Binance's {event.decode()} stream",
        venue=venue,
        venue_from=why,
        venues=(SPOT, USDM, COINM),
        rows_say_symbol=True,
        tape=_TAPES[event],
        layout=layout,
    )


def read(source: Source, plan: Plan, ask: Ask) -> Iterator[Rows | Outside]:
    """Yield the file's rows."""
    return read_csv(source, plan, ask)


def _market(names: tuple[str, ...], symbol: str) -> tuple[str, str]:
    lower = {name.lower() for name in names}
    if lower & {"munknownparameter", "m"}:
        return SPOT, "its column M"
    if lower & {"xunknownparameter", "x"}:
        return venue_of(FUTURES, symbol), f"its column X and the symbol {symbol}"
    return "", ""
