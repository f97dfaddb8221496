"""The statistics table under a chart: what each bar traded, won, and how far to trust it (definitions 1.4, 3.1)."""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np

from footloom.studies import cvd, imbalance
from footloom.studies import value_area as areas
from footloom.studies._study import Answer, Output, Run, Unit
from footloom.studies.tape_speed import duration_ns

__all__ = ("OUTPUTS", "TITLE", "Params", "State", "update", "warmup")

TITLE = "Bar statistics"


def _row(name: str, unit: Unit, title: str) -> Output:
    return Output(name=name, kind="column", unit=unit, columns=(name,), title=title)


OUTPUTS = (
    _row("volume", "lot", "volume"),
    _row("delta", "lot", "delta"),
    _row("delta_pct", "percent", "delta %"),
    _row("min_delta", "lot", "min delta"),
    _row("max_delta", "lot", "max delta"),
    _row("session_cvd", "lot", "CVD of the session"),
    _row("trades", "count", "trades"),
    _row("volume_per_s", "lot", "volume a second"),
    _row("duration_ns", "ns", "duration"),
    _row("buy_imbalances", "count", "buy imbalances"),
    _row("sell_imbalances", "count", "sell imbalances"),
    _row("poc", "row", "POC"),
    _row("coverage", "ratio", "coverage"),
    _row("quote_share", "ratio", "quote share"),
)

_SECOND_NS = 1_000_000_000


class Params(imbalance.Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is counted as an imbalance (as in the study of that name), when CVD starts again, and who wins a POC tie."""

    reset: Literal["session", "day", "week", "month", "never"] = "session"
    poc_tie: Literal["centre", "lowest"] = "centre"


class State(msgspec.Struct, frozen=True):
    """The cumulative delta with its anchor, and what the imbalances remember."""

    cvd_lot: int = 0
    anchor_ns: int | None = None
    cells: imbalance.State = imbalance.State()


def warmup(params: Params) -> int:  # noqa: ARG001 - the same for any
    """Return -1: everything since the anchor counts."""
    return -1


def update(run: Run, params: Params, state: State) -> tuple[Answer, State]:
    """Return a column a row of the table; shares are within 0 and 1, NaN where there is nothing to share.

    ``quote_share`` is NaN where the venue states the side.
    """
    bars = run.footprint.bars
    carry = None if state.anchor_ns is None else cvd.Carry(state.cvd_lot, state.anchor_ns)
    sums = cvd.cvd(run.footprint, run.calendar, cvd.Params(reset=params.reset), carry)
    marks, cells = imbalance.update(run, params, state.cells)
    volume, lasts = bars.volume_lot, duration_ns(bars.open_ns, bars.close_ns)
    columns = {
        "volume": volume,
        "delta": bars.delta_lot,
        "delta_pct": bars.delta_pct,
        "min_delta": bars.min_delta_lot,
        "max_delta": bars.max_delta_lot,
        "session_cvd": sums.cvd_lot,
        "trades": bars.trades,
        "volume_per_s": volume / (lasts / _SECOND_NS),
        "duration_ns": bars.close_ns - bars.open_ns,
        "buy_imbalances": marks.bars["buy_count"],
        "sell_imbalances": marks.bars["sell_count"],
        "poc": areas.profiles(run.footprint, areas.Params(tie=params.poc_tie)).poc_row,
        "coverage": (volume - bars.unknown_lot) / volume,
        "quote_share": np.where(bars.inferred_lot > 0, bars.quote_lot / volume, np.nan),
    }
    if len(run):
        state = State(int(sums.cvd_lot[-1]), int(sums.anchor_ns[-1]), cells)
    return Answer(bars=columns), state
