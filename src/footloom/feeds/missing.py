"""What `load_trades` fetches by itself: days of the archive that the store has nothing of."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable

from footloom.config import Config
from footloom.core.instrument import split_key
from footloom.errors import ConfigError, FootloomError, StoreLocked, VenueError
from footloom.feeds.fetching import FetchOptions, FetchReport, Silent, check_keys, fetch, venue_of
from footloom.store.open import open_store

__all__ = ("fetch_missing", "missing_days")

_DAY_NS = 86_400_000_000_000
_MOST_DAYS = 31  # more is asked for on purpose, with footloom fetch


def fetch_missing(
    key: str, tape: str | None, from_ns: int, to_ns: int, settings: Config, now_ns: Callable[[], int] = time.time_ns
) -> None:
    """Fetch the days of ``[from_ns, to_ns)`` that the store has nothing of, if the venue has an archive.

    Nothing is fetched for venues without one, or another tape than the venue's usual. Where the fetch fails, or another
    process writes to the store, that is said, and what is stored has to do.

    Raises
    ------
    VenueError
        It failed, and nothing of the range is stored.
    """
    name, _ = split_key(key)
    try:
        check_keys([key])
    except ConfigError:
        return  # a recording of something else: its store is all there is
    venue = venue_of(name)
    wanted = tape or venue.TAPE
    if not hasattr(venue, "archive") or wanted != venue.TAPE:
        return
    to_ns = min(to_ns, now_ns())
    stretches = missing_days(settings, key, from_ns, to_ns)
    days = sum(-(-end_ns // _DAY_NS) - begin_ns // _DAY_NS for begin_ns, end_ns in stretches)
    if days > _MOST_DAYS:
        _say(f"{key}: {days:,} days are not stored, too many to fetch unasked: use footloom fetch {key} --from TIME")
        return
    for begin_ns, end_ns in stretches:
        options = FetchOptions(from_ns=begin_ns, to_ns=end_ns)
        try:
            report = _in_a_thread(key, options, settings, now_ns)
        except (VenueError, StoreLocked) as error:
            if not _has_rows(settings, key):
                raise
            _say(f"{error}; going on with what is stored")
            return
        for problem in report.keys[0].problems:
            _say(f"{key}: {problem}")


def missing_days(settings: Config, key: str, from_ns: int, to_ns: int) -> list[tuple[int, int]]:
    """Return the stretches of a range, in whole UTC days cut to it, on which the store has no row of a symbol."""
    have = set()
    if settings.store.exists():
        with open_store(settings.store) as store:
            have = {day.day.toordinal() for day in store.coverage(key) if day.rows}
    epoch = 719_163  # 1970-01-01
    first, stop = from_ns // _DAY_NS, -(-to_ns // _DAY_NS)
    stretches: list[tuple[int, int]] = []
    for number in range(first, stop):
        if number + epoch in have:
            continue
        begin, end = max(number * _DAY_NS, from_ns), min((number + 1) * _DAY_NS, to_ns)
        if stretches and stretches[-1][1] == begin:
            stretches[-1] = (stretches[-1][0], end)
        else:
            stretches.append((begin, end))
    return stretches


def _has_rows(settings: Config, key: str) -> bool:
    if not settings.store.exists():
        return False
    with open_store(settings.store) as store:
        return any(day.rows for day in store.coverage(key))


# A notebook has a loop of its own already, in this thread.
def _in_a_thread(key: str, options: FetchOptions, settings: Config, now_ns: Callable[[], int]) -> FetchReport:
    answer: list[FetchReport] = []
    failure: list[FootloomError] = []

    def work() -> None:
        try:
            answer.append(asyncio.run(fetch([key], options, config=settings, watcher=_Sayer(), now_ns=now_ns)))
        except FootloomError as error:
            failure.append(error)

    thread = threading.Thread(target=work, name="footloom-fetch")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return answer[0]


class _Sayer(Silent):
    def say(self, text: str) -> None:
        _say(text)


def _say(text: str) -> None:
    sys.stderr.write(f"footloom: {text}\n")
    sys.stderr.flush()
