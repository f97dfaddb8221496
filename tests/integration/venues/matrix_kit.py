"""One recording of one local venue with faults, and what became of every trade."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.sessions import DAY_NS
from footloom.core.snapshots import Snapshots
from footloom.core.trades import Trades
from footloom.engine.build import build_footprint
from footloom.feeds.flow import Commit
from footloom.feeds.recorder import FeedSettings, Recorder
from footloom.store.files import Store
from footloom.testing.venues import Listing, LocalVenue, Market
from footloom.testing.venues.snapshotted import IST_NS, Look
from footloom.venues._venue import Bases, Wanted

SECOND = 1_000_000_000
SYMBOLS = {  # by venue, and by another tape of it: symbol, tick, lot, tape
    "binance_usdm": ("BTCUSDT", "0.1", "0.001", "agg_trade"),
    "binance_spot": ("BTCUSDT", "0.01", "0.00001", "agg_trade"),
    "binance_spot trade": ("BTCUSDT", "0.01", "0.00001", "trade"),
    "bybit_linear": ("BTCUSDT", "0.1", "0.001", "trade"),
    "upstox": ("NSE_FO|53001", "0.05", "1", "snapshot"),
    "angelone": ("NFO|53001", "0.05", "1", "snapshot"),
}
CHANNELS = {
    "binance_usdm": "btcusdt@aggTrade",
    "binance_spot": "btcusdt@aggTrade",
    "binance_spot trade": "btcusdt@trade",
    "bybit_linear": "publicTrade.BTCUSDT",
    "upstox": "full NSE_FO|53001",
    "angelone": "3 NFO|53001",
}
CREDENTIALS = {
    "upstox": {"access_token": "local"},
    "angelone": {"jwt_token": "local", "feed_token": "local", "client_code": "L1", "api_key": "k"},
}
EVER = (0, 2**62)
INDIA = ("upstox", "angelone")
OPEN_NS = 1_796_101_200 * SECOND  # Tuesday 2026-12-01, 10:30 in India


class FastClock:
    """A clock that begins at the market's time and runs as fast as the market is played."""

    def __init__(self, start_ns: int, speed: float) -> None:
        self._start_ns, self._speed, self._began = start_ns, speed, time.monotonic_ns()
        self._read = 0

    def monotonic_ns(self) -> int:
        self._read = int((time.monotonic_ns() - self._began) * self._speed)
        return self._read

    # As of the last reading: what passes between two readings counts twenty times here.
    def wall_ns(self) -> int:
        return self._start_ns + self._read

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._speed)


def venue_of(name: str) -> str:
    """Return the venue of a name of `SYMBOLS`."""
    return name.partition(" ")[0]


def random_tape(venue: str, start_ns: int, seconds: int, rate: int, seed: int) -> Trades:
    """Trades at random times, several in one instant, prices that walk."""
    symbol, tick, lot, _ = SYMBOLS[venue]
    rng = np.random.default_rng(seed)
    count = seconds * rate
    ms = np.sort(rng.integers(500, seconds * 1_000, count))
    ms[rng.random(count) < 0.3] //= 1
    return Trades.build(
        Instrument(venue=venue_of(venue), symbol=symbol, tick_size=Decimal(tick), lot_size=Decimal(lot)),
        start_ns // SECOND * SECOND + ms * 1_000_000,
        50_000 + np.cumsum(rng.integers(-2, 3, count)),
        rng.integers(1, 400, count),
        rng.choice([-1, 1], count),
        trade_id=np.arange(70_000, 70_000 + count),
    )


def _nothing() -> None:
    pass


@dataclass
class Shown:
    """Who is shown commits."""

    ids: list[int] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    rows: list[Trades] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    stopped: Callable[[], None] = _nothing
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, commit: Commit) -> None:
        self.ids += commit.trades.trade_id.tolist()
        self.gaps += commit.gaps
        if len(commit.trades):
            self.rows.append(commit.trades)
        if commit.state is not None and commit.state.text and commit.state.text not in self.texts[-1:]:
            self.texts.append(commit.state.text)
        if commit.state is not None and commit.state.phase == "stopped":
            self.stopped()
        self.changed.set()


@dataclass
class Outcome:
    """What was sent and what was kept."""

    verdict: str  # ``whole``, ``gap`` where all that is missing lies in an open gap, or what is wrong
    sent: Trades
    stored: Trades
    gaps: list[Gap]
    shown: Shown
    connections: int
    seconds: float


