"""Recorded files into the store: recognised, read in blocks, counted, stored; what is lost is told, line by line.

Importing the same file again changes nothing. A file with a fault gives what can be read of it, or nothing where
``strict`` is asked for.
"""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from footloom.core.place import StorePlace
from footloom.core.trades import I64
from footloom.errors import ConfigError, DataError, StoreError, StoreLocked
from footloom.feeds._import_asked import Options, asked, planned
from footloom.feeds._import_bare import BareTally, places_of
from footloom.feeds._import_grids import MOST_PLACES, Grids
from footloom.feeds._import_report import Drop, FileReport, GapReport, ImportReport, RawReport, TapeReport
from footloom.feeds._import_tally import Ready, Tally, add_counts, add_drops, iso
from footloom.feeds._import_target import Target
from footloom.importers import Ask, BareRows, Dropped, Grid, Importer, Outside, Plan, RawText, Rows, Source, shown
from footloom.store import RawPart, SourceInfo, Store

__all__ = ("Drop", "FileReport", "GapReport", "ImportReport", "Options", "RawReport", "TapeReport", "import_files")


Progress = Callable[[Path, int, int], None]
"""Called with a file, the bytes of it that have been read, and its size."""


class _Refused(Exception):
    """Leaves the store's transaction, so that nothing is kept."""


def import_files(
    paths: Sequence[Path],
    options: Options,
    *,
    store: StorePlace,
    progress: Progress | None = None,
    into: Store | None = None,
) -> ImportReport:
    """Import files into the store at ``store`` and say what became of every row.

    ``into`` is that store where the caller has it open for writing already.

    A file that cannot be read at all is reported, and the others are imported. With ``strict`` all files are read
    before anything is stored, and then stored in one piece or not at all.

    Raises
    ------
    StoreLocked
        Another process writes to the store.
    StoreError
        The store cannot be written to.
    ConfigError
        A tick or lot is not above zero.
    """
    _check(options)
    if options.strict and not options.dry_run:
        trial = msgspec.structs.replace(options, dry_run=True)
        report = import_files(paths, trial, store=store, progress=progress, into=into)
        if report.problems:
            return _summed(report.files, report.notes, options, store, stored=False)
    files: list[FileReport] = []
    stored = not options.dry_run
    with Target(store, dry_run=options.dry_run, at_once=options.strict, into=into, beside=options.beside) as target:
        try:
            with target.transaction():
                files.extend(_import_file(path, options, target, progress) for path in paths)
                _refuse(options, files)
                notes = target.close_gaps()
        except _Refused:
            stored, notes = False, []
    return _summed(files, notes, options, store, stored=stored)


def _refuse(options: Options, files: Sequence[FileReport]) -> None:
    if options.strict and any(file.problems for file in files):
        raise _Refused


def _check(options: Options) -> None:
    for name, size in (("--tick-size", options.tick_size), ("--lot-size", options.lot_size)):
        if size is not None and not (size.is_finite() and size > 0):
            raise ConfigError(f"{name} must be above zero, got {size}")
        if size is not None:
            Grid.of(size, size)


@dataclass
class _File:
    # One file while it is imported.
    source: Source
    importer: Importer
    plan: Plan
    ask: Ask
    grids: Grids
    report: FileReport
    tallies: dict[tuple[str, str, str], Tally | BareTally] = field(default_factory=dict)
    waiting: dict[tuple[str, str, str], list[Dropped]] = field(default_factory=dict)


def _import_file(path: Path, options: Options, target: Target, progress: Progress | None) -> FileReport:
    report = FileReport(file=_text(path), notes=[], tapes=[], other_messages={}, unreadable=[])
    began = time.perf_counter()
    try:
        source = Source(path, (lambda done: progress(path, done, source.size)) if progress else None)
        file = _opened(source, options, target, report)
        _read(file, target)
        _close(file)
    except StoreLocked:
        raise
    except (DataError, ConfigError, StoreError) as error:
        report.error = _text(error)
        report.usage = isinstance(error, ConfigError)
    report.seconds = round(time.perf_counter() - began, 3)
    return report


