"""Every format gives back the tape that was written, bit for bit; foreign tables are read exactly or refused."""

from __future__ import annotations

import csv
import gc
import io
import subprocess
import sys
import weakref
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footloom.core.instrument import Instrument
from footloom.core.trades import FLAG_BACKFILLED, FLAG_NO_ID, FLAG_NO_RECV, Trades
from footloom.engine.build import build_footprint
from footloom.engine.events_array import EVENT, EXCH_EVENT
from footloom.engine.tables import levels_table, trades_table
from footloom.errors import ConfigError, DataError, OffGrid
from footloom.notebook.event_files import write_events
from footloom.notebook.trade_files import read_trades, write_trades
from footloom.notebook.writing import csv_lines, format_of, whole_file, write_tables

ONE = Instrument(
    venue="test", symbol="A/B,C", tick_size=Decimal("0.05"), lot_size=Decimal("0.00000001"), calendar="nse_fo"
)
START = 1_772_409_600 * 10**9
FORMATS = ("csv", "parquet", "arrow", "npz")

rows = st.lists(
    st.tuples(
        st.integers(0, 10**9),  # after the one before
        st.integers(1, 10**9),
        st.integers(1, 10**9),
        st.sampled_from([-1, 0, 1]),
        st.one_of(st.none(), st.integers(-(10**6), 10**12)),  # id
        st.one_of(st.none(), st.integers(-(10**9), 10**9)),  # receipt
        st.sampled_from([0, FLAG_BACKFILLED]),
    ),
    max_size=25,
)


def tape(found) -> Trades:
    ts = START + np.cumsum([row[0] for row in found], dtype=np.int64)
    flags = [row[6] | (FLAG_NO_ID if row[4] is None else 0) | (FLAG_NO_RECV if row[5] is None else 0) for row in found]
    return Trades.build(
        ONE,
        ts,
        [row[1] for row in found],
        [row[2] for row in found],
        [row[3] for row in found],
        trade_id=[1000 + i if row[4] is None else row[4] for i, row in enumerate(found)],
        ts_recv_ns=[int(t) + (row[5] or 0) for t, row in zip(ts, found, strict=True)],
        flags=flags,
        tape="agg_trade",
    )


def write(path: Path, trades: Trades, cut: int = 10) -> Path:
    pieces = [trades.take(slice(i, i + cut)) for i in range(0, len(trades), cut)]
    path.unlink(missing_ok=True)
    if path.suffix == ".npz":
        write_events(path, trades.instrument, pieces or [trades], latency_ns=5)
    else:
        tables = [trades_table(piece) for piece in pieces]
        write_tables(path, format_of(path), trades_table(trades).schema, tables)
    return path


