"""The side rules: the definition's own cases, plain Python's answer on any tape, and any chunking."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footloom.core.instrument import Instrument
from footloom.core.quotes import NO_QUOTE, Quotes
from footloom.core.trades import FLAG_BY_QUOTE, FLAG_BY_TICK, FLAG_INFERRED, Trades
from footloom.engine.build import build_footprint
from footloom.errors import ConfigError, DataError
from footloom.kernels import side_rules_reference as reference
from footloom.kernels.side_rules import RULES, Rule, RuleParams, RuleState, fold_sides, infer_sides, last_before

DAY_NS = 86_400 * 10**9
COIN = Instrument(venue="test", symbol="COIN", tick_size=Decimal("0.01"), lot_size=Decimal(1))
PRICES = [10_010, 10_008, 10_002, 10_000, 10_002, 10_012, 10_005, 10_009, 10_006]


def trades(rows: list[reference.Trade]) -> Trades:
    ts = np.array([row.day * DAY_NS + row.ts for row in rows], np.int64)
    prices = np.array([row.price for row in rows], np.int64)
    return Trades.build(COIN, ts, prices, np.ones(len(rows)), np.ones(len(rows)), trade_id=np.arange(len(rows)))


def quotes(rows: list[reference.Quote]) -> Quotes:
    def column(values: list[int | None]) -> np.ndarray:
        return np.array([NO_QUOTE if value is None else value for value in values], np.int64)

    return Quotes(COIN, column([r.ts for r in rows]), column([r.bid for r in rows]), column([r.ask for r in rows]))


def sides(rule: Rule, prices: list[int], bid: int | None, ask: int | None) -> list[int]:
    tape = trades([reference.Trade(10 + i, price) for i, price in enumerate(prices)])
    found: list[int] = infer_sides(tape, quotes([reference.Quote(0, bid, ask)]), RuleParams(rule=rule)).side.tolist()
    return found


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("lee_ready", [1, 1, -1, -1, -1, 1, -1, 1, 1]),
        ("emo", [1, -1, -1, -1, 1, 1, -1, 1, -1]),
        ("clnv", [1, 1, -1, -1, -1, 1, -1, 1, -1]),
        ("quote", [1, 1, -1, -1, -1, 1, 0, 1, 1]),
        ("tick", [0, -1, -1, -1, 1, 1, -1, 1, -1]),
        ("reverse_tick", [1, 1, 1, -1, -1, 1, -1, 1, 0]),
    ],
)
def test_nine_prices_at_a_bid_of_100_00_and_an_ask_of_100_10(rule: Rule, expected: list[int]) -> None:
    assert sides(rule, PRICES, 10_000, 10_010) == expected


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("bid", "ask"), [(None, 105), (95, None), (None, None), (105, 95)])
def test_a_quote_that_cannot_be_used_leaves_the_tick_rule_or_nothing(
    rule: Rule, bid: int | None, ask: int | None
) -> None:
    ticks = sides("reverse_tick" if rule == "reverse_tick" else "tick", [105, 95, 95, 105], None, None)
    assert sides(rule, [105, 95, 95, 105], bid, ask) == ([0] * 4 if rule == "quote" else ticks)


def test_a_locked_quote_speaks_of_other_prices_only() -> None:
    assert sides("quote", [100, 101, 100, 99, 100], 100, 100) == [0, 1, 0, -1, 0]
    assert sides("lee_ready", [100, 101, 100, 99, 100], 100, 100) == [0, 1, -1, -1, 1]
    assert sides("emo", [100, 101, 100, 99, 100], 100, 100) == [0, 1, -1, -1, 1]
    assert sides("clnv", [100, 101, 100, 99, 100], 100, 100) == [0, 1, -1, -1, 1]


def test_the_zones_of_clnv_are_closed_unless_open_is_asked_for() -> None:
    tape = trades([reference.Trade(1, 105), reference.Trade(2, 107), reference.Trade(3, 103), reference.Trade(4, 110)])
    book = quotes([reference.Quote(0, 100, 110)])
    assert infer_sides(tape, book, RuleParams(rule="clnv")).side.tolist() == [0, 1, -1, 1]
    falling = trades(
        [reference.Trade(1, 108), reference.Trade(2, 107), reference.Trade(3, 103), reference.Trade(4, 110)]
    )
    assert infer_sides(falling, book, RuleParams(rule="clnv", boundary="open")).side.tolist() == [1, -1, -1, 1]
    assert infer_sides(falling, book, RuleParams(rule="clnv", boundary="closed")).side.tolist() == [1, 1, -1, 1]


def test_the_quote_is_the_one_strictly_before_and_older_than_the_lag() -> None:
    book = quotes([reference.Quote(10, 100, 102), reference.Quote(20, 104, 106)])
    tape = trades([reference.Trade(ts, 103) for ts in (10, 11, 20, 21, 25, 26)])
    assert infer_sides(tape, book, RuleParams(rule="quote")).side.tolist() == [0, 1, 1, -1, -1, -1]
    assert infer_sides(tape, book, RuleParams(rule="quote", lag_ns=5)).side.tolist() == [0, 0, 1, 1, 1, -1]


def test_the_tick_rule_forgets_when_a_day_ends() -> None:
    rows = [reference.Trade(1, 100), reference.Trade(2, 101), reference.Trade(1, 101, 1), reference.Trade(2, 102, 1)]
    assert infer_sides(trades(rows), None, RuleParams(rule="tick")).side.tolist() == [0, 1, 0, 1]
    assert infer_sides(trades(rows), None, RuleParams(rule="tick", tick_memory="tape")).side.tolist() == [0, 1, 1, 1]


def test_rows_say_that_their_side_is_inferred_and_how() -> None:
    tape = infer_sides(
        trades([reference.Trade(i + 1, price) for i, price in enumerate((102, 101, 102, 99, 100, 101))]),
        quotes([reference.Quote(0, 100, 102)]),
    )
    assert tape.side.tolist() == [1, -1, 1, -1, -1, 1]
    assert (tape.flags & FLAG_INFERRED).all()
    assert (tape.flags & FLAG_BY_QUOTE != 0).tolist() == [True, False, True, True, True, False]
    assert (tape.flags & FLAG_BY_TICK != 0).tolist() == [False, True, False, False, False, True]


_PRICE = st.integers(95, 105)
_QUOTE = st.one_of(st.none(), _PRICE)


@st.composite
def markets(draw: st.DrawFn) -> tuple[list[reference.Trade], list[reference.Quote]]:
    steps = st.integers(0, 3)
    times = np.cumsum(draw(st.lists(steps, max_size=25))).tolist()
    days = np.cumsum(draw(st.lists(st.sampled_from([0, 0, 0, 0, 1]), min_size=len(times), max_size=len(times))))
    made = [reference.Trade(ts, draw(_PRICE), day) for ts, day in zip(times, days.tolist(), strict=True)]
    stamps = np.cumsum(draw(st.lists(steps, max_size=25))).tolist()
    return made, [reference.Quote(ts, draw(_QUOTE), draw(_QUOTE)) for ts in stamps]


def absolute(made: list[reference.Trade]) -> list[reference.Trade]:
    return [reference.Trade(row.day * DAY_NS + row.ts, row.price, row.day) for row in made]


@given(
    market=markets(),
    rule=st.sampled_from(RULES),
    lag=st.integers(0, 3),
    zone=st.integers(1, 49),
    boundary=st.sampled_from(["closed", "open"]),
)
def test_plain_python_gives_the_same_sides(
    market: tuple[list[reference.Trade], list[reference.Quote]], rule: Rule, lag: int, zone: int, boundary: str
) -> None:
    made, book = market
    params = RuleParams(rule=rule, lag_ns=lag, zone_pct=zone, boundary=boundary)  # type: ignore[arg-type] # one of two
    expected = reference.sides(rule, absolute(made), book, lag, zone, closed=boundary == "closed")
    assert infer_sides(trades(made), quotes(book), params).side.tolist() == expected


@given(
    market=markets(),
    rule=st.sampled_from([rule for rule in RULES if rule != "reverse_tick"]),
    lag=st.integers(0, 3),
    cuts=st.lists(st.integers(0, 25), max_size=6),
    ahead=st.integers(0, 10),
)
def test_any_chunking_gives_the_same_rows(
    market: tuple[list[reference.Trade], list[reference.Quote]], rule: Rule, lag: int, cuts: list[int], ahead: int
) -> None:
    tape, book = trades(market[0]), quotes(market[1])
    params = RuleParams(rule=rule, lag_ns=lag)
    whole = infer_sides(tape, book, params)
    state, taken, pieces = None, 0, []
    edges = [0, *sorted(min(cut, len(tape)) for cut in cuts), len(tape)]
    for lo, hi in zip(edges, edges[1:], strict=False):
        piece = tape.take(slice(lo, hi))
        needed = int(np.searchsorted(book.ts_exch_ns, piece.ts_exch_ns[-1] if len(piece) else 0, side="right"))
        until = min(len(book), max(taken, needed) + ahead)
        done = fold_sides(piece, book.take(slice(taken, until)), state, params)
        state, taken = RuleState.from_bytes(done.state.to_bytes()), until
        pieces.append(done.trades)
    assert Trades.concat(pieces).equals(whole)


@pytest.mark.parametrize("rule", RULES)
def test_bars_are_made_of_inferred_rows(rule: Rule) -> None:
    tape = trades([reference.Trade(i + 1, price) for i, price in enumerate(PRICES)])
    made = build_footprint(
        infer_sides(tape, quotes([reference.Quote(0, 10_000, 10_010)]), RuleParams(rule=rule)), "1m", 1
    )
    bars = made.bars
    signed = bars.by_quote_lot + bars.by_mid_lot + bars.by_tick_lot
    assert (signed + bars.unknown_lot).tolist() == bars.volume_lot.tolist() == [9]
    assert bars.stated_lot.tolist() == [0]


def test_what_looks_ahead_or_comes_too_late_is_refused() -> None:
    tape, book = trades([reference.Trade(10, 100), reference.Trade(20, 101)]), quotes([reference.Quote(5, 99, 101)])
    with pytest.raises(ConfigError, match="looks at later trades"):
        fold_sides(tape, book, None, RuleParams(rule="reverse_tick"))
    done = fold_sides(tape, book, None, RuleParams())
    with pytest.raises(DataError, match="comes too late"):
        fold_sides(tape.take(slice(0, 0)), quotes([reference.Quote(19, 99, 101)]), done.state, RuleParams())
    fold_sides(tape.take(slice(0, 0)), quotes([reference.Quote(20, 9, 11)]), done.state, RuleParams())
    with pytest.raises(DataError, match="must ascend in time"):
        fold_sides(tape.take(slice(0, 1)), None, done.state, RuleParams())
    with pytest.raises(ConfigError, match="keep the settings"):
        fold_sides(tape, None, done.state, RuleParams(rule="emo"))
    with pytest.raises(DataError, match="no state of the side rules"):
        RuleState.from_bytes(b"none")
    with pytest.raises(DataError, match="quotes of test:COIN must ascend in time: row 1"):
        quotes([reference.Quote(5, 99, 101), reference.Quote(4, 99, 101)])


@pytest.mark.parametrize("settings", [{"lag_ns": -1}, {"zone_pct": 0}, {"zone_pct": 50}, {"rule": "coin"}])
def test_settings_that_cannot_be_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        RuleParams(**settings)  # type: ignore[arg-type] # wrong on purpose


def test_settings_have_a_name_of_their_own() -> None:
    names = {RuleParams(rule=rule, lag_ns=lag).params_hash for rule in RULES for lag in (0, 5)}
    assert len(names) == 2 * len(RULES)
    assert RuleParams().params_hash == RuleParams(rule="lee_ready").params_hash


@given(
    times=st.lists(st.integers(0, 30), max_size=30).map(sorted),
    stamps=st.lists(st.integers(0, 30), max_size=30).map(sorted),
    lag=st.integers(0, 5),
)
def test_the_join_finds_the_last_row_strictly_before(times: list[int], stamps: list[int], lag: int) -> None:
    expected = [max((i for i, stamp in enumerate(stamps) if stamp < ts - lag), default=-1) for ts in times]
    assert last_before(np.array(times, np.int64), np.array(stamps, np.int64), lag).tolist() == expected
