"""What is told beside the trades, by bars: against plain counts that know nothing of arrays."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from footloom.core.instrument import Instrument
from footloom.core.series import NO_QUOTE, Series
from footloom.core.trades import Trades
from footloom.engine.told_bars import funding_by_bar, interest_by_bar, liquidations_by_bar

TEST = Instrument(venue="sim", symbol="TOLD", tick_size=Decimal("0.5"), lot_size=Decimal("0.001"))


def interest(rows: list[tuple[int, int]], opens: list[int], sessions: list[int]) -> list[dict[str, Any]]:
    times, lots = zip(*rows, strict=True)
    told = Series.build(TEST, "open_interest", times, oi_lot=lots)
    made = interest_by_bar(told, np.array(opens, np.int64), np.array(sessions, np.int64))
    names = ("bar", "oi_lot", "at_ns", "change_lot", "since_ns", "news", "day_lot")
    columns = [getattr(made, name).tolist() for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def test_a_change_belongs_to_the_time_between_two_tellings_of_another_value() -> None:
    rows = [(5, 100), (12, 100), (25, 100), (33, 130), (41, 120), (42, 125)]
    said = interest(rows, [10, 20, 30, 40, 50], [10])
    assert [(row["bar"], row["oi_lot"], row["change_lot"], row["since_ns"], row["news"]) for row in said] == [
        (0, 100, NO_QUOTE, NO_QUOTE, 0),  # told again: no news
        (1, 100, NO_QUOTE, NO_QUOTE, 0),
        (2, 130, 30, 5, 1),  # against 100, which stood since 5
        (3, 125, -5, 33, 2),
    ]
    assert [row["day_lot"] for row in said] == [0, 0, 30, 25], "against the last one before the session, at 5"


def test_the_first_value_has_nothing_to_compare_with() -> None:
    said = interest([(11, 100), (12, 110)], [10], [10])
    assert (said[0]["change_lot"], said[0]["day_lot"], said[0]["news"]) == (NO_QUOTE, NO_QUOTE, 1)


def plain_interest(rows: list[tuple[int, int]], opens: list[int], sessions: list[int]) -> list[dict[str, Any]]:
    answer = []
    ordered = sorted(enumerate(rows), key=lambda one: (one[1][0], one[0]))
    told = [row for _, row in ordered]
    for bar, opened in enumerate(opens):
        closed = opens[bar + 1] if bar + 1 < len(opens) else 10**9
        inside = [row for row in told if opened <= row[0] < closed]
        if not inside:
            continue
        before = [row for row in told if row[0] < opened]
        news, last = 0, before[-1][1] if before else None
        for _, value in inside:
            news += last is not None and value != last
            last = value
        change = since = day = NO_QUOTE
        if before and news:
            change = inside[-1][1] - before[-1][1]
            stood = len(before) - 1
            while stood and before[stood - 1][1] == before[-1][1]:
                stood -= 1
            since = before[stood][0]
        session = max((start for start in sessions if start <= opened), default=None)
        held = [row for row in told if session is not None and row[0] < session]
        if held:
            day = inside[-1][1] - held[-1][1]
        answer.append(
            {
                "bar": bar,
                "oi_lot": inside[-1][1],
                "at_ns": inside[-1][0],
                "change_lot": change,
                "since_ns": since,
                "news": news,
                "day_lot": day,
            }
        )
    return answer


@pytest.mark.parametrize("seed", range(40))
def test_interest_is_what_a_plain_count_says(seed: int) -> None:
    chance = random.Random(seed)
    rows = [(chance.randrange(0, 120), chance.choice([100, 100, 101, 105, 90])) for _ in range(chance.randrange(1, 60))]
    opens = sorted(chance.sample(range(10, 110), chance.randrange(1, 9)))
    sessions = sorted(chance.sample(range(110), chance.randrange(0, 4)))
    assert interest(rows, opens, sessions) == plain_interest(rows, opens, sessions), f"seed {seed}"


NO_GAPS = np.array([], np.int64)


def test_funding_is_the_last_word_of_each_column_over_rows_and_bars() -> None:
    told = Series.build(
        TEST,
        "mark",
        [5, 11, 12, 31],
        mark_e8=[1, 2, NO_QUOTE, 4],
        index_e8=[9, NO_QUOTE, NO_QUOTE, 8],
        rate_e8=[7, 7, 6, NO_QUOTE],
        next_ns=[NO_QUOTE, NO_QUOTE, NO_QUOTE, 99],
    )
    made = funding_by_bar(told, np.array([10, 20, 30], np.int64), NO_GAPS)
    assert made.bar.tolist() == [0, 2], "a bar within which nothing was told has none"
    assert made.at_ns.tolist() == [12, 31]
    assert made.mark_e8.tolist() == [2, 4]
    assert made.index_e8.tolist() == [9, 8]
    assert made.rate_e8.tolist() == [6, 6]
    assert made.next_ns.tolist() == [NO_QUOTE, 99]


def test_nothing_stands_over_a_gap_or_five_minutes_of_silence() -> None:
    second = 10**9
    told = Series.build(
        TEST,
        "mark",
        [second, 2 * second, 10 * second, 310 * second, 611 * second],
        mark_e8=[1, 2, 3, 4, 5],
        rate_e8=[7, NO_QUOTE, NO_QUOTE, NO_QUOTE, NO_QUOTE],
    )
    opens = np.array([0, 2, 5, 300, 600], np.int64) * second
    assert funding_by_bar(told, opens, NO_GAPS).rate_e8.tolist() == [7, 7, 7, 7, NO_QUOTE]
    assert funding_by_bar(told, opens, np.array([5 * second])).rate_e8.tolist() == [7, 7, NO_QUOTE, NO_QUOTE, NO_QUOTE]


def test_funding_of_no_rows_is_empty() -> None:
    empty = Series.empty(TEST, "mark")
    assert len(funding_by_bar(empty, np.array([10], np.int64), NO_GAPS).bar) == 0
    none = np.array([], np.int64)
    assert len(interest_by_bar(Series.empty(TEST, "open_interest"), none, none).bar) == 0


@pytest.mark.parametrize("seed", range(10))
def test_liquidations_are_what_a_plain_count_says(seed: int) -> None:
    chance = random.Random(seed)
    rows = sorted(
        (chance.randrange(0, 60), chance.randrange(1, 50), chance.choice([-1, 1, 0]))
        for _ in range(chance.randrange(0, 40))
    )
    opens = sorted(chance.sample(range(5, 50), 6))
    count = len(rows)
    told = Trades.build(
        TEST,
        [row[0] for row in rows],
        [1] * count,
        [row[1] for row in rows],
        [row[2] for row in rows],
        trade_id=list(range(count)),
        tape="liquidation",
    )
    made = liquidations_by_bar(told, np.array(opens, np.int64))
    expected = []
    for bar, opened in enumerate(opens):
        closed = opens[bar + 1] if bar + 1 < len(opens) else 10**9
        inside = [row for row in rows if opened <= row[0] < closed]
        if inside:
            lots = [sum(lot for _, lot, side in inside if side == want) for want in (-1, 1, 0)]
            counts = [sum(side == want for _, _, side in inside) for want in (-1, 1, 0)]
            expected.append((bar, *lots, *counts, max(lot for _, lot, _ in inside)))
    columns = (made.bar, made.long_lot, made.short_lot, made.unknown_lot, made.long, made.short, made.unknown)
    got = list(zip(*(column.tolist() for column in (*columns, made.largest_lot)), strict=True))
    assert got == expected, f"seed {seed}"
