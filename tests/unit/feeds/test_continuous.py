"""A continuous future as a view of stored contracts."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np
import pytest

import footloom
from footloom import footprint, load_trades, session_profiles
from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.series import Series
from footloom.core.sessions import cut_at
from footloom.core.snapshots import NO_QUOTE, Snapshots
from footloom.core.trades import Trades
from footloom.engine.profiles import composite
from footloom.errors import ConfigError, DataError, NotStored
from footloom.feeds.continuous import (
    Continuous,
    ContinuousName,
    continuous_trades,
    is_continuous,
    refuse_continuous,
)
from footloom.store.files import Store
from footloom.testing import bar_contract
from footloom.venues._india_master import expiry_ns

DAYS = {"A": dt.date(2025, 11, 25), "B": dt.date(2025, 12, 30), "C": dt.date(2026, 1, 27)}
END = {name: expiry_ns(day, "nse_fo") for name, day in DAYS.items()}
HOUR, DAY = 3_600 * 10**9, 86_400 * 10**9
KEY = "upstox:NIFTY.FUT1"
INTEREST, ADJUSTED = f"{KEY}@open_interest", f"{KEY}@adjusted"


def contract(name: str, tick: str = "0.1") -> Instrument:
    return Instrument(
        venue="upstox", symbol=f"NSE_FO|{name}", tick_size=Decimal(tick), lot_size=Decimal(1), calendar="nse_fo",
        kind="future", underlying="NIFTY", expiry_ns=END[name], quote="INR",
    )  # fmt: skip


def put(store: Store, one: Instrument, times: list[int], prices: list[str]) -> None:
    ticks = [one.price_tick(price) for price in prices]
    ids = np.array(times) // 10**9
    store.append(Trades.build(one, times, ticks, [75] * len(times), [1] * len(times), trade_id=ids, ts_recv_ns=times))


def tell(store: Store, one: Instrument, readings: list[tuple[int, int]]) -> None:
    times, lots = [at for at, _ in readings], [lot for _, lot in readings]
    store.append(Series.build(one, "open_interest", times, oi_lot=lots))


@pytest.fixture
def filled(tmp_path: Path) -> Store:
    store = Store(tmp_path, writer=True)
    put(store, contract("A", "0.05"), [END["A"] - 2 * HOUR, END["A"] - HOUR], ["26000.05", "26010"])
    put(store, contract("B"), [END["A"] - HOUR, END["A"], END["B"] - HOUR], ["26110.5", "26120", "26500"])
    put(store, contract("C"), [END["B"] - HOUR, END["B"] + HOUR], ["26640.3", "26700"])
    return store


RAW = ["26000.05", "26010.00", "26120.00", "26500.00", "26700.00"]


def prices(found: Continuous) -> list[str]:
    trades = found.trades
    return [trades.instrument.price_text(int(tick)) for tick in trades.price_tick]


def test_each_stretch_has_the_rows_of_its_contract(filled: Store) -> None:
    with filled as store:
        found = continuous_trades(store, KEY, 0, 2**62)
        trades = found.trades
        assert trades.instrument.key == KEY
        assert trades.instrument.tick_size == Decimal("0.05")
        assert prices(found) == RAW, "as traded, unadjusted"
        assert [one.symbol for one in found.stretches] == ["NSE_FO|A", "NSE_FO|B", "NSE_FO|C"]
        assert [(one.at_ns, one.from_price, one.to_price) for one in found.rolls] == [
            (END["A"], "26010.00", "26110.5"),
            (END["B"], "26500.0", "26640.3"),
        ]


def test_a_notebook_reads_it_by_its_name(filled: Store, tmp_path: Path) -> None:
    filled.close()
    assert len(load_trades(KEY, store=tmp_path)) == 5
    assert len(load_trades(KEY, "2025-12-01", "2026-01-01", store=tmp_path)) == 2


def test_the_second_contract_until_it_is_the_nearest(filled: Store) -> None:
    with filled as store:
        found = continuous_trades(store, "upstox:NIFTY.FUT2", 0, 2**62)
        assert [(one.symbol, one.to_ns) for one in found.stretches] == [("NSE_FO|B", END["A"]), ("NSE_FO|C", END["B"])]
        assert prices(found) == ["26110.50", "26640.30"]


def test_adjusted_prices_are_of_another_key(filled: Store) -> None:
    with filled as store:
        found = continuous_trades(store, ADJUSTED, 0, 2**62)
        raw = continuous_trades(store, KEY, 0, 2**62)
        assert prices(found) == ["26240.85", "26250.80", "26260.30", "26640.30", "26700.00"]
        assert (found.trades.instrument.key, raw.trades.instrument.key) == (ADJUSTED, KEY)
        with pytest.raises(DataError, match="never mix"):
            Trades.concat([raw.trades, found.trades])


def test_a_composite_never_mixes_adjusted_and_raw(filled: Store) -> None:
    with filled as store:
        before = session_profiles(continuous_trades(store, KEY, 0, END["A"]).trades)
        behind = continuous_trades(store, KEY, END["A"], 2**62).trades
        adjusted = session_profiles(continuous_trades(store, ADJUSTED, END["A"], 2**62).trades)
    assert len(composite([*before, *session_profiles(behind)]).levels.row) == 3, "trades of sessions"
    with pytest.raises(DataError, match=r"one is of upstox:NIFTY\.FUT1, one of upstox:NIFTY\.FUT1@adjusted"):
        composite([*before, *adjusted])


def test_an_unrecorded_contract_is_not_adjusted_over(filled: Store) -> None:
    with filled as store:
        for name, months in (("D", 1), ("E", 2)):
            later = msgspec.structs.replace(
                contract("C"), symbol=f"NSE_FO|{name}", expiry_ns=END["C"] + months * 30 * 24 * HOUR
            )
            store.put_instrument(later)
        assert prices(continuous_trades(store, ADJUSTED, 0, 2**62))[0] == "26240.85", "those rolls are still to come"
        put(store, later, [END["C"] + 45 * 24 * HOUR], ["27000"])
        with pytest.raises(DataError, match=r"roll from NSE_FO.C to NSE_FO.D: the old contract has no price"):
            continuous_trades(store, ADJUSTED, 0, 2**62)
        assert prices(continuous_trades(store, ADJUSTED, END["C"] + 31 * 24 * HOUR, 2**62)) == ["27000.00"]
        raw = continuous_trades(store, KEY, 0, 2**62)
        assert [one.gap for one in raw.rolls[-2:]] == [None, None]
        assert [one.symbol[-1] for one in raw.stretches] == ["A", "B", "C", "D", "E"]


def test_a_part_is_that_of_the_whole(filled: Store) -> None:
    with filled as store:
        found = continuous_trades(store, KEY, END["A"], END["B"])
        assert [one.symbol for one in found.stretches] == ["NSE_FO|B"]
        assert prices(found) == ["26120.00", "26500.00"]
        assert [one.at_ns for one in found.rolls] == [END["A"]]
        assert len(continuous_trades(store, KEY, 0, 1).trades) == 0
        whole = continuous_trades(store, ADJUSTED, 0, 2**62).trades
        part = continuous_trades(store, ADJUSTED, END["A"], END["B"]).trades
        assert part.equals(whole.between(END["A"], END["B"]))
        assert part.instrument == whole.instrument


def test_one_contract_alone(tmp_path: Path) -> None:
    with Store(tmp_path, writer=True) as store:
        put(store, contract("A"), [END["A"] - HOUR], ["26000"])
        assert len(continuous_trades(store, KEY, 0, 2**62).trades) == 1
        assert len(continuous_trades(store, "upstox:NIFTY.FUT2", 0, 2**62).trades) == 0
        with pytest.raises(NotStored, match=r"footloom record upstox:BANKNIFTY\.FUT1$"):
            continuous_trades(store, "upstox:BANKNIFTY.FUT1@adjusted", 0, 1)
        with pytest.raises(ConfigError, match=r"NIFTY\.FUT1"):
            continuous_trades(store, "upstox:NSE_FO|A", 0, 1)
        store.put_instrument(contract("B"))
        store.put_instrument(msgspec.structs.replace(contract("B"), symbol="NSE_FO|X", underlying="BANKNIFTY"))
        with pytest.raises(NotStored, match=r"nothing is stored of the futures of BANKNIFTY: upstox:NSE_FO.X"):
            continuous_trades(store, "upstox:BANKNIFTY.FUT1", 0, 1)


def test_contracts_of_another_exchange_are_others(filled: Store) -> None:
    with filled as store:
        other = msgspec.structs.replace(contract("A"), symbol="BSE_FO|A", expiry_ns=END["A"] - DAY)
        put(store, other, [END["A"] - DAY - HOUR], ["25000"])
        assert prices(continuous_trades(store, KEY, 0, 2**62)) == RAW


def test_tapes_of_two_kinds_are_not_mixed(filled: Store) -> None:
    with filled as store:
        one = contract("C")
        store.append(Trades.build(one, [END["B"]], [260_000], [75], [1], trade_id=[1], tape="agg_trade"))
        assert len(continuous_trades(store, KEY, 0, 2**62).trades) == 5, "every print before aggregates"
        assert len(continuous_trades(store, KEY, 0, 2**62, tape="agg_trade").trades) == 1
        with pytest.raises(NotStored, match=r"no contract of upstox:NIFTY\.FUT1 has a tape snapshot: they have trade"):
            continuous_trades(store, KEY, 0, 2**62, tape="snapshot")
        store.append(
            Trades.build(
                msgspec.structs.replace(one, symbol="NSE_FO|D", expiry_ns=END["C"] + DAY),
                [END["C"]], [260_000], [75], [1], trade_id=[1], tape="agg_trade",
            )
        )  # fmt: skip
        with pytest.raises(ConfigError, match=r"several tapes \(agg_trade, trade\)"):
            continuous_trades(store, KEY, 0, 2**62)


@pytest.fixture
def counted(filled: Store) -> Store:
    closes = [END["A"] - days * DAY for days in (7, 6, 5)]  # Tuesday to Thursday of the week before
    put(filled, contract("A", "0.05"), [closes[0] - 2 * HOUR], ["25900"])
    tell(filled, contract("A"), [(closes[0] - HOUR, 1000), (closes[1] - HOUR, 900), (closes[2], 800)])
    tell(
        filled, contract("B"), [(closes[0] - HOUR, 1100), (closes[0] - 1, 999), (closes[1] + 1, 5000), (closes[2], 801)]
    )
    return filled


def test_rolling_by_open_interest(counted: Store) -> None:
    # B is ahead within the first session and not at its close; the reading behind the second close comes too late.
    at_ns = END["A"] - 5 * DAY
    with counted as store:
        found = continuous_trades(store, INTEREST, 0, 2**62)
        assert [(one.at_ns, one.rule) for one in found.rolls] == [(at_ns, "open_interest"), (END["B"], "date")]
        assert prices(found) == ["25900.00", "26110.50", "26120.00", "26500.00", "26700.00"], "of A what was before"
        assert found.trades.instrument.key == INTEREST
        second = continuous_trades(store, INTEREST.replace("FUT1", "FUT2"), 0, 2**62)
        assert [(one.symbol[-1], one.to_ns) for one in second.stretches] == [("B", at_ns), ("C", END["B"])]


def test_snapshots_carry_their_open_interest(tmp_path: Path) -> None:
    # As imported recordings have it, on a Friday, a Monday and the Tuesday of expiry; the last snapshot of each day
    # says none: it is as it was. B is ahead within the Friday, and at the close of the Monday.
    days = [END["A"] - days * DAY for days in (4, 1, 0)]
    interest = {"A": [600, 700, 500, 450, 450, 440], "B": [650, 640, 400, 480, 490, 500]}
    with Store(tmp_path, writer=True) as store:
        for name, told in interest.items():
            at = np.array([close - HOUR + k * 10**9 for close in days for k in range(3)])
            lots = np.insert(np.array(told), [2, 4, 6], NO_QUOTE)
            flat, volume = np.full(9, 260_000), np.tile([75, 150, 225], 3)
            rows = (at, flat, np.full(9, 75), volume, flat, flat + 1, at)
            store.append(Snapshots(contract(name), *rows, "snapshot", oi_lot=lots))
        found = continuous_trades(store, INTEREST, 0, 2**62)
    assert [(one.at_ns, one.rule) for one in found.rolls] == [(days[1], "open_interest")]
    assert [(one.symbol[-1], one.to_ns) for one in found.stretches] == [("A", days[1]), ("B", END["B"])]


def test_without_open_interest_nothing_rolls_by_it(filled: Store) -> None:
    with filled as store, pytest.raises(NotStored, match=r"upstox:NIFTY\.FUT1 rolls by date"):
        continuous_trades(store, INTEREST, 0, 2**62)


def test_no_bar_spans_a_roll(filled: Store) -> None:
    # END A is a Tuesday, within one week and one month; B traded at that very instant.
    with filled as store:
        trades = continuous_trades(store, KEY, 0, 2**62).trades
    for rule in ("1m", "1h", "1d", "1w", "1mo", "2t", "r10"):
        bars = footprint(trades, rule, 1).footprint.bars
        inside = (bars.first_ns[:, None] < [END["A"], END["B"]]) & (bars.last_ns[:, None] >= [END["A"], END["B"]])
        assert not inside.any(), rule
        assert bars.volume_lot.sum() == 5 * 75, rule
    assert len(footprint(trades, "1w", 1)) == 4
    assert len(footprint(dataclasses.replace(trades, instrument=contract("A", "0.05")), "1w", 1)) == 2, "uncut it would"


@pytest.mark.parametrize("rule", ["1w", "1mo", "1h", "20t", "r10"])
def test_bars_keep_their_contract_where_time_is_cut(rule: str) -> None:
    first_ns = int(bar_contract.sample_trades(0).ts_exch_ns[0])
    cuts = [first_ns + 7 * HOUR + 1]  # within a session of both
    # A seed whose late rows come within two spans: a builder without a store keeps no older ones.
    bar_contract.check(rule, seeds=[0], rows=300, markets=(cut_at("nse_fo", cuts), cut_at("crypto", cuts)))
    for market in ("nse_fo", "crypto"):
        trades = bar_contract.sample_trades(0, 300, cut_at(market, cuts))
        bars = footprint(trades, rule, 1).footprint.bars
        assert not ((bars.first_ns[:, None] < cuts) & (bars.last_ns[:, None] >= cuts)).any(), market


def test_from_python(counted: Store, tmp_path: Path) -> None:
    counted.close()
    found = footloom.continuous(KEY, store=tmp_path)
    assert [one.symbol for one in found.stretches] == ["NSE_FO|A", "NSE_FO|B", "NSE_FO|C"]
    assert prices(found) == ["25900.00", *RAW]
    by_interest = footloom.continuous(KEY, "2025-11-01", "2025-12-01", roll="open_interest", store=tmp_path)
    assert [one.rule for one in by_interest.rolls] == ["open_interest"]
    both = footloom.continuous(KEY, "2025-12-01", roll="open_interest", adjusted=True, store=tmp_path)
    assert prices(both) == ["26640.30", "26700.00"]
    assert both.trades.instrument.key == "upstox:NIFTY.FUT1@open_interest@adjusted"
    assert load_trades(ADJUSTED, store=tmp_path).equals(footloom.continuous(KEY, adjusted=True, store=tmp_path).trades)
    with pytest.raises(ConfigError, match=r"roll must be date or open_interest, got 'volume'"):
        footloom.continuous(KEY, roll="volume", store=tmp_path)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="names no continuous future"):
        footloom.continuous("upstox:NSE_FO|A", store=tmp_path)


def test_gaps_and_what_nobody_saw_come_along(tmp_path: Path) -> None:
    times = {"A": END["A"] - 2 * HOUR, "B": END["A"] + DAY - 2 * HOUR}
    with Store(tmp_path, writer=True) as store:
        for name, start in times.items():
            at = np.array([start, start + HOUR // 2, start + HOUR])
            one = contract(name)
            ticks = np.array([260_000, 260_010, 260_020])
            seen = Snapshots(
                one, at, ticks, np.full(3, 75), np.array([300, 375, 450]), ticks - 5, ticks + 5, at + 10**6, "snapshot"
            )
            lost = Gap(symbol=one.symbol, from_ns=start - HOUR, to_ns=END["A"] + HOUR, cause="disconnect")
            store.append(seen, [lost] if name == "A" else [])
        found = continuous_trades(store, KEY, 0, 2**62)
        assert found.trades.tape == "snapshot"
        assert [(gap.symbol, gap.to_ns, gap.cause) for gap in found.gaps] == [("NIFTY.FUT1", END["A"], "disconnect")]
        assert found.inference is not None
        assert found.inference.trades is found.trades
        volume = int(found.trades.qty_lot.sum()) + int(found.inference.unattributed_lot.sum())
        assert volume == 450 + 450, "each day's volume of the exchange"
        assert found.inference.counters.unattributed_lot == int(found.inference.unattributed_lot.sum()) > 0


def test_a_stored_key_is_asked_for_where_a_view_will_not_do(filled: Store) -> None:
    with filled as store:
        refuse_continuous(store, "upstox:NSE_FO|A", "verify")
        with pytest.raises(
            ConfigError, match=r"view of stored contracts: verify takes one of them: upstox:NSE_FO\|A, "
        ):
            refuse_continuous(store, KEY, "verify")


def test_which_keys_are_continuous() -> None:
    assert is_continuous("upstox:NIFTY.FUT1")
    assert is_continuous("angelone:banknifty.fut2")
    assert is_continuous("upstox:NIFTY.FUT1@open_interest@adjusted")
    assert not is_continuous("upstox:NIFTY.FUT1@adjusted@open_interest")
    assert not is_continuous("upstox:NSE_FO|1")
    assert not is_continuous("binance_usdm:BTCUSDT")
    assert ContinuousName.of("upstox:nifty.fut2") == ContinuousName("upstox", "NIFTY", 2)
    for key in (KEY, INTEREST, ADJUSTED, f"{INTEREST}@adjusted"):
        assert ContinuousName.of(key).key == key
