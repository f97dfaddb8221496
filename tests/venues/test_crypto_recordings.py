"""Real recordings through the venues and the books: each trade once, and books that agree with the quotes."""

from __future__ import annotations

import bisect
import functools
import gzip
import io
import zipfile
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from footloom.core.book import BookChange, BookState, OrderBook, Outcome
from footloom.core.instrument import Instrument
from footloom.core.messages import BookUpdate, Message, OffMarket, Quote, Trade
from footloom.core.side import Side
from footloom.venues import binance_coinm, binance_spot, binance_usdm, bybit_linear


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    content = path.read_bytes()
    for line in (gzip.decompress(content) if path.suffix == ".gz" else content).splitlines():
        at = line.index(b"{")
        yield int(line[:at]), line[at:]


def messages(venue: Any, path: Path, symbol: str) -> Iterator[Message]:
    for recv_ns, frame in lines(path):
        if frame.startswith(b'{"lastUpdateId"'):  # the book fetched beside the stream
            yield venue.read_book(frame, symbol, recv_ns)
        else:
            yield from venue.parse(frame, recv_ns)


class Followed:
    """A book that is kept from messages, with what it said after every twentieth change."""

    def __init__(self, venue: Any, instrument: Instrument, depth: int | None = None) -> None:
        self.book = OrderBook(venue.BOOK, depth)
        self.ticks = functools.cache(instrument.price_tick)
        # Orders older than a change of the lot rest in spot's book with quantities off it: whole lots, at least one.
        self.lots = functools.cache(lambda text: max(int(Decimal(text) // instrument.lot_size), Decimal(text) > 0))
        self.outcomes: Counter[Outcome] = Counter()
        self.samples: list[tuple[int, Any, Any]] = []

    def take(self, update: BookUpdate) -> None:
        bids, asks = (
            tuple((self.ticks(price), self.lots(qty)) for price, qty in side) for side in (update.bids, update.asks)
        )
        change = BookChange(update.first_id, update.last_id, bids, asks, update.prev_id, update.is_snapshot)
        self.outcomes[self.book.apply(change).outcome] += 1
        if self.book.state is BookState.SYNCED and self.outcomes.total() % 20 == 0:
            self.samples.append((self.book.last_id, self.book.best_bid, self.book.best_ask))


@pytest.mark.parametrize(
    ("venue", "name", "grid", "states", "held"),
    [
        (binance_usdm, "usdm_btcusdt_20240808.gz", ("0.1", "0.001"), 327, 6),
        (binance_spot, "spot_btcusdt_20240808.gz", ("0.01", "0.00001"), 172, 3),
    ],
)
def test_the_book_says_what_the_best_bid_and_ask_said(
    recordings: Path, venue: ModuleType, name: str, grid: tuple[str, str], states: int, held: int
) -> None:
    instrument = Instrument(venue=venue.VENUE, symbol="BTCUSDT", tick_size=Decimal(grid[0]), lot_size=Decimal(grid[1]))
    followed = Followed(venue, instrument)
    quotes: list[Quote] = []
    for message in messages(venue, recordings / "binance" / name, "BTCUSDT"):
        if isinstance(message, Quote):
            quotes.append(message)
        elif isinstance(message, BookUpdate):
            followed.take(message)

    assert followed.outcomes.keys() == {Outcome.HELD, Outcome.REPLACED, Outcome.APPLIED}
    assert followed.outcomes[Outcome.HELD] == held
    ids = [quote.update_id or 0 for quote in quotes]
    assert ids == sorted(ids)
    assert len(followed.samples) == states
    for last_id, bid, ask in followed.samples:
        quote = quotes[bisect.bisect_right(ids, last_id) - 1]
        assert bid == (followed.ticks(quote.bid), followed.lots(quote.bid_qty))
        assert ask == (followed.ticks(quote.ask), followed.lots(quote.ask_qty))


def test_a_lost_change_is_noticed_in_a_real_stream(recordings: Path) -> None:
    instrument = binance_usdm.instrument("BTCUSDT", Decimal("0.1"), Decimal("0.001"))
    path = recordings / "binance" / "usdm_btcusdt_20220811_local_us.dat"
    updates = [one for one in messages(binance_usdm, path, "BTCUSDT") if isinstance(one, BookUpdate)]
    whole, holed = Followed(binance_usdm, instrument), Followed(binance_usdm, instrument)
    for k, update in enumerate(updates):
        whole.take(update)
        if k != 100:
            holed.take(update)

    assert whole.outcomes.keys() == {Outcome.REPLACED, Outcome.APPLIED}
    assert holed.outcomes[Outcome.GAP] == 1
    assert holed.book.state is BookState.BROKEN
    assert holed.book.bids() == []


@pytest.mark.parametrize(
    ("venue", "name", "count"),
    [
        (binance_usdm, "usdm_btcusdt_20240808.gz", 21_313),
        (binance_spot, "spot_btcusdt_20240808.gz", 9_757),
        (binance_coinm, "cm_btcusd_perp_20240808.gz", None),
    ],
)
def test_each_trade_once(recordings: Path, venue: ModuleType, name: str, count: int | None) -> None:
    found = [one for one in messages(venue, recordings / "binance" / name, "X") if isinstance(one, Trade | OffMarket)]
    trades = [one for one in found if isinstance(one, Trade)]
    ids = [one.trade.trade_id if isinstance(one, OffMarket) else one.trade_id for one in found]
    assert found
    assert len(trades) == (len(found) if count is None else count)
    assert len(set(ids)) == len(ids)
    if venue is binance_usdm:
        bought = sum(Decimal(trade.qty) for trade in trades if trade.side is Side.BUY)
        sold = sum(Decimal(trade.qty) for trade in trades if trade.side is Side.SELL)
        assert (bought, sold) == (Decimal("1251.576"), Decimal("1177.790"))


def test_a_day_of_an_archived_book_of_bybit(recordings: Path) -> None:
    with zipfile.ZipFile(recordings / "bybit" / "xrpusdt-ob500.data.zip") as packed:
        frames = list(io.BytesIO(packed.read(packed.namelist()[0])))
    instrument = bybit_linear.instrument("XRPUSDT", Decimal("0.0001"), Decimal(1))
    followed = Followed(bybit_linear, instrument, depth=500)
    for frame in frames:
        (update,) = bybit_linear.parse(frame, 7)
        assert isinstance(update, BookUpdate)
        followed.take(update)

    assert followed.outcomes == {Outcome.REPLACED: 1, Outcome.APPLIED: 49}
    assert 0 < len(followed.book.bids()) <= 500
    assert 0 < len(followed.book.asks()) <= 500

    holed = Followed(bybit_linear, instrument, depth=500)
    for frame in frames[:10] + frames[11:]:
        (update,) = bybit_linear.parse(frame, 7)
        assert isinstance(update, BookUpdate)
        holed.take(update)
    assert holed.outcomes[Outcome.GAP] == 1
    assert holed.book.state is BookState.BROKEN
