"""Stored bytes a trade on real recordings, against the same trades as floats in zstd Parquet."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import harness
from benchmarks.data import digest
from benchmarks.harness import Row, Scale
from footloom.core.trades import Trades
from footloom.store.files import Store

__all__ = ("bytes_by_column", "measure")

RECORDING = "binance/usdm_btcusdt_20240808.gz"  # 21 313 trades of BTCUSDT with ids and times of receipt
_TAPE_COLUMNS = ("ts_exch", "price_tick", "signed_lot", "lot_side", "flags")


def measure(scale: Scale) -> list[Row]:
    """Return both promises."""
    del scale
    place = os.environ.get("FOOTLOOM_RECORDINGS")
    file = (Path(place) if place else Path(__file__).resolve().parents[2] / "shared" / "data") / RECORDING
    names = ("stored bytes a trade: time, tick, signed lots", "stored bytes a trade: with id and time of receipt")
    if not file.is_file():
        return [Row(name, "-", f"the recording is not here: {file}", None, 1.0, "-") for name in names]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "store"
        command = [sys.executable, "-m", "footloom.cli.main", "import", str(file), "--store", str(root), "--json"]
        subprocess.run(command, check=True, capture_output=True)
        with Store(root) as store:
            tape = next(found for found in store.coverage() if found.tape == "trade")
            trades = store.load(tape.key, tape.tape, 0, 2**62)
        assert isinstance(trades, Trades)
        columns, count = bytes_by_column(root)
        peer = _float_bytes(trades, Path(folder)) / len(trades)
    assert count == len(trades), (count, len(trades))
    of_tape = sum(columns[name] for name in _TAPE_COLUMNS) / count
    of_all = sum(columns.values()) / count
    shown = json.dumps({name: round(size / count, 2) for name, size in sorted(columns.items())})
    hashed = digest(trades.ts_exch_ns, trades.price_tick, trades.qty_lot, trades.side)
    return [
        harness.limit(names[0], of_tape, 3.0, "bytes", f"floats with zstd {peer:.2f}", hashed),
        harness.limit(names[1], of_all, 5.0, "bytes", f"by column {shown}", hashed),
    ]


def bytes_by_column(root: Path) -> tuple[Counter[str], int]:
    """Return the compressed size of each column over all Parquet files below ``root``, and their rows."""
    sizes: Counter[str] = Counter()
    rows = 0
    for path in root.rglob("*.parquet"):
        meta = pq.read_metadata(path)
        rows += meta.num_rows
        for group in range(meta.num_row_groups):
            for column in range(meta.num_columns):
                chunk = meta.row_group(group).column(column)
                sizes[chunk.path_in_schema] += chunk.total_compressed_size
    return sizes, rows


def _float_bytes(trades: Trades, folder: Path) -> int:
    instrument = trades.instrument
    table = pa.table(
        {
            "ts": trades.ts_exch_ns // 1_000_000,
            "price": trades.price_tick * float(instrument.tick_size),
            "qty": trades.qty_lot * float(instrument.lot_size),
            "is_buyer_maker": trades.side < 0,
        }
    )
    path = folder / "floats.parquet"
    pq.write_table(table, path, compression="zstd")
    meta = pq.read_metadata(path)
    return sum(
        meta.row_group(g).column(c).total_compressed_size
        for g in range(meta.num_row_groups)
        for c in range(meta.num_columns)
    )


if __name__ == "__main__":
    harness.run(measure)
