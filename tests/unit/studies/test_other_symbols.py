"""Studies that read other symbols, against sums and prices counted one trade at a time in exact fractions."""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
import numpy as np
import pytest

import footloom as fl
from footloom.core.footprint import BAR_FINAL, BAR_GAP, Footprint
from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.snapshots import Snapshots
from footloom.core.trades import Trades
from footloom.engine.beside import Rows, Units, stored_tapes
from footloom.engine.beside_live import Tail
from footloom.engine.build import build_footprint
from footloom.engine.studies import StudyFold
from footloom.engine.study_tables import study_tables
from footloom.errors import ConfigError, DataError
from footloom.feeds.flow import Arrival, Losses
from footloom.studies import NONE
from footloom.testing.study_contract import check

DAY_NS = 86_400 * 10**9
T0 = 20_000 * DAY_NS  # a midnight
SECOND = 10**9
PERP = Instrument(
    venue="perp", symbol="X", tick_size=Decimal("0.1"), lot_size=Decimal("0.001"), base="BTC", quote="USDT"
)
SPOT = Instrument(
    venue="spot", symbol="X", tick_size=Decimal("0.01"), lot_size=Decimal("0.00001"), base="BTC", quote="USDT"
)
LINEAR = msgspec.structs.replace(PERP, venue="linear", lot_size=Decimal("0.0004"), contract_multiplier=Decimal(3))
COIN = msgspec.structs.replace(PERP, venue="coin", lot_size=Decimal(1), contract_multiplier=Decimal(100), inverse=True)
ALL = "spot:X, linear:X, coin:X"


def tape(instrument: Instrument, seed: int, rows: int = 600, hours: float = 26.0) -> Trades:
    random = np.random.default_rng(seed)
    ts = T0 - 3600 * SECOND + np.sort(random.integers(0, int(hours * 3600 * SECOND), rows))
    return Trades.build(
        instrument,
        ts,
        int(60_000 / instrument.tick_size) + np.cumsum(random.integers(-3, 4, rows)),
        random.integers(1, 5_000, rows),
        random.choice(np.array([-1, 0, 1], np.int8), rows),
        trade_id=np.arange(rows),
    )


def folded(
    study: str, settings: Mapping[str, object], bars: Footprint, tapes: Sequence[Trades], gaps: Sequence[Gap] = ()
) -> tuple[StudyFold, dict[str, Any]]:
    fold, by_key = StudyFold(study, settings), {one.instrument.key: one for one in tapes}
    keys = fold.companions_of(bars.instrument)
    units = Units.of(bars.instrument, [by_key[key].instrument for key in keys if key in by_key])
    fold.tapes = stored_tapes(
        units,
        lambda key, lo, hi: by_key[key].between(lo, hi),
        lambda key, lo, hi: [gap for gap in gaps if gap.symbol == key and gap.from_ns < hi and gap.to_ns > lo],
    )
    answer = fold.update(bars)
    rows = study_tables(fold, bars, answer)["bars"].to_pylist()
    return fold, {name: [row[name] for row in rows] for name in rows[0]}


def made(trades: Trades, rule: str) -> Footprint:
    bars = build_footprint(trades, rule, 1)
    return bars.with_flags(bars.bars.flags | BAR_FINAL)


def worth(trades: Trades, row: int) -> Fraction:
    """What a trade is worth in the base asset, bought above zero."""
    one = trades.instrument
    quantity = Fraction(int(trades.qty_lot[row])) * Fraction(one.lot_size) * Fraction(one.contract_multiplier)
    if one.inverse:
        price = int(trades.price_tick[row]) * Fraction(one.tick_size)
        quantity = Fraction(int(quantity / price * 10**8 + Fraction(1, 2)), 10**8)
    return quantity * int(trades.side[row])


def plain_sum(bars: Footprint, tapes: Sequence[Trades], own: Trades | None) -> list[Fraction]:
    """The sum since the day's begin as of each close, one trade after the other."""
    first, closes = int(bars.bars.open_ns[0]), bars.bars.close_ns.tolist()
    opens = bars.bars.open_ns.tolist()
    rows = [(int(t), worth(one, k)) for one in tapes for k, t in enumerate(one.ts_exch_ns) if t >= first]
    total = []
    for opened, closed in zip(opens, closes, strict=True):
        midnight = opened // DAY_NS * DAY_NS
        total.append(sum((value for t, value in rows if midnight <= t < closed), Fraction(0)))
    if own is not None:  # its own trades count by its bars
        delta = Fraction(0)
        for k, opened in enumerate(opens):
            fresh = k == 0 or opened // DAY_NS != opens[k - 1] // DAY_NS
            delta = (Fraction(0) if fresh else delta) + int(bars.bars.delta_lot[k]) * Fraction(own.instrument.lot_size)
            total[k] += delta
    return total


