"""The past of a symbol from its venue: archive files day by day, REST for what no file holds yet, candles to compare.

What is stored already is not fetched again, and each row is stored once: a run that was stopped goes on with the next.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import importlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import msgspec

from footloom.config import Config
from footloom.core.instrument import Instrument, split_key
from footloom.errors import ConfigError, DataError, NotStored, UnknownSymbol, VenueError
from footloom.feeds._fetch_archive import Archive, DayJob
from footloom.feeds._fetch_check import Check
from footloom.feeds._fetch_gaps import settle_gaps
from footloom.feeds._fetch_ledger import Ledger
from footloom.feeds._fetch_pages import Pages
from footloom.feeds._fetch_report import Compared, DayReport, FetchReport, KeyReport, Silent, Watcher
from footloom.feeds._instruments import Definitions, not_listed
from footloom.feeds.clock import ReceiptClock, SystemClock
from footloom.feeds.credentials import load
from footloom.feeds.endpoints import bases_of
from footloom.feeds.http import Http
from footloom.store import Store
from footloom.store.open import open_store
from footloom.venues._venue import Bases

__all__ = (
    "Compared",
    "DayReport",
    "FetchOptions",
    "FetchReport",
    "KeyReport",
    "Silent",
    "Watcher",
    "check_keys",
    "fetch",
    "venue_of",
)

_DAY_NS = 86_400_000_000_000


class FetchOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What is fetched: ``[from_ns, to_ns)`` (ns UTC), of the venue's usual tape where ``tape`` is "".

    ``downloads`` is how many files are on their way at a time. ``again`` fetches files that were fetched before.
    """

    from_ns: int
    to_ns: int
    tape: str = ""
    downloads: int = 3
    again: bool = False


@dataclass
class _Run:
    # What the symbols of one fetch share.
    store: Store
    config: Config
    options: FetchOptions
    watcher: Watcher
    now_ns: Callable[[], int]
    ledger: Ledger
    slots: asyncio.Semaphore
    credentials: Callable[[str], Mapping[str, str]]
    clients: dict[str, Http] = field(default_factory=dict)
    listed: dict[str, list[Instrument]] = field(default_factory=dict)

    def http(self, venue: Any) -> Http:
        budgets = getattr(venue, "BUDGETS", {})
        name = ",".join(sorted(budgets)) or venue.VENUE  # venues that share a limit share its budget
        if name not in self.clients:
            self.clients[name] = Http(budgets, tell=self.watcher.say)
        return self.clients[name]

    def bases(self, venue: Any) -> Bases:
        return bases_of(venue.VENUE, venue.BASES, self.config)


async def fetch(
    keys: Sequence[str],
    options: FetchOptions,
    *,
    config: Config,
    watcher: Watcher | None = None,
    now_ns: Callable[[], int] = time.time_ns,
    into: Store | None = None,
) -> FetchReport:
    """Fetch what is missing of some symbols (``venue:symbol``) and say what became of every day.

    ``into`` is the store of ``config`` where the caller has it open for writing already.

    Raises
    ------
    ConfigError
        A name, the range or the tape cannot be.
    UnknownSymbol
        A venue does not list a symbol.
    StoreLocked
        Another process writes to the store.
    StoreError
        The store cannot be written to.
    """
    options = msgspec.structs.replace(options, to_ns=min(options.to_ns, now_ns()))
    if options.to_ns <= options.from_ns:
        raise ConfigError("there is nothing to fetch: the range ends before it begins, or lies in the future")
    named = [_named(key) for key in keys]
    with contextlib.nullcontext(into) if into else open_store(config.store, writer=True) as store:
        ledger = Ledger(store.scratch)
        run = _Run(
            store,
            config,
            options,
            watcher or Silent(),
            now_ns,
            ledger,
            asyncio.Semaphore(options.downloads),
            _credentials(config),
        )
        try:
            reports = [await _fetch_key(run, venue, symbol) for venue, symbol in named]
        finally:
            for http in run.clients.values():
                await http.aclose()
    return FetchReport(ok=not any(report.problems for report in reports), store=str(config.store), keys=reports)


