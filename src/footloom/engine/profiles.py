"""Volume profiles of bars: of a session, a range of time or of bars, or sessions together (definitions 4.5).

A profile is a sum of cells, so it is exact; it never holds a part of a bar.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from footloom.core.decimals import from_units
from footloom.core.footprint import Footprint, Levels
from footloom.core.instrument import Instrument, check_same_grid
from footloom.core.sessions import Calendar, calendar
from footloom.core.trades import I64
from footloom.errors import ConfigError, DataError
from footloom.studies import find_study, hvn_lvn, make_params
from footloom.studies import value_area as areas
from footloom.studies._periods import session_starts, whole_starts
from footloom.studies._study import NONE

__all__ = ("Convention", "Profile", "composite", "fixed_range", "of_prices", "session_profiles", "visible_range")

Convention = Literal["footloom", "market_profile"]

_NOTHING = np.empty(0, np.int64)
_MOST_ROWS = 1 << 22


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """The rows of some bars added up, with their point of control, value area and volume nodes.

    ``levels``: the rows that traded, ascending (`contiguous` has the empty ones too); buys, sells, unknown in lots.
    ``[from_ns, to_ns)`` is what it covers, ns UTC; ``bars`` how many bars were added. Rows are named by their low edge,
    in steps of ``ticks_per_level``. ``area`` and ``nodes`` are the settings that the answers were found with.
    """

    instrument: Instrument
    ticks_per_level: int
    from_ns: int
    to_ns: int
    bars: int
    levels: Levels
    poc_row: int
    vah_row: int
    val_row: int
    hvn_row: I64
    lvn_row: I64
    area: areas.Params
    nodes: hvn_lvn.Params
    convention: Convention = "footloom"

    @property
    def vah_edge_row(self) -> int:
        """The row whose label is the top edge of the value area."""
        return self.vah_row + (self.convention == "footloom")

    @property
    def poc(self) -> str:
        """The price of the point of control, exactly."""
        return self.price(self.poc_row)

    @property
    def vah(self) -> str:
        """The label of the value area's highest row, exactly."""
        return self.price(self.vah_row)

    @property
    def val(self) -> str:
        """The label of the value area's lowest row, exactly."""
        return self.price(self.val_row)

    @property
    def vah_edge(self) -> str:
        """The top edge of the value area, exactly."""
        return self.price(self.vah_edge_row)

    @property
    def volume_lot(self) -> int:
        """All that traded, lots."""
        return int(self.levels.volume_lot.sum())

    @property
    def delta_lot(self) -> int:
        """Buys less sells, lots."""
        return int(self.levels.delta_lot.sum())

    def price(self, row: int) -> str:
        """Return the label of a row as exact decimal text."""
        return from_units(row * self.ticks_per_level, self.instrument.tick_size)

    def contiguous(self) -> Levels:
        """Return every row from the lowest to the highest, the empty ones as zeros.

        Raises
        ------
        ConfigError
            There are more than four million.
        """
        rows = self.levels.row
        lowest, count = int(rows[0]), int(rows[-1] - rows[0]) + 1
        if count > _MOST_ROWS:
            raise ConfigError(
                f"the profile reaches over {count:,} rows of {self.ticks_per_level} ticks, more than {_MOST_ROWS:,} "
                "are not written out: take a larger ticks_per_level, or `levels`, which holds the traded ones"
            )
        columns = [np.arange(lowest, lowest + count)]
        for name in Levels.__slots__[1:]:
            column = np.zeros(count, np.int64)
            column[rows - lowest] = getattr(self.levels, name)
            columns.append(column)
        return Levels(*columns)

    def __repr__(self) -> str:
        return (
            f"<Profile {self.instrument.key}, {self.ticks_per_level} ticks a level: {self.bars:,} bars, "
            f"{len(self.levels):,} levels, POC {self.poc}, value area {self.val} to {self.vah}>"
        )


def session_profiles(footprint: Footprint, hours: Calendar | None = None, **settings: Any) -> list[Profile]:
    """Return the profile of each session, oldest first; bars outside the sessions count to none.

    The last one is that of a session which may still run. ``hours`` are other sessions than the market's own, such as
    those of London: bars across an edge of theirs count to none. ``settings`` are those of `value_area` (``method``,
    ``pct``, ``tie``) and of `hvn_lvn` (``k``, ``high_percent``, ``low_percent``, ``smooth``).

    Raises
    ------
    ConfigError
        A setting is unknown or out of its range.
    """
    market = calendar(footprint.instrument.calendar)
    starts = session_starts(footprint, market) if hours is None else whole_starts(footprint, hours)
    live = np.flatnonzero(starts != NONE)
    first = np.flatnonzero(np.diff(starts[live], prepend=NONE))
    return [
        replace(_profile(footprint, int(bars[0]), int(bars[-1]) + 1, settings), from_ns=int(starts[bars[0]]))
        for bars in np.split(live, first[1:])
        if len(bars)
    ]


