"""What `footloom doctor` finds on this machine: versions, settings, the store, tokens, the calendar."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from footloom.core.place import StorePlace
from footloom.errors import ConfigError, StoreError, StoreLocked

if TYPE_CHECKING:
    from footloom.store import Store

__all__ = ("Finding", "State", "calendar_findings", "store_findings", "token_findings")

State = Literal["ok", "warn", "bad"]

_LOW, _VERY_LOW = 5 * 10**9, 10**9
_QUICK_BYTES = 2 * 10**9  # so much is compared with its checksums in a few seconds
_RECENT_NS = 7 * 86_400 * 10**9
_SHOWN = 3


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at; ``advice`` is what to do where it is not ok."""

    area: str
    state: State
    text: str
    advice: str = ""


def store_findings(root: StorePlace, now_ns: int, *, full: bool) -> Iterator[Finding]:
    """Look at the store; with ``full`` at every byte of it."""
    from footloom.store.open import open_store

    if not root.exists():
        yield Finding(area="store", state="ok", text=f"{root} is not there yet: record, fetch or import make it")
        return
    if isinstance(root, Path):
        yield from _disk_findings(root)
        yield _lock_finding(root)
    try:
        with open_store(root) as store:
            yield from _content_findings(store, root, now_ns, full=full)
    except StoreError as error:
        yield Finding(
            area="store", state="bad", text=str(error), advice="mend or remove what it names; the rest is whole"
        )


def _disk_findings(root: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(root).free
    state: State = "bad" if free < _VERY_LOW else "warn" if free < _LOW else "ok"
    advice = "" if state == "ok" else "make room, or keep the store on another disk (--store)"
    yield Finding(area="store", state=state, text=f"{root}: {free / 1e9:,.1f} GB free on its disk", advice=advice)


def _lock_finding(root: Path) -> Finding:
    from footloom.store.lock import WriterLock

    path = root / "writer.lock"
    if not path.exists():
        return Finding(area="store", state="ok", text="nobody writes to it")
    try:
        WriterLock(path).release()
    except StoreLocked as locked:
        holder = str(locked).partition(" is being written to by ")[2].partition(": stop it")[0]
        return Finding(area="store", state="ok", text=f"written to by {holder}; everybody else reads")
    except StoreError as error:
        advice = "give this user the right to write, or name another folder with --store"
        return Finding(area="store", state="bad", text=str(error), advice=advice)
    return Finding(area="store", state="ok", text="nobody writes to it")


def _content_findings(store: Store, root: StorePlace, now_ns: int, *, full: bool) -> Iterator[Finding]:
    days = [*store.coverage(), *store.partials(), *store.series()]
    rows, size, waiting = (sum(getattr(day, name) for day in days) for name in ("rows", "bytes", "journal_rows"))
    keys = len({day.key for day in days})
    text = f"{rows:,} rows of {keys:,} symbols in {size / 1e6:,.1f} MB, {waiting:,} of them in the journal"
    yield Finding(area="store", state="ok", text=text)
    if full or size <= _QUICK_BYTES:
        count = store.verify()
        yield Finding(area="store", state="ok", text=f"{count:,} parts are as they were written")
    else:
        yield Finding(area="store", state="ok", text="parts were not compared with their checksums: --full does")
    if isinstance(root, Path):
        yield from _kept_aside(root)
    yield from _unreadable(store)
    yield _gap_finding(store, now_ns)


def _kept_aside(root: Path) -> Iterator[Finding]:
    aside = sorted((root / "journal" / "quarantine").glob("*"))
    if aside:
        text = f"{len(aside):,} journal segments could not be read whole and are kept in {aside[0].parent}"
        advice = "a disk or file system failed there once: look at its log; fetch what is missing, then remove them"
        yield Finding(area="store", state="warn", text=text, advice=advice)


def _unreadable(store: Store) -> Iterator[Finding]:
    frames = store.unreadable(_SHOWN)
    if frames.counts:
        counts = ", ".join(f"{count:,} of {venue}" for venue, count in sorted(frames.counts.items()))
        last = frames.frames[0].reason if frames.frames else "no longer kept"
        text = f"frames that nobody could parse: {counts}; the last: {last}"
        advice = "the venue may have changed its messages: look for a newer footloom; the frames are kept"
        yield Finding(area="store", state="warn", text=text, advice=advice)


def _gap_finding(store: Store, now_ns: int) -> Finding:
    tapes = sorted({(day.key, day.tape) for day in store.coverage()})
    found = {(key, tape): len(store.gaps(key, tape, now_ns - _RECENT_NS, now_ns)) for key, tape in tapes}
    open_ = {name: count for name, count in found.items() if count}
    if not open_:
        return Finding(area="gaps", state="ok", text="none in the last seven days")
    named = [f"{key} {tape} {count:,}" for (key, tape), count in list(open_.items())[:_SHOWN]]
    more = f" and {len(open_) - _SHOWN} more tapes" if len(open_) > _SHOWN else ""
    keys = " ".join(dict.fromkeys(key for key, _ in open_))
    advice = f"footloom fetch {keys} --days 7 brings what the venue still has"
    return Finding(area="gaps", state="warn", text=f"in the last seven days: {', '.join(named)}{more}", advice=advice)


def token_findings(venues: list[str], now_ns: int, folder: Path) -> Iterator[Finding]:
    """Say how the tokens of venues stand that need one."""
    from footloom.feeds.credentials import standing

    states: dict[str, State] = {"none": "warn", "good": "ok", "ending": "warn", "ended": "bad"}
    for venue in venues:
        try:
            found = standing(venue, now_ns, folder)
        except ConfigError as error:
            yield Finding(area="tokens", state="bad", text=str(error), advice=f"then footloom login {venue}")
            continue
        state = states[found.state]
        advice = "" if state == "ok" else f"footloom login {venue}"
        yield Finding(area="tokens", state=state, text=found.text, advice=advice)


def calendar_findings(now_ns: int) -> Iterator[Finding]:
    """Say until when the holidays of NSE are known."""
    from footloom.core.nse_holidays import VERIFIED_TO

    today = (dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=now_ns // 10**9)).date()
    left = (VERIFIED_TO - today).days
    text = f"holidays of NSE are known until {VERIFIED_TO}"
    if left < 0:
        advice = "get a newer footloom: until then every weekday counts as a trading day"
        yield Finding(area="calendar", state="warn", text=f"{text}, which is past", advice=advice)
    elif left < 30:
        yield Finding(
            area="calendar", state="warn", text=f"{text}, for {left} days", advice="get a newer footloom by then"
        )
    else:
        yield Finding(area="calendar", state="ok", text=text)
