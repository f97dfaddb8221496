"""``footloom verify SYMBOL``: a stored day folded live and at once, compared bit by bit."""

from __future__ import annotations

import datetime as dt
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from footloom.cli._shared import JsonFlag, StoreFlag, console

if TYPE_CHECKING:
    from footloom.engine.verify import Difference, Verdict

__all__ = ("verify",)


def verify(
    symbol: Annotated[str, typer.Argument(metavar="VENUE:SYMBOL", help="What to verify.", show_default=False)],
    day: Annotated[
        dt.datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The day, as footloom coverage lists it: the newest stored one."),
    ] = None,
    tape: Annotated[str | None, typer.Option(help="The tape: the one that charts read.")] = None,
    bars: Annotated[list[str] | None, typer.Option(help="Bars to compare, several times: 1m and 500t.")] = None,
    commit_ms: Annotated[
        int, typer.Option(min=1, max=60_000, help="Rows received within this time fold at once.")
    ] = 1000,
    json: JsonFlag = False,
    store: StoreFlag = None,
) -> None:
    """Rebuild a stored day live, in the order in which it came in, and compare it bit by bit with the batch.

    Compares the bars after all late, fetched and healed rows with those of the whole day at once; what the events told
    with the bars; and the events of two replays, with when each was known. Exit code 1 where anything differs.
    """
    from footloom import config
    from footloom.engine.verify import newest_day, verify_day
    from footloom.feeds.continuous import refuse_continuous
    from footloom.store.open import open_store

    done: list[tuple[Verdict, float]] = []
    with open_store(config.load(store=store).store) as opened:
        refuse_continuous(opened, symbol, "footloom verify")
        tape, newest = newest_day(opened, symbol, tape)
        of_day = newest if day is None else day.date()
        for rule in bars or ["1m", "500t"]:
            begun = time.monotonic()
            verdict = verify_day(opened, symbol, tape, of_day, rule, commit_ns=commit_ms * 1_000_000)
            done.append((verdict, time.monotonic() - begun))
            if not json:
                _tell(*done[-1])
    if json:
        import msgspec

        rows = [msgspec.to_builtins(verdict) | {"seconds": round(seconds, 3)} for verdict, seconds in done]
        sys.stdout.write(msgspec.json.encode(rows).decode() + "\n")
    if any(verdict.differences for verdict, _ in done):
        raise typer.Exit(1)


def _tell(verdict: Verdict, seconds: float) -> None:
    shown = console()
    shown.print(
        f"{verdict.symbol} {verdict.tape} {verdict.day}, {verdict.bars} bars, {verdict.ticks_per_level} ticks a level: "
        f"{verdict.rows:,} rows in {verdict.commits:,} commits ({verdict.late:,} late, {verdict.backfilled:,} fetched, "
        f"{verdict.gaps:,} gap records)"
    )
    if verdict.differences:
        for difference in verdict.differences:
            shown.print(f"  DIFFERENT: {_words(difference)}")
        shown.print("  please report this, with the day's files: what is stored is not touched")
    else:
        shown.print(
            f"  the same, bit by bit: {verdict.compared:,} bars, live and at once; "
            f"{verdict.events:,} events of two replays"
        )
    shown.print(f"  in {seconds:.1f} s")


def _words(difference: Difference) -> str:
    if not difference.column:
        return difference.what
    moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=difference.open_ns // 1000)
    return (
        f"{difference.what}: first in the bar of {moment:%Y-%m-%d %H:%M:%S.%f} UTC, {difference.column}: "
        f"{difference.one} and {difference.other}"
    )
