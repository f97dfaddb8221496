"""Bars as JSON documents, the same from the command line and over HTTP."""

from __future__ import annotations

from typing import Any

import msgspec

from footloom.core.instrument import Instrument
from footloom.core.sessions import calendar
from footloom.engine.export import bar_rows
from footloom.engine.frame import ChartFrame
from footloom.feeds.stored import Inference
from footloom.kernels.inference import SnapshotParams
from footloom.server.stored.abandon import checkpoint
from footloom.studies.imbalance import CELL_BUY_IMBALANCE, CELL_BUY_STACK, CELL_SELL_IMBALANCE, CELL_SELL_STACK

__all__ = ("bars_document", "bars_json", "chart_document", "imbalance_rows", "inference_document", "instrument_words")


_PIECE_BARS = 64  # some milliseconds of work


def chart_document(frame: ChartFrame, tape: str, inference: SnapshotParams | None = None) -> dict[str, Any]:
    """Return what the numbers of a chart mean: symbol, tape, spec, grid, and where its running delta began.

    ``cvd_anchor_ns`` is that of the first bar, None where there is no bar. ``inference`` is how sides were inferred,
    None where the venue states them.
    """
    instrument = frame.footprint.instrument
    inferred = inference if tape == "snapshot" else None
    return {
        "symbol": instrument.key,
        "tape": tape,
        **msgspec.structs.asdict(frame.spec),
        "tick_size": f"{instrument.tick_size:f}",
        "lot_size": f"{instrument.lot_size:f}",
        "cvd_anchor_ns": int(frame.cvd_anchor_ns[0]) if len(frame) else None,
        "inference": inferred and _inference(inferred),
    }


def inference_document(found: Inference) -> dict[str, Any]:
    """Return how the sides of stored snapshots were inferred, and the volume that did not become trades.

    Volume of bars and what is unattributed make the day's volume; counts are of the days of the exchange that were
    read. ``unattributed`` holds ``[ns, quantity]`` within the range that was asked for.
    """
    instrument = found.trades.instrument
    lost = zip(found.unattributed_ns.tolist(), found.unattributed_lot.tolist(), strict=True)
    counters = found.counters
    return _inference(found.params) | {
        "unattributed": [[ns, instrument.qty_text(lot)] for ns, lot in lost],
        "corrected": instrument.qty_text(counters.corrected_lot),
        "dropped": counters.dropped,
        "ltq_anomaly": counters.ltq_anomaly,
        "rebaselined": counters.rebaselined,
    }


def _inference(params: SnapshotParams) -> dict[str, Any]:
    return {"params_hash": params.params_hash, **msgspec.structs.asdict(params)}


def instrument_words(instrument: Instrument, tape: str) -> dict[str, Any]:
    """Return what an instrument is, and whether a tape of it has inferred sides, as both REST and snapshots say it."""
    return {
        "tick_size": f"{instrument.tick_size:f}",
        "lot_size": f"{instrument.lot_size:f}",
        "market_lot": None if instrument.market_lot is None else f"{instrument.market_lot:f}",
        "base": instrument.base,
        "quote": instrument.quote,
        "contract_multiplier": f"{instrument.contract_multiplier:f}",
        "inverse": instrument.inverse,
        "calendar": instrument.calendar,
        "tz": calendar(instrument.calendar).tz,
        "simulated": instrument.venue == "sim",
        "inferred": tape == "snapshot",
    }


def bars_document(frame: ChartFrame, tape: str, inference: SnapshotParams | None = None) -> dict[str, Any]:
    """Return ``{"chart": what the numbers mean, "bars": [...]}``; prices and quantities are exact decimal text."""
    return {"chart": chart_document(frame, tape, inference), "bars": bar_rows(frame)}


def bars_json(
    frame: ChartFrame, tape: str, inference: SnapshotParams | None = None, *, has_more: bool, **more: Any
) -> bytes:
    """Return `bars_document` as JSON, with ``has_more``; written piece by piece, so that others get their turn.

    ``more`` is said of the chart beside its meaning.
    """
    encode = msgspec.json.encode
    parts = [b'{"chart":', encode(chart_document(frame, tape, inference) | more), b',"bars":[']
    for start in range(0, len(frame), _PIECE_BARS):
        checkpoint()
        parts += [b"," if start else b"", encode(bar_rows(frame.slice(start, start + _PIECE_BARS)))[1:-1]]
    return b"".join([*parts, b'],"has_more":', encode(has_more), b"}"])


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
