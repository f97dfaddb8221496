"""Upstox on this machine (its documentation of 2026): login, authorize, feed V3, candles, instruments."""

from __future__ import annotations

import datetime as dt
import gzip
import re
import uuid
from collections import Counter
from collections.abc import Awaitable, Mapping, Sequence
from urllib.parse import parse_qs, quote

import msgspec

from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.testing.venues._grid import Grid
from footloom.testing.venues._india_rest import ALWAYS, after_hour, described, minutes
from footloom.testing.venues._upstox_chain import chain_of_expiry, underlying_key
from footloom.testing.venues._upstox_feed import feed, response
from footloom.testing.venues._upstox_socket import Socket
from footloom.testing.venues.dialect import Out, Place
from footloom.testing.venues.market import Listing
from footloom.testing.venues.snapshotted import Board, Look
from footloom.testing.venues.wire import Call, Reply, Session
from footloom.venues import _upstox_feed_pb2 as pb

__all__ = ("Local",)

_MS = 1_000_000
_FEEDER = "/market-data-feeder/v3/upstox-developer-api/feeds"
_CANDLES = re.compile(r"/v3/historical-candle/(intraday/)?([^/]+)/minutes/1(?:/([\d-]+)/([\d-]+))?")
_MASTER = re.compile(r"/archive/instruments/exchange/(complete|NSE|BSE|MCX)\.json\.gz")
_MOST_SOCKETS = 2
_SEGMENTS = ("NSE_EQ", "NSE_FO", "NSE_INDEX", "BSE_EQ", "BSE_FO", "BSE_INDEX", "MCX_FO")
_PLUS = "plus"  # a token with this word in it is that of an account of Upstox Plus


