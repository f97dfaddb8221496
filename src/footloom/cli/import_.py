"""``footloom import``: recorded files of an exchange into the store, with an account of every row."""

from __future__ import annotations

import contextlib
import datetime as dt
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from footloom.cli._preview import show_previews
from footloom.cli._shared import JsonFlag, StoreFlag, console, say

if TYPE_CHECKING:
    from decimal import Decimal

    from footloom.feeds.ingest import FileReport, ImportReport, TapeReport
    from footloom.importers._mapping import Mapping

__all__ = ("import_files",)

_GAPS_SHOWN = 5
_INDENT = "    "


def import_files(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="Archive CSV or recorded streams; plain, gzip or zip; mongodb:COLLECTION or mongodb://HOST/DATABASE.",
            show_default=False,
        ),
    ],
    venue: Annotated[
        str,
        typer.Option(
            metavar="V", help="Where the file is from, if it does not say: binance_usdm, ...", show_default=False
        ),
    ] = "",
    symbol: Annotated[
        str,
        typer.Option(
            metavar="S", help="The symbol, if the file does not say; or the one to take of many.", show_default=False
        ),
    ] = "",
    tick_size: Annotated[
        str, typer.Option(metavar="T", help="The price step: stands before what is known or found.", show_default=False)
    ] = "",
    lot_size: Annotated[
        str,
        typer.Option(metavar="T", help="The quantity step: stands before what is known or found.", show_default=False),
    ] = "",
    market_lot: Annotated[
        int,
        typer.Option(
            metavar="N", help="Units of a contract, where quantities are contracts.", min=0, show_default=False
        ),
    ] = 0,
    at: Annotated[
        str, typer.Option(metavar="TIME", help="The moment of a chain that does not say it.", show_default=False)
    ] = "",
    tape: Annotated[
        str,
        typer.Option(metavar="T", help="The tape to put it on: trade, agg_trade or partial:NAME.", show_default=False),
    ] = "",
    zone: Annotated[
        str, typer.Option("--tz", metavar="Z", help="The zone of local times: Asia/Kolkata, ...", show_default=False)
    ] = "",
    date: Annotated[
        str, typer.Option(metavar="D", help="The day of a file with times of day only.", show_default=False)
    ] = "",
    columns: Annotated[
        str,
        typer.Option(
            "--map", metavar="ts=C,price=C,qty=C", help="Read any table: which column is what.", show_default=False
        ),
    ] = "",
    ts_unit: Annotated[
        str, typer.Option(metavar="U", help="With --map: s, ms, us, ns or iso.", show_default=False)
    ] = "",
    side_buy: Annotated[
        str, typer.Option(metavar="W,W", help="With --map: words for a buyer who crossed.", show_default=False)
    ] = "",
    side_sell: Annotated[
        str, typer.Option(metavar="W,W", help="With --map: words for a seller who crossed.", show_default=False)
    ] = "",
    contracts: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Upstox's instrument file of that day: what the contracts are.", show_default=False
        ),
    ] = None,
    look: Annotated[
        bool, typer.Option("--preview", help="Show columns and first rows, and what is missing; read nothing.")
    ] = False,
    store: StoreFlag = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and report, store nothing.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Store nothing where anything is wrong.")] = False,
    json: JsonFlag = False,
) -> None:
    """Read recorded files into the store.

    The format is recognised. Tick and lot come from the flags, from what is known of the instrument, or from the
    decimals of the file. The report says what was read, kept and dropped, and why, with the first example of each.
    Importing a file twice changes nothing. Exit code 1 where a file gave nothing, or where --strict refused.
    """
    import msgspec

    from footloom import config
    from footloom.cli._import_contracts import define_contracts, read_contracts
    from footloom.cli._import_documents import exported, named_places
    from footloom.feeds import ingest
    from footloom.feeds.mongo_documents import is_collection

    options = ingest.Options(
        venue=venue,
        symbol=symbol,
        tick_size=_size(tick_size, "--tick-size"),
        lot_size=_size(lot_size, "--lot-size"),
        market_lot=market_lot or None,
        at_ns=_moment(at),
        tape=tape,
        zone=zone,
        day=_day(date),
        mapping=_mapping(columns, ts_unit, side_buy, side_sell),
        dry_run=dry_run,
        strict=strict,
    )
    settings = config.load(store=store)
    listed = [] if contracts is None else read_contracts(contracts)
    places = named_places(files, settings)
    paths = [Path(name) for name in files if not is_collection(name)]
    if look:
        show_previews(paths, options, json=json)
        return
    with exported(places, settings, dry_run=dry_run) as (documents, done):
        every = [*paths, *(one.path for one in documents)]
        if not every:
            define_contracts(settings.store, listed, dry_run=dry_run)
            return
        with _progress(every) as progress:
            report = ingest.import_files(every, options, store=settings.store, progress=progress)
        for one in documents:
            one.rename(report)
        if report.ok:
            done()
    define_contracts(settings.store, listed, dry_run=dry_run)
    if json:
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    else:
        _print(report)
    _leave(report)


