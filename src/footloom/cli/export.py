"""``footloom export``: tapes, bars, levels and studies as files for other programs."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from footloom.cli._shared import JsonFlag, StoreFlag, console, say, settings_of

if TYPE_CHECKING:
    from footloom.cli._export_sources import Asked, Rows, Tape
    from footloom.config import Config
    from footloom.feeds.mongo_documents import Place
    from footloom.store import Store

__all__ = ("export",)

_WHAT = ("trades", "snapshots", "bars", "levels", "study:NAME")


def export(
    symbol: Annotated[str, typer.Argument(metavar="VENUE:SYMBOL", help="What footloom coverage lists.")],
    out: Annotated[
        str, typer.Argument(metavar="OUT", help="The file: .csv, .parquet, .arrow or .npz; or mongodb:COLLECTION.")
    ],
    what: Annotated[str, typer.Option(metavar="WHAT", help=f"{', '.join(_WHAT)}, study:NAME:events.")] = "trades",
    start: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="From 2026-03-02, 2026-03-02T09:15 (UTC), or ns.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Up to this time, itself left out.")] = None,
    tape: Annotated[str | None, typer.Option(help="trade, agg_trade or snapshot, where a symbol has several.")] = None,
    bars: Annotated[str, typer.Option(metavar="RULE", help="What bars, levels and studies are made of.")] = "1m",
    ticks_per_level: Annotated[
        int | None, typer.Option(min=1, help="Ticks in a level; left out, what the symbol suggests.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting of the study or the chart.")
    ] = None,
    format: Annotated[  # noqa: A002 - what the flag is called
        Literal["csv", "parquet", "arrow", "npz"] | None, typer.Option(help="Where OUT's ending does not say it.")
    ] = None,
    latency_ns: Annotated[
        int, typer.Option(min=0, metavar="NS", help="npz: the receipt of trades that nobody recorded.")
    ] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT where it is there already.")] = False,
    json: JsonFlag = False,
    store: StoreFlag = None,
) -> None:
    """Write trades, snapshots, bars, levels or what a study says as a file.

    Prices and quantities are exact decimals; npz is hftbacktest's event format. The file is there whole or not at all.
    """
    import msgspec

    from footloom import config
    from footloom._api import instant_ns
    from footloom.cli._export_sources import Asked
    from footloom.errors import ConfigError
    from footloom.notebook.writing import format_of
    from footloom.store.open import open_store

    place = _place(out, what, config.load(store=store))
    kind = "mongodb" if place else format_of(Path(out), format)
    _check(what, kind, bool(latency_ns))
    from_ns, to_ns = (None if moment is None else instant_ns(moment) for moment in (start, end))
    if from_ns is not None and to_ns is not None and to_ns <= from_ns:
        raise ConfigError(f"the range is empty: --from {start} is not before --to {end}")
    asked = Asked(
        symbol=symbol, what=what, from_ns=from_ns, to_ns=to_ns, tape=tape, bars=bars,
        ticks_per_level=ticks_per_level, settings=settings_of(settings or []),
    )  # fmt: skip
    if asked.settings and what in {"trades", "snapshots"}:
        raise ConfigError(f"--set is for charts and studies: {what} have no settings")
    with open_store(config.load(store=store).store) as opened:
        if place:
            report = _export_documents(opened, asked, place, force=force)
        else:
            report = _export(opened, asked, Path(out), kind, latency_ns, force=force)
    if json:
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    else:
        _tell(report)


def _place(out: str, what: str, settings: Config) -> Place | None:
    from footloom.feeds.mongo_documents import is_collection, place_of

    if not is_collection(out):
        return None
    if what not in {"bars", "levels"}:
        raise typer.BadParameter(f"MongoDB takes bars and levels, not {what}", param_hint="--what")
    return place_of(out, settings)


def _export_documents(store: Store, asked: Asked, place: Place, *, force: bool) -> dict[str, Any]:
    from footloom.cli._export_documents import write_documents
    from footloom.cli._export_sources import chart_table

    table, tape = chart_table(store, asked)
    rows = write_documents(table, place, asked, tape, force=force)
    said = {"file": str(place), "format": "mongodb", "what": asked.what, "symbol": asked.symbol, "tape": tape}
    return said | {"rows": rows, "bytes": table.nbytes}


def _check(what: str, kind: str, latency: bool) -> None:
    if what not in _WHAT[:-1] and not (what.startswith("study:") and what != "study:"):
        raise typer.BadParameter(f"{what!r} is none of {', '.join(_WHAT)}", param_hint="--what")
    if kind == "npz" and what != "trades":
        raise typer.BadParameter(f"npz holds the events of trades, not {what}: take csv, parquet or arrow")
    if latency and kind != "npz":
        raise typer.BadParameter("--latency-ns is for npz: the other formats say where a receipt is missing")


def _export(store: Store, asked: Asked, out: Path, kind: str, latency_ns: int, *, force: bool) -> dict[str, Any]:
    from footloom.cli._export_sources import chart_table, rolls_of, study_table, tape_blocks
    from footloom.notebook.writing import check_free, write_tables

    check_free(out, force=force)
    report: dict[str, Any] = {"file": str(out), "format": kind, "what": asked.what, "symbol": asked.symbol}
    report |= rolls_of(store, asked)
    if asked.what in {"trades", "snapshots"}:
        tape = tape_blocks(store, asked)
        return report | {"tape": tape.name} | _write_tape(tape, asked.what, out, kind, latency_ns, force=force)
    make = study_table if asked.what.startswith("study:") else chart_table
    table, name = make(store, asked)
    written = write_tables(out, kind, table.schema, [table], force=force)
    return report | {"tape": name, "rows": written.rows, "bytes": written.bytes}


def _write_tape(tape: Tape, what: str, out: Path, kind: str, latency_ns: int, *, force: bool) -> dict[str, Any]:
    import msgspec
    import numpy as np

    from footloom.core.snapshots import Snapshots
    from footloom.core.trades import Trades
    from footloom.engine.tables import snapshots_table, trades_table
    from footloom.notebook.event_files import write_events
    from footloom.notebook.writing import write_tables

    def table(block: Rows) -> Any:
        return snapshots_table(block) if isinstance(block, Snapshots) else trades_table(block)

    with _progress(f"{what} of {tape.instrument.key}", tape.rows) as moved:
        blocks = _watched(tape.blocks, moved)
        if kind == "npz":
            trades = (block for block in blocks if isinstance(block, Trades))
            told = write_events(out, tape.instrument, trades, latency_ns, force=force)
            return msgspec.structs.asdict(told)
        none: Rows = Trades.empty(tape.instrument, tape.name)
        if what == "snapshots":
            times, ltp, ltq, vtt, bid, ask, heard = (np.empty(0, np.int64) for _ in range(7))
            none = Snapshots(tape.instrument, times, ltp, ltq, vtt, bid, ask, heard, tape.name)
        written = write_tables(out, kind, table(none).schema, map(table, blocks), force=force)
    return {"rows": written.rows, "bytes": written.bytes}


def _watched(blocks: Iterator[Rows], moved: Callable[[int], None]) -> Iterator[Rows]:
    for block in blocks:
        yield block
        moved(len(block))


@contextlib.contextmanager
def _progress(title: str, total: int) -> Iterator[Callable[[int], None]]:
    # A bar where somebody is looking; elsewhere it would only be noise.
    if not sys.stderr.isatty():
        yield lambda rows: None  # noqa: ARG005 - nobody looks
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=total or None)
        yield lambda rows: bar.advance(task, rows)


def _tell(report: dict[str, Any]) -> None:
    of = f"{report['what']} of {report['symbol']}, tape {report['tape']}"
    say(f"wrote {report['rows']:,} rows ({of}) to {report['file']}, {report['bytes']:,} bytes")
    if report["what"] == "trades" and report["tape"] == "snapshot":
        say("their sides are inferred from snapshots (definitions 1.3)")
    for roll in report.get("rolls", ()):
        say(f"rolled from {roll['from_symbol']} to {roll['to_symbol']} at {roll['at_ns']} ns: no bar spans it")
    if report.get("split"):
        say(f"{report['split']:,} trades were heard after later ones: they are two events each, one for each clock")
    least_ns = report.get("least_latency_ns")
    if least_ns is not None and least_ns <= 0:
        say(
            f"the local clock was up to {-least_ns / 1e6:,.3f} ms behind the exchange's: before a backtest, shift the "
            "receipts with hftbacktest's correct_local_timestamp"
        )
