"""A stand-in for the server: the whole wire of the page over a seeded market, and handles for tests to pull.

    python -m tests.browser.fake_server --port 8600 --speed 1

`GET /test/...` makes things happen: ``pause``, ``resume``, ``ticks?n=50``, ``bars?n=2``, ``drop``, ``refuse?on=1``,
``gap``, ``heal``, ``record?on=0``, ``feed?phase=reconnecting&text=...``, ``counts``, ``reset``.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http
import itertools
import json
import mimetypes
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from tests.browser.fake_market import (
    BUY,
    LOT_SIZE,
    NS,
    SELL,
    TICK_SIZE,
    Chart,
    Hole,
    Market,
    Print,
    pack_frame,
)

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "src" / "footloom" / "server" / "static"
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
DEFAULT_STEP = 2
SYMBOLS = {"sim:PERP": False, "sim:FUT": True}
SIDES = {BUY: "buy", SELL: "sell"}
SNAPSHOT, OPEN, CLOSED = 1, 2, 3
FLUSH_S, STATUS_S = 0.05, 0.25


class Refused(Exception):
    """A request cannot be served."""


class NotStored(Refused):
    """No trade of the symbol is there."""


def decimal_text(units: int, step: str) -> str:
    """Return whole units of a step as exact decimal text."""
    decimals = len(step.partition(".")[2])
    scaled = units * int(step.replace(".", ""))
    sign, digits = ("-" if scaled < 0 else ""), str(abs(scaled)).zfill(decimals + 1)
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}"


def price_text(tick: int) -> str:
    """Return a price as exact decimal text."""
    return decimal_text(tick, TICK_SIZE)


def side_sum(trades: Sequence[Print], side: int) -> str:
    """Return what one side traded as exact decimal text."""
    return decimal_text(sum(trade.lot for trade in trades if trade.side == side), LOT_SIZE)


def seconds_of(bars: str) -> int:
    """Return the seconds of a time bar such as ``15s`` or ``1h``."""
    if not bars[:-1].isdigit() or bars[-1] not in SECONDS or int(bars[:-1]) == 0:
        raise Refused(f"{bars!r} is no bar: write 15s, 5m, 1h, 1d or 1w")
    if bars == "79m":
        raise Refused("bars of 79m are refused: tests need one that is")
    return int(bars[:-1]) * SECONDS[bars[-1]]


class Topic:
    """One symbol at one interval and step, and who looks at it."""

    def __init__(self, number: int, request: dict[str, Any], market: Market) -> None:
        self.number, self.symbol, self.bars = number, request["symbol"], request.get("bars", "1m")
        self.step = request.get("ticks_per_level") or DEFAULT_STEP
        if self.symbol not in SYMBOLS:
            raise Refused(f"no instrument {self.symbol!r}: known are {', '.join(SYMBOLS)}")
        self.inferred = SYMBOLS[self.symbol]
        self.chart = Chart(market, seconds_of(self.bars), self.step, inferred=self.inferred)
        self.of_the_kept = not market.has_moved
        self.seq = 0
        self.readers: set[ServerConnection] = set()
        self.changed = False

    def meta(self, *, has_more: bool) -> bytes:
        """Return the legend's words as JSON."""
        holes = [hole_text(hole) for hole in self.chart.market.holes]
        words = {
            "symbol": self.symbol, "bars": self.bars, "ticks_per_level": self.step, "tick_size": TICK_SIZE,
            "lot_size": LOT_SIZE, "base": "SIM", "quote": "USD", "calendar": "crypto", "tz": "UTC", "simulated": True,
            "inferred": self.inferred, "cvd_reset": "session", "value_area": "two_row", "value_area_pct": "70",
            "poc_tie": "centre", "imbalance_pct": 300, "imbalance_compare": "ge", "min_vol": "auto", "stack_n": 3,
            "default_ticks_per_level": DEFAULT_STEP, "has_more": has_more, "gaps": holes,
        }  # fmt: skip
        return json.dumps(words).encode()

    def snapshot(self, to_ns: int | None, limit: int) -> bytes:
        """Return a frame of the last bars before a time."""
        bars = self.chart.before(to_ns, limit)
        has_more = bool(bars) and bars[0] is not self.chart.bars[0]
        meta = self.meta(has_more=has_more)
        return pack_frame(SNAPSHOT, bars, topic=self.number, seq=self.seq, meta=meta, inferred=self.inferred)

    def frame(self, kind: int, index: int) -> bytes:
        """Return a frame of one bar, next in sequence."""
        self.seq += 1
        return pack_frame(kind, [self.chart.bars[index]], topic=self.number, seq=self.seq, inferred=self.inferred)


