"""``footloom simulate``: a venue on this machine, with its real protocol, to try everything out without an exchange."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from footloom.cli._shared import JsonFlag, say

if TYPE_CHECKING:
    from footloom.testing.venues import Faults, LocalVenue, Market

__all__ = ("simulate",)

_SHOWN = 4

VenueName = Annotated[
    str, typer.Argument(metavar="VENUE", help="binance_usdm, binance_spot, bybit_linear, upstox or angelone.")
]
ReplayFlag = Annotated[
    list[Path] | None,
    typer.Option("--replay", metavar="FILE", help="Trade what a recording holds: any file that `import` reads."),
]
SimFlag = Annotated[bool, typer.Option("--sim", help="Trade the simulated market, now and without end: the default.")]
HostFlag = Annotated[str, typer.Option(help="The address to listen on: this machine's own.")]
PortFlag = Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")]
FaultsFlag = Annotated[
    str, typer.Option(metavar="SPEC", help="Faults to order, such as 'disconnect@10s,code=1006;duplicate@p=0.01'.")
]
SpeedFlag = Annotated[float, typer.Option(min=0.01, max=10_000, help="Market time against the wall clock.")]
SeedFlag = Annotated[int, typer.Option(min=0, help="Which market, and which faults: the same seed, the same.")]
NowFlag = Annotated[bool, typer.Option("--now", help="Let a recording happen now; its own times otherwise.")]
SymbolFlag = Annotated[
    str | None, typer.Option(metavar="SYMBOL", help="What a recording is of, where the file does not say.")
]


def simulate(
    venue: VenueName,
    replay: ReplayFlag = None,
    sim: SimFlag = False,
    port: PortFlag = 9001,
    faults: FaultsFlag = "",
    speed: SpeedFlag = 1.0,
    seed: SeedFlag = 7,
    now: NowFlag = False,
    symbol: SymbolFlag = None,
    host: HostFlag = "127.0.0.1",
    json: JsonFlag = False,
) -> None:
    """Stand in for an exchange on this machine: its paths, its messages, its limits. Ctrl-C stops it."""
    from footloom.errors import ConfigError
    from footloom.testing.venues import VENUES, Faults

    if venue not in VENUES:
        raise ConfigError(f"there is no local venue {venue!r}; there are {', '.join(VENUES)}")
    if replay and sim:
        raise ConfigError("--replay and --sim name two markets: leave one of them out")
    ordered = Faults.parse(faults, seed)
    start_ns = time.time_ns()
    if replay:
        from footloom.testing.venues.recorded import recorded_market

        market = recorded_market(venue, replay, symbol=symbol, start_ns=start_ns if now else None)
    else:
        from footloom.testing.venues.simulated import simulated_market

        market = simulated_market(venue, start_ns, seed)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(venue, market, ordered, (host, port), speed, as_json=json))


async def _run(
    name: str, market: Market, faults: Faults, address: tuple[str, int], speed: float, *, as_json: bool
) -> None:
    from footloom.errors import ConfigError
    from footloom.testing.venues import LocalVenue

    try:
        async with LocalVenue(name, market, faults, host=address[0], port=address[1]) as venue:
            _announce(name, venue, as_json=as_json)
            stopped = asyncio.Event()
            for number in (signal.SIGINT, signal.SIGTERM):
                with contextlib.suppress(NotImplementedError):
                    asyncio.get_running_loop().add_signal_handler(number, stopped.set)
            if venue.market.end_ns is None:
                await venue.step(time.time_ns())  # making the market took a moment, which has passed in it too
            playing = asyncio.create_task(_play(venue, speed, as_json=as_json))
            waiting = asyncio.create_task(stopped.wait())
            done, _ = await asyncio.wait({playing, waiting}, return_when=asyncio.FIRST_COMPLETED)
            playing.cancel()
            if playing in done:
                playing.result()
            waiting.cancel()
    except OSError as error:
        raise ConfigError(
            f"{address[0]}:{address[1]} cannot be listened on ({error.strerror}): choose another --port, or 0 for a "
            "free one"
        ) from None


async def _play(venue: LocalVenue, speed: float, *, as_json: bool) -> None:
    await venue.run(speed)
    if not as_json:
        say("the recording is over; the venue goes on answering. Ctrl-C stops it")
    await asyncio.Event().wait()


# What a broker of this machine lets in, a line each, as `footloom login` asks for it.
def _login(name: str) -> str:
    from footloom.testing.venues.angelone import PIN, TOTP_SECRET

    lines = {"upstox": ["any-token"], "angelone": ["any-key", "any-code", PIN, TOTP_SECRET]}.get(name, [])
    return "".join(f"{one}\\n" for one in lines)


def _announce(name: str, venue: LocalVenue, *, as_json: bool) -> None:
    import json

    symbols = list(venue.market.symbols())
    if as_json:
        ready: dict[str, object] = {"status": "ready", "venue": name, "url": venue.url, "symbols": symbols}
        ready |= {"faults": venue.faults.text, "seed": venue.faults.seed, "start_ns": venue.now_ns}
        typer.echo(json.dumps(ready))
        return
    typer.echo(f"{name} is open: {venue.url}   (Ctrl-C stops it)")
    shown = ", ".join(symbols[:_SHOWN]) + (f" and {len(symbols) - _SHOWN} more" if len(symbols) > _SHOWN else "")
    typer.echo(f"  symbols  {shown}")
    if venue.faults.text:
        typer.echo(f"  faults   {venue.faults.text}   seed {venue.faults.seed}")
    if logins := _login(name):
        folder = "$PWD/simulated"
        typer.echo(f"  log in   export FOOTLOOM_CONFIG={folder}   (also where serve runs: a real token stays as it is)")
        typer.echo(f"           printf '{logins}' | footloom login {name} --endpoint {name}={venue.url}")
    # A store of its own: what is simulated has the names of what is real.
    there = f"--endpoint {name}={venue.url} --store simulated/store"
    typer.echo(f"  try      footloom serve '{name}:{symbols[0]}' {there}")
    if any(one.instrument.kind == "option" for one in venue.market.listings.values()):
        typer.echo(f"           footloom record {name}:NIFTY.FUT1 --options atm±10 {there}")
