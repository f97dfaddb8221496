"""Option chains as Arrow tables: exact decimals, times as int64 ns UTC, null where something is not known."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from footloom.core.arrow import arrow_of, text_of
from footloom.core.chains import SOURCES
from footloom.core.snapshots import NO_QUOTE
from footloom.core.trades import I64
from footloom.engine.exact import decimal_array
from footloom.engine.table_facts import facts_of, stamped
from footloom.options.chain import Side, Value
from footloom.options.measures import GEX_ASSUMES, Measures

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ("chain_table", "history_table")

_SIDES: Final[tuple[Side, Side]] = ("call", "put")
_E8: Final = Decimal("0.00000001")


def chain_table(measures: Measures) -> pa.Table:
    """Return one row an instant, strike and side, of the strikes that count.

    Columns: ``at_ns``, ``expiry_ns``, ``strike``, ``side`` (call or put); ``oi``, ``prev_oi`` (at the previous day's
    close), ``volume``, quote and last price as exact decimals; ``mid``, ``iv`` and the Greeks as computed from it;
    ``venue_iv`` to ``venue_vega`` as the venue tells them; ``oi_since_ns`` and ``source`` since when the open interest
    stands, and who said it.
    """
    import pyarrow as pa

    pieces = [_side(measures, side) for side in _SIDES]
    joined = {name: [piece[name] for piece in pieces] for name in pieces[0]}
    columns = {
        name: pa.concat_arrays([arrow_of(one) if isinstance(one, np.ndarray) else one for one in parts])
        for name, parts in joined.items()
    }
    table = pa.table(columns).sort_by([("at_ns", "ascending"), ("strike", "ascending"), ("side", "ascending")])
    columns = {name: table.column(name).combine_chunks() for name in table.column_names}
    return stamped(
        columns, facts_of("chain", measures.board.chain.instrument, tape="chain", params={"rate": measures.rate})
    )


def _side(measures: Measures, side: Side) -> dict[str, Any]:

    board, counts = measures.board, measures.near
    instrument = board.chain.instrument
    at, strike = (np.broadcast_to(one, counts.shape)[counts] for one in (board.at_ns[:, None], board.strikes[None, :]))

    def exact(values: I64, unit: Decimal) -> Any:
        kept = values[counts]
        return decimal_array(kept, unit, kept != NO_QUOTE)

    def floats(values: Any) -> Any:
        kept = values[counts]
        return arrow_of(kept, np.isnan(kept))

    greeks = measures.greeks(side)
    said, source = board.times("oi_lot", side)[counts], board.sources("oi_lot", side)[counts]
    tick, lot = instrument.tick_size, instrument.lot_size
    prices: dict[str, Value] = {"ltp": "ltp_tick", "bid": "bid_tick", "ask": "ask_tick"}
    told: dict[str, Value] = {
        "iv": "iv_e8", "delta": "delta_e8", "gamma": "gamma_e8", "theta": "theta_e8", "vega": "vega_e8"
    }  # fmt: skip
    amounts: dict[str, Value] = {
        "oi": "oi_lot", "prev_oi": "prev_oi_lot", "volume": "volume_lot", "bid_qty": "bid_lot", "ask_qty": "ask_lot"
    }  # fmt: skip
    return {
        "at_ns": at,
        "expiry_ns": np.full(len(at), board.expiry_ns),
        "strike": decimal_array(strike, instrument.tick_size),
        "side": text_of([side] * len(at)),
        **{name: exact(board.values(value, side), lot) for name, value in amounts.items()},
        **{name: exact(board.values(value, side), tick) for name, value in prices.items()},
        "mid": floats(measures.mids[side]),
        "iv": floats(measures.vols[side]),
        **{name: floats(column) for name, column in greeks._asdict().items()},
        **{f"venue_{name}": exact(board.values(value, side), _E8) for name, value in told.items()},
        "oi_since_ns": arrow_of(said, said == NO_QUOTE),
        "source": text_of([None if one == NO_QUOTE else SOURCES[one] for one in source.tolist()]),
    }


def history_table(measures: Measures) -> pa.Table:
    """Return one row an instant.

    Columns: ``at_ns``, ``spot``, ``forward``, ``atm``; ``call_oi`` and ``put_oi`` over strikes of which both are known
    (null where none is), ``left_out`` of the others; ``pcr_oi``, ``pcr_volume``; ``max_pain``; ``call_wall``,
    ``call_wall_oi``, ``put_wall``, ``put_wall_oi``; ``straddle``, ``atm_iv``, ``gex``. What ``gex`` assumes stands in
    the table's facts.
    """
    board = measures.board
    instrument = board.chain.instrument

    def exact(values: I64, unit: Decimal) -> Any:
        return decimal_array(values, unit, values != NO_QUOTE)

    def floats(values: Any) -> Any:
        return arrow_of(values, np.isnan(values))

    known = np.logical_or.reduce(
        measures.both("oi_lot"), axis=1
    )  # a sum over no strike at all is not known, which is not 0
    atm = np.where(measures.atm < 0, NO_QUOTE, board.strikes[np.maximum(measures.atm, 0)] if len(board.strikes) else 0)
    columns: dict[str, Any] = {
        "at_ns": board.at_ns,
        "spot": floats(measures.spot),
        "forward": floats(measures.forward),
        "atm": exact(atm, instrument.tick_size),
        "call_oi": decimal_array(measures.total("oi_lot", "call"), instrument.lot_size, known),
        "put_oi": decimal_array(measures.total("oi_lot", "put"), instrument.lot_size, known),
        "left_out": measures.left_out("oi_lot"),
        "pcr_oi": floats(measures.put_call_ratio("oi_lot")),
        "pcr_volume": floats(measures.put_call_ratio("volume_lot")),
        "max_pain": exact(measures.max_pain, instrument.tick_size),
    }
    for side in _SIDES:
        walls = measures.walls(side)
        strikes = np.array([one[0].strike if one else NO_QUOTE for one in walls], np.int64)
        held = np.array([one[0].oi if one else NO_QUOTE for one in walls], np.int64)
        columns |= {
            f"{side}_wall": exact(strikes, instrument.tick_size), f"{side}_wall_oi": exact(held, instrument.lot_size)
        }  # fmt: skip
    columns |= {
        "straddle": floats(measures.straddle),
        "atm_iv": floats(measures.atm_vol),
        "gex": floats(measures.gamma_exposure()),
    }
    facts = facts_of(
        "chain_history", instrument, tape="chain", params={"rate": measures.rate, "gex_assumes": GEX_ASSUMES}
    )
    return stamped(columns, facts)
