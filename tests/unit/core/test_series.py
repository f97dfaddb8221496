"""What a venue tells beside its trades: columns of one length, that nothing changes afterwards."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from footloom.core.instrument import Instrument
from footloom.core.series import ASK, BID, KINDS, NO_QUOTE, SNAPSHOT, UPDATE, Series, is_series, kind_of
from footloom.errors import DataError

ONE = Instrument(venue="test", symbol="BTCUSDT", tick_size=Decimal("0.1"), lot_size=Decimal("0.001"))
COARSE = ONE.with_grid("0.5", "0.001")


def quotes(count: int, of: Instrument = ONE) -> Series:
    number = np.arange(count)
    return Series.build(
        of, "quote", number * 10, number * 10 + 3, bid_tick=number, bid_lot=5, ask_tick=number + 1, ask_lot=7
    )


def test_what_is_not_given_is_unsaid_and_single_numbers_stand_for_all() -> None:
    series = quotes(3)

    assert len(series) == 3
    assert series["bid_lot"].tolist() == [5, 5, 5]
    assert series["update_id"].tolist() == [NO_QUOTE] * 3
    assert tuple(series.columns) == KINDS["quote"].columns
    assert repr(series) == "<Series test:BTCUSDT/quote: 3 rows>"


def test_a_book_update_is_a_row_a_level() -> None:
    depth = Series.build(
        ONE, "depth", [5, 5], [6, 6], side=[BID, ASK], price_tick=[10, 11], qty_lot=[1, 0], first_id=1, last_id=4,
        kind=[SNAPSHOT, UPDATE],
    )  # fmt: skip

    assert depth["prev_id"].tolist() == [NO_QUOTE, NO_QUOTE]
    assert kind_of("depth").time == "ts_recv_ns"
    assert depth.take([1])["side"].tolist() == [ASK]


def test_without_a_receipt_the_venues_time_stands_for_it() -> None:
    assert Series.build(ONE, "open_interest", [1, 2], oi_lot=[3, 4]).ts_recv_ns.tolist() == [1, 2]


def test_joined_pieces_are_the_whole() -> None:
    whole = quotes(7)

    assert Series.concat([whole.take(slice(0, 3)), whole.take(slice(3, 7))]).equals(whole)
    assert not whole.equals(whole.take(slice(0, 6)))
    assert len(Series.empty(ONE, "mark")) == 0


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (Series.build(ONE, "open_interest", [1], oi_lot=[1]), "tapes never mix: test:BTCUSDT/quote and"),
        (quotes(2, COARSE), "different grids"),
    ],
)
def test_pieces_that_differ_are_not_joined(other: Series, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Series.concat([quotes(2), other])
    with pytest.raises(DataError, match="no pieces"):
        Series.concat([])


def test_columns_cannot_be_written_to_and_the_callers_array_can() -> None:
    mine = np.array([1, 2])
    series = Series.build(ONE, "open_interest", [1, 2], oi_lot=mine)

    with pytest.raises(ValueError, match="read-only"):
        series["oi_lot"][0] = 9
    with pytest.raises(TypeError):
        series.columns["oi_lot"] = mine  # type: ignore[index] # that is the point
    mine[0] = 9
    assert series["oi_lot"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({}, "rows of open_interest have the columns oi_lot, got "),
        ({"oi_lot": [1], "price": [1]}, "rows of open_interest have the columns oi_lot, got"),
        ({"oi_lot": [1, 2]}, r"column oi_lot of open_interest must be int64 of shape \(1,\)"),
        ({"oi_lot": [1.5]}, "column oi_lot must hold whole numbers, got float64"),
    ],
)
def test_what_does_not_fit_is_refused(columns: dict[str, list[float]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Series.build(ONE, "open_interest", [1], **columns)


def test_only_known_tapes_are_series() -> None:
    assert is_series("depth")
    assert not is_series("trade")
    with pytest.raises(DataError, match="there is no series 'trade': series are open_interest, mark, quote, depth"):
        Series.empty(ONE, "trade")
