"""Time bars: anchors, edges, odd lengths (definitions 2.3; P9, P14)."""

import datetime as dt
from decimal import Decimal

import pytest

from footloom.bars import parse_rule
from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.engine.build import build_footprint
from footloom.errors import ConfigError

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def opens(moments: list[str], bars: str, calendar: str = "crypto") -> list[str]:
    instrument = Instrument(venue="t", symbol="X", tick_size=Decimal(1), lot_size=Decimal(1), calendar=calendar)
    times = [round((dt.datetime.fromisoformat(m) - EPOCH).total_seconds() * 1000) * 10**6 for m in moments]
    made = build_footprint(
        Trades.build(instrument, times, [1] * len(times), [1] * len(times), [1] * len(times)), bars, 1
    )
    zone = dt.datetime.fromisoformat(moments[0]).tzinfo
    return [dt.datetime.fromtimestamp(ns / 1e9, zone).strftime("%m-%dT%H:%M") for ns in made.bars.open_ns.tolist()]


def test_a_trade_on_the_edge_opens_the_next_bar():
    assert opens(["2026-03-02T00:00:59.999+00:00", "2026-03-02T00:01:00+00:00"], "1m") == ["03-02T00:00", "03-02T00:01"]


def test_nse_hours_start_at_a_quarter_past_nine():
    times = [f"2025-12-03T{t}:00+05:30" for t in ("09:15", "10:14", "10:15", "15:15", "15:29")]

    assert opens(times, "1h", "nse_fo") == ["12-03T09:15", "12-03T10:15", "12-03T15:15"]


def test_the_longer_nse_day_ends_in_a_stub_of_75_minutes():
    times = [f"2026-08-03T{t}:00+05:30" for t in ("09:15", "15:29", "15:30", "15:39")]

    assert opens(times, "75m", "nse_fo") == ["08-03T09:15", "08-03T14:15", "08-03T15:30"]


def test_trades_outside_the_session_get_bars_of_their_own():
    times = [f"2025-12-09T{t}:00+05:30" for t in ("09:08", "09:15", "15:29", "15:45")]

    assert opens(times, "1d", "nse_fo") == ["12-08T15:30", "12-09T09:15", "12-09T15:30"]


def test_weeks_start_on_monday_and_months_on_the_first():
    assert opens(["2026-03-01T23:59:00+00:00", "2026-03-02T00:00:00+00:00"], "1w") == ["02-23T00:00", "03-02T00:00"]
    assert opens(["2026-02-28T23:59:00+00:00", "2026-03-01T00:00:00+00:00"], "1mo") == ["02-01T00:00", "03-01T00:00"]


def test_a_length_that_does_not_divide_the_day_is_cut_at_its_end():
    assert opens(["2026-03-02T23:59:00+00:00", "2026-03-03T00:00:00+00:00"], "7h") == ["03-02T21:00", "03-03T00:00"]


@pytest.mark.parametrize(
    ("text", "canonical"), [("60s", "1m"), ("60m", "1h"), ("90m", "90m"), ("24h", "24h"), ("1mo", "1mo")]
)
def test_one_rule_has_one_spelling(text, canonical):
    assert parse_rule(text).text == canonical


@pytest.mark.parametrize("text", ["", "0m", "m", "25h", "2d", "3w", "1.5m", "-1m", "minute", "1M"])
def test_nonsense_names_no_bars(text):
    with pytest.raises(ConfigError, match="bar"):
        parse_rule(text)
