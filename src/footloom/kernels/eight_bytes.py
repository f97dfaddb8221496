"""Eight bytes of text at once: searched and turned into numbers without a look at each of them.

A word holds eight bytes of the text, the first one lowest. Reading one goes up to seven bytes beyond the text that is
meant: whoever gives the bytes leaves `BEYOND` of them behind the last.
"""

from __future__ import annotations

import sys
from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba import types

from footloom.kernels.jit import bare, intrinsic

__all__ = ("BEYOND", "EIGHT", "MASKS", "as_word", "digits", "load", "number_of", "plain_end")

BEYOND: Final = 8


def as_word(text: str) -> np.uint64:
    """Return the word of a text of up to eight bytes."""
    return np.uint64(int.from_bytes(text.encode(), "little"))


def _every(byte: int) -> np.uint64:
    return np.uint64(byte * 0x0101010101010101)


EIGHT = np.uint64(8)
MASKS = np.array([(1 << (8 * n)) - 1 for n in range(9)], np.uint64)  # of the first n bytes of a word
_ONES, _HIGH, _LOW_BITS = _every(0x01), _every(0x80), _every(0x7F)
_QUOTES, _BACKSLASHES, _BLANKS, _ZEROS = (_every(ord(char)) for char in '"\\ 0')
_BEYOND_NINE = _every(0x80 - 10)
_WORD_BITS = np.uint64(64)
_TEN = np.array([10**n for n in range(9)], np.int64)
# Pairs of digits, then of those, then of those again.
_PAIRS, _FOURS, _ALL = (np.uint64(value) for value in (0x0F0F0F0F0F0F0F0F, 0x00FF00FF00FF00FF, 0x0000FFFF0000FFFF))
_TIMES_10, _TIMES_100, _TIMES_10000 = (np.uint64((10**n << 8 * n) + 1) for n in (1, 2, 4))
_8, _16, _32 = np.uint64(8), np.uint64(16), np.uint64(32)


@intrinsic
def load(_context: Any, array: Any, index: Any) -> Any:
    """Return eight bytes of an array of them, uint64; none of them is asked whether it is there."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        at = builder.bitcast(builder.gep(data, [args[1]]), ir.IntType(64).as_pointer())
        word = builder.load(at, align=1)
        return builder.bswap(word) if sys.byteorder == "big" else word

    return types.uint64(array, index), generate


@intrinsic
def _first(_context: Any, marks: Any) -> Any:
    """Return the place of the first byte of a word whose high bit is set, 8 where there is none; int64."""

    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.lshr(builder.cttz(args[0], ir.IntType(1)(0)), ir.IntType(64)(3))

    return types.int64(marks), generate


@bare
def plain_end(data, i, stop):
    """Return where the plain text ends that starts at ``i``: at a quote, a backslash or what is no printable ASCII.

    ``stop`` or more where that is not before it.
    """
    # A byte that is marked wrongly stands behind one that is marked rightly: a borrow or a carry came from there.
    while i < stop:
        word = load(data, i)
        quotes, backslashes = word ^ _QUOTES, word ^ _BACKSLASHES
        marks = ((quotes - _ONES) & ~quotes) | ((backslashes - _ONES) & ~backslashes)
        marks |= ((word - _BLANKS) & ~word) | word | (word + _ONES)
        marks &= _HIGH
        if marks:
            return i + _first(marks)
        i += 8
    return i


@bare
def digits(word):
    """Return how many digits a word begins with, int64."""
    beyond = word ^ _ZEROS
    return _first((((beyond & _LOW_BITS) + _BEYOND_NINE) | beyond) & _HIGH)


@bare
def number_of(word, count):
    """Return the number of a word's first ``count`` bytes, which are digits, 1 to 8 of them; int64."""
    pairs = ((word << (_WORD_BITS - _8 * np.uint64(count))) & _PAIRS) * _TIMES_10 >> _8
    fours = (pairs & _FOURS) * _TIMES_100 >> _16
    return np.int64((fours & _ALL) * _TIMES_10000 >> _32)
