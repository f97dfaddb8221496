"""``footloom coverage``: what is stored, by symbol, tape and day."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from footloom.cli._shared import JsonFlag, StoreFlag, console
from footloom.core.place import StorePlace

if TYPE_CHECKING:
    from footloom.store import Coverage, RawPart

__all__ = ("coverage",)


def coverage(
    symbol: Annotated[
        str | None, typer.Argument(metavar="[VENUE:SYMBOL]", help="Only this symbol.", show_default=False)
    ] = None,
    days: Annotated[bool, typer.Option("--days", help="One line a day instead of one a tape.")] = False,
    json: JsonFlag = False,
    store: StoreFlag = None,
) -> None:
    """Say what is stored: symbols, tapes, days, rows, gaps and where they came from.

    Times are UTC. Partial tapes (large prints and the like) are listed apart: they hold some trades of a stretch, never
    all of them, and do not count as coverage. Neither do footprints that another program has finished.
    """
    from footloom import config
    from footloom.store.open import open_store

    folder = config.load(store=store).store
    with open_store(folder) as opened:
        whole, partial, finished = opened.coverage(symbol), opened.partials(symbol), opened.finished(symbol)
        beside, raw = opened.series(symbol), opened.raw_parts(symbol)
    if json:
        _print_json(folder, {"coverage": whole, "partial": partial, "series": beside, "finished": finished, "raw": raw})
        return
    if not (whole or partial or beside or finished or raw):
        _refuse(folder, symbol)
        return
    shown = console()
    for title, covered in (
        ("stored", whole),
        ("partial tapes: some trades of a stretch, no coverage", partial),
        ("beside the trades: quotes, depth, open interest and mark prices; a row of depth is a level", beside),
        ("finished footprints: bars of another program, no tape and no coverage; rows are levels", finished),
    ):
        if covered:
            shown.print(_by_day(title, covered) if days else _by_tape(title, covered))
    if raw:
        shown.print(_of_raw(raw))
    shown.print(f"in {folder}")


def _print_json(folder: StorePlace, covered: dict[str, Sequence[object]]) -> None:
    import msgspec

    text = msgspec.json.encode({"store": str(folder), **covered})
    sys.stdout.write(text.decode() + "\n")


def _refuse(folder: StorePlace, symbol: str | None) -> None:
    from footloom.errors import NotStored

    if symbol is not None:
        raise NotStored(f"nothing is stored of {symbol} in {folder}: footloom coverage lists what is")
    console().print(f"nothing is stored in {folder} yet: footloom import FILE brings a recording in")


def _table(title: str, names: Sequence[str], numbers: Sequence[str]) -> Any:
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for name in names:
        table.add_column(name, justify="right" if name in numbers else "left", overflow="fold")
    return table


def _of_raw(parts: Sequence[RawPart]) -> Any:
    names = ("symbol", "what", "first", "last", "messages", "size", "from", "hash")
    table = _table("kept raw: text as it came, for later work; no tape and no coverage", names, ("messages", "size"))
    for part in parts:
        table.add_row(
            part.key,
            f"{part.kind} raw",
            _moment(part.first_ns),
            _moment(part.last_ns),
            f"{part.messages:,}",
            _size(part.bytes),
            part.source,
            part.sha256[:12],
        )
    return table


def _by_day(title: str, covered: Sequence[Coverage]) -> Any:
    names = ("symbol", "tape", "day", "first", "last", "rows", "size", "gaps", "parts", "from")
    table = _table(title, names, ("rows", "size", "gaps", "parts"))
    for one in covered:
        table.add_row(
            one.key,
            one.tape,
            one.day.isoformat(),
            _clock(one.first_ns),
            _clock(one.last_ns),
            f"{one.rows:,}",
            _size(one.bytes),
            str(one.gaps),
            str(one.parts),
            ", ".join(one.sources),
        )
    return table


def _by_tape(title: str, covered: Sequence[Coverage]) -> Any:
    names = ("symbol", "tape", "days", "first", "last", "rows", "size", "gaps", "from")
    table = _table(title, names, ("days", "rows", "size", "gaps"))
    tapes: dict[tuple[str, str], list[Coverage]] = {}
    for one in covered:
        tapes.setdefault((one.key, one.tape), []).append(one)
    for (key, tape), mine in tapes.items():
        first = min((one.first_ns for one in mine if one.first_ns is not None), default=None)
        last = max((one.last_ns for one in mine if one.last_ns is not None), default=None)
        table.add_row(
            key,
            tape,
            str(sum(one.rows > 0 for one in mine)),
            _moment(first),
            _moment(last),
            f"{sum(one.rows for one in mine):,}",
            _size(sum(one.bytes for one in mine)),
            str(sum(one.gaps for one in mine)),
            ", ".join(sorted({kind for one in mine for kind in one.sources})),
        )
    return table


def _moment(time_ns: int | None) -> str:
    if time_ns is None:
        return "-"
    moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=time_ns // 1_000_000_000)
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _clock(time_ns: int | None) -> str:
    return _moment(time_ns)[-8:]


def _size(count: float) -> str:
    if count < 1000:
        return f"{count} B"
    for unit in ("kB", "MB"):
        count /= 1000
        if count < 1000:
            return f"{count:.1f} {unit}"
    return f"{count / 1000:.1f} GB"
