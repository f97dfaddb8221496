"""A study's answer in prices and quantities."""

from __future__ import annotations

from decimal import Decimal

import pytest

from footloom._api import footprint
from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.engine.build import build
from footloom.engine.spec import ChartSpec
from footloom.errors import ConfigError
from footloom.notebook.chart import Chart

MINUTE_NS = 60_000_000_000
INSTRUMENT = Instrument(venue="x", symbol="A", tick_size=Decimal("0.5"), lot_size=Decimal("0.1"))


@pytest.fixture
def trades() -> Trades:
    prints = [(MINUTE_NS + 1, 205, 30, -1), (1, 200, 10, 1), (2, 204, 10, 1), (3, 202, 20, -1)]  # the first comes last
    ts, tick, qty, side = (list(column) for column in zip(*prints, strict=True))
    return Trades.build(INSTRUMENT, ts, tick, qty, side, trade_id=[4, 1, 2, 3])


def test_a_study_speaks_in_prices_and_quantities(trades: Trades) -> None:
    chart = footprint(trades, bars="1m", ticks_per_level=1)

    assert [(row["open_ns"], row["cvd"]) for row in chart.study("cvd").rows()] == [(0, "0.0"), (MINUTE_NS, "-3.0")]
    assert [row["poc_row"] for row in chart.study("value_area").rows()] == ["101.0", "102.5"]
    # (100 x 1 + 102 x 1 + 101 x 2) / 4, and with 102.5 x 3: (404 + 307.5) / 7
    assert [row["vwap"] for row in chart.study("vwap").rows()] == pytest.approx([101, 711.5 / 7])
    assert [row["vwap"] for row in chart.study("vwap", anchor_ns=MINUTE_NS).rows()] == [None, 102.5]
    assert "102.5" in chart.study("vwap", anchor_ns=MINUTE_NS)._repr_html_()


def test_without_the_tape_a_study_of_trades_says_so(trades: Trades) -> None:
    chart = Chart(build(trades, ChartSpec()))

    with pytest.raises(ConfigError, match="reads the trades themselves"):
        chart.study("vwap")


def test_unknown_names_are_refused(trades: Trades) -> None:
    chart = footprint(trades)

    with pytest.raises(ConfigError, match="no study is called 'vwop'"):
        chart.study("vwop")
    with pytest.raises(ConfigError, match="has no setting colour"):
        chart.study("vwap", colour="red")
