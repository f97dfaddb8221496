"""Random numbers as a pure function of (seed, stream, index): any day can be made alone, by any numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ("F64", "Stream")

F64 = NDArray[np.float64]
U64 = NDArray[np.uint64]

_GOLDEN = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1


def _mixed(word: U64) -> U64:
    # The finaliser of splitmix64 (Steele, Lea, Flood 2014): every input bit moves every output bit.
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


class Stream:
    """An endless sequence of random words named by integers, which can be read at any index."""

    def __init__(self, *name: int) -> None:
        key = 0
        for part in name:
            key = int(_mixed(np.array([(key + (part & _MASK) * _GOLDEN + 1) & _MASK], np.uint64))[0])
        self.key = key
        self._next = 0

    def words(self, index: NDArray[np.int64]) -> U64:
        """Return the words at ``index`` (n,), uint64."""
        return _mixed(index.astype(np.uint64) * np.uint64(_GOLDEN) + np.uint64(self.key))

    def units_at(self, index: NDArray[np.int64]) -> F64:
        """Return numbers of [0, 1) at ``index`` (n,)."""
        return (self.words(index) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def units(self, count: int) -> F64:
        """Return the next ``count`` numbers of [0, 1)."""
        start = self._next
        self._next += count
        return self.units_at(np.arange(start, start + count, dtype=np.int64))

    def unit(self) -> float:
        """Return the next number of [0, 1)."""
        # The same as `units(1)`, without numpy's cost for one number.
        word = (self._next * _GOLDEN + self.key) & _MASK
        self._next += 1
        word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & _MASK
        return ((word ^ (word >> 31)) >> 11) * 2.0**-53

    def between(self, low: float, high: float) -> float:
        """Return the next number of [low, high)."""
        return low + (high - low) * self.unit()

    def integer(self, low: int, high: int) -> int:
        """Return the next whole number of low to high, both included."""
        return low + int(self.unit() * (high - low + 1))

    def normals(self, count: int) -> F64:
        """Return the next ``count`` standard normal numbers (Box and Muller)."""
        pair = self.units(2 * count)
        result: F64 = np.sqrt(-2.0 * np.log(1.0 - pair[:count])) * np.cos(2.0 * np.pi * pair[count:])
        return result
