"""Plain JSON objects, read where they stand: which known key holds what, without making a text or a number object.

Plain are text without escapes, whole numbers without a sign, ``true``, ``false`` and ``null``; an object that holds
anything else has no answer. Eight bytes are looked at at once (`footloom.kernels.eight_bytes`).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from footloom.kernels.eight_bytes import EIGHT, MASKS, as_word, digits, load, number_of, plain_end
from footloom.kernels.jit import bare

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
    "MOST_DIGITS",
    "NULL",
    "NUMBER",
    "SLOTS",
    "TEXT",
    "TRUE",
    "byte",
    "key_of",
    "object_of",
    "short_word",
    "skip",
    "value_of",
)

# Keys that mean something, each with its place among the values; all others may hold any plain value.
_KEYS = ("e", "E", "T", "s", "a", "t", "p", "q", "m", "M", "X", "st", "nq", "S", "v", "i", "BT", "seq")
SLOTS = len(_KEYS)
K_E, K_EVENT, K_T, K_S, K_A, K_TID, K_P, K_Q, K_M, K_SPOT_M, K_X, K_ST, K_NQ, K_TAKER, K_V, K_I, K_BT, K_SEQ = range(
    SLOTS
)
# Of each letter: the place of its key, -1 where it means nothing, -2 where no plain text holds it.
_SLOT_OF = np.array([-1 if 32 <= letter < 127 and letter not in b'"\\' else -2 for letter in range(128)])
for _name in _KEYS:
    if len(_name) == 1:
        _SLOT_OF[ord(_name)] = _KEYS.index(_name)
# Of each value: what it is; the number, or where the text starts; where it ends.
TEXT, NUMBER, TRUE, FALSE, NULL = 1, 2, 3, 4, 5
FIELDS = 3
MOST_DIGITS: Final = 18  # a number that is longer has no answer
_TEN = np.array([10**n for n in range(9)], np.int64)

_TRUE_WORD, _FALSE_WORD, _NULL_WORD, _DATA_WORD = map(as_word, ("true", "false", "null", "data"))
_ST_WORD, _NQ_WORD, _BT_WORD, _SEQ_WORD = map(as_word, ("st", "nq", "BT", "seq"))
# A key of one letter: its quotes, and what of a word they are; the letter is ASCII.
_LETTER, _LETTER_MASK = np.uint64(0x220022), np.uint64(0xFF80FF)
_8, _BYTE = np.uint64(8), np.uint64(0xFF)


@bare
def byte(data, i):
    """Return ``data[i]`` without asking whether ``i`` counts from the end, which took a sixth of the time."""
    return data[np.uint64(i)]


@bare
def skip(data, i, stop):
    """Return where blanks that start at ``i`` end."""
    while i < stop and (byte(data, i) == 32 or byte(data, i) == 10 or byte(data, i) == 13 or byte(data, i) == 9):
        i += 1
    return i


@bare
def short_word(data, start, stop):
    """Return the word of a text, of its first eight bytes where it is longer; uint64."""
    return load(data, start) & MASKS[min(np.uint64(stop - start), EIGHT)]


@bare
def _slot(key, length):
    if length == 2:
        return K_ST if key == _ST_WORD else K_NQ if key == _NQ_WORD else K_BT if key == _BT_WORD else -1
    if length == 4 and key == _DATA_WORD:
        return -2  # an object around others: not here
    return K_SEQ if length == 3 and key == _SEQ_WORD else -1


@bare
def key_of(data, i, stop, work):
    """Read a key and its colon; return where the value starts, or -1.

    Where the key starts and ends is left in ``work[0]`` and ``work[1]``.
    """
    if i < stop and byte(data, i) <= 32:
        i = skip(data, i, stop)
    if i >= stop or byte(data, i) != 34:
        return np.int64(-1)
    work[0] = i + 1
    i = plain_end(data, i + 1, stop)
    if i + 2 >= stop or byte(data, i) != 34:
        return np.int64(-1)
    work[1] = i
    i += 1
    if byte(data, i) <= 32:
        i = skip(data, i, stop)
    if i + 1 >= stop or byte(data, i) != 58:
        return np.int64(-1)
    i += 1
    if byte(data, i) <= 32:
        i = skip(data, i, stop)
    return i if i < stop else np.int64(-1)


@bare
def _number(data, i):
    # The whole number that starts with a digit at `i`, and where it ends: -1 where it is too long.
    word = load(data, i)
    count = digits(word)
    number = number_of(word, count)
    if count < 8:
        return number, i + count
    word = load(data, i + 8)
    more = digits(word)
    if more:
        number = number * _TEN[more] + number_of(word, more)
    if more < 8:
        return number, i + 8 + more
    word = load(data, i + 16)
    more = digits(word)
    if more:
        number = number * _TEN[more] + number_of(word, more)
    return number, i + 16 + more if more <= MOST_DIGITS - 16 else np.int64(-1)


@bare
def value_of(data, i, stop, work, at):
    """Read a plain value into ``work[at : at + FIELDS]``; return where it ends, or -1."""
    word = load(data, i)
    first = word & _BYTE
    if first == 34:
        end = plain_end(data, i + 1, stop)
        if end >= stop or byte(data, end) != 34:
            return np.int64(-1)
        work[at], work[at + 1], work[at + 2] = TEXT, i + 1, end
        return end + 1
    if first >= 48 and first <= 57:
        number, end = _number(data, i)
        work[at], work[at + 1] = NUMBER, number
        return end if first != 48 or end == i + 1 else np.int64(-1)
    if word & MASKS[5] == _FALSE_WORD:
        work[at] = FALSE
        return i + 5
    word &= MASKS[4]
    work[at] = TRUE if word == _TRUE_WORD else NULL
    return i + 4 if work[at] == TRUE or word == _NULL_WORD else np.int64(-1)


@bare
def object_of(data, i, stop, work):
    """Read an object of plain values that starts at ``i``; return where it ends, or -1.

    Key number ``k`` stands in ``work`` at ``FIELDS * k + 2 * FIELDS``: what it is (0 where it is absent), the number or
    where the text starts, where that ends.
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
        word = load(data, i)
        if i + 3 >= stop or word & _BYTE != 34:
            return np.int64(-1)
        if word & _LETTER_MASK == _LETTER:
            slot = _SLOT_OF[(word >> _8) & _BYTE]
            i += 3
        else:
            end = plain_end(data, i + 1, stop)
            if end >= stop or byte(data, end) != 34:
                return np.int64(-1)
            slot = _slot(short_word(data, i + 1, end), end - i - 1)
            i = end + 1
        if slot < -1:
            return np.int64(-1)
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
            end = plain_end(data, i + 1, stop)
            if end >= stop or byte(data, end) != 34:
                return np.int64(-1)
            work[at], work[at + 1], work[at + 2] = TEXT, i + 1, end
            i = end + 1
        elif first >= 49 and first <= 57:
            number, i = _number(data, i)
            work[at], work[at + 1] = NUMBER, number
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
