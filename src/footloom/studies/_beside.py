"""Other symbols beside a chart: what a study reads of their trades, cut by the chart's own bars (definitions 6.15).

A study that reads them has ``companions(params)``, their names, and ``reads_from(footprint, params, state)``. What it
gets is `Beside`: prices and quantities of all in common units, whole numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, Protocol, runtime_checkable

import msgspec
import numpy as np
from numpy.typing import NDArray

from footloom.core.footprint import Footprint
from footloom.core.instrument import Instrument, split_key
from footloom.core.sessions import calendar
from footloom.core.trades import I64
from footloom.errors import ConfigError
from footloom.studies._sessions import begins_after_rest

__all__ = (
    "Beside",
    "Companion",
    "Heard",
    "Joining",
    "OneSymbol",
    "Quiet",
    "SeveralSymbols",
    "Stretch",
    "keys_of",
    "reads_from",
    "stretches",
)

_MOST = 16
_APART = re.compile(r"[,;]|\s+(?=[^\s,;:]+:)")  # a name may have blanks: upstox:NSE_INDEX|India VIX
_SECOND_NS = 10**9

OneSymbol = Annotated[
    str, msgspec.Meta(max_length=120, description="VENUE:SYMBOL", extra_json_schema={"format": "symbol"})
]
SeveralSymbols = Annotated[
    str,
    msgspec.Meta(
        max_length=1000, description="VENUE:SYMBOL, several apart by commas", extra_json_schema={"format": "symbols"}
    ),
]
Quiet = Annotated[int, msgspec.Meta(ge=1, le=86_400, description="s; after a longer silence nothing is known")]


@dataclass(frozen=True, slots=True, eq=False)
class Companion:
    """Trades of another symbol, oldest first, in the units of its `Beside`.

    ``ts_ns`` is when (ns UTC), ``price`` at which price, int64 (n,); ``running`` what was bought so far less what was
    sold, int64 (n + 1,) from before the first on. ``gaps`` is where trades are missing, ns UTC, int64 (m, 2).
    """

    ts_ns: I64
    price: I64
    running: I64
    gaps: I64

    def before(self, at_ns: I64) -> I64:
        """Return how many rows stand before each time."""
        return np.searchsorted(self.ts_ns, at_ns, side="left").astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """Companions by their names, and the units that they and the chart share.

    ``base_unit`` is of the base asset, ``price_unit`` of the price: whole numbers count them. ``own_lot`` is one of the
    chart's lots in base units, 0 where its contracts are inverse: its own trades are then among the companions.
    ``own_tick`` is one of its ticks in price units.
    """

    own: Instrument
    instruments: Mapping[str, Instrument]
    base_unit: Decimal
    price_unit: Decimal
    own_lot: int
    own_tick: int
    tapes: Mapping[str, Companion] = field(default_factory=dict)


@runtime_checkable
class Joining(Protocol):
    """A study that reads other symbols too."""

    def companions(self, params: Any) -> tuple[str, ...]:
        """Return the names of the symbols that it reads beside the chart's own."""

    def reads_from(self, footprint: Footprint, params: Any, state: Any) -> int:
        """Return from when on it reads them to answer for these bars, ns UTC."""


class Heard(msgspec.Struct, frozen=True):
    """Up to when companions were read, ns UTC, and the time and the price of the newest row of each before that."""

    to_ns: int | None = None
    newest: dict[str, tuple[int, int]] = {}


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """What is known of a companion as of each bar's close (n_bars,).

    ``rows``: how many of its rows stand before the close. ``price``: that of the newest, and ``has_price`` whether it
    stands yet. ``is_whole``: nothing of it is missing since the bar before.
    """

    rows: I64
    price: I64
    has_price: NDArray[np.bool_]
    is_whole: NDArray[np.bool_]


