"""Trades over REST, page by page, for what no archive file holds yet: only the ids that are not stored."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.messages import OffMarket, Trade
from footloom.core.trades import FLAG_BACKFILLED, FLAG_NO_RECV, Trades
from footloom.errors import NotStored, VenueError
from footloom.feeds._fetch_report import Watcher
from footloom.feeds._import_ids import IdRuns
from footloom.feeds.http import Http
from footloom.store import SourceInfo, Store
from footloom.venues._venue import Bases, Request

__all__ = ("Pages", "stored_ids")

KIND = "rest"
_SHARE = 0.75  # of the rate limit: a recorder beside us needs the rest for repairs
_ROWS_A_PART = 50_000  # a killed run loses less than a minute of calls
_HOUR_NS = 3_600_000_000_000
_NEAR_NS = 60_000_000_000
_EMPTY_HOURS = 72


def stored_ids(store: Store, key: str, tape: str, from_ns: int, to_ns: int) -> IdRuns:
    """Return the trade ids that are stored of a range."""
    runs = IdRuns()
    try:
        for block in store.iter_chunks(key, tape, from_ns, to_ns, columns=("ts_exch_ns", "trade_id")):
            assert isinstance(block, Trades)
            runs.add(block.trade_id, block.ts_exch_ns, np.zeros(len(block), np.int64))
    except NotStored:
        pass
    return runs


@dataclass
class Pages:
    """Fetches a stretch of one tape whose trades are numbered.

    ``rows`` counts what the store has gained.
    """

    venue: Any
    http: Http
    bases: Bases
    store: Store
    instrument: Instrument
    tape: str
    watcher: Watcher
    rows: int = 0

    async def fetch(self, from_ns: int, to_ns: int) -> None:
        """Fetch the trades of ``[from_ns, to_ns)`` that are not stored, and store them as they come.

        Raises
        ------
        VenueError, DataError
            The venue did not answer, or not as documented; what came before is stored.
        """
        first = await self._first(from_ns, to_ns)
        newest = await self._newest()
        if first is None or newest is None:
            return
        runs = await asyncio.to_thread(
            stored_ids, self.store, self.instrument.key, self.tape, from_ns - _NEAR_NS, to_ns + _NEAR_NS
        )
        missing = list(_missing(runs, first[0], newest[0]))
        total = sum(last - begin + 1 for begin, last in missing)
        done = 0
        for begin, last in missing:
            async for reached in self._stretch(begin, last, to_ns):
                # The end of the range may come long before the newest trade.
                self.watcher.moved(self._name, min(done + reached - begin + 1, total - 1), total, "rows")
            done += last - begin + 1
        self.watcher.moved(self._name, total, total, "rows")

    @property
    def _name(self) -> str:
        return f"{self.instrument.key} {self.tape} over REST"

    # Id and time of the first trade of the range.
    async def _first(self, from_ns: int, to_ns: int) -> tuple[int, int] | None:
        begin_ns = from_ns
        for _ in range(_EMPTY_HOURS):
            if begin_ns >= to_ns:
                return None
            rows = await self._page(self.venue.trades_at(self.instrument.symbol, begin_ns, to_ns, self.bases))
            if rows:
                return _id(rows[0]), rows[0].ts_exch_ns
            begin_ns += _HOUR_NS  # an hour is what one call covers
        raise VenueError(
            f"{self.instrument.key}: the venue tells no trade of {_EMPTY_HOURS} hours: name a later --from"
        )

    async def _newest(self) -> tuple[int, int] | None:
        rows = await self._page(self.venue.recent_trades(self.instrument.symbol, self.bases))
        return (_id(rows[-1]), rows[-1].ts_exch_ns) if rows else None

    async def _page(self, request: Request) -> list[Trade]:
        document = await self.http.get(request, share=_SHARE)
        rows: Sequence[Trade | OffMarket] = self.venue.read_trades(document, self.instrument.symbol, 0)
        return [row.trade if isinstance(row, OffMarket) else row for row in rows]

    async def _stretch(self, first: int, last: int, to_ns: int) -> Any:
        held: list[Trade] = []
        wanted = first
        try:
            while wanted <= last:
                rows = await self._page(self.venue.trades_from(self.instrument.symbol, wanted, self.bases))
                rows = [row for row in rows if wanted <= _id(row) <= last and row.ts_exch_ns < to_ns]
                if not rows:
                    break
                held += rows
                wanted = _id(rows[-1]) + 1
                if len(held) >= _ROWS_A_PART:
                    await self._write(held)
                    held = []
                yield wanted - 1
        finally:
            if held:  # what came is kept, whatever comes next
                self._store(held)

    async def _write(self, rows: list[Trade]) -> None:
        await asyncio.to_thread(self._store, rows)

    def _store(self, rows: list[Trade]) -> None:
        market = [row for row in rows if row.qty.strip("0.") and row.price.strip("0.")]
        if not market:
            return
        block = _block(self.instrument, self.tape, market)
        name = f"{self.instrument.key} {self.tape} {_id(market[0])} {_id(market[-1])} {len(market)}"
        lines = (_id(market[0]), _id(market[-1]) + 1)
        info = SourceInfo(hashlib.sha256(name.encode()).hexdigest(), "REST", lines, KIND)
        self.rows += self.store.write_part(block, info).rows


def _id(row: Trade) -> int:
    assert row.trade_id is not None
    return row.trade_id


def _block(instrument: Instrument, tape: str, rows: Sequence[Trade]) -> Trades:
    ticks, lots = _Remembered(instrument.price_tick), _Remembered(instrument.qty_lot)
    times = [row.ts_exch_ns for row in rows]
    return Trades.build(
        instrument,
        times,
        [ticks[row.price] for row in rows],
        [lots[row.qty] for row in rows],
        [row.side for row in rows],
        trade_id=[_id(row) for row in rows],
        ts_recv_ns=times,  # nobody was listening
        flags=np.full(len(rows), FLAG_BACKFILLED | FLAG_NO_RECV, np.uint8),
        tape=tape,
    )


# The same few prices and quantities come again and again.
class _Remembered(dict[str, int]):
    def __init__(self, convert: Callable[[str], int]) -> None:
        super().__init__()
        self._convert = convert

    def __missing__(self, text: str) -> int:
        self[text] = units = self._convert(text)
        return units


# The stretches of [first, last] that are not among the ids that are stored, ascending, both ends inclusive.
def _missing(stored: IdRuns, first: int, last: int) -> Iterator[tuple[int, int]]:
    wanted = first
    runs = stored.runs()
    for begin, end in zip(runs[0].tolist(), runs[1].tolist(), strict=True):
        if begin > last:
            break
        if begin > wanted:
            yield wanted, begin - 1
        wanted = max(wanted, end + 1)
    if wanted <= last:
        yield wanted, last
