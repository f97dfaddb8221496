"""What is known of each option at an instant: the last value of its own day, since when, and from whom."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footloom.core.series import NO_QUOTE, Series
from footloom.core.trades import I64
from footloom.errors import DataError, TooMuch
from footloom.options import chain as chains
from footloom.options.chain import Chain, Side
from tests.unit.options.chain_kit import EXPIRY_NS, MINUTE_NS, MONDAY_NS, NIFTY, OPEN_NS, Row, call, chain_of, put, spot


def instants(*minutes: int) -> I64:
    return np.array([OPEN_NS + minute * MINUTE_NS for minute in minutes], np.int64)


def test_a_value_holds_until_it_is_said_anew_and_says_since_when() -> None:
    chain = chain_of(
        call(OPEN_NS, 26000, oi_lot=100, volume_lot=5, source=1),
        put(OPEN_NS, 26000, oi_lot=50),
        call(OPEN_NS + 2 * MINUTE_NS, 26000, volume_lot=9, source=2),
        call(OPEN_NS + 3 * MINUTE_NS, 26100, oi_lot=7),
    )
    board = chain.board(EXPIRY_NS, instants(0, 1, 2, 3))
    assert board.strikes.tolist() == [2_600_000, 2_610_000]
    assert board.values("oi_lot", "call").tolist() == [[100, NO_QUOTE]] * 3 + [[100, 7]]
    assert board.values("volume_lot", "call")[:, 0].tolist() == [5, 5, 9, 9]
    assert board.times("volume_lot", "call")[3, 0] == OPEN_NS + 2 * MINUTE_NS
    assert [board.sources(name, "call")[3, 0] for name in ("oi_lot", "volume_lot")] == [1, 2]
    assert board.values("oi_lot", "put")[:, 1].tolist() == [NO_QUOTE] * 4


def test_nothing_is_known_before_its_time_nor_on_the_next_day() -> None:
    chain = chain_of(call(OPEN_NS + MINUTE_NS, 26000, oi_lot=1), call(MONDAY_NS + MINUTE_NS, 26000, volume_lot=2))
    at = np.array([OPEN_NS, OPEN_NS + MINUTE_NS, MONDAY_NS, MONDAY_NS + MINUTE_NS])
    board = chain.board(EXPIRY_NS, at)
    assert board.values("oi_lot", "call")[:, 0].tolist() == [NO_QUOTE, 1, NO_QUOTE, NO_QUOTE]
    assert board.values("volume_lot", "call")[:, 0].tolist() == [NO_QUOTE, NO_QUOTE, NO_QUOTE, 2]


def test_a_side_without_orders_takes_its_price_back() -> None:
    chain = chain_of(
        call(OPEN_NS, 26000, bid_tick=1_000, bid_lot=75, ask_tick=1_100, ask_lot=75),
        call(OPEN_NS + MINUTE_NS, 26000, bid_lot=0),
        call(OPEN_NS + 2 * MINUTE_NS, 26000, bid_tick=1_200, bid_lot=75),
    )
    board = chain.board(EXPIRY_NS, instants(0, 1, 2))
    assert board.values("bid_tick", "call")[:, 0].tolist() == [1_000, NO_QUOTE, 1_200]
    assert board.mid("call")[0, 0] == 10.5
    assert np.isnan(board.mid("call")[1:, 0]).all()
    assert board.crossed("call")[:, 0].tolist() == [False, False, True]


def test_the_price_of_the_underlying_stands_beside() -> None:
    chain = chain_of(spot(OPEN_NS, 26_186.45), call(OPEN_NS, 26000, oi_lot=1))
    assert chain.board(EXPIRY_NS, instants(0)).spot.tolist() == [2_618_645]
    assert chain.expiries.tolist() == [EXPIRY_NS]


def test_instants_are_those_with_news_and_never_before_them() -> None:
    chain = chain_of(
        call(OPEN_NS, 26000, oi_lot=1), call(OPEN_NS + 1, 26000, oi_lot=2), put(OPEN_NS + 90 * 10**9, 26000, oi_lot=3)
    )
    last_ns = OPEN_NS + 90 * 10**9
    assert chain.stamps(MINUTE_NS).tolist() == [*instants(0, 1).tolist(), last_ns], (
        "no instant lies behind the last row"
    )
    assert chain.stamps(15 * MINUTE_NS).tolist() == [OPEN_NS, last_ns]
    assert not len(chain.stamps(expiry_ns=1))


def test_an_expiry_is_asked_for_by_name_or_is_the_next_one() -> None:
    later = call(OPEN_NS, 26000, oi_lot=1) | {"expiry_ns": EXPIRY_NS + 7 * 86_400 * 10**9}
    chain = chain_of(call(OPEN_NS, 26000, oi_lot=1), later)
    assert chain.expiry() == EXPIRY_NS
    assert chain.expiry(at_ns=EXPIRY_NS) == later["expiry_ns"]
    with pytest.raises(DataError, match="has no expiry 2025-12-10: it has 2025-12-09, 2025-12-16"):
        chain.expiry(EXPIRY_NS + 86_400 * 10**9)
    with pytest.raises(DataError, match="no option of nse:NIFTY is left"):
        chain.expiry(at_ns=later["expiry_ns"])


def test_other_rows_and_too_many_values_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="made of rows of the tape chain, not of open_interest"):
        Chain(Series.build(NIFTY, "open_interest", [1], oi_lot=[1]))
    monkeypatch.setattr(chains, "_MOST_CELLS", 3)
    with pytest.raises(TooMuch, match="2 instants of 1 strikes"):
        chain_of(call(OPEN_NS, 26000, oi_lot=1)).board(EXPIRY_NS, instants(0, 1))


_ROWS = st.lists(
    st.tuples(
        st.integers(0, 8), st.sampled_from([25_900, 26_000, 26_100]), st.booleans(), st.integers(0, 9), st.booleans()
    ),
    min_size=1,
    max_size=40,
)


def _row(minute: int, strike: int, of_call: bool, value: int, says_oi: bool) -> Row:  # noqa: FBT001 - drawn
    made = call if of_call else put
    return made(OPEN_NS + minute * MINUTE_NS, strike, **{"oi_lot" if says_oi else "volume_lot": value})


@given(_ROWS)
def test_a_board_is_the_plain_walk_through_the_rows(drawn: list[tuple[int, int, bool, int, bool]]) -> None:
    rows = [_row(*one) for one in sorted(drawn, key=lambda one: one[0])]
    chain = chain_of(*rows)
    at = instants(*range(9))
    board = chain.board(EXPIRY_NS, at)
    for i, moment in enumerate(at.tolist()):
        known: dict[tuple[int, int], int] = {}
        for row in rows:
            if row["at"] <= moment and "oi_lot" in row:
                known[row["side"], row["strike_tick"]] = row["oi_lot"]
        numbers: dict[Side, int] = {"call": 1, "put": -1}
        for side, number in numbers.items():
            found = board.values("oi_lot", side)[i]
            assert found.tolist() == [known.get((number, strike), NO_QUOTE) for strike in board.strikes.tolist()]
