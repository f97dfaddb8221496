"""``footloom demo``: a live footprint of the simulated market, with two sessions of history, in the browser."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from footloom.cli._front import Front, ListenHostFlag, ListenPortFlag, TlsCertFlag, TlsKeyFlag, front_of, serving_flags
from footloom.cli._shared import (
    FIRST_START,
    AllowHostFlag,
    JsonFlag,
    OpenFlag,
    OriginFlag,
    as_usage,
    say,
)
from footloom.errors import FootloomError

if TYPE_CHECKING:
    from footloom.feeds.live import Journal
    from footloom.feeds.simulated import SimulatedMarket
    from footloom.server.services import Services
    from footloom.store.files import Store
    from footloom.venues.sim import SimSession

__all__ = ("demo",)

StoreFlag = Annotated[
    Path | None, typer.Option("--store", metavar="DIR", help="A folder of its own for the simulated tape.")
]
SpeedFlag = Annotated[float, typer.Option(min=0.01, max=10_000, help="Market time against the wall clock.")]
SeedFlag = Annotated[int, typer.Option(min=0, help="Which market: the same seed, the same tape.")]
AtFlag = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help="Begin at this time of the market, such as 2026-03-02T14:30; else now."),
]
_MARKET = "footloom.venues.sim.market"
_LIVE_KERNELS = ("inference", "facts", "growing", "level_bytes")
_FIRST_NS, _LAST_NS = 946_684_800 * 10**9, 4_102_444_800 * 10**9  # the years 2000 to 2099


def demo(
    port: ListenPortFlag = None,
    speed: SpeedFlag = 1.0,
    seed: SeedFlag = 7,
    at: AtFlag = None,
    open_page: OpenFlag = True,
    host: ListenHostFlag = None,
    store: StoreFlag = None,
    allow_host: AllowHostFlag = None,
    allow_origin: OriginFlag = None,
    tls_cert: TlsCertFlag = None,
    tls_key: TlsKeyFlag = None,
    json: JsonFlag = False,
) -> None:
    """Show the simulated market: two symbols that trade around the clock. Ctrl-C stops it."""
    at_ns = None if at is None else _begin(at)
    gc.disable()  # until everything is made: the collector would look at half a million new objects again and again
    from footloom import config

    with as_usage():
        settings = config.load(flags=serving_flags(host, port, allow_host, allow_origin, (tls_cert, tls_key)))
    front = front_of(settings, open_page=open_page, as_json=json)
    compiling = _compile_beside()
    kept = _run(front, seed, at_ns, store, speed, compiling)
    if not json:
        say(f"stopped; what was received is {f'sealed in {kept}' if kept else 'not kept: --store DIR keeps it'}")


def _run(
    front: Front,
    seed: int,
    at_ns: int | None,
    store: Path | None,
    speed: float,
    compiling: subprocess.Popen[str] | None,
) -> Path | None:
    """Serve the market until it is stopped; return the folder that keeps its tape, if one does."""
    # The market is made beside the imports that follow; a module is imported by one thread at a time.
    from footloom.venues.sim import session  # noqa: F401

    with ThreadPoolExecutor(1) as beside:
        today = beside.submit(_today, seed, at_ns, compiling)

        from footloom.store.files import Store

        kept = store or (_demo_folder(seed, _market_cache().name) if at_ns is None else None)
        with _folder(kept) as folder, Store(folder, writer=True) as opened:
            import footloom.feeds.simulated  # noqa: F401 - as above

            caught_up = beside.submit(_catch_up, opened, today, at_ns)

            from footloom.feeds.live import Journal
            from footloom.feeds.simulated import SIMULATED_KEYS
            from footloom.server.app import create_app
            from footloom.server.live.warming import warm_picture
            from footloom.server.run import run
            from footloom.server.services import Services

            services = Services.over(opened, live=SIMULATED_KEYS)
            app = create_app(services, access=front.access)
            (services.warm_kernels if compiling is None else warm_picture)()
            market, start_ns = caught_up.result()
            services.warm_chart()
            journal = Journal(opened)
            feed = functools.partial(
                _feed, services, market, journal, start_ns, speed, is_now=at_ns is None, compiling=compiling
            )
            gc.freeze()
            gc.enable()
            try:
                run(front.listen(app, background=functools.partial(services.feed, feed)))
            finally:
                services.close()
                journal.close()
                opened.seal()
    return kept


def _begin(text: str) -> int:
    from footloom._api import instant_ns

    with as_usage("--at"):
        begin_ns = instant_ns(text)
    if not _FIRST_NS <= begin_ns < _LAST_NS:
        raise typer.BadParameter(f"{text} is not within the years 2000 to 2099", param_hint="--at")
    return begin_ns


# Another time's market stands in nobody's way later: it is kept where one names a folder for it.
@contextlib.contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        yield kept
        return
    import tempfile

    with tempfile.TemporaryDirectory(prefix="footloom-demo-", ignore_cleanup_errors=True) as name:
        yield Path(name)


# Another version's market is another tape: each has a folder of its own.
def _demo_folder(seed: int, version: str) -> Path:
    import platformdirs

    return platformdirs.user_data_path("footloom", appauthor=False) / f"demo-{seed}-{version}"


# The first start compiles for some seconds, in a process of its own: the market, meanwhile here what pictures need, and
# then what the live edge needs and no picture.
def _compile_beside() -> subprocess.Popen[str] | None:
    from footloom.kernels.ahead import command, is_done

    live = [f"footloom.kernels.{name}" for name in _LIVE_KERNELS]
    is_live_done = is_done("footloom.kernels") or all(map(is_done, live))
    if is_live_done and any(_market_cache().rglob("*.nbi")):
        return None
    say(FIRST_START)
    return subprocess.Popen(command(_MARKET, *live), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)  # noqa: S603 - our own words


# Where the market's kernels are compiled to; the name stands for its sources.
def _market_cache() -> Path:
    from importlib.util import find_spec

    from footloom.kernels.cache import cache_folder

    spec = find_spec("footloom.venues")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return cache_folder(Path(spec.submodule_search_locations[0]) / "sim")


def _today(seed: int, at_ns: int | None, compiling: subprocess.Popen[str] | None) -> SimSession:
    """Make the day in which the market most likely begins, as soon as its kernels are there."""
    from footloom.venues.sim import session_at

    if compiling is not None and compiling.stdout is not None and not compiling.stdout.readline():
        raise FootloomError(f"compiling {_MARKET} failed: python -m footloom.kernels.ahead {_MARKET} says why")
    return session_at(at_ns or time.time_ns(), seed)


def _catch_up(store: Store, making: Future[SimSession], at_ns: int | None) -> tuple[SimulatedMarket, int]:
    """Complete the history of the store; return the market and the time from which on it streams."""
    from footloom.feeds.simulated import SimulatedMarket, backfill, missing_days, received_until
    from footloom.venues.sim import session

    today = making.result()
    start_ns = max(at_ns or time.time_ns(), received_until(store))  # where a faster market stood, it goes on
    rows = 0
    for day in missing_days(store, start_ns):
        made = today if day == today.day else session(today.seed, day)
        rows += backfill(store, made, start_ns)
    if rows:
        say(f"history: {rows:,} rows added")
    return SimulatedMarket(made, start_ns), start_ns


async def _feed(
    services: Services,
    market: SimulatedMarket,
    journal: Journal,
    start_ns: int,
    speed: float,
    *,
    is_now: bool,
    compiling: subprocess.Popen[str] | None,
) -> None:
    from footloom.feeds.live import WallPacer, live

    if compiling is not None:  # a first picture is shown already
        try:
            await asyncio.to_thread(compiling.wait)
        finally:
            compiling.kill()  # who stops the server waits for no kernel
        await asyncio.to_thread(services.warm_kernels)

    pacer = WallPacer(max(start_ns, time.time_ns()) if is_now else start_ns, speed)
    others = asyncio.create_task(services.warm_others())
    try:
        async for commits in live(market, journal, pacer):
            for commit in commits:
                services.publish(commit)
    finally:
        others.cancel()
