"""Price makes a new swing and cumulative delta does not: divergence between two pivots (definitions 3.3).

A pivot at bar ``i`` is known at the close of bar ``i + right``, and so is a signal that ends in it. The sum is the
study's own and goes on through sessions unless ``reset`` says otherwise, whatever the page shows.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from footloom.core.footprint import BAR_GAP
from footloom.core.trades import I64
from footloom.studies import cvd as sums
from footloom.studies._study import Answer, Output, Run

__all__ = ("OUTPUTS", "TITLE", "Params", "State", "pivots", "update", "warmup")

TITLE = "CVD divergence"
OUTPUTS = (
    Output(name="cvd", kind="line", unit="lot", columns=("cvd",), title="CVD without resets"),
    Output(name="swing", kind="marker", unit="tick", columns=("first_tick", "second_tick"), title="both pivots"),
    Output(name="sums", kind="marker", unit="lot", columns=("first_cvd", "second_cvd"), title="CVD at both pivots"),
    Output(name="times", kind="marker", unit="ns", columns=("first_ns", "second_ns"), title="opens of both pivots"),
    Output(name="side", kind="marker", unit="side", columns=("side",), title="bullish +1, bearish -1"),
    Output(name="hidden", kind="marker", unit="flag", columns=("hidden",), title="hidden divergence"),
)

Swings = Annotated[int, msgspec.Meta(ge=1, le=100, description="bars")]


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many bars a pivot overtops on its left and right, and how far two neighbouring pivots may be apart.

    A swing counts when price differs by more than ``eps_tick``. ``hidden`` tells of the reverse too: a lower high on a
    higher sum, a higher low on a lower one. ``reset`` begins the sum again; no signal crosses that.
    """

    left: Swings = 2
    right: Swings = 2
    min_sep: Annotated[int, msgspec.Meta(ge=1, le=10_000, description="bars")] = 2
    max_sep: Annotated[int, msgspec.Meta(ge=1, le=10_000, description="bars")] = 60
    eps_tick: Annotated[int, msgspec.Meta(ge=0, le=2**62, description="ticks")] = 0
    hidden: bool = False
    reset: Literal["never", "session", "day", "week", "month"] = "never"


class State(msgspec.Struct, frozen=True):
    """The sum and how often a gap touched the bars so far; the last bars and the last pivots, as int64 bytes.

    The last bars are those that a pivot may still need, the last pivots the latest high and the latest low.
    """

    bars: int = 0
    cvd_lot: int = 0
    anchor_ns: int | None = None
    gaps: int = 0
    recent: bytes = b""
    high: bytes = b""
    low: bytes = b""


# The rows of a table of bars; the two prices stand first.
_HIGH, _LOW, _CVD, _NUMBER, _GAPS, _GAPS_BEFORE, _ANCHOR, _OPEN = range(8)
_ROWS = 8
_NOTHING = np.empty((10, 0), np.int64)  # side, hidden, and four pairs


def pivots(values: I64, left: int, right: int) -> I64:
    """Return the indices that overtop ``left`` values before them and are not overtopped by ``right`` after, int64.

    Of a plateau the first is one. ``values`` int64 (n,); turn the sign for lows.

    Examples
    --------
    >>> pivots(np.array([1, 2, 3, 3, 2, 1]), 2, 2).tolist()
    [2]
    """
    count = len(values) - left - right
    if count <= 0:
        return np.empty(0, np.int64)
    middle = values[left : left + count]
    found = np.ones(count, np.bool_)
    for back in range(1, left + 1):
        found &= middle > values[left - back : left - back + count]
    for ahead in range(1, right + 1):
        found &= middle >= values[left + ahead : left + ahead + count]
    return np.flatnonzero(found) + left


def warmup(params: Params) -> int:  # noqa: ARG001 - the same for any
    """Return -1: the signals need few bars, but the sum that is told with them counts since its anchor."""
    return -1


