"""What a venue tells of one symbol beside its trades: columns on tapes of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec
import numpy as np

from footloom.core.instrument import Instrument
from footloom.core.messages import Gap, Liquidation, MarkPrice, OpenInterest, Quote, Tick
from footloom.core.recorder_clock import told_ns
from footloom.core.series import NO_QUOTE, Series
from footloom.core.snapshots import in_e8
from footloom.core.trades import FLAG_NO_ID, Trades
from footloom.errors import DataError
from footloom.feeds._chain import ChainTape
from footloom.feeds._grid import Grid
from footloom.feeds._tapes import fine
from footloom.venues._venue import Wanted

__all__ = ("LIQUIDATION", "SideTapes")

LIQUIDATION = "liquidation"
_STANDING = ("mark", "open_interest")  # tapes on which what was told stands until something else is
_WITHOUT_REPAIR = ("quote", LIQUIDATION, *_STANDING)  # tapes on which what is missed is missed
_REMEMBERED = 1024
_AGAIN_NS = 60 * 10**9
_HAS_INTEREST = frozenset({"future", "option"})
Columns = dict[str, list[int]]
M = TypeVar("M")


class SideTapes:
    """Open interest, mark prices, best quotes and liquidations of one symbol, between two commits.

    ``tell`` is called with what is wrong with a message that its grid does not take.
    """

    def __init__(self, instrument: Instrument, recorded: frozenset[str], tell: Callable[[str], None]) -> None:
        self.grid = Grid(instrument)
        self.recorded = recorded
        self.quote: Quote | None = None  # the newest
        self._tell = tell
        self._log_grid = Grid(fine(instrument))
        self._marks: list[MarkPrice] = []
        self._interest: list[OpenInterest] = []
        self._quotes: list[Quote] = []
        self._forced: list[Liquidation] = []
        self._forced_rows = 0
        self._forced_seen: dict[Liquidation, None] = {}
        self._gaps: list[tuple[str, Gap]] = []
        self.chain: ChainTape | None = None  # of the underlying's options, where they are followed
        self._open: tuple[str, int] = ("", 0)  # the open interest that was said last, and when it was kept
        self._traded_ns = self._told_ns = 0  # the last trade that was said, and when open interest was told
        self._mark: dict[str, int] = {}  # what was said last of each column
        self._lost_ns = {tape: list[int]() for tape in _STANDING}  # until when: what was received before stands no more

    def widen(self, wanted: Wanted, shown_only: frozenset[str]) -> frozenset[str]:
        """Take in more streams from here on; returns those that are recorded."""
        self.recorded = wanted.streams - shown_only
        self.follow(wanted.chain)
        return self.recorded

    def follow(self, underlying: str) -> None:
        """Keep what is said of an option, or of the underlying itself, as rows of the latter's chain; "" of none."""
        if underlying and self.chain is None:
            self.chain = ChainTape(self.grid.instrument, underlying, self._tell)

    def renew(self, instrument: Instrument) -> None:
        """Let new rows stand on another definition of the instrument."""
        self.grid, self._log_grid = Grid(instrument), Grid(fine(instrument))

    def add_tick(self, message: Tick) -> None:
        """Take in what a conflated feed says."""
        if self.chain is not None:
            self.chain.add(message)
        elif "open_interest" in self.recorded and self.grid.instrument.kind in _HAS_INTEREST:
            at_ns, recv_ns = self._interest_ns(message), message.ts_recv_ns
            if message.oi:
                qty = "" if message.oi == self._interest_said(recv_ns)[0] else message.oi
                self.add_interest(OpenInterest(symbol=message.symbol, ts_exch_ns=at_ns, ts_recv_ns=recv_ns, qty=qty))

    # As it is read from stored snapshots (`footloom.feeds._interest`): of the trade that was said last, and never back.
    # A message without open interest counts as well: its snapshot repeats the one that was told before it.
    def _interest_ns(self, message: Tick) -> int:
        self._traded_ns = message.ltt_ns or self._traded_ns
        if message.oi or self._told_ns:
            traded_ns = self._traded_ns or message.ts_exch_ns or 0
            self._told_ns = max(self._told_ns, told_ns(traded_ns, message.ts_recv_ns))
        return self._told_ns

    def add_mark(self, message: MarkPrice) -> None:
        """Take in a mark price."""
        self._marks.append(message)

    def add_interest(self, message: OpenInterest) -> None:
        """Take in an open interest; that it still stands, where it comes without another one, is kept once a minute."""
        said, kept_ns = self._interest_said(message.ts_recv_ns)
        if message.qty:
            self._open = message.qty, message.ts_recv_ns
            self._interest.append(message)
        elif said and message.ts_recv_ns - kept_ns >= _AGAIN_NS:
            self.add_interest(msgspec.structs.replace(message, qty=said))

    def _interest_said(self, recv_ns: int) -> tuple[str, int]:
        if self._is_new("open_interest", recv_ns):
            self._open = ("", 0)
        return self._open

    def add_quote(self, message: Quote) -> None:
        """Take in a best quote; one that is older than the newest, as over a second connection, is left out."""
        newest = self.quote
        if newest is not None and _is_older(message, newest):
            return
        self.quote = message
        if "quote" in self.recorded:
            self._quotes.append(message)

    def add_liquidation(self, message: Liquidation, *, twice: bool) -> None:
        """Take in a forced trade; where two connections deliver at once (``twice``) it may be known already."""
        name = _without_receipt(message)
        if twice and name in self._forced_seen:
            return
        self._forced_seen[name] = None
        if len(self._forced_seen) > _REMEMBERED:
            del self._forced_seen[next(iter(self._forced_seen))]
        self._forced.append(message)

    def add_gap(self, tape: str, gap: Gap) -> None:
        """Note that a tape lacks a stretch."""
        if tape in self.recorded:
            self._gaps.append((tape, gap))

    def missed(self, gap: Gap, streams: frozenset[str]) -> None:
        """Note that nothing was heard of some streams for a while: what is not told anew behind it is not known.

        What was received before it may still come.
        """
        for tape in _WITHOUT_REPAIR:
            if tape in streams:
                self.add_gap(tape, gap)
        for tape in _STANDING:
            if tape in streams:
                self._lost_ns[tape].append(gap.to_ns)

    # Whether a message is the first that was received behind a loss; several may be known before it is read.
    def _is_new(self, tape: str, recv_ns: int) -> bool:
        lost = self._lost_ns[tape]
        self._lost_ns[tape] = [until_ns for until_ns in lost if until_ns > recv_ns]
        return len(self._lost_ns[tape]) < len(lost)

    @property
    def waiting(self) -> bool:
        """Whether anything was given since the last `take`."""
        return bool(self._quotes or self._marks or self._interest or self._forced or self._gaps)

    def take(self, until_ns: int) -> tuple[list[Series], list[Trades], list[tuple[str, Gap]]]:
        """Return what came up to a receipt: series, liquidations, and gaps with the tape they are in."""
        if not self.waiting and self.chain is None:  # so it is at most commits
            return [], [], []
        series = [*self._take_marks(), *self._take_interest(), *self._take_quotes()]
        if self.chain is not None:
            series += self.chain.take(until_ns)
        logs = self._take_forced()
        gaps, self._gaps = self._gaps, []
        named = {rows.tape for rows in series} | {rows.tape for rows in logs}
        for tape in sorted({tape for tape, _ in gaps} - named):
            if tape == LIQUIDATION:
                logs.append(Trades.empty(self._log_grid.instrument, LIQUIDATION))
            else:
                series.append(Series.empty(self.grid.instrument, tape))
        return series, logs, gaps

    # --- one kind each; a message that cannot be taken is told and left out

    def _take_marks(self) -> list[Series]:
        rows, self._marks = self._marks, []
        kept, columns = self._columns(rows, self._mark_row)
        return self._series("mark", kept, columns)

    # A venue that tells only what has changed says with it that the rest stands.
    def _mark_row(self, row: MarkPrice) -> dict[str, int]:
        said = {
            "mark_e8": in_e8(row.mark),
            "index_e8": in_e8(row.index),
            "rate_e8": in_e8(row.funding_rate),
            "next_ns": NO_QUOTE if row.next_funding_ns is None else row.next_funding_ns,
        }
        before = {} if self._is_new("mark", row.ts_recv_ns) else self._mark
        self._mark = {name: before.get(name, NO_QUOTE) if now == NO_QUOTE else now for name, now in said.items()}
        return self._mark

    def _take_interest(self) -> list[Series]:
        rows, self._interest = self._interest, []
        kept, columns = self._columns(rows, lambda row: {"oi_lot": self.grid.lots[row.qty]})
        return self._series("open_interest", kept, columns)

    def _take_quotes(self) -> list[Series]:
        rows, self._quotes = self._quotes, []
        kept, columns = self._columns(rows, self._quote_row)
        return self._series("quote", kept, columns)

    def _quote_row(self, row: Quote) -> dict[str, int]:
        bid, ask = self.ticks_of(row)
        return {
            "bid_tick": NO_QUOTE if bid is None else bid,
            "bid_lot": self.grid.resting[row.bid_qty] if row.bid_qty else NO_QUOTE,
            "ask_tick": NO_QUOTE if ask is None else ask,
            "ask_lot": self.grid.resting[row.ask_qty] if row.ask_qty else NO_QUOTE,
            "update_id": NO_QUOTE if row.update_id is None else row.update_id,
        }

    def ticks_of(self, row: Quote) -> tuple[int | None, int | None]:
        """Return the best bid and ask in ticks.

        Raises
        ------
        DataError
            They are off the grid.
        """
        ticks = self.grid.ticks
        return ticks[row.bid] if row.bid else None, ticks[row.ask] if row.ask else None

    def _take_forced(self) -> list[Trades]:
        rows, self._forced = self._forced, []
        grid = self._log_grid
        kept, columns = self._columns(
            rows,
            lambda row: {"price": grid.ticks[row.price], "qty": grid.lots[row.qty], "side": int(row.side)},
        )
        if not kept:
            return []
        first, self._forced_rows = self._forced_rows, self._forced_rows + len(kept)
        return [
            Trades.build(
                grid.instrument,
                [row.ts_exch_ns for row in kept],
                columns["price"],
                columns["qty"],
                columns["side"],
                trade_id=np.arange(first, first + len(kept)),
                ts_recv_ns=[row.ts_recv_ns for row in kept],
                flags=np.full(len(kept), FLAG_NO_ID, np.uint8),
                tape=LIQUIDATION,
            )
        ]

    def _columns(self, rows: Sequence[M], of: Callable[[M], dict[str, int]]) -> tuple[list[M], Columns]:
        kept, columns = [], Columns()
        for row in rows:
            try:
                values = of(row)
            except (DataError, ValueError) as error:
                self._tell(f"a message of {self.grid.instrument.key} is left out: {error}")
                continue
            kept.append(row)
            for name, value in values.items():
                columns.setdefault(name, []).append(value)
        return kept, columns

    def _series(self, tape: str, rows: Sequence[MarkPrice | OpenInterest | Quote], columns: Columns) -> list[Series]:
        if not rows or tape not in self.recorded:
            return []
        times = [row.ts_exch_ns for row in rows], [row.ts_recv_ns for row in rows]
        return [Series.build(self.grid.instrument, tape, *times, **columns)]


def _without_receipt(message: Liquidation) -> Liquidation:
    return msgspec.structs.replace(message, ts_recv_ns=0)


# Not newer by its number, and not by its time either: numbers may begin anew.
def _is_older(message: Quote, newest: Quote) -> bool:
    if message.update_id is None or newest.update_id is None or message.update_id > newest.update_id:
        return False
    return message.ts_exch_ns <= newest.ts_exch_ns or newest.update_id - message.update_id < _REMEMBERED
