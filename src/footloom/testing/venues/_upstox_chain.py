"""The reply of Upstox's `/v2/option/chain`: one expiry of one underlying, an object a strike, the lowest first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from footloom.core.instrument import Instrument
from footloom.testing.venues._grid import Grid
from footloom.testing.venues._upstox_feed import DELTA, IV
from footloom.testing.venues.snapshotted import Board

__all__ = ("chain_of_expiry", "underlying_key")

_SIDES = {"CE": "call_options", "PE": "put_options"}


def underlying_key(option: Instrument) -> str:
    """Return the key of the index that a contract stands on."""
    return f"NSE_INDEX|{'Nifty Bank' if option.underlying == 'BANKNIFTY' else 'Nifty 50'}"


def chain_of_expiry(
    boards: Mapping[str, Board], grids: Mapping[str, Grid], index: str, expiry: str
) -> list[dict[str, Any]]:
    """Return the strikes of an index at an expiry such as 2025-12-09; none where nothing of it is listed."""
    spot = boards[index].current if index in boards else None
    strikes: dict[float, dict[str, Any]] = {}
    for key, board in boards.items():
        one = board.instrument
        if one.option not in _SIDES or one.strike is None or underlying_key(one) != index or _day_of(one) != expiry:
            continue
        row = strikes.setdefault(
            float(one.strike),
            {
                "expiry": expiry,
                "strike_price": float(one.strike),
                "underlying_key": index,
                "underlying_spot_price": 0.0 if spot is None else float(grids[index].price(spot.ltp)),
            },
        )
        row[_SIDES[one.option]] = {
            "instrument_key": key,
            "market_data": _market(board, grids[key]),
            "option_greeks": {"delta": DELTA, "iv": IV * 100},  # percent here, a fraction in the feed
        }
    return [strikes[strike] for strike in sorted(strikes)]


def _day_of(one: Instrument) -> str:
    at_s = (one.expiry_ns or 0) // 10**9
    return dt.datetime.fromtimestamp(at_s, dt.UTC).date().isoformat()


# The day before, a tenth less was open of each.
def _market(board: Board, grid: Grid) -> dict[str, float]:
    look, oi, lot = board.current, board.listing.open_interest(), int(board.instrument.market_lot or 1)
    best = {"bid": None, "ask": None} if look is None else {"bid": look.bids[:1], "ask": look.asks[:1]}
    said = {"oi": float(oi), "prev_oi": float(oi // lot * 9 // 10 * lot)}
    for side, levels in best.items():
        price, qty = levels[0] if levels else (0, 0)
        said |= {f"{side}_price": float(grid.price(price)), f"{side}_qty": qty}
    ltp, volume = (0, 0) if look is None else (look.ltp, look.vtt)
    return said | {"ltp": float(grid.price(ltp)), "volume": volume}
