"""Sessions: every instant in one span, in any zone, through DST (P9)."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footloom.core import nse
from footloom.core.sessions import DAY_NS, calendar, cut_at
from footloom.errors import ConfigError

NEW_YORK = "iana:America/New_York 09:30-16:00"


def ns(text: str) -> int:
    moment = dt.datetime.fromisoformat(text) - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return (moment.days * 86_400 + moment.seconds) * 10**9


def test_crypto_days_are_utc_days():
    assert calendar("crypto").session_of(ns("2026-03-02T13:00+00:00")) == (
        ns("2026-03-02T00:00+00:00"),
        ns("2026-03-03T00:00+00:00"),
    )


@pytest.mark.parametrize(
    ("day", "opens"),
    [("2026-01-15", "14:30"), ("2026-07-15", "13:30"), ("2026-03-09", "13:30"), ("2026-03-06", "14:30")],
)
def test_new_york_opens_an_hour_earlier_in_summer(day, opens):
    start, end = calendar(NEW_YORK).session_of(ns(f"{day}T15:00+00:00"))

    assert start == ns(f"{day}T{opens}+00:00")
    assert end - start == 6.5 * 3600 * 10**9


def test_a_day_may_last_23_or_25_hours():
    market = calendar("iana:Europe/Berlin 00:00-00:00")
    hours = [(end - start) / 3600e9 for start, end in market.sessions(dt.date(2026, 3, 27), dt.date(2026, 3, 30))]
    hours += [(end - start) / 3600e9 for start, end in market.sessions(dt.date(2026, 10, 26), dt.date(2026, 10, 26))]

    assert hours == [24, 24, 24]  # weekends are no sessions here
    edges = market.day_edges(ns("2026-03-28T12:00+00:00"), ns("2026-03-31T00:00+00:00"), lambda day: day)
    assert np.diff(edges.start_ns).tolist() == [DAY_NS, 23 * 3600 * 10**9, DAY_NS]


@pytest.mark.parametrize(
    ("moment", "want"),
    [
        ("2026-07-31T15:29:59+05:30", ("2026-07-31T09:15+05:30", "2026-07-31T15:30+05:30")),
        ("2026-08-03T15:39:59+05:30", ("2026-08-03T09:15+05:30", "2026-08-03T15:40+05:30")),
        ("2024-11-01T18:30+05:30", ("2024-11-01T18:00+05:30", "2024-11-01T19:00+05:30")),  # Muhurat, a holiday
        ("2024-05-18T11:45+05:30", ("2024-05-18T11:30+05:30", "2024-05-18T12:30+05:30")),  # a Saturday drill
    ],
)
def test_nse_hours_are_dated(moment, want):
    assert calendar("nse_fo").session_of(ns(moment)) == tuple(ns(text) for text in want)


def test_nse_rests_on_weekends_and_holidays():
    market = calendar("nse_fo")
    spans = market.spans(ns("2026-01-23T16:00+05:30"), ns("2026-01-27T09:00+05:30"))  # Monday 26 is Republic Day

    assert spans.in_session.tolist() == [False]
    assert spans.start_ns[0] == ns("2026-01-23T15:30+05:30")
    assert spans.end_ns[0] == ns("2026-01-27T09:15+05:30")


def test_before_the_table_nothing_was_in_session():
    spans = calendar("nse_fo").spans(ns("2009-11-30T12:00+05:30"), ns("2010-01-05T12:00+05:30"))

    assert spans.in_session.tolist()[:2] == [False, True]
    assert calendar("nse_fo").session_date(ns("2009-12-15T12:00+05:30")) == dt.date(2009, 12, 15)


def test_an_option_has_no_pre_open():
    assert nse.schedule("FO_OPT", dt.date(2025, 12, 9)).preopen is None
    assert nse.schedule("FO_INDEX_FUT", dt.date(2025, 12, 9)).preopen == dt.time(9)


@given(
    st.integers(ns("2019-02-01T00:00+00:00"), ns("2026-12-01T00:00+00:00")),
    st.integers(1, 40 * DAY_NS),
    st.sampled_from(["crypto", "nse_fo", "nse_cash", NEW_YORK, "iana:America/Chicago 17:00-16:00"]),
)
def test_spans_partition_time_the_same_for_any_range(start, length, name):
    market = calendar(name)
    spans = market.spans(start, start + length)

    assert spans.start_ns[0] <= start < spans.end_ns[0]
    assert spans.start_ns[-1] < start + length <= spans.end_ns[-1]
    assert np.array_equal(spans.start_ns[1:], spans.end_ns[:-1])
    middle = start + length // 2
    alone = market.spans(middle, middle + 1)
    i = spans.find(middle)
    assert (alone.start_ns[0], alone.end_ns[0], alone.in_session[0]) == (
        spans.start_ns[i],
        spans.end_ns[i],
        spans.in_session[i],
    )


def test_the_day_of_an_overnight_session_is_the_day_on_which_it_ends():
    market = calendar("iana:America/Chicago 17:00-16:00")

    assert market.session_date(ns("2026-03-02T20:00-06:00")) == dt.date(2026, 3, 3)


@pytest.mark.parametrize("name", ["mars", "iana:Nowhere/City 09:00-10:00", "iana:UTC 25:00-10:00"])
def test_an_unknown_calendar_is_refused(name):
    with pytest.raises(ConfigError, match="calendar"):
        calendar(name)


def test_calendars_that_clients_name_are_not_kept_for_ever():
    assert calendar.cache_info().maxsize is not None


def test_further_cuts_part_sessions_weeks_and_months():
    within, at_close = ns("2025-11-24T12:00+05:30"), ns("2025-11-25T15:30+05:30")
    market = calendar(cut_at("nse_fo", [at_close, within]))
    opened, closed = ns("2025-11-24T09:15+05:30"), ns("2025-11-24T15:30+05:30")
    assert market.name == f"nse_fo cut at {within},{at_close}"
    assert calendar(market.name) is market
    assert market.session_of(within - 1) == (opened, within)
    assert market.session_of(within) == (within, closed)
    assert market.spans(within, within + 1).in_session.all()
    assert market.session_date(within - 1) == market.session_date(within) == dt.date(2025, 11, 24)
    assert market.session_of(at_close) == calendar("nse_fo").session_of(at_close), "cut there already"
    week = market.day_edges(within, within + 1, lambda day: day - dt.timedelta(days=day.weekday()))
    monday, next_monday = ns("2025-11-24T00:00+05:30"), ns("2025-12-01T00:00+05:30")
    assert week.start_ns.tolist() == [monday, within, at_close]
    assert week.end_ns.tolist() == [within, at_close, next_monday]
    assert cut_at("nse_fo", []) == "nse_fo"