def visible_range(footprint: Footprint, first: int, stop: int, **settings: Any) -> Profile:
    """Return the profile of the bars ``first : stop``. It is what somebody looks at: no signal may use it.

    Raises
    ------
    ConfigError
        The range holds no bar, or a setting cannot be (see `session_profiles`).
    """
    if not 0 <= first < stop <= len(footprint):
        raise ConfigError(f"bars {first} to {stop} are no range of {len(footprint)} bars: write 0 <= first < stop")
    return _profile(footprint, first, stop, settings)


def fixed_range(footprint: Footprint, from_ns: int, to_ns: int, **settings: Any) -> Profile:
    """Return the profile of ``[from_ns, to_ns)``, ns UTC.

    Raises
    ------
    ConfigError
        The range is empty, or begins or ends between the trades of one bar, which cannot be divided any more; or a
        setting cannot be (see `session_profiles`).
    """
    bars = footprint.bars
    if to_ns <= from_ns:
        raise ConfigError(f"the range is empty: it starts at {from_ns} and ends at {to_ns} ns")
    for edge, what in ((from_ns, "begins"), (to_ns, "ends")):
        cut = np.flatnonzero((bars.first_ns < edge) & (bars.last_ns >= edge))
        if len(cut):
            opened, closed = int(bars.open_ns[cut[0]]), int(bars.close_ns[cut[0]])
            raise ConfigError(
                f"the range {what} at {edge} ns, within the bar of {footprint.bar_rule} from {opened} to {closed}: "
                "take one of its edges, or build the bars from the trades of the range"
            )
    inside = np.flatnonzero((bars.first_ns >= from_ns) & (bars.last_ns < to_ns))
    if not len(inside):
        raise ConfigError(f"nothing traded from {from_ns} to {to_ns} ns in {footprint!r}")
    made = _profile(footprint, int(inside[0]), int(inside[-1]) + 1, settings)
    return replace(made, from_ns=from_ns, to_ns=to_ns)


def composite(profiles: Sequence[Profile], **settings: Any) -> Profile:
    """Return several profiles of one symbol added up, such as the sessions of a week.

    Raises
    ------
    ConfigError
        There are none, or their rows are of different heights, or a setting cannot be (see `session_profiles`).
    DataError
        They are of different symbols (prices as traded and adjusted ones are), their ticks or lots differ, or two of
        them cover the same time and would count it twice.
    """
    if not profiles:
        raise ConfigError("a composite needs at least one profile, got none")
    ordered = sorted(profiles, key=lambda profile: profile.from_ns)
    first = ordered[0]
    for before, profile in itertools.pairwise(ordered):
        if profile.instrument.key != first.instrument.key:
            raise DataError(
                f"profiles never mix: one is of {first.instrument.key}, one of {profile.instrument.key}; add up those "
                "of one symbol"
            )
        check_same_grid(first.instrument, profile.instrument)
        if (profile.ticks_per_level, profile.convention) != (first.ticks_per_level, first.convention):
            raise ConfigError(
                f"rows of {first.ticks_per_level} and of {profile.ticks_per_level} ticks ({first.convention}, "
                f"{profile.convention}) do not add up: build both with the same ticks_per_level"
            )
        if profile.from_ns < before.to_ns:
            raise DataError(
                f"two profiles cover {profile.from_ns} ns: one until {before.to_ns}, one from {profile.from_ns}; what "
                "both hold would count twice"
            )
    area, nodes = _settings(settings)
    levels = _added([profile.levels for profile in ordered])
    count = sum(profile.bars for profile in ordered)
    frame = first.instrument, first.ticks_per_level, first.from_ns, ordered[-1].to_ns, count
    return _answer(frame, levels, area, nodes, first.convention)


