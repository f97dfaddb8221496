"""A tape is taken out whole, and can come again on another grid."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.errors import NotStored, StoreError
from footloom.store import Removed, SourceInfo
from footloom.store.files import Store

KEY = "test:BTCUSDT"
EVER = (0, 2**62)
MakeTrades = Callable[..., Trades]


def test_a_tape_goes_with_all_its_days_and_what_the_journal_holds(store: Store, make_trades: MakeTrades) -> None:
    trades = make_trades(300, step_ms=1_000_000)
    store.write_part(trades.take(slice(0, 200)), SourceInfo("a", "a.csv", (0, 200)))
    store.append(trades.take(slice(200, 300)))
    other = make_trades(10, tape="agg_trade")
    store.append(other)

    report = store.remove(KEY, "trade")

    assert isinstance(report, Removed)
    assert (report.rows, report.days > 2, report.bytes > 1_000) == (300, True, True)
    with pytest.raises(NotStored):
        store.load(KEY, "trade", *EVER)
    assert store.load(KEY, "agg_trade", *EVER).equals(other)  # type: ignore[union-attr] # trades
    assert store.instrument(KEY).key == KEY
    assert [path.name for path in (store.root / "tapes" / "test" / "BTCUSDT").iterdir()] == ["agg_trade"]


def test_it_can_be_imported_again_on_another_grid(
    root: Path, store: Store, instrument: Instrument, make_trades: MakeTrades
) -> None:
    fine = make_trades(50, of=instrument.with_grid("0.01", "0.001"))
    info = SourceInfo("a", "a.csv", (0, 50))
    store.write_part(fine, info)
    store.remove(KEY, "trade")
    with pytest.raises(NotStored):
        store.instrument(KEY)

    coarse = make_trades(50, of=instrument.with_grid("0.25", "0.001"))
    assert store.write_part(coarse, info).rows == 50

    assert str(store.grid(KEY, "trade").tick_size) == "0.25"
    assert str(store.instrument(KEY).tick_size) == "0.25"
    store.close()
    with Store(root, writer=True) as again:
        assert again.load(KEY, "trade", *EVER).equals(coarse)  # type: ignore[union-attr] # trades


def test_what_is_recorded_afterwards_is_a_new_tape(root: Path, store: Store, make_trades: MakeTrades) -> None:
    trades = make_trades(40)
    store.append(trades.take(slice(0, 30)))
    store.remove(KEY, "trade")
    assert store.append(trades.take(slice(30, 40))) == 40
    store.close()

    with Store(root, writer=True) as again:
        again.seal()
        assert again.load(KEY, "trade", *EVER).equals(trades.take(slice(30, 40)))  # type: ignore[union-attr] # trades


def test_a_damaged_tape_can_be_removed(store: Store, make_trades: MakeTrades) -> None:
    store.write_part(make_trades(20), SourceInfo("a", "a.csv", (0, 20)))
    day = store.coverage()[0].day
    assert day == dt.date(2026, 1, 1)
    (store.root / "tapes/test/BTCUSDT/trade/2026-01-01/manifest.json").write_bytes(b"{")

    assert store.remove(KEY, "trade").days == 1
    assert store.coverage() == []


def test_what_is_not_there_is_a_message(store: Store, make_trades: MakeTrades) -> None:
    store.append(make_trades(1))

    with pytest.raises(NotStored, match="has no tape test:BTCUSDT/depth: tapes of test:BTCUSDT are trade"):
        store.remove(KEY, "depth")
    with store.transaction(), pytest.raises(StoreError, match="within a transaction"):
        store.remove(KEY, "trade")


def test_a_reader_cannot_remove(root: Path, store: Store, make_trades: MakeTrades) -> None:
    store.append(make_trades(1))
    with pytest.raises(StoreError, match="open for reading only"):
        Store(root).remove(KEY, "trade")


def test_all_or_nothing(store: Store, make_trades: MakeTrades, monkeypatch: pytest.MonkeyPatch) -> None:
    trades = make_trades(20)
    store.append(trades)

    def fail(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", fail)
        with pytest.raises(StoreError, match=r"cannot remove .*trade: Permission denied"):
            store.remove(KEY, "trade")
    assert store.load(KEY, "trade", *EVER).equals(trades)  # type: ignore[union-attr] # trades


def test_what_a_kill_left_is_no_tape_and_is_swept(root: Path, store: Store, make_trades: MakeTrades) -> None:
    store.append(make_trades(20))
    store.seal()
    folder = root / "tapes/test/BTCUSDT"
    (folder / "trade").rename(folder / ".removed-1-trade")
    assert store.coverage() == []
    store.close()

    with Store(root, writer=True):
        assert list(folder.iterdir()) == []