@pytest.mark.parametrize("rule", ["30m", "80t", "80v", "r40"])
def test_sums_over_venues_are_those_of_a_plain_count_whatever_cuts_the_bars(rule: str) -> None:
    own, others = tape(PERP, 1), [tape(SPOT, 2), tape(LINEAR, 3), tape(COIN, 4)]
    bars = made(own, rule)
    _, said = folded("cvd_sum", {"symbols": ALL, "quiet_s": 7200}, bars, others)
    expected = plain_sum(bars, others, own)
    known = [(got, want) for got, want in zip(said["cvd"], expected, strict=True) if got is not None]
    assert len(known) >= len(bars) - 2
    for got, want in known:
        assert Fraction(got) == want
    _, against = folded("cvd_against", {"symbols": ALL, "quiet_s": 7200}, bars, others)
    for k, (got, want) in enumerate(zip(against["others"], plain_sum(bars, others, None), strict=True)):
        if got is not None:
            assert Fraction(got) == want
            assert against["own"][k] - got == against["difference"][k]


@pytest.mark.parametrize("rule", ["30m", "80t", "r40"])
def test_premium_is_against_the_newest_price_before_the_close(rule: str) -> None:
    own, spot = tape(PERP, 5), tape(SPOT, 6)
    bars = made(own, rule)
    _, said = folded("premium", {"symbol": "spot:X", "quiet_s": 1800}, bars, [spot])
    _, other = folded("other_price", {"symbol": "spot:X", "quiet_s": 1800}, bars, [spot])
    times, unknown = spot.ts_exch_ns.tolist(), 0
    for k, closed in enumerate(bars.bars.close_ns.tolist()):
        at = bisect.bisect_left(times, closed) - 1
        if at < 0 or int(bars.bars.last_ns[k]) - times[at] > 1800 * SECOND:
            unknown += 1
            assert said["points"][k] is said["premium"][k] is other["price"][k] is None
            continue
        price = int(spot.price_tick[at]) * Decimal("0.01")
        mine = int(bars.bars.close_tick[k]) * Decimal("0.1")
        assert said["points"][k] == mine - price
        assert other["price"][k] == said["other"][k] == price
        assert said["premium"][k] == pytest.approx(float(100 * (mine - price) / price), rel=1e-12)
    assert unknown < len(bars) // 4


def test_of_an_inverse_chart_its_own_trades_are_worth_what_their_prices_say() -> None:
    own, spot = tape(COIN, 7), tape(SPOT, 8)
    bars = made(own, "15m")
    _, said = folded("cvd_against", {"symbols": "spot:X", "quiet_s": 7200}, bars, [spot, own])
    for got, want in zip(said["own"], plain_sum(bars, [own], None), strict=True):
        assert got is None or Fraction(got) == want
    assert sum(one is None for one in said["own"]) <= 1


def test_what_is_missing_is_unknown_and_the_line_says_since_when_it_is_whole() -> None:
    own = Trades.build(PERP, T0 + np.arange(600) * SECOND, np.full(600, 600_000), np.ones(600), np.ones(600))
    other = Trades.build(SPOT, T0 + np.arange(600) * SECOND, np.full(600, 6_000_000), np.ones(600), np.ones(600))
    bars = made(own, "1m")
    gap = Gap(symbol="spot:X", from_ns=T0 + 130 * SECOND, to_ns=T0 + 140 * SECOND, cause="disconnect")
    _, said = folded("cvd_against", {"symbols": "spot:X", "quiet_s": 30}, bars, [other], [gap])
    assert [one is None for one in said["others"]] == [True, False, True, *[False] * 7]  # nobody heard it before
    assert said["others"][3] == Decimal("0.0024")
    assert said["valid_since_ns"][-1] == T0 + 180 * SECOND
    _, price = folded("other_price", {"symbol": "spot:X", "quiet_s": 30}, bars, [other], [gap])
    assert None not in price["price"]  # told anew behind the gap, in the same bar
    late = Gap(symbol="spot:X", from_ns=T0 + 179 * SECOND, to_ns=T0 + 181 * SECOND, cause="disconnect")
    _, price = folded(
        "other_price", {"symbol": "spot:X", "quiet_s": 30}, bars, [other.between(0, late.from_ns)], [late]
    )
    assert [one is None for one in price["price"]] == [False, False, *[True] * 8]
    # A recording that ends, and one that begins again: nothing is known in between, and no bar takes its place.
    parts = other.take((other.ts_exch_ns < T0 + 150 * SECOND) | (other.ts_exch_ns >= T0 + 400 * SECOND))
    _, said = folded("cvd_sum", {"symbols": "spot:X", "quiet_s": 30}, bars, [parts])
    assert [one is None for one in said["cvd"]] == [True, False, False, True, True, True, True, False, False, False]
    assert said["valid_since_ns"][-1] == T0 + 420 * SECOND
    marked = bars.with_flags(bars.bars.flags | np.where(np.arange(10) == 4, BAR_GAP, 0))
    _, said = folded("cvd_sum", {"symbols": "spot:X"}, marked, [other])
    assert [one is None for one in said["cvd"]] == [True, *[False] * 3, True, *[False] * 5]


