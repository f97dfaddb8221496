"""Time at price: the market profile of each session in brackets of half an hour (definitions 4.7).

Each bracket marks every row between its low and its high, once. Point of control and value area are those of the
counts; they are not those of the volume.
"""

from __future__ import annotations

import itertools
import string
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np

from footloom.bars import time
from footloom.core.trades import I64
from footloom.errors import ConfigError
from footloom.kernels.tpo import COLUMNS, fill_tpo
from footloom.studies import value_area as areas
from footloom.studies._periods import Periods, follow, session_starts
from footloom.studies._study import NONE, Answer, Output, Run

__all__ = (
    "OUTPUTS",
    "TITLE",
    "Params",
    "State",
    "TpoProfile",
    "letter",
    "letters",
    "profile_of_brackets",
    "session_profiles",
    "update",
    "warmup",
)

TITLE = "TPO"
OUTPUTS = (
    Output(name="poc", kind="line", unit="row", columns=("poc_row",), title="TPO POC"),
    Output(name="value_area", kind="band", unit="row", columns=("val_row", "vah_row"), title="TPO value area"),
    Output(name="balance", kind="band", unit="row", columns=("ib_low_row", "ib_high_row"), title="initial balance"),
    Output(name="total", kind="column", unit="count", columns=("total",), title="TPOs"),
    Output(name="above", kind="column", unit="flag", columns=("above",), title="range extension up"),
    Output(name="below", kind="column", unit="flag", columns=("below",), title="range extension down"),
    Output(name="high_tail", kind="column", unit="count", columns=("high_tail",), title="rows of the tail on top"),
    Output(name="low_tail", kind="column", unit="count", columns=("low_tail",), title="rows of the tail below"),
    Output(name="singles", kind="column", unit="count", columns=("singles",), title="single prints between"),
    Output(name="poor_high", kind="column", unit="flag", columns=("poor_high",), title="poor high"),
    Output(name="poor_low", kind="column", unit="flag", columns=("poor_low",), title="poor low"),
    Output(name="brackets", kind="column", unit="count", columns=("brackets",), title="brackets traded"),
)

_MOST_ROWS = 1 << 22
_SYMBOLS = string.ascii_uppercase + string.ascii_lowercase
_MINUTE_NS = 60 * 10**9