@pytest.mark.parametrize("kind", FORMATS)
def test_round_trips_are_exact(kind: str, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("files")

    @given(rows)
    def check(found):
        trades = tape(found)
        path = write(folder / f"x.{kind}", trades)
        given_too = ONE if kind == "csv" else None
        again = read_trades(path, given_too, tape="agg_trade" if kind == "csv" else "")
        assert again.equals(trades)
        assert again.instrument == ONE

    check()


@pytest.mark.parametrize("kind", FORMATS)
def test_a_taker_buy_of_three_and_a_taker_sell_of_two(kind: str, tmp_path: Path):
    """Ask column 3, bid column 2, delta +1, also after export and import."""
    lot = 10**8
    trades = Trades.build(ONE, [START, START + 1], [2000, 2000], [3 * lot, 2 * lot], [1, -1])

    again = read_trades(write(tmp_path / f"x.{kind}", trades), ONE)

    cells = build_footprint(again, "1m", 1).levels
    assert (cells.buy_lot.tolist(), cells.sell_lot.tolist(), cells.delta_lot.tolist()) == ([3 * lot], [2 * lot], [lot])


@pytest.mark.parametrize("kind", FORMATS)
def test_no_price_changes_its_row(kind: str, tmp_path: Path):
    """Two hundred thousand neighbouring ticks of 0.05: in floats a third of them would fall into the wrong row."""
    ticks = np.arange(400_000, 600_000)
    trades = Trades.build(ONE, START + np.arange(len(ticks)), ticks, np.ones(len(ticks)), np.ones(len(ticks)))

    again = read_trades(write(tmp_path / f"x.{kind}", trades, 70_000), ONE)

    assert np.array_equal(again.price_tick, ticks)


@pytest.mark.parametrize("kind", FORMATS)
def test_in_one_line(kind: str, tmp_path: Path):
    trades = tape([(5, 2000, 7, 1, 9, 3, 0), (6, 2001, 8, -1, None, None, 0)])

    write_trades(trades, tmp_path / f"x.{kind}", latency_ns=8)

    assert read_trades(str(tmp_path / f"x.{kind}"), ONE, tape="agg_trade").equals(trades)
    with pytest.raises(ConfigError, match="is there already"):
        write_trades(trades, tmp_path / f"x.{kind}")
    write_trades(trades, tmp_path / f"x.{kind}", force=True)


def test_plain_decimals_in_csv(tmp_path: Path):
    trades = Trades.build(ONE, [START], [1], [1], [0])
    lines = write(tmp_path / "x.csv", trades).read_text().splitlines()

    assert lines == ["ts_exch_ns,price,qty,side,trade_id,ts_recv_ns,file_row,flags", f"{START},0.05,0.00000001,0,,,0,3"]


def test_texts_with_commas_and_quotes_are_quoted():
    table = pa.table({"a": ['x,"y"', "plain", None, "two\nlines"], "b": [1.5, None, 3.0, 0.1]})
    read = list(csv.reader(io.StringIO(csv_lines(table).decode())))

    assert read == [['x,"y"', "1.5"], ["plain", ""], ["", "3"], ["two\nlines", "0.1"]]
    assert csv_lines(table.slice(1, 1)) == b"plain,\n"


def test_a_file_says_whose_it_is_or_must_be_told(tmp_path: Path):
    trades = Trades.build(ONE, [START], [1], [1], [0])
    with pytest.raises(ConfigError, match="instrument="):
        read_trades(write(tmp_path / "x.csv", trades))
    with pytest.raises(ConfigError, match="there is no file"):
        read_trades(tmp_path / "nothing.csv")
    (tmp_path / "x.txt").write_text("")
    with pytest.raises(ConfigError, match="does not end with"):
        read_trades(tmp_path / "x.txt")


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_of_another_kind_is_named(kind: str, tmp_path: Path):
    path = tmp_path / f"x.{kind}"
    path.write_bytes(b"\x00\x01nothing of the kind")
    with pytest.raises((DataError, ConfigError)) as caught:
        read_trades(path, ONE)
    assert caught.value.__suppress_context__ or kind == "csv"


def test_levels_are_no_trades(tmp_path: Path):
    from footloom.engine.build import build
    from footloom.engine.spec import ChartSpec

    table = levels_table(build(Trades.build(ONE, [START], [1], [1], [0]), ChartSpec()))
    write_tables(tmp_path / "x.parquet", "parquet", table.schema, [table])
    with pytest.raises(DataError, match="holds levels of test:A/B,C, not trades"):
        read_trades(tmp_path / "x.parquet")


def test_events_of_another_program(tmp_path: Path):
    events = np.zeros(3, EVENT)
    events["ev"] = [1 | EXCH_EVENT, 2 | EXCH_EVENT | 1 << 29, 2 | EXCH_EVENT]
    events["exch_ts"], events["local_ts"] = START, START + 9
    events["px"], events["qty"] = 100.05, 0.1
    np.savez_compressed(tmp_path / "x.npz", data=events)

    trades = read_trades(tmp_path / "x.npz", ONE)

    assert (trades.side.tolist(), trades.price_tick.tolist()) == ([1, 0], [2001, 2001])
    assert trades.flags.tolist() == [FLAG_NO_ID] * 2
    events["px"] = 100.06
    np.savez_compressed(tmp_path / "y.npz", data=events)
    with pytest.raises(OffGrid, match=r"price in row 0, a float, 100\.06"):
        read_trades(tmp_path / "y.npz", ONE)
    with pytest.raises(ConfigError, match="give instrument="):
        read_trades(tmp_path / "x.npz")


def test_what_is_late_is_counted(tmp_path: Path):
    trades = Trades.build(ONE, [START, START + 10, START + 20], [1, 2, 3], [1, 1, 1], [1, 1, 1],
                          ts_recv_ns=[START + 50, START + 8, START + 60])  # fmt: skip

    told = write_events(tmp_path / "x.npz", ONE, [trades.take(slice(0, 1)), trades.take(slice(1, 3))])

    assert (told.rows, told.events, told.split, told.least_latency_ns) == (3, 4, 1, -2)
    with pytest.raises(DataError, match="must ascend"):
        write_events(tmp_path / "y.npz", ONE, [trades.take(slice(1, 3)), trades.take(slice(0, 1))])
    assert [left.name for left in tmp_path.iterdir()] == ["x.npz"]


def _interrupted(file):
    file.write(b"half")
    raise KeyboardInterrupt


def test_nothing_half_written_is_left(tmp_path: Path):
    path = tmp_path / "x.bin"
    with pytest.raises(KeyboardInterrupt), whole_file(path) as file:
        _interrupted(file)
    assert list(tmp_path.iterdir()) == []
    with whole_file(path) as file:
        file.write(b"first")
    with pytest.raises(ConfigError, match="is there already"), whole_file(path) as file:
        file.write(b"second")
    with whole_file(path, force=True) as file:
        file.write(b"third")
    assert path.read_bytes() == b"third"
    with pytest.raises(ConfigError, match="is a folder"), whole_file(tmp_path):
        pass
    with pytest.raises(ConfigError, match="make the folder first"), whole_file(tmp_path / "no" / "x"):
        pass


LIMITED = """
import resource, signal, sys
from decimal import Decimal
from pathlib import Path
import numpy as np
from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.engine.tables import trades_table
from footloom.errors import ConfigError
from footloom.notebook.event_files import write_events
from footloom.notebook.writing import write_tables
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
one = Instrument(venue="t", symbol="X", tick_size=Decimal("0.1"), lot_size=Decimal(1))
rng = np.random.default_rng(1)
n = 100_000
trades = Trades.build(one, np.arange(n) + 10**18, rng.integers(1, 2**40, n), rng.integers(1, 2**40, n), np.ones(n))
table = trades_table(trades)
for kind in ("csv", "parquet", "arrow", "npz"):
    path = Path(sys.argv[1]) / f"x.{kind}"
    try:
        if kind == "npz":
            write_events(path, one, [trades])
        else:
            write_tables(path, kind, table.schema, [table])
    except ConfigError as error:
        sys.stdout.write(f"{kind}: {error}\\n")
"""


def test_a_full_disk_gives_one_message(tmp_path: Path):
    done = subprocess.run([sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, text=True, check=False)

    lines = done.stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == list(FORMATS), done.stdout + done.stderr
    assert all("cannot be written: File too large" in line for line in lines)
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", FORMATS)
def test_memory_holds_one_chunk_whatever_the_length(kind: str, tmp_path: Path):
    """Of the chunks given out, only the last ones are still held by anyone when the next is asked for."""
    gc.freeze()  # a collection looks at what comes from here on
    held: list[weakref.ref[np.ndarray]] = []
    most = 0

    def chunks():
        nonlocal most
        for i in range(12):
            ts = START + np.arange(1_000, dtype=np.int64) + 1_000 * i
            held.append(weakref.ref(ts))
            yield Trades.build(ONE, ts, np.ones(1_000), np.ones(1_000), np.ones(1_000))
            del ts
            gc.collect()
            most = max(most, sum(one() is not None for one in held))

    path = tmp_path / f"x.{kind}"
    if kind == "npz":
        write_events(path, ONE, chunks())
    else:
        write_tables(path, kind, trades_table(Trades.empty(ONE)).schema, map(trades_table, chunks()))

    assert len(read_trades(path, ONE)) == 12_000
    assert most <= 2
