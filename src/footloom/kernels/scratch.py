"""Half a megabyte of zeros that the kernel of cells leaves as it was: it need not be cleared for every commit."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np

from footloom.core.trades import I64
from footloom.kernels.cells import DENSE_ROWS, LANES

__all__ = ("scratch",)

_KEPT: list[I64] = []  # a list's `pop` and `append` are safe in threads


@contextlib.contextmanager
def scratch() -> Iterator[I64]:
    """Lend one; it is given back only where nothing went wrong, so that it is all zeros."""
    try:
        space = _KEPT.pop()
    except IndexError:  # another thread may have been quicker
        space = np.zeros(DENSE_ROWS * LANES, np.int64)
    yield space
    _KEPT.append(space)
