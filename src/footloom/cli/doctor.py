"""``footloom doctor``: what is wrong with recording and serving here, and what to do."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Annotated

import typer

from footloom.cli._shared import EndpointFlag, JsonFlag, StoreFlag, as_usage

if TYPE_CHECKING:
    from footloom.cli._doctor_store import Finding
    from footloom.config import Config
    from footloom.core.instrument import Instrument

__all__ = ("doctor",)

_TOKENS = ("angelone", "upstox")
_MARKS = {"ok": "ok  ", "warn": "warn", "bad": "BAD "}


def doctor(
    venues: Annotated[
        list[str] | None,
        typer.Argument(metavar="[VENUE]...", help="Which venues to try: those in use.", show_default=False),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Compare every byte of the store with its checksums.")] = False,
    endpoint: EndpointFlag = None,
    store: StoreFlag = None,
    json: JsonFlag = False,
) -> None:
    """Look at settings, clock, store, network and tokens: what is wrong, and what to do about it.

    Venues in use are those of the store, those with a token, and those with an --endpoint. Exit code 1 where something
    is bad.
    """
    import msgspec

    from footloom import config
    from footloom.feeds.endpoints import checked

    with as_usage():
        settings = checked(config.load(store=store, endpoints=endpoint or ()))
        modules = _venues(venues, settings)
    found = _findings(settings, modules, time.time_ns(), full=full)
    if json:
        sys.stdout.write(msgspec.json.encode({"ok": not _is_bad(found), "findings": found}).decode() + "\n")
    else:
        _print(found)
    if _is_bad(found):
        raise typer.Exit(1)


def _venues(names: Sequence[str] | None, settings: Config) -> list[ModuleType]:
    from footloom.feeds._venues import live_venues, venue_named

    if names:
        return [venue_named(name) for name in dict.fromkeys(names)]
    used = {*settings.endpoints, *settings.sockets, *(one.venue for one in _stored(settings))}
    used |= {symbol.partition(":")[0] for symbol in settings.symbols}
    used |= {name for name in _TOKENS if (settings.folder / "credentials" / f"{name}.json").exists()}
    return [venue_named(name) for name in live_venues() if name in used]


def _stored(settings: Config) -> list[Instrument]:
    from footloom.errors import StoreError
    from footloom.store.open import open_store

    if not settings.store.exists():
        return []
    try:
        with open_store(settings.store) as opened:
            return list(opened.instruments())
    except StoreError:
        return []  # told of among the findings


def _findings(settings: Config, modules: list[ModuleType], now_ns: int, *, full: bool) -> list[Finding]:
    from footloom.cli import _doctor_settings as set_up
    from footloom.cli import _doctor_store as here
    from footloom.cli._doctor_network import network_findings

    found = [*set_up.settings_findings(settings), *set_up.lot_findings(settings, _stored(settings))]
    found += [*set_up.serving_findings(settings), *here.store_findings(settings.store, now_ns, full=full)]
    if modules:
        found += asyncio.run(network_findings(modules, settings))
    else:
        text = "no venue is in use: footloom doctor VENUE tries one"
        found.append(here.Finding(area="network", state="ok", text=text))
    needing = [module.VENUE for module in modules if module.VENUE in _TOKENS]
    found += here.token_findings(needing, now_ns, settings.folder)
    return [*found, *here.calendar_findings(now_ns)]


def _is_bad(found: Sequence[Finding]) -> bool:
    return any(one.state == "bad" for one in found)


def _print(found: Sequence[Finding]) -> None:
    for one in found:
        typer.echo(f"{_MARKS[one.state]}  {one.area:<9} {one.text}")
        if one.advice:
            typer.echo(f"{'':16}-> {one.advice}")
    counts = {state: sum(one.state == state for one in found) for state in ("warn", "bad")}
    typer.echo(f"{counts['bad']} bad, {counts['warn']} to look at" if any(counts.values()) else "all is well")
