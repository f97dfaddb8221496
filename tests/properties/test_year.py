"""A year of a busy market through VWAP and CVD: nothing overflows, nothing drifts (definitions 3.2, 4.4)."""

from __future__ import annotations

import dataclasses
import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.engine.build import build_footprint
from footloom.engine.studies import StudyFold, counting

DAY_NS = 86_400 * 10**9
BASE = 1_767_225_600 * 10**9  # 2026-01-01 00:00 UTC
# Spot Bitcoin on a grid finer than any venue's: a day overflows 64 bits many thousand times.
SPOT = Instrument(venue="t", symbol="BTC", tick_size=Decimal("0.01"), lot_size=Decimal("1e-8"))


def day_of(rows: int) -> Trades:
    random = np.random.default_rng(11)
    return Trades.build(
        SPOT,
        BASE + np.sort(random.integers(0, DAY_NS, rows)),
        10_000_000 + np.cumsum(random.integers(-50, 51, rows)) % 500_000,
        1 + (random.pareto(1.1, rows) * 1e6).astype(np.int64) % 10**11,
        random.choice([-1, 1], rows),
        trade_id=np.arange(rows),
    )


@pytest.mark.parametrize(
    ("rows", "days", "rule"),
    [(3_000, 30, "1m"), pytest.param(2_740_000, 365, "1h", marks=[pytest.mark.soak, pytest.mark.timeout(1800)])],
)
def test_a_year_neither_overflows_nor_drifts(rows: int, days: int, rule: str) -> None:
    tape = day_of(rows)
    folds = [StudyFold(name, {"reset": reset}) for name in ("vwap", "cvd") for reset in ("never", "session")]
    vwap, daily_vwap, cvd, daily_cvd = folds
    first = None
    for day in range(days):
        moved = dataclasses.replace(tape, ts_exch_ns=tape.ts_exch_ns + day * DAY_NS)
        made = build_footprint(moved, rule, 100, count=counting(folds[:1]))
        whole = vwap.update(made).bars
        running = cvd.update(made).bars
        each = (daily_vwap.update(made).bars["vwap"], daily_cvd.update(made).bars["cvd"])
        first = first or each
        assert all(np.array_equal(a, b) for a, b in zip(first, each, strict=True)), "each day is the first again"

    prices, lots = tape.price_tick.astype(object), tape.qty_lot.astype(object)
    volume, mean = int(lots.sum()), Fraction(int((prices * lots).sum()), int(lots.sum()))
    variance = Fraction(int((prices * prices * lots).sum()), volume) - mean * mean
    assert whole["vwap"][-1] == float(mean)
    assert whole["sd"][-1] == math.sqrt(float(variance))
    assert running["cvd"][-1] == days * int((lots * tape.side).sum())
    assert volume * int(prices.max()) ** 2 > 2**63, "64 bits would not do"
