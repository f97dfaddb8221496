"""Angel One, a broker of India: SmartAPI's WebSocket 2.0, candles and the scrip master; symbols such as ``NFO|45450``.

The feed sends conflated snapshots, no trades: sides are inferred (definitions 1.3). Quantities are units, so the lot is
1. Streams ``snapshot``, ``quote`` and ``open_interest`` are mode 3 (SnapQuote), ``depth`` above 5 levels mode 4 beside
it (20 levels, NSE's cash market only), ``ltpc`` mode 1. Mode 2 is never asked for: it has no book and no time of trade.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec

from footloom.core.instrument import Instrument
from footloom.core.secret import Secret
from footloom.errors import ConfigError
from footloom.venues._angelone_frames import EXCHANGES, TYPES, parse
from footloom.venues._angelone_rest import (
    CALENDARS,
    CANDLE_SPAN_NS,
    candles,
    headers,
    instruments,
    instruments_request,
    read_candles,
)
from footloom.venues._india_names import futures_of, resolve, spot_of, underlying_of
from footloom.venues._india_options import parse_options
from footloom.venues._venue import Bases, Ping, Socket, Wanted

__all__ = (
    "BASES",
    "BUDGETS",
    "CANDLE_SPAN_NS",
    "GRACE_NS",
    "STREAMS",
    "TAPE",
    "VENUE",
    "added",
    "candles",
    "explain",
    "futures_of",
    "headers",
    "instrument",
    "instruments",
    "instruments_request",
    "known_instrument",
    "most_sockets",
    "parse",
    "parse_options",
    "read_candles",
    "resolve",
    "sockets",
    "spot_of",
    "underlying_of",
)

VENUE: Final = "angelone"
TAPE: Final = "snapshot"
GRACE_NS: Final = 2_000_000_000
STREAMS: Final = frozenset({"snapshot", "quote", "depth", "open_interest", "ltpc"})
BASES: Final = Bases(
    ws="wss://smartapisocket.angelone.in",
    rest="https://apiconnect.angelone.in",
    archive="https://margincalculator.angelone.in/OpenAPI_File/files",
)
# Candles: 3 a second, 180 a minute, 5 000 an hour; 3 in any 2.2 s keeps all three.
BUDGETS: Final[dict[str, tuple[int, float]]] = {"rest": (3, 2.2), "login": (1, 1.0)}
_CONNECTIONS, _TOKENS, _DEPTH_TOKENS, _TOKENS_A_MESSAGE = 3, 1000, 50, 500
_FULL = frozenset({"snapshot", "quote", "open_interest"})
_PING = Ping(every_s=10.0, text="ping")
_STALL_S = 20.0
_OPTION_TICK = Decimal("0.05")

Subscription = tuple[int, str]  # mode and symbol


def sockets(wanted: Sequence[Wanted], bases: Bases, credentials: dict[str, str]) -> list[Socket]:
    """Return the connections that carry what is wanted: three of a client at the most, 1000 tokens each.

    Parameters
    ----------
    credentials
        ``jwt_token``, ``feed_token``, ``api_key`` and ``client_code``.

    Raises
    ------
    ConfigError
        No token, a stream that Angel One has not, or more than its connections take.
    """
    asked = [(mode, one.symbol) for one in wanted for mode in _modes(one)]
    deep = sum(mode == 4 for mode, _ in asked)
    if len(asked) > _CONNECTIONS * _TOKENS or deep > _DEPTH_TOKENS:
        raise ConfigError(
            f"{len(asked)} subscriptions, {deep} of them with 20 levels: Angel One takes {_CONNECTIONS} connections of "
            f"{_TOKENS}, and {_DEPTH_TOKENS} with 20 levels. Record fewer symbols"
        )
    headers_ = _handshake(credentials)
    return [
        Socket(
            name=f"angelone {start // _TOKENS + 1}",
            url=f"{bases.ws}/smart-stream",
            headers=headers_,
            opening=_subscriptions(load),
            # A packet of modes 1 to 3 stands for whatever was asked of its token, one of mode 4 is a book alone.
            expects=frozenset((symbol, "depth" if mode == 4 else "snapshot") for mode, symbol in load),
            ping=_PING,
            stall_s=_STALL_S,
        )
        for start in range(0, len(asked), _TOKENS)
        if (load := asked[start : start + _TOKENS])
    ]


def most_sockets(credentials: dict[str, str]) -> int:  # noqa: ARG001 - the same for all
    """Return how many connections a client has."""
    return _CONNECTIONS


def added(old: Socket, new: Socket) -> tuple[str, ...]:
    """Return the messages that make of a connection that was opened as ``old`` what ``new`` asks for.

    Tokens that ``new`` has not are given up, others are added: for options that follow the money.
    """
    before, after = _asked(old), _asked(new)
    known, wanted = set(before), set(after)
    gone = _subscriptions([one for one in before if one not in wanted], action=0)
    return (*gone, *_subscriptions([one for one in after if one not in known]))


def explain(status: int, text: str) -> str:
    """Return what an HTTP status of Angel One means and what to do about it, ``""`` where it says no more than others.

    ``text`` is the body of the answer, or ``x-error-message`` of a refused handshake; nothing of it is repeated.
    """
    if status == 401 or any(code in text for code in ("AG8001", "AG8002", "AG8003", "AB1010", "AB1011")):
        return (
            "Angel One does not take the tokens: a session lasts until midnight IST. Run footloom login angelone; "
            "nothing is tried again before that"
        )
    if status in {403, 429}:
        return (
            "Angel One's rate limit is reached (3 candle calls a second, one login a second, 3 connections of a "
            "client): close other programs that use the account, and wait a minute"
        )
    return ""


def instrument(symbol: str, tick_size: Decimal, lot_size: Decimal) -> Instrument:
    """Return the instrument of a symbol on a given grid, with the sessions of its exchange."""
    calendar = CALENDARS.get(symbol.partition("|")[0], "nse_cash")
    return Instrument(
        venue=VENUE, symbol=symbol, tick_size=tick_size, lot_size=lot_size, quote="INR", calendar=calendar
    )


def known_instrument(symbol: str, at_ns: int) -> Instrument | None:  # noqa: ARG001 - the same on every day so far
    """Return the instrument as it is known for ``at_ns`` (ns UTC), None where it is not."""
    derivative = symbol.startswith(("NFO|", "BFO|"))
    return instrument(symbol, _OPTION_TICK, Decimal(1)) if derivative else None


def _modes(one: Wanted) -> tuple[int, ...]:
    exchange, bar, token = one.symbol.partition("|")
    if exchange not in TYPES or not bar or not token.isalnum() or len(token) > 25:
        known = ", ".join(TYPES)
        raise ConfigError(f"{one.symbol} is no symbol of Angel One: write one as NFO|45450 ({known})")
    if one.streams - STREAMS or not one.streams:
        raise ConfigError(
            f"angelone has no {', '.join(sorted(one.streams - STREAMS)) or 'stream without a name'} of {one.symbol}: "
            f"it sends snapshots ({', '.join(sorted(STREAMS))}), never single trades"
        )
    deep = "depth" in one.streams and one.depth > 5
    if deep and (one.depth > 20 or exchange != "NSE"):
        raise ConfigError(f"{one.depth} levels of {one.symbol}: Angel One sends 5, and 20 of NSE's cash market only")
    full = bool(one.streams & _FULL) or ("depth" in one.streams and not deep)
    return ((3,) if full else ()) + ((4,) if deep else ()) or (1,)


def _handshake(credentials: dict[str, str]) -> tuple[tuple[str, str], ...]:
    values = [credentials.get(name, "") for name in ("jwt_token", "api_key", "client_code", "feed_token")]
    if not all(values):
        raise ConfigError("angelone gives data to accounts only, and there are no tokens: run footloom login angelone")
    token = values[0] if values[0].startswith("Bearer ") else f"Bearer {values[0]}"
    names = ("Authorization", "x-api-key", "x-client-code", "x-feed-token")
    return tuple((name, Secret(value)) for name, value in zip(names, (token, *values[1:]), strict=True))


def _asked(socket: Socket) -> list[Subscription]:
    found: list[Subscription] = []
    for message in socket.opening:
        params = msgspec.json.decode(message)["params"]
        for one in params["tokenList"]:
            found += [(params["mode"], f"{EXCHANGES[one['exchangeType']]}|{token}") for token in one["tokens"]]
    return found


def _subscriptions(load: list[Subscription], action: int = 1) -> tuple[str, ...]:
    messages: list[str] = []
    for mode in sorted({mode for mode, _ in load}):
        symbols = [symbol for one, symbol in load if one == mode]
        for start in range(0, len(symbols), _TOKENS_A_MESSAGE):
            tokens: dict[int, list[str]] = {}
            for symbol in symbols[start : start + _TOKENS_A_MESSAGE]:
                exchange, _, token = symbol.partition("|")
                tokens.setdefault(TYPES[exchange], []).append(token)
            lists = [{"exchangeType": number, "tokens": some} for number, some in tokens.items()]
            params = {"mode": mode, "tokenList": lists}
            message = {"correlationID": f"footloom{len(messages):02d}", "action": action, "params": params}
            messages.append(msgspec.json.encode(message).decode())
    return tuple(messages)
