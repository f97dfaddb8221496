"""``footloom bars``: bars and footprints of a stored symbol, as a table, JSON, CSV or Parquet."""

from __future__ import annotations

import csv as csv_format
import datetime as dt
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import typer

from footloom.cli._shared import JsonFlag, StoreFlag, console, say
from footloom.core.place import StorePlace

if TYPE_CHECKING:
    from footloom.core.rolls import Roll
    from footloom.engine.frame import ChartFrame
    from footloom.engine.studies import StudyFold
    from footloom.feeds.continuous import Continuous
    from footloom.feeds.stored import Inference
    from footloom.kernels.inference import SnapshotParams
    from footloom.notebook.study import StudyResult
    from footloom.server.stored.history import ChartKey, History
    from footloom.server.wire.messages import TopicRequest

__all__ = ("bars",)

_OWN_STUDIES = ("delta", "cvd", "poc", "value_area", "imbalance")  # columns that every chart has
_PIECE_BARS = 2000  # become text at a time
_TABLE_BARS = 60  # what a screen or two can hold; the other formats print all


def bars(
    context: typer.Context,
    symbol: Annotated[str, typer.Argument(metavar="VENUE:SYMBOL", help="What footloom coverage lists.")],
    bars: Annotated[str, typer.Option(metavar="RULE", help="5m, 1h, 1d, 500t, 100v, 1e6q, r20, ren10, d500.")] = "1m",
    ticks_per_level: Annotated[
        int | None, typer.Option(min=1, help="Ticks in a level; left out, what the symbol suggests.")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="First bar: 2026-03-02, 2026-03-02T09:15 (UTC), or ns.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Bars that open before this time.")] = None,
    tape: Annotated[str | None, typer.Option(help="trade, agg_trade or snapshot, where a symbol has several.")] = None,
    studies: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Only these: delta,cvd,poc,value_area,imbalance, or any study.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="STUDY.NAME=VALUE", help="A setting of one of the studies: vwap.reset=day."),
    ] = None,
    value_area: Annotated[Literal["two_row", "one_row", "one_row_capped"], typer.Option()] = "two_row",
    value_area_pct: Annotated[str, typer.Option(metavar="PERCENT", help="Share of the volume.")] = "70",
    poc_tie: Annotated[Literal["centre", "lowest"], typer.Option(help="Which of several equal levels.")] = "centre",
    cvd_reset: Annotated[
        Literal["session", "never"], typer.Option(help="never: running from the first bar of the range.")
    ] = "never",
    rest_policy: Annotated[
        Literal["ltp_same_side", "unknown", "spread_between_prev_ltp_and_ltp"],
        typer.Option(help="Snapshots: where the volume goes that may not have traded at the last price."),
    ] = "ltp_same_side",
    json: JsonFlag = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV: one row a bar, its levels in one column.")] = False,
    parquet: Annotated[Path | None, typer.Option(metavar="OUT", help="Write a Parquet file.")] = None,
    store: StoreFlag = None,
) -> None:
    """Print or write the bars of a stored symbol that open in a range, with their levels.

    --tape finished:NAME shows footprints that another program has finished, as they came.
    Prices and quantities are exact decimals. Without --json, --csv or --parquet the newest bars are shown as a table.
    """
    if json + csv + (parquet is not None) > 1:
        raise typer.BadParameter("choose one of --json, --csv and --parquet")
    from footloom import config
    from footloom.cli import _finished

    if tape is not None and tape.startswith(_finished.PREFIX):
        _finished.refuse_to_cut(context)
        _finished.show(config.load(store=store).store, symbol, tape, _span(start, end), json=json, csv=csv)
        return
    from footloom.kernels.inference import SnapshotParams
    from footloom.server.wire.messages import TopicRequest

    names = None if studies is None else [name.strip() for name in studies.split(",") if name.strip()]
    wanted = TopicRequest(
        symbol=symbol,
        tape=tape,
        bars=bars,
        ticks_per_level=ticks_per_level,
        value_area=value_area,
        value_area_pct=value_area_pct,
        poc_tie=poc_tie,
        cvd_reset=cvd_reset,
    )
    asked = [name for name in names or () if name not in _OWN_STUDIES]
    folds = _folds(asked, settings or [])
    if asked and not (json or csv):
        raise typer.BadParameter(
            f"{', '.join(asked)}: printed with --json or --csv; footloom export writes files of it"
        )
    params = SnapshotParams(rest_policy=rest_policy)
    found = _read(config.load(store=store).store, wanted, (start, end), params, folds)
    if parquet is not None:
        _write_parquet(found.frame, parquet)
    elif json:
        _print_json(found, names)
    elif csv:
        _print_csv(found, names)
    else:
        _print_table(found)


class _Found(NamedTuple):
    """Bars, the tape that they were made of, how its sides were inferred, if they were, and what studies say.

    ``rolled`` is what a continuous future was made of, None for everything else.
    """

    frame: ChartFrame
    tape: str
    inference: Inference | None
    studies: list[StudyResult]
    rolled: Continuous | None = None


