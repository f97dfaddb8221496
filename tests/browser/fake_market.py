"""A small seeded market and plain-Python footprints of it, for the page's tests: it shares no code with the project."""

from __future__ import annotations

import copy
import math
import struct
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

NS = 1_000_000_000
DAY_NS = 86_400 * NS
START_NS = 1_763_510_400 * NS  # 2025-11-19 00:00 UTC
OPENING_NS = START_NS + 2 * DAY_NS + (14 * 3600 + 37 * 60 + 21) * NS  # where the live tape begins
TICK_SIZE, LOT_SIZE = "0.5", "0.001"
BUY, SELL, UNKNOWN = 1, -1, 0
BUY_IMBALANCE, SELL_IMBALANCE, BUY_STACK, SELL_STACK = 1, 2, 4, 8
FINAL, HAS_GAP = 1, 2
ROUND_SHARES = [0.3, 0.25, 0.15, 0.1, 0.1, 0.07, 0.03]


@dataclass(frozen=True, slots=True)
class Print:
    """One trade: time, ticks, lots, aggressor."""

    ts_ns: int
    tick: int
    lot: int
    side: int
    trade_id: int


@dataclass(frozen=True, slots=True)
class Hole:
    """A stretch of the tape that is missing."""

    from_ns: int
    to_ns: int
    cause: str
    missing: int | None


@dataclass(slots=True)
class Day:
    """The present day so far, in ticks and lots."""

    number: int = -1
    previous: int = 0
    open: int = 0
    high: int = 0
    low: int = 0
    last: int = 0
    lots: int = 0
    turnover: int = 0

    def add(self, trade: Print) -> None:
        """Fold one trade."""
        if trade.ts_ns // DAY_NS != self.number:
            self.number, self.previous = trade.ts_ns // DAY_NS, self.last
            self.open = self.high = self.low = trade.tick
            self.lots = self.turnover = 0
        self.high, self.low, self.last = max(self.high, trade.tick), min(self.low, trade.tick), trade.tick
        self.lots += trade.lot
        self.turnover += trade.tick * trade.lot


class Market:
    """A random walk with a one-tick spread, clustered arrivals and round sizes."""

    def __init__(self, seed: int, hours: float, rate: float = 3.2) -> None:
        self.rng, self.rate = np.random.default_rng(seed), rate
        self.prints: list[Print] = []
        self.times: list[int] = []
        self.day = Day()
        self.now_ns = OPENING_NS - int(hours * 3600 * NS) // (60 * NS) * (60 * NS)
        self._mid = 131_240.0  # ticks: 65 620.0
        self._drift = 0.0
        self.holes = [
            Hole(OPENING_NS - 47 * 60 * NS, OPENING_NS - 45 * 60 * NS - 20 * NS, "feed reconnected", 214),
            Hole(OPENING_NS - 300 * 60 * NS, OPENING_NS - 298 * 60 * NS, "venue maintenance", None),
        ]
        while self.now_ns < OPENING_NS:
            self.advance(min(60 * NS, OPENING_NS - self.now_ns))

    def advance(self, span_ns: int) -> list[Print]:
        """Let time pass and return the trades that happened."""
        hours = (self.now_ns - START_NS) / 3600e9
        busy = 1.0 + 0.55 * math.cos(2 * math.pi * (hours % 24) / 24) + 0.35 * math.sin(hours * 1.7)
        count = int(self.rng.poisson(self.rate * max(0.3, busy) * span_ns / NS))
        made = [trade for trade in self._draw(count, span_ns) if not self._is_lost(trade.ts_ns)]
        for trade in made:
            self.day.add(trade)
        self.prints += made
        self.times += [trade.ts_ns for trade in made]
        self.now_ns += span_ns
        return made

    def keep(self) -> None:
        """Remember how it stands."""
        self._kept = (self.rng.bit_generator.state, copy.copy(self.day), self.now_ns, self._mid, self._drift)
        self._kept_prints, self._kept_holes = len(self.prints), list(self.holes)

    def restore(self) -> None:
        """Bring it back to how it stood."""
        self.rng.bit_generator.state, day, self.now_ns, self._mid, self._drift = self._kept
        self.day, self.holes = copy.copy(day), list(self._kept_holes)
        del self.prints[self._kept_prints :], self.times[self._kept_prints :]

    @property
    def has_moved(self) -> bool:
        """Whether anything happened since it was kept."""
        return self.now_ns != self._kept[2] or self.holes != self._kept_holes

    def _is_lost(self, ts_ns: int) -> bool:
        return any(hole.from_ns <= ts_ns < hole.to_ns for hole in self.holes)

    def _draw(self, count: int, span_ns: int) -> Iterator[Print]:
        rng = self.rng
        times = np.sort(rng.integers(0, span_ns, count)).tolist()
        turns, drifts, steps, sides = (
            rng.random(count),
            rng.normal(0, 0.09, count),
            rng.normal(0, 1.25, count),
            rng.random(count),
        )
        sizes = np.maximum(1, np.round(rng.lognormal(4.95, 1.35, count))).astype(int)
        rounded = rng.random(count) < 0.3
        sizes[rounded] = rng.choice([50, 100, 200, 250, 500, 1000, 2000], int(rounded.sum()), p=ROUND_SHARES)
        columns = zip(
            times, turns.tolist(), drifts.tolist(), steps.tolist(), sides.tolist(), sizes.tolist(), strict=True
        )
        for k, (offset, turn, drift, step, chance, lot) in enumerate(columns):
            self._drift = drift if turn < 0.012 else self._drift
            self._mid += self._drift + step
            side = BUY if chance < 0.5 + 0.16 * math.tanh(self._drift * 6) else SELL
            tick = round(self._mid + (0.5 if side == BUY else -0.5))
            yield Print(self.now_ns + offset, tick, lot, side, len(self.prints) + 1 + k)

    def between(self, from_ns: int, to_ns: int) -> Sequence[Print]:
        """Return the trades of a half-open stretch of time."""
        return self.prints[bisect_left(self.times, from_ns) : bisect_left(self.times, to_ns)]


