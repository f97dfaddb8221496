"""Bars as JSON documents, the same from the command line and over HTTP."""

from __future__ import annotations

from typing import Any

import msgspec

from footloom.engine.export import bar_rows
from footloom.engine.frame import ChartFrame

__all__ = ("bars_document",)


def bars_document(frame: ChartFrame, tape: str) -> dict[str, Any]:
    """Return ``{"chart": what the numbers mean, "bars": [...]}``; prices and quantities are exact decimal text.

    ``chart.cvd_anchor_ns`` is where the running delta of the first bar began, null where there is no bar.
    """
    instrument = frame.footprint.instrument
    chart = {
        "symbol": instrument.key,
        "tape": tape,
        **msgspec.structs.asdict(frame.spec),
        "tick_size": f"{instrument.tick_size:f}",
        "lot_size": f"{instrument.lot_size:f}",
        "cvd_anchor_ns": int(frame.cvd_anchor_ns[0]) if len(frame) else None,
    }
    return {"chart": chart, "bars": bar_rows(frame)}