def judge(sent: Trades, stored: Trades, gaps: Sequence[Gap], shown: Sequence[int]) -> str:
    """Return ``whole``, ``gap``, or what is wrong with a recording."""
    there = np.isin(sent.trade_id, stored.trade_id)
    wrong = {
        "stored twice": len(np.unique(stored.trade_id)) != len(stored),
        "shown twice": len(set(shown)) != len(shown),
        "shown and stored differ": set(stored.trade_id.tolist()) != set(shown),
        "stored what was never sent": not bool(np.isin(stored.trade_id, sent.trade_id).all()),
        "stored another row than was sent": not same(sent.take(there), stored),
        "a gap without a loss": bool(there.all()) and bool(gaps),
    }
    missing = sent.take(~there)
    told = np.zeros(len(missing), np.bool_)
    for gap in gaps:
        told |= (missing.ts_exch_ns >= gap.from_ns) & (missing.ts_exch_ns <= gap.to_ns)
    wrong[f"lost {int((~told).sum())} without a word"] = not told.all()
    return next((text for text, is_so in wrong.items() if is_so), "gap" if len(missing) else "whole")


def judge_looks(
    looks: Sequence[Look], stored: Snapshots, gaps: Sequence[Gap], rows: Sequence[Trades], step_ms: int
) -> str:
    """Return ``whole``, ``gap``, ``volume`` where looks are missing and no volume is, or what is wrong.

    ``looks`` are what a perfect listener would have seen, ``rows`` the trades that were shown. ``step_ms`` is how fine
    the wire tells the time of a trade.
    """
    sent = [(look.ltt_ms // step_ms * step_ms, look.ltp, look.ltq, look.vtt) for look in looks]
    columns = (stored.ts_exch_ns // 1_000_000, stored.ltp_tick, stored.ltq_lot, stored.vtt_lot)
    kept = list(zip(*(column.tolist() for column in columns), strict=True))
    shown = sum(int(part.qty_lot.sum()) for part in rows)
    unseen = sum(_across(stored, gap) for gap in gaps)
    wrong = {
        "stored what was never sent": not set(kept) <= set(sent),
        "the end is not there": not kept or _key(kept) != _key(sent),
        # What passed in a gap is unattributed: it makes no trade (definitions 1.3).
        "shown and stored volume differ": shown + unseen != _risen(stored),
    }
    usual = "gap" if gaps else "whole" if set(sent) == set(kept) else "volume"
    return next((text for text, is_so in wrong.items() if is_so), usual)


# The newest trade's time and the volume then.
def _key(rows: Sequence[tuple[int, int, int, int]]) -> tuple[int, int]:
    return max((at, vtt) for at, _, _, vtt in rows)


# What the volume of each day has risen since its first snapshot, which is the baseline.
def _risen(stored: Snapshots) -> int:
    day = (stored.ts_exch_ns + IST_NS) // DAY_NS
    volumes = [stored.vtt_lot[day == one] for one in np.unique(day)]
    return sum(int(one.max() - one[0]) for one in volumes)


# What was traded between the last snapshot before a gap and the first after it; older ones may come behind newer ones.
def _across(stored: Snapshots, gap: Gap) -> int:
    before = int(np.searchsorted(stored.ts_recv_ns, gap.from_ns, side="right")) - 1
    after = min(int(np.searchsorted(stored.ts_recv_ns, gap.to_ns)), len(stored) - 1)
    by_then, by_before = (_risen(stored.take(slice(0, place + 1))) for place in (after, before))
    return by_then - by_before if before >= 0 else 0


def same(one: Trades, other: Trades) -> bool:
    """Say whether two tapes have the same trades."""
    columns = ("ts_exch_ns", "price_tick", "qty_lot", "side", "trade_id")
    ordered = [tape.take(tape.order()) for tape in (one, other)]
    return all(np.array_equal(getattr(ordered[0], name), getattr(ordered[1], name)) for name in columns)


def same_footprints(one: Trades, other: Trades) -> bool:
    """Say whether two tapes make the same bars and cells, to the bit."""
    for rule in ("10s", "50t", "5000v"):
        first, second = (build_footprint(tape, rule, 5) for tape in (one, other))
        if not np.array_equal(first.level_offset, second.level_offset):
            return False
        for a, b in ((first.bars, second.bars), (first.levels, second.levels)):
            for name in a.__slots__:
                left, right = getattr(a, name), getattr(b, name)
                if name not in {"known_ts", "flags"} and not np.array_equal(left, right):
                    return False
    return True


def truth(venue: LocalVenue, symbol: str) -> Trades:
    """What a perfect listener would have stored."""
    tape = venue.tape(symbol)
    if venue.dialect.venue != "bybit_linear":
        return tape
    seqs = venue.dialect._seq(venue.market.listings[symbol])[: len(tape)]
    first = np.maximum.accumulate(np.where(np.r_[True, np.diff(seqs) != 0], np.arange(len(tape)), 0))
    return Trades.build(
        tape.instrument, tape.ts_exch_ns, tape.price_tick, tape.qty_lot, tape.side,
        trade_id=(seqs << 20) | (np.arange(len(tape)) - first),
    )  # fmt: skip


async def record(
    name: str,
    faults: str,
    folder: Path,
    *,
    seconds: int = 40,
    rate: int = 20,
    speed: float = 20.0,
    seed: int = 7,
    is_whole: bool = True,
) -> Outcome:
    """Play a market with faults to the real connectors, and return what they kept.

    ``is_whole`` says that every trade comes in the end: it is waited for, on a busy machine for long.
    """
    symbol, _, _, tape = SYMBOLS[name]
    place = venue_of(name)
    patience_s = 0.15 if name in INDIA else 60.0 if is_whole else 4.0
    began = time.monotonic()
    start_ns = OPEN_NS if name in INDIA else time.time_ns() // SECOND * SECOND
    market = Market([Listing(random_tape(name, start_ns, seconds, rate, seed))], start_ns)
    async with LocalVenue(place, market, faults) as venue:
        bases = Bases(ws=venue.url.replace("http", "ws"), rest=venue.url, archive=venue.url + "/archive")
        settings = FeedSettings(
            bases={place: bases}, commit_s=0.1, backfill_hours=0.0, credentials={place: CREDENTIALS.get(place, {})}
        )
        wanted = Wanted(symbol=symbol, streams=frozenset({tape}))
        with Store(folder, writer=True) as store:
            recorder = Recorder(store, [(place, wanted)], settings, FastClock(venue.now_ns, speed))
            for feed in recorder.feeds:
                feed._yard.rng.seed(seed)  # reconnects wait as long in every run
            # Whoever is told to log in does so.
            fresh = {part: f"{value}-fresh" for part, value in CREDENTIALS.get(name, {}).items()}
            shown = Shown(stopped=functools.partial(recorder.log_in, place, fresh))
            running = asyncio.create_task(recorder.run(shown))
            try:
                await _play(venue, running, speed, CHANNELS[name])
                await _settle(venue, shown, symbol, patience_s)
                if name in INDIA:
                    await _until_the_end_is_there(store, f"{place}:{symbol}", venue.dialect.boards[symbol].seen)
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
            stored = store.load(f"{place}:{symbol}", tape, *EVER)
            gaps = store.gaps(f"{place}:{symbol}", tape, *EVER)
            connections = recorder.figures().feeds[0].connections
            sent = truth(venue, symbol)
            looks = venue.dialect.boards[symbol].seen if name in INDIA else []
    if name in INDIA:
        verdict = judge_looks(looks, stored, gaps, shown.rows, 1_000 if name == "angelone" else 1)
        stored = Trades.concat(shown.rows)
    else:
        sent = sent.take(sent.ts_exch_ns >= int(stored.ts_exch_ns.min()))  # before that nobody listened
        verdict = judge(sent, stored, gaps, shown.ids)
    return Outcome(verdict, sent, stored, gaps, shown, connections, time.monotonic() - began)


async def _play(venue: LocalVenue, running: asyncio.Task[None], speed: float, channel: str) -> None:
    heard = asyncio.create_task(venue.heard(channel))
    async with asyncio.timeout(60):
        await asyncio.wait({running, heard}, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        running.result()
    async with asyncio.timeout(300):
        await venue.run(speed)
        await venue.finish()


# Of snapshots only the last is sure to be kept.
async def _until_the_end_is_there(store: Store, key: str, looks: Sequence[Look]) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(60):
            wanted = max((look.ltt_ms // 1_000, look.vtt) for look in looks)
            while _newest(store.load(key, "snapshot", *EVER)) < wanted:  # noqa: ASYNC110
                await asyncio.sleep(0.1)


# The second of the newest trade, as coarse as the wire may tell it, and the day's volume then.
def _newest(stored: Snapshots) -> tuple[int, int]:
    return max(zip((stored.ts_exch_ns // SECOND).tolist(), stored.vtt_lot.tolist(), strict=True), default=(0, 0))


# Until everything is there, or nothing has come for a while although somebody listens.
async def _settle(venue: LocalVenue, shown: Shown, symbol: str, patience_s: float) -> None:
    wanted = set(truth(venue, symbol).trade_id.tolist())
    began = time.monotonic()
    last, since = -1, began
    while time.monotonic() - since < patience_s and time.monotonic() - began < 120.0:
        have = len(set(shown.ids) & wanted)
        if have == len(wanted) and patience_s > 1.0:
            break
        if have != last or not venue.channels.names():
            last, since = have, time.monotonic()
        shown.changed.clear()
        await asyncio.wait({asyncio.create_task(shown.changed.wait())}, timeout=0.5)
    # Records of gaps that have healed follow their rows.
    for _ in range(5):
        shown.changed.clear()
        await asyncio.wait({asyncio.create_task(shown.changed.wait())}, timeout=0.5)
