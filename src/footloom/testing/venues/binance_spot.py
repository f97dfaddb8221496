"""Binance spot on this machine (its documentation of 2026): streams in ms or µs, REST, archive."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from footloom.testing.venues._binance import Binance
from footloom.testing.venues._binance_socket import Rules
from footloom.testing.venues._grid import Row
from footloom.testing.venues.dialect import Out
from footloom.testing.venues.wire import Call

__all__ = ("Local",)

_MS = 1_000_000
_MICROSECONDS_FROM_MS = 1_735_689_600_000  # archive files count microseconds from 2025-01-01 on


class Local(Binance):
    """The venue. ``timeUnit=MICROSECOND`` is answered in ms: the market has no finer times."""

    venue = "binance_spot"
    rules = Rules(20.0, 60.0, 5)
    speeds = (100, 1000)
    usual_speed = 1000
    beat_ns = 100 * _MS
    id_step = 1
    weight_limit = 6000
    prefix = "/api/v3"
    archive = "spot"
    single_extra: Mapping[str, object] = {"isBestMatch": True}

    # --- streams ---

    def agg_trade(self, symbol: str, row: Row) -> str:
        """Return an aggregate trade as its stream has it."""
        a, ms, p, q, m = row
        return (
            f'{{"e":"aggTrade","E":{ms + 2},"s":"{symbol}","a":{a},"p":"{p}","q":"{q}","f":{a},"l":{a},"T":{ms},'
            f'"m":{"true" if m else "false"},"M":true}}'
        )

    def single_trade(self, symbol: str, row: Row) -> str:
        """Return a single trade as its stream has it."""
        t, ms, p, q, m = row
        return (
            f'{{"e":"trade","E":{ms + 2},"s":"{symbol}","t":{t},"p":"{p}","q":"{q}","T":{ms},'
            f'"m":{"true" if m else "false"},"M":true}}'
        )

    def beat(self, at_ns: int) -> Sequence[Out]:
        """Return books and best quotes that are due."""
        outs = self.depth_outs(at_ns)
        for symbol, listing in self.place.market.listings.items():
            channel = f"{symbol.lower()}@bookTicker"
            if channel in self.place.channels and (best := self.new_best(channel, listing)):
                outs.append(Out(channel, msgspec.json.encode(best), "quote", f"quote/{channel}/{at_ns}".encode()))
        return outs

    def depth_payload(
        self,
        symbol: str,
        taken: tuple[int, int, int, list[tuple[int, int]], list[tuple[int, int]]],
        levels: int,
        at_ns: int,
    ) -> bytes:
        """Return the text of a diff, or with ``levels`` of a partial book."""
        first, last, _, bids, asks = taken
        grid = self.grids[symbol]
        if levels:
            bids, asks = self.place.market.listings[symbol].levels(levels)
            return msgspec.json.encode({"lastUpdateId": last, "bids": grid.levels(bids), "asks": grid.levels(asks)})
        diff = {"e": "depthUpdate", "E": at_ns // _MS + 2, "s": symbol, "U": first, "u": last}
        return msgspec.json.encode({**diff, "b": grid.levels(bids), "a": grid.levels(asks)})

    # --- calls ---

    def handlers(self) -> Mapping[str, Callable[[Call], object]]:
        """Return who answers which path."""
        return {**super().handlers(), "/historicalTrades": self.single_trades, "/trades": self.single_trades}

    def weight(self, name: str, call: Call) -> int:
        """Return what a call costs."""
        if name == "/depth":
            limit = int(call.query.get("limit", 100))
            return next(cost for most, cost in ((100, 5), (500, 25), (1000, 50), (10**9, 250)) if limit <= most)
        return {"/aggTrades": 4, "/historicalTrades": 25, "/trades": 25, "/exchangeInfo": 20}.get(name, 1)

    def own_words(self, symbol: str, quote: str) -> dict[str, Any]:  # noqa: ARG002 - the same of all
        """Return what only spot says of a symbol."""
        return {
            "baseAssetPrecision": 8,
            "quotePrecision": 8,
            "quoteAssetPrecision": 8,
            "orderTypes": ["LIMIT", "MARKET"],
            "isSpotTradingAllowed": True,
            "permissions": [],
            "permissionSets": [["SPOT"]],
            "filters": [{"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True}],
        }

    def agg_row(self, row: Row) -> dict[str, object]:
        """Return an aggregate trade as REST has it."""
        number, ms, price, qty, maker = row
        return {"a": number, "p": price, "q": qty, "f": number, "l": number, "T": ms, "m": maker, "M": True}

    def archive_csv(self, rows: Sequence[Row]) -> str:
        """Return a day as the text of an archive file: without a header, in microseconds from 2025 on."""
        lines = [
            f"{a},{p},{q},{a},{a},{ms * 1000 if ms >= _MICROSECONDS_FROM_MS else ms},{m},True"
            for a, ms, p, q, m in rows
        ]
        return "\n".join([*lines, ""])