# A name or message that can be written anywhere: names of files need not be text.
def _text(what: object) -> str:
    return str(what).encode("utf-8", "backslashreplace").decode()


def _opened(source: Source, options: Options, target: Target, report: FileReport) -> _File:
    importer, plan = planned(source, options)
    report.importer = str(getattr(importer, "__name__", "")).rpartition(".")[2]
    report.format = plan.format
    report.notes += [*plan.notes, *([f"venue {plan.venue}, from {plan.venue_from}"] if plan.venue else [])]
    ask = asked(plan, options, source.path)
    # Rows without ids are known by their place in the text: packing a file anew must not make it another one.
    report.identity = "" if plan.ids and source.kind == "text" else source.content_sha256()
    grids = Grids(
        options.tick_size,
        options.lot_size,
        target.instrument,
        lambda: _places(importer, source, plan, ask),
        calendar=plan.calendar,
        own=plan.own_grid,
        today=options.today,
        fixed=plan.grid,
    )
    return _File(source, importer, plan, dataclasses.replace(ask, grid=grids.grid), grids, report)


# The decimals that prices and quantities of each instrument need: a reading of the whole file.
def _places(importer: Importer, source: Source, plan: Plan, ask: Ask) -> dict[tuple[str, str], tuple[int, int]]:
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for rows in importer.read(source, plan, ask):
        if isinstance(rows, Rows | BareRows) and len(rows.line):
            price, qty = found.get((rows.venue, rows.symbol), (0, 0))
            of_prices, of_lots = places_of(rows)
            found[rows.venue, rows.symbol] = (_most(of_prices, price), _most(of_lots, qty))
    return found


# The most places that fit 64 bits: a row that needs more is refused on any grid.
def _most(places: I64, known: int) -> int:
    return max(known, int(np.where(places <= MOST_PLACES, places, 0).max()))


def _read(file: _File, target: Target) -> None:
    report = file.report
    for rows in file.importer.read(file.source, file.plan, file.ask):
        if isinstance(rows, Outside):
            add_drops(report.unreadable, rows.dropped)
            add_counts(report.other_messages, rows.other)
        elif isinstance(rows, RawText):
            _keep_raw(file, rows, target)
        elif (tally := _tally(file, rows)) is not None:
            # Each tape has rows of one kind, and so has its tally.
            for ready in tally.add(rows):  # type: ignore[arg-type]
                _store(file, tally, ready, target)
    for tally in file.tallies.values():
        for ready in tally.finish():
            _store(file, tally, ready, target)
        report.tapes.append(tally.report)
        target.remember(tally, _text(file.source.path.name))


def _keep_raw(file: _File, found: RawText, target: Target) -> None:
    source, report = file.source, file.report
    name = _text(source.path.name)
    part = RawPart(
        venue=found.venue,
        symbol=found.symbol,
        kind=found.kind,
        sha256=report.identity,
        name=name,
        source=report.importer,
        messages=found.messages,
        first_ns=found.first_ns,
        last_ns=found.last_ns,
    )
    new = target.write_raw(part, source.content())
    report.raw.append(
        RawReport(
            instrument=part.key,
            kind=part.kind,
            messages=part.messages,
            first=iso(part.first_ns),
            last=iso(part.last_ns),
            counted=dict(found.counted),
            new=new,
        )
    )


# The tally of a tape begins with its first good row, whose time the grid was asked for; drops before that wait.
def _tally(file: _File, rows: Rows | BareRows) -> Tally | BareTally | None:
    key = (rows.venue, rows.symbol, rows.tape)
    chosen = file.grids.chosen.get(key[:2])
    if key in file.tallies:
        return file.tallies[key]
    waiting = file.waiting.setdefault(key, [])
    if chosen is None or not (len(rows.line) or (isinstance(rows, Rows) and len(rows.other_line))):
        waiting += rows.dropped
        return None
    rows.dropped = [*file.waiting.pop(key), *rows.dropped]
    if isinstance(rows, Rows):
        file.tallies[key] = Tally(chosen, rows.tape, ids=rows.trade_id is not None, holes=file.plan.holes)
    else:
        file.tallies[key] = BareTally(chosen, rows.tape)
    return file.tallies[key]


