"""What jobs do: import files, fetch the past of symbols. Both are resumable: asked for again, they go on."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import os
import subprocess
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from footloom.config import Config
from footloom.core.place import store_place
from footloom.errors import ConfigError, DataError
from footloom.kernels.ahead import command, is_done
from footloom.server.rest.jobs import Control, Stopped, Work, in_loop
from footloom.store import Store

if TYPE_CHECKING:  # what reads files and venues is loaded with the first job
    from footloom.feeds.fetching import FetchOptions
    from footloom.feeds.ingest import Options

__all__ = ("FetchAsk", "ImportAsk", "fetch_work", "import_work")

Word = Annotated[str, msgspec.Meta(max_length=200)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]
Key = Annotated[str, msgspec.Meta(min_length=3, max_length=200)]
_DAY_NS = 86_400_000_000_000
_READERS = "footloom.importers._csv_rows"
_LOOK_S = 0.2


class ImportAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to import; the settings are those of ``footloom import``, and may be left out.

    ``files`` are names within the import folder, ``uploads`` names of files that were sent; together at least one.
    ``map`` says which column of a table is what, such as ``ts=time,price=p,qty=q``; ``ts_unit``, ``side_buy`` and
    ``side_sell`` go with it. ``date`` is YYYY-MM-DD, ``tz`` a zone such as Asia/Kolkata. ``market_lot`` is how
    many units a contract is, ``at`` the moment of a chain that does not say it. ``dry_run`` stores nothing, ``strict``
    stores nothing where anything is wrong.
    """

    files: Annotated[list[Name], msgspec.Meta(max_length=1_000)] = []
    uploads: Annotated[list[Name], msgspec.Meta(max_length=1_000)] = []
    venue: Word = ""
    symbol: Word = ""
    tick_size: Word = ""
    lot_size: Word = ""
    tape: Word = ""
    tz: Word = ""
    date: Word = ""
    map: Word = ""
    ts_unit: Word = ""
    side_buy: Word = ""
    side_sell: Word = ""
    market_lot: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None
    at: Word = ""
    dry_run: bool = False
    strict: bool = False


