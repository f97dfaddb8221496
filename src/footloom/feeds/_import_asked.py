"""What is read of a file: what its plan says, and what the user's flags add; they may not contradict each other."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import msgspec

from footloom.core.instrument import Instrument
from footloom.errors import ConfigError
from footloom.feeds._import_grids import check_venue
from footloom.importers import Ask, Importer, Plan, Source, mapped, mapped_parquet
from footloom.importers._found import recognise
from footloom.importers._mapping import Mapping
from footloom.importers._rows import as_importer
from footloom.importers._wall_time import zone_of
from footloom.store.layout import is_finished, is_partial

__all__ = ("Options", "asked", "planned")


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What a user asks for.

    ``venue`` and ``symbol`` name what the file does not say, and choose among what it holds. ``tick_size`` and
    ``lot_size`` stand before everything else that is known. ``dry_run`` stores nothing, ``strict`` stores nothing where
    anything is wrong. ``tape`` names another tape than the format's own, ``zone`` and ``day`` say what local times and
    times of day lack, ``mapping`` which column of a table is what. ``today`` is how the venue defines the instrument
    now: where nothing is known of the days of the file, its grid stands if it is fine enough for them. ``market_lot``
    is how many units a contract is, where quantities are contracts; ``at_ns`` the instant of a file that has none.
    ``beside`` lets rows without ids fill what was not recorded live, where they would else be refused.
    """

    venue: str = ""
    symbol: str = ""
    tape: str = ""
    zone: str = ""
    day: dt.date | None = None
    mapping: Mapping | None = None
    tick_size: Decimal | None = None
    lot_size: Decimal | None = None
    today: Instrument | None = None
    market_lot: int | None = None
    at_ns: int | None = None
    beside: bool = False
    dry_run: bool = False
    strict: bool = False


def planned(source: Source, options: Options) -> tuple[Importer, Plan]:
    """Return who reads a file, and the plan: as its user maps it, else as it is recognised.

    Raises
    ------
    UnknownFormat
        Nobody takes it.
    ConfigError
        The mapping does not fit it.
    """
    if options.mapping is None:
        return recognise(source)
    if source.kind not in {"text", "parquet"}:
        raise ConfigError(f"--map: {source.path.name} is no text and no Parquet file, so it has no columns")
    module = mapped if source.kind == "text" else mapped_parquet
    return as_importer(module), module.plan(source.sample(), options.mapping)


def asked(plan: Plan, options: Options, path: Path) -> Ask:
    """Return what to read of a file.

    Raises
    ------
    ConfigError
        A flag is missing, or says something else than the file.
    """
    venue, symbol = _whose(plan, options, path)
    ask = Ask(
        venue,
        symbol,
        tape=options.tape,
        zone=options.zone or plan.zone,
        day=options.day or plan.day,
        market_lot=options.market_lot,
        at_ns=options.at_ns,
    )
    _check_flags(plan, options, path)
    if plan.needs_day and ask.day is None:
        raise ConfigError(f"{path.name} holds times of a day, and nothing says of which: add --date YYYY-MM-DD")
    if plan.needs_instant != (options.at_ns is not None):
        needs = "says of which moment it is: add --at, as --at 2025-12-05T10:30+05:30" if plan.needs_instant else ""
        raise ConfigError(f"nothing in {path.name} {needs}" if needs else f"--at: {path.name} says its times itself")
    if plan.needs_zone and not ask.zone:
        raise ConfigError(
            f"the times in {path.name} are local, of which zone nothing says: add --tz, as --tz Asia/Kolkata"
        )
    return ask


def _check_flags(plan: Plan, options: Options, path: Path) -> None:
    if options.zone:
        zone_of(options.zone)
    if options.zone and not plan.needs_zone:
        raise ConfigError(f"--tz {options.zone}: the times in {path.name} need no zone, leave the flag out")
    if options.day and not plan.needs_day:
        raise ConfigError(f"--date {options.day}: the rows of {path.name} carry their date, leave the flag out")
    if options.market_lot and not plan.takes_lot:
        raise ConfigError(
            f"--market-lot {options.market_lot}: the quantities of {path.name} are no contracts, leave the flag out"
        )
    if options.tape and not plan.takes_tape:
        raise ConfigError(f"--tape {options.tape}: {path.name} is a {plan.format}, which says its tape itself")
    if options.tape and plan.tape and is_partial(plan.tape) and not options.tape.startswith("partial:"):
        raise ConfigError(
            f"--tape {options.tape}: {path.name} is a {plan.format}, never a whole tape: name it partial:NAME"
        )
    if is_finished(options.tape) and not is_finished(plan.tape):
        raise ConfigError(f"--tape {options.tape}: {path.name} is a {plan.format}, no finished footprints")


def _whose(plan: Plan, options: Options, path: Path) -> tuple[str, str]:
    # The venue and symbol to read; a flag that contradicts the file would mix up two markets, so it is refused.
    venue, symbol = options.venue, options.symbol.upper() if "binance" in options.venue + plan.venue else options.symbol
    if venue:
        check_venue(venue, plan.venues)
    if venue and plan.venue not in {"", venue} and not plan.rows_say_venue:
        raise ConfigError(f"--venue {venue}, but {path} is of {plan.venue}, as {plan.venue_from} tell")
    if symbol and plan.symbol not in {"", symbol}:
        raise ConfigError(
            f"--symbol {symbol}, but the file name {path.name} says {plan.symbol}: leave the flag out, or rename"
        )
    missing = [] if venue or plan.venue or plan.rows_say_venue else ["--venue"]
    missing += [] if symbol or plan.symbol or plan.rows_say_symbol else ["--symbol"]
    if missing:
        kinds = f" (one of {', '.join(plan.venues)})" if "--venue" in missing and plan.venues else ""
        what = " and ".join(flag.removeprefix("--") for flag in missing)
        raise ConfigError(f"neither {path.name} nor its content says its {what}: add {' and '.join(missing)}{kinds}")
    return venue if plan.rows_say_venue else plan.venue or venue, symbol or plan.symbol