def _span(start: str | None, end: str | None) -> tuple[int | None, int | None]:
    from footloom._api import instant_ns
    from footloom.errors import ConfigError

    from_ns, to_ns = (None if moment is None else instant_ns(moment) for moment in (start, end))
    if from_ns is not None and to_ns is not None and to_ns <= from_ns:
        raise ConfigError(f"the range is empty: --from {start} is not before --to {end}")
    return from_ns, to_ns


def _read(
    root: StorePlace,
    wanted: TopicRequest,
    span: tuple[str | None, str | None],
    params: SnapshotParams,
    studies: list[StudyFold],
) -> _Found:
    from footloom.errors import NotStored
    from footloom.feeds.continuous import is_continuous
    from footloom.feeds.finished import finished_names
    from footloom.feeds.stored import chart_tapes, nearest_name, span_of, stored_inference
    from footloom.server.stored.rolled import chart_history
    from footloom.store.open import open_store

    from_ns, to_ns = _span(*span)
    with open_store(root) as store:
        try:
            history = chart_history(store, wanted.symbol, params, wanted.tape)
            tapes = chart_tapes(history.store, wanted.symbol)
        except NotStored as error:
            names = " or ".join(f"--tape {name}" for name in finished_names(store, wanted.symbol))
            near = nearest_name(store, wanted.symbol)
            hint = f"; the nearest name there is {near}" if near else ""
            hint += f"; finished footprints are shown with {names}" if names else ""
            partial = ", ".join(sorted({row.tape for row in store.partials(wanted.symbol)}))
            hint += f"; of {partial} no bars are made: it holds some trades and not all" if partial else ""
            raise NotStored(f"{error}{hint} (looked in {root})") from None
        chart = history.resolve(wanted)
        if wanted.tape is None and len(tapes) > 1:
            others = " or ".join(f"--tape {found}" for found in tapes if found != chart.tape)
            say(
                f"{wanted.symbol} has several tapes, which never mix: these bars are made of {chart.tape}; {others} "
                "names another"
            )
        frame = history.between(chart, from_ns, to_ns)
        if len(frame) == 0:
            first, last = (_time_text(ns, dt.UTC) for ns in span_of(history.store, wanted.symbol, chart.tape))
            say(f"no bar opens there: {wanted.symbol} is stored from {first} to {last} UTC")
        answers = _ask(history, chart, studies, (from_ns, to_ns))
        span_ns = (0 if from_ns is None else from_ns, 2**62 if to_ns is None else to_ns)
        if is_continuous(wanted.symbol):
            rolled = history.views.view(chart.key, chart.tape).between(*span_ns)
            return _Found(frame, chart.tape, rolled.inference, answers, rolled)
        inference = stored_inference(store, wanted.symbol, *span_ns, params) if chart.tape == "snapshot" else None
        return _Found(frame, chart.tape, inference, answers)


def _folds(names: list[str], given: list[str]) -> list[StudyFold]:
    from footloom.cli._shared import settings_of
    from footloom.engine.studies import StudyFold

    settings: dict[str, dict[str, object]] = {name: {} for name in names}
    for setting, value in settings_of(given).items():
        study, _, name = setting.partition(".")
        if study not in settings or not name:
            known = ", ".join(f"{one}.NAME=VALUE" for one in names) or "name one with --studies first"
            raise typer.BadParameter(f"{setting!r} is no setting of these studies: {known}", param_hint="--set")
        settings[study][name] = value
    return [StudyFold(name, settings[name]) for name in names]


def _ask(
    history: History, chart: ChartKey, folds: list[StudyFold], span: tuple[int | None, int | None]
) -> list[StudyResult]:
    if not folds:
        return []
    from footloom.notebook.study import StudyResult
    from footloom.server.stored.studied import studied

    footprint, answers = studied(history, chart, folds, *span)
    return [] if footprint is None else [StudyResult(fold, footprint, answers[fold.label]) for fold in folds]


def _print_json(found: _Found, studies: list[str] | None) -> None:
    import msgspec

    from footloom.server.stored.documents import chart_document, inference_document

    chart = chart_document(found.frame, found.tape)
    if found.inference is not None:
        chart["inference"] = inference_document(found.inference)
    if found.rolled is not None:
        chart |= {"contracts": found.rolled.stretches, "rolls": found.rolled.rolls}
    # One document, written as it is made: a range may have more bars than memory has room for as text.
    write, encode = sys.stdout.write, msgspec.json.encode
    write(f'{{"chart":{encode(chart).decode()},"bars":[')
    comma = ""
    for rows in _pieces(found, studies):
        write(comma + encode(rows).decode()[1:-1])
        comma = ","
    events = {study.name: study.events() for study in found.studies}
    write("]" + (f',"events":{encode(events).decode()}' if events else "") + "}\n")


