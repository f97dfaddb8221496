"""Binance USD-M futures on this machine (its documentation of 2026): routes, streams, REST, archive."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from footloom.core.trades import Trades
from footloom.testing.venues._binance import Binance, csv_bool, failure
from footloom.testing.venues._binance_socket import Rules
from footloom.testing.venues._grid import Row
from footloom.testing.venues.dialect import Out
from footloom.testing.venues.market import Listing
from footloom.testing.venues.wire import Call, Reply

__all__ = ("Local",)

_MS = 1_000_000
_SECOND = 1_000_000_000
_EIGHT_HOURS_MS = 8 * 3_600_000
_PUBLIC = ("depth", "bookTicker", "rpiDepth", "trade")
_LIQUIDATED_EACH = 997  # each trade with such an id closes somebody's position by force
_HEADER = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker"


def _is_public(stream: str) -> bool:
    name = stream.lstrip("!").partition("@")[2] or stream.lstrip("!")
    return any(name == one or name.startswith((one + "@", one + "5", one + "1", one + "2")) for one in _PUBLIC)


class Local(Binance):
    """The venue."""

    venue = "binance_usdm"
    rules = Rules(180.0, 600.0, 10)
    speeds = (100, 250, 500)
    usual_speed = 250
    beat_ns = 50 * _MS
    id_step = 3
    weight_limit = 2400
    prefix = "/fapi/v1"
    archive = "futures/um"
    has_routes = True
    single_extra: Mapping[str, object] = {"isRPITrade": False}
    oldest_ns = 48 * 3600 * _SECOND

    def serves(self, route: str, stream: str) -> bool:
        """Say whether data of a stream comes on a route: the old root has only what is public, since 2026-04-23."""
        return route != "private" and _is_public(stream) is (route != "market")

    # --- streams ---

    def trades(self, listing: Listing, rows: Trades) -> Sequence[Out]:
        """Return the messages of what was traded, liquidations among them."""
        outs = list(super().trades(listing, rows))
        for channel in (f"{listing.symbol.lower()}@forceOrder", "!forceOrder@arr"):
            if channel in self.place.channels:
                made = self.grids[listing.symbol].rows(rows)
                outs += [_force_order(channel, listing.symbol, row) for row in made if row[0] % _LIQUIDATED_EACH == 0]
        return outs

    def agg_trade(self, symbol: str, row: Row) -> str:
        """Return an aggregate trade as its stream has it."""
        a, ms, p, q, m = row
        return (
            f'{{"e":"aggTrade","E":{ms + 2},"s":"{symbol}","a":{a},"p":"{p}","q":"{q}","nq":"{q}","f":{3 * a},"l":'
            f'{3 * a + 1},"T":{ms},"m":{"true" if m else "false"},"st":1}}'
        )

    def single_trade(self, symbol: str, row: Row) -> str:
        """Return a single trade as its stream has it."""
        t, ms, p, q, m = row
        return (
            f'{{"e":"trade","E":{ms + 2},"T":{ms},"s":"{symbol}","t":{t},"p":"{p}","q":"{q}","X":"MARKET",'
            f'"m":{"true" if m else "false"},"st":1}}'
        )

    def beat(self, at_ns: int) -> Sequence[Out]:
        """Return books, best quotes and marks that are due."""
        outs = self.depth_outs(at_ns) if at_ns % (100 * _MS) == 0 else []
        for symbol, listing in self.place.market.listings.items():
            for channel in (f"{symbol.lower()}@bookTicker", "!bookTicker"):
                if channel in self.place.channels:
                    outs += self._ticker(channel, listing, at_ns)
            for channel, every in ((f"{symbol.lower()}@markPrice@1s", 1), (f"{symbol.lower()}@markPrice", 3)):
                if channel in self.place.channels and at_ns % (every * _SECOND) == 0:
                    payload = msgspec.json.encode(
                        {"e": "markPriceUpdate", "E": at_ns // _MS, **self._mark(listing), "st": 1}
                    )
                    outs.append(Out(channel, payload, "mark", f"mark/{channel}/{at_ns}".encode()))
        for channel, every in (("!markPrice@arr@1s", 1), ("!markPrice@arr", 3)):
            if channel in self.place.channels and at_ns % (every * _SECOND) == 0:
                rows = [
                    {"e": "markPriceUpdate", "E": at_ns // _MS, **self._mark(one), "st": 1}
                    for one in self.place.market.listings.values()
                ]
                outs.append(Out(channel, msgspec.json.encode(rows), "mark", f"mark/{channel}/{at_ns}".encode()))
        return outs

    def _ticker(self, channel: str, listing: Listing, at_ns: int) -> list[Out]:
        best = self.new_best(channel, listing)
        if not best:
            return []
        times = {"T": at_ns // _MS, "E": at_ns // _MS + 1, "st": 1}
        payload = msgspec.json.encode({"e": "bookTicker", **best, "ps": listing.symbol, **times})
        return [Out(channel, payload, "quote", f"quote/{channel}/{listing.symbol}/{at_ns}".encode())]

    def depth_payload(
        self,
        symbol: str,
        taken: tuple[int, int, int, list[tuple[int, int]], list[tuple[int, int]]],
        levels: int,
        at_ns: int,
    ) -> bytes:
        """Return the text of a diff, or with ``levels`` of a partial book."""
        first, last, previous, bids, asks = taken
        if levels:
            bids, asks = self.place.market.listings[symbol].levels(levels)
        grid = self.grids[symbol]
        return msgspec.json.encode(
            {
                "e": "depthUpdate",
                "E": at_ns // _MS + 2,
                "T": at_ns // _MS,
                "s": symbol,
                "ps": symbol,
                "U": first,
                "u": last,
                "pu": previous,
                "b": grid.levels(bids),
                "a": grid.levels(asks),
                "st": 1,
            }
        )

    # --- calls ---

    def handlers(self) -> Mapping[str, Callable[[Call], object]]:
        """Return who answers which path."""
        return {
            **super().handlers(),
            "/trades": self.single_trades,
            "/historicalTrades": self._historical,
            "/openInterest": self._open_interest,
            "/premiumIndex": self._premium_index,
        }

    def weight(self, name: str, call: Call) -> int:
        """Return what a call costs."""
        if name == "/depth":
            limit = int(call.query.get("limit", 500))
            return next(cost for most, cost in ((50, 2), (100, 5), (500, 10), (10**9, 20)) if limit <= most)
        return {"/aggTrades": 20, "/trades": 5, "/historicalTrades": 200}.get(name, 1)

    def own_words(self, symbol: str, quote: str) -> dict[str, Any]:
        """Return what only USD-M says of a symbol."""
        return {
            "pair": symbol,
            "contractType": "PERPETUAL",
            "deliveryDate": 4_133_404_800_000,
            "onboardDate": 1_569_398_400_000,
            "marginAsset": quote,
            "pricePrecision": 8,
            "quantityPrecision": 8,
            "underlyingType": "COIN",
            "filters": [
                {
                    "filterType": "MARKET_LOT_SIZE",
                    "minQty": self.grids[symbol].lot_size,
                    "maxQty": "120",
                    "stepSize": self.grids[symbol].lot_size,
                },
                {"filterType": "MIN_NOTIONAL", "notional": "100"},
            ],
            "orderTypes": ["LIMIT", "MARKET"],
            "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
        }

    def agg_row(self, row: Row) -> dict[str, object]:
        """Return an aggregate trade as REST has it."""
        number, ms, price, qty, maker = row
        return {"a": number, "p": price, "q": qty, "nq": qty, "f": 3 * number, "l": 3 * number + 1, "T": ms, "m": maker}

    def _historical(self, call: Call) -> object:
        if "x-mbx-apikey" not in call.headers:
            return failure(-2014, "API-key format invalid.", 401)
        return self.single_trades(call, 500)

    def whole_book(self, call: Call, listing: Listing) -> dict[str, Any]:
        """Return a whole book with its times."""
        now_ms = self.place.now_ns // _MS
        return {**super().whole_book(call, listing), "E": now_ms, "T": now_ms}

    def _open_interest(self, call: Call) -> object:
        listing = self.listed(call)
        if isinstance(listing, Reply):
            return listing
        lots = 80_000_000 + listing.row % 20_011
        return {
            "symbol": listing.symbol,
            "openInterest": self.grids[listing.symbol].qty(lots),
            "time": self.place.now_ns // _MS,
        }

    def _premium_index(self, call: Call) -> object:
        if "symbol" not in call.query:
            return [self._premium(one) for one in self.place.market.listings.values()]
        listing = self.listed(call)
        return listing if isinstance(listing, Reply) else self._premium(listing)

    def _premium(self, listing: Listing) -> dict[str, object]:
        mark = self._mark(listing)
        return {
            "symbol": listing.symbol,
            "markPrice": mark["p"],
            "indexPrice": mark["i"],
            "estimatedSettlePrice": mark["P"],
            "lastFundingRate": mark["r"],
            "interestRate": "0.00010000",
            "nextFundingTime": mark["T"],
            "time": self.place.now_ns // _MS,
        }

    def _mark(self, listing: Listing) -> dict[str, object]:
        grid = self.grids[listing.symbol]
        last = int(listing.trades.price_tick[listing.row - 1]) if listing.row else 1
        price = grid.price(last) + "5"  # marks are averages: they stand off the grid
        now_ms = self.place.now_ns // _MS
        return {
            "s": listing.symbol,
            "p": price,
            "ap": price,
            "i": grid.price(max(last - 3, 1)) + "1",
            "P": price,
            "r": "0.00010000",
            "T": (now_ms // _EIGHT_HOURS_MS + 1) * _EIGHT_HOURS_MS,
        }

    def archive_csv(self, rows: Sequence[Row]) -> str:
        """Return a day as the text of an archive file."""
        lines = [f"{a},{p},{q},{3 * a},{3 * a + 1},{ms},{csv_bool(m)}" for a, ms, p, q, m in rows]
        return "\n".join([_HEADER, *lines, ""])


def _force_order(channel: str, symbol: str, row: Row) -> Out:
    number, ms, p, q, m = row
    order = {"s": symbol, "S": "SELL" if m else "BUY", "o": "LIMIT", "f": "IOC", "q": q, "p": p, "ap": p, "X": "FILLED"}
    payload = {"e": "forceOrder", "E": ms + 3, "o": {**order, "l": q, "z": q, "T": ms}, "st": 1, "ps": symbol}
    return Out(channel, msgspec.json.encode(payload), "liquidation", b"liquidation/%d" % number)
