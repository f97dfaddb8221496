"""Charts of continuous futures: read as those of a stored symbol, from the contracts that are stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from footloom.core.trades import Trades
from footloom.feeds.continuous import ContinuousView, is_continuous
from footloom.kernels.inference import SnapshotParams
from footloom.server.stored.history import History
from footloom.store import Store

__all__ = ("RolledHistory", "chart_history")


class RolledHistory(History):
    """The charts of one continuous future; its view stands where a store stands for other symbols."""

    def __init__(self, view: ContinuousView, inference: SnapshotParams | None = None) -> None:
        super().__init__(cast("Store", view), inference)
        self.view = view

    def pieces(self, key: str, tape: str, from_ns: int, to_ns: int) -> Iterator[Trades]:  # noqa: ARG002 - has one
        """Yield the trades of ``[from_ns, to_ns)`` in neighbouring pieces."""
        return self.view.pieces(from_ns, to_ns)

    def _trades(self, key: str, tape: str, from_ns: int, to_ns: int) -> Trades:  # noqa: ARG002 - has one
        return self.view.between(from_ns, to_ns).trades


def chart_history(
    store: Store, key: str, inference: SnapshotParams | None = None, tape: str | None = None
) -> History | RolledHistory:
    """Return the charts of a symbol: of the store, or of the view where ``key`` names a continuous future.

    ``tape`` is the one asked for: the contracts of a view may have several.

    Raises
    ------
    NotStored
        No contract of the continuous future is stored.
    """
    if is_continuous(key):
        return RolledHistory(ContinuousView(store, key, inference, tape), inference)
    return History(store, inference)
