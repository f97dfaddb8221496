"""``footloom demo``: a live footprint of the simulated market, with two sessions of history, in the browser."""

from __future__ import annotations

import functools
import gc
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from footloom.cli._shared import HostFlag, JsonFlag, OpenFlag, OriginFlag, PortFlag, announce, say

if TYPE_CHECKING:
    from footloom.feeds.live import Journal
    from footloom.feeds.simulated import SimulatedMarket
    from footloom.server.services import Services
    from footloom.store.files import Store

__all__ = ("demo",)

StoreFlag = Annotated[
    Path | None, typer.Option("--store", metavar="DIR", help="A folder of its own for the simulated tape.")
]
SpeedFlag = Annotated[float, typer.Option(min=0.01, max=10_000, help="Market time against the wall clock.")]
SeedFlag = Annotated[int, typer.Option(min=0, help="Which market: the same seed, the same tape.")]


def demo(
    port: PortFlag = 8123,
    speed: SpeedFlag = 1.0,
    seed: SeedFlag = 7,
    open_page: OpenFlag = True,
    host: HostFlag = "127.0.0.1",
    store: StoreFlag = None,
    allow_origin: OriginFlag = None,
    json: JsonFlag = False,
) -> None:
    """Show the simulated market: two symbols that trade around the clock. Ctrl-C stops it."""
    from footloom.server.run import bind

    listener = bind(host, port)
    compiling = _compile_beside()

    from footloom.feeds.live import Journal
    from footloom.server.app import create_app
    from footloom.server.run import listen, run
    from footloom.server.services import Services
    from footloom.store.files import Store

    if compiling is not None:
        compiling.wait()
    from footloom.feeds.simulated import SIMULATED_KEYS

    folder = store or _demo_folder(seed)
    with Store(folder, writer=True) as opened:
        market, start_ns = _catch_up(opened, seed)
        services = Services.over(opened, live=SIMULATED_KEYS)
        services.warm()
        journal = Journal(opened)
        gc.collect()
        gc.freeze()  # what was made so far stays: no collection needs to look at it again
        feed = functools.partial(_feed, services, market, journal, start_ns, speed)
        on_ready = functools.partial(announce, host, listener.getsockname()[1], open_page=open_page, as_json=json)
        try:
            app = create_app(services, origins=allow_origin or ())
            run(listen(app, listener, background=feed, on_ready=on_ready))
        finally:
            services.close()
            journal.close()
            opened.seal()
    if not json:
        say("stopped; what was received is sealed in " + str(folder))


def _demo_folder(seed: int) -> Path:
    import platformdirs

    return platformdirs.user_data_path("footloom", appauthor=False) / f"demo-{seed}"


# The first start compiles for some seconds: the market in a process of its own, beside what charts need.
def _compile_beside() -> subprocess.Popen[bytes] | None:
    from importlib.util import find_spec

    from footloom.kernels.jit import cache_folder

    spec = find_spec("footloom.venues")
    places = list(spec.submodule_search_locations or ()) if spec else []
    if not places or any(cache_folder(Path(places[0]) / "sim").rglob("*.nbi")):
        return None
    say("first start: compiling, some seconds ...")
    command = [sys.executable, "-c", "import footloom.venues.sim"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - our own words


def _catch_up(store: Store, seed: int) -> tuple[SimulatedMarket, int]:
    """Complete the history of the store; return the market and the time from which on it streams."""
    from footloom.feeds.simulated import SimulatedMarket, backfill, missing_days, received_until
    from footloom.venues.sim import session

    start_ns = max(time.time_ns(), received_until(store))  # where a faster market stood, it goes on
    days = [session(seed, day) for day in missing_days(store, start_ns)]
    rows = backfill(store, days, start_ns)
    if rows:
        say(f"history: {rows:,} rows of {len(days)} sessions added")
    return SimulatedMarket(days[-1], start_ns), start_ns


async def _feed(services: Services, market: SimulatedMarket, journal: Journal, start_ns: int, speed: float) -> None:
    from footloom.feeds.live import WallPacer, live

    pacer = WallPacer(max(start_ns, time.time_ns()), speed)
    async for commits in live(market, journal, pacer):
        for commit in commits:
            services.publish(commit)
