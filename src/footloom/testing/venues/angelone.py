"""Angel One on this machine (SmartAPI's documentation of 2026): login, WebSocket 2.0, candles, scrip master."""

from __future__ import annotations

import datetime as dt
import struct
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
import pyotp

from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.testing.venues._angelone_socket import EXCHANGES, Socket
from footloom.testing.venues._grid import Grid
from footloom.testing.venues._india_rest import ALWAYS, IST, after_hour, described, minutes
from footloom.testing.venues.dialect import Out, Place
from footloom.testing.venues.market import Listing
from footloom.testing.venues.snapshotted import Board, Look
from footloom.testing.venues.wire import Call, Reply, Session

__all__ = ("PIN", "TOTP_SECRET", "Local")

TOTP_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # noqa: S105 - of nobody: what a local login has to be made with
PIN = "1234"
_MS = 1_000_000
_NUMBERS = {name: number for number, name in EXCHANGES.items()}
_MOST_SOCKETS = 3
_LOGIN = "/rest/auth/angelbroking/user/v1/loginByPassword"
_RENEW = "/rest/auth/angelbroking/jwt/v1/generateTokens"
_CANDLES = "/rest/secure/angelbroking/historical/v1/getCandleData"
_HEADERS = (
    ("authorization", "Invalid Header - Invalid Auth token"),
    ("x-api-key", "Invalid Header - Invalid API Key"),
    ("x-client-code", "Invalid Header - Invalid Client Code"),
    ("x-feed-token", "Invalid Header - Invalid Feed Token"),
)


