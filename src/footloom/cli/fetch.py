"""``footloom fetch``: the past of a symbol from its venue."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Coroutine, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from footloom.cli._shared import EndpointFlag, JsonFlag, StoreFlag, as_usage, console, say

if TYPE_CHECKING:
    from footloom.feeds.fetching import Compared, FetchReport, KeyReport, Watcher

__all__ = ("Bars", "Lines", "fetch", "watching")

_DAY_NS = 86_400_000_000_000
_DAYS_SHOWN = 8


def fetch(
    symbols: Annotated[list[str], typer.Argument(metavar="VENUE:SYMBOL...", help="What to fetch.")],
    days: Annotated[
        int | None,
        typer.Option(min=1, max=5000, help="How many days back from now; 1 without --from.", show_default=False),
    ] = None,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Instead of --days: from when.", show_default=False)
    ] = None,
    to: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Until when: now.", show_default=False)] = None,
    tape: Annotated[
        str, typer.Option(metavar="TAPE", help="trade or agg_trade: the venue's usual.", show_default=False)
    ] = "",
    downloads: Annotated[int, typer.Option(min=1, max=8, help="How many files are on their way at a time.")] = 3,
    again: Annotated[bool, typer.Option("--again", help="Fetch files that were fetched before.")] = False,
    endpoint: EndpointFlag = None,
    store: StoreFlag = None,
    json: JsonFlag = False,
) -> None:
    """Fetch the past of symbols into the store.

    Archive files come first, with their checksums; REST brings what no file holds yet. What is stored is not fetched
    again: a run that was stopped goes on with the next. Where a venue tells no trades of the past (Upstox, Angel One),
    its minute candles are compared with the volume that is stored. Exit code 1 where something that was asked for is
    not there.
    """
    import msgspec

    from footloom import config
    from footloom.feeds import fetching
    from footloom.feeds.endpoints import checked

    with as_usage():
        settings = checked(config.load(store=store, endpoints=endpoint or ()))
        fetching.check_keys(symbols)
    now_ns = time.time_ns()
    options = fetching.FetchOptions(
        from_ns=_from(days, from_, now_ns),
        to_ns=now_ns if to is None else _instant(to, "--to"),
        tape=tape,
        downloads=downloads,
        again=again,
    )
    with watching() as watcher:
        report = _run(fetching.fetch(symbols, options, config=settings, watcher=watcher))
    if json:
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    else:
        _print(report)
    for one in report.keys:
        for problem in one.problems:
            say(f"footloom: {one.key}: {problem}")
    if not report.ok:
        raise typer.Exit(1)


# Whoever stops it with SIGTERM, as systems do, loses nothing of what came, as with Ctrl-C.
def _run(fetch: Coroutine[Any, Any, FetchReport]) -> FetchReport:
    import asyncio

    async def until_stopped() -> FetchReport:
        fetching = asyncio.ensure_future(fetch)
        with contextlib.suppress(NotImplementedError):  # Windows
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, fetching.cancel)
        return await fetching

    try:
        return asyncio.run(until_stopped())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _from(days: int | None, from_: str | None, now_ns: int) -> int:
    if days is not None and from_ is not None:
        raise typer.BadParameter("it says the same as --from: leave one of them out", param_hint="--days")
    if from_ is not None:
        return _instant(from_, "--from")
    return (now_ns // _DAY_NS - (days or 1)) * _DAY_NS


def _instant(text: str, flag: str) -> int:
    from footloom._api import instant_ns

    with as_usage(flag):
        return instant_ns(text)


@contextlib.contextmanager
def watching() -> Iterator[Watcher]:
    """Give somebody to tell how far a fetch has come: bars on a terminal, lines elsewhere."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[amount]}"))
    with Progress(*columns, TimeRemainingColumn(), console=console(stderr=True), transient=True) as progress:
        yield Bars(progress)


class Bars:
    """A bar for each thing that is on its way; what is done leaves a line."""

    def __init__(self, progress: Any) -> None:
        self._progress = progress
        self._tasks: dict[str, Any] = {}

    def say(self, text: str) -> None:
        """Print a line above the bars."""
        self._progress.console.print(text, markup=False)

    def moved(self, what: str, done: int, total: int | None, unit: str) -> None:
        """Move a bar; take it away at its end."""
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, total=total, amount="")
        if total is not None and done >= total:
            self._progress.remove_task(self._tasks.pop(what))
            return
        self._progress.update(self._tasks[what], completed=done, total=total, amount=_amount(done, total, unit))


class Lines:
    """A line for each thing that begins or ends, and one now and then while it lasts."""

    _EVERY_S = 15.0

    def __init__(self) -> None:
        self._told: dict[str, float] = {}

    def say(self, text: str) -> None:
        """Print a line."""
        say(text)

    def moved(self, what: str, done: int, total: int | None, unit: str) -> None:
        """Print a line, if it is time for one."""
        is_over = total is not None and done >= total
        now = time.monotonic()
        if is_over or now - self._told.setdefault(what, now) >= self._EVERY_S:
            self._told[what] = now
            say(f"{what}: {_amount(done, total, unit)}")


def _amount(done: int, total: int | None, unit: str) -> str:
    def text(number: int) -> str:
        return f"{number / 1e6:,.1f} MB" if unit == "bytes" else f"{number:,} {unit}"

    return text(done) if total is None or done >= total else f"{text(done)} of {text(total)}"


def _print(report: FetchReport) -> None:
    for one in report.keys:
        typer.echo(f"{one.key}, tape {one.tape}, {one.from_} to {one.to}")
        _print_days(one)
        if one.rest_rows:
            typer.echo(f"  over REST: {one.rest_rows:,} new rows")
        if one.gaps:
            typer.echo(f"  gaps {one.gaps:,}" + (f", ids missing {one.missing:,}" if one.missing else ""))
        if one.compared is not None:
            _print_compared(one.compared)
        for note in one.notes:
            typer.echo(f"  {note}")
    new = sum(one.new_rows for one in report.keys)
    typer.echo(f"stored {new:,} new rows in {report.store}" if new else "nothing new was stored")


def _print_days(one: KeyReport) -> None:
    for state, words in (
        ("fetched", "fetched"),
        ("replaced", "fetched anew, as they were replaced"),
        ("present", "fetched before"),
        ("absent", "not in the archive"),
        ("failed", "not fetched"),
    ):
        found = [day for day in one.days if day.state == state]
        if found:
            rows = sum(day.rows for day in found)
            named = ", ".join(day.day for day in found[:_DAYS_SHOWN])
            more = f" and {len(found) - _DAYS_SHOWN} more" if len(found) > _DAYS_SHOWN else ""
            typer.echo(f"  {words}: {named}{more}" + (f"; {rows:,} new rows" if rows else ""))


def _print_compared(found: Compared) -> None:
    typer.echo(f"  volume of {found.minutes:,} minutes: stored {found.stored}, the venue's candles {found.venue}")
    ratio = "-" if found.median_ratio is None else f"{found.median_ratio:.4f}"
    typer.echo(f"  {found.alike:,} minutes alike, median ratio {ratio}")
    typer.echo(f"  minutes that only the venue has {found.only_venue:,}, that only the store has {found.only_stored:,}")
    if found.unseen:
        typer.echo(
            f"  not compared: {found.unseen:,} minutes that end a gap or begin a recording ({found.unseen_volume})"
        )
    for minute, stored, venue in found.worst:
        typer.echo(f"    {minute}  stored {stored}, venue {venue}")
