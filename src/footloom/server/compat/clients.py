"""What each client of a wire has set: a cookie names the client and holds its settings, so that they outlast a restart.

A request without the cookie has the defaults, and gets a cookie; a stream alone does not: a page that opens its stream
beside its first request would otherwise be two clients.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec
from litestar import Request
from litestar.datastructures import Cookie

from footloom.errors import ConfigError
from footloom.server.compat.asking import whole_number
from footloom.server.compat.numbers import parse_step

__all__ = ("Client", "Clients", "Settings", "read_settings", "settings_from")

_MOST_KEPT = 10_000
_YEAR_S = 365 * 86_400
_MOST_MINUTES = 1_440
_MOST_BODY = 10_000
_RACE_S = 10.0  # a stream that begins so long after its client got a name was asked for before it
_NAME = re.compile(r"[A-Za-z0-9_-]{10,40}")


class Settings(msgspec.Struct, frozen=True):
    """Minutes a bar, the price step of its levels, and the symbol; "" is the first live one."""

    interval: int
    tick_size: Decimal
    symbol: str = ""


def settings_from(asked: Mapping[str, object], now: Settings) -> Settings:
    """Return settings with what was asked for; the others stay.

    Raises
    ------
    ConfigError
        A value cannot be; the message names it and says what can.
    """
    interval, tick_size, symbol = (asked.get(name) for name in ("interval", "tickSize", "symbol"))
    return Settings(
        now.interval if interval in {None, ""} else whole_number(str(interval), "interval", 1, _MOST_MINUTES),
        now.tick_size if tick_size in {None, ""} else parse_step(str(tick_size), "tickSize"),
        now.symbol if symbol is None else str(symbol).strip(),
    )


class Client(NamedTuple):
    """One client, as its cookie has it: its name, when it got that (s since 1970 UTC), and what it has set."""

    name: str
    born_s: float
    settings: Settings


class Clients:
    """All clients of one wire.

    Beside the cookies, the newest settings of some are kept: a request that was sent before a cookie came has them too.
    However many others come and go, nobody's are lost.
    """

    def __init__(self, wire: str, defaults: Settings) -> None:
        self._name = f"footloom_{wire}"
        self._defaults = defaults
        self._newest: OrderedDict[str, Settings] = OrderedDict()
        self._watchers: dict[str, set[asyncio.Event]] = {}
        self._nameless: dict[asyncio.Event, tuple[str, float]] = {}

    def __len__(self) -> int:
        return len(self._newest)

    def knows(self, request: Request[Any, Any, Any]) -> bool:
        """Say whether a request has the cookie of a client."""
        return self._find(request) is not None

    def settings(self, request: Request[Any, Any, Any]) -> Settings:
        """Return the settings of whoever asks, with what the query says for this request alone."""
        client = self._find(request)
        return settings_from(request.query_params, self._defaults if client is None else client.settings)

    def greet(self, request: Request[Any, Any, Any]) -> list[Cookie]:
        """Return the cookie for a client that has none, else none."""
        return [] if self.knows(request) else [self._cookie(request, self._new())]

    def change(self, request: Request[Any, Any, Any], settings: Settings) -> list[Cookie]:
        """Take the settings of a client and tell its streams; return the cookie that holds them."""
        client = (self._find(request) or self._new())._replace(settings=settings)
        self._end_nameless(request, client)
        self._newest[client.name] = settings
        self._newest.move_to_end(client.name)
        self._forget_some()
        for watcher in self._watchers.get(client.name, ()):
            watcher.set()
        return [self._cookie(request, client)]

    def _new(self) -> Client:
        return Client(secrets.token_urlsafe(16), time.time(), self._defaults)

    def _cookie(self, request: Request[Any, Any, Any], client: Client) -> Cookie:
        secure, value = request.url.scheme == "https", _text_of(client)
        return Cookie(key=self._name, value=value, max_age=_YEAR_S, httponly=True, samesite="lax", secure=secure)

    @contextmanager
    def watch(self, request: Request[Any, Any, Any]) -> Iterator[asyncio.Event]:
        """Give an event that is set when the settings of a stream change, or when its client got a name meanwhile."""
        changed, client = asyncio.Event(), self._find(request)
        if client is None:
            self._nameless[changed] = (_looks(request), time.time())
        else:
            self._watchers.setdefault(client.name, set()).add(changed)
        try:
            yield changed
        finally:
            self._nameless.pop(changed, None)
            if client is not None:
                self._watchers[client.name].discard(changed)
                if not self._watchers[client.name]:
                    del self._watchers[client.name]

    # A browser that opened its stream before it had a cookie: the stream ends, and comes again with the cookie. Of
    # several browsers that look alike all come again, each to its own settings; no program's stream is ended.
    def _end_nameless(self, request: Request[Any, Any, Any], client: Client) -> None:
        looks = _looks(request)
        for changed, (other, began_s) in self._nameless.items():
            if looks and other == looks and began_s <= client.born_s + _RACE_S:
                changed.set()

    def _find(self, request: Request[Any, Any, Any]) -> Client | None:
        client = _client_of(request.cookies.get(self._name, ""), self._defaults)
        return client and client._replace(settings=self._newest.get(client.name, client.settings))

    # What an open stream follows stays; of the others a cookie holds the settings.
    def _forget_some(self) -> None:
        spare = len(self._newest) - _MOST_KEPT
        if spare > 0:
            idle = [name for name in self._newest if name not in self._watchers]
            for name in idle[:spare]:
                del self._newest[name]


def _text_of(client: Client) -> str:
    settings = client.settings
    said = (f"{client.born_s:.0f}", str(settings.interval), f"{settings.tick_size:f}", quote(settings.symbol, safe=""))
    return "!".join((client.name, *said))


# What a stranger made up is no cookie of ours; settings in it that cannot be are the defaults.
def _client_of(text: str, defaults: Settings) -> Client | None:
    name, *said = text.split("!", len(("born", *Settings.__struct_fields__)))  # it comes unquoted
    if not _NAME.fullmatch(name) or len(said) != len(("born", *Settings.__struct_fields__)):
        return None
    born, interval, tick_size, symbol = said
    if not (born.isascii() and born.isdigit() and len(born) <= len(str(2**40))):
        return None
    asked = {"interval": interval, "tickSize": tick_size, "symbol": symbol}
    try:
        return Client(name, float(born), settings_from(asked, defaults))
    except ConfigError:
        return Client(name, float(born), defaults)


# Only browsers say from where a request comes.
def _looks(request: Request[Any, Any, Any]) -> str:
    if "sec-fetch-mode" not in request.headers:
        return ""
    host = request.client.host if request.client else ""
    return f"{host} {request.headers.get('user-agent', '')}"


async def read_settings(request: Request[Any, Any, Any]) -> dict[str, object]:
    """Return what a POST says: a form, or JSON whose numbers stay exact.

    Raises
    ------
    ConfigError
        It is neither.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().endswith("json"):
        body = await request.body()
        try:
            if len(body) > _MOST_BODY:
                raise ConfigError(f"settings of {len(body)} bytes: at most {_MOST_BODY}")
            return msgspec.json.Decoder(dict[str, object], float_hook=Decimal).decode(body)
        except msgspec.MsgspecError as error:
            raise ConfigError(
                f'the settings are no JSON object: {error}; send such as {{"interval": 5, "tickSize": 2}}'
            ) from None
    return dict(await request.form())
