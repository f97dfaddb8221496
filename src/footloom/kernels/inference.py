"""Trades from snapshots: a resumable fold that infers the side of each interval's volume (definitions 1.3).

A snapshot feed says what the last trade was and how much the day has traded; what happened between two snapshots is
inferred from the volume's step and the quotes *before* it. The fold's state goes to bytes and back, and any chunking
of the snapshots gives the same rows. `footloom.kernels.inference_reference` is the same algorithm in plain Python.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import msgspec
import numba
import numpy as np
from numba import types
from numpy.typing import NDArray

from footloom.core.messages import Gap
from footloom.core.sessions import calendar
from footloom.core.snapshots import NO_QUOTE, Snapshots
from footloom.core.trades import FLAG_BY_QUOTE, FLAG_BY_TICK, FLAG_INFERRED, FLAG_REST, I8, I64, U8, Trades
from footloom.errors import ConfigError
from footloom.kernels.days import local_days
from footloom.kernels.fold_state import FoldState
from footloom.kernels.jit import I64_IN, I64_OUT, INT, jit

__all__ = (
    "BY_MID",
    "BY_NOTHING",
    "BY_QUOTE",
    "BY_TICK",
    "REST_POLICIES",
    "Counters",
    "InferState",
    "Inferred",
    "RestPolicy",
    "SnapshotParams",
    "how",
    "infer",
    "snapshot_row",
)

BY_NOTHING, BY_QUOTE, BY_MID, BY_TICK = 0, 1, 2, 3  # how a side was found
_LOST = 4  # an event that is no trade: volume of which nobody saw how it traded
_FLAGS_OF = np.array(
    [FLAG_INFERRED, FLAG_INFERRED | FLAG_BY_QUOTE, FLAG_INFERRED, FLAG_INFERRED | FLAG_BY_TICK], np.uint8
)
_PIECES = 20  # bits of a trade id that number the rows of one snapshot

RestPolicy = Literal["ltp_same_side", "unknown", "spread_between_prev_ltp_and_ltp"]
REST_POLICIES: tuple[RestPolicy, ...] = ("ltp_same_side", "unknown", "spread_between_prev_ltp_and_ltp")


class SnapshotParams(msgspec.Struct, frozen=True, kw_only=True):
    """How sides are inferred.

    ``rest_policy`` says where the volume goes that is not known to have traded at the last price; after
    ``rebaseline_after`` snapshots in a row with a lower but mutually consistent day volume the exchange is taken to
    have corrected it. Without the ``tick_rule`` what the quotes leave open is unknown: in options that rule is
    hardly better than a coin (definitions 1.3).
    """

    rest_policy: RestPolicy = "ltp_same_side"
    rebaseline_after: int = 5
    tick_rule: bool = True

    def __post_init__(self) -> None:
        if self.rest_policy not in REST_POLICIES:
            raise ConfigError(f"rest_policy must be one of {', '.join(REST_POLICIES)}, got {self.rest_policy!r}")
        if self.rebaseline_after < 1:
            raise ConfigError(f"rebaseline_after must be at least 1 snapshot, got {self.rebaseline_after}")

    @property
    def params_hash(self) -> str:
        """What names the rows inferred with these settings: the same settings, the same text, on any machine."""
        return hashlib.sha256(b"snapshot_infer 2 " + msgspec.json.encode(self)).hexdigest()[:16]


class InferState(FoldState, frozen=True, kw_only=True):
    """Where the fold stands: the last accepted snapshot, the tick rule's memory, and counts since the beginning.

    ``to_bytes`` and ``from_bytes`` carry it over a restart.
    """

    WHAT: ClassVar[str] = "snapshot inference"

    params_hash: str = ""
    seen: int = 0  # snapshots taken in, dropped ones too
    based: int = 0  # 1: there is an accepted snapshot
    day: int = 0
    ltt_ns: int = 0
    vtt_lot: int = 0
    ltp_tick: int = 0
    bid_tick: int = NO_QUOTE
    ask_tick: int = NO_QUOTE
    tick_sign: int = 0
    low_run: int = 0  # snapshots in a row whose volume is below the baseline's
    low_vtt_lot: int = 0
    reconnected: int = 0  # 1: nothing was accepted since a reconnect
    recv_ns: int = NO_QUOTE
    unattributed_lot: int = 0
    dropped: int = 0
    ltq_anomaly: int = 0
    rebaselined: int = 0
    corrected_lot: int = 0


class Counters(msgspec.Struct, frozen=True, kw_only=True):
    """What did not become trades, since the fold began.

    ``unattributed_lot`` is volume of which nobody saw how it traded (before the first snapshot of a day, while
    disconnected), ``corrected_lot`` volume that the exchange took back. In a day without corrections rows and
    unattributed volume add up to the last ``vtt``.
    """

    unattributed_lot: int
    dropped: int
    ltq_anomaly: int
    rebaselined: int
    corrected_lot: int

    @classmethod
    def total(cls, counters: Sequence[Counters]) -> Counters:
        """Return the sums over several folds."""
        return cls(**{name: sum(getattr(one, name) for one in counters) for name in cls.__struct_fields__})


@dataclass(frozen=True, slots=True)
class Inferred:
    """The outcome of one chunk: its trades, where the fold stands now, and the counts so far.

    ``unattributed_lot`` is the volume of this chunk of which nobody saw how it traded, ``unattributed_ns`` the last
    trades (``ltt``) by which it was over: int64 (n,) each.
    """

    trades: Trades
    state: InferState
    counters: Counters
    unattributed_ns: I64
    unattributed_lot: I64


_STATE = [name for name in InferState.__struct_fields__ if name != "params_hash"]
(
    _SEEN, _BASED, _DAY, _LTT, _VTT, _LTP, _BID, _ASK, _SIGN, _LOW_RUN, _LOW_VTT, _RECONNECTED, _RECV, _UNATTRIBUTED,
    _DROPPED, _ANOMALY, _REBASED, _CORRECTED,
) = range(len(_STATE))  # fmt: skip
# Columns of an event: row of the snapshot in the chunk, its number since the beginning, side, how, sure, rest,
# previous ltp and ltt.
_ROW, _NUMBER, _SIDE, _HOW, _SURE, _REST, _FROM, _FROM_NS = range(8)
_EVENTS = types.Array(types.int64, 2, "C")
# Parts of `_fold`, compiled into it and cached with it; without wrappers for Python they compile in half the time.
_compiler: Any = numba.njit
_part = _compiler(error_model="numpy", boundscheck=False, no_cpython_wrapper=True, no_cfunc_wrapper=True)


@_part
def _side(price, bid, ask, tick_sign):
    # Step 4. A locked quote says nothing at its own price (definitions 1.2), a crossed or one-sided one at no price.
    if min(bid, ask) != NO_QUOTE and bid <= ask and not price == bid == ask:
        if price >= ask:
            return 1, BY_QUOTE
        if price <= bid:
            return -1, BY_QUOTE
        if 2 * price != bid + ask:
            return (1 if 2 * price > bid + ask else -1), BY_MID
    return tick_sign, (BY_TICK if tick_sign != 0 else BY_NOTHING)


@_part
def _refused(day, ltt, vtt, state, patience):
    # Step 2: late, or lower than what was there; lower for good after some in a row.
    if vtt < state[_VTT] and day == state[_DAY]:
        steady = state[_LOW_RUN] > 0 and vtt >= state[_LOW_VTT]
        state[_LOW_RUN] = state[_LOW_RUN] + 1 if steady else 1
        state[_LOW_VTT] = vtt
        return state[_LOW_RUN] < patience
    state[_LOW_RUN] = 0
    return day < state[_DAY] or ltt < state[_LTT]


@_part
def _rebase(day, vtt, state):
    # Steps 1 and 2: the volume that is counted and not attributed, where this snapshot becomes a new baseline; else -1.
    lost = 0
    if state[_BASED] == 0 or day > state[_DAY]:
        lost = vtt
    elif state[_LOW_RUN] > 0:
        state[_REBASED] += 1
        state[_CORRECTED] += state[_VTT] - vtt
    elif state[_RECONNECTED] != 0:
        lost = max(0, vtt - state[_VTT])
        state[_CORRECTED] += max(0, state[_VTT] - vtt)
    else:
        return -1
    state[_UNATTRIBUTED] += lost
    state[_LOW_RUN] = 0
    state[_SIGN] = 0
    return lost


@_part
def _trade(ltp, ltq, vtt, state, event):
    # Steps 3 to 6: whether volume has traded since the snapshot before, and the event that says it.
    if ltp != state[_LTP]:
        state[_SIGN] = 1 if ltp > state[_LTP] else -1
    step = vtt - state[_VTT]
    if step <= 0:
        return False
    event[_SIDE], event[_HOW] = _side(ltp, state[_BID], state[_ASK], state[_SIGN])
    sure = max(0, min(ltq, step))
    state[_ANOMALY] += np.int64(ltq > step)
    event[_SURE], event[_REST] = sure, step - sure
    event[_FROM], event[_FROM_NS] = state[_LTP], state[_LTT]
    return True


@jit(INT(I64_IN, I64_IN, I64_IN, I64_IN, I64_IN, I64_IN, I64_IN, I64_IN, INT, I64_OUT, _EVENTS))
def _fold(ltt, ltp, ltq, vtt, bid, ask, day, reconnect, patience, state, events):
    """Run the algorithm of definitions 1.3 over one chunk; returns how many events it wrote."""
    n = 0
    for i in range(len(ltt)):
        number = state[_SEEN]
        state[_SEEN] += 1
        state[_RECONNECTED] |= reconnect[i]
        fresh = state[_BASED] == 0 or day[i] > state[_DAY] or (state[_RECONNECTED] != 0 and day[i] == state[_DAY])
        if fresh:
            state[_LOW_RUN] = 0
        elif _refused(day[i], ltt[i], vtt[i], state, patience):
            state[_DROPPED] += 1
            continue
        lost = _rebase(day[i], vtt[i], state)
        events[n, _ROW], events[n, _NUMBER], events[n, _HOW], events[n, _SURE] = i, number, _LOST, lost
        if lost > 0 or (lost < 0 and _trade(ltp[i], ltq[i], vtt[i], state, events[n])):
            n += 1
        state[_BASED], state[_RECONNECTED] = 1, 0
        state[_DAY], state[_LTT], state[_VTT] = day[i], ltt[i], vtt[i]
        state[_LTP], state[_BID], state[_ASK] = ltp[i], bid[i], ask[i]
    return n


def infer(
    snapshots: Snapshots,
    state: InferState | None = None,
    params: SnapshotParams | None = None,
    *,
    gaps: Sequence[Gap] = (),
    day: I64 | None = None,
) -> Inferred:
    """Fold snapshots into trades with inferred sides (definitions 1.3, all six steps).

    Parameters
    ----------
    snapshots
        A chunk in arrival order; any chunking gives the same rows.
    state
        What the chunk before returned; None begins.
    params
        Settings; the same from the beginning to the end of a fold.
    gaps
        The feed's gaps, at least those that ended since the chunk before: the first snapshot received at or after a
        gap's ``to_ns`` is a reconnect.
    day
        Trading day of each snapshot, any ascending number, int64 (n,); None takes the exchange-local date of ``ltt``.

    Returns
    -------
    Inferred
        Two rows for each snapshot with new volume: what is known to have traded at its price, and the rest
        (`FLAG_REST`; left out when 0, more than one under ``spread_between_prev_ltp_and_ltp``). ``ts_exch_ns`` is the
        snapshot's ``ltt``, ``trade_id`` its number since the fold began and 20 bits that number its rows (see
        `snapshot_row`).

    Raises
    ------
    ConfigError
        The state was made with other settings.
    """
    params = SnapshotParams() if params is None else params
    state = InferState(params_hash=params.params_hash) if state is None else state
    if state.params_hash != params.params_hash:
        raise ConfigError(
            f"this state was made with params {state.params_hash}, not {params.params_hash}: "
            "keep the settings, or begin with no state"
        )
    days = (
        local_days(snapshots.ts_exch_ns, snapshots.instrument.calendar)
        if day is None
        else np.ascontiguousarray(day, np.int64)
    )
    vector = np.array([getattr(state, name) for name in _STATE], np.int64)
    reconnect, vector[_RECV] = _reconnects(snapshots.ts_recv_ns, state.recv_ns, gaps)
    events = np.empty((len(snapshots), 8), np.int64)
    columns = (
        snapshots.ts_exch_ns,
        snapshots.ltp_tick,
        snapshots.ltq_lot,
        snapshots.vtt_lot,
        snapshots.bid_tick,
        snapshots.ask_tick,
    )
    count = _fold(*map(np.ascontiguousarray, columns), days, reconnect, params.rebaseline_after, vector, events)
    after = InferState(params_hash=state.params_hash, **dict(zip(_STATE, vector.tolist(), strict=True)))
    counters = Counters(**{name: getattr(after, name) for name in Counters.__struct_fields__})
    is_lost = events[:count, _HOW] == _LOST
    lost, found = events[:count][is_lost], events[:count][~is_lost]
    auction = _outside(snapshots, found)
    found[auction, _SIDE : _HOW + 1] = 0, BY_NOTHING
    found[auction, _FROM] = snapshots.ltp_tick[found[auction, _ROW]]
    if not params.tick_rule:
        found[found[:, _HOW] == BY_TICK, _SIDE : _HOW + 1] = 0, BY_NOTHING
    trades = _rows(snapshots, found, params.rest_policy)
    return Inferred(trades, after, counters, snapshots.ts_exch_ns[lost[:, _ROW]], lost[:, _SURE])


def _outside(snapshots: Snapshots, events: I64) -> NDArray[np.bool_]:
    # Stretches that begin or end outside the market's hours: what an auction matches has no aggressor.
    if not len(events):
        return np.zeros(0, np.bool_)
    ends = np.stack([events[:, _FROM_NS], snapshots.ts_exch_ns[events[:, _ROW]]])
    spans = calendar(snapshots.instrument.calendar).spans(int(ends.min()), int(ends.max()) + 1)
    inside = spans.in_session[np.searchsorted(spans.start_ns, ends, side="right") - 1]
    return np.asarray(~inside.all(axis=0))


def _reconnects(recv_ns: I64, before_ns: int, gaps: Sequence[Gap]) -> tuple[I64, int]:
    # 1 where a gap ended since the snapshot before; and the latest receipt so far.
    latest = np.maximum.accumulate(np.concatenate(([before_ns], recv_ns)))
    ended = np.searchsorted(np.sort(np.array([gap.to_ns for gap in gaps], np.int64)), latest, side="right")
    return (np.diff(ended) > 0).astype(np.int64), int(latest[-1])


def _rows(snapshots: Snapshots, events: I64, policy: RestPolicy) -> Trades:
    # Events to trades: first what is sure, then the rest as the policy has it.
    row, sure, rest = events[:, _ROW], events[:, _SURE], events[:, _REST]
    price, flags = snapshots.ltp_tick[row], _FLAGS_OF[events[:, _HOW]]
    place = [np.arange(len(events))[sure > 0], np.arange(len(events))[rest > 0]]
    lots, ticks = [sure[place[0]], rest[place[1]]], [price[place[0]], price[place[1]]]
    sides, bits = [events[at, _SIDE] for at in place], [flags[place[0]], flags[place[1]] | np.uint8(FLAG_REST)]
    piece = [np.zeros(len(place[0]), np.int64), np.ones(len(place[1]), np.int64)]
    if policy == "unknown":
        sides[1] = np.zeros(len(place[1]), np.int64)
        bits[1] = np.full(len(place[1]), FLAG_INFERRED | FLAG_REST, np.uint8)
    elif policy == "spread_between_prev_ltp_and_ltp":
        from footloom.kernels.evenly import spread  # compiled by those who ask for it

        place[1], lots[1], ticks[1], piece[1] = spread(place[1], rest, events[:, _FROM], price, (1 << _PIECES) - 2)
        move = np.sign(price - events[:, _FROM])[place[1]]
        sides[1] = np.where(move == 0, events[place[1], _SIDE], move)
        bits[1] = np.where(move == 0, flags[place[1]], np.uint8(FLAG_INFERRED)) | np.uint8(FLAG_REST)
    at = np.concatenate(place)
    ids = (events[at, _NUMBER] << _PIECES) | np.concatenate(piece)
    order = np.argsort(ids, kind="stable")
    source = row[at][order]
    return Trades.build(
        snapshots.instrument,
        snapshots.ts_exch_ns[source],
        np.concatenate(ticks)[order],
        np.concatenate(lots)[order],
        np.concatenate(sides)[order],
        trade_id=ids[order],
        ts_recv_ns=snapshots.ts_recv_ns[source],
        flags=np.concatenate(bits)[order],
        tape=snapshots.tape,
    )


def snapshot_row(trade_id: I64) -> I64:
    """Return which snapshot each inferred row came from, counted from the beginning of the fold, int64 (n,)."""
    return trade_id >> _PIECES


def how(side: I8, flags: U8) -> NDArray[np.int64]:
    """Return how the side of each inferred row was found, ``BY_*``, int64 (n,)."""
    known = np.where(side == 0, BY_NOTHING, BY_MID)
    by_tick = np.where(flags & FLAG_BY_TICK, BY_TICK, known)
    return np.where(flags & FLAG_BY_QUOTE, BY_QUOTE, by_tick).astype(np.int64)
