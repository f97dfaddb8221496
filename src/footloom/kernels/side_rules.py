"""Sides of trades by their price and the quote before them, as a resumable fold (definitions 1.2).

`infer_sides` takes a whole tape, `fold_sides` a chunk and where the chunk before ended: any chunking gives the same
sides, and the state goes to bytes and back. `footloom.kernels.side_rules_reference` is the same in plain Python.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import msgspec
import numpy as np
from numba import types

from footloom.core.instrument import Instrument, check_same_grid
from footloom.core.quotes import NO_QUOTE, Quotes
from footloom.core.trades import FLAG_BY_QUOTE, FLAG_BY_TICK, FLAG_INFERRED, I8, I64, U8, Trades
from footloom.errors import ConfigError, DataError
from footloom.kernels.days import local_days
from footloom.kernels.fold_state import FoldState
from footloom.kernels.jit import I64_IN, I64_OUT, INT, U8_OUT, jit, part

__all__ = (
    "RULES",
    "Rule",
    "RuleParams",
    "RuleState",
    "Ruled",
    "fold_sides",
    "infer_sides",
    "last_before",
    "reverse_tick",
    "sides_at",
)

Rule = Literal["tick", "reverse_tick", "quote", "lee_ready", "emo", "clnv"]
RULES: tuple[Rule, ...] = ("tick", "reverse_tick", "quote", "lee_ready", "emo", "clnv")
_TICK, _QUOTE, _LEE_READY, _EMO, _CLNV = range(5)
_CODES = {"tick": _TICK, "quote": _QUOTE, "lee_ready": _LEE_READY, "emo": _EMO, "clnv": _CLNV}
_BY_NOTHING, _BY_QUOTE, _BY_MID, _BY_TICK = range(4)
_FLAGS_OF = np.array(
    [FLAG_INFERRED, FLAG_INFERRED | FLAG_BY_QUOTE, FLAG_INFERRED, FLAG_INFERRED | FLAG_BY_TICK], np.uint8
)
_BASED, _DAY, _PRICE, _SIGN = range(4)  # the tick rule's memory
_I8_OUT = types.Array(types.int8, 1, "C")
_HALF_PCT = 50


class RuleParams(msgspec.Struct, frozen=True, kw_only=True):
    """Which rule, and how.

    ``lag_ns`` makes the quote in force one that is older than that; with 0 it is the last one strictly before the
    trade. ``zone_pct`` is how much of the spread at its edges CLNV takes for the quote, ``boundary`` whether the edges
    of these zones belong to them. ``tick_memory`` says whether the tick rule forgets when a day of the exchange ends.
    """

    rule: Rule = "lee_ready"
    lag_ns: int = 0
    zone_pct: int = 30
    boundary: Literal["closed", "open"] = "closed"
    tick_memory: Literal["day", "tape"] = "day"

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise ConfigError(f"there is no side rule {self.rule!r}: choose one of {', '.join(RULES)}")
        if self.lag_ns < 0:
            raise ConfigError(f"lag_ns must be at least 0 (a later quote is not known yet), got {self.lag_ns}")
        if not 0 < self.zone_pct < _HALF_PCT:
            raise ConfigError(f"zone_pct must be above 0 and below 50 percent of the spread, got {self.zone_pct}")

    @property
    def params_hash(self) -> str:
        """What names the sides inferred with these settings: the same settings, the same text, on any machine."""
        return hashlib.sha256(b"side_rules 1 " + msgspec.json.encode(self)).hexdigest()[:16]


class RuleState(FoldState, frozen=True, kw_only=True):
    """Where a fold stands: the tick rule's memory and the quotes that a later trade may need."""

    WHAT: ClassVar[str] = "side rules"

    params_hash: str
    last_ns: int = NO_QUOTE  # the last trade
    memory: tuple[int, int, int, int] = (0, 0, 0, 0)
    quotes: bytes = b""  # times, bids, asks, little-endian


@dataclass(frozen=True, slots=True)
class Ruled:
    """Trades with inferred sides, flagged as such, and where the fold stands."""

    trades: Trades
    state: RuleState


@jit(types.void(I64_IN, I64_IN, INT, I64_OUT))
def _join(ts, quote_ts, lag, out):
    # Both ascend: one pass. The last quote strictly before each time, less the lag.
    at = 0
    for i in range(len(ts)):
        limit = ts[i] - lag
        while at < len(quote_ts) and quote_ts[at] < limit:
            at += 1
        out[i] = at - 1


@part
def _by_middle(price, bid, ask):
    # The quote rule on a quote that can be used; its middle says nothing, and so does a locked price at itself.
    if 2 * price == bid + ask:
        return 0, _BY_NOTHING
    beyond = price >= ask or price <= bid
    return (1 if 2 * price > bid + ask else -1), (_BY_QUOTE if beyond else _BY_MID)