def update(run: Run, params: Params, state: State) -> tuple[Answer, State]:
    """Return ``cvd`` of every bar, and an event for each divergence, at the bar that makes its second pivot known.

    ``side`` says where it points, ``hidden`` which kind it is; ``first_back`` and ``second_back`` how many bars before
    the event the pivots stand.
    """
    new = _table(run, params, state)
    table = np.concatenate([_unpacked(state.recent), new], axis=1)
    found, last = [_NOTHING], [state.high, state.low]
    for kind, (row, sign) in enumerate(((_HIGH, 1), (_LOW, -1))):
        at = pivots(sign * table[row], params.left, params.right)
        if len(at):  # seldom, live
            known = np.concatenate([_unpacked(last[kind]), table[:, at]], axis=1)
            found.append(_signals(known, row, sign, params))
            last[kind] = known[:, -1:].tobytes()
    events = _events(np.concatenate(found, axis=1) if len(found) > 1 else _NOTHING, params, state.bars)
    kept = table[:, max(0, table.shape[1] - params.left - params.right) :]
    if len(run):
        state = State(
            bars=state.bars + len(run),
            cvd_lot=int(new[_CVD, -1]),
            anchor_ns=int(new[_ANCHOR, -1]),
            gaps=int(new[_GAPS, -1]),
            recent=kept.tobytes(),
            high=last[0],
            low=last[1],
        )
    return Answer(bars={"cvd": new[_CVD].copy()}, events=events), state


def _unpacked(data: bytes) -> NDArray[np.int64]:
    return np.frombuffer(data, np.int64).reshape(_ROWS, -1)


def _table(run: Run, params: Params, state: State) -> NDArray[np.int64]:
    bars = run.footprint.bars
    carry = None if state.anchor_ns is None else sums.Carry(state.cvd_lot, state.anchor_ns)
    total = sums.cvd(run.footprint, run.calendar, sums.Params(reset=params.reset), carry)
    touched = (bars.flags & BAR_GAP) > 0
    gaps = state.gaps + np.cumsum(touched)
    number = np.arange(state.bars, state.bars + len(bars))
    rows = [bars.high_tick, bars.low_tick, total.cvd_lot, number, gaps, gaps - touched, total.anchor_ns, bars.open_ns]
    return np.array(rows, np.int64)


def _signals(known: NDArray[np.int64], row: int, sign: int, params: Params) -> NDArray[np.int64]:
    # Each pivot against the one before it. With the sign turned, a low is a high: one rule for both.
    first, second = known[:, :-1], known[:, 1:]
    apart = second[_NUMBER] - first[_NUMBER]
    price = sign * (second[row] - first[row])
    delta = sign * (second[_CVD] - first[_CVD])
    regular = (price > params.eps_tick) & (delta < 0)
    hidden = (price < -params.eps_tick) & (delta > 0) if params.hidden else np.zeros(len(apart), np.bool_)
    whole = (second[_GAPS] == first[_GAPS_BEFORE]) & (second[_ANCHOR] == first[_ANCHOR])
    at = np.flatnonzero((regular | hidden) & whole & (apart >= params.min_sep) & (apart <= params.max_sep))
    side = np.full(len(at), -sign)
    pairs = [block[r, at] for r in (_NUMBER, row, _CVD, _OPEN) for block in (first, second)]
    return np.array([side, hidden[at], *pairs], np.int64)


def _events(found: NDArray[np.int64], params: Params, bars: int) -> dict[str, NDArray[np.int64]]:
    side, hidden, first, second, *rest = found[:, np.argsort(found[3], kind="stable")]
    names = ("first_tick", "second_tick", "first_cvd", "second_cvd", "first_ns", "second_ns")
    known = second + params.right
    columns = {"bar": known - bars, "side": side, "hidden": hidden}
    columns |= {"first_back": known - first, "second_back": known - second}
    return columns | dict(zip(names, rest, strict=True))