class FetchAsk(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to fetch: ``symbols`` as VENUE:SYMBOL, and ``days`` back from now, or a range.

    ``start`` and ``end`` are ISO dates or times, or ns since 1970 UTC as text; ``end`` is now where it is left out.
    ``tape`` is the venue's usual where it is left out. ``again`` fetches files that were fetched before.
    """

    symbols: Annotated[list[Key], msgspec.Meta(min_length=1, max_length=100)]
    days: Annotated[int, msgspec.Meta(ge=1, le=5_000)] | None = None
    start: Word = ""
    end: Word = ""
    tape: Word = ""
    downloads: Annotated[int, msgspec.Meta(ge=1, le=8)] = 3
    again: bool = False


def import_work(ask: ImportAsk, paths: Sequence[Path], folders: Sequence[Path]) -> Work:
    """Return the work of importing files; ``folders`` is what of their paths is nobody's business.

    Raises
    ------
    ConfigError
        A setting cannot be.
    """
    options = _options(ask)

    def work(store: Store, control: Control) -> tuple[bool, dict[str, Any]]:
        from footloom.feeds import ingest

        def moved(path: Path, done: int, size: int) -> None:
            control.moved(path.name, min(done, size), size, "bytes")

        _compile_readers(control)
        control.check()
        report = ingest.import_files(paths, options, store=store_place(store.where), progress=moved, into=store)
        told: dict[str, Any] = _without(msgspec.to_builtins(report), folders)
        del told["store"]
        return report.ok, told

    return work


# The first import after an installation compiles the reader of tables, which takes half a minute.
def _compile_readers(control: Control) -> None:
    if is_done(_READERS):
        return
    control.say("the readers are made ready: after an installation they are compiled once, which takes up to a minute")
    making = subprocess.Popen(command(_READERS), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - our own words
    try:
        while True:
            control.check()
            with contextlib.suppress(subprocess.TimeoutExpired):
                making.wait(_LOOK_S)
                return  # whatever went wrong goes wrong here too, and is told
    finally:
        making.kill()
        making.wait()


def _options(ask: ImportAsk) -> Options:
    from footloom._api import instant_ns
    from footloom.feeds.ingest import Options
    from footloom.importers._mapping import mapping_of

    try:
        day = dt.date.fromisoformat(ask.date) if ask.date else None
    except ValueError:
        raise ConfigError(f"date {ask.date!r} is no date such as 2025-12-31") from None
    loose = [name for name in ("ts_unit", "side_buy", "side_sell") if getattr(ask, name)]
    if loose and not ask.map:
        raise ConfigError(f"{', '.join(loose)} needs map, which says what the columns are")
    return Options(
        venue=ask.venue,
        symbol=ask.symbol,
        tape=ask.tape,
        zone=ask.tz,
        market_lot=ask.market_lot,
        at_ns=instant_ns(ask.at) if ask.at else None,
        day=day,
        mapping=mapping_of(ask.map, ask.ts_unit, ask.side_buy, ask.side_sell) if ask.map else None,
        dry_run=ask.dry_run,
        strict=ask.strict,
        tick_size=_size("tick_size", ask.tick_size),
        lot_size=_size("lot_size", ask.lot_size),
    )


def _size(name: str, text: str) -> Decimal | None:
    from footloom.core.decimals import parse_decimal

    if not text:
        return None
    try:
        size = parse_decimal(text)
    except DataError as error:
        raise ConfigError(f"{name}: {error}") from None
    if size <= 0:
        raise ConfigError(f"{name} {text} is not above zero")
    return size


# Where files lie on the server's disk is not told to clients.
def _without(found: Any, folders: Sequence[Path]) -> Any:
    if isinstance(found, str):
        for folder in folders:
            found = found.replace(f"{folder}{os.sep}", "")
        return found
    if isinstance(found, list):
        return [_without(one, folders) for one in found]
    if isinstance(found, dict):
        return {name: _without(one, folders) for name, one in found.items()}
    return found


def fetch_work(ask: FetchAsk, settings: Config, now_ns: int) -> Work:
    """Return the work of fetching symbols.

    Raises
    ------
    ConfigError
        A name or a time cannot be.
    """
    from footloom.feeds import fetching

    fetching.check_keys(ask.symbols)
    options = _fetch_options(ask, now_ns)

    def work(store: Store, control: Control) -> tuple[bool, dict[str, Any]]:
        report = asyncio.run(_fetch(ask, options, settings, store, control))
        told: dict[str, Any] = msgspec.to_builtins(report)
        del told["store"]
        return report.ok, told

    return work


def _fetch_options(ask: FetchAsk, now_ns: int) -> FetchOptions:
    from footloom._api import instant_ns
    from footloom.feeds.fetching import FetchOptions

    if ask.days is not None and ask.start:
        raise ConfigError("days and start say the same: leave one of them out")
    from_ns = instant_ns(ask.start) if ask.start else (now_ns // _DAY_NS - (ask.days or 1)) * _DAY_NS
    to_ns = instant_ns(ask.end) if ask.end else now_ns
    if to_ns <= from_ns:
        raise ConfigError(f"the range is empty: start {from_ns} is not below end {to_ns}, ns since 1970 UTC")
    return FetchOptions(from_ns=from_ns, to_ns=to_ns, tape=ask.tape, downloads=ask.downloads, again=ask.again)


# In a loop of its own: parsing months of trades must not hold up the server's.
async def _fetch(ask: FetchAsk, options: FetchOptions, settings: Config, store: Store, control: Control) -> Any:
    from footloom.feeds import fetching

    loop = asyncio.get_running_loop()
    fetch = fetching.fetch(ask.symbols, options, config=settings, watcher=_Watcher(control), into=store)
    task = asyncio.ensure_future(fetch)
    control.on_stop(lambda: in_loop(loop, task.cancel))
    try:
        return await task
    except asyncio.CancelledError:
        raise Stopped from None


class _Watcher:
    # A fetch tells from its loop and its threads; it is stopped through its task alone.

    def __init__(self, control: Control) -> None:
        self._control = control

    def say(self, text: str) -> None:
        self._control.say(text)

    def moved(self, what: str, done: int, total: int | None, unit: str) -> None:
        self._control.note_progress(what, done, total, unit)