class Local:
    """The venue. Any token is good until it expires, at midnight in India or by order."""

    venue = "angelone"
    beat_ns = 300 * _MS
    too_often: Mapping[str, object] = {"status": False, "message": "Access denied because of exceeding access rate"}

    def __init__(self, place: Place) -> None:
        self.place = place
        self.boards = {symbol: Board(one, place.now_ns) for symbol, one in place.market.listings.items()}
        self._grids = {symbol: Grid(listing) for symbol, listing in place.market.listings.items()}
        self._tokens: dict[str, int] = {}
        self._refresh: dict[str, int] = {}
        self._open: Counter[str] = Counter()
        self._sequence = 1_000

    # --- tokens ---

    def _is_good(self, token: str) -> bool:
        token = token.removeprefix("Bearer ").strip()
        if not token:
            return False
        return self.place.now_ns < self._tokens.setdefault(token, after_hour(self.place.now_ns, 0, 0))

    def ordered(self, kind: str) -> Sequence[Out]:
        """Let every token that was ever used expire."""
        if kind == "token":
            self._tokens = dict.fromkeys(self._tokens, 0)
            self._refresh.clear()
        return ()

    # --- sockets ---

    def open(self, call: Call) -> Session | Reply:
        """Take a new socket, or refuse it with the reason in a header."""
        if call.path != "/smart-stream":
            return Reply(404, b"", content_type="text/plain")
        query = call.query
        told = {
            "authorization": call.headers.get("authorization", "query" if query else ""),
            "x-api-key": call.headers.get("x-api-key", query.get("apiKey", "")),
            "x-client-code": call.headers.get("x-client-code", query.get("clientCode", "")),
            "x-feed-token": call.headers.get("x-feed-token", query.get("feedToken", "")),
        }
        for name, text in _HEADERS:
            token = name in {"authorization", "x-feed-token"}
            if not told[name] or (token and not self._is_good(told[name])):
                return Reply(401, b"", (("x-error-message", text),), "text/plain")
        client = told["x-client-code"]
        if self._open[client] >= _MOST_SOCKETS:
            return Reply(429, b"", (("x-error-message", "Connection limit exceeded"),), "text/plain")
        self._open[client] += 1
        return Socket(self, client)

    def left_socket(self, client: str) -> None:
        """Take note of a socket that has ended."""
        self._open[client] -= 1

    def first(self, mode: int, symbol: str) -> bytes | None:
        """Return the packet of what is known, None where nothing is."""
        board = self.boards.get(symbol)
        if board is None:
            return None
        if not any(name.endswith(f" {symbol}") for name in self.place.channels.names()):
            board.refresh(self.place.now_ns)  # nobody has listened, so nothing was looked at
        return None if board.current is None else self._packet(mode, symbol, board.current)

    # --- the feed ---

    def trades(self, listing: Listing, rows: Trades) -> Sequence[Out]:  # noqa: ARG002 - it shows in the next look
        """Return nothing: single trades are not told."""
        return ()

    def beat(self, at_ns: int) -> Sequence[Out]:
        """Return a packet of each symbol that has changed, in each mode that is listened to."""
        outs: list[Out] = []
        for symbol, board in self.boards.items():
            for look in board.refresh(at_ns):
                self._sequence += 1
                for mode in (1, 2, 3, 4):
                    channel = f"{mode} {symbol}"
                    if channel in self.place.channels:
                        key = f"{channel}/{look.vtt}/{at_ns}".encode()
                        outs.append(Out(channel, self._packet(mode, symbol, look), "trade", key))
        return outs

    def _packet(self, mode: int, symbol: str, look: Look) -> bytes:
        exchange, _, token = symbol.partition("|")
        number = _NUMBERS[exchange]
        paise = _paise(self.boards[symbol].instrument.tick_size, number)
        head = struct.pack("<BB25s", mode, number, token.encode())
        now_ms = self.place.now_ns // _MS
        if mode == 4:
            records = [(lot, tick * paise) for tick, lot in (*_padded(look.bids, 20), *_padded(look.asks, 20))]
            return head + struct.pack("<qq", now_ms, 0) + b"".join(struct.pack("<iih", *one, 1) for one in records)
        price = look.ltp * paise
        packet = head + struct.pack("<qqq", self._sequence, now_ms // 1000 * 1000, price)
        if mode == 1:
            return packet
        totals = (float(sum(lot for _, lot in side)) for side in (look.bids, look.asks))
        average = look.atp_e4 // 100
        packet += struct.pack("<qqqddqqqq", look.ltq, average, look.vtt, *totals, price, price, price, price)
        if mode == 2:
            return packet
        best = [(1, lot, tick * paise) for tick, lot in _padded(look.bids, 5)]
        best += [(0, lot, tick * paise) for tick, lot in _padded(look.asks, 5)]
        packet += struct.pack("<qqd", look.ltt_ms // 1000, look.oi or 0, 0.47)
        packet += b"".join(struct.pack("<hqqh", *one, 1) for one in best)
        return packet + struct.pack("<qqqq", price * 11 // 10, price * 9 // 10, price * 2, price // 2)

    # --- calls ---

    def answer(self, call: Call) -> Reply | Awaitable[Reply]:
        """Answer a call."""
        if call.path == "/archive/OpenAPIScripMaster.json":
            return Reply.json(self._master())
        handlers: dict[str, Callable[[Any], Reply]] = {
            _LOGIN: self._login,
            _RENEW: self._renew,
            _CANDLES: self._candles,
        }
        handler = handlers.get(call.path)
        if handler is None or call.method != "POST":
            return Reply.json({"status": False, "message": "Not found", "errorcode": "AB1000"}, 404)
        if "x-privatekey" not in call.headers:
            return _failed("Invalid API Key", "AG8004")
        if handler == self._candles and not self._is_good(call.headers.get("authorization", "")):
            return _failed("Invalid Token", "AG8001")
        try:
            return handler(msgspec.json.decode(call.body))
        except (msgspec.DecodeError, KeyError, TypeError, ValueError):
            return _failed("Invalid request", "AB1006")

    def _login(self, asked: Any) -> Reply:
        if asked["password"] != PIN:
            return _failed("Invalid clientcode or password", "AB1007")
        now = dt.datetime.fromtimestamp(self.place.now_ns // 10**9, dt.UTC)
        if not pyotp.TOTP(TOTP_SECRET).verify(str(asked["totp"]), for_time=now, valid_window=1):
            return _failed("Invalid totp", "AB1050")
        return self._issue()

    def _renew(self, asked: Any) -> Reply:
        expires = self._refresh.pop(asked["refreshToken"], None)
        if expires is None:
            return _failed("Invalid Refresh Token", "AB8050")
        return self._issue() if self.place.now_ns < expires else _failed("Refresh Token Expired", "AB8051")

    def _issue(self) -> Reply:
        made = {name: f"local-{uuid.uuid4().hex}" for name in ("jwtToken", "refreshToken", "feedToken")}
        midnight = after_hour(self.place.now_ns, 0, 0)
        self._tokens |= {made["jwtToken"]: midnight, made["feedToken"]: midnight}
        self._refresh[made["refreshToken"]] = midnight
        return Reply.json({"status": True, "message": "SUCCESS", "errorcode": "", "data": made})

    def _candles(self, asked: Any) -> Reply:
        symbol = f"{asked['exchange']}|{asked['symboltoken']}"
        listing = self.place.market.listings.get(symbol)
        if listing is None or asked["interval"] != "ONE_MINUTE":
            return _failed("Invalid symboltoken or interval", "AB1004")
        first, last = (_minute(asked[name]) for name in ("fromdate", "todate"))
        rows = [
            [one.at.isoformat(), float(one.open), float(one.high), float(one.low), float(one.close), one.volume]
            for one in minutes(listing.seen, self._grids[symbol])
            if first <= one.at <= last
        ]
        return Reply.json({"status": True, "message": "SUCCESS", "errorcode": "", "data": rows})

    def _master(self) -> list[dict[str, str]]:
        today = dt.datetime.fromtimestamp(self.place.now_ns // 10**9, IST).date()
        return [_row(described(one, number, today)) for number, one in enumerate(self.place.market.listings.values())]


def _row(one: Instrument) -> dict[str, str]:
    exchange, _, token = one.symbol.partition("|")
    factor = 10_000_000 if exchange == "CDS" else 100
    expiry = "" if one.expiry_ns is None else _day(one.expiry_ns)
    symbol = {
        "future": f"{one.underlying}{expiry}FUT",
        "option": f"{one.underlying}{expiry}{one.strike}{one.option}",
        "index": "Nifty 50",
    }.get(one.kind, f"{token}-EQ")
    row = {
        "token": token,
        "symbol": symbol,
        "name": one.underlying or one.name,
        "expiry": expiry,
        "strike": "-1.000000" if one.strike is None else f"{one.strike * factor:.6f}",
        "lotsize": str(one.market_lot or 1),
        "instrumenttype": {"future": "FUTIDX", "option": "OPTIDX", "index": "AMXIDX"}.get(one.kind, ""),
        "exch_seg": exchange,
        "tick_size": f"{one.tick_size * factor:.6f}",
    }
    return row | ({"calendar": ALWAYS} if one.calendar == ALWAYS else {})  # no field of the real file


def _day(at_ns: int) -> str:
    return dt.datetime.fromtimestamp(at_ns // 10**9, IST).strftime("%d%b%Y").upper()


def _padded(levels: Sequence[tuple[int, int]], count: int) -> list[tuple[int, int]]:
    return [*levels[:count], *[(0, 0)] * max(0, count - len(levels))]


def _paise(tick_size: Decimal, exchange: int) -> int:
    return int(tick_size * (10_000_000 if exchange == 13 else 100))


def _minute(text: str) -> dt.datetime:
    return dt.datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=IST)


def _failed(text: str, code: str) -> Reply:
    return Reply.json({"status": False, "message": text, "errorcode": code, "data": None})
