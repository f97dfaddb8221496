"""``footloom record``: write down what venues send, for weeks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from footloom.cli._record_feeds import settings_of, store_settings, wanted_of
from footloom.cli._shared import EndpointFlag, JsonFlag, StoreFlag, as_usage, say

if TYPE_CHECKING:
    from footloom.cli._record_show import Shower
    from footloom.cli._record_tally import Disk, Status, Tally
    from footloom.config import Config
    from footloom.feeds.recorder import Recorder
    from footloom.store import Store
    from footloom.store.estimate import Rate
    from footloom.venues._venue import Wanted

__all__ = ("record",)

_LOG = logging.getLogger(__name__)
_SHOWN = 5
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LOW_DAYS = 2.0
_OFF_MS = 250.0  # a clock that is off by more: footloom doctor warns of it too
_PATIENCE_S = 3.0  # who is refused at once has mistyped something; later somebody may log in again
_WARN_EVERY_S = 3600.0
_ESTIMATE_S = 60.0


def record(
    symbols: Annotated[list[str], typer.Argument(metavar="VENUE:SYMBOL...", help="What to record.")],
    depth: Annotated[
        int | None,
        typer.Option(
            min=0, help="Record the order book too: how many levels; 0 the venue's usual.", show_default=False
        ),
    ] = None,
    quotes: Annotated[bool, typer.Option("--quotes", help="Record best bid and ask too.")] = False,
    options: Annotated[
        str,
        typer.Option(metavar="atm±N", help="Record options around the money too (India).", show_default=False),
    ] = "",
    tape: Annotated[
        str,
        typer.Option(metavar="TAPE", help="Record trade or agg_trade, not the venue's usual.", show_default=False),
    ] = "",
    for_: Annotated[
        str, typer.Option("--for", metavar="TIME", help="Stop after 90s, 30m, 8h or 2d.", show_default=False)
    ] = "",
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Listen for a minute (or --for) and say bytes a day; record nothing.")
    ] = False,
    commit_ms: Annotated[
        float | None,
        typer.Option(min=1, max=1000, help="Rows are made durable so often at most: 3.", show_default=False),
    ] = None,
    depth_quota: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Bytes of depth and quotes: 20GB.", show_default=False)
    ] = None,
    log: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A log, cut at 20 MB; five are kept.", show_default=False)
    ] = None,
    endpoint: EndpointFlag = None,
    store: StoreFlag = None,
    json: JsonFlag = False,
) -> None:
    """Record what venues send, journal first, until Ctrl-C.

    Trades (or snapshots), liquidations, mark prices with funding and open interest always; depth and quotes where
    asked. Holes are mended from the venue where it can. Ctrl-C, SIGTERM and --for end it with everything sealed; after
    a kill or a power cut the next run says what it found, and goes on.
    """
    from footloom import config
    from footloom.cli._record_documents import are_documents, record_documents
    from footloom.cli._record_show import logging_to, showing
    from footloom.feeds.endpoints import checked

    with as_usage("--for"):
        seconds = _seconds(for_)
    with as_usage():
        flags = {"commit_ms": commit_ms, "depth_quota": depth_quota}
        settings = checked(config.load(store=store, endpoints=endpoint or (), flags=flags))
        documents = are_documents(symbols)
        wanted = [] if documents else wanted_of(symbols, depth=depth, quotes=quotes, options=options, tape=tape)
    if documents:
        with logging_to(log, say):
            record_documents(symbols[0], settings, seconds, say, json=json)
        return
    if estimate:
        from footloom.cli._record_estimate import run_estimate

        run_estimate(wanted, settings, seconds or _ESTIMATE_S, json=json)
        return
    with showing(json=json) as (show, tell), logging_to(log, tell):
        lost = _record(settings, wanted, seconds, show, tell)
    what = f"what was received, but for {lost:,} rows that could not be stored," if lost else "what was received"
    say(f"stopped; {what} is sealed in {settings.store}")


def _seconds(text: str) -> float | None:
    from footloom.errors import ConfigError

    if not text:
        return None
    found = _SPAN.fullmatch(text.strip())
    if found is None or float(found[1]) <= 0:
        raise ConfigError(f"{text!r} is no length of time: write 90s, 30m, 8h or 2d")
    return float(found[1]) * _SECONDS[found[2]]


def _record(
    settings: Config,
    wanted: list[tuple[str, Wanted]],
    seconds: float | None,
    show: Shower,
    tell: Callable[[str], None],
) -> int:
    from footloom.feeds.recorder import Recorder
    from footloom.store.open import open_store

    with open_store(settings.store, writer=True, settings=store_settings(settings)) as opened:
        for text in opened.recovery.texts:
            tell(text)
        recorder = Recorder(opened, wanted, settings_of(wanted, settings))
        names = ", ".join(recorder.keys)
        tell(f"recording {names} into {settings.store}   (Ctrl-C stops it)")
        _LOG.info("recording %s into %s", names, settings.store)
        try:
            last = asyncio.run(_until_stopped(recorder, opened, seconds, show, tell))
        finally:
            opened.seal()
        _LOG.info("stopped: %d rows of %d symbols", last.rows, len(last.symbols))
        _say_silent(last, tell, must_hear=seconds is not None)
        return recorder.lost_rows


# Nothing at all within --for is a failure, that a script has to see, unless the market was shut.
def _say_silent(last: Status, tell: Callable[[str], None], *, must_hear: bool) -> None:
    from footloom.errors import VenueError

    silent = [one for one in last.symbols if not one.rows and one.phase != "live"]
    words = "; ".join(f"{one.key} {one.phase}{f': {one.text}' if one.text else ''}" for one in silent[:_SHOWN])
    words += f"; and {len(silent) - _SHOWN} more" if len(silent) > _SHOWN else ""
    if must_hear and len(silent) == len(last.symbols) and any(one.phase != "closed" for one in silent):
        raise VenueError(f"nothing was received in {last.seconds:,.0f} s: {words}")
    if silent:
        tell(f"footloom: nothing was received of {len(silent)} of {len(last.symbols)} symbols: {words}")


async def _until_stopped(
    recorder: Recorder, store: Store, seconds: float | None, show: Shower, tell: Callable[[str], None]
) -> Status:
    from footloom.cli._record_tally import Disk, Tally, measured

    known = [row for key in recorder.keys for row in (*store.coverage(key), *store.series(key))]
    tally = Tally(recorder.keys, time.monotonic(), measured(known))
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows raises KeyboardInterrupt instead
            loop.add_signal_handler(number, stopped.set)
    work = asyncio.create_task(recorder.run(tally))
    shown = asyncio.create_task(_show(recorder, tally, store, show, tell))
    waiting = asyncio.create_task(stopped.wait())
    tasks: set[asyncio.Task[Any]] = {work, shown, waiting}
    try:
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for done in (work, shown):
            if done.done():
                done.result()
    finally:
        for task in tasks:
            task.cancel()
        states = dict(recorder.state())
        await asyncio.gather(*tasks, return_exceptions=True)
    return tally.status(states, Disk(free=None), time.monotonic(), time.time())


async def _show(recorder: Recorder, tally: Tally, store: Store, show: Shower, tell: Callable[[str], None]) -> None:
    from footloom.errors import VenueError
    from footloom.feeds.clock import clock_words

    began_s, warned_s, clock_s = time.monotonic(), -_WARN_EVERY_S, -_WARN_EVERY_S
    while True:
        await asyncio.sleep(1.0)
        now_s = time.monotonic()
        disk = await asyncio.to_thread(_disk, store, tally.rates(now_s))
        status = tally.status(dict(recorder.state()), disk, now_s, time.time())
        show(status)
        if _is_low(status) and now_s - warned_s >= _WARN_EVERY_S:
            warned_s = now_s
            tell(f"footloom: {_words(disk)}")
        # Times of receipt, and what is late, are only as good as this clock.
        off = clock_words([(one.key, one.offset_ms) for one in status.symbols], _OFF_MS)
        if off and now_s - clock_s >= _WARN_EVERY_S:
            clock_s = now_s
            tell(f"footloom: {off}")
        if now_s - began_s > _PATIENCE_S and all(one.phase == "stopped" for one in status.symbols) and not status.rows:
            raise VenueError("; ".join(dict.fromkeys(one.text or f"{one.key} is stopped" for one in status.symbols)))


def _disk(store: Store, rates: Mapping[str, Rate]) -> Disk:
    from footloom.cli._record_tally import Disk
    from footloom.store.estimate import estimate

    watch = store.watch()
    days = estimate(rates, watch.free_bytes).days_left if watch.free_bytes is not None else None
    return Disk(free=watch.free_bytes, days=None if days is None else round(days, 1), texts=watch.texts)


def _is_low(status: Status) -> bool:
    return bool(status.disk.texts) or (status.disk.days is not None and status.disk.days < _LOW_DAYS)


def _words(disk: Disk) -> str:
    if disk.texts:
        return "; ".join(disk.texts)
    return f"the disk lasts for about {disk.days:,.1f} days of recording: make room, or name another one with --store"