def _store(file: _File, tally: Tally | BareTally, ready: Ready, target: Target) -> None:
    # What tells rows of this text from any others, where they have no ids; where they have, it tells quickly that all
    # of them are stored. On another grid other rows may pass, so that makes another source.
    text = file.report.identity or file.source.checksum
    identity = hashlib.sha256(f"{text} {tally.report.tick_size} {tally.report.lot_size}".encode()).hexdigest()
    info = SourceInfo(identity, _text(file.source.path.name), ready.lines, file.report.importer)
    stored = target.write(ready, info, define=file.grids.chosen[tally.key].define)
    tally.report.new += stored.rows
    tally.report.already_stored += stored.duplicates
    tally.report.conflicts += stored.conflicts


def _close(file: _File) -> None:
    report, source = file.report, file.source
    for waiting in file.waiting.values():
        add_drops(report.unreadable, waiting)
    report.damage, report.identity = source.damage, report.identity or source.checksum
    if source.cut_line is not None:
        line, text = source.cut_line
        detail = "the file ends within this line"
        add_drops(report.unreadable, [Dropped("cut line", 1, line, shown(text.encode()), detail)])
    numbered = [tally for tally in file.tallies.values() if isinstance(tally, Tally)]
    report.notes += filter(None, (tally.coarser() for tally in numbered))
    examples = [drop for tally in numbered for drop in tally.duplicates.values()]
    texts = source.lines({drop.line for drop in examples}) if source.kind == "text" else {}
    for drop in examples:
        drop.text = shown(texts.get(drop.line, b""))
    if report.raw:
        return
    if not sum(tape.kept for tape in report.tapes):
        report.error = _nothing_kept(file)
    elif any(tape.already_stored for tape in report.tapes) and not sum(tape.new for tape in report.tapes):
        report.notes.append("already imported: every row was stored before, nothing changed")


def _nothing_kept(file: _File) -> str:
    report = file.report
    drops = [drop for tape in report.tapes for drop in tape.drops] + report.unreadable
    if drops:
        first = min(drops, key=lambda drop: drop.line)
        count = sum(drop.count for drop in drops)
        return f"none of its {count} rows could be taken; the first, line {first.line}: {first.detail}"
    if report.other_messages:
        held = ", ".join(f"{count} {kind}" for kind, count in sorted(report.other_messages.items()))
        wanted = ":".join(part for part in (file.ask.venue, file.ask.symbol) if part)
        return f"it holds no trades{f' of {wanted}' if wanted else ''}, only {held}"
    return "it holds a header and no rows"


def _summed(
    files: list[FileReport], notes: list[str], options: Options, store: StorePlace, *, stored: bool
) -> ImportReport:
    tapes = [tape for file in files for tape in file.tapes]
    lost = sum(drop.count for file in files for drop in file.unreadable)
    refused = options.strict and any(file.problems for file in files)
    return ImportReport(
        ok=not refused and not any(file.error for file in files),
        stored=stored and (any(tape.new for tape in tapes) or any(raw.new for file in files for raw in file.raw)),
        dry_run=options.dry_run,
        strict=options.strict,
        store=str(store),
        read=sum(tape.read for tape in tapes) + lost,
        kept=sum(tape.kept for tape in tapes),
        new=sum(tape.new for tape in tapes),
        already_stored=sum(tape.already_stored for tape in tapes),
        dropped=sum(tape.dropped for tape in tapes) + lost,
        duplicates=sum(tape.duplicates for tape in tapes),
        gaps=sum(tape.gap_count for tape in tapes),
        out_of_order=sum(tape.out_of_order for tape in tapes),
        other_messages=sum(sum(file.other_messages.values()) for file in files),
        files=files,
        notes=notes,
        problems=[problem for file in files for problem in file.problems],
    )
