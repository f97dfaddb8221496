"""What `footloom record` knows of its own work: counts by symbol, and the line and the document made of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from footloom.core.series import Series
from footloom.core.trades import FLAG_BACKFILLED, Trades
from footloom.feeds.flow import Commit, FeedState, Losses
from footloom.store import Coverage
from footloom.store.estimate import Rate

__all__ = ("BYTES_A_ROW", "Disk", "Status", "SymbolStatus", "Tally", "fetched_rows", "line", "measured")

# What a row takes in a sealed part, about: measured on recorded days (docs/store.md); `--estimate` measures it anew.
BYTES_A_ROW = {"trade": 3.5, "agg_trade": 3.5, "snapshot": 12.0, "depth": 4.0, "quote": 8.0}
_OTHER_BYTES = 12.0
_ODD_SHOWN = 4
_ENOUGH_ROWS = 10_000  # fewer are mostly the frame of their file
_SURE_AFTER_S = 60.0  # a rate of less time is chance


class SymbolStatus(msgspec.Struct, kw_only=True):
    """One symbol: how its feed stands, and what came since the start.

    ``rows`` are stored. ``lag_ms`` is from the exchange's time to our receipt, the longest since the last
    status. ``gaps`` were seen, ``healed`` records closed some of them.
    """

    key: str
    phase: str
    text: str
    messages_per_s: float
    rows: int
    lag_ms: float | None
    gaps: int
    healed: int
    backfill: float | None
    offset_ms: float | None


class Disk(msgspec.Struct, frozen=True, kw_only=True):
    """Free bytes, for how many days they last at the present rate, and what a user should know of it.

    None is what nobody knows (yet).
    """

    free: int | None
    days: float | None = None
    texts: tuple[str, ...] = ()


class Status(msgspec.Struct, kw_only=True):
    """A whole recording at one moment; ``recorded`` is False while the disk takes nothing: ``waiting`` rows wait.

    ``refused`` and ``given_up`` rows will never be stored: for what they are, or as the disk took nothing for too long.
    """

    time: str
    seconds: float
    recorded: bool
    refused: int
    rows: int
    disk: Disk
    symbols: list[SymbolStatus]
    waiting: int = 0
    given_up: int = 0


@dataclass
class _Count:
    rows: int = 0
    waiting: int = 0
    lost: int = 0
    gaps: int = 0
    healed: int = 0
    lag_ns: int | None = None
    by_tape: dict[str, int] = field(default_factory=dict)

    def add_rows(self, came: int, lost: int, *, recorded: bool) -> None:
        """Count rows; ``lost`` is what of all of them, since the start, will never be stored."""
        came -= lost - self.lost
        self.lost = lost
        if recorded:
            self.rows += came
        else:
            self.waiting += came

    def add_beside(self, commit: Commit) -> None:
        """Count what a commit says beside how many rows it has."""
        for rows, count in _stored(commit):
            heard = count - fetched_rows(rows)
            self.by_tape[rows.tape] = self.by_tape.get(rows.tape, 0) + heard
        beside_gaps = {(gap.from_ns, gap.to_ns, gap.cause, gap.healed): gap for _, gap in commit.side_gaps}
        gaps = [*commit.gaps, *beside_gaps.values()]  # one loss, though it is one of several tapes
        self.gaps += sum(not gap.healed for gap in gaps)
        self.healed += sum(gap.healed for gap in gaps)
        live = (commit.trades.flags & FLAG_BACKFILLED) == 0
        if live.any():
            late = (commit.trades.ts_recv_ns - commit.trades.ts_exch_ns)[live]
            self.lag_ns = max(int(late.max()), self.lag_ns if self.lag_ns is not None else -(2**62))


def measured(rows: Iterable[Coverage]) -> dict[str, float]:
    """Return the bytes that a sealed row of each tape takes in this very store, where enough are stored to tell."""
    stored: dict[str, tuple[int, int]] = {}
    for one in rows:
        count, size = stored.get(one.tape, (0, 0))
        stored[one.tape] = (count + one.rows - one.journal_rows, size + one.bytes)
    return {tape: size / count for tape, (count, size) in stored.items() if count >= _ENOUGH_ROWS and size}


class Tally:
    """Counts commits; its memory does not grow with them."""

    def __init__(self, keys: Sequence[str], began_s: float, bytes_a_row: Mapping[str, float] | None = None) -> None:
        self._began_s = began_s
        self._bytes_a_row = BYTES_A_ROW | dict(bytes_a_row or {})
        self._counts = {key: _Count() for key in keys}
        self._recorded = True
        self._losses = Losses()

    def __call__(self, commit: Commit) -> None:
        """Take a commit; the first that is recorded again has recorded what waited."""
        if commit.recorded and not self._recorded:
            for count in self._counts.values():
                count.rows, count.waiting = count.rows + count.waiting, 0
        self._counts.setdefault(commit.key, _Count()).add_beside(commit)
        came = {commit.key: 0}
        for rows, stored in _stored(commit):  # what an option says of its chain stands under its underlying
            key = rows.instrument.key
            came[key] = came.get(key, 0) + stored
        for key, stored in came.items():
            lost = commit.losses.of.get(key, 0)
            self._counts.setdefault(key, _Count()).add_rows(stored, lost, recorded=commit.recorded)
        self._recorded = commit.recorded
        self._losses = commit.losses

    def rates(self, now_s: float) -> dict[str, Rate]:
        """Return what each tape brings, all symbols together; nothing before it can be told."""
        seconds = now_s - self._began_s
        rows: dict[str, int] = {}
        for count in self._counts.values() if seconds >= _SURE_AFTER_S else ():
            for tape, heard in count.by_tape.items():
                rows[tape] = rows.get(tape, 0) + heard
        return {tape: Rate(heard, seconds, self._bytes_a_row.get(tape, _OTHER_BYTES)) for tape, heard in rows.items()}

    def status(self, states: Mapping[str, FeedState], disk: Disk, now_s: float, wall_s: float) -> Status:
        """Return how all of it stands, and begin a new lag."""
        # A name (NIFTY.FUT1) becomes a symbol once it is looked up: then it is no longer counted apart.
        rows = [key for key, count in self._counts.items() if count.rows and key not in states]
        symbols = [self._symbol(key, states.get(key)) for key in [*(states or self._counts), *(rows if states else ())]]
        for count in self._counts.values():
            count.lag_ns = None
        return Status(
            time=f"{dt.datetime.fromtimestamp(int(wall_s), dt.UTC):%Y-%m-%dT%H:%M:%SZ}",
            seconds=round(now_s - self._began_s, 1),
            recorded=self._recorded,
            refused=self._losses.refused,
            rows=sum(count.rows for count in self._counts.values()),
            disk=disk,
            symbols=symbols,
            waiting=sum(count.waiting for count in self._counts.values()),
            given_up=self._losses.given_up,
        )

    def _symbol(self, key: str, state: FeedState | None) -> SymbolStatus:
        count = self._counts.get(key, _Count())
        return SymbolStatus(
            key=key,
            phase="connecting" if state is None else state.phase,
            text="" if state is None else state.text,
            messages_per_s=0.0 if state is None else round(state.messages_per_s, 1),
            rows=count.rows,
            lag_ms=None if count.lag_ns is None else round(count.lag_ns / 1e6, 1),
            gaps=count.gaps,
            healed=count.healed,
            backfill=None if state is None else state.backfill,
            offset_ms=None if state is None else state.offset_ms,
        )


def line(status: Status) -> str:
    """Return the status as one line of text."""
    symbols = status.symbols
    live = sum(one.phase == "live" for one in symbols)
    parts = [f"{live} of {len(symbols)} live" if len(symbols) > 1 else f"{symbols[0].key} {symbols[0].phase}"]
    parts.append(f"{sum(one.messages_per_s for one in symbols):,.0f} msgs/s")
    parts.append(f"{status.rows:,} rows")
    lags = [one.lag_ms for one in symbols if one.lag_ms is not None]
    parts.append(f"lag {max(lags):,.0f} ms" if lags else "lag -")
    parts.append(f"gaps {sum(one.gaps for one in symbols):,}, healed {sum(one.healed for one in symbols):,}")
    parts.append(_disk_text(status.disk))
    if not status.recorded:
        parts.append(f"NOT RECORDED: the disk takes nothing, {status.waiting:,} rows wait, see the log")
    if status.refused:
        parts.append(f"{status.refused:,} rows refused by the store, see the log")
    if status.given_up:
        parts.append(f"{status.given_up:,} rows given up, for which the disk had no room: a gap is recorded")
    parts += status.disk.texts
    filling = [one.backfill for one in symbols if one.backfill is not None]
    if filling:
        parts.append(f"history {min(filling):.0%}")
    odd = [one for one in symbols if _is_odd(one, len(symbols))]
    parts += [f"{one.key} {one.phase}{_why(one)}" for one in odd[:_ODD_SHOWN]]
    if len(odd) > _ODD_SHOWN:
        parts.append(f"and {len(odd) - _ODD_SHOWN} more")
    return " · ".join(parts)


def fetched_rows(rows: Trades | Series) -> int:
    """Return how many rows were fetched after the fact."""
    return int(((rows.flags & FLAG_BACKFILLED) != 0).sum()) if isinstance(rows, Trades) else 0


# The rows of a commit, with how many are stored: a snapshot shows none, one or more trades.
def _stored(commit: Commit) -> list[tuple[Trades | Series, int]]:
    traded = len(commit.trades) if commit.snapshots is None else commit.snapshots
    beside: tuple[Trades | Series, ...] = (*commit.logs, *commit.series)
    return [(commit.trades, traded), *((rows, len(rows)) for rows in beside)]


def _is_odd(one: SymbolStatus, count: int) -> bool:
    return bool(one.text) if count == 1 or one.phase == "live" else True


def _why(one: SymbolStatus) -> str:
    if one.text:
        return f": {one.text}"
    return "" if one.phase == "connecting" else ": no word why"


def _disk_text(disk: Disk) -> str:
    if disk.free is None:
        return "disk unknown"
    free = f"{disk.free / 1e9:,.1f} GB free"
    return free if disk.days is None else f"{free}, about {disk.days:,.0f} days"
