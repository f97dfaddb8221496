"""What makes all clients wait, kept short: garbage collection, threads that hold the interpreter, other processes."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Iterator

__all__ = ("short_pauses", "step_back")

_SWITCH_S = 0.001  # a thread that computes in Python gives way to the event loop within so long
_NICE = 10
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


def step_back(pid: int = 0) -> None:
    """Let a process of ours (0: this one) work only where live charts leave time; what it starts from now on, too.

    The server may run with real-time priority: this one does not.
    """
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(pid, os.SCHED_BATCH, os.sched_param(0))
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, pid, max(_NICE, os.getpriority(os.PRIO_PROCESS, pid)))
