"""Where a run of trades is cut into bars."""

from __future__ import annotations

from dataclasses import dataclass

from footloom.core.trades import I64

__all__ = ("Edges",)


@dataclass(frozen=True, slots=True)
class Edges:
    """Bar ``i`` owns trades ``ends[i] : ends[i + 1]`` and lasts ``[open_ns[i], close_ns[i])``.

    ``ends`` int64 (n_bars + 1,); ``open_ns``, ``close_ns`` ns UTC, ``off_session`` 0 or 1, int64 (n_bars,). A first
    bar whose ``open_ns`` equals that of the last bar folded before continues it.
    """

    ends: I64
    open_ns: I64
    close_ns: I64
    off_session: I64

    def __len__(self) -> int:
        return len(self.open_ns)