class Local:
    """The venue. Any token is good until it expires, at 03:30 in India or by order."""

    venue = "upstox"
    beat_ns = 300 * _MS
    too_often: Mapping[str, object] = {
        "status": "error",
        "errors": [{"errorCode": "UDAPI10005", "message": "Too Many Request Sent"}],
    }

    def __init__(self, place: Place) -> None:
        self.place = place
        self.boards = {symbol: Board(one, place.now_ns) for symbol, one in place.market.listings.items()}
        self._grids = {symbol: Grid(listing) for symbol, listing in place.market.listings.items()}
        self._tokens: dict[str, int] = {}  # when each expires, ns UTC
        self._codes: dict[str, str] = {}  # what opens one socket, for which token
        self._logins: set[str] = set()
        self._open: Counter[str] = Counter()
        self._issued = 0

    # --- tokens ---

    def _token(self, call: Call) -> str:
        token = call.headers.get("authorization", "").removeprefix("Bearer ").strip()
        if not token:
            return ""
        expires = self._tokens.setdefault(token, after_hour(self.place.now_ns, 3, 30))
        return token if self.place.now_ns < expires else ""

    def ordered(self, kind: str) -> Sequence[Out]:
        """Let every token that was ever used expire."""
        if kind == "token":
            self._tokens = dict.fromkeys(self._tokens, 0)
            self._codes.clear()
        return ()

    # --- sockets ---

    def open(self, call: Call) -> Session | Reply:
        """Take a new socket, or refuse it."""
        if call.path == "/v3/feed/market-data-feed":
            token = self._token(call)
            if not token:
                return _refused(401, "UDAPI100050", "Invalid token used to access API")
            return Reply(302, b"", (("Location", self._address(call, token)),))
        token = self._codes.pop(call.query.get("code", ""), "")
        if call.path != _FEEDER or not token:
            return _refused(401, "UDAPI100050", "Invalid token used to access API")
        if self._open[token] >= _MOST_SOCKETS + 3 * (_PLUS in token):
            return _refused(403, "UDAPI100060", "Connection limit reached")
        self._open[token] += 1
        return Socket(self, token, plus=_PLUS in token)

    def left_socket(self, token: str) -> None:
        """Take note of a socket that has ended."""
        self._open[token] -= 1

    def _address(self, call: Call, token: str) -> str:
        code = str(uuid.uuid4())
        self._codes[code] = token
        return f"ws://{call.headers.get('host', '127.0.0.1')}{_FEEDER}?requestId={uuid.uuid4()}&code={code}"

    def market_info(self) -> bytes:
        """Return the first message of a socket."""
        made = pb.FeedResponse(type=pb.Type.market_info, currentTs=self.place.now_ns // _MS)
        for segment in _SEGMENTS:
            made.marketInfo.segmentStatus[segment] = pb.MarketStatus.NORMAL_OPEN
        return bytes(made.SerializeToString())

    def initial(self, mode: str, keys: Sequence[str]) -> bytes | None:
        """Return what is known of keys, None where nothing is."""
        for key in keys:
            if key in self.boards and not any(name.endswith(f" {key}") for name in self.place.channels.names()):
                self.boards[key].refresh(self.place.now_ns)  # nobody has listened, so nothing was looked at
        known = {
            key: feed(mode, self.boards[key], self._grids[key], look)
            for key in keys
            if key in self.boards and (look := self.boards[key].current) is not None
        }
        return response(pb.Type.initial_feed, known, self.place.now_ns // _MS) if known else None

    # --- the feed ---

    def trades(self, listing: Listing, rows: Trades) -> Sequence[Out]:  # noqa: ARG002 - it shows in the next look
        """Return nothing: single trades are not told."""
        return ()

    def beat(self, at_ns: int) -> Sequence[Out]:
        """Return what has changed since the last look."""
        outs: list[Out] = []
        for key, board in self.boards.items():
            before = board.current
            for look in board.refresh(at_ns):
                outs += self._outs(key, look, before, at_ns)
                before = look
        return outs

    def _outs(self, key: str, look: Look, before: Look | None, at_ns: int) -> list[Out]:
        outs = []
        for mode in ("ltpc", "option_greeks", "full", "full_d30"):
            channel = f"{mode} {key}"
            if channel in self.place.channels:
                made = feed(mode, self.boards[key], self._grids[key], look, before)
                payload = response(pb.Type.live_feed, {key: made}, at_ns // _MS)
                outs.append(Out(channel, payload, "trade", f"{channel}/{look.vtt}/{at_ns}".encode()))
        return outs

    # --- calls ---

    def answer(self, call: Call) -> Reply | Awaitable[Reply]:
        """Answer a call."""
        master = _MASTER.fullmatch(call.path)
        if master is not None:
            packed = gzip.compress(msgspec.json.encode(self._master(master[1])), mtime=0)
            return Reply(200, packed, (), "application/gzip")
        if call.path == "/v2/login/authorization/dialog":
            return self._dialog(call)
        if call.path == "/v2/login/authorization/token" and call.method == "POST":
            return self._login(call)
        token = self._token(call)
        return self._private(call, token) if token else _refused(401, "UDAPI100050", "Invalid token used to access API")

    def _private(self, call: Call, token: str) -> Reply:
        if call.path == "/v3/feed/market-data-feed/authorize":
            address = self._address(call, token)
            data = {"authorized_redirect_uri": address, "authorizedRedirectUri": address}
            return Reply.json({"status": "success", "data": data})
        candles = _CANDLES.fullmatch(call.path)
        if candles is not None:
            return self._candles(candles)
        if call.path == "/v2/option/chain":
            asked = (call.query.get("instrument_key", ""), call.query.get("expiry_date", ""))
            return Reply.json({"status": "success", "data": chain_of_expiry(self.boards, self._grids, *asked)})
        if call.path == "/v2/user/profile":
            return Reply.json({"status": "success", "data": {"user_id": "LOCAL", "is_active": True}})
        return _refused(404, "UDAPI100000", "Resource not Found.")

    def _dialog(self, call: Call) -> Reply:
        code = uuid.uuid4().hex
        self._logins.add(code)
        state = f"&state={quote(call.query['state'])}" if "state" in call.query else ""
        return Reply(302, b"", (("Location", f"{call.query.get('redirect_uri', '')}?code={code}{state}"),))

    def _login(self, call: Call) -> Reply:
        form = {name: values[0] for name, values in parse_qs(call.body.decode("utf-8", "replace")).items()}
        missing = {"code", "client_id", "client_secret", "redirect_uri", "grant_type"} - form.keys()
        if missing or form["grant_type"] != "authorization_code":
            return _refused(400, "UDAPI1087", "One of the parameters is missing or wrong")
        if form["code"] not in self._logins:
            return _refused(401, "UDAPI100057", "Invalid Auth code")
        self._logins.discard(form["code"])
        self._issued += 1
        token = f"local-{self._issued}-{uuid.uuid4().hex}"
        self._tokens[token] = after_hour(self.place.now_ns, 3, 30)
        return Reply.json({"user_id": "LOCAL", "user_name": "LOCAL", "access_token": token, "is_active": True})

    def _candles(self, match: re.Match[str]) -> Reply:
        listing = self.place.market.listings.get(match[2])
        if listing is None:
            return _refused(400, "UDAPI100011", "Invalid Instrument key")
        found = minutes(listing.seen, self._grids[match[2]])
        today = self._today()
        if match[1]:
            found = [one for one in found if one.at.date() == today]
        elif match[3] and match[4]:
            first, last = dt.date.fromisoformat(match[4]), dt.date.fromisoformat(match[3])
            found = [one for one in found if first <= one.at.date() <= last and one.at.date() < today]
        rows = [
            [one.at.isoformat(), float(one.open), float(one.high), float(one.low), float(one.close), one.volume, 0]
            for one in reversed(found)
        ]
        return Reply.json({"status": "success", "data": {"candles": rows}})

    def _today(self) -> dt.date:
        return (dt.datetime.fromtimestamp(self.place.now_ns / 1e9, dt.UTC) + dt.timedelta(hours=5, minutes=30)).date()

    def _master(self, exchange: str) -> list[dict[str, object]]:
        named = [
            described(one, number, self._today()) for number, one in enumerate(self.place.market.listings.values())
        ]
        rows = [_row(one) for one in named]
        return [row for row in rows if exchange in {"complete", row["exchange"]}]


def _row(one: Instrument) -> dict[str, object]:
    segment, _, token = one.symbol.partition("|")
    row: dict[str, object] = {
        "segment": segment,
        "name": one.underlying or one.name,
        "exchange": segment.partition("_")[0],
        "instrument_type": {"future": "FUT", "option": one.option, "index": "INDEX"}.get(
            one.kind, segment.rpartition("_")[2]
        ),
        "instrument_key": one.symbol,
        "exchange_token": token,
        "trading_symbol": one.name,
        "tick_size": float(one.tick_size) * 100,  # in paise
        "lot_size": int(one.market_lot or 1),
        "freeze_quantity": 1800.0,
    }
    if one.calendar == ALWAYS:
        row["calendar"] = ALWAYS  # no field of the real file
    if one.expiry_ns is not None:
        row |= {
            "asset_symbol": one.underlying,
            "underlying_symbol": one.underlying,
            "underlying_key": underlying_key(one),
            "asset_type": "INDEX",
            "underlying_type": "INDEX",
            "expiry": one.expiry_ns // _MS,
            "weekly": one.kind == "option",
            "minimum_lot": int(one.market_lot or 1),
            "strike_price": float(one.strike or 0),
        }
    return row


def _refused(status: int, code: str, text: str) -> Reply:
    error = {"errorCode": code, "message": text, "propertyPath": None, "invalidValue": None}
    return Reply.json({"status": "error", "errors": [error]}, status)
