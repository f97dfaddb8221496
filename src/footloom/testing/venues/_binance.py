"""What Binance's spot and USD-M venues have in common: texts of numbers, streams by pace, REST with weights."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import re
import zipfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from footloom.core.trades import Trades
from footloom.testing.venues import _history
from footloom.testing.venues._binance_book import BookFeed
from footloom.testing.venues._binance_socket import Rules, Socket
from footloom.testing.venues._grid import Grid, Row
from footloom.testing.venues.dialect import Out, Place
from footloom.testing.venues.market import Listing
from footloom.testing.venues.wire import Call, Reply, Session

__all__ = ("Binance", "csv_bool", "failure")

_MS = 1_000_000
_HOUR_NS = 3_600_000_000_000
_ARCHIVE = re.compile(
    r"/archive/data/(.+)/daily/(aggTrades|trades)/(\w+)/(\w+)-(?:aggTrades|trades)-([\d-]+)\.zip(\.CHECKSUM)?"
)
_DEPTH = re.compile(r"depth(?P<levels>5|10|20)?(?:@(?P<ms>\d+)ms)?")
_MOST_ROWS = 1000


def failure(code: int, text: str, status: int = 400, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """Return an error as Binance words it."""
    return Reply.json({"code": code, "msg": text}, status, headers)


def csv_bool(value: bool) -> str:  # noqa: FBT001 - it is the value
    """Return a boolean as archives of futures write it."""
    return "true" if value else "false"


class Binance:
    """Base of both venues: an address table, and rows in their wording."""

    venue: str
    beat_ns: int
    rules: Rules
    speeds: tuple[int, ...]  # of diffs of the book, ms
    usual_speed: int
    id_step: int  # of the book's ids
    weight_limit: int
    prefix: str
    archive: str
    has_routes = False
    oldest_ns = 0  # how far back aggregates go, before now; 0 as far as there is
    single_extra: Mapping[str, object]  # what this market says of a single trade beside the rest
    too_often: Mapping[str, object] = {"code": -1003, "msg": "Too many requests."}

    def __init__(self, place: Place) -> None:
        self.place = place
        self.grids = {symbol: Grid(listing) for symbol, listing in place.market.listings.items()}
        self.books = {
            symbol: BookFeed(listing, self.speeds, self.id_step, place.now_ns)
            for symbol, listing in place.market.listings.items()
        }
        self._weights: list[tuple[float, int]] = []
        self._zips: dict[str, bytes] = {}
        self._told: dict[str, object] = {}  # best quotes, by channel and symbol

    # --- sockets ---

    def open(self, call: Call) -> Session | Reply:
        """Take a new socket, or refuse it."""
        match = re.fullmatch(r"(?:/(public|market|private))?/(ws|stream)(?:/(.*))?", call.path)
        if match is None or (match[1] and not self.has_routes):
            return Reply(404, b"Not Found", content_type="text/plain")
        named = call.query.get("streams", "") if match[2] == "stream" else match[3] or ""
        streams = tuple(one for one in named.split("/") if one)
        return Socket(self, match[1] or "", streams, combined=match[2] == "stream")

    def serves(self, route: str, stream: str) -> bool:
        """Say whether data of a stream comes on a route."""
        return bool(stream) and not route

    def ordered(self, kind: str) -> Sequence[Out]:
        """Restart the ids of books."""
        if kind == "u_reset":
            for book in self.books.values():
                book.restart()
        return ()

    # --- trades and best quotes ---

    def trades(self, listing: Listing, rows: Trades) -> Sequence[Out]:
        """Return the messages of what was traded."""
        name, symbol = listing.symbol.lower(), listing.symbol
        outs: list[Out] = []
        for channel, text in ((f"{name}@aggTrade", self.agg_trade), (f"{name}@trade", self.single_trade)):
            if channel in self.place.channels:
                made = self.grids[symbol].rows(rows)
                outs += [Out(channel, text(symbol, row).encode(), "trade", b"trade/%d" % row[0]) for row in made]
        return outs

    def agg_trade(self, symbol: str, row: Row) -> str:
        """Return an aggregate trade as its stream has it."""
        raise NotImplementedError

    def single_trade(self, symbol: str, row: Row) -> str:
        """Return a single trade as its stream has it."""
        raise NotImplementedError

    def new_best(self, channel: str, listing: Listing) -> dict[str, object]:
        """Return the best quotes, nothing where a channel has told them already or a side is empty."""
        bid, ask = listing.best()
        told = channel + listing.symbol
        if bid is None or ask is None or self._told.get(told) == (bid, ask):
            return {}
        self._told[told] = (bid, ask)
        book, grid = self.books[listing.symbol], self.grids[listing.symbol]
        prices = {"b": grid.price(bid[0]), "B": grid.qty(bid[1]), "a": grid.price(ask[0]), "A": grid.qty(ask[1])}
        return {"u": book.last_id, "s": listing.symbol, **prices}

    # --- books ---

    def depth_outs(self, at_ns: int) -> list[Out]:
        """Return the diffs that are due, of every pace, and the partial books."""
        outs: list[Out] = []
        for symbol, book in self.books.items():
            book.catch_up(at_ns)
            for speed in self.speeds:
                if at_ns % (speed * _MS) == 0:
                    outs += self._diffs(symbol, book, speed, at_ns)
        return outs

    def _diffs(self, symbol: str, book: BookFeed, speed: int, at_ns: int) -> list[Out]:
        taken = book.take(speed)
        if taken is None:
            return []
        outs = []
        for channel in self._depth_channels(symbol, speed):
            match = _DEPTH.fullmatch(channel.partition("@")[2])
            assert match is not None
            levels = int(match["levels"] or 0)
            payload = self.depth_payload(symbol, taken, levels, at_ns)
            outs.append(Out(channel, payload, "book", f"book/{channel}/{taken[1]}".encode()))
        return outs

    def _depth_channels(self, symbol: str, speed: int) -> list[str]:
        found = []
        for channel in self.place.channels.names():
            head, _, tail = channel.partition("@")
            match = _DEPTH.fullmatch(tail) if head == symbol.lower() else None
            if match is not None and max(int(match["ms"] or self.usual_speed), 100) == speed:
                found.append(channel)
        return found

    def depth_payload(
        self,
        symbol: str,
        taken: tuple[int, int, int, list[tuple[int, int]], list[tuple[int, int]]],
        levels: int,
        at_ns: int,
    ) -> bytes:
        """Return the text of a diff, or with ``levels`` of a partial book."""
        raise NotImplementedError

    def whole_book(self, call: Call, listing: Listing) -> dict[str, Any]:
        """Return a whole book, as old as a fault orders it."""
        now = self.place.now_ns
        book, grid = self.books[listing.symbol], self.grids[listing.symbol]
        book.catch_up(now)
        bids, asks = listing.levels(int(call.query.get("limit", 100)))
        made = {"lastUpdateId": book.last_id, "bids": grid.levels(bids), "asks": grid.levels(asks)}
        stale = self.place.faults.under_way("stale_book", self.place.since_ns)
        if stale is not None:
            made["lastUpdateId"] = book.last_id - self.id_step * 1_000
        return made

    # --- calls ---

    def answer(self, call: Call) -> Reply | Awaitable[Reply]:
        """Answer a call."""
        archived = _ARCHIVE.fullmatch(call.path)
        if archived is not None:
            return self._archived(archived)
        name = call.path.removeprefix(self.prefix)
        handler = self.handlers().get(name) if name != call.path else self.handlers().get(call.path)
        if handler is None or call.method != "GET":
            return failure(-5000, f"Path {call.path}, Method {call.method} is invalid", 404)
        weight = self.weight(name, call)
        used = self._used(weight)
        if used > self.weight_limit:
            return failure(-1003, "Too many requests; current limit of IP is exceeded.", 429, (("Retry-After", "60"),))
        answer = handler(call)
        reply = answer if isinstance(answer, Reply) else Reply.json(answer)
        header = ("X-MBX-USED-WEIGHT-1M", str(used))
        return Reply(reply.status, reply.body, (*reply.headers, header), reply.content_type)

    def handlers(self) -> Mapping[str, Callable[[Call], object]]:
        """Return who answers which path."""
        return {
            "/time": lambda _: {"serverTime": self.place.now_ns // _MS},
            "/ping": lambda _: {},
            "/exchangeInfo": self.exchange_info,
            "/aggTrades": self.agg_trades,
            "/depth": self.depth,
        }

    def weight(self, name: str, call: Call) -> int:
        """Return what a call costs."""
        raise NotImplementedError

    def exchange_info(self, call: Call) -> object:
        """Return what is traded: all symbols, or at spot the one that is asked for."""
        asked = None if self.has_routes else call.query.get("symbol")
        found = [one for one in self.place.market.listings.values() if asked in {None, one.symbol}]
        limits = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": self.weight_limit}
        return {
            "timezone": "UTC",
            "serverTime": self.place.now_ns // _MS,
            "rateLimits": [limits],
            "exchangeFilters": [],
            **({"assets": []} if self.has_routes else {}),
            "symbols": [self._listed_symbol(one) for one in found],
        }

    def _listed_symbol(self, listing: Listing) -> dict[str, object]:
        grid, instrument = self.grids[listing.symbol], listing.instrument
        quote = instrument.quote or "USDT"
        price = {"filterType": "PRICE_FILTER", "minPrice": grid.tick_size, "maxPrice": "10000000"}
        lot = {"filterType": "LOT_SIZE", "minQty": grid.lot_size, "maxQty": "1000000"}
        own = self.own_words(listing.symbol, quote)
        filters = [price | {"tickSize": grid.tick_size}, lot | {"stepSize": grid.lot_size}, *own.pop("filters", [])]
        names = {"symbol": listing.symbol, "status": "TRADING", "quoteAsset": quote}
        return {**names, "baseAsset": instrument.base or listing.symbol.removesuffix(quote), "filters": filters, **own}

    def own_words(self, symbol: str, quote: str) -> dict[str, Any]:
        """Return what only this market says of a symbol; its ``filters`` follow those of tick and lot."""
        raise NotImplementedError

    def agg_row(self, row: Row) -> dict[str, object]:
        """Return an aggregate trade as REST has it."""
        raise NotImplementedError

    def _used(self, weight: int) -> int:
        now = self.place.uptime_s()
        self._weights = [(at, cost) for at, cost in self._weights if at > now - 60.0] + [(now, weight)]
        return sum(cost for _, cost in self._weights)

    def listed(self, call: Call) -> Listing | Reply:
        """Return the symbol that a call names, or the refusal."""
        symbol = call.query.get("symbol", "")
        if not symbol:
            return failure(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
        listing = self.place.market.listings.get(symbol)
        return listing if listing is not None else failure(-1121, "Invalid symbol.")

    def depth(self, call: Call) -> object:
        """Return a whole book."""
        listing = self.listed(call)
        return listing if isinstance(listing, Reply) else self.whole_book(call, listing)

    def agg_trades(self, call: Call) -> object:
        """Return a page of aggregate trades."""
        listing = self.listed(call)
        if isinstance(listing, Reply):
            return listing
        asked = _numbers(call, "fromId", "startTime", "endTime", "limit")
        if isinstance(asked, Reply):
            return asked
        limit = min(asked.get("limit", 500), _MOST_ROWS)
        now = self.place.now_ns
        oldest = now - self.oldest_ns if self.oldest_ns else 0
        if "fromId" in asked:
            rows = _history.by_id(listing, asked["fromId"], limit, now, oldest)
        elif "startTime" in asked or "endTime" in asked:
            from_ns = asked.get("startTime", asked.get("endTime", 0) - 3_600_000) * _MS
            to_ns = asked["endTime"] * _MS if "endTime" in asked else now
            if {"startTime", "endTime"} <= asked.keys() and to_ns - from_ns > _HOUR_NS:
                return failure(-1127, "More than 1 hours between startTime and endTime.")
            rows = _history.by_time(listing, max(from_ns, oldest), to_ns + _MS - 1, limit, now)
        else:
            rows = _history.newest(listing, limit)
        return [self.agg_row(row) for row in self.grids[listing.symbol].rows(rows)]

    def single_trades(self, call: Call, most: int = 1000) -> object:
        """Return a page of single trades: from an id on, or the newest."""
        listing = self.listed(call)
        if isinstance(listing, Reply):
            return listing
        asked = _numbers(call, "fromId", "limit")
        if isinstance(asked, Reply):
            return asked
        limit = min(asked.get("limit", 500), most)
        if "fromId" in asked:
            rows = _history.by_id(listing, asked["fromId"], limit, self.place.now_ns)
        else:
            rows = _history.newest(listing, limit)
        made = self.grids[listing.symbol].rows(rows)
        return [
            {"id": n, "price": p, "qty": q, "quoteQty": "0", "time": ms, "isBuyerMaker": m, **self.single_extra}
            for n, ms, p, q, m in made
        ]

    # --- archive ---

    def _archived(self, match: re.Match[str]) -> Reply:
        market, kind, symbol, day, is_checksum = match[1], match[2], match[3], match[5], match[6]
        name = f"{symbol}-{kind}-{day}.zip"
        try:
            date = dt.date.fromisoformat(day)
        except ValueError:
            date = None
        listing = self.place.market.listings.get(symbol)
        if market != self.archive or listing is None or date is None:
            return Reply(404, b"<Error><Code>NoSuchKey</Code></Error>", content_type="application/xml")
        if name not in self._zips:
            rows = listing.day(date, self.place.now_ns)
            if rows is None:
                return Reply(404, b"<Error><Code>NoSuchKey</Code></Error>", content_type="application/xml")
            self._zips.clear()
            self._zips[name] = _zipped(name, self.archive_csv(self.grids[symbol].rows(rows)))
        data = self._zips[name]
        if is_checksum:
            return Reply(200, f"{hashlib.sha256(data).hexdigest()}  {name}\n".encode(), content_type="text/plain")
        return Reply(200, data, content_type="application/zip")

    def archive_csv(self, rows: Sequence[Row]) -> str:
        """Return a day as the text of an archive file."""
        raise NotImplementedError


def _numbers(call: Call, *names: str) -> dict[str, int] | Reply:
    try:
        return {name: int(call.query[name]) for name in names if name in call.query}
    except ValueError:
        return failure(-1100, "Illegal characters found in a parameter.")


def _zipped(name: str, text: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        # A fixed date, so that the same day has the same checksum.
        archive.writestr(
            zipfile.ZipInfo(name.replace(".zip", ".csv"), (2026, 1, 1, 0, 0, 0)), text, zipfile.ZIP_DEFLATED
        )
    return out.getvalue()
