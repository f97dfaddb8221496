"""Clocks of recorders: what a time written beside a message really says (definitions 1.3).

Programs that record into a database write the local time of their machine, and often label it as UTC. A MongoDB
``ObjectId`` holds the true second in which it was made; whole half hours between the two are a time zone, not a delay.
"""

from __future__ import annotations

import string
from typing import TypeVar

import numpy as np

from footloom.core.trades import I64
from footloom.errors import DataError

__all__ = ("NS", "SLOWEST_NS", "object_id_ns", "told_ns", "usual_offset_ns", "zone_offset_ns")

NS = 1_000_000_000
SLOWEST_NS = 60 * NS  # a receipt that is further before its last trade is no slow clock, but a wrong stamp
Times = TypeVar("Times", int, I64)
_HALF_HOUR_NS = 1_800 * NS
_OBJECT_ID_DIGITS = 24
_SECOND_DIGITS = 8


def object_id_ns(text: str) -> int:
    """Return the second in which a MongoDB ``ObjectId`` was made, ns UTC.

    Raises
    ------
    DataError
        The text is not 24 hexadecimal digits.

    Examples
    --------
    >>> object_id_ns("692fc4cd312afef23e6448b3")
    1764738253000000000
    """
    if len(text) != _OBJECT_ID_DIGITS or not set(text) <= set(string.hexdigits):
        raise DataError(f"{text!r} is no ObjectId: it must be {_OBJECT_ID_DIGITS} hexadecimal digits")
    return int(text[:_SECOND_DIGITS], 16) * NS


def zone_offset_ns(written_ns: int, true_ns: int) -> int:
    """Return how far a written time is ahead by its zone: the difference to the true time in whole half hours, ns.

    What is left (``written - offset - true``) is delay, or a clock that is wrong by less than a quarter of an hour.

    Examples
    --------
    >>> zone_offset_ns(20_000 * NS, 200 * NS) // NS
    19800
    """
    return (written_ns - true_ns + _HALF_HOUR_NS // 2) // _HALF_HOUR_NS * _HALF_HOUR_NS


def usual_offset_ns(written_ns: I64, true_ns: I64) -> int:
    """Return the zone offset that most rows of one recording have, ns; 0 of no rows.

    One row may be late by hours: a message that repeats an old trade, where the only true time is that trade's. Of
    equally many the smaller offset is taken.

    Parameters
    ----------
    written_ns, true_ns
        What the recorder wrote, and a time that is known to be UTC and not far from it, ns, int64 (n,).
    """
    difference = np.asarray(written_ns, np.int64) - np.asarray(true_ns, np.int64)
    if not len(difference):
        return 0
    steps, counts = np.unique((difference + _HALF_HOUR_NS // 2) // _HALF_HOUR_NS, return_counts=True)
    most = steps[counts == counts.max()]
    return int(most[np.argmin(np.abs(most))]) * _HALF_HOUR_NS


def told_ns(traded_ns: Times, received_ns: Times) -> Times:
    """Return when a message was told whose own time is that of its last trade, ns (definitions 7.1).

    That is its receipt: the trade may be older, and is younger only by the clock of a recorder that is slow.

    Examples
    --------
    >>> told_ns(5 * NS, 7 * NS) // NS, told_ns(9 * NS, 7 * NS) // NS, told_ns(900 * NS, 7 * NS) // NS
    (7, 9, 7)
    """
    late = traded_ns - received_ns
    return received_ns + late * ((late > 0) & (late <= SLOWEST_NS))
