"""What a process that reads for another is asked, and how it goes over the pipe; nothing here takes long to import."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import IO, Any, Final, NamedTuple

__all__ = ("MOST_ROWS", "Task", "receive", "send")

MOST_ROWS: Final = (
    3_000_000  # that are read by the server itself: a tenth of a second, less than a process needs to begin
)


class Task(NamedTuple):
    """Work on a store: ``make(history, *given)`` returns the body of an answer.

    It is sent to another process: a function of a module, and values that can be pickled.
    """

    make: Callable[..., bytes]
    given: tuple[Any, ...]
    has_candles: bool = False  # whether candles of the venue stand before the first trade: only the server knows
    opening_step: int = 0  # with which the chart opens, where it is known: to find out takes as long as the work


def send(pipe: IO[bytes] | None, said: object) -> None:
    """Write one message: its length, then the pickle."""
    assert pipe is not None
    data = pickle.dumps(said, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.write(len(data).to_bytes(8, "little"))
    pipe.write(data)
    pipe.flush()


def receive(pipe: IO[bytes]) -> Any:
    """Return the next message.

    Raises
    ------
    EOFError
        The other side has gone.
    """
    size = int.from_bytes(_exactly(pipe, 8), "little")
    return pickle.loads(_exactly(pipe, size))  # noqa: S301 - from our own process, over a pipe that nobody else has


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    data = pipe.read(size)
    if len(data) < size:
        raise EOFError
    return data
