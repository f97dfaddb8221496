"""The builder of a live chart that was seeded from the store: it does not tell its lead, nor what nobody can follow."""

from __future__ import annotations

import numpy as np

from footloom.core.footprint import Footprint
from footloom.engine.builder import Builder
from footloom.engine.frame import ChartFrame

__all__ = ("SeededBuilder",)


class SeededBuilder(Builder):
    """A builder that keeps to itself the bars which only lead up to the first one that may be shown."""

    most_told = 64  # of bars of a trade or two thousands end a second: told one by one they fill the event loop
    shown_ns = -(2**63)

    def frame(self, max_bars: int | None = None) -> ChartFrame | None:
        """Return the last ``max_bars`` bars that may be shown; every bar held where no number is given."""
        held = super().frame(max_bars)
        if held is None or max_bars is None:
            return held
        return held.slice(int(np.searchsorted(held.footprint.bars.open_ns, self.shown_ns)), len(held))

    def runs_since(self, from_ns: int) -> list[Footprint]:
        """Return the bars that open at a time or later and may be shown, oldest first, in runs as they are held.

        Nothing is joined here: the runs are not changed any more, so that any thread may join them.
        """
        since_ns = max(from_ns, self.shown_ns)
        opened = self.open_frame()
        frames = [*self._settled.frames, *([] if opened is None else [opened])]
        found = []
        for frame in reversed(frames):
            opens = frame.footprint.bars.open_ns
            first = int(np.searchsorted(opens, since_ns))
            if first < len(opens):
                found.append(frame.footprint.slice(first, len(opens)))
            if first:
                break
        return found[::-1]
