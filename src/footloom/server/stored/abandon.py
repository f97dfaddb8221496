"""Where long work looks whether anybody still waits for it: a thread cannot be stopped from outside."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ("Abandoned", "abandonable", "checkpoint")


class Abandoned(Exception):
    """Leaves work whose result nobody wants."""


_stopped: ContextVar[threading.Event | None] = ContextVar("stopped", default=None)


@contextmanager
def abandonable(stopped: threading.Event) -> Iterator[None]:
    """Let the work of this thread end at its next `checkpoint` once ``stopped`` is set."""
    token = _stopped.set(stopped)
    try:
        checkpoint()
        yield
    finally:
        _stopped.reset(token)


def checkpoint() -> None:
    """End here where nobody waits any more, and let other threads run.

    Raises
    ------
    Abandoned
        Nobody does.
    """
    stopped = _stopped.get()
    if stopped is None:
        return
    if stopped.is_set():
        raise Abandoned
    time.sleep(0)  # gives the interpreter's lock to the event loop, if that waits for it
