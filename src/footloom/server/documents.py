"""Bars as JSON documents, the same from the command line and over HTTP."""

from __future__ import annotations

from typing import Any

import msgspec

from footloom.engine.export import bar_rows
from footloom.engine.frame import ChartFrame
from footloom.studies.imbalance import CELL_BUY_IMBALANCE, CELL_BUY_STACK, CELL_SELL_IMBALANCE, CELL_SELL_STACK

__all__ = ("bars_document", "chart_document", "imbalance_rows")


def chart_document(frame: ChartFrame, tape: str) -> dict[str, Any]:
    """Return what the numbers of a chart mean: symbol, tape, spec, grid, and where its running delta began.

    ``cvd_anchor_ns`` is that of the first bar, None where there is no bar.
    """
    instrument = frame.footprint.instrument
    return {
        "symbol": instrument.key,
        "tape": tape,
        **msgspec.structs.asdict(frame.spec),
        "tick_size": f"{instrument.tick_size:f}",
        "lot_size": f"{instrument.lot_size:f}",
        "cvd_anchor_ns": int(frame.cvd_anchor_ns[0]) if len(frame) else None,
    }


def bars_document(frame: ChartFrame, tape: str) -> dict[str, Any]:
    """Return ``{"chart": what the numbers mean, "bars": [...]}``; prices and quantities are exact decimal text."""
    return {"chart": chart_document(frame, tape), "bars": bar_rows(frame)}


def imbalance_rows(frame: ChartFrame) -> list[list[dict[str, Any]]]:
    """Return the imbalances of every bar: price of the level, side, and whether it is part of a stack."""
    footprint = frame.footprint
    sides = (("buy", CELL_BUY_IMBALANCE, CELL_BUY_STACK), ("sell", CELL_SELL_IMBALANCE, CELL_SELL_STACK))
    found: list[list[dict[str, Any]]] = []
    for bar in range(len(footprint)):
        start, stop = (int(footprint.level_offset[i]) for i in (bar, bar + 1))
        rows = zip(footprint.levels.row[start:stop].tolist(), frame.cell_flags[start:stop].tolist(), strict=True)
        found.append(
            [
                {
                    "price": footprint.instrument.price_text(row * footprint.ticks_per_level),
                    "side": side,
                    "stacked": bool(flags & stack),
                }
                for row, flags in rows
                for side, imbalance, stack in sides
                if flags & imbalance
            ]
        )
    return found
