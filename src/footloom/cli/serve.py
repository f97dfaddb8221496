"""``footloom serve``: charts of a store over HTTP and WebSocket, on this machine; with symbols, live ones."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from footloom.cli._front import front_of, serving_flags
from footloom.cli._shared import (
    AllowHostFlag,
    EndpointFlag,
    HostFlag,
    JsonFlag,
    OpenFlag,
    OriginFlag,
    PortFlag,
    StoreFlag,
    TlsCertFlag,
    TlsKeyFlag,
    as_usage,
    say,
)
from footloom.errors import StoreLocked, UnknownSymbol

if TYPE_CHECKING:
    from pathlib import Path

    from footloom.cli._front import Front
    from footloom.config import Config
    from footloom.server.services import Feeds, Services
    from footloom.venues._venue import Wanted

__all__ = ("serve",)

Keys = Annotated[
    list[str] | None,
    typer.Argument(metavar="[KEY]...", help="Symbols to listen to, such as binance_usdm:BTCUSDT.", show_default=False),
]

_SHOWN = frozenset({"quote"})
_LOOK_S = 0.2


def serve(
    keys: Keys = None,
    store: StoreFlag = None,
    host: HostFlag = None,
    port: PortFlag = None,
    open_page: OpenFlag = False,
    allow_host: AllowHostFlag = None,
    allow_origin: OriginFlag = None,
    tls_cert: TlsCertFlag = None,
    tls_key: TlsKeyFlag = None,
    endpoint: EndpointFlag = None,
    json: JsonFlag = False,
) -> None:
    """Serve charts of what a store holds, and of live symbols, to this machine. Ctrl-C stops it.

    With --host 0.0.0.0 other machines and phones get in with a link that holds a token.
    """
    from footloom import config
    from footloom.feeds.endpoints import checked

    with as_usage():
        flags = serving_flags(host, port, allow_host, allow_origin, (tls_cert, tls_key))
        settings = checked(config.load(store=store, endpoints=endpoint or (), flags=flags))
        wanted = _wanted(list(dict.fromkeys(keys or settings.symbols)))
    front = front_of(settings, open_page=open_page, as_json=json)
    if wanted:
        _serve_live(settings, wanted, front)
    else:
        _serve_stored(settings.store, front)


def _serve_stored(root: Path, front: Front) -> None:
    from footloom.server.services import Services
    from footloom.store.files import Store

    with Store(root) as opened:
        services = Services.over(opened)
        if not services.warm():
            say(f"{root} holds no trades yet: bring a recording in with footloom import, or try footloom demo")
        _listen(services, front)


# Best bid and ask are shown and not stored.
def _wanted(keys: Sequence[str]) -> list[tuple[str, Wanted]]:
    if not keys:
        return []
    import msgspec

    from footloom.cli._record_feeds import wanted_of
    from footloom.feeds._venues import venue_named

    return [
        (name, msgspec.structs.replace(one, streams=one.streams | (_SHOWN & venue_named(name).STREAMS)))
        for name, one in wanted_of(keys, depth=None, quotes=False)
    ]


def _serve_live(settings: Config, wanted: list[tuple[str, Wanted]], front: Front) -> None:
    from footloom.cli._record_feeds import settings_of, store_settings
    from footloom.feeds.recorder import Recorder
    from footloom.server.candles import Shelf
    from footloom.server.logins import Logins
    from footloom.server.services import Services
    from footloom.store.files import Store

    keys = [f"{venue}:{one.symbol}" for venue, one in wanted]
    try:
        opened = Store(settings.store, writer=True, settings=store_settings(settings))
    except StoreLocked as locked:
        _serve_beside(settings.store, keys, str(locked), front)
        return
    with opened:
        how = settings_of(wanted, settings, backfill_hours=settings.backfill_hours)
        recorder = Recorder(opened, wanted, dataclasses.replace(how, shown_only=_SHOWN))
        services = Services.over(opened, live=keys)
        logins = Logins(settings, getattr(recorder, "log_in", _told_only))
        services.listen_to_venues(logins, Shelf(settings))
        services.warm()
        _follow(services, recorder, front)
        opened.seal()
    say(f"stopped; what was received is sealed in {settings.store}")


def _told_only(venue: str, _values: Mapping[str, str]) -> None:
    say(f"logged in to {venue}: start footloom again, so that its feed uses the new token")


def _serve_beside(root: Path, keys: Sequence[str], locked: str, front: Front) -> None:
    from footloom.server.beside import Beside
    from footloom.server.services import Services
    from footloom.store.files import Store

    holder = locked.partition(" is being written to by ")[2].partition(": stop it")[0] or "another process"
    say(f"{root} is being recorded by {holder}: charts of it are served beside that, a second behind what is stored")
    with Store(root) as opened:
        services = Services.over(opened, live=keys)
        services.warm()
        _follow(services, Beside(services.history, keys, holder, services.hub.reread), front)


def _follow(services: Services, feeds: Feeds, front: Front) -> None:
    refused: list[str] = []
    stop = asyncio.Event()

    async def work() -> None:
        looking = asyncio.create_task(_look(feeds, refused, stop))
        try:
            await services.follow(feeds)
        finally:
            looking.cancel()

    _listen(services, front, functools.partial(services.feed, work), stop)
    if stop.is_set() and refused:
        raise UnknownSymbol(refused[0])


# A symbol that its venue does not list is said at once; where there is no other, nothing is left to serve.
async def _look(feeds: Feeds, refused: list[str], stop: asyncio.Event) -> None:
    while not stop.is_set():
        states = feeds.state()
        stopped = [state.text for _, state in states if state.phase == "stopped" and "does not list" in state.text]
        fresh = [text for text in stopped if text not in refused]
        refused += fresh
        if len(stopped) == len(states):
            stop.set()
        else:
            for text in fresh:
                say(text)
        await asyncio.sleep(_LOOK_S)


def _listen(
    services: Services,
    front: Front,
    background: Callable[[], Awaitable[None]] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    from footloom.server.app import create_app
    from footloom.server.run import run

    app = create_app(services, access=front.access)
    try:
        run(front.listen(app, background=background, stop=stop))
    finally:
        services.close()