def hole_text(hole: Hole) -> dict[str, Any]:
    """Return a gap as the wire has it."""
    words = {"from_ns": str(hole.from_ns), "to_ns": str(hole.to_ns), "cause": hole.cause}
    return {**words, "missing": hole.missing}


class FakeServer:
    """REST, WebSocket, the built page and the test handles on one port."""

    def __init__(self, market: Market, speed: float, static: Path) -> None:
        self.market = market
        self.speed, self.static = speed, static
        self.topics: dict[tuple[str, str, int], Topic] = {}
        self.sockets: set[ServerConnection] = set()
        self._numbers = itertools.count(1)
        market.keep()
        self.begin()

    def begin(self) -> None:
        """Stand as at the start."""
        self.paused = self.speed == 0
        self.refusing = False
        self.recorded = True
        self.trouble: str | None = None
        self.notes: list[str] = []
        self.day_span: dict[str, str] = {}
        self.feeds: dict[str, dict[str, Any]] = {}
        self.refused_symbols: set[str] = set()
        self.counts = {"subscribe": 0, "footprint": 0, "trades": 0}

    async def reset(self) -> None:
        """Whoever still listens is sent away; charts of the market as it began stay, the others are made anew."""
        await self.drop_all()
        self.market.restore()
        self.topics = {key: topic for key, topic in self.topics.items() if topic.of_the_kept}
        for topic in self.topics.values():
            topic.chart.restore()
            topic.readers.clear()
            topic.seq = 0
        self.begin()

    # --- the market goes on -----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Advance the market in real time, a flush at a time, with a status every quarter of a second."""
        due = 0.0
        while True:
            await asyncio.sleep(FLUSH_S)
            if not self.paused:
                await self.fold(self.market.advance(int(FLUSH_S * self.speed * NS)))
            due += FLUSH_S
            if due >= STATUS_S and not self.paused:
                due = 0.0
                await self.send_status()

    async def fold(self, trades: list[Print]) -> None:
        """Fold trades into every topic and tell its readers."""
        for topic in self.topics.values():
            for trade in trades:
                if topic.chart.add(trade):
                    await self.post(topic, topic.frame(CLOSED, -2))
            if trades:
                topic.chart.refresh()
                await self.post(topic, topic.frame(OPEN, -1))

    async def post(self, topic: Topic, data: bytes | str) -> None:
        for socket in list(topic.readers):
            with contextlib.suppress(Exception):
                await socket.send(data)

    async def send_status(self) -> None:
        for symbol in SYMBOLS:
            text = json.dumps(self.status(symbol))
            for socket in {s for t in self.topics.values() if t.symbol == symbol for s in t.readers}:
                with contextlib.suppress(Exception):
                    await socket.send(text)

    def status(self, symbol: str) -> dict[str, Any]:
        """Return the header of a symbol."""
        day = self.market.day
        score = {"accuracy": 0.871, "coverage": 0.941, "sure_share": 0.62} if SYMBOLS[symbol] else None
        return {
            "type": "status", "symbol": symbol, "last": price_text(day.last), "bid": price_text(day.last - 1),
            "ask": price_text(day.last), "prev_close": price_text(day.previous), "day_open": price_text(day.open),
            "day_high": price_text(day.high), "day_low": price_text(day.low), "lag_ms": 4,
            "day_volume": decimal_text(day.lots, LOT_SIZE), "vwap": f"{day.turnover / day.lots * 0.5:.2f}",
            "engine_ns": str(self.market.now_ns), "recorded": self.recorded, "score": score,
            "trouble": self.trouble, "notes": self.notes, **self.day_span,
        }  # fmt: skip

    # --- WebSocket --------------------------------------------------------------------------------------------------

    async def talk(self, socket: ServerConnection) -> None:
        """Serve one page until it goes."""
        self.sockets.add(socket)
        try:
            await socket.send(json.dumps({"type": "hello", "version": 1, "server": "footloom fake"}))
            for feed in self.feeds.values():
                await socket.send(json.dumps(feed))
            async for text in socket:
                await self.on_request(socket, json.loads(text))
        finally:
            self.sockets.discard(socket)
            for topic in self.topics.values():
                topic.readers.discard(socket)

    async def on_request(self, socket: ServerConnection, request: dict[str, Any]) -> None:
        if request["op"] == "ping":
            await socket.send(json.dumps({"type": "pong"}))
            return
        if request["op"] == "unsubscribe":
            for topic in self.topics.values():
                if topic.number == request["topic_id"]:
                    topic.readers.discard(socket)
            return
        self.counts["subscribe"] += 1
        try:
            if request["topic"]["symbol"] in self.refused_symbols:
                raise NotStored(f"nothing is stored for {request['topic']['symbol']}")
            topic = self.topic(request["topic"])
        except Refused as refusal:
            code = "not_stored" if isinstance(refusal, NotStored) else "refused"
            words = {"type": "error", "id": request["id"], "code": code, "message": str(refusal)}
            await socket.send(json.dumps(words))
            return
        resolved = {"symbol": topic.symbol, "bars": topic.bars, "ticks_per_level": topic.step}
        answer = {"type": "subscribed", "id": request["id"], "topic_id": topic.number, "topic": resolved}
        await socket.send(json.dumps(answer))
        await socket.send(topic.snapshot(None, request["history_bars"]))
        topic.readers.add(socket)
        await socket.send(json.dumps(self.status(topic.symbol)))

    def topic(self, request: dict[str, Any]) -> Topic:
        key = (request["symbol"], request.get("bars", "1m"), request.get("ticks_per_level") or DEFAULT_STEP)
        if key not in self.topics:
            self.topics[key] = Topic(next(self._numbers), request, self.market)
        return self.topics[key]

    # --- HTTP -------------------------------------------------------------------------------------------------------

    async def answer(self, socket: ServerConnection, request: Request) -> Response | None:
        """Answer what is no WebSocket."""
        del socket
        url = urlsplit(request.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/ws/v1":
            return reply(b"refused", "text/plain", http.HTTPStatus.SERVICE_UNAVAILABLE) if self.refusing else None
        if url.path.startswith("/test/"):
            return reply_json(await self.pull(url.path.removeprefix("/test/"), query))
        if url.path.startswith("/api/v1/"):
            return self.rest(url.path.removeprefix("/api/v1/"), query)
        return self.file(url.path)

    def rest(self, path: str, query: dict[str, str]) -> Response:
        try:
            if path in {"instruments", "studies", "profiles"}:
                keys = [] if path != "instruments" else [key for key in SYMBOLS if key not in self.refused_symbols]
                return reply_json([instrument(key) for key in keys])
            if path == "feeds":
                return reply_json(list(self.feeds.values()))
            if path == "footprint":
                return reply(self.footprint(query), "application/octet-stream")
            if path == "trades":
                return reply_json(self.trades(query))
        except Refused as refusal:
            words = {"error": {"code": "refused", "message": str(refusal), "detail": None}}
            return reply_json(words, http.HTTPStatus.BAD_REQUEST)
        return reply(b"not found", "text/plain", http.HTTPStatus.NOT_FOUND)

    def footprint(self, query: dict[str, str]) -> bytes:
        self.counts["footprint"] += 1
        wanted = {**query, "ticks_per_level": int(query["ticks_per_level"])}
        return self.topic(wanted).snapshot(int(query["to_ns"]), int(query.get("limit", "300")))

    def trades(self, query: dict[str, str]) -> dict[str, Any]:
        self.counts["trades"] += 1
        low, high, limit = int(query["low_tick"]), int(query["high_tick"]), int(query.get("limit", "500"))
        found = self.market.between(int(query["from_ns"]), int(query["to_ns"]))
        found = [trade for trade in found if low <= trade.tick < high]
        rows = [
            {
                "ts_ns": str(trade.ts_ns), "price": decimal_text(trade.tick, TICK_SIZE),
                "qty": decimal_text(trade.lot, LOT_SIZE), "side": SIDES[trade.side], "id": trade.trade_id,
            }
            for trade in found[:limit]
        ]  # fmt: skip
        sums = {
            "buy": side_sum(found, BUY),
            "sell": side_sum(found, SELL),
            "unknown": "0.000",
            "truncated": len(found) > limit,
        }
        return {"trades": rows, "count": len(found), **sums}

    def file(self, path: str) -> Response:
        target = (self.static / path.lstrip("/")).resolve() if path != "/" else self.static / "index.html"
        if not target.is_relative_to(self.static.resolve()) or not target.is_file():
            return reply(b"not found", "text/plain", http.HTTPStatus.NOT_FOUND)
        found = reply(target.read_bytes(), mimetypes.guess_type(target.name)[0] or "application/octet-stream")
        if path.startswith("/assets/"):  # their names tell their content: a browser keeps them, and what it compiled
            del found.headers["Cache-Control"]
            found.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return found

    # --- handles for tests ------------------------------------------------------------------------------------------

    async def pull(self, name: str, query: dict[str, str]) -> dict[str, Any]:
        """Make something happen."""
        count = int(query.get("n", "1"))
        actions: dict[str, Callable[[], Any]] = {
            "pause": lambda: setattr(self, "paused", True),
            "resume": lambda: setattr(self, "paused", False),
            "refuse": lambda: setattr(self, "refusing", query.get("on", "1") == "1"),
            "record": lambda: setattr(self, "recorded", query.get("on", "1") == "1"),
            "joined": lambda: self.day_span.update(day_start_ns=query["start_ns"], day_from_ns=query["from_ns"]),
            "trouble": lambda: setattr(self, "trouble", query.get("text")),
            "note": lambda: setattr(self, "notes", [text for text in query.get("text", "").split("|") if text]),
        }
        events: dict[str, Callable[[], Awaitable[None]]] = {
            "ticks": lambda: self.tick(count),
            "bars": lambda: self.fold(self.market.advance(count * 60 * NS)),
            "drop": self.drop_all,
            "reset": self.reset,
            "gap": self.make_gap,
            "heal": self.heal_gap,
            "feed": lambda: self.set_feed(query),
        }
        if name in actions:
            actions[name]()
        elif name in events:
            await events[name]()
        await self.send_status()
        return {"counts": self.counts, "engine_ns": str(self.market.now_ns)}

    async def tick(self, count: int) -> None:
        made = 0
        while made < count:
            trades = self.market.advance(NS // 4)
            for trade in trades[: count - made]:
                await self.fold([trade])
                await asyncio.sleep(0.002)
            made += len(trades)

    async def drop_all(self) -> None:
        for socket in list(self.sockets):
            await socket.close()

    async def make_gap(self) -> None:
        hole = Hole(self.market.now_ns - 20 * NS, self.market.now_ns, "test: socket lost", 12)
        self.market.holes.append(hole)
        await self.tell_gap(hole_text(hole))

    async def heal_gap(self) -> None:
        await self.tell_gap({**hole_text(self.market.holes.pop()), "healed": True})

    async def tell_gap(self, words: dict[str, Any]) -> None:
        for topic in self.topics.values():
            place = {"topic_id": topic.number, "topic_seq": topic.seq, "prev_seq": -1}
            await self.post(topic, json.dumps({"type": "gap", **place, "gap": words}))

    async def set_feed(self, query: dict[str, str]) -> None:
        feed = feed_of(query)
        symbol = feed["symbol"]
        self.feeds[symbol] = feed
        if feed["has_trades"]:
            self.refused_symbols.discard(symbol)
        else:
            self.refused_symbols.add(symbol)
        if query.get("phase") == "none":
            del self.feeds[symbol]
            return
        for socket in list(self.sockets):
            with contextlib.suppress(Exception):
                await socket.send(json.dumps(feed))


def feed_of(query: dict[str, str]) -> dict[str, Any]:
    """Return how a feed stands, as the wire has it."""
    backfill = query.get("backfill")
    return {
        "type": "feed", "symbol": query.get("symbol", "sim:PERP"), "phase": query.get("phase", "live"),
        "text": query.get("text", ""), "since_ns": query.get("since_ns", "0"),
        "backfill": None if backfill is None else float(backfill), "messages_per_s": 12.5, "offset_ms": 1.0,
        "has_trades": query.get("has_trades", "1") == "1",
    }  # fmt: skip


def instrument(key: str) -> dict[str, Any]:
    """Return one row of the instruments."""
    venue, _, symbol = key.partition(":")
    return {
        "key": key, "venue": venue, "symbol": symbol, "tick_size": TICK_SIZE, "lot_size": LOT_SIZE, "base": "SIM",
        "quote": "USD", "calendar": "crypto", "tz": "UTC", "simulated": True, "inferred": SYMBOLS[key],
        "default_ticks_per_level": DEFAULT_STEP, "live": True,
    }  # fmt: skip


def reply(body: bytes, kind: str, status: http.HTTPStatus = http.HTTPStatus.OK) -> Response:
    headers = Headers({"Content-Type": kind, "Content-Length": str(len(body)), "Connection": "close"})
    headers["Cache-Control"] = "no-store"
    return Response(status.value, status.phrase, headers, body)


def reply_json(value: Any, status: http.HTTPStatus = http.HTTPStatus.OK) -> Response:
    return reply(json.dumps(value).encode(), "application/json", status)


async def main() -> None:
    """Serve until stopped; the first line printed is the address."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8600)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--hours", type=float, default=60, help="history behind the live edge")
    parser.add_argument("--rate", type=float, default=3.2, help="trades a second")
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--static", type=Path, default=STATIC)
    options = parser.parse_args()
    fake = FakeServer(Market(options.seed, options.hours, options.rate), options.speed, options.static)
    async with serve(
        fake.talk, "127.0.0.1", options.port, process_request=fake.answer, compression=None, max_size=None
    ) as server:
        sys.stdout.write(f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}\n")
        sys.stdout.flush()
        await fake.run()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