def _size(text: str, flag: str) -> Decimal | None:
    from footloom.core.decimals import parse_decimal
    from footloom.errors import DataError

    if not text:
        return None
    try:
        size = parse_decimal(text)
    except DataError as error:
        raise typer.BadParameter(str(error), param_hint=flag) from None
    if size <= 0:
        raise typer.BadParameter(f"{text} is not above zero", param_hint=flag)
    return size


def _mapping(columns: str, ts_unit: str, side_buy: str, side_sell: str) -> Mapping | None:
    from footloom.errors import ConfigError
    from footloom.importers._mapping import mapping_of

    if columns:
        try:
            return mapping_of(columns, ts_unit, side_buy, side_sell)
        except ConfigError as error:
            raise typer.BadParameter(str(error)) from None
    for flag, text in (("--ts-unit", ts_unit), ("--side-buy", side_buy), ("--side-sell", side_sell)):
        if text:
            raise typer.BadParameter("it needs --map, which says what the columns are", param_hint=flag)
    return None


def _moment(text: str) -> int | None:
    from footloom._api import instant_ns
    from footloom.errors import ConfigError

    try:
        return instant_ns(text) if text else None
    except ConfigError as error:
        raise typer.BadParameter(str(error), param_hint="--at") from None


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no date such as 2025-12-31", param_hint="--date") from None


@contextlib.contextmanager
def _progress(files: Sequence[Path]) -> Iterator[Callable[[Path, int, int], None] | None]:
    # A bar where somebody is looking; elsewhere it would only be noise.
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        tasks = {path: bar.add_task(path.name, total=None, start=False) for path in files}

        def moved(path: Path, done: int, size: int) -> None:
            bar.start_task(tasks[path])
            bar.update(tasks[path], completed=min(done, size), total=size)

        yield moved


def _leave(report: ImportReport) -> None:
    for problem in report.problems:
        say(f"footloom: {problem}")
    if report.strict and report.problems:
        count = len(report.problems)
        say(f"footloom: nothing was stored: --strict, and {count} {'thing is' if count == 1 else 'things are'} wrong")
    if report.ok:
        return
    errors = [file for file in report.files if file.error]
    raise typer.Exit(2 if errors and all(file.usage for file in errors) else 1)


def _print(report: ImportReport) -> None:
    for file in report.files:
        if file.format:
            typer.echo(f"{file.file}: {file.format}")
        for tape in file.tapes:
            _print_tape(tape)
        _print_raw(file, dry_run=report.dry_run)
        if file.other_messages:
            kinds = sorted(file.other_messages.items(), key=lambda kind: -kind[1])
            typer.echo(f"  other messages: {', '.join(f'{count:,} {kind}' for kind, count in kinds)}")
        for drop in file.unreadable:
            typer.echo(f"  not readable: {drop.count:,} × {drop.reason}; first on line {drop.line}: {drop.detail}")
            typer.echo(f"{_INDENT}  {drop.text}")
        for note in file.notes:
            typer.echo(f"  {note}")
    for note in report.notes:
        typer.echo(note)
    typer.echo(_verdict(report))


