"""Bybit v5 linear on this machine (its documentation of 2026): public streams, REST, archive."""

from __future__ import annotations

import datetime as dt
import gzip
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

import msgspec
import numpy as np

from footloom.core.trades import I64, Trades
from footloom.testing.venues import _history
from footloom.testing.venues._bybit_book import TopBook, changed_fields
from footloom.testing.venues._bybit_rest import envelope, instrument_row, refused
from footloom.testing.venues._bybit_socket import Socket
from footloom.testing.venues._grid import Grid, Row
from footloom.testing.venues._india_rest import minutes
from footloom.testing.venues.dialect import Out, Place
from footloom.testing.venues.market import Listing
from footloom.testing.venues.wire import Call, Reply, Session

__all__ = ("Local",)

_MS = 1_000_000
_SECOND = 1_000_000_000
_EIGHT_HOURS_MS = 8 * 3_600_000
_DEPTHS = {1: 50, 50: 50, 200: 100, 1000: 200}  # levels -> ms between messages; 10 and 20 ms there
_TOPIC = re.compile(r"(publicTrade|tickers|allLiquidation|orderbook\.(\d+))\.(\w+)")
_ARCHIVE = re.compile(r"/archive/trading/(\w+)/\1(\d{4}-\d\d-\d\d)\.csv\.gz")
_HEADER = "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional,RPI"
_MOST_PRINTS = 1024
_LIQUIDATED_EACH = 997
_MOST_CALLS = 600


