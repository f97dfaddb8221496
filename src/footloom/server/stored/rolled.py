"""Charts of continuous futures: read as those of a stored symbol, from the contracts that are stored."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterable
from typing import Any, NamedTuple, cast

import msgspec

from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.rolls import Roll
from footloom.core.trades import Trades
from footloom.engine.frame import ChartFrame
from footloom.errors import ConfigError, NotStored
from footloom.feeds.continuous import ContinuousName, ContinuousView, contracts_named, is_continuous
from footloom.feeds.stored import CHART_TAPES
from footloom.kernels.inference import SnapshotParams
from footloom.server.stored.abandon import checkpoint
from footloom.server.stored.history import ChartKey, History, Page, Seed
from footloom.server.stored.kept_rows import Tape
from footloom.server.wire.messages import RollSpan, SnapshotMeta
from footloom.store import Coverage, Store

__all__ = ("RolledHistory", "WithViews", "chart_history")

_NEAREST_NS = 28 * 86_400 * 10**9  # months between days of expiry are no shorter
_END = 2**62


class _Known(NamedTuple):
    # A view, and of what state of the contracts it was made.
    state: object
    view: ContinuousView


class WithViews:
    """A store that answers for the names of continuous futures too; everything else is the store's own.

    ``tape`` is what is read of the contracts; left out, what charts of them read.
    """

    def __init__(self, store: Store, params: SnapshotParams | None = None, tape: str | None = None) -> None:
        self._store, self._params, self._tape = store, params, tape
        self._views: dict[tuple[str, str | None], _Known] = {}
        self._guard = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def view(self, key: str, tape: str | None = None) -> ContinuousView:
        """Return the view that a name means, made anew where something was stored since.

        Raises
        ------
        NotStored
            No contract of the continuous future is stored.
        ConfigError
            Its contracts have several tapes, and none is named.
        """
        name, tape = ContinuousName.of(key), tape or self._tape
        state = tuple(
            (one, *((row.tape, row.day, row.rows, row.last_ns) for row in self._store.coverage(one.key)))
            for one in contracts_named(self._store, name)
        )
        with self._guard:
            known = self._views.get((name.key, tape))
        if known is None or known.state != state:
            known = _Known(state, ContinuousView(self._store, name.key, self._params, tape))
            with self._guard:
                self._views[name.key, tape] = known
        return known.view

    # Contracts whose charts read several tapes have a view for each.
    def _every(self, key: str) -> list[ContinuousView]:
        try:
            return [self.view(key)]
        except ConfigError:
            found = []
            for tape in CHART_TAPES:
                try:
                    found.append(self.view(key, tape))
                except NotStored:
                    continue
            if not found:
                raise
            return found

    def coverage(self, key: str | None = None) -> list[Coverage]:
        """Return what is stored, of a view its contracts' days."""
        if key is None or not is_continuous(key):
            return self._store.coverage(key)
        return [row for view in self._every(key) for row in view.coverage()]

    def partials(self, key: str | None = None) -> list[Coverage]:
        """Return the partial tapes; a view has none."""
        return [] if key is not None and is_continuous(key) else self._store.partials(key)

    def instrument(self, key: str) -> Instrument:
        """Return the instrument of a symbol, or that in which all contracts of a view are counted."""
        return self._every(key)[0].instrument() if is_continuous(key) else self._store.instrument(key)

    def grid(self, key: str, tape: str) -> Instrument:
        """Return the grid of a tape."""
        return self.view(key, tape).grid() if is_continuous(key) else self._store.grid(key, tape)

    def gaps(self, key: str, tape: str, from_ns: int, to_ns: int) -> list[Gap]:
        """Return what is missing in a range."""
        if is_continuous(key):
            return self.view(key, tape).gaps(key, tape, from_ns, to_ns)
        return self._store.gaps(key, tape, from_ns, to_ns)