def keys_of(text: str) -> tuple[str, ...]:
    """Return the symbols that a setting names, each once.

    Raises
    ------
    ConfigError
        One of them is no name of a symbol, or there are too many.
    """
    keys = tuple(dict.fromkeys(word.strip() for word in _APART.split(text) if word.strip()))
    for key in keys:
        split_key(key)
    if len(keys) > _MOST:
        raise ConfigError(f"{len(keys)} symbols are named, at most {_MOST} are read beside a chart: leave some out")
    return keys


def reads_from(footprint: Footprint, quiet_s: int, heard: Heard) -> int:
    """Return from when on companions are read, ns UTC.

    Where they were read up to; at first so long before the first bar that a price from before it may stand.
    """
    return int(footprint.bars.open_ns[0]) - quiet_s * _SECOND_NS if heard.to_ns is None else heard.to_ns


def stretches(
    footprint: Footprint, beside: Beside | None, quiet_s: int, heard: Heard, starts_ns: I64 | None = None
) -> tuple[dict[str, Stretch], I64, Heard]:
    """Return what is known of each companion, from when on each bar counts its rows, ns UTC, and what to carry on.

    A bar counts what traded before its close and not before the close of the bar before it; the first bar of all counts
    from its own open on. So what is said at a close depends on nothing behind it, whatever rule cuts the bars. Of what
    is counted since the start of a period, ``starts_ns`` of each bar, nothing before it counts.
    """
    bars = footprint.bars
    if not len(bars):
        return {}, np.empty(0, np.int64), heard
    first_ns = int(bars.open_ns[0]) if heard.to_ns is None else heard.to_ns
    since = np.concatenate([[first_ns], bars.close_ns[:-1]])
    if starts_ns is not None:
        since = np.minimum(np.maximum(since, starts_ns), bars.close_ns)
    tapes = {} if beside is None else beside.tapes
    found = {key: _stretch(tape, footprint, since, quiet_s, heard.newest.get(key)) for key, tape in tapes.items()}
    newest = dict(heard.newest)
    for key, tape in tapes.items():
        count = int(found[key].rows[-1])
        if count:
            newest[key] = int(tape.ts_ns[count - 1]), int(tape.price[count - 1])
    return found, since, Heard(int(bars.close_ns[-1]), dict(sorted(newest.items())))


def _stretch(
    tape: Companion, footprint: Footprint, since: I64, quiet_s: int, newest: tuple[int, int] | None
) -> Stretch:
    bars = footprint.bars
    before_ns, before = newest or (-(2**62), 0)
    ts, price = np.concatenate([[before_ns], tape.ts_ns]), np.concatenate([[before], tape.price])
    rows = tape.before(bars.close_ns)
    newest_ns = ts[rows]
    # A silence that ends within a bar, and one that still lasts when the bar last trades: both are known at its close.
    # Where the chart's market rests, silence is no outage: it counts from the open on.
    opens = begins_after_rest(footprint, calendar(footprint.instrument.calendar))
    opens = opens[np.minimum(np.searchsorted(bars.close_ns, tape.ts_ns, side="right"), len(opens) - 1)]
    long = tape.ts_ns - np.maximum(ts[:-1], opens) > quiet_s * _SECOND_NS
    silent = np.concatenate([[0], np.cumsum(long & (tape.ts_ns >= opens))])
    broken = silent[rows] > silent[tape.before(since)]
    lasts = bars.last_ns - newest_ns > quiet_s * _SECOND_NS
    return Stretch(
        rows=rows,
        price=price[rows],
        has_price=~(lasts | _touched(tape.gaps, newest_ns, bars.last_ns + 1)),
        is_whole=~(lasts | broken | _touched(tape.gaps, since, bars.close_ns)),
    )


# Whether a gap lies, if in part, within each `[from_ns, to_ns)`.
def _touched(gaps: I64, from_ns: I64, to_ns: I64) -> NDArray[np.bool_]:
    touched = np.zeros(len(from_ns), np.bool_)
    for begins, ends in gaps.tolist():
        touched |= (from_ns < ends) & (to_ns > begins)
    return touched