@part
def _by_edge(price, bid, ask, rule, zone, strict):
    # EMO takes the quotes themselves, CLNV a share of the spread beside them; a locked quote is both edges, so none.
    if bid == ask:
        return 0, _BY_NOTHING
    up, down, spread = price - bid, ask - price, ask - bid
    edge = up == 0 or down == 0
    if rule == _CLNV and not edge and up > 0 and down > 0:
        # 100 * down <= zone * spread: within the top of the spread; for whole numbers a strict bound is one less.
        near_ask = 100 * down <= zone * spread - strict
        near_bid = 100 * up <= zone * spread - strict
        return np.int64(near_ask) - np.int64(near_bid), _BY_MID
    if not edge:
        return 0, _BY_NOTHING
    return (1 if down == 0 else -1), _BY_QUOTE


@jit(types.void(I64_IN, I64_IN, I64_IN, I64_IN, INT, INT, INT, I64_OUT, _I8_OUT, U8_OUT))
def _classify(price, bid, ask, day, rule, zone, strict, memory, side, how):
    for i in range(len(price)):
        if memory[_BASED] == 0 or day[i] != memory[_DAY]:
            memory[_SIGN] = 0
        elif price[i] != memory[_PRICE]:
            memory[_SIGN] = 1 if price[i] > memory[_PRICE] else -1
        memory[_BASED], memory[_DAY], memory[_PRICE] = 1, day[i], price[i]
        found, by = 0, _BY_NOTHING
        if rule != _TICK and min(bid[i], ask[i]) != NO_QUOTE and bid[i] <= ask[i]:
            if rule <= _LEE_READY:
                found, by = _by_middle(price[i], bid[i], ask[i])
            else:
                found, by = _by_edge(price[i], bid[i], ask[i], rule, zone, strict)
        if found == 0 and rule != _QUOTE:
            found, by = memory[_SIGN], _BY_TICK
        side[i] = found
        how[i] = by if found != 0 else _BY_NOTHING


def last_before(ts_ns: I64, quote_ns: I64, lag_ns: int = 0) -> I64:
    """Return for each time the last row of ``quote_ns`` strictly before it, less a lag; -1 where there is none.

    Both ascend; int64 (n,), int64 (m,) -> int64 (n,). Any ascending numbers will do: numbers of arrival for instance.

    Examples
    --------
    >>> last_before(np.array([10, 20, 20]), np.array([5, 10, 10, 15])).tolist()
    [0, 3, 3]
    """
    times, quotes = (np.ascontiguousarray(column, np.int64) for column in (ts_ns, quote_ns))
    out = np.empty(len(times), np.int64)
    _join(times, quotes, lag_ns, out)
    return out


def sides_at(
    price_tick: I64, bid_tick: I64, ask_tick: I64, day: I64, params: RuleParams, memory: I64 | None = None
) -> tuple[I8, U8]:
    """Return the side of each trade and how it was found, given the quote in force at each.

    Parameters
    ----------
    price_tick, bid_tick, ask_tick
        Prices, `NO_QUOTE` where a side of the book is missing, int64 (n,).
    day
        Day of each trade, any numbers; where they change, the tick rule forgets. int64 (n,).
    params
        The rule; not the reverse tick rule.
    memory
        The tick rule's memory, int64 (4,), changed in place; None begins.

    Returns
    -------
    side, how
        +1, -1, 0, int8 (n,), and ``BY_*`` of `footloom.kernels.inference`, uint8 (n,).
    """
    if params.rule == "reverse_tick":
        raise ConfigError(_NO_FOLD)
    columns = [np.ascontiguousarray(column, np.int64) for column in (price_tick, bid_tick, ask_tick, day)]
    side, how = np.empty(len(columns[0]), np.int8), np.empty(len(columns[0]), np.uint8)
    kept = np.zeros(4, np.int64) if memory is None else memory
    strict = int(params.boundary == "open")
    _classify(*columns, _CODES[params.rule], params.zone_pct, strict, kept, side, how)
    return side, how


_NO_FOLD = (
    "the reverse tick rule looks at later trades: it cannot run live or in chunks; give the whole tape to "
    "infer_sides, or take the tick rule"
)


def reverse_tick(price_tick: I64, day: I64) -> I8:
    """Return each side by the next different price of the same day: a buy where it is lower; 0 where there is none.

    It looks ahead. int64 (n,), int64 (n,) -> int8 (n,).
    """
    backwards = RuleParams(rule="tick")
    none = np.full(len(price_tick), NO_QUOTE, np.int64)
    side, _ = sides_at(price_tick[::-1], none, none, day[::-1], backwards)
    return np.ascontiguousarray(side[::-1])  # kernels take no other


