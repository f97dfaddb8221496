"""A continuous future as a view of stored contracts."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from footloom import load_trades
from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.errors import ConfigError, DataError, NotStored
from footloom.feeds.continuous import continuous_trades, is_continuous
from footloom.store.files import Store
from footloom.venues._india_master import expiry_ns

DAYS = {"A": dt.date(2025, 11, 25), "B": dt.date(2025, 12, 30), "C": dt.date(2026, 1, 27)}
END = {name: expiry_ns(day, "nse_fo") for name, day in DAYS.items()}
HOUR = 3_600 * 10**9
KEY = "upstox:NIFTY.FUT1"


def contract(name: str, tick: str = "0.1") -> Instrument:
    return Instrument(
        venue="upstox", symbol=f"NSE_FO|{name}", tick_size=Decimal(tick), lot_size=Decimal(1), calendar="nse_fo",
        kind="future", underlying="NIFTY", expiry_ns=END[name], quote="INR",
    )  # fmt: skip


def put(store: Store, one: Instrument, times: list[int], prices: list[str]) -> None:
    ticks = [one.price_tick(price) for price in prices]
    ids = np.array(times) // 10**9
    store.append(Trades.build(one, times, ticks, [75] * len(times), [1] * len(times), trade_id=ids, ts_recv_ns=times))


@pytest.fixture
def filled(tmp_path: Path) -> Store:
    store = Store(tmp_path, writer=True)
    put(store, contract("A", "0.05"), [END["A"] - 2 * HOUR, END["A"] - HOUR], ["26000.05", "26010"])
    put(store, contract("B"), [END["A"] - HOUR, END["A"], END["B"] - HOUR], ["26110.5", "26120", "26500"])
    put(store, contract("C"), [END["B"] - HOUR, END["B"] + HOUR], ["26640.3", "26700"])
    return store


def test_each_stretch_has_the_rows_of_its_contract(filled: Store) -> None:
    with filled as store:
        found = continuous_trades(store, KEY, 0, 2**62)
        trades = found.trades
        assert trades.instrument.key == KEY
        assert trades.instrument.tick_size == Decimal("0.05")
        texts = [trades.instrument.price_text(int(tick)) for tick in trades.price_tick]
        assert texts == ["26000.05", "26010.00", "26120.00", "26500.00", "26700.00"], "as traded, unadjusted"
        assert [one.symbol for one in found.stretches] == ["NSE_FO|A", "NSE_FO|B", "NSE_FO|C"]
        assert [(one.at_ns, one.from_price, one.to_price) for one in found.rolls] == [
            (END["A"], "26010.00", "26110.5"),
            (END["B"], "26500.0", "26640.3"),
        ]


def test_a_notebook_reads_it_by_its_name(filled: Store, tmp_path: Path) -> None:
    filled.close()
    assert len(load_trades(KEY, store=tmp_path)) == 5
    assert len(load_trades(KEY, "2025-12-01", "2026-01-01", store=tmp_path)) == 2


def test_the_second_contract(filled: Store) -> None:
    with filled as store:
        found = continuous_trades(store, "upstox:NIFTY.FUT2", 0, 2**62)
        assert [one.symbol for one in found.stretches] == ["NSE_FO|B", "NSE_FO|C"]
        assert len(found.trades) == 3


def test_adjusted_prices_are_of_another_key(filled: Store) -> None:
    with filled as store:
        found = continuous_trades(store, KEY, 0, 2**62, adjusted=True)
        raw = continuous_trades(store, KEY, 0, 2**62)
        texts = [found.trades.instrument.price_text(int(tick)) for tick in found.trades.price_tick]
        assert texts == ["26240.85", "26250.80", "26260.30", "26640.30", "26700.00"]
        with pytest.raises(DataError, match="never mix"):
            Trades.concat([raw.trades, found.trades])


def test_a_roll_without_prices_is_not_adjusted_over(filled: Store) -> None:
    with filled as store:
        store.put_instrument(contract("B"))
        later = Instrument(
            venue="upstox", symbol="NSE_FO|D", tick_size=Decimal("0.1"), lot_size=Decimal(1), calendar="nse_fo",
            kind="future", underlying="NIFTY", expiry_ns=END["C"] + 30 * 24 * HOUR,
        )  # fmt: skip
        store.put_instrument(later)
        with pytest.raises(DataError, match=r"roll from NSE_FO.C to NSE_FO.D"):
            continuous_trades(store, KEY, 0, 2**62, adjusted=True)
        assert continuous_trades(store, KEY, 0, 2**62).rolls[-1].gap is None


def test_a_part_of_the_time(filled: Store) -> None:
    with filled as store:
        found = continuous_trades(store, KEY, END["A"], END["B"])
        assert [one.symbol for one in found.stretches] == ["NSE_FO|B"]
        assert len(found.trades) == 2
        assert [one.at_ns for one in found.rolls] == [END["A"]]
        assert len(continuous_trades(store, KEY, 0, 1).trades) == 0
        adjusted = continuous_trades(store, KEY, END["A"], END["B"], adjusted=True)
        assert adjusted.trades.price_tick.tolist() == found.trades.price_tick.tolist()


def test_one_contract_alone(tmp_path: Path) -> None:
    with Store(tmp_path, writer=True) as store:
        put(store, contract("A"), [END["A"] - HOUR], ["26000"])
        assert len(continuous_trades(store, KEY, 0, 2**62).trades) == 1
        assert len(continuous_trades(store, "upstox:NIFTY.FUT2", 0, 2**62).trades) == 0
        with pytest.raises(NotStored, match=r"footloom record upstox:BANKNIFTY\.FUT1"):
            continuous_trades(store, "upstox:BANKNIFTY.FUT1", 0, 1)
        with pytest.raises(ConfigError, match=r"NIFTY\.FUT1"):
            continuous_trades(store, "upstox:NSE_FO|A", 0, 1)


def test_which_keys_are_continuous() -> None:
    assert is_continuous("upstox:NIFTY.FUT1")
    assert is_continuous("angelone:banknifty.fut2")
    assert not is_continuous("upstox:NSE_FO|1")
    assert not is_continuous("binance_usdm:BTCUSDT")