@dataclass(slots=True)
class Level:
    """One row of one bar, in lots."""

    buy: int = 0
    sell: int = 0
    unknown: int = 0
    trades: int = 0
    flags: int = 0


@dataclass(slots=True)
class Bar:
    """One bar and its levels by row."""

    open_ns: int
    close_ns: int
    levels: dict[int, Level] = field(default_factory=dict)
    last_ns: int = 0
    open: int = 0
    high: int = 0
    low: int = 0
    close: int = 0
    buy: int = 0
    sell: int = 0
    unknown: int = 0
    min_delta: int = 0
    max_delta: int = 0
    cvd: int = 0
    min_vol: int = 1
    quote: int = 0
    trades: int = 0
    flags: int = 0
    poc: int = 0
    vah: int = 0
    val: int = 0

    def add(self, trade: Print, ticks_per_level: int, side: int, *, by_quote: bool) -> None:
        """Fold one trade."""
        if self.trades == 0:
            self.open = self.high = self.low = trade.tick
        self.high, self.low, self.close = max(self.high, trade.tick), min(self.low, trade.tick), trade.tick
        self.last_ns = trade.ts_ns
        self.trades += 1
        level = self.levels.setdefault(trade.tick // ticks_per_level, Level())
        level.trades += 1
        name = {BUY: "buy", SELL: "sell", UNKNOWN: "unknown"}[side]
        setattr(level, name, getattr(level, name) + trade.lot)
        setattr(self, name, getattr(self, name) + trade.lot)
        self.quote += trade.lot if by_quote else 0
        delta = self.buy - self.sell
        self.min_delta, self.max_delta = min(self.min_delta, delta), max(self.max_delta, delta)

    @property
    def volume(self) -> int:
        """All lots."""
        return self.buy + self.sell + self.unknown


def find_value_area(volumes: Sequence[int]) -> tuple[int, int, int]:
    """Return POC, high and low row index: ties to the centre, two rows at a time, 70 %."""
    count = len(volumes)
    poc = min(range(count), key=lambda i: (-volumes[i], abs(i - (count - 1) / 2), i))
    low = high = poc
    held, target = volumes[poc], 0.7 * sum(volumes)
    while held < target and (low > 0 or high < count - 1):
        up = sum(volumes[high + 1 : high + 3]) if high < count - 1 else -1
        down = sum(volumes[max(0, low - 2) : low]) if low > 0 else -1
        if up >= down:
            held, high = held + up, min(count - 1, high + 2)
        else:
            held, low = held + down, max(0, low - 2)
    return poc, high, low


def mark(bar: Bar, min_vol: int, ratio: int = 3, stack: int = 3) -> None:
    """Set value area, imbalances (at least 300 %, never against a row outside of the bar) and stacks."""
    low, high = min(bar.levels), max(bar.levels)
    rows = [bar.levels.get(row, Level()) for row in range(low, high + 1)]
    poc, vah, val = find_value_area([level.buy + level.sell + level.unknown for level in rows])
    bar.poc, bar.vah, bar.val, bar.min_vol = low + poc, low + vah, low + val, min_vol
    for i, level in enumerate(rows):
        level.flags = 0
        if i > 0 and level.buy >= min_vol and level.buy >= ratio * rows[i - 1].sell:
            level.flags |= BUY_IMBALANCE
        if i + 1 < len(rows) and level.sell >= min_vol and level.sell >= ratio * rows[i + 1].buy:
            level.flags |= SELL_IMBALANCE
    mark_stacks(rows, BUY_IMBALANCE, BUY_STACK, stack)
    mark_stacks(rows, SELL_IMBALANCE, SELL_STACK, stack)


def mark_stacks(rows: Sequence[Level], flag: int, stack_flag: int, least: int) -> None:
    """Mark runs of at least ``least`` adjacent rows with the same flag."""
    run: list[Level] = []
    for level in [*rows, Level()]:
        if level.flags & flag:
            run.append(level)
            continue
        for member in run if len(run) >= least else []:
            member.flags |= stack_flag
        run = []


class Chart:
    """Bars of one symbol at one interval and step, folded once and then trade by trade."""

    def __init__(self, market: Market, seconds: int, ticks_per_level: int, *, inferred: bool) -> None:
        self.market, self.span_ns, self.step, self.inferred = market, seconds * NS, ticks_per_level, inferred
        self.bars: list[Bar] = []
        self._sizes: list[list[int]] = []
        for trade in market.prints:
            self.add(trade)
        if self.bars:
            self.refresh()
        self._kept = (len(self.bars), copy.deepcopy(self.bars[-1:]), len(self._sizes))

    def restore(self) -> None:
        """Bring it back to how it was made; nothing but the newest bar changes later."""
        count, newest, sizes = self._kept
        del self._sizes[sizes:]
        self.bars[count - len(newest) :] = copy.deepcopy(newest)

    # A feed of snapshots: one in seventeen trades has no side, two thirds were signed by the quote.
    def _side(self, trade: Print) -> int:
        return UNKNOWN if self.inferred and trade.trade_id % 17 == 0 else trade.side

    def add(self, trade: Print) -> bool:
        """Fold one trade; True where it opened a new bar."""
        opens = trade.ts_ns - trade.ts_ns % self.span_ns
        is_new = not self.bars or self.bars[-1].open_ns != opens
        if is_new:
            if self.bars:
                self.refresh()
                self.bars[-1].flags |= FINAL
                self._sizes.append([v for c in self.bars[-1].levels.values() for v in (c.buy, c.sell) if v])
            self.bars.append(Bar(opens, opens + self.span_ns))
        self.bars[-1].add(trade, self.step, self._side(trade), by_quote=trade.trade_id % 3 != 0)
        return is_new

    def refresh(self) -> None:
        """Work out what the open bar's levels say."""
        bar = self.bars[-1]
        recent = sorted(v for sizes in self._sizes[-20:] for v in sizes)
        mark(bar, max(1, recent[int(0.75 * (len(recent) - 1))]) if recent else 1)
        before = self.bars[-2] if len(self.bars) > 1 else None
        same_day = before is not None and before.open_ns // DAY_NS == bar.open_ns // DAY_NS
        bar.cvd = (before.cvd if before is not None and same_day else 0) + bar.buy - bar.sell
        if any(hole.from_ns < bar.close_ns and hole.to_ns > bar.open_ns for hole in self.market.holes):
            bar.flags |= HAS_GAP

    def before(self, to_ns: int | None, limit: int) -> list[Bar]:
        """Return the last bars that open before a time."""
        end = len(self.bars) if to_ns is None else bisect_left([bar.open_ns for bar in self.bars], to_ns)
        return self.bars[max(0, end - limit) : end]


def _column(kind: str, values: Sequence[float | int]) -> bytes:
    raw = struct.pack(f"<{len(values)}{kind}", *values)
    return raw + bytes(-len(raw) % 8)


def _bar_columns(bars: Sequence[Bar], *, inferred: bool) -> Iterator[bytes]:
    bases = [min(bar.levels) for bar in bars]
    for name in ("open_ns", "close_ns", "last_ns"):
        yield _column("q", [getattr(bar, name) for bar in bars])
    yield _column("d", bases)
    names = ("open", "high", "low", "close", "buy", "sell", "unknown", "min_delta", "max_delta", "cvd", "min_vol")
    for name in names:
        yield _column("d", [getattr(bar, name) for bar in bars])
    yield _column("d", [(bar.buy + bar.sell) / bar.volume for bar in bars])
    yield _column("d", [bar.quote / bar.volume if inferred else math.nan for bar in bars])
    yield _column("d", [bar.trades for bar in bars])
    for name in ("poc", "vah", "val"):
        yield _column("i", [getattr(bar, name) - base for bar, base in zip(bars, bases, strict=True)])
    yield _column("I", [bar.flags for bar in bars])
    starts = [0]
    for bar in bars:
        starts.append(starts[-1] + len(bar.levels))
    yield _column("I", starts)


def _level_columns(bars: Sequence[Bar]) -> Iterator[bytes]:
    rows = [(row - min(bar.levels), bar.levels[row]) for bar in bars for row in sorted(bar.levels)]
    yield _column("i", [row for row, _ in rows])
    for name in ("buy", "sell", "unknown"):
        yield _column("d", [getattr(level, name) for _, level in rows])
    yield _column("I", [level.trades for _, level in rows])
    yield _column("B", [level.flags for _, level in rows])


def pack_frame(
    kind: int, bars: Sequence[Bar], *, topic: int = 0, seq: int = 0, meta: bytes = b"", inferred: bool = False
) -> bytes:
    """Return one binary frame: written from the protocol's text, by ``struct`` alone."""
    levels = sum(len(bar.levels) for bar in bars)
    header = struct.pack("<4sBBHIIIIdd", b"FTLM", 2, kind, 0, len(meta), len(bars), levels, topic, seq, -1.0)
    parts = [header, meta + bytes(-len(meta) % 8), *_bar_columns(bars, inferred=inferred), *_level_columns(bars)]
    return b"".join(parts)
