"""What each client of a wire has set: a cookie names the client, its settings stay in this process.

A request without the cookie has the defaults, and gets a cookie; a stream alone does not: a page that opens its stream
beside its first request would otherwise be two clients.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec
from litestar import Request
from litestar.datastructures import Cookie

from footloom.errors import ConfigError
from footloom.server.compat.asking import whole_number
from footloom.server.compat.numbers import parse_step

__all__ = ("Client", "Clients", "Settings", "read_settings", "settings_from")

_MOST_CLIENTS = 10_000
_YEAR_S = 365 * 86_400
_MOST_MINUTES = 1_440
_MOST_BODY = 10_000
_RACE_S = 10.0  # a stream that begins so long after its client got a name was asked for before it


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


@dataclass(eq=False)
class Client:
    """One client: ``watchers`` are set when its settings change."""

    name: str
    settings: Settings
    born: float
    watchers: set[asyncio.Event] = field(default_factory=set)


class Clients:
    """All clients of one wire, the longest silent of them forgotten where there are very many.

    Those that have changed a setting are kept apart: however many others only look, they push none of them out.
    """

    def __init__(self, wire: str, defaults: Settings) -> None:
        self._name = f"footloom_{wire}"
        self._defaults = defaults
        self._greeted: OrderedDict[str, Client] = OrderedDict()
        self._changed: OrderedDict[str, Client] = OrderedDict()
        self._nameless: dict[asyncio.Event, tuple[str, float]] = {}

    def __len__(self) -> int:
        return len(self._greeted) + len(self._changed)

    def knows(self, request: Request[Any, Any, Any]) -> bool:
        """Say whether a request has the cookie of a client."""
        return self._find(request) is not None

    def settings(self, request: Request[Any, Any, Any]) -> Settings:
        """Return the settings of whoever asks, with what the query says for this request alone."""
        client = self._find(request)
        return settings_from(request.query_params, self._defaults if client is None else client.settings)

    def greet(self, request: Request[Any, Any, Any]) -> list[Cookie]:
        """Return the cookie for a client that has none, else none."""
        if self._find(request) is not None:
            return []
        client, cookie = self._named(request)
        _keep(self._greeted, client)
        return [cookie]

    def change(self, request: Request[Any, Any, Any], settings: Settings) -> list[Cookie]:
        """Keep the settings of a client and tell its streams; return the cookie for one that has none."""
        client, cookies = self._find(request), []
        if client is None:
            client, cookie = self._named(request)
            cookies = [cookie]
        self._end_nameless(request, client)
        client.settings = settings
        self._greeted.pop(client.name, None)
        _keep(self._changed, client)
        for watcher in client.watchers:
            watcher.set()
        return cookies

    def _named(self, request: Request[Any, Any, Any]) -> tuple[Client, Cookie]:
        name = secrets.token_urlsafe(16)
        client = Client(name, self._defaults, _now())
        secure = request.url.scheme == "https"
        return client, Cookie(key=self._name, value=name, max_age=_YEAR_S, httponly=True, samesite="lax", secure=secure)

    @contextmanager
    def watch(self, request: Request[Any, Any, Any]) -> Iterator[asyncio.Event]:
        """Give an event that is set when the settings of a stream change, or when its client got a name meanwhile."""
        changed, client = asyncio.Event(), self._find(request)
        if client is None:
            self._nameless[changed] = (_looks(request), _now())
        else:
            client.watchers.add(changed)
        try:
            yield changed
        finally:
            self._nameless.pop(changed, None)
            if client is not None:
                client.watchers.discard(changed)

    # A browser that opened its stream before it had a cookie: the stream ends, and comes again with the cookie. Of
    # several browsers that look alike all come again, each to its own settings; no program's stream is ended.
    def _end_nameless(self, request: Request[Any, Any, Any], client: Client) -> None:
        looks = _looks(request)
        for changed, (other, began) in self._nameless.items():
            if looks and other == looks and began <= client.born + _RACE_S:
                changed.set()

    def _find(self, request: Request[Any, Any, Any]) -> Client | None:
        name = request.cookies.get(self._name, "")
        for kept in (self._changed, self._greeted):
            if name in kept:
                kept.move_to_end(name)
                return kept[name]
        return None


def _keep(kept: OrderedDict[str, Client], client: Client) -> None:
    kept[client.name] = client
    while len(kept) > _MOST_CLIENTS:
        kept.popitem(last=False)


def _now() -> float:
    return asyncio.get_running_loop().time()


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