class Local:
    """The venue."""

    venue = "bybit_linear"
    beat_ns = 50 * _MS
    too_often: Mapping[str, object] = {"retCode": 10006, "retMsg": "Too many visits!", "result": {}, "retExtInfo": {}}

    def __init__(self, place: Place) -> None:
        self.place = place
        self._grids = {symbol: Grid(listing) for symbol, listing in place.market.listings.items()}
        self._books: dict[str, TopBook] = {}
        self._tickers: dict[str, dict[str, str]] = {}
        self._liquidations: dict[str, list[Row]] = {symbol: [] for symbol in self._grids}
        self._best_sent: dict[str, int] = {}
        self._seqs: dict[str, I64] = {}
        self._calls: list[float] = []
        for listing in place.market.listings.values():
            listing.forward_book(place.now_ns)

    # --- sockets ---

    def open(self, call: Call) -> Session | Reply:
        """Take a new socket, or refuse it."""
        return Socket(self) if call.path == "/v5/public/linear" else Reply(404, b"", content_type="text/plain")

    def wrong(self, topic: str) -> str:
        """Return why a topic cannot be subscribed to, "" where it can."""
        match = _TOPIC.fullmatch(topic)
        if match is None or (match[2] and int(match[2]) not in _DEPTHS):
            return f"error:handler not found,topic:{topic}"
        return "" if match[3] in self._grids else f"Invalid symbol :[{topic}]"

    def first(self, topic: str) -> bytes | None:
        """Return what is sent first of a topic: the whole book, the whole ticker."""
        match = _TOPIC.fullmatch(topic)
        assert match is not None
        listing = self.place.market.listings[match[3]]
        if match[2]:
            return self._book_message(topic, self._book(topic), "snapshot")
        if match[1] == "tickers":
            if topic not in self.place.channels or topic not in self._tickers:
                self._tickers[topic] = self._ticker(listing)  # who listens already has what was sent last
            return self._ticker_message(topic, "snapshot", self._tickers[topic])
        return None

    def ordered(self, kind: str) -> Sequence[Out]:
        """Restart the ids of books: each begins anew with a snapshot."""
        outs = []
        if kind == "u_reset":
            for topic, book in self._books.items():
                book.restart()
                payload = self._book_message(topic, book, "snapshot")
                outs.append(Out(topic, payload, "book", f"book/{topic}/reset/{self.place.now_ns}".encode()))
        return outs

    # --- trades ---

    def trades(self, listing: Listing, rows: Trades) -> Sequence[Out]:
        """Return the messages of what was traded: one of each match event, of long ones several."""
        topic = f"publicTrade.{listing.symbol}"
        made = self._grids[listing.symbol].rows(rows)
        if f"allLiquidation.{listing.symbol}" in self.place.channels:
            self._liquidations[listing.symbol] += [row for row in made if row[0] % _LIQUIDATED_EACH == 0]
        if topic not in self.place.channels:
            return ()
        seqs = self._seq(listing)[listing.row - len(rows) : listing.row].tolist()
        return [
            Out(topic, _print_message(topic, listing.symbol, part, seq), "trade", b"trade/%d" % part[0][0])
            for seq, part in _events(made, seqs)
        ]

    # A match event is a run of prints of one instant and side: its prints share a number, and numbers rise.
    def _seq(self, listing: Listing) -> I64:
        known = self._seqs.get(listing.symbol)
        if known is None or len(known) != len(listing.trades):
            known = self._seqs[listing.symbol] = _seq_of(listing.trades)
        return known

    # --- what comes in beats ---

    def beat(self, at_ns: int) -> Sequence[Out]:
        """Return books, tickers and liquidations that are due."""
        for listing in self.place.market.listings.values():
            listing.forward_book(at_ns)
        outs: list[Out] = []
        for topic in self.place.channels.names():
            match = _TOPIC.fullmatch(topic)
            assert match is not None
            if match[2] and at_ns % (_DEPTHS[int(match[2])] * _MS) == 0:
                outs += self._book_outs(topic, int(match[2]), at_ns)
            elif match[1] == "tickers" and at_ns % (100 * _MS) == 0:
                outs += self._ticker_outs(topic, match[3], at_ns)
            elif match[1] == "allLiquidation" and at_ns % (500 * _MS) == 0:
                outs += self._liquidation_outs(topic, match[3], at_ns)
        return outs

    def _book(self, topic: str) -> TopBook:
        if topic not in self._books:
            _, depth, symbol = topic.split(".")
            self._books[topic] = TopBook(self.place.market.listings[symbol], int(depth))
            self._books[topic].u = 100
        return self._books[topic]

    def _book_outs(self, topic: str, depth: int, at_ns: int) -> list[Out]:
        book = self._book(topic)
        changed = book.update()
        key = f"book/{topic}/{book.u}/{at_ns}".encode()
        if depth == 1:
            again = at_ns - self._best_sent.get(topic, 0) >= 3 * _SECOND
            if changed is None and not again:
                return []
            self._best_sent[topic] = at_ns
            return [Out(topic, self._book_message(topic, book, "snapshot"), "book", key)]
        if changed is None:
            return []
        return [Out(topic, self._book_message(topic, book, "delta", changed), "book", key)]

    def _book_message(
        self, topic: str, book: TopBook, kind: str, levels: tuple[dict[int, int], dict[int, int]] | None = None
    ) -> bytes:
        symbol = topic.rpartition(".")[2]
        grid, listing = self._grids[symbol], self.place.market.listings[symbol]
        bids, asks = levels or (book.bids, book.asks)
        now_ms = self.place.now_ns // _MS
        data = {
            "s": symbol,
            "b": grid.levels(sorted(bids.items(), reverse=True)),
            "a": grid.levels(sorted(asks.items())),
            "u": book.u,
            "seq": self._last_seq(listing),
        }
        return msgspec.json.encode({"topic": topic, "type": kind, "ts": now_ms + 1, "data": data, "cts": now_ms})

    def _last_seq(self, listing: Listing) -> int:
        return int(self._seq(listing)[listing.row - 1]) if listing.row else 0

    def _ticker_outs(self, topic: str, symbol: str, at_ns: int) -> list[Out]:
        now = self._ticker(self.place.market.listings[symbol])
        changed = changed_fields(self._tickers.get(topic, {}), now)
        self._tickers[topic] = now
        if not changed:
            return []
        payload = self._ticker_message(topic, "delta", {"symbol": symbol} | changed)
        return [Out(topic, payload, "ticker", f"ticker/{topic}/{at_ns}".encode())]

    def _ticker(self, listing: Listing) -> dict[str, str]:
        grid = self._grids[listing.symbol]
        last = int(listing.trades.price_tick[listing.row - 1]) if listing.row else 1
        lots = 40_000_000 + listing.row // 50 % 20_011
        bid, ask = listing.best()
        now_ms = self.place.now_ns // _MS
        return {
            "symbol": listing.symbol,
            "tickDirection": "PlusTick",
            "lastPrice": grid.price(last),
            "markPrice": grid.price(last // 10 * 10),
            "indexPrice": grid.price(max(last // 10 * 10 - 3, 1)),
            "openInterest": grid.qty(2 * lots),
            "singleOpenInterest": grid.qty(lots),
            "fundingRate": "0.0001",
            "nextFundingTime": str((now_ms // _EIGHT_HOURS_MS + 1) * _EIGHT_HOURS_MS),
            "fundingIntervalHour": "8",
            "bid1Price": "" if bid is None else grid.price(bid[0]),
            "bid1Size": "" if bid is None else grid.qty(bid[1]),
            "ask1Price": "" if ask is None else grid.price(ask[0]),
            "ask1Size": "" if ask is None else grid.qty(ask[1]),
        }

    def _ticker_message(self, topic: str, kind: str, data: Mapping[str, str]) -> bytes:
        now_ms = self.place.now_ns // _MS
        listing = self.place.market.listings[topic.rpartition(".")[2]]
        cross = self._last_seq(listing)
        return msgspec.json.encode({"topic": topic, "type": kind, "data": data, "cs": cross, "ts": now_ms})

    def _liquidation_outs(self, topic: str, symbol: str, at_ns: int) -> list[Out]:
        rows, self._liquidations[symbol] = self._liquidations[symbol], []
        if not rows:
            return []
        # The side is that of the position: a sold trade has closed a long, which was bought.
        data = [{"T": ms, "s": symbol, "S": "Buy" if sold else "Sell", "v": q, "p": p} for _, ms, p, q, sold in rows]
        payload = msgspec.json.encode({"topic": topic, "type": "snapshot", "ts": at_ns // _MS, "data": data})
        return [Out(topic, payload, "liquidation", b"liquidation/%d" % rows[0][0])]

    # --- calls ---

    def answer(self, call: Call) -> Reply | Awaitable[Reply]:
        """Answer a call."""
        archived = _ARCHIVE.fullmatch(call.path)
        if archived is not None:
            return self._archived(archived[1], archived[2])
        handlers: dict[str, Callable[[Call], Reply]] = {
            "/v5/market/time": self._time,
            "/v5/market/recent-trade": self._recent,
            "/v5/market/orderbook": self._orderbook,
            "/v5/market/instruments-info": self._instruments,
            "/v5/market/tickers": self._tickers_call,
            "/v5/market/kline": self._kline,
        }
        handler = handlers.get(call.path)
        if handler is None:
            return Reply.json({"retCode": 10404, "retMsg": "path not found"}, 404)
        now = self.place.uptime_s()
        self._calls = [at for at in self._calls if at > now - 5.0] + [now]
        if len(self._calls) > _MOST_CALLS:
            return Reply(403, b"access too frequent", content_type="text/plain")
        if call.path != "/v5/market/time" and call.query.get("category") != "linear":
            return refused(self.place.now_ns, "params error: Category is invalid")
        return handler(call)

    def _time(self, _: Call) -> Reply:
        now = self.place.now_ns
        return envelope(now, {"timeSecond": str(now // _SECOND), "timeNano": str(now)})

    def _listed(self, call: Call) -> Listing | None:
        return self.place.market.listings.get(call.query.get("symbol", ""))

    def _recent(self, call: Call) -> Reply:
        listing = self._listed(call)
        if listing is None:
            return refused(self.place.now_ns, "params error: Symbol Invalid")
        rows = _history.newest(listing, min(int(call.query.get("limit", 500)), 1000))
        seqs = self._seq(listing)[listing.row - len(rows) : listing.row].tolist()
        made = [
            {
                "execId": _uuid(number),
                "symbol": listing.symbol,
                "price": price,
                "size": qty,
                "side": "Sell" if sold else "Buy",
                "time": str(ms),
                "isBlockTrade": False,
                "isRPITrade": False,
                "seq": str(seq),
            }
            for (number, ms, price, qty, sold), seq in zip(self._grids[listing.symbol].rows(rows), seqs, strict=True)
        ]
        return envelope(self.place.now_ns, {"category": "linear", "list": made[::-1]})

    def _orderbook(self, call: Call) -> Reply:
        listing = self._listed(call)
        if listing is None:
            return refused(self.place.now_ns, "params error: Symbol Invalid")
        listing.forward_book(self.place.now_ns)
        grid, now_ms = self._grids[listing.symbol], self.place.now_ns // _MS
        bids, asks = listing.levels(min(int(call.query.get("limit", 25)), 1000))
        u = self._book(f"orderbook.1000.{listing.symbol}").u
        result = {"s": listing.symbol, "b": grid.levels(bids), "a": grid.levels(asks), "ts": now_ms, "u": u}
        return envelope(self.place.now_ns, {**result, "seq": self._last_seq(listing), "cts": now_ms})

    def _instruments(self, call: Call) -> Reply:
        rows = [instrument_row(one, self._grids[one.symbol]) for one in self.place.market.listings.values()]
        if "symbol" in call.query:
            rows = [row for row in rows if row["symbol"] == call.query["symbol"]]
        first, limit = int(call.query.get("cursor") or 0), min(int(call.query.get("limit", 500)), 1000)
        after = str(first + limit) if first + limit < len(rows) else ""
        result = {"category": "linear", "list": rows[first : first + limit], "nextPageCursor": after}
        return envelope(self.place.now_ns, result)

    def _tickers_call(self, call: Call) -> Reply:
        listing = self._listed(call)
        found = list(self.place.market.listings.values()) if listing is None else [listing]
        return envelope(self.place.now_ns, {"category": "linear", "list": [self._ticker(one) for one in found]})

    # Of a longer range the newest rows, the newest first.
    def _kline(self, call: Call) -> Reply:
        listing = self._listed(call)
        if listing is None or call.query.get("interval") != "1":
            return refused(self.place.now_ns, "params error: Symbol or interval Invalid")
        first, last = (int(call.query.get(name, 0)) for name in ("start", "end"))
        grid = self._grids[listing.symbol]
        rows = [
            [str(ms), one.open, one.high, one.low, one.close, grid.qty(one.volume), "0"]
            for one in minutes(listing.seen, grid)
            if first <= (ms := round(one.at.timestamp()) * 1000) <= (last or ms)
        ]
        newest = rows[::-1][: min(int(call.query.get("limit", 200)), 1000)]
        return envelope(self.place.now_ns, {"category": "linear", "symbol": listing.symbol, "list": newest})

    def _archived(self, symbol: str, day: str) -> Reply:
        listing = self.place.market.listings.get(symbol)
        rows = listing.day(dt.date.fromisoformat(day), self.place.now_ns) if listing is not None else None
        if rows is None:
            return Reply(404, b"<html>404 Not Found</html>", content_type="text/html")
        lines = [
            f"{ms // 1000}.{ms % 1000:03d}0,{symbol},{'Sell' if sold else 'Buy'},{q},{p},PlusTick,{_uuid(n)},0,{q},0,0"
            for n, ms, p, q, sold in self._grids[symbol].rows(rows)
        ]
        return Reply(200, gzip.compress("\n".join([_HEADER, *lines, ""]).encode(), mtime=0), (), "application/gzip")


def _seq_of(trades: Trades) -> I64:
    if not len(trades):
        return np.empty(0, np.int64)
    begins = np.r_[True, (np.diff(trades.ts_exch_ns) != 0) | (np.diff(trades.side) != 0)]
    first = np.maximum.accumulate(np.where(begins, np.arange(len(trades)), 0))
    return 88_000_000_000 + 7 * trades.trade_id[first]


def _events(rows: Sequence[Row], seqs: Sequence[int]) -> Iterator[tuple[int, Sequence[Row]]]:
    at = 0
    while at < len(rows):
        end = at + 1
        while end < len(rows) and seqs[end] == seqs[at] and end - at < _MOST_PRINTS:
            end += 1
        yield seqs[at], rows[at:end]
        at = end


def _print_message(topic: str, symbol: str, rows: Sequence[Row], seq: int) -> bytes:
    prints = ",".join(
        f'{{"T":{ms},"s":"{symbol}","S":"{"Sell" if sold else "Buy"}","v":"{q}","p":"{p}","L":"PlusTick",'
        f'"i":"{_uuid(number)}","BT":false,"RPI":false,"seq":{seq}}}'
        for number, ms, p, q, sold in rows
    )
    return f'{{"topic":"{topic}","type":"snapshot","ts":{rows[-1][1] + 2},"data":[{prints}]}}'.encode()


# A name that says nothing of the order, as theirs.
def _uuid(number: int) -> str:
    return f"{number * 0x9E3779B1 & 0xFFFFFFFF:08x}-{number & 0xFFFF:04x}-5000-8000-{number & 0xFFFFFFFFFFFF:012x}"
