"""The venue's own candles, where it has no history of trades: what stands on a chart before the first recorded trade.

They are minute candles, put together to the chart's bars. They hold no order flow: no levels, no sides, no delta.
"""

from __future__ import annotations

import logging
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType

import msgspec
import numpy as np

from footloom.bars import parse_rule
from footloom.config import Config
from footloom.core.footprint import BAR_FINAL
from footloom.core.instrument import Instrument
from footloom.core.sessions import calendar
from footloom.core.trades import I64, Trades
from footloom.errors import ConfigError, OffGrid
from footloom.feeds import credentials
from footloom.feeds._venues import venue_named
from footloom.feeds.endpoints import bases_of
from footloom.feeds.http import Http
from footloom.server.stored.history import ChartKey
from footloom.server.wire.codec import Columns
from footloom.server.wire.layout import BAR_COLUMNS, BAR_FLAGS, LEVEL_COLUMNS, LEVEL_START
from footloom.store.shelf import Shelf as Places
from footloom.venues._venue import Candle

__all__ = ("CandleBars", "Shelf", "candle_bars")

_LOG = logging.getLogger(__name__)
_FRESH_S = 60.0  # the newest candles are asked for again after this time
_MOST_CALLS = 4  # a request looks back through so many calls of the venue
_OLDEST_NS = 400 * 86_400 * 10**9
_MOST_BYTES = 32 << 20  # packed: a month of a market takes some 150 kB, and thirty times that as candles
_OWN_BYTES = 500
_every = msgspec.msgpack.Decoder(list[Candle])


@dataclass(frozen=True, slots=True)
class CandleBars:
    """Candles as the wire has bars, the oldest first; ``open_interest`` in decimal text, "" where it is not said."""

    columns: Columns
    open_interest: list[str]

    def __len__(self) -> int:
        return len(self.open_interest)


def candle_bars(candles: Sequence[Candle], chart: ChartKey) -> CandleBars:
    """Put candles, ascending in time, together to the bars of a chart; one off the grid is left out."""
    rows = [row for row in (_whole(candle, chart.instrument) for candle in candles) if row is not None]
    table = np.array([row[:6] for row in rows], np.int64).reshape(len(rows), 6)
    edges, _ = parse_rule(chart.spec.bars).edges(
        _as_trades(table, chart.instrument), calendar(chart.instrument.calendar)
    )
    starts, count = edges.ends[:-1], len(edges)
    if not count:
        return CandleBars(_columns({}, 0), [])
    last = edges.ends[1:] - 1
    low = np.minimum.reduceat(table[:, 3], starts)
    own = {
        "open_ns": edges.open_ns,
        "close_ns": edges.close_ns,
        "last_ns": table[last, 0],
        "base_row": low // chart.spec.ticks_per_level,
        "open_tick": table[starts, 1],
        "high_tick": np.maximum.reduceat(table[:, 2], starts),
        "low_tick": low,
        "close_tick": table[last, 4],
        "unknown": np.add.reduceat(table[:, 5], starts),
        "cvd": np.full(count, np.nan),
        "coverage": np.zeros(count),
        "quote_share": np.full(count, np.nan),
        "flags": np.full(count, BAR_FINAL | BAR_FLAGS["no_flow"]),
    }
    return CandleBars(_columns(own, count), [rows[at][6] for at in last.tolist()])


def _columns(own: dict[str, I64], count: int) -> Columns:
    none = np.zeros(count, np.int64)
    bars = {name: own.get(name, none) for name, _ in BAR_COLUMNS}
    bars[LEVEL_START] = np.zeros(count + 1, np.int64)
    return Columns(bars=bars, levels={name: np.zeros(0, np.int64) for name, _ in LEVEL_COLUMNS})


_Row = tuple[int, int, int, int, int, int, str]


def _whole(candle: Candle, instrument: Instrument) -> _Row | None:
    try:
        opened, high, low, close = (
            instrument.price_tick(text) for text in (candle.open, candle.high, candle.low, candle.close)
        )
        return candle.open_ns, opened, high, low, close, instrument.qty_lot(candle.volume), candle.open_interest
    except OffGrid as error:
        _LOG.warning("a candle of %s is left out: %s", instrument.key, error)
        return None


# A bar rule cuts trades: a candle is cut where a trade at its beginning would be.
def _as_trades(table: I64, instrument: Instrument) -> Trades:
    n = len(table)
    times, prices = np.ascontiguousarray(table[:, 0]), np.ascontiguousarray(table[:, 4])
    return Trades.build(instrument, times, prices, np.ones(n, np.int64), np.zeros(n, np.int8), trade_id=np.arange(n))


