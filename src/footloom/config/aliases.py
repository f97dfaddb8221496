"""Names that pages and programs of others use for the same settings: read as what they meant there, or refused aloud.

``API_KEY``, ``CLIENT_CODE``, ``PASS``, ``AUTH_TOKEN``, ``INSTRUMENT_TOKEN``, ``LOTSIZE`` and ``DB_NAME`` belong to
charts of Angel One's feed, ``MONGO_*`` and ``TICK_COLLECTION`` to a collection of Upstox ticks, ``WS_PING_INTERVAL``,
``BINANCE_FUTURES_WS``, ``BYBIT_WS_LINEAR``, ``NEXT_PUBLIC_BACKEND_WS`` and ``max_candles`` to an order-flow screener.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from urllib.parse import urlsplit

import msgspec

from footloom.config.settings import Notice
from footloom.core.secret import Secret
from footloom.errors import ConfigError

__all__ = ("ALIASES", "LOGIN", "Aliased", "aliased")

# the login of Angel One -> what its functions call it
_BROKER = {"API_KEY": "api_key", "CLIENT_CODE": "client_code", "PASS": "pin", "AUTH_TOKEN": "totp_secret"}
LOGIN: tuple[str, ...] = tuple(_BROKER)
_PLAIN = {
    "MONGO_URI": "mongo_uri",
    "MONGO_DB_NAME": "mongo_db_name",
    "TICK_COLLECTION": "tick_collection",
    "WS_PING_INTERVAL": "ws_ping_interval",
    "max_candles": "max_history_bars",
    "MAX_CANDLES": "max_history_bars",
}
_SOCKETS = {"BINANCE_FUTURES_WS": "binance_usdm", "BYBIT_WS_LINEAR": "bybit_linear"}
_OTHERS = ("INSTRUMENT_TOKEN", "LOTSIZE", "DB_NAME", "NEXT_PUBLIC_BACKEND_WS")
ALIASES: tuple[str, ...] = (*_BROKER, *_PLAIN, *_SOCKETS, *_OTHERS)

_PLACEHOLDER = re.compile(r"your[-_ ].*", re.IGNORECASE)
_TAILS = re.compile(r"/(?:stream|ws|public|market|v5/public/linear)(?:/(?:stream|ws))?/?$")
_RETIRED = "fstream.binance.com"


class Aliased(msgspec.Struct):
    """What the names of others say: settings with the name that gave each, WebSocket addresses by venue, a login."""

    values: dict[str, object] = {}
    origins: dict[str, str] = {}
    sockets: dict[str, str] = {}
    angelone: dict[str, Secret] = {}
    notices: list[Notice] = []


def aliased(variables: Mapping[str, str]) -> Aliased:
    """Return what is meant by the names of others among some variables.

    Raises
    ------
    ConfigError
        A value cannot be what its name means; the message repeats no secret.
    """
    given = {name: variables[name].strip() for name in ALIASES if variables.get(name, "").strip()}
    found = Aliased()
    for name in [one for one in given if _PLACEHOLDER.fullmatch(given[one])]:
        found.notices.append(Notice(name, "still holds the text of the example: it counts as not set"))
        del given[name]
    for name, setting in _PLAIN.items():
        if name in given:
            found.values[setting], found.origins[setting] = given[name], name
    for name, venue in _SOCKETS.items():
        if name in given:
            _take_socket(name, venue, given[name], found)
    _take_login(given, found)
    _take_instrument(given, found)
    _take_ignored(given, found)
    return found


def _take_socket(name: str, venue: str, url: str, found: Aliased) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"ws", "wss"} or not parts.hostname or parts.username or parts.query:
        raise ConfigError(f"{name} is no WebSocket address such as wss://stream.example.com/stream")
    if parts.hostname == _RETIRED and not parts.path.startswith(("/public", "/market")):
        text = (
            f"{parts.scheme}://{parts.netloc}{parts.path} was retired by Binance on 2026-04-23: it still connects and "
            f"sends no trades. wss://{_RETIRED}/public and /market are used instead; take {name} out"
        )
        found.notices.append(Notice(name, text, is_loud=True))
        return
    base = f"{parts.scheme}://{parts.netloc}{_TAILS.sub('', parts.path).rstrip('/')}"
    found.sockets[venue] = base
    found.notices.append(Notice(name, f"the WebSockets of {venue} are those of {base}"))


def _take_login(given: Mapping[str, str], found: Aliased) -> None:
    there = [name for name in _BROKER if name in given]
    lacking = [name for name in _BROKER if name not in given]
    if not there:
        return
    if lacking:
        text = f"ignored: Angel One's login needs {', '.join(lacking)} too"
        # API_KEY alone is anybody's name.
        found.notices += [Notice(name, text, is_loud=len(there) > 1) for name in there]
        return
    if re.fullmatch(r"\d{6}", given["AUTH_TOKEN"]):
        raise ConfigError(
            "AUTH_TOKEN holds a code of six digits, which ends within a minute: set it to the secret key from which "
            "your 2FA app makes such codes"
        )
    found.angelone = {field: Secret(given[name]) for name, field in _BROKER.items()}
    found.notices += [Notice(name, "part of the login of Angel One") for name in there]


def _take_instrument(given: Mapping[str, str], found: Aliased) -> None:
    token = given.get("INSTRUMENT_TOKEN")
    if token is not None:
        if not re.fullmatch(r"(?:[A-Z]+\|)?[A-Za-z0-9]{1,25}", token):
            raise ConfigError(f"INSTRUMENT_TOKEN is {token!r}, no token of Angel One such as 53001 or NSE|3045")
        symbol = token if "|" in token else f"NFO|{token}"  # the example is a future of NSE
        found.values["symbols"], found.origins["symbols"] = [f"angelone:{symbol}"], "INSTRUMENT_TOKEN"
        text = f"angelone:{symbol} is listened to where no symbol is named"
        if token != symbol:
            text += f"; another exchange is written as MCX|{token}"
        found.notices.append(Notice("INSTRUMENT_TOKEN", text))
    lot = given.get("LOTSIZE")
    if lot is None:
        return
    try:
        size = Decimal(lot)
    except InvalidOperation:
        size = Decimal(0)
    if not (size.is_finite() and size > 0):
        raise ConfigError(f"LOTSIZE is {lot!r}, no size of a lot such as 75")
    found.values["lot_size"], found.origins["lot_size"] = lot, "LOTSIZE"
    text = (
        "compared with the instrument's own lot; volumes are never divided by it: they stay as the exchange sends them"
    )
    found.notices.append(Notice("LOTSIZE", text))


def _take_ignored(given: Mapping[str, str], found: Aliased) -> None:
    if "DB_NAME" in given:
        text = (
            f"ignored: {given['DB_NAME']} is a database of finished candles of another program; footloom keeps the "
            "tape itself, in the folder FOOTLOOM_STORE"
        )
        found.notices.append(Notice("DB_NAME", text))
    url = given.get("NEXT_PUBLIC_BACKEND_WS")
    if url is not None:
        port = _port_of(url)
        text = (
            f"ignored here: it tells a page where its server is ({url.partition('?')[0]}). footloom's own page finds "
            f"its server by itself; for that page run footloom serve --compat 003 --port {port or 8000}"
        )
        found.notices.append(Notice("NEXT_PUBLIC_BACKEND_WS", text))


def _port_of(url: str) -> int | None:
    try:
        return urlsplit(url).port
    except ValueError:
        return None