def check_keys(keys: Sequence[str]) -> None:
    """Refuse names that cannot be fetched.

    Raises
    ------
    ConfigError
        One is no ``venue:symbol`` of a venue that has a past to fetch, or stands twice.
    """
    named = [(module.VENUE, symbol) for module, symbol in map(_named, keys)]
    twice = next((key for key, name in zip(keys, named, strict=True) if named.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"{twice} is named twice")


def _credentials(config: Config) -> Callable[[str], Mapping[str, str]]:
    return lambda venue: load(venue, config.folder)


def venue_of(name: str) -> ModuleType:
    """Return the module of a venue that has something to fetch.

    Raises
    ------
    ConfigError
        There is no such venue.
    """
    return _named(f"{name}:*")[0]


def _named(key: str) -> tuple[ModuleType, str]:
    name, symbol = split_key(key)
    if name.startswith("_") or not name.isidentifier():
        raise ConfigError(f"{key}: {name!r} is no venue")
    try:
        module = importlib.import_module(f"footloom.venues.{name}")
    except ModuleNotFoundError:
        raise ConfigError(f"{key}: there is no venue {name}; footloom knows {', '.join(_venues())}") from None
    if not hasattr(module, "BASES"):
        raise ConfigError(f"{key}: {name} has nothing to fetch from; footloom can fetch from {', '.join(_venues())}")
    return module, symbol.upper() if "binance" in name or "bybit" in name else symbol


def _venues() -> list[str]:
    import pkgutil

    import footloom.venues

    names = [found.name for found in pkgutil.iter_modules(footloom.venues.__path__) if found.name[0] != "_"]
    return [name for name in names if hasattr(importlib.import_module(f"footloom.venues.{name}"), "BASES")]


async def _fetch_key(run: _Run, venue: Any, symbol: str) -> KeyReport:
    options = run.options
    report = KeyReport(
        key=f"{venue.VENUE}:{symbol}",
        tape=options.tape or venue.TAPE,
        from_=_iso(options.from_ns),
        to=_iso(options.to_ns),
        days=[],
        notes=[],
        problems=[],
    )
    try:
        if not hasattr(venue, "archive"):
            await _compare(run, venue, symbol, report)
            return report
        instrument = await _instrument(run, venue, symbol)
        await _fetch_trades(run, venue, instrument, report)
    except UnknownSymbol:
        raise
    except (VenueError, DataError, NotStored) as error:
        report.problems.append(str(error))
    return report


async def _compare(run: _Run, venue: Any, symbol: str, report: KeyReport) -> None:
    http, bases, secrets = run.http(venue), run.bases(venue), dict(run.credentials(venue.VENUE))
    definitions = Definitions(venue, bases, http, ReceiptClock(SystemClock()), run.store)
    symbol = await definitions.resolve(symbol, secrets)
    report.key = f"{venue.VENUE}:{symbol}"
    report.notes.append(f"{venue.VENUE} tells no trades of the past: its candles are compared with what is stored")
    check = Check(venue, http, bases, run.store, secrets, run.watcher)
    report.compared = await check.compare(symbol, run.options.from_ns, run.options.to_ns)


async def _instrument(run: _Run, venue: Any, symbol: str) -> Instrument:
    if venue.VENUE not in run.listed:
        http, bases = run.http(venue), run.bases(venue)
        request = venue.instruments_request(bases)
        found: list[Instrument] = []
        while request is not None:
            document = await http.get(request)
            found += venue.instruments(document, run.now_ns())
            request = venue.instruments_next(document, bases) if hasattr(venue, "instruments_next") else None
        run.listed[venue.VENUE] = found
    by_symbol = {one.symbol: one for one in run.listed[venue.VENUE]}
    if symbol not in by_symbol:
        raise UnknownSymbol(not_listed(venue.VENUE, symbol, by_symbol))
    return by_symbol[symbol]


async def _fetch_trades(run: _Run, venue: Any, instrument: Instrument, report: KeyReport) -> None:
    days, rest = _plan(run.options, run.now_ns())
    archive = Archive(
        venue,
        run.http(venue),
        run.bases(venue),
        run.store,
        run.config.store,
        run.ledger,
        run.watcher,
        run.slots,
        run.options.again,
    )
    jobs = [DayJob(instrument, report.tape, day.isoformat()) for day in days]
    if jobs:
        run.watcher.say(
            f"{instrument.key} {report.tape}: {_count(len(jobs), 'day')} of the archive, {days[0]} to {days[-1]}"
        )
    report.days = await archive.fetch(jobs)
    absent = _absent(days, report)
    report.problems += [f"{one.day}: {one.text}" for one in report.days if one.state == "failed"]
    report.notes += [
        f"{one.day}: {one.text}" for one in report.days if one.state != "failed" and one.text and one.state != "absent"
    ]
    stretches = _stretches(absent, rest, run.options)
    await _fetch_rest(run, venue, instrument, report, stretches)
    joints = [_day_ns(day) for day in days] + [edge for stretch in stretches for edge in stretch]
    if report.new_rows:
        span = (run.options.from_ns, run.options.to_ns)
        joints = joints if hasattr(venue, "trades_from") else []  # else ids do not count the trades
        report.gaps, report.missing = await asyncio.to_thread(
            settle_gaps, run.store, instrument, report.tape, span, joints
        )
        await asyncio.to_thread(run.store.compact, instrument.key, report.tape)


# Days that REST has to bring. Before its first day a symbol was not traded.
def _absent(days: Sequence[dt.date], report: KeyReport) -> list[dt.date]:
    absent = [day for day, one in zip(days, report.days, strict=True) if one.state == "absent"]
    there = [day for day, one in zip(days, report.days, strict=True) if one.state in {"fetched", "present", "replaced"}]
    before = [day for day in absent if there and day < there[0]]
    if before:
        report.notes.append(f"{before[0]} to {before[-1]}: no files, so it was not traded before {there[0]}, it seems")
    return [day for day in absent if day not in before]


# Days that lie in the range whole or in part and are over, and the stretch behind the last of them.
def _plan(options: FetchOptions, now_ns: int) -> tuple[list[dt.date], tuple[int, int] | None]:
    first, today = options.from_ns // _DAY_NS, now_ns // _DAY_NS
    last = min(-(-options.to_ns // _DAY_NS), today)
    days = [_day(number) for number in range(first, last)]
    begin_ns = max(options.from_ns, last * _DAY_NS) if days else options.from_ns
    return days, (begin_ns, options.to_ns) if begin_ns < options.to_ns else None


# What REST has to bring: days without a file and what is behind the files, joined where they touch.
def _stretches(absent: Sequence[dt.date], rest: tuple[int, int] | None, options: FetchOptions) -> list[tuple[int, int]]:
    pieces = [(_day_ns(day), _day_ns(day) + _DAY_NS) for day in absent] + ([rest] if rest else [])
    joined: list[tuple[int, int]] = []
    within = [(max(begin, options.from_ns), min(end, options.to_ns)) for begin, end in sorted(pieces)]
    for begin, end in within:
        if joined and joined[-1][1] == begin:
            joined[-1] = (joined[-1][0], end)
        elif begin < end:
            joined.append((begin, end))
    return joined


async def _fetch_rest(
    run: _Run, venue: Any, instrument: Instrument, report: KeyReport, stretches: list[tuple[int, int]]
) -> None:
    reach_ns: int | None = getattr(venue, "REACH_NS", None)
    can = hasattr(venue, "trades_from") and hasattr(venue, "trades_at") and report.tape == venue.TAPE
    floor_ns = run.now_ns() - reach_ns + 60 * 10**9 if reach_ns is not None else 0
    for begin, end in stretches:
        if not can:
            # What is of today or yesterday is published soon; what is older never is, it seems.
            is_young = begin >= run.now_ns() - 2 * _DAY_NS
            (report.notes if is_young else report.problems).append(_no_rest(venue, report.tape, begin, end))
            continue
        if begin < floor_ns:
            report.problems.append(
                f"{_iso(begin)} to {_iso(min(end, floor_ns))}: the archive has no file, and {venue.VENUE} answers for "
                f"the last {(reach_ns or 0) / 3.6e12:g} hours only: try again when the files are published"
            )
        if end > floor_ns:
            pages = Pages(venue, run.http(venue), run.bases(venue), run.store, instrument, report.tape, run.watcher)
            run.watcher.say(f"{instrument.key} {report.tape}: {_iso(max(begin, floor_ns))} to {_iso(end)} over REST")
            try:
                await pages.fetch(max(begin, floor_ns), end)
            finally:
                report.rest_rows += pages.rows


def _no_rest(venue: Any, tape: str, begin: int, end: int) -> str:
    why = (
        f"of a range of time it gives {venue.TAPE} over REST, no {tape}"
        if hasattr(venue, "trades_from")
        else "it has no REST for the past"
    )
    return (
        f"{_iso(begin)} to {_iso(end)}: {venue.VENUE} has no archive file yet, and {why}: fetch again tomorrow, or "
        "record live"
    )


def _day(number: int) -> dt.date:
    return dt.date(1970, 1, 1) + dt.timedelta(days=number)


def _day_ns(day: dt.date) -> int:
    return (day - dt.date(1970, 1, 1)).days * _DAY_NS


def _iso(time_ns: int) -> str:
    return f"{dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=time_ns // 10**9):%Y-%m-%dT%H:%M:%SZ}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
