"""Plain JSON objects, read where they stand: which known key holds what, without making a text or a number object.

Plain are text without escapes, whole numbers without a sign, ``true``, ``false`` and ``null``; an object that holds
anything else has no answer. Texts of up to eight bytes are compared as one number.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from footloom.kernels.jit import part

__all__ = (
    "FALSE",
    "FIELDS",
    "K_A",
    "K_BT",
    "K_E",
    "K_EVENT",
    "K_I",
    "K_M",
    "K_NQ",
    "K_P",
    "K_Q",
    "K_S",
    "K_SEQ",
    "K_SPOT_M",
    "K_ST",
    "K_T",
    "K_TAKER",
    "K_TID",
    "K_V",
    "K_X",
    "MOST",
    "NULL",
    "NUMBER",
    "PLAIN",
    "SLOTS",
    "TEXT",
    "TRUE",
    "as_word",
    "byte",
    "key_of",
    "object_of",
    "skip",
    "value_of",
)

# Keys that mean something, each with its place among the values; all others may hold any plain value. Texts of up to
# eight bytes are compared as one number.
_KEYS = ("e", "E", "T", "s", "a", "t", "p", "q", "m", "M", "X", "st", "nq", "S", "v", "i", "BT", "seq")
SLOTS = len(_KEYS)
K_E, K_EVENT, K_T, K_S, K_A, K_TID, K_P, K_Q, K_M, K_SPOT_M, K_X, K_ST, K_NQ, K_TAKER, K_V, K_I, K_BT, K_SEQ = range(
    SLOTS
)
_SLOT_OF = np.full(128, -1, np.int64)
for _name in _KEYS:
    if len(_name) == 1:
        _SLOT_OF[ord(_name)] = _KEYS.index(_name)
# Of each value: what it is; the number, or where the text starts; where it ends; its last eight bytes.
TEXT, NUMBER, TRUE, FALSE, NULL = 1, 2, 3, 4, 5
FIELDS = 4
PLAIN = np.array([32 <= byte < 127 and byte not in b'"\\' for byte in range(256)])  # what text may hold


MOST: Final = 10**17  # a number that is larger has no answer


def as_word(text: str) -> int:
    """Return the number that stands for a text of up to eight bytes."""
    return int.from_bytes(text.encode(), "big")


_TRUE_WORD, _FALSE_WORD, _NULL_WORD, _DATA_WORD = map(as_word, ("true", "false", "null", "data"))
_ST_WORD, _NQ_WORD, _BT_WORD, _SEQ_WORD = map(as_word, ("st", "nq", "BT", "seq"))


@part
def byte(data, i):
    """Return ``data[i]`` without asking whether ``i`` counts from the end, which took a sixth of the time."""
    return data[np.uint64(i)]


@part
def skip(data, i, stop):
    """Return where blanks that start at ``i`` end."""
    while i < stop and (byte(data, i) == 32 or byte(data, i) == 10 or byte(data, i) == 13 or byte(data, i) == 9):
        i += 1
    return i


@part
def _slot(key, length):
    if length == 1:
        return _SLOT_OF[key]  # plain text is ASCII
    if length == 2:
        return K_ST if key == _ST_WORD else K_NQ if key == _NQ_WORD else K_BT if key == _BT_WORD else -1
    if length == 4 and key == _DATA_WORD:
        return -2  # an object around others: not here
    return K_SEQ if length == 3 and key == _SEQ_WORD else -1


@part
def key_of(data, i, stop, work):
    """Read a key and its colon; return where the value starts, or -1.

    Length and last bytes of the key are left in ``work[0]`` and ``work[1]``.
    """
    if i < stop and byte(data, i) <= 32:
        i = skip(data, i, stop)
    if i >= stop or byte(data, i) != 34:
        return np.int64(-1)
    i += 1
    start, word = i, np.int64(0)
    while i < stop and PLAIN[byte(data, i)]:
        word = (word << 8) | np.int64(byte(data, i))
        i += 1
    if i + 2 >= stop or byte(data, i) != 34:
        return np.int64(-1)
    work[0], work[1] = i - start, word
    i += 1
    if byte(data, i) <= 32:
        i = skip(data, i, stop)
    if i + 1 >= stop or byte(data, i) != 58:
        return np.int64(-1)
    i += 1
    if byte(data, i) <= 32:
        i = skip(data, i, stop)
    return i if i < stop else np.int64(-1)


@part
def value_of(data, i, stop, work, at):
    """Read a plain value into ``work[at : at + FIELDS]``; return where it ends, or -1."""
    first = byte(data, i)
    word = np.int64(0)
    if first == 34:
        i += 1
        start = i
        while i < stop and PLAIN[byte(data, i)]:
            word = (word << 8) | np.int64(byte(data, i))
            i += 1
        if i >= stop or byte(data, i) != 34:
            return np.int64(-1)
        work[at], work[at + 1], work[at + 2], work[at + 3] = TEXT, start, i, word
        return i + 1
    if first >= 48 and first <= 57:
        start = i
        while i < stop and byte(data, i) >= 48 and byte(data, i) <= 57 and word < MOST:
            word = word * 10 + (np.int64(byte(data, i)) - 48)
            i += 1
        work[at], work[at + 1] = NUMBER, word
        return i if first != 48 or i == start + 1 else np.int64(-1)
    while i < stop and byte(data, i) >= 97 and byte(data, i) <= 122 and word < 1 << 40:
        word = (word << 8) | np.int64(byte(data, i))
        i += 1
    work[at] = TRUE if word == _TRUE_WORD else FALSE if word == _FALSE_WORD else NULL
    return i if work[at] != NULL or word == _NULL_WORD else np.int64(-1)


@part
def object_of(data, i, stop, work):
    """Read an object of plain values that starts at ``i``; return where it ends, or -1.

    Key number ``k`` stands in ``work`` at ``FIELDS * k + 2 * FIELDS``: what it is (0 where it is absent), the number or
    where the text starts, where that ends, its last eight bytes.
    """
    # Nearly all of the time is spent here, and calling a part for each key costs as much as reading it.
    for n in range(SLOTS):
        work[FIELDS * n + 2 * FIELDS] = 0
    if i >= stop or byte(data, i) != 123:
        return np.int64(-1)
    i += 1
    while True:
        if i < stop and byte(data, i) <= 32:
            i = skip(data, i, stop)
        if i + 3 >= stop or byte(data, i) != 34:
            return np.int64(-1)
        if byte(data, i + 2) == 34 and byte(data, i + 1) < 128:
            slot = _SLOT_OF[byte(data, i + 1)]
            if slot < 0 and not PLAIN[byte(data, i + 1)]:
                return np.int64(-1)
            i += 3
        else:
            i += 1
            start, word = i, np.int64(0)
            while i < stop and PLAIN[byte(data, i)]:
                word = (word << 8) | np.int64(byte(data, i))
                i += 1
            if i >= stop or byte(data, i) != 34:
                return np.int64(-1)
            slot = _slot(word, i - start)
            if slot < -1:
                return np.int64(-1)
            i += 1
        if i < stop and byte(data, i) <= 32:
            i = skip(data, i, stop)
        if i + 1 >= stop or byte(data, i) != 58:
            return np.int64(-1)
        i += 1
        at = FIELDS * slot + 2 * FIELDS  # what means nothing goes to the place before
        if slot >= 0 and work[at] != 0:  # twice: the last one would count
            return np.int64(-1)
        first = byte(data, i)
        if first == 34:
            i += 1
            start, word = i, np.int64(0)
            while i < stop and PLAIN[byte(data, i)]:
                word = (word << 8) | np.int64(byte(data, i))
                i += 1
            if i >= stop or byte(data, i) != 34:
                return np.int64(-1)
            work[at], work[at + 1], work[at + 2], work[at + 3] = TEXT, start, i, word
            i += 1
        elif first >= 49 and first <= 57:
            word = np.int64(0)
            while i < stop and byte(data, i) >= 48 and byte(data, i) <= 57 and word < MOST:
                word = word * 10 + (np.int64(byte(data, i)) - 48)
                i += 1
            work[at], work[at + 1] = NUMBER, word
        else:
            if first <= 32:
                i = skip(data, i, stop)
            if i >= stop:
                return np.int64(-1)
            i = value_of(data, i, stop, work, at)
            if i < 0:
                return np.int64(-1)
        if i < stop and byte(data, i) <= 32:
            i = skip(data, i, stop)
        if i >= stop:
            return np.int64(-1)
        if byte(data, i) == 125:
            return i + 1
        if byte(data, i) != 44:
            return np.int64(-1)
        i += 1
