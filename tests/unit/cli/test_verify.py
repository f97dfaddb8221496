"""``footloom verify``: a recorded day is the same live and at once; a fault in either is found and named."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from footloom.cli.main import main
from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.snapshots import Snapshots
from footloom.core.trades import FLAG_BACKFILLED, Trades
from footloom.engine import builder, replay, tail
from footloom.engine.grace import grace_ns
from footloom.engine.open_bar import packed
from footloom.engine.verify import verify_day
from footloom.errors import NotStored
from footloom.store import SourceInfo
from footloom.store.files import Store

NS = 10**9
DAY = dt.date(2026, 3, 2)
START_NS = 1_772_409_600 * NS
INSTRUMENT = Instrument(venue="binance_usdm", symbol="X", tick_size=Decimal("0.1"), lot_size=Decimal("0.001"))
KEY = INSTRUMENT.key


def trades(count: int = 3_000, *, seed: int = 7) -> Trades:
    rng = np.random.default_rng(seed)
    ts = START_NS + np.sort(rng.integers(0, 3_600 * 1_000, count)) * 1_000_000
    tick = 6_000 + np.cumsum(rng.integers(-3, 4, count))
    side = rng.choice(np.array([-1, 1]), count)
    return Trades.build(
        INSTRUMENT, ts, tick, rng.integers(1, 90, count), side, trade_id=np.arange(count) + 5, ts_recv_ns=ts + 9_000_000
    )


def fetched(rows: Trades, at_ns: int) -> Trades:
    flags = rows.flags | FLAG_BACKFILLED
    recv = np.full(len(rows), at_ns)
    return Trades.build(
        INSTRUMENT, rows.ts_exch_ns, rows.price_tick, rows.qty_lot, rows.side, trade_id=rows.trade_id, ts_recv_ns=recv,
        flags=flags,
    )  # fmt: skip


def gap(rows: Trades, *, healed: bool = False) -> Gap:
    first, last = int(rows.ts_exch_ns[0]), int(rows.ts_exch_ns[-1]) + 1
    return Gap(symbol="X", from_ns=first, to_ns=last, cause="disconnect", healed=healed)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A day with imported rows, late ones, a hole that is repaired newest first, and one that stays."""
    whole = trades()
    with Store(tmp_path / "store", writer=True) as store:
        store.put_instrument(INSTRUMENT)
        store.write_part(whole.take(slice(0, 300)), SourceInfo("sha", "a.csv", (0, 300), "csv"))
        order = np.arange(300, 1_500)
        order[[40, 41, 200, 260]] = order[[41, 40, 260, 200]]
        for at in range(0, 1_200, 100):
            store.append(whole.take(order[at : at + 100]))
        lost, never = whole.take(slice(1_500, 1_800)), whole.take(slice(2_000, 2_040))
        store.append(whole.take(slice(1_800, 2_000)), [gap(lost)])
        now = int(whole.ts_recv_ns[2_039])
        store.append(whole.take(slice(2_040, 2_100)), [gap(never)])
        store.append(fetched(lost.take(slice(150, 300)), now))
        store.append(whole.take(slice(2_100, 2_200)))
        store.append(fetched(lost.take(slice(0, 150)), int(whole.ts_recv_ns[2_199])), [gap(lost, healed=True)])
        store.append(whole.take(slice(2_200, 3_000)))
    return tmp_path / "store"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(["verify", *arguments])
    out, err = capsys.readouterr()
    return int(left.value.code or 0), out, err


