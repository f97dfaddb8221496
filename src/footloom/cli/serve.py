"""``footloom serve``: charts of a store over HTTP and WebSocket, on this machine; with symbols, live ones."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from footloom.cli._front import ListenHostFlag, ListenPortFlag, TlsCertFlag, TlsKeyFlag, front_of, serving_flags
from footloom.cli._serve_streams import shown
from footloom.cli._shared import (
    FIRST_START,
    AllowHostFlag,
    EndpointFlag,
    JsonFlag,
    OpenFlag,
    OriginFlag,
    StoreFlag,
    as_usage,
    say,
)
from footloom.core.place import StorePlace
from footloom.errors import ConfigError, StoreLocked, UnknownSymbol

if TYPE_CHECKING:
    from footloom.cli._front import Front
    from footloom.config import Config
    from footloom.feeds.mongo_documents import Place
    from footloom.server.live.streams import Streams
    from footloom.server.live.writer import Writer
    from footloom.server.services import Services

__all__ = ("serve",)

Keys = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[KEY]...",
        help="Symbols to listen to, such as binance_usdm:BTCUSDT; or a collection to follow, mongodb:tick_data.",
        show_default=False,
    ),
]

CompatFlag = Annotated[
    str | None,
    typer.Option(metavar="001|002|003", help="Serve an older page's addresses at the root too.", show_default=False),
]

_LOOK_S = 0.2


def serve(
    keys: Keys = None,
    store: StoreFlag = None,
    host: ListenHostFlag = None,
    port: ListenPortFlag = None,
    open_page: OpenFlag = False,
    allow_host: AllowHostFlag = None,
    allow_origin: OriginFlag = None,
    tls_cert: TlsCertFlag = None,
    tls_key: TlsKeyFlag = None,
    endpoint: EndpointFlag = None,
    compat: CompatFlag = None,
    json: JsonFlag = False,
) -> None:
    """Serve charts of what a store holds, and of live symbols, to this machine. Ctrl-C stops it.

    With --host 0.0.0.0 other machines and phones get in with a link that holds a token.
    """
    from footloom import config
    from footloom.cli._serve_documents import parted
    from footloom.feeds.continuous import in_one_spelling
    from footloom.feeds.endpoints import checked

    with as_usage():
        flags = serving_flags(host, port, allow_host, allow_origin, (tls_cert, tls_key))
        settings = checked(config.load(store=store, endpoints=endpoint or (), flags={**flags, "compat": compat}))
        named = dict.fromkeys(map(in_one_spelling, keys or settings.symbols))
        symbols, place = parted(list(named), settings)
        wanted = shown(symbols)
    _check_place(settings.store)
    front = front_of(settings, open_page=open_page, as_json=json)
    with contextlib.ExitStack() as stack:
        _serve(settings, [f"{venue}:{one.symbol}" for venue, one in wanted], place, front, stack)


def _serve(
    settings: Config, pinned: Sequence[str], place: Place | None, front: Front, stack: contextlib.ExitStack
) -> None:
    from footloom.cli._record_feeds import store_settings
    from footloom.cli._serve_documents import follow, reached
    from footloom.kernels.ahead import is_done
    from footloom.server.clients.allowance import Limits
    from footloom.server.live.writer import Writer
    from footloom.server.services import Services
    from footloom.store.open import open_store

    root = settings.store
    services = Services.over(stack.enter_context(open_store(root)))
    services.limits = Limits(settings.max_subscriptions, settings.max_history_bars, settings.max_messages_per_s)
    writer = Writer(lambda: open_store(root, writer=True, settings=store_settings(settings)))
    services.writer = writer
    works, stop, refused = list[Callable[[], Awaitable[None]]](), asyncio.Event(), list[str]()
    if place is not None:
        say(reached(place))
        works.append(functools.partial(follow, services, writer, place))
    if pinned or settings.on_demand:
        streams = _streams(settings, services, writer, pinned, place)
        works.append(functools.partial(_run, streams, pinned, refused, stop))
    if pinned or place is not None:
        _hold(writer, root, stack)
    if not is_done("footloom.kernels"):
        say(FIRST_START)
    if not services.warm() and not pinned and place is None:
        more = "open a symbol on the page, " if settings.on_demand else ""
        say(f"{root} holds no trades yet: {more}bring a recording in with footloom import, or try footloom demo")
    _listen(settings, services, front, functools.partial(_all, services, works) if works else None, stop)
    if refused and stop.is_set():
        raise UnknownSymbol(refused[0])
    if writer.store is not None:
        stack.close()
        say(f"stopped; what was received is sealed in {root}")


# Said at once, and not when the first trade cannot be stored.
def _check_place(root: StorePlace) -> None:
    if not isinstance(root, Path):
        return
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"the store {root} cannot be made ({error.strerror}): name another folder with --store or FOOTLOOM_STORE"
        ) from None
    if not os.access(root, os.W_OK):
        say(f"{root} may not be written to by this user: what is stored is shown, nothing is recorded")


# Each for itself: one that ends with an error does not end the other.
async def _all(services: Services, works: Sequence[Callable[[], Awaitable[None]]]) -> None:
    await asyncio.gather(*(services.feed(work) for work in works))


def _streams(
    settings: Config, services: Services, writer: Writer, pinned: Sequence[str], place: Place | None
) -> Streams:
    from footloom.cli._serve_documents import DOCUMENTS
    from footloom.cli._serve_streams import Venues
    from footloom.server.access.logins import Logins
    from footloom.server.stored.candles import Shelf

    venues = Venues(settings, "" if place is None else str(place))
    streams = services.stream(venues.stream_settings(services, pinned), writer)
    without = "" if place is None else DOCUMENTS
    logins = Logins(settings, functools.partial(venues.log_in, services), without=without)
    services.listen_to_venues(logins, Shelf(settings), venues.catalogue() if settings.on_demand else None)
    return streams


# From the start to the end: what another kept in the journal is recovered before anybody is told that all is ready.
def _hold(writer: Writer, root: StorePlace, stack: contextlib.ExitStack) -> None:
    from footloom.store.lock import holder_of

    try:
        stack.enter_context(writer.held())
    except StoreLocked as locked:
        say(
            f"{root} is being recorded by {holder_of(locked)}: charts of it are served beside that, a second behind "
            "what is stored"
        )


async def _run(streams: Streams, pinned: Sequence[str], refused: list[str], stop: asyncio.Event) -> None:
    looking = asyncio.create_task(_look(streams, pinned, refused, stop)) if pinned else None
    try:
        await streams.run()
    finally:
        if looking is not None:
            looking.cancel()


# A symbol that its venue does not list is said at once; where there is no other, nothing is left to serve.
async def _look(streams: Streams, pinned: Sequence[str], refused: list[str], stop: asyncio.Event) -> None:
    while not stop.is_set():
        states = [state for key, state in streams.state() if key in pinned]
        stopped = [state.text for state in states if state.phase == "stopped" and "does not list" in state.text]
        fresh = [text for text in stopped if text not in refused]
        refused += fresh
        if states and len(stopped) == len(pinned):
            stop.set()
        else:
            for text in fresh:
                say(text)
        await asyncio.sleep(_LOOK_S)


def _listen(
    settings: Config,
    services: Services,
    front: Front,
    background: Callable[[], Awaitable[None]] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    from footloom.server.app import create_app
    from footloom.server.run import run

    app = create_app(services, access=front.access, settings=settings)
    try:
        run(front.listen(app, background=background, stop=stop))
    finally:
        services.close()