class Params(areas.Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a bracket is, how many of them are the initial balance, and how the area grows, as in `value_area`."""

    minutes: Annotated[int, msgspec.Meta(ge=1, le=1440, description="length of a bracket")] = 30
    ib_brackets: Annotated[int, msgspec.Meta(ge=1, le=1440, description="brackets of the initial balance")] = 2


class State(msgspec.Struct, frozen=True):
    """The session so far: its open, and its brackets as (number, lowest row, highest row)."""

    session_ns: int | None = None
    brackets: tuple[tuple[int, int, int], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class TpoProfile:
    """The time at price of one session: rows from the lowest to the highest, int64, and in how many brackets each was.

    ``number``, ``low_row``, ``high_row`` are its brackets. ``high_tail_row``, ``low_tail_row`` are the rows of single
    prints that touch an extreme, ``single_row`` those between; ``above`` and ``below`` say whether the session left
    its initial balance.
    """

    row: I64
    count: I64
    poc_row: int
    vah_row: int
    val_row: int
    ib_high_row: int
    ib_low_row: int
    above: bool
    below: bool
    high_tail_row: I64
    low_tail_row: I64
    single_row: I64
    poor_high: bool
    poor_low: bool
    number: I64
    low_row: I64
    high_row: I64

    @property
    def total(self) -> int:
        """The sum of the counts."""
        return int(self.count.sum())


def letter(number: int) -> str:
    """Return the name of a bracket: A to Z, a to z, then A2 and so on.

    Examples
    --------
    >>> letter(0), letter(26), letter(52)
    ('A', 'a', 'A2')
    """
    turn, place = divmod(number, len(_SYMBOLS))
    return _SYMBOLS[place] + (str(turn + 1) if turn else "")


def letters(profile: TpoProfile) -> list[str]:
    """Return the letters of each row, from the lowest to the highest: which brackets traded through it."""
    brackets = list(zip(profile.number.tolist(), profile.low_row.tolist(), profile.high_row.tolist(), strict=True))
    return ["".join(letter(n) for n, low, high in brackets if low <= row <= high) for row in profile.row.tolist()]


def profile_of_brackets(number: I64, low_row: I64, high_row: I64, params: Params) -> TpoProfile:
    """Return the profile of one session's brackets: their numbers since its open, ascending, and their range of rows.

    Raises
    ------
    ConfigError
        There are no brackets, or the range is too wide for this step.
    """
    if not len(number):
        raise ConfigError("a TPO profile needs at least one bracket, got none")
    live = np.ones(len(number), np.int64)
    columns, _ = _fold(live, (number, low_row, high_row), (), params)
    last = dict(zip(COLUMNS, columns[:, -1].tolist(), strict=True))
    row = np.arange(low_row.min(), high_row.max() + 1)
    edges = np.bincount(low_row - row[0], minlength=len(row) + 1)
    count = np.cumsum(edges - np.bincount(high_row + 1 - row[0], minlength=len(row) + 1))[:-1]
    top, bottom = len(row) - last["high_tail"], last["low_tail"]
    between = slice(bottom, max(top, bottom))
    return TpoProfile(
        row=row,
        count=count,
        high_tail_row=row[top:],
        low_tail_row=row[:bottom],
        single_row=row[between][count[between] == 1],
        number=number,
        low_row=low_row,
        high_row=high_row,
        **{name: last[name] for name in ("poc_row", "vah_row", "val_row", "ib_high_row", "ib_low_row")},
        **{name: bool(last[name]) for name in ("above", "below", "poor_high", "poor_low")},
    )


def session_profiles(run: Run, params: Params) -> dict[int, TpoProfile]:
    """Return the time at price of each session of a run by its open, ns UTC.

    Raises
    ------
    ConfigError
        The bars do not divide the brackets.
    """
    periods = follow(session_starts(run.footprint, run.calendar), None)
    number, low, high = _places(run, periods, params)
    made = {}
    for start, stop in _sessions(periods):
        live = np.flatnonzero(periods.live[start:stop]) + start
        if len(live):
            first = np.flatnonzero(np.diff(number[live], prepend=-1))
            ranges = np.minimum.reduceat(low[live], first), np.maximum.reduceat(high[live], first)
            made[int(periods.key[live[0]])] = profile_of_brackets(number[live][first], *ranges, params)
    return made


def warmup(params: Params) -> int:  # noqa: ARG001 - the same for any
    """Return -1: everything since the session's open counts."""
    return -1


def update(run: Run, params: Params, state: State) -> tuple[Answer, State]:
    """Return the session's time at price as of each bar, int64.

    ``poc_row``, ``vah_row``, ``val_row``, ``ib_high_row``, ``ib_low_row``: rows. ``total``: the sum of the counts.
    ``above``, ``below``: 1 where the session left its initial balance. ``high_tail``, ``low_tail``, ``singles``: rows
    of single prints at the extremes and between. ``poor_high``, ``poor_low``: 1 where the extreme was traded in two
    brackets or more. ``brackets``: how many there are. Bars must divide the brackets.
    """
    areas.check(params)
    periods = follow(session_starts(run.footprint, run.calendar), state.session_ns)
    places = _places(run, periods, params)
    pieces, brackets = [np.empty((len(COLUMNS), 0), np.int64)], state.brackets
    for start, stop in _sessions(periods):
        held = () if periods.fresh[start] else brackets
        part = tuple(column[start:stop] for column in places)
        columns, brackets = _fold(periods.live[start:stop].astype(np.int64), part, held, params)
        pieces.append(columns)
    if len(run) and periods.key[-1] != NONE:
        state = State(int(periods.key[-1]), brackets)
    answer = np.concatenate(pieces, axis=1)
    return Answer(bars=dict(zip(COLUMNS, answer, strict=True))), state


def _places(run: Run, periods: Periods, params: Params) -> tuple[I64, I64, I64]:
    # The bracket of each bar, and its lowest and highest row.
    footprint, bars = run.footprint, run.footprint.bars
    rule, length_ns = time.parse(footprint.bar_rule), params.minutes * _MINUTE_NS
    if rule is None or length_ns % rule.length_ns:
        raise ConfigError(
            f"TPO counts brackets of {params.minutes} minutes, which bars of {footprint.bar_rule} do not divide: "
            "choose time bars that do, such as 1m or 5m, or other minutes"
        )
    number = np.where(periods.live, (bars.open_ns - periods.key) // length_ns, 0)
    return number, bars.low_tick // footprint.ticks_per_level, bars.high_tick // footprint.ticks_per_level


def _sessions(periods: Periods) -> Iterator[tuple[int, int]]:
    if len(periods.key):
        cuts = np.unique(np.concatenate([[0], np.flatnonzero(periods.fresh), [len(periods.key)]]))
        yield from itertools.pairwise(cuts.tolist())


def _fold(
    live: I64, places: tuple[I64, ...], held: tuple[tuple[int, int, int], ...], params: Params
) -> tuple[I64, tuple[tuple[int, int, int], ...]]:
    # One session, or what is left of it: its columns, and its brackets to carry on.
    number, low, high = places
    table = np.zeros((3, len(held) + len(live)), np.int64)
    table[:, : len(held)] = np.array(held, np.int64).reshape(-1, 3).T
    count = np.array([len(held)])
    there = live > 0
    lows, highs = (
        np.concatenate([low[there], table[1, : len(held)]]),
        np.concatenate([high[there], table[2, : len(held)]]),
    )
    lowest, highest = (int(lows.min()), int(highs.max())) if len(lows) else (0, -1)
    if highest - lowest >= _MOST_ROWS:
        raise ConfigError(
            f"a session's TPO from row {lowest} to {highest} has more than {_MOST_ROWS:,} rows: choose a larger "
            "ticks_per_level"
        )
    row = np.arange(lowest, highest + 1)
    out = np.empty((len(COLUMNS), len(live)), np.int64)
    fill_tpo(
        *(live, number, low, high, row, params.ib_brackets, *areas.kernel_terms(params)),
        *(table, count, np.zeros(len(row), np.int64), out),
    )
    return out, tuple(tuple(one) for one in table[:, : count[0]].T.tolist())