def _pieces(found: _Found, studies: list[str] | None) -> Iterator[list[dict[str, Any]]]:
    from footloom.engine.export import bar_rows
    from footloom.notebook.chart import Chart
    from footloom.server.stored.documents import imbalance_rows

    said = [(study.name, iter(study.rows())) for study in found.studies]
    for start in range(0, len(found.frame), _PIECE_BARS):
        frame = found.frame.slice(start, min(start + _PIECE_BARS, len(found.frame)))
        if studies is None:
            yield bar_rows(frame)
            continue
        rows = Chart(frame).with_studies(*(name for name in studies if name in _OWN_STUDIES)).to_rows()
        for name, every in said:
            for row, says in zip(rows, itertools.islice(every, len(rows)), strict=True):
                row |= {f"{name}.{column}": value for column, value in says.items() if column not in row}
        if "imbalance" in studies:
            for row, marks in zip(rows, imbalance_rows(frame), strict=True):
                row["imbalances"] = marks
        yield rows


def _print_csv(found: _Found, studies: list[str] | None) -> None:
    writer = None
    for rows in _pieces(found, studies):
        if writer is None:
            writer = csv_format.DictWriter(sys.stdout, list(rows[0]), lineterminator="\n")
            writer.writeheader()
        for row in rows:
            row["levels"] = " ".join(":".join(map(str, level)) for level in row["levels"])
            if "imbalances" in row:
                marks = [(f["price"], f["side"], "stacked" if f["stacked"] else "single") for f in row["imbalances"]]
                row["imbalances"] = " ".join(":".join(mark) for mark in marks)
            writer.writerow(row)


def _write_parquet(frame: ChartFrame, path: Path) -> None:
    import pyarrow.parquet as pq

    from footloom.engine.tables import footprint_table
    from footloom.errors import ConfigError

    if not path.name or (path.exists() and not path.is_file()):  # renamed over, a device would be gone
        raise ConfigError(f"--parquet {path} is a folder, a device or a pipe: name a file")
    partial = path.with_name(f".{path.name}.partial")
    try:
        pq.write_table(footprint_table(frame), partial, compression="zstd", compression_level=1)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from None
    say(f"wrote {len(frame):,} bars to {path}")


_COLUMNS = ("open", "high", "low", "close", "volume", "delta", "cvd", "trades", "poc", "val", "vah")
_DROPPED = ("trades", "cvd", "val", "vah", "poc", "open")  # one after the other, where the terminal is narrow


def _print_table(found: _Found) -> None:
    from rich.table import Table

    from footloom.core.sessions import calendar
    from footloom.engine.export import bar_rows

    frame, inference = found.frame, found.inference
    footprint, spec = frame.footprint, frame.spec
    instrument = footprint.instrument
    zone = calendar(instrument.calendar).zone
    shown = frame.slice(max(0, len(frame) - _TABLE_BARS), len(frame))
    volumes = shown.footprint.bars.volume_lot.tolist()
    rows = [row | {"volume": instrument.qty_text(v)} for row, v in zip(bar_rows(shown), volumes, strict=True)]
    out = console()
    columns = list(_COLUMNS)
    for name in _DROPPED:
        if _width(rows, columns) > out.width:
            columns.remove(name)
    table = Table(box=None, pad_edge=False)
    table.add_column(f"open ({zone.key})", no_wrap=True)
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(_time_text(row["open_ns"], zone), *(str(row[name]) for name in columns))
    out.print(f"{instrument.key} {spec.bars}, {spec.ticks_per_level} ticks a level, tape {found.tape}")
    for roll in () if found.rolled is None else found.rolled.rolls:
        out.print(f"rolled {_time_text(roll.at_ns, zone)} ({roll.rule}): {_sides(roll)}")
    if inference is not None:
        lost = instrument.qty_text(int(inference.unattributed_lot.sum()))
        out.print(f"sides inferred, rest_policy {inference.params.rest_policy}; volume that nobody saw: {lost}")
    out.print(table)
    if len(shown) < len(frame):
        out.print(
            f"the last {len(shown)} of {len(frame):,} bars: --json, --csv and --parquet give all, with their levels"
        )


def _sides(roll: Roll) -> str:
    sides = ((roll.from_symbol, roll.from_price), (roll.to_symbol, roll.to_price))
    return " to ".join(f"{symbol} at {price}" if price else f"{symbol} (no price)" for symbol, price in sides)


def _width(rows: list[dict[str, Any]], columns: list[str]) -> int:
    widest = (max([len(name), *(len(str(row[name])) for row in rows)]) + 2 for name in columns)
    return len("2026-03-02 09:15:00") + sum(widest)


def _time_text(ts_ns: int, zone: dt.tzinfo) -> str:
    moment = dt.datetime.fromtimestamp(ts_ns // 10**9, zone)
    return f"{moment:%Y-%m-%d %H:%M:%S}"
