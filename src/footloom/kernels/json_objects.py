"""Where the objects of a JSON text begin and end: an array, an object a line, or one after the other, pretty or not.

Objects are found by their braces, in one pass over the bytes, which may come in pieces. One that is broken spoils
itself only: the next one that begins as the first did (same first key), at the same place of its line, begins anew.
"""

from __future__ import annotations

import numpy as np
from numba import types

from footloom.core.trades import I64
from footloom.kernels.jit import I64_OUT, INT, U8_IN, jit, part

__all__ = ("AHEAD", "BROKEN", "JUNK", "WHOLE", "begun", "given_up", "in_array", "line", "moved", "scan", "started")

AHEAD = 256
WHOLE, BROKEN, JUNK = 0, 1, 2  # an object; one that does not end; text between objects
_I64_2D = types.Array(types.int64, 2, "C")
# The state: depth of braces, within a string, behind a backslash, line, column, only blanks on this line so far, start
# of the open object and its line, column in which objects begin (-1: not known yet), within junk, open
# arrays around the objects, first key seen.
_DEPTH, _STRING, _ESCAPE, _LINE, _COLUMN, _BLANK, _START, _START_LINE, _INDENT, _JUNK, _ARRAY, _SIGNED, _SIGN = range(
    13
)
_SIGN_BYTES = 6  # of the first key: enough to tell an object from those within it
_QUOTE, _BACKSLASH, _NEWLINE, _OPEN, _CLOSE = 34, 92, 10, 123, 125


def begun() -> I64:
    """Return the state before the first byte."""
    state = np.zeros(_SIGN + _SIGN_BYTES, np.int64)
    state[[_LINE, _BLANK, _INDENT]] = 1, 1, -1
    return state


def started(state: I64) -> tuple[int, int] | None:
    """Return where the open object starts and on which line, None where none is open."""
    return (int(state[_START]), int(state[_START_LINE])) if state[_DEPTH] > 0 else None


def in_array(state: I64) -> bool:
    """Say whether an array around the objects is open."""
    return bool(state[_ARRAY] > 0)


def line(state: I64) -> int:
    """Return the line that was reached."""
    return int(state[_LINE])


def moved(state: I64, start: int) -> None:
    """Say that the open object now starts at another offset of the text."""
    state[_START] = start


def given_up(state: I64) -> None:
    """Forget the open object; what follows of it is junk that was told."""
    state[[_DEPTH, _STRING, _ESCAPE, _START]] = 0
    state[_JUNK] = 1


@part
def _is_blank(byte):
    return byte == 32 or byte == 9 or byte == 13 or byte == 10  # noqa: PLR1714 - a set cannot be compiled


@part
def _is_comma_or_bracket(byte):
    return byte == 44 or byte == 91 or byte == 93  # noqa: PLR1714 - as above


@part
def _same_key(data, i, stop, state):
    # Whether the bytes behind a brace are those of the first object's key; the first object gives them.
    seen, quotes, same, j = 0, 0, True, i + 1
    while j < stop and seen < _SIGN_BYTES and quotes < 2 and j < i + AHEAD:
        if not _is_blank(data[j]):
            quotes += data[j] == _QUOTE
            if state[_SIGNED] == 0:
                state[_SIGN + seen] = data[j]
            same = same and state[_SIGN + seen] == data[j]
            seen += 1
        j += 1
    return same and seen > 1


@part
def _note(found, n, kind, start, end, line):
    found[n, 0], found[n, 1], found[n, 2], found[n, 3] = kind, start, end, line
    return n + 1


@part
def _begin(data, i, stop, state, found, n):
    # A brace outside all objects, or where objects begin: an object begins, and one that is open has no end.
    same = _same_key(data, i, stop, state)
    if state[_DEPTH] > 0:
        if not same:
            return n
        n = _note(found, n, BROKEN, state[_START], i, state[_START_LINE])
        state[_DEPTH] = 0
    state[_SIGNED] = 1
    state[_START], state[_START_LINE], state[_JUNK] = i, state[_LINE], 0
    if state[_BLANK] == 1:
        state[_INDENT] = state[_COLUMN]
    return n


@jit(INT(U8_IN, INT, INT, I64_OUT, _I64_2D))
def scan(data, first, stop, state, found):
    """Write (kind, start, end, line) of what ends in ``data[first:stop]``; returns how many.

    ``data`` goes on for `AHEAD` bytes behind ``stop``, unless it ends: an object is known by its first bytes. ``found``
    has a row for each brace and newline, and four more.
    """
    n, end = 0, len(data)
    for i in range(first, stop):
        byte = data[i]
        if byte == _NEWLINE:  # no string goes over it
            state[_LINE] += 1
            state[_COLUMN], state[_BLANK], state[_STRING], state[_JUNK] = 0, 1, 0, 0
            continue
        if state[_STRING] == 1:
            if state[_ESCAPE] == 1:
                state[_ESCAPE] = 0
            elif byte == _BACKSLASH:
                state[_ESCAPE] = 1
            elif byte == _QUOTE:
                state[_STRING] = 0
        elif byte == _OPEN:
            if state[_DEPTH] == 0 or (state[_BLANK] == 1 and state[_COLUMN] == state[_INDENT]):
                n = _begin(data, i, end, state, found, n)
            state[_DEPTH] += 1
        elif state[_DEPTH] > 0:
            if byte == _QUOTE:
                state[_STRING] = 1
            elif byte == _CLOSE:
                state[_DEPTH] -= 1
                if state[_DEPTH] == 0:
                    n = _note(found, n, WHOLE, state[_START], i + 1, state[_START_LINE])
        elif byte == 91:
            state[_ARRAY] += 1
        elif byte == 93:
            state[_ARRAY] -= 1
        elif state[_JUNK] == 0 and not _is_blank(byte) and not _is_comma_or_bracket(byte):
            n = _note(found, n, JUNK, i, i + 1, state[_LINE])
            state[_JUNK] = 1
        if not _is_blank(byte) and not _is_comma_or_bracket(byte):
            state[_BLANK] = 0
        state[_COLUMN] += 1
    return n
