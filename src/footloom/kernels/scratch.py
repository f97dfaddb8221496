"""Half a megabyte of zeros that the kernel of cells leaves as it was: it need not be cleared for every commit."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np

from footloom.core.trades import I64
from footloom.kernels.cells import DENSE_ROWS, LANES

__all__ = ("borrow", "give_back", "scratch")

_KEPT: list[I64] = []  # a list's `pop` and `append` are safe in threads


@contextlib.contextmanager
def scratch() -> Iterator[I64]:
    """Lend one; it is given back only where nothing went wrong, so that it is all zeros."""
    space = borrow()
    yield space
    give_back(space)


def borrow() -> I64:
    """Take one; `give_back` it where nothing went wrong."""
    try:
        return _KEPT.pop()
    except IndexError:  # another thread may have been quicker
        return np.zeros(DENSE_ROWS * LANES, np.int64)


def give_back(space: I64) -> None:
    """Give one back, all zeros."""
    _KEPT.append(space)