def of_prices(
    instrument: Instrument,
    price_tick: I64,
    qty_lot: I64,
    ticks_per_level: int,
    convention: Convention = "footloom",
    **settings: Any,
) -> Profile:
    """Return the profile of prices with their volumes, of whatever was not bars: closes, or somebody's table.

    ``price_tick``, ``qty_lot`` int64 (n,). ``market_profile`` is the convention of a known program, to compare with:
    rows are named by their top edge (rounded up), rows without volume do not exist, the area takes one row at a time,
    the upper on a tie, and goes on while it holds no more than the share. ``from_ns`` and ``to_ns`` are 0.

    Raises
    ------
    ConfigError
        There is no volume, or a setting cannot be (see `session_profiles`).
    """
    if ticks_per_level < 1:
        raise ConfigError(f"ticks_per_level must be a whole number of at least 1, got {ticks_per_level}")
    price, quantity = np.asarray(price_tick, np.int64), np.asarray(qty_lot, np.int64)
    traded = quantity > 0
    if not traded.any():
        raise ConfigError(f"a profile needs volume, got {len(quantity)} prices without any")
    upwards = convention == "market_profile"
    row = -(-price[traded] // ticks_per_level) if upwards else price[traded] // ticks_per_level
    zeros, ones = np.zeros(len(row), np.int64), np.ones(len(row), np.int64)
    levels = _added([Levels(row, zeros, zeros, quantity[traded], ones)])
    return _answer((instrument, ticks_per_level, 0, 0, 0), levels, *_settings(settings), convention)


def _profile(footprint: Footprint, first: int, stop: int, settings: dict[str, Any]) -> Profile:
    piece = footprint.slice(first, stop)
    span = int(piece.bars.open_ns[0]), int(piece.bars.close_ns[-1])
    frame = footprint.instrument, footprint.ticks_per_level, *span, len(piece)
    return _answer(frame, _added([piece.levels]), *_settings(settings))


def _settings(settings: dict[str, Any]) -> tuple[areas.Params, hvn_lvn.Params]:
    ours = set(areas.Params.__struct_fields__)
    area: areas.Params = make_params(
        find_study("value_area"), {name: value for name, value in settings.items() if name in ours}
    )
    nodes: hvn_lvn.Params = make_params(
        find_study("hvn_lvn"), {name: value for name, value in settings.items() if name not in ours}
    )
    areas.check(area)
    return area, nodes


def _added(pieces: Sequence[Levels]) -> Levels:
    # Whole numbers in a stable order: sums are exact, whatever the pieces.
    joined = [np.concatenate([getattr(piece, name) for piece in pieces]) for name in Levels.__slots__]
    order = np.argsort(joined[0], kind="stable")
    row = joined[0][order]
    first = np.flatnonzero(np.concatenate([[True], row[1:] != row[:-1]]))
    return Levels(row[first], *(np.add.reduceat(column[order], first) for column in joined[1:]))


def _answer(
    frame: tuple[Instrument, int, int, int, int],
    levels: Levels,
    area: areas.Params,
    nodes: hvn_lvn.Params,
    convention: Convention = "footloom",
) -> Profile:
    volume = levels.volume_lot
    if convention == "market_profile":
        poc, vah, val = _market_profile_area(levels.row, volume, area)
        found = hvn_lvn.Nodes(_NOTHING, _NOTHING)
    else:
        made = areas.value_area_of_levels(levels.row, volume, area)
        poc, vah, val = int(made.poc_row[0]), int(made.vah_row[0]), int(made.val_row[0])
        found = hvn_lvn.nodes_of_rows(levels.row, volume, nodes)
    return Profile(*frame, levels, poc, vah, val, found.hvn_row, found.lvn_row, area, nodes, convention)


def _market_profile_area(row: I64, volume: I64, area: areas.Params) -> tuple[int, int, int]:
    share, whole, _, _ = areas.kernel_terms(area)
    lots = volume.tolist()
    most = max(lots)
    # Nearest to half the number of rows, counted from zero, which is half a row above their middle.
    poc = min((i for i, held in enumerate(lots) if held == most), key=lambda i: (abs(2 * i - len(lots)), i))
    low = high = poc
    inside, total = lots[poc], sum(lots)
    while inside * whole <= total * share and (low > 0 or high < len(lots) - 1):
        above = lots[high + 1] if high + 1 < len(lots) else -1
        below = lots[low - 1] if low > 0 else -1
        if above >= below:
            high, inside = high + 1, inside + above
        else:
            low, inside = low - 1, inside + below
    return int(row[poc]), int(row[high]), int(row[low])