@pytest.mark.parametrize("reset", ["session", "never"])
def test_a_market_that_rested_overnight_was_not_silent(reset: str) -> None:
    opens = [1_765_770_300 * SECOND, 1_765_856_700 * SECOND]  # 2025-12-15 and the day after, 09:15 in Kolkata

    def future(venue: str, seed: int, shift: int) -> Trades:
        random = np.random.default_rng(seed)
        times = np.concatenate([at + (np.arange(45) * 20 + shift) * SECOND for at in opens])
        one = msgspec.structs.replace(PERP, venue=venue, calendar="nse_fo", lot_size=Decimal(75))
        count = len(times)
        sides = random.choice(np.array([-1, 1], np.int8), count)
        return Trades.build(one, times, np.full(count, 260_000), random.integers(1, 9, count), sides)

    own, other = future("nse", 1, 0), future("other", 2, 5)
    bars = made(own, "5m")
    first = int(np.searchsorted(bars.bars.open_ns, opens[1]))
    settings = {"symbols": "other:X", "reset": reset}
    _, said = folded("cvd_against", settings, bars, [other])
    signed = other.qty_lot * other.side * 75
    counted = signed[(other.ts_exch_ns >= (opens[1] if reset == "session" else opens[0]))]
    before = other.ts_exch_ns[-len(counted) :] < bars.bars.close_ns[first]
    assert said["others"][first] == int(counted[before].sum())
    assert None not in said["others"]
    # What is missing overnight is missing of no session's sum; a beginning that nobody heard still is.
    night = Gap(
        symbol="other:X", from_ns=opens[0] + 8 * 3600 * SECOND, to_ns=opens[1] - 60 * SECOND, cause="disconnect"
    )
    _, said = folded("cvd_against", settings, bars, [other], [night])
    assert (said["others"][first] is None) == (reset == "never")
    late = other.between(0, opens[1]), other.between(opens[1] + 301 * SECOND, 2**62)
    _, said = folded("cvd_against", settings, bars, [Trades.concat(late)])
    assert said["others"][first] is None
    assert said["others"][first + 1] is None
    assert said["others"][first + 2] is not None


def test_what_cannot_be_compared_is_unknown_and_what_is_no_name_is_refused() -> None:
    own = tape(PERP, 9, rows=200, hours=2.0)
    bars = made(own, "15m")
    ether = tape(msgspec.structs.replace(SPOT, symbol="E", base="ETH"), 9, rows=200, hours=2.0)
    _, said = folded("cvd_against", {"symbols": "spot:E", "quiet_s": 7200}, bars, [ether])
    assert set(said["others"]) == {None}
    assert None not in said["own"]
    _, said = folded("cvd_sum", {"symbols": "perp:X", "own": False}, bars, [])  # the chart's own, by its name
    _, alone = folded("cvd_sum", {}, bars, [])
    assert said["cvd"] == alone["cvd"] == [Decimal(int(d)) * PERP.lot_size for d in _cvd(bars)]
    for name, setting in (("premium", "symbol"), ("other_price", "symbol"), ("cvd_against", "symbols")):
        answer = StudyFold(name, {setting: "perp:X"}).update(bars)  # a chart of what was read beside another one
        assert all(np.all((c == NONE) | (c != c)) for n, c in answer.bars.items() if n in {"points", "price", "others"})  # noqa: PLR0124 - NaN
    with pytest.raises(ConfigError, match="names no instrument"):
        StudyFold("premium", {"symbol": "BTCUSDT"}).companions_of(PERP)
    with pytest.raises(ConfigError, match="at most 16"):
        StudyFold("cvd_sum", {"symbols": " ".join(f"v:{k}" for k in range(17))}).companions_of(PERP)
    with pytest.raises(ConfigError, match="reads spot:X too"):
        StudyFold("premium", {"symbol": "spot:X"}).update(bars)
    huge = tape(SPOT, 9, rows=200, hours=2.0)
    units = Units.of(PERP, [SPOT, msgspec.structs.replace(SPOT, symbol="T", lot_size=Decimal("1e-20"))])
    with pytest.raises(DataError, match="do not fit into 64 bits"):
        units.rows(huge)