def fold_sides(trades: Trades, quotes: Quotes | None, state: RuleState | None, params: RuleParams) -> Ruled:
    """Infer the sides of one chunk.

    Parameters
    ----------
    trades
        In the ordering key, behind those of the chunk before.
    quotes
        Those that follow the quotes given before. All quotes older than a trade come with it or before it; quotes may
        run ahead. None where there are no new ones.
    state
        What the chunk before returned; None begins.
    params
        The rule, the same from the beginning to the end of a fold.

    Raises
    ------
    ConfigError
        The rule looks ahead, or the state was made with other settings.
    DataError
        Trades step back in time, or a quote comes after a trade that it was in force for.
    """
    if params.rule == "reverse_tick":
        raise ConfigError(_NO_FOLD)
    state = RuleState(params_hash=params.params_hash) if state is None else state
    if state.params_hash != params.params_hash:
        raise ConfigError(
            f"this state was made with params {state.params_hash}, not {params.params_hash}: "
            "keep the settings, or begin with no state"
        )
    ts = trades.ts_exch_ns
    back = np.flatnonzero(np.diff(ts, prepend=ts[:1] if state.last_ns == NO_QUOTE else state.last_ns) < 0)
    if len(back):
        raise DataError(
            f"trades of {trades.instrument.key} must ascend in time: row {back[0]} is at {ts[back[0]]} ns, behind a "
            "later one; put them in the ordering key first"
        )
    known = _known(trades.instrument, quotes, state, params.lag_ns)
    at = last_before(ts, known[0], params.lag_ns)
    bid, ask = (np.append(column, NO_QUOTE)[at] for column in known[1:])
    memory = np.array(state.memory, np.int64)
    side, how = sides_at(trades.price_tick, bid, ask, _days(trades, params), params, memory)
    last_ns = int(ts[-1]) if len(ts) else state.last_ns
    keep = known
    if last_ns != NO_QUOTE:
        first = max(0, int(np.searchsorted(known[0], last_ns - params.lag_ns)) - 1)
        keep = known[:, first:]
    after = RuleState(
        params_hash=state.params_hash,
        last_ns=last_ns,
        memory=tuple(memory.tolist()),
        quotes=keep.astype("<i8").tobytes(),
    )
    return Ruled(_signed(trades, side, how), after)


def infer_sides(trades: Trades, quotes: Quotes | None = None, params: RuleParams | None = None) -> Trades:
    """Return a whole tape with the sides that a rule infers, flagged as inferred; what the tape says is not looked at.

    Such rows are never stored: the store keeps what a venue sent.

    Raises
    ------
    DataError
        Trades step back in time.
    """
    params = RuleParams() if params is None else params
    if params.rule == "reverse_tick":
        side = reverse_tick(trades.price_tick, _days(trades, params))
        return _signed(trades, side, np.where(side != 0, _BY_TICK, _BY_NOTHING))
    return fold_sides(trades, quotes, None, params).trades


def _known(instrument: Instrument, quotes: Quotes | None, state: RuleState, lag_ns: int) -> I64:
    # Times, bids and asks: what the state kept, then what is new; int64 (3, n).
    kept = np.frombuffer(state.quotes, "<i8").reshape(3, -1).astype(np.int64)
    if quotes is None or not len(quotes):
        return kept
    check_same_grid(instrument, quotes.instrument)
    first_ns = int(quotes.ts_exch_ns[0])
    limit_ns = state.last_ns - lag_ns if state.last_ns != NO_QUOTE else NO_QUOTE
    if kept.shape[1]:
        limit_ns = max(limit_ns, int(kept[0, -1]))
    if first_ns < limit_ns:
        raise DataError(
            f"a quote of {quotes.instrument.key} at {first_ns} ns comes too late: trades or quotes up to {limit_ns} ns "
            "were folded already; give all quotes older than a trade with it or before it"
        )
    new = np.stack([quotes.ts_exch_ns, quotes.bid_tick, quotes.ask_tick])
    return np.concatenate([kept, new], axis=1)


def _days(trades: Trades, params: RuleParams) -> I64:
    if params.tick_memory == "tape":
        return np.zeros(len(trades), np.int64)
    return local_days(trades.ts_exch_ns, trades.instrument.calendar)


def _signed(trades: Trades, side: I8, how: Any) -> Trades:
    bits = trades.flags & np.uint8(~(FLAG_INFERRED | FLAG_BY_QUOTE | FLAG_BY_TICK) & 0xFF)
    return replace(trades, side=side, flags=bits | _FLAGS_OF[how])
