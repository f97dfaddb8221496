"""Tables: what they hold is what the tape and the bars hold, and they say what they are."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from footloom.core.instrument import Instrument
from footloom.core.snapshots import NO_QUOTE, Snapshots
from footloom.core.trades import FLAG_NO_ID, FLAG_NO_RECV, Trades
from footloom.engine.build import build, build_footprint
from footloom.engine.export import bar_rows
from footloom.engine.spec import ChartSpec
from footloom.engine.studies import StudyFold, counting
from footloom.engine.study_tables import study_tables
from footloom.engine.table_facts import FACTS, Facts, read_facts
from footloom.engine.tables import bars_table, footprint_table, levels_table, snapshots_table, trades_table
from footloom.errors import DataError
from footloom.studies import NONE, Answer, Output

ONE = Instrument(venue="test", symbol="ABC", tick_size=Decimal("0.05"), lot_size=Decimal("0.001"), calendar="crypto")
S = 10**9


def tape(count: int = 400) -> Trades:
    rng = np.random.default_rng(3)
    ts = 1_772_409_600 * S + np.arange(count) * S
    sides = rng.integers(-1, 2, count)
    return Trades.build(ONE, ts, 2000 + rng.integers(-5, 6, count), rng.integers(1, 99, count), sides)


def facts(table: Any) -> Facts:
    found = read_facts(table.schema.metadata)
    assert found is not None
    return found


def test_trades_by_hand():
    flags = [0, FLAG_NO_ID | FLAG_NO_RECV]
    trades = Trades.build(
        ONE, [1, 2], [2001, 2000], [3000, 2], [1, -1], trade_id=[7, 0], ts_recv_ns=[5, 2], flags=flags
    )

    table = trades_table(trades)

    assert table.to_pylist() == [
        {"ts_exch_ns": 1, "price": Decimal("100.05"), "qty": Decimal(3), "side": 1, "trade_id": 7, "ts_recv_ns": 5,
         "file_row": None, "flags": 0},
        {"ts_exch_ns": 2, "price": Decimal(100), "qty": Decimal("0.002"), "side": -1, "trade_id": None,
         "ts_recv_ns": None, "file_row": 0, "flags": 3},
    ]  # fmt: skip
    assert (facts(table).what, facts(table).tape, facts(table).instrument) == ("trades", "trade", ONE)


def test_a_snapshot_says_null_where_it_says_nothing():
    one = np.array([5], np.int64)
    none = np.array([NO_QUOTE], np.int64)
    said = Snapshots(ONE, one, one, one, one, none, one, one + 1, atp_e4=one, oi_lot=none, delta_e8=-one)
    table = snapshots_table(said)

    assert table.to_pylist() == [
        {"ts_recv_ns": 6, "ts_exch_ns": 5, "ltp": Decimal("0.25"), "ltq": Decimal("0.005"), "vtt": Decimal("0.005"),
         "bid": None, "ask": Decimal("0.25"), "bid_qty": None, "ask_qty": None, "oi": None, "atp": Decimal("0.0005"),
         "venue_iv": None, "venue_delta": Decimal("-0.00000005"), "venue_gamma": None, "venue_theta": None,
         "venue_vega": None},
    ]  # fmt: skip


@pytest.mark.parametrize("step", [1, 3])
def test_bars_and_levels_equal_the_json(step: int):
    frame = build(tape(), ChartSpec(ticks_per_level=step))
    rows = bar_rows(frame)

    bars, levels = bars_table(frame, "trade").to_pylist(), levels_table(frame).to_pylist()

    plain = [{name: value for name, value in row.items() if name != "levels"} for row in rows]
    assert [{k: f"{v:f}" if isinstance(v, Decimal) else v for k, v in row.items()} for row in bars] == plain
    told = [[row["open_ns"], *level] for row in rows for level in row["levels"]]
    names = ("price", "buy", "sell", "unknown")
    assert [[row["open_ns"], *(f"{row[n]:f}" for n in names), row["trades"]] for row in levels] == told
    assert all(row["delta"] == row["buy"] - row["sell"] for row in levels)
    assert all(row["level"] * step * ONE.tick_size == row["price"] for row in levels)
    nested = footprint_table(frame).column("levels").to_pylist()
    assert [[f"{level['price']:f}" for level in bar] for bar in nested] == [[v[0] for v in r["levels"]] for r in rows]


def test_a_chart_says_what_its_numbers_mean():
    found = facts(bars_table(build(tape(), ChartSpec(ticks_per_level=2, poc_tie="lowest")), "agg_trade"))

    assert (found.what, found.tape, found.bars, found.ticks_per_level) == ("bars", "agg_trade", "1m", 2)
    assert found.spec["poc_tie"] == "lowest"
    assert found.version


def test_facts_that_cannot_be_read():
    assert read_facts(None) is None
    assert read_facts({b"pandas": b"{}"}) is None
    with pytest.raises(DataError, match="cannot be read"):
        read_facts({FACTS: b'{"what": 3}'})


def test_a_study_in_prices():
    fold = StudyFold("vwap", {"reset": "day"})
    footprint = build_footprint(tape(), "1m", 1, count=counting([fold]))
    answer = fold.update(footprint)

    table = study_tables(fold, footprint, answer, "trade")["bars"]

    assert table.column_names[:2] == ["open_ns", "close_ns"]
    wanted = [value * 0.05 for value in answer.bars["vwap"].tolist()]
    assert table.column("vwap").to_pylist() == pytest.approx(wanted, rel=1e-15)
    assert table.column("anchor_ns").to_pylist() == [1_772_409_600 * S] * len(footprint)
    found = facts(table)
    assert (found.study, found.part, found.params["reset"]) == ("vwap", "bars", "day")


def test_codes_beside_a_price_stay_codes():
    fold = StudyFold("hvn_lvn", {"k": 1})
    footprint = build_footprint(tape(), "1m", 2)

    events = study_tables(fold, footprint, fold.update(footprint))["events"]

    assert {*events.column("node").to_pylist(), *events.column("change").to_pylist()} == {1, -1}
    assert all(99 < price < 101 for price in events.column("row").to_pylist())


def test_every_unit_and_every_part():
    class Made:
        OUTPUTS = (
            Output(name="a", kind="level", unit="row", columns=("row",), title=""),
            Output(name="b", kind="line", unit="lot", columns=("lots", "mean"), title=""),
            Output(name="c", kind="marker", unit="tick", columns=("tick", "side"), title=""),
        )

    fold = StudyFold("cvd")
    fold.study = Made()  # type: ignore[assignment]
    footprint = build_footprint(tape(130), "1m", 2)
    answer = Answer(
        bars={"row": np.array([10, NONE, 11]), "mean": np.array([1.5, np.nan, 2.0]), "lots": np.array([1, 2, NONE])},
        cells={"mark": np.zeros(len(footprint.levels), np.uint8)},
        events={"bar": np.array([2]), "tick": np.array([2001]), "side": np.array([-1], np.int8)},
    )

    tables = study_tables(fold, footprint, answer)

    opens = footprint.bars.open_ns.tolist()
    assert tables["bars"].column("row").to_pylist() == [Decimal(1), None, Decimal("1.10")]
    assert tables["bars"].column("mean").to_pylist() == [0.0015, None, 0.002]
    assert tables["bars"].column("lots").to_pylist() == [Decimal("0.001"), Decimal("0.002"), None]
    assert tables["cells"].column_names == ["open_ns", "level", "price", "mark"]
    assert tables["events"].to_pylist() == [
        {"open_ns": opens[2], "close_ns": opens[2] + 60 * S, "tick": Decimal("100.05"), "side": -1}
    ]
