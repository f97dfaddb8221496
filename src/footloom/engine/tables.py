"""Tapes and charts as Arrow tables: exact decimals, times as int64 ns UTC, null where something is undefined.

Every table carries what it is in its schema's metadata (`footloom.engine.table_facts`).
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from footloom.core.arrow import arrow_of
from footloom.core.snapshots import GREEKS, NO_QUOTE, Snapshots
from footloom.core.trades import FLAG_NO_ID, FLAG_NO_RECV, I64, Trades
from footloom.engine.exact import decimal_array
from footloom.engine.export import bar_columns
from footloom.engine.frame import ChartFrame
from footloom.engine.table_facts import Facts, facts_of, stamped

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ("bars_table", "chart_facts", "footprint_table", "levels_table", "snapshots_table", "trades_table")

_E8 = Decimal("0.00000001")
_ATP_UNIT = Decimal("0.0001")  # the average traded price stands off the grid: it has four decimals of its own


def trades_table(trades: Trades) -> pa.Table:
    """Return one row a trade, in the order given.

    Columns: ``ts_exch_ns``; ``price`` and ``qty`` as exact decimals; ``side`` +1 where the taker bought, -1 where it
    sold, 0 where nobody says; ``trade_id``, null where the venue gives none, and then ``file_row``, its row in the file
    it came from; ``ts_recv_ns``, null where nobody recorded it; ``flags``, the ``FLAG_*`` bits of
    `footloom.core.trades`.
    """
    numbered = (trades.flags & FLAG_NO_ID) == 0
    instrument = trades.instrument
    columns = {
        "ts_exch_ns": trades.ts_exch_ns,
        "price": decimal_array(trades.price_tick, instrument.tick_size),
        "qty": decimal_array(trades.qty_lot, instrument.lot_size),
        "side": trades.side,
        "trade_id": arrow_of(trades.trade_id, ~numbered),
        "ts_recv_ns": arrow_of(trades.ts_recv_ns, (trades.flags & FLAG_NO_RECV) != 0),
        "file_row": arrow_of(trades.trade_id, numbered),
        "flags": trades.flags,
    }
    return stamped(columns, facts_of("trades", instrument, tape=trades.tape))


def snapshots_table(snapshots: Snapshots) -> pa.Table:
    """Return one row a snapshot, in arrival order.

    Columns: ``ts_recv_ns``, ``ts_exch_ns`` (of the last trade); ``ltp``, ``ltq``, ``vtt`` last price, last quantity and
    volume of the day; ``bid``, ``ask``, ``bid_qty``, ``ask_qty`` best quotes; ``oi`` open interest; ``atp`` the day's
    average traded price; ``venue_iv`` to ``venue_vega`` an option's volatility and Greeks as the venue tells them.
    What a snapshot does not say is null.
    """
    instrument = snapshots.instrument

    def exact(column: I64, unit: Decimal) -> Any:
        return decimal_array(column, unit, column != NO_QUOTE)

    tick, lot = instrument.tick_size, instrument.lot_size
    columns = {
        "ts_recv_ns": snapshots.ts_recv_ns,
        "ts_exch_ns": snapshots.ts_exch_ns,
        "ltp": exact(snapshots.ltp_tick, tick),
        "ltq": exact(snapshots.ltq_lot, lot),
        "vtt": exact(snapshots.vtt_lot, lot),
        "bid": exact(snapshots.bid_tick, tick),
        "ask": exact(snapshots.ask_tick, tick),
        "bid_qty": exact(snapshots.bid_lot, lot),
        "ask_qty": exact(snapshots.ask_lot, lot),
        "oi": exact(snapshots.oi_lot, lot),
        "atp": exact(snapshots.atp_e4, _ATP_UNIT),
        **{f"venue_{name.removesuffix('_e8')}": exact(getattr(snapshots, name), _E8) for name in GREEKS},
    }
    return stamped(columns, facts_of("snapshots", instrument, tape=snapshots.tape))


def chart_facts(frame: ChartFrame, what: str, tape: str = "", **more: Any) -> Facts:
    """Return the facts of a table that was made of a chart."""
    footprint = frame.footprint
    return facts_of(
        what,
        footprint.instrument,
        tape=tape,
        bars=footprint.bar_rule,
        ticks_per_level=footprint.ticks_per_level,
        spec=msgspec.to_builtins(frame.spec),
        **more,
    )


def bars_table(frame: ChartFrame, tape: str = "") -> pa.Table:
    """Return one row a bar, the columns of `footloom.engine.export.bar_rows` without the levels."""
    return stamped(_bars(frame), chart_facts(frame, "bars", tape))


def footprint_table(frame: ChartFrame, tape: str = "") -> pa.Table:
    """Return one row a bar with its levels as a list of structs: price, buy, sell, unknown, trades."""
    import pyarrow as pa

    cells = _levels(frame)
    names = ("price", "buy", "sell", "unknown", "trades")
    nested = pa.RecordBatch.from_arrays([cells[name] for name in names], list(names)).to_struct_array()
    offset = arrow_of(frame.footprint.level_offset.astype(np.int32))
    columns = _bars(frame) | {"levels": pa.ListArray.from_arrays(offset, nested)}
    return stamped(columns, chart_facts(frame, "bars", tape))


def levels_table(frame: ChartFrame, tape: str = "") -> pa.Table:
    """Return one row a traded level, in the order of the bars and ascending within each.

    Columns: ``open_ns`` of the bar; ``level``, the row on the grid of all bars (definitions 2.2); ``price``, its low
    edge; ``buy``, ``sell``, ``unknown``, ``delta``; ``trades``.
    """
    footprint = frame.footprint
    owners = np.repeat(footprint.bars.open_ns, np.diff(footprint.level_offset))
    columns = {"open_ns": owners, "level": footprint.levels.row} | _levels(frame)
    return stamped(columns, chart_facts(frame, "levels", tape))


def _levels(frame: ChartFrame) -> dict[str, Any]:
    footprint = frame.footprint
    levels, instrument = footprint.levels, footprint.instrument
    tick, lot = instrument.tick_size, instrument.lot_size
    return {
        "price": decimal_array(levels.row * footprint.ticks_per_level, tick),
        "buy": decimal_array(levels.buy_lot, lot),
        "sell": decimal_array(levels.sell_lot, lot),
        "unknown": decimal_array(levels.unknown_lot, lot),
        "delta": decimal_array(levels.delta_lot, lot),
        "trades": arrow_of(levels.trades),
    }


def _bars(frame: ChartFrame) -> dict[str, Any]:
    instrument = frame.footprint.instrument
    units = {"tick": instrument.tick_size, "lot": instrument.lot_size}
    return {
        name: decimal_array(column, units[kind]) if kind in units else _share(column) if kind == "share" else column
        for name, kind, column in bar_columns(frame)
    }


def _share(column: list[float | None]) -> pa.Array:
    values = np.array(column, np.float64)
    return arrow_of(values, np.isnan(values))