class _Stretch:
    # The candles of one call, packed, when they were asked for, by the wall clock too: what had ended by then is whole.
    # Nobody has asked for those of a new one.

    __slots__ = ("_packed", "asked_ns", "asked_s", "size")

    def __init__(self) -> None:
        self._packed, self.asked_ns, self.asked_s, self.size = b"", 0, 0.0, _OWN_BYTES

    def keep(self, candles: list[Candle], asked_ns: int) -> None:
        self._packed = zlib.compress(msgspec.msgpack.encode(candles), 1)
        self.asked_ns, self.asked_s, self.size = asked_ns, time.monotonic(), _OWN_BYTES + len(self._packed)

    def candles(self) -> list[Candle] | None:
        return _every.decode(zlib.decompress(self._packed)) if self._packed else None


class Shelf:
    """Candles of venues, kept in memory once they were asked for; of too many those that were asked for longest ago go.

    Parameters
    ----------
    settings
        Where the venues are, and the credentials.
    now_ns
        The wall clock, ns UTC.
    """

    def __init__(self, settings: Config, now_ns: Callable[[], int] = time.time_ns) -> None:
        self._settings = settings
        self._now_ns = now_ns
        self._https: dict[str, Http] = {}
        self.kept: Places[tuple[str, int], _Stretch] = Places(_MOST_BYTES, _Stretch)

    def has(self, chart: ChartKey) -> bool:
        """Say whether older bars of a chart are candles: the venue has those and no trades, the bars last minutes."""
        try:
            venue = venue_named(chart.instrument.venue)
        except ConfigError:
            return False
        by_clock = getattr(parse_rule(chart.spec.bars), "unit", "s") != "s"
        return by_clock and hasattr(venue, "candles") and not hasattr(venue, "trades_from")

    async def before(self, chart: ChartKey, to_ns: int, limit: int, since_ns: int = 0) -> tuple[CandleBars, bool]:
        """Return the last ``limit`` bars that end by a time, and whether there may be older ones; none before another.

        Raises
        ------
        VenueError
            The venue refuses, or cannot be reached.
        ConfigError
            There is no token.
        """
        oldest_ns, end_ns = max(self._now_ns() - _OLDEST_NS, since_ns), to_ns
        if oldest_ns >= to_ns:  # nobody is asked in vain
            return candle_bars([], chart), False
        venue = venue_named(chart.instrument.venue)
        span_ns = int(venue.CANDLE_SPAN_NS)
        found: list[Candle] = []
        for _ in range(_MOST_CALLS):
            number = (end_ns - 1) // span_ns
            chunk = await self._chunk(venue, chart, number)
            found = [one for one in chunk if since_ns <= one.open_ns and one.close_ns <= to_ns] + found
            end_ns = number * span_ns
            bars = candle_bars(found, chart)
            more = end_ns > oldest_ns
            if len(bars) > limit or not more:
                break
        first = max(0, len(bars) - limit) if not more else max(1, len(bars) - limit)  # the oldest one may be cut
        return _from(bars, first), more and len(bars) > first

    async def _chunk(self, venue: ModuleType, chart: ChartKey, number: int) -> list[Candle]:
        key, span_ns, now_ns = chart.key, int(venue.CANDLE_SPAN_NS), self._now_ns()
        place = self.kept.place((key, number))
        is_newest = (number + 1) * span_ns > now_ns
        if place.asked_ns >= (number + 1) * span_ns or time.monotonic() - place.asked_s < _FRESH_S:
            kept = place.candles()
            if kept is not None:
                return kept
        http = self._https.setdefault(venue.VENUE, Http(venue.BUDGETS))
        bases, tokens = bases_of(venue.VENUE, venue.BASES, self._settings), self._tokens(venue.VENUE)
        symbol, from_ns, to_ns = chart.instrument.symbol, number * span_ns, min((number + 1) * span_ns, now_ns)
        requests = [venue.candles(symbol, from_ns, to_ns, bases, tokens)]
        if is_newest and hasattr(venue, "candles_today"):
            requests.append(venue.candles_today(symbol, bases, tokens))
        by_open: dict[int, Candle] = {}
        for request in requests:
            for one in venue.read_candles(await http.get(request)):
                by_open[one.open_ns] = one
        candles = [by_open[at] for at in sorted(by_open) if from_ns <= at < to_ns]
        place.keep(candles, now_ns)
        self.kept.make_room()
        return candles

    def _tokens(self, venue: str) -> dict[str, str]:
        return dict(credentials.load(venue, self._settings.folder))


def _from(bars: CandleBars, first: int) -> CandleBars:
    kept = {name: column[first:] for name, column in bars.columns.bars.items()}
    return CandleBars(Columns(kept, bars.columns.levels), bars.open_interest[first:])
