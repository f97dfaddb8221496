"""Continuous futures of what is stored: ``upstox:NIFTY.FUT1`` as a view of the contracts that were recorded.

Contracts are stored, the view is made when it is read: in each stretch of time the rows of one contract, unadjusted,
with a `Roll` where two meet (definitions 0.7). The store knows the contracts that it has definitions of.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from footloom.core.instrument import Instrument, split_key
from footloom.core.rolls import Roll, Stretch, rolls_by_date, stretches
from footloom.core.trades import Trades
from footloom.errors import ConfigError, DataError, NotStored
from footloom.feeds.stored import chart_tapes, stored_trades
from footloom.kernels.inference import SnapshotParams
from footloom.store import Store
from footloom.store.grid import gcd

__all__ = ("Continuous", "continuous_trades", "is_continuous")

_NAME = re.compile(r"(?P<underlying>[^.|:]+)\.FUT(?P<number>[1-9])")
_DAY_NS = 86_400 * 10**9
_ADJUSTED = "@adjusted"


@dataclass(frozen=True, slots=True)
class Continuous:
    """The trades of a continuous future, what they were made of, and where it rolled within the range.

    ``trades`` are in the ordering key, on one grid that holds those of all contracts. Adjusted ones are of another key
    (``...@adjusted``), so that nothing joins them with prices as traded.
    """

    trades: Trades
    stretches: tuple[Stretch, ...]
    rolls: tuple[Roll, ...]


def is_continuous(key: str) -> bool:
    """Say whether a key names a continuous future."""
    return _NAME.fullmatch(key.partition(":")[2].upper()) is not None


def continuous_trades(
    store: Store,
    key: str,
    from_ns: int,
    to_ns: int,
    params: SnapshotParams | None = None,
    *,
    adjusted: bool = False,
) -> Continuous:
    """Return the trades of ``[from_ns, to_ns)`` of a continuous future that rolls by date.

    Parameters
    ----------
    params
        How sides are inferred from snapshots.
    adjusted
        Move the prices before each roll by how far the new contract stood above the old one at the roll.

    Raises
    ------
    ConfigError
        The key names no continuous future.
    NotStored
        The store has no contract of it.
    DataError
        Prices are to be adjusted, and at a roll one of both contracts has none.
    """
    venue, name = split_key(key)
    match = _NAME.fullmatch(name.upper())
    if match is None:
        raise ConfigError(f"{key} names no continuous future: write {venue}:NIFTY.FUT1")
    contracts = _contracts(store, venue, match["underlying"])
    if not contracts:
        raise NotStored(f"no future of {match['underlying']} is stored: footloom record {venue}:{name.upper()}")
    rolls = rolls_by_date(name.upper(), int(match["number"]), contracts)
    parts = stretches(rolls, from_ns, to_ns) if rolls else _only(contracts, int(match["number"]), from_ns, to_ns)
    told = [_priced(store, venue, roll, params) for roll in rolls if from_ns <= roll.at_ns < to_ns]
    common = _common(
        name.upper(), [one for one in contracts if one.symbol in {part.symbol for part in parts}] or contracts
    )
    inside = [roll for roll in told if roll.at_ns > from_ns]
    moved = _moved(inside, common) if adjusted else [0] * len(parts)
    if adjusted:
        common = msgspec.structs.replace(common, symbol=f"{common.symbol}{_ADJUSTED}")
    pieces = [
        _piece(store, f"{venue}:{part.symbol}", part, common, shift, params)
        for part, shift in zip(parts, moved, strict=True)
    ]
    tape = next((piece.tape for piece in pieces if len(piece)), "snapshot")
    joined = Trades.concat([Trades.empty(common, tape), *(piece for piece in pieces if len(piece))])
    return Continuous(joined, tuple(parts), tuple(told))


def _contracts(store: Store, venue: str, underlying: str) -> list[Instrument]:
    return [
        one
        for one in store.instruments()
        if one.venue == venue and one.kind == "future" and one.underlying.upper() == underlying and one.expiry_ns
    ]


def _only(contracts: Sequence[Instrument], number: int, from_ns: int, to_ns: int) -> list[Stretch]:
    # As many contracts as the number asks for, and no roll yet.
    ordered = sorted(contracts, key=lambda one: one.expiry_ns or 0)
    if len(ordered) < number or from_ns >= to_ns:
        return []
    return [Stretch(symbol=ordered[number - 1].symbol, from_ns=from_ns, to_ns=to_ns)]


def _common(symbol: str, contracts: Sequence[Instrument]) -> Instrument:
    newest = max(contracts, key=lambda one: one.expiry_ns or 0)
    tick, lot = gcd([one.tick_size for one in contracts]), gcd([one.lot_size for one in contracts])
    return msgspec.structs.replace(
        newest, symbol=symbol, tick_size=tick, lot_size=lot, expiry_ns=None, valid_from_ns=None, name=symbol
    )


def _piece(
    store: Store, key: str, part: Stretch, common: Instrument, shift: int, params: SnapshotParams | None
) -> Trades:
    try:
        found = stored_trades(store, key, chart_tapes(store, key)[0], part.from_ns, part.to_ns, params)
    except NotStored:
        return Trades.empty(common)
    scaled = found.on_grid(common)
    return Trades.build(
        common,
        scaled.ts_exch_ns,
        scaled.price_tick + shift,
        scaled.qty_lot,
        scaled.side,
        trade_id=scaled.trade_id,
        ts_recv_ns=scaled.ts_recv_ns,
        flags=scaled.flags,
        tape=scaled.tape,
    )


# The last prices of both contracts within a day before the roll.
def _priced(store: Store, venue: str, roll: Roll, params: SnapshotParams | None) -> Roll:
    prices = []
    for symbol in (roll.from_symbol, roll.to_symbol):
        key = f"{venue}:{symbol}"
        try:
            seen = stored_trades(store, key, chart_tapes(store, key)[0], roll.at_ns - _DAY_NS, roll.at_ns, params)
        except NotStored:
            seen = None
        prices.append(seen.instrument.price_text(int(seen.price_tick[-1])) if seen is not None and len(seen) else "")
    return msgspec.structs.replace(roll, from_price=prices[0], to_price=prices[1])


def _moved(rolls: Sequence[Roll], common: Instrument) -> list[int]:
    # By how many ticks each stretch moves: by all rolls after it.
    shifts = [0]
    for roll in reversed(rolls):
        if roll.gap is None:
            raise DataError(
                f"{roll.symbol} cannot be adjusted over its roll from {roll.from_symbol} to {roll.to_symbol}: "
                f"{'the new' if roll.from_price else 'the old'} contract has no price within a day before it; "
                "ask for prices as traded"
            )
        shifts.append(shifts[-1] + common.price_tick(roll.gap))
    return shifts[::-1]
