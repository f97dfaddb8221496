"""How much of a bar's volume has a side, and how it was found (definitions 1.4)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pytest

from footloom.core.footprint import Bars
from footloom.core.instrument import Instrument
from footloom.core.snapshots import Snapshots
from footloom.core.trades import Trades
from footloom.engine.build import build_footprint
from footloom.kernels.confidence import confidence
from footloom.kernels.inference import RestPolicy, SnapshotParams, infer

S = 10**9
NSE = Instrument(venue="test", symbol="FUT", tick_size=Decimal("0.05"), lot_size=Decimal(1), calendar="crypto")
# Second, last price, its lots, the day's lots, bid, ask: signed by the quote (with a rest), the quote, its middle, the
# tick rule, nothing; the last one has a rest too.
ROWS = [
    (0, 100, 5, 1000, 99, 101),
    (1, 101, 50, 1080, 100, 103),
    (2, 100, 20, 1100, 100, 103),
    (3, 102, 7, 1107, 98, 102),
    (4, 100, 9, 1116, 98, 102),
    (61, 100, 3, 1119, 98, 102),
    (62, 100, 4, 1129, 98, 102),
]


def bars(policy: RestPolicy, rows: Sequence[tuple[int, ...]] = ROWS) -> Bars:
    second, ltp, ltq, vtt, bid, ask = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    seen = Snapshots(NSE, second * S, ltp, ltq, vtt, bid, ask, second * S + 1)
    return build_footprint(infer(seen, None, SnapshotParams(rest_policy=policy)).trades, "1m", 1).bars


def test_each_lot_is_counted_once_by_how_its_side_was_found() -> None:
    made = bars("ltp_same_side")
    assert made.by_quote_lot.tolist() == [50 + 20, 0]
    assert made.by_mid_lot.tolist() == [7, 0]
    assert made.by_tick_lot.tolist() == [9, 3 + 4]
    assert made.by_rest_lot.tolist() == [30, 6]
    assert made.unknown_lot.tolist() == [0, 0]
    assert made.stated_lot.tolist() == [0, 0]
    assert made.sure_lot.tolist() == [86, 7]
    assert made.quote_lot.tolist() == [100, 0], "the rest took the side of its quote"


def test_a_rest_without_a_side_is_unknown() -> None:
    made = bars("unknown")
    assert made.by_rest_lot.tolist() == [0, 0]
    assert made.rest_lot.tolist() == made.unknown_lot.tolist() == [30, 6]
    assert made.sure_lot.tolist() == [86, 7]


def test_before_the_first_change_of_price_the_tick_rule_says_nothing() -> None:
    made = bars("ltp_same_side", [(0, 100, 5, 1000, 98, 102), (1, 100, 5, 1020, 98, 102)])
    assert made.unknown_lot.tolist() == [20]
    assert made.sure_lot.tolist() == [0]


@pytest.mark.parametrize("policy", ["ltp_same_side", "unknown", "spread_between_prev_ltp_and_ltp"])
def test_the_parts_make_the_volume_of_the_day(policy: RestPolicy) -> None:
    made = bars(policy)
    found = made.by_quote_lot + made.by_mid_lot + made.by_tick_lot + made.by_rest_lot + made.stated_lot
    assert (found + made.unknown_lot).tolist() == made.volume_lot.tolist()
    assert (made.sure_lot + made.by_rest_lot + made.unknown_lot).tolist() == made.volume_lot.tolist()
    assert int(made.volume_lot.sum()) == 1129 - 1000
    assert made.inferred_lot.tolist() == made.volume_lot.tolist()


def test_a_side_that_the_venue_states_is_stated() -> None:
    given = Trades.build(NSE, np.arange(5) * S, [100] * 5, [1, 2, 3, 4, 5], [1, -1, 0, 1, 1], trade_id=range(5))
    made = build_footprint(given, "1m", 1).bars
    assert made.stated_lot.tolist() == made.sure_lot.tolist() == [12]
    assert not any(column.any() for column in confidence(given, np.array([0, 5])).values())
