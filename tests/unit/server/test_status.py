"""The header of a symbol: its day is the session's, whatever comes late or outside it."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from footloom.core.instrument import Instrument
from footloom.core.trades import FLAG_BACKFILLED, Trades
from footloom.feeds.flow import Commit
from footloom.server.live.status import SymbolStatus

SECOND_NS = 10**9
MIDNIGHT_NS = 20_000 * 86_400 * SECOND_NS
INDIA = dt.timezone(dt.timedelta(hours=5, minutes=30))
DAY = ("last", "prev_close", "day_open", "day_high", "day_low", "day_volume", "vwap")


def header(calendar: str = "crypto") -> SymbolStatus:
    return SymbolStatus(Instrument(venue="x", symbol="Y", tick_size=Decimal(1), lot_size=Decimal(1), calendar=calendar))


def tell(status: SymbolStatus, *rows: tuple[int, int, int], ids: tuple[int, ...] | None = None) -> dict[str, Any]:
    """Give (time, price, quantity) in one commit; returns what the header says then."""
    ts, price, quantity = (list(column) for column in zip(*rows, strict=True))
    numbers = range(len(ts)) if ids is None else ids
    trades = Trades.build(status.instrument, ts, price, quantity, [1] * len(ts), trade_id=numbers, ts_recv_ns=ts)
    status.apply(Commit("x:Y", trades, (), ts[-1]))
    told = json.loads(status.text())
    return {name: told[name] for name in DAY}


def test_a_trade_of_yesterday_that_comes_late_leaves_today_alone() -> None:
    status = header()
    tell(status, (MIDNIGHT_NS - 2 * SECOND_NS, 100, 1000))
    before = tell(status, (MIDNIGHT_NS + SECOND_NS, 110, 5000), (MIDNIGHT_NS + 3600 * SECOND_NS, 120, 5000))
    assert (before["prev_close"], before["day_open"], before["day_volume"]) == ("100", "110", "10000")
    assert tell(status, (MIDNIGHT_NS - SECOND_NS, 101, 7)) == before
    after = tell(status, (MIDNIGHT_NS + 3601 * SECOND_NS, 121, 1))
    assert after == before | {"last": "121", "day_high": "121", "day_volume": "10001", "vwap": "115.00"}


def test_the_last_price_and_the_open_are_those_of_the_ordering_key() -> None:
    status = header()
    tell(status, (MIDNIGHT_NS + 10, 100, 1), (MIDNIGHT_NS + 20, 105, 1), ids=(3, 7))
    late = tell(status, (MIDNIGHT_NS + 15, 90, 1), ids=(5,))
    assert (late["last"], late["day_open"], late["day_low"]) == ("105", "100", "90")
    assert tell(status, (MIDNIGHT_NS + 20, 106, 1), ids=(6,))["last"] == "105", "of one instant, the greatest id"
    assert tell(status, (MIDNIGHT_NS + 5, 99, 1), ids=(1,))["day_open"] == "99"


def test_the_day_says_from_when_on_its_trades_are_stored() -> None:
    def since(status: SymbolStatus) -> tuple[Any, Any]:
        told = json.loads(status.text())
        return told["day_start_ns"], told["day_from_ns"]

    status = header()
    assert since(status) == (None, None)
    joined = MIDNIGHT_NS + 12_660 * SECOND_NS
    tell(status, (joined, 100, 1), (joined + SECOND_NS, 101, 1), ids=(8, 9))
    assert since(status) == (str(MIDNIGHT_NS), str(joined))
    tell(status, (MIDNIGHT_NS + 7, 99, 1), ids=(1,))
    assert since(status) == (str(MIDNIGHT_NS), str(MIDNIGHT_NS + 7)), "what was fetched later is of the day too"
    next_day = MIDNIGHT_NS + 86_400 * SECOND_NS
    tell(status, (next_day + 3, 100, 1), ids=(10,))
    assert since(status) == (str(next_day), str(next_day + 3))


def test_pages_of_history_that_waited_together_sum_up_as_they_would_one_by_one() -> None:
    together, apart = header(), header()
    for page in range(40):
        ts = [MIDNIGHT_NS + (page * 50 + row) * SECOND_NS for row in range(50)]
        ticks = [10**9 + (page * 7 + row) % 31 for row in range(50)]
        lots = [10**8 + page + row for row in range(50)]  # the turnover passes 64 bits
        ids = range(page * 50, page * 50 + 50)
        for status in (together, apart):
            rows = Trades.build(
                status.instrument, ts, ticks, lots, [1] * 50, trade_id=ids, ts_recv_ns=ts, flags=[FLAG_BACKFILLED] * 50
            )
            status.apply(Commit("x:Y", rows, (), ts[-1]))
        apart.text()
    assert together.text() == apart.text()
    sums = [(10**9 + (i // 50 * 7 + i % 50) % 31, 10**8 + i // 50 + i % 50) for i in range(2_000)]
    volume, turnover = sum(lot for _, lot in sums), sum(tick * lot for tick, lot in sums)
    told = json.loads(together.text())
    assert (told["day_volume"], told["vwap"]) == (str(volume), f"{Decimal(turnover) / volume:.2f}")


def test_a_print_outside_the_session_starts_no_day() -> None:
    def at(day: int, hour: int, minute: int) -> int:
        return int(dt.datetime(2026, 3, day, hour, minute, 1, tzinfo=INDIA).timestamp()) * SECOND_NS

    status = header("nse_cash")
    day = tell(status, (at(2, 9, 15), 100, 1000), (at(2, 15, 29), 140, 500))
    assert (day["day_open"], day["day_high"], day["day_volume"]) == ("100", "140", "1500")
    assert tell(status, (at(2, 15, 45), 139, 10)) == day | {"last": "139"}
    following = tell(status, (at(4, 9, 16), 150, 5))
    assert following == {
        "last": "150",
        "prev_close": "140",
        "day_open": "150",
        "day_high": "150",
        "day_low": "150",
        "day_volume": "5",
        "vwap": "150.00",
    }


def test_the_close_of_an_older_session_is_no_previous_close() -> None:
    status = header()
    tell(status, (MIDNIGHT_NS - 2 * 86_400 * SECOND_NS, 40, 1))
    today = tell(status, (MIDNIGHT_NS + SECOND_NS, 100, 1))
    assert (today["prev_close"], today["day_open"]) == (None, "100"), "yesterday is not stored"
    assert tell(status, (MIDNIGHT_NS + 86_400 * SECOND_NS, 101, 1))["prev_close"] == "100"


def test_the_close_of_another_contract_is_no_previous_close() -> None:
    day_ns = 86_400 * SECOND_NS
    for cut_ns, close in ((MIDNIGHT_NS, None), (MIDNIGHT_NS + day_ns, "100")):
        status = header(f"crypto cut at {cut_ns}")
        tell(status, (MIDNIGHT_NS - 100, 100, 1))
        assert tell(status, (MIDNIGHT_NS, 110, 1))["prev_close"] == close


def test_the_engine_s_time_alone_is_no_news() -> None:
    status = header()
    tell(status, (MIDNIGHT_NS + 10, 100, 1))
    assert status.has_news
    said = json.loads(status.said().data)
    assert not status.has_news
    nothing = Trades.empty(status.instrument)
    status.apply(Commit("x:Y", nothing, (), MIDNIGHT_NS + SECOND_NS))
    assert not status.has_news
    assert json.loads(status.text())["engine_ns"] != said["engine_ns"], "it is told with the next message all the same"
    status.apply(Commit("x:Y", nothing, (), MIDNIGHT_NS + SECOND_NS, quote=(99, 101)))
    assert status.has_news
    status.said()
    status.stop("the feed stopped")
    assert status.has_news


def test_many_rows_and_few_give_the_same_figures() -> None:
    many, few = header(), header()
    rows = [(MIDNIGHT_NS + number * SECOND_NS, 2**40 + number % 17, 1 + number % 5) for number in range(300)]
    told = tell(many, *rows)
    for at in range(0, len(rows), 3):
        last = tell(few, *rows[at : at + 3], ids=(at, at + 1, at + 2))
    assert last == told
    assert told["day_volume"] == str(sum(lots for _, _, lots in rows))


def test_the_lag_is_that_of_the_last_row_that_was_heard() -> None:
    status = header()
    ts = [MIDNIGHT_NS + number for number in range(3)]
    trades = Trades.build(
        status.instrument, ts, [1, 2, 3], [1, 1, 1], [1, 1, 1], trade_id=range(3),
        ts_recv_ns=[at + 5_000_000 * (number + 1) for number, at in enumerate(ts)], flags=[0, 0, FLAG_BACKFILLED],
    )  # fmt: skip
    status.apply(Commit("x:Y", trades, (), ts[-1]))
    assert json.loads(status.text())["lag_ms"] == 10
    fetched = trades.take(slice(2, 3))
    status.apply(Commit("x:Y", fetched, (), ts[-1]))
    assert json.loads(status.text())["lag_ms"] == 10


@given(
    st.sampled_from(["1", "0.05", "0.125", "1E-8", "25"]),
    st.lists(st.tuples(st.integers(-50, 2**45), st.integers(1, 2**40)), min_size=1, max_size=20),
)
def test_the_average_price_is_rounded_exactly(tick_size: str, trades: list[tuple[int, int]]) -> None:
    one = Instrument(venue="x", symbol="Y", tick_size=Decimal(tick_size), lot_size=Decimal(1), calendar="crypto")
    told = tell(SymbolStatus(one), *((MIDNIGHT_NS + at, tick, lots) for at, (tick, lots) in enumerate(trades)))
    places = max(0, -int(Decimal(tick_size).as_tuple().exponent)) + 2
    mean = Fraction(sum(tick * lots for tick, lots in trades), sum(lots for _, lots in trades)) * Fraction(tick_size)
    assert told["vwap"] == f"{Decimal(round(mean * 10**places)).scaleb(-places):f}"


def test_who_comes_is_told_the_header_and_it_stays_news_to_the_others() -> None:
    status = header()
    status.said()
    tell(status, (MIDNIGHT_NS, 100, 1))
    status.said(to_all=False)
    assert status.has_news
    status.said()
    assert not status.has_news


# Seconds around midnight: late rows, rows of yesterday, fetched ones, commits without rows.
_PIECE = st.tuples(
    st.lists(st.tuples(st.integers(-20, 20), st.integers(90, 110), st.integers(1, 9)), max_size=4), st.booleans()
)


@given(st.lists(_PIECE, min_size=1, max_size=12), st.lists(st.booleans(), min_size=12, max_size=12))
def test_a_header_says_the_same_however_seldom_it_is_asked(
    pieces: list[tuple[list[tuple[int, int, int]], bool]], asks: list[bool]
) -> None:
    often, seldom = header(), header()
    for number, ((rows, is_fetched), ask) in enumerate(zip(pieces, asks, strict=False)):
        ts = sorted(MIDNIGHT_NS + second * SECOND_NS for second, _, _ in rows)
        flags = [FLAG_BACKFILLED if is_fetched else 0] * len(ts)
        columns = ts, [price for _, price, _ in rows], [quantity for _, _, quantity in rows], [1] * len(ts)
        ids = [10 * number + at for at in range(len(ts))]
        received = [one + 5_000_000 * (number + 1) for one in ts]
        rows_of = Trades.build(often.instrument, *columns, trade_id=ids, ts_recv_ns=received, flags=flags)
        commit = Commit("x:Y", rows_of, (), MIDNIGHT_NS + number, quote=(number, number + 1), recorded=number % 3 > 0)
        for status in (often, seldom):
            status.apply(commit)
        told = often.text()
        if ask:
            assert seldom.text() == told
    assert seldom.text() == often.text()
