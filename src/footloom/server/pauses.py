"""What makes all clients wait at once, kept short: garbage collection, and threads that hold the interpreter."""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Iterator

__all__ = ("short_pauses",)

_SWITCH_S = 0.001  # a thread that computes in Python gives way to the event loop within so long
# Young objects are looked at every so many allocations: frames and commits are freed without it, and hold no cycles.
_THRESHOLDS = (10_000, 20, 20)


@contextlib.contextmanager
def short_pauses() -> Iterator[None]:
    """Keep what stands at the start out of every later collection, and let threads give way sooner; undone at the end.

    A whole collection over the modules of a server takes 50 to 100 ms, in which no frame leaves.
    """
    thresholds, switch_s = gc.get_threshold(), sys.getswitchinterval()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    sys.setswitchinterval(min(switch_s, _SWITCH_S))
    try:
        yield
    finally:
        sys.setswitchinterval(switch_s)
        gc.set_threshold(*thresholds)
        gc.unfreeze()
