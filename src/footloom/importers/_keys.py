"""Which ids that are texts were seen before, in 16 bytes an id."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from footloom.core.trades import I64, U8

__all__ = ("Keys", "keys_at")

_UUID = 36
_HYPHENS = (8, 13, 18, 23)
_DIGITS = np.array([at for at in range(_UUID) if at not in _HYPHENS])

Bytes16 = NDArray[np.bytes_]


def keys_at(text: U8, starts: I64, column: int) -> Bytes16:
    """Return the fields of a column as keys of 16 bytes; shape (n,).

    Parameters
    ----------
    text
        uint8: lines of fields between commas.
    starts
        int64 (n,): where each line starts; each has more columns than ``column``.
    column
        Which field, from 1 on.
    """
    commas = np.append(np.flatnonzero(text == ord(",")), len(text))
    first = np.searchsorted(commas, starts)
    begin, end = commas[first + column - 1] + 1, commas[first + column]
    if (end - begin == _UUID).all():
        packed = _packed(text[begin[:, None] + _DIGITS])
        if packed is not None:
            return packed
    pairs = zip(begin.tolist(), end.tolist(), strict=True)
    digests = [hashlib.blake2b(text[a:b].tobytes().strip(b' "\r\n'), digest_size=16).digest() for a, b in pairs]
    return np.array(digests, "S16")


# UUIDs, which are numbers of 128 bits; None where a letter is no digit of theirs.
def _packed(letters: NDArray[np.uint8]) -> Bytes16 | None:
    lower = letters | 0x20
    values = np.where(lower >= ord("a"), lower - (ord("a") - 10), letters - ord("0"))
    if (values > 15).any():
        return None
    both = (values[:, 0::2] << 4 | values[:, 1::2]).astype(np.uint8)
    return np.ascontiguousarray(both).view("S16").reshape(len(both))


class Keys:
    """Every key that was added, in sorted runs that double in length."""

    def __init__(self) -> None:
        self._runs: list[Bytes16] = []

    def add(self, keys: Bytes16) -> NDArray[np.bool_]:
        """Add keys and return which of them were there before, earlier ones of the same call among them."""
        again = np.zeros(len(keys), np.bool_)
        if not len(keys):
            return again
        order = np.argsort(keys, kind="stable")
        again[order[1:]] = keys[order[1:]] == keys[order[:-1]]
        for run in self._runs:
            at = np.minimum(np.searchsorted(run, keys), len(run) - 1)
            again |= run[at] == keys
        if not again.all():
            self._runs.append(np.sort(keys[~again]))
        while len(self._runs) > 1 and len(self._runs[-2]) <= 2 * len(self._runs[-1]):
            last = self._runs.pop()
            self._runs[-1] = np.sort(np.concatenate([self._runs[-1], last]))
        return again
