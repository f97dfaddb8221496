"""``footloom record --estimate``: listen for a while, store it aside, and say what a day would take."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import typer

from footloom.cli._record_feeds import settings_of
from footloom.cli._record_tally import fetched_rows
from footloom.cli._shared import console, say
from footloom.errors import VenueError

if TYPE_CHECKING:
    from footloom.config import Config
    from footloom.feeds.flow import Commit
    from footloom.feeds.recorder import Recorder
    from footloom.venues._venue import Wanted

__all__ = ("Estimate", "Listened", "measured", "run_estimate")

_DAY_S = 86_400


@dataclass
class Listened:
    """For how long, and how many rows of each symbol and tape were fetched beside: they are not of that time."""

    seconds: float = 0.0
    fetched: dict[tuple[str, str], int] = field(default_factory=dict)

    def __call__(self, commit: Commit) -> None:
        """Take a commit."""
        at = (commit.key, commit.trades.tape)
        self.fetched[at] = self.fetched.get(at, 0) + fetched_rows(commit.trades)


class Estimate(msgspec.Struct, frozen=True):
    """Rows and bytes a day of one tape, from the rate of ``seconds``; bytes are those of its columns, as packed."""

    key: str
    tape: str
    seconds: float
    rows: int
    rows_a_day: int
    bytes_a_day: int


def run_estimate(wanted: Sequence[tuple[str, Wanted]], settings: Config, seconds: float, *, json: bool) -> None:
    """Listen, and print what a day would take.

    Raises
    ------
    VenueError
        Nothing was heard.
    """
    heard = [_with_depth(name, one) for name, one in wanted]
    if not json:
        say(f"listening for {seconds:g} s; nothing of it is kept")
    with tempfile.TemporaryDirectory(prefix="footloom-estimate-") as folder:
        listened = asyncio.run(_listen(Path(folder), heard, settings, seconds))
        found = measured(Path(folder), listened)
    if not found:
        raise VenueError(f"nothing was heard in {seconds:g} s: footloom doctor says what may be wrong")
    if json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
        return
    _print(found)


# Depth is estimated, asked for or not: it is what fills disks.
def _with_depth(name: str, one: Wanted) -> tuple[str, Wanted]:
    from footloom.feeds._venues import venue_named

    has_depth = "depth" in venue_named(name).STREAMS
    return name, msgspec.structs.replace(one, streams=one.streams | ({"depth"} if has_depth else set()))


async def _listen(folder: Path, wanted: Sequence[tuple[str, Wanted]], settings: Config, seconds: float) -> Listened:
    from footloom.feeds.recorder import Recorder
    from footloom.store.files import Store

    listened = Listened()
    with Store(folder, writer=True) as store:
        recorder = Recorder(store, wanted, settings_of(wanted, settings, repair_hours=0.0))
        work = asyncio.create_task(recorder.run(listened))
        began = await _connected(recorder, work)
        await asyncio.wait({work}, timeout=seconds)
        listened.seconds = time.monotonic() - began
        if work.done():
            work.result()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        store.seal()
    return listened


# The time that a connection takes to open is no part of the rate.
async def _connected(recorder: Recorder, work: asyncio.Task[None], patience_s: float = 30.0) -> float:
    until = time.monotonic() + patience_s
    while time.monotonic() < until and not work.done():
        states = [state for _, state in recorder.state()]
        if states and all(state.phase in {"live", "closed"} for state in states):
            break
        await asyncio.sleep(0.05)
    if work.done():
        work.result()
    return time.monotonic()


def measured(root: Path, listened: Listened) -> list[Estimate]:
    """Return what each tape of a store would take a day, if it grew as in these seconds."""
    from footloom.store.files import Store

    with Store(root) as store:
        days = [*store.coverage(), *store.partials(), *store.series()]
    rows: dict[tuple[str, str], int] = {}
    for day in days:
        rows[day.key, day.tape] = rows.get((day.key, day.tape), 0) + day.rows
    packed = _packed_bytes(root)
    a_day = _DAY_S / listened.seconds
    found = []
    for (key, tape), stored in sorted(rows.items()):
        heard = max(0, stored - listened.fetched.get((key, tape), 0))
        size = packed.get((key, tape), 0) * heard / stored if stored else 0.0
        found.append(Estimate(key, tape, round(listened.seconds, 1), heard, round(heard * a_day), round(size * a_day)))
    return found


# Of the columns alone: the footer that each part has would look large in so short a time.
def _packed_bytes(root: Path) -> dict[tuple[str, str], int]:
    from urllib.parse import unquote

    import pyarrow.parquet as pq

    sizes: dict[tuple[str, str], int] = {}
    for path in (root / "tapes").glob("*/*/*/*/*.parquet"):
        venue, symbol, tape = (unquote(part) for part in path.relative_to(root / "tapes").parts[:3])
        metadata = pq.ParquetFile(path).metadata
        groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
        size = sum(
            group.column(number).total_compressed_size for group in groups for number in range(group.num_columns)
        )
        sizes[f"{venue}:{symbol}", tape] = sizes.get((f"{venue}:{symbol}", tape), 0) + size
    return sizes


def _print(found: Sequence[Estimate]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in ("symbol", "tape", "rows heard", "rows a day", "bytes a day"):
        table.add_column(name, justify="left" if name in {"symbol", "tape"} else "right", no_wrap=True)
    for one in found:
        table.add_row(one.key, one.tape, f"{one.rows:,}", f"{one.rows_a_day:,}", _size(one.bytes_a_day))
    console().print(table)
    total, depth = sum(one.bytes_a_day for one in found), sum(one.bytes_a_day for one in found if one.tape == "depth")
    typer.echo(f"a day takes about {_size(total - depth)} without depth, {_size(total)} with it, at the rate of now")


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:,.0f} {unit}" if unit == "B" else f"{count:,.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} GB"
