"""The order book of one symbol, kept from its stream: a fresh snapshot is asked for whenever the book breaks."""

from __future__ import annotations

import logging

from footloom.core.book import BookChange, BookState, Chain, OrderBook, Outcome
from footloom.core.instrument import Instrument
from footloom.core.messages import BookUpdate, Gap, Level
from footloom.core.series import ASK, BID, NO_LEVEL, NO_QUOTE, SNAPSHOT, UPDATE, Series
from footloom.errors import DataError
from footloom.feeds._grid import Grid
from footloom.feeds.flow import Quote

__all__ = ("DEPTH", "BookTape")

_LOG = logging.getLogger(__name__)

DEPTH = "depth"
_COLUMNS = ("side", "price_tick", "qty_lot", "first_id", "last_id", "prev_id", "kind")


class BookTape:
    """Changes of one book: applied for its best quotes, and kept as rows where they are to be stored.

    ``wants_snapshot`` says that changes come and that the book cannot be believed until a snapshot does. ``breaks``
    counts, ``why`` says what broke it last.
    """

    def __init__(self, instrument: Instrument, chain: Chain, depth: int | None, *, recorded: bool) -> None:
        self.book = OrderBook(chain, depth)
        self.breaks = 0
        self.why = ""
        self.wants_snapshot = False
        self.recorded = recorded
        self._good_ns = 0  # receipt of the last update that was applied
        self._broken: tuple[int, str] | None = None  # since when the book is not known, and why
        self._gaps: list[Gap] = []
        self._grid = Grid(instrument)
        self._rows: list[tuple[int, ...]] = []
        self._times: list[tuple[int, int]] = []

    def renew(self, instrument: Instrument) -> None:
        """Begin anew on another definition of the instrument."""
        self._grid = Grid(instrument)
        self.missed("another definition of the instrument")

    def missed(self, cause: str) -> None:
        """Forget the book: changes are missing."""
        self.book.reset()
        self.wants_snapshot = False
        self._lose(cause)

    def add(self, update: BookUpdate) -> None:
        """Take in a change or a snapshot."""
        try:
            change = self._change(update)
        except DataError as error:
            self.book.reset()
            self._break(f"a level is off the grid: {error}")
            return
        step = self.book.apply(change)
        if step.outcome in {Outcome.GAP, Outcome.CROSSED}:
            self._break(step.text)
        elif step.outcome is Outcome.OUTDATED:
            self.why = step.text
        self.wants_snapshot = self.book.state is not BookState.SYNCED
        if not self.wants_snapshot:
            self._mend(update.ts_recv_ns)
        if self.recorded and step.outcome not in {Outcome.IGNORED, Outcome.OUTDATED}:
            self._record(update, change)

    @property
    def quote(self) -> Quote:
        """The best bid and ask in ticks, None each where the book cannot be believed."""
        if self.book.state is not BookState.SYNCED:
            return (None, None)
        bid, ask = self.book.best_bid, self.book.best_ask
        return (None if bid is None else bid[0], None if ask is None else ask[0])

    @property
    def waiting(self) -> bool:
        """Whether rows or gaps were given since the last time."""
        return bool(self._rows or self._gaps)

    def take_gaps(self) -> list[Gap]:
        """Return the stretches that became known of which the book is not known."""
        gaps, self._gaps = self._gaps, []
        return gaps

    def take(self) -> list[Series]:
        """Return the rows that came since the last time."""
        if not self._rows:
            return []
        rows, times = self._rows, self._times
        self._rows, self._times = [], []
        columns = dict(zip(_COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
        exchange, receipt = zip(*times, strict=True)
        return [Series.build(self._grid.instrument, DEPTH, list(exchange), list(receipt), **columns)]

    def _break(self, why: str) -> None:
        self.breaks += 1
        self.why = why
        self.wants_snapshot = True
        self._lose(why)
        _LOG.warning("%s: the order book is built anew: %s", self._grid.instrument.key, why)

    def _lose(self, why: str) -> None:
        if self._good_ns and self._broken is None:
            self._broken = (self._good_ns, why)

    def _mend(self, recv_ns: int) -> None:
        self._good_ns = max(self._good_ns, recv_ns)
        if self._broken is not None:
            (from_ns, why), self._broken = self._broken, None
            symbol = self._grid.instrument.symbol
            self._gaps.append(Gap(symbol=symbol, from_ns=from_ns, to_ns=max(recv_ns, from_ns + 1), cause=why))

    def _change(self, update: BookUpdate) -> BookChange:
        return BookChange(
            first_id=update.first_id,
            last_id=update.last_id,
            bids=self._levels(update.bids),
            asks=self._levels(update.asks),
            prev_id=update.prev_id,
            is_snapshot=update.is_snapshot,
        )

    def _levels(self, levels: tuple[Level, ...]) -> tuple[tuple[int, int], ...]:
        ticks, lots = self._grid.ticks, self._grid.resting
        return tuple((ticks[price], lots[qty]) for price, qty in levels)

    def _record(self, update: BookUpdate, change: BookChange) -> None:
        prev_id = NO_QUOTE if change.prev_id is None else change.prev_id
        named = (change.first_id, change.last_id, prev_id, SNAPSHOT if change.is_snapshot else UPDATE)
        rows = [(BID, price, qty, *named) for price, qty in change.bids]
        rows += [(ASK, price, qty, *named) for price, qty in change.asks]
        rows = rows or [(NO_LEVEL, 0, 0, *named)]
        self._rows += rows
        self._times += [(update.ts_exch_ns, update.ts_recv_ns)] * len(rows)