class RolledHistory(History):
    """The charts of a store, continuous futures among them."""

    def __init__(self, store: Store, inference: SnapshotParams | None = None, tape: str | None = None) -> None:
        self.views = WithViews(store, inference, tape)
        super().__init__(cast("Store", self.views), inference)

    def pieces(self, key: str, tape: str, from_ns: int, to_ns: int) -> Iterable[Trades]:
        """Return the trades of ``[from_ns, to_ns)`` in neighbouring pieces."""
        if is_continuous(key):
            return self.views.view(key, tape).pieces(from_ns, to_ns)
        return super().pieces(key, tape, from_ns, to_ns)

    def page(self, chart: ChartKey, from_ns: int | None, to_ns: int | None, limit: int) -> Page:
        """Return the last bars of a range; of a continuous future also where it rolled between them."""
        page = super().page(chart, from_ns, to_ns, limit)
        return dataclasses.replace(page, meta=self._with_rolls(chart, page.frame, page.meta))

    def seed(self, chart: ChartKey, history_bars: int, count: Any = None) -> Seed:
        """Return a builder that holds the newest bars; of a continuous future also where it rolled."""
        seed = super().seed(chart, history_bars, count)
        return dataclasses.replace(seed, meta=self._with_rolls(chart, seed.builder.frame(), seed.meta))

    def candled(self, chart: ChartKey) -> tuple[ChartKey, int]:
        """Return whose candles stand before the first trade of a chart, and since when, ns UTC.

        Of a continuous future its first contract's, since that surely was the nearest. Who was second or third, or had
        the most open interest, nobody says of the past; and candles as traded fit no prices that a roll has moved.
        """
        if not is_continuous(chart.key):
            return chart, 0
        view = self.views.view(chart.key, chart.tape)
        first = self.store.instrument(f"{view.name.venue}:{view.stretches[0].symbol}")
        instrument = msgspec.structs.replace(chart.instrument, symbol=first.symbol)
        is_moved = view.name.adjusted and len(view.stretches) > 1
        is_nearest = view.name.number == 1 and view.name.roll == "date" and not is_moved
        since_ns = (first.expiry_ns or 0) - _NEAREST_NS if is_nearest else _END
        return msgspec.structs.replace(chart, instrument=instrument), since_ns

    def rolls(self, chart: ChartKey, frame: ChartFrame | None) -> list[Roll]:
        """Return the rolls of a continuous future that its bars span; none of any other symbol."""
        if frame is None or not len(frame) or not is_continuous(chart.key):
            return []
        bars = frame.footprint.bars
        return self.views.view(chart.key, chart.tape).rolls(int(bars.open_ns[0]), int(bars.close_ns[-1]))

    def _with_rolls(self, chart: ChartKey, frame: ChartFrame | None, meta: SnapshotMeta) -> SnapshotMeta:
        if not is_continuous(chart.key):
            return meta
        return msgspec.structs.replace(meta, rolls=[RollSpan.of(roll) for roll in self.rolls(chart, frame)])

    def is_at_hand(self, key: str, tape: str, from_ns: int, to_ns: int) -> bool:
        """Say whether the rows of a range are kept once they were read: those of a view are read anew each time."""
        return not is_continuous(key) and super().is_at_hand(key, tape, from_ns, to_ns)

    # A later roll moves the prices of adjusted days, whose rows are the same as before: nothing of a view is kept.
    def _tape(self, chart: ChartKey, from_ns: int, to_ns: int) -> Tape:
        if not is_continuous(chart.key):
            return super()._tape(chart, from_ns, to_ns)
        checkpoint()
        rows = self._trades(chart.key, chart.tape, from_ns, to_ns)
        return Tape(chart.instrument, chart.tape, (rows.on_grid(chart.instrument),), (from_ns, to_ns))

    def _trades(self, key: str, tape: str, from_ns: int, to_ns: int) -> Trades:
        if is_continuous(key):
            return self.views.view(key, tape).between(from_ns, to_ns).trades
        return super()._trades(key, tape, from_ns, to_ns)


def chart_history(
    store: Store, key: str, inference: SnapshotParams | None = None, tape: str | None = None
) -> RolledHistory:
    """Return the charts of a symbol: of the store, or of the view where ``key`` names a continuous future.

    ``tape`` is the one asked for: the contracts of a view may have several.

    Raises
    ------
    NotStored
        No contract of the continuous future is stored.
    """
    history = RolledHistory(store, inference, tape)
    if is_continuous(key):
        history.views.view(key)
    return history