def _print_raw(file: FileReport, *, dry_run: bool) -> None:
    for raw in file.raw:
        typer.echo(f"  {raw.instrument}, {raw.kind} raw: {raw.messages:,} messages, {raw.first} to {raw.last}")
        for what, count in raw.counted.items():
            typer.echo(f"{_INDENT}counted {count:,} × {what}")
        if not dry_run:
            typer.echo(f"{_INDENT}{'kept as it is' if raw.new else 'already imported: nothing changed'}")


def _verdict(report: ImportReport) -> str:
    counted = f"read {report.read:,}, kept {report.kept:,}, dropped {report.dropped:,}"
    if report.dry_run:
        return f"{counted}; dry run, nothing was stored"
    raw = sum(one.new for file in report.files for one in file.raw)
    if raw and not report.new:
        return f"{counted}; kept {raw:,} {'text' if raw == 1 else 'texts'} in {report.store}"
    if report.new:
        again = f", {report.already_stored:,} were there before" if report.already_stored else ""
        return f"{counted}; stored {report.new:,} new rows{again} in {report.store}"
    return f"{counted}; nothing new was stored"


def _print_tape(tape: TapeReport) -> None:
    sources = tape.tick_from if tape.tick_from == tape.lot_from else f"{tape.tick_from}; {tape.lot_from}"
    typer.echo(f"  {tape.instrument}, tape {tape.tape}; tick {tape.tick_size}, lot {tape.lot_size} ({sources})")
    stored = f"{_INDENT}read {tape.read:,} = kept {tape.kept:,} + dropped {tape.dropped:,}"
    if tape.already_stored:
        stored += f"; {tape.already_stored:,} of the kept were stored before"
        stored += f", {tape.conflicts:,} of them with other values" if tape.conflicts else ""
    typer.echo(stored)
    if tape.kept:
        sides = (
            ("buy", tape.buy, tape.buy_rows),
            ("sell", tape.sell, tape.sell_rows),
            ("unknown", tape.unknown, tape.unknown_rows),
        )
        typer.echo(f"{_INDENT}{tape.first} to {tape.last}")
        if any(rows for _, _, rows in sides):
            typer.echo(_INDENT + ", ".join(f"{name} {lots} ({rows:,})" for name, lots, rows in sides))
    for what, count in tape.counted.items():
        typer.echo(f"{_INDENT}counted {count:,} × {what}")
    for drop in tape.drops:
        typer.echo(f"{_INDENT}dropped {drop.count:,} × {drop.reason}; first on line {drop.line}: {drop.detail}")
        typer.echo(f"{_INDENT}  {drop.text}")
    _print_order(tape)


def _print_order(tape: TapeReport) -> None:
    if tape.gap_count:
        ids = f", ids missing {tape.missing_ids:,}" if tape.missing_ids else ""
        typer.echo(f"{_INDENT}gaps {tape.gap_count:,}{ids}")
    for gap in tape.gaps[:_GAPS_SHOWN]:
        where = (f" on line {gap.after_line}", f" on line {gap.before_line}")
        if gap.missing:
            typer.echo(f"{_INDENT}  {gap.missing:,} between {gap.after_id}{where[0]} and {gap.before_id}{where[1]}")
        else:
            seconds = (gap.to_ns - gap.from_ns) / 1e9
            typer.echo(f"{_INDENT}  nothing for {seconds:,.0f} s after the row{where[0]}, up to that{where[1]}")
    if tape.gap_count > _GAPS_SHOWN:
        typer.echo(f"{_INDENT}  and {tape.gap_count - _GAPS_SHOWN:,} more")
    if tape.out_of_order:
        typer.echo(
            f"{_INDENT}out of order {tape.out_of_order:,}, first on line {tape.out_of_order_line}: sorted when stored"
        )
    if tape.received_ms:
        least, most = tape.received_ms
        typer.echo(f"{_INDENT}local clock {least:+,.1f} to {most:+,.1f} ms from the exchange's")
    if tape.received_odd:
        typer.echo(
            f"{_INDENT}received an hour or more away: {tape.received_odd:,}, first on line {tape.received_odd_line}"
        )