def _cvd(bars: Footprint) -> list[int]:
    total, found, opens = 0, [], bars.bars.open_ns.tolist()
    for k, delta in enumerate(bars.bars.delta_lot.tolist()):
        total = delta if k and opens[k] // DAY_NS != opens[k - 1] // DAY_NS else total + delta
        found.append(total)
    return found


@pytest.mark.parametrize(
    ("name", "settings", "bars"),
    [
        ("cvd_against", {"symbols": "b:Y c:Z", "quiet_s": 60}, ("1m",)),
        ("cvd_sum", {"symbols": "b:Y", "quiet_s": 60, "reset": "never"}, ("100t",)),
        ("premium", {"symbol": "b:Y", "quiet_s": 60}, ("1m", "100t")),
        ("other_price", {"symbol": "b:Y", "quiet_s": 60}, ("5m",)),
    ],
)
def test_contract_with_other_symbols(name: str, settings: dict[str, object], bars: tuple[str, ...]) -> None:
    check(name, settings, seeds=range(1), bars=bars)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("upstox:NSE_INDEX|India VIX", ["upstox:NSE_INDEX|India VIX"]),
        (" a:X b:Y;c:Z,,a:X ", ["a:X", "b:Y", "c:Z"]),
        ("a:X upstox:NSE_INDEX|Nifty 50  b:Y", ["a:X", "upstox:NSE_INDEX|Nifty 50", "b:Y"]),
        ("", []),
    ],
)
def test_names_may_have_blanks(text: str, keys: list[str]) -> None:
    assert list(StudyFold("cvd_against", {"symbols": text}).companions_of(PERP)) == keys
    assert list(StudyFold("other_price", {"symbol": text}).companions_of(PERP)) == keys[:1]


def test_an_index_has_prices_and_no_trades_in_the_store_and_live() -> None:
    vix = Instrument(venue="upstox", symbol="VIX", tick_size=Decimal("0.0025"), lot_size=Decimal(1), kind="index")
    ts = T0 + np.array([30, 5, 400]) * SECOND  # as they came
    prices = Snapshots(vix, ts, np.array([5_400, 5_390, 5_500]), *([np.zeros(3, np.int64)] * 4), ts)
    units = Units.of(PERP, [vix])
    rows = units.rows(prices)
    assert rows.ts_ns.tolist() == sorted(ts.tolist())
    assert [units.price * value for value in rows.price.tolist()] == [Decimal(t) for t in ("13.475", "13.5", "13.75")]
    assert not rows.signed.any()
    arrival = Arrival(vix.key, prices, Trades.empty(vix, "snapshot"), int(ts[-1]))
    assert arrival.committed(recorded=True, losses=Losses()).prices is prices
    traded = dataclasses.replace(prices, instrument=msgspec.structs.replace(vix, kind="future"))
    assert Arrival(vix.key, traded, Trades.empty(vix), 0).committed(recorded=True, losses=Losses()).prices is None


def test_a_tail_keeps_what_comes_late_in_its_place_and_forgets_what_is_settled() -> None:
    spot = tape(SPOT, 11)
    units = Units.of(PERP, [SPOT])
    whole, shuffled = units.rows(spot), np.random.default_rng(3).permutation(6)
    tail = Tail(units.rows(spot.take(slice(0, 0))), [])
    for part in shuffled.tolist():
        tail.add(units.rows(spot.take(slice(part * 100, part * 100 + 100))))
    everything = tail.companion(-(2**62), 2**62)
    assert np.array_equal(everything.ts_ns, whole.ts_ns)
    assert np.array_equal(np.diff(everything.running), whole.signed)
    for _ in range(4):  # until it is worth forgetting
        tail.add(Rows(whole.ts_ns + 10**15, whole.price, whole.signed))
    tail.forget(int(whole.ts_ns[-1]))
    assert tail.companion(0, 2**62).ts_ns[0] == whole.ts_ns[-1] or tail.newest_ns == whole.ts_ns[-1] + 10**15
    kept = tail.companion(int(whole.ts_ns[0]) + 10**15, 2**62)
    assert int(kept.running[-1] - kept.running[0]) == 4 * int(whole.signed.sum())


def test_a_notebook_gives_the_trades_of_the_others() -> None:
    own, spot = tape(PERP, 1), tape(SPOT, 2)
    chart = fl.footprint(own, bars="30m")
    said = chart.study("premium", companions=[spot], symbol="spot:X", quiet_s=1800)
    _, expected = folded("premium", {"symbol": "spot:X", "quiet_s": 1800}, chart.footprint, [spot])
    assert said.to_arrow()["points"].to_pylist() == expected["points"]
    with pytest.raises(ConfigError, match=r"reads spot:X too: give its trades, such as companions=\[load_trades"):
        chart.study("premium", symbol="spot:X")