def test_a_day_of_late_fetched_and_healed_rows_is_the_same_live_and_at_once(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(
        capsys, KEY, "--store", str(root), "--json", *(f"--bars={rule}" for rule in ("1m", "50t", "r30"))
    )

    found = json.loads(out)
    assert code == 0, found
    assert [row["differences"] for row in found] == [[], [], []]
    assert [row["bars"] for row in found] == ["1m", "50t", "r30"]
    assert found[0]["rows"] == 2_960
    assert found[0]["backfilled"] == 300
    assert found[0]["late"] >= 300
    assert found[0]["gaps"] == 3
    assert found[0]["events"] > found[0]["compared"] > 50


def test_what_was_compared_is_said_in_words(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, KEY, "--store", str(root), "--day", "2026-03-02", "--bars", "5m", "--commit-ms", "15")

    assert code == 0
    assert "2,960 rows in" in out
    assert "300 fetched, 3 gap records" in out
    assert "the same, bit by bit: 12 bars" in out


def test_a_fault_of_the_live_path_is_found_and_named(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    grown = tail.grown

    def forgetful(frame, trades, close_ns, terms):  # type: ignore[no-untyped-def] # as the original
        lost = frame.open_ns >= START_NS + 3_000 * NS and frame.footprint.bars.trades[-1] == 7
        return packed(frame) if lost else grown(frame, trades, close_ns, terms)

    monkeypatch.setattr(tail, "grown", forgetful)
    code, out, _ = run(capsys, KEY, "--store", str(root), "--bars", "1m")

    assert code == 1
    assert "DIFFERENT: bars after revisions: first in the bar of 2026-03-02 00:5" in out


def test_a_flag_that_is_not_taken_back_is_found(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builder, "open_gaps", lambda records: [one for one in records if not one.healed])
    code, out, _ = run(capsys, KEY, "--store", str(root), "--bars", "1m")

    assert code == 1
    assert "flags: 3 and 1" in out or "flags: 2 and 0" in out


def test_replays_that_tell_different_things_are_found(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hear, seen = replay.Replay._hear, []

    def unsteady(self, events):  # type: ignore[no-untyped-def] # as the original
        seen.append(1)
        return hear(self, events[:-1] if len(seen) == 41 else events)

    monkeypatch.setattr(replay.Replay, "_hear", unsteady)
    code, out, _ = run(capsys, KEY, "--store", str(root), "--bars", "1m")

    assert code == 1
    assert "of two replays" in out


def test_snapshots_are_inferred_in_ingest_order_and_compared(tmp_path: Path) -> None:
    count = 2_000
    rng = np.random.default_rng(3)
    instrument = Instrument(
        venue="upstox", symbol="N", tick_size=Decimal("0.05"), lot_size=Decimal(1), calendar="crypto"
    )
    recv = START_NS + NS + np.sort(rng.integers(0, 3_600 * 1_000, count)) * 1_000_000
    recv[:5] = recv[5] - np.arange(5, 0, -1) * 10_000_000  # their trades are older than the first receipt
    mid = 5_000 + np.cumsum(rng.integers(-2, 3, count))
    snapshots = Snapshots(
        instrument=instrument,
        ts_exch_ns=recv - 300_000_000,
        ltp_tick=mid,
        ltq_lot=rng.integers(1, 50, count),
        vtt_lot=np.cumsum(rng.integers(0, 60, count)),
        bid_tick=mid - 1,
        ask_tick=mid + 1,
        ts_recv_ns=recv,
    )
    with Store(tmp_path / "store", writer=True) as store:
        store.put_instrument(instrument)
        for at in range(0, count, 50):
            gaps = (
                [Gap(symbol="N", from_ns=int(recv[999]), to_ns=int(recv[1_000]), cause="lost")] if at == 1_000 else []
            )
            store.append(snapshots.take(slice(at, at + 50)), gaps)
        for rule in ("1m", "20t"):
            found = verify_day(store, instrument.key, "snapshot", DAY, rule)
            assert found.differences == []
            assert found.compared > 50


def test_what_is_not_stored_is_said(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, KEY, "--store", str(root), "--day", "2026-03-05")

    assert code == 1
    assert "nothing is stored of binance_usdm:X trade on 2026-03-05" in err
    with Store(root) as store, pytest.raises(NotStored):
        verify_day(store, KEY, "trade", dt.date(2020, 1, 1), "1m")


def test_the_grace_is_the_venues() -> None:
    assert grace_ns("binance_usdm:BTCUSDT", "agg_trade") == 250_000_000
    assert grace_ns("bybit_linear:BTCUSDT") == 250_000_000
    assert grace_ns("upstox:NIFTY", "snapshot") == 2_000_000_000
    assert grace_ns("angelone:NIFTY", "snapshot") == 2_000_000_000
    assert grace_ns("elsewhere:X", "snapshot") == 2_000_000_000
    assert grace_ns("../x:Y") == grace_ns("_venue:Y") == 250_000_000
