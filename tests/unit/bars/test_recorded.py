"""Another program's bars of real trades, whose prices its authors edited (definitions 2.3, 2.4)."""

import csv
import datetime as dt
from decimal import Decimal

import numpy as np
import pytest

from footloom.bars import parse_rule
from footloom.core.instrument import Instrument
from footloom.core.sessions import calendar
from footloom.core.trades import Trades
from footloom.engine.build import build_footprint

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
INSTRUMENT = Instrument(venue="t", symbol="ES", tick_size=Decimal("0.25"), lot_size=Decimal(1))


def trades_of(path):
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    moments = [dt.datetime.fromisoformat(row["Date and Time"].replace("/", "-") + "+00:00") for row in rows]
    return Trades.build(
        INSTRUMENT,
        [round((moment - EPOCH) / dt.timedelta(milliseconds=1)) * 10**6 for moment in moments],
        [INSTRUMENT.price_tick(row["Price"]) for row in rows],
        [INSTRUMENT.qty_lot(row["Volume"]) for row in rows],
        np.zeros(len(rows)),
    )


@pytest.mark.parametrize(
    ("rule", "close"), [("1e5q", "1304.5"), ("30v", "1304.75"), ("10t", "1304.5")], ids=["dollar", "volume", "trades"]
)
def test_the_first_bar_is_theirs(recordings, rule, close):
    bars = build_footprint(trades_of(recordings / "answers" / "bars_tick_data.csv"), rule, 1).bars

    prices = [bars.open_tick, bars.high_tick, bars.low_tick, bars.close_tick]
    assert [INSTRUMENT.price_text(column[0]) for column in prices] == ["1205.00", "1904.75", "1005.00", f"{close:0<7}"]


@pytest.mark.parametrize(("rule", "finished"), [("1m", 11), ("10s", 47)])
def test_time_bars_are_as_many_as_theirs(recordings, rule, finished):
    trades = trades_of(recordings / "answers" / "bars_time.csv")
    edges, _ = parse_rule(rule).edges(trades, calendar("crypto"))

    assert len(edges) - 1 == finished  # they do not give the last, unfinished one
