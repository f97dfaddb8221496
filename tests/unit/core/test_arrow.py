"""Arrays over the same memory are those that Arrow's own function makes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from footloom.core.arrow import arrow_of, text_of

WORDS = ["buy", None, "", "Größe ₿", "b"]


@pytest.mark.parametrize("kind", [np.int8, np.int32, np.int64, np.uint8, np.float64, np.bool_])
@pytest.mark.parametrize("rows", [0, 1, 8, 9, 1_000])
def test_numbers(kind: type, rows: int, rng: np.random.Generator) -> None:
    values: np.ndarray[tuple[int], np.dtype[Any]] = rng.integers(0, 100, 2 * rows)[::2].astype(kind)
    missing = rng.random(rows) < 0.3
    for found, wanted in (
        (arrow_of(values), pa.array(values)),
        (arrow_of(values, missing), pa.array(values, mask=missing)),
    ):
        found.validate(full=True)
        assert found.equals(wanted)
        assert found.null_count == wanted.null_count


@pytest.mark.parametrize("words", [WORDS, WORDS[2:], [], [None]])
def test_words(words: list[str | None]) -> None:
    found = text_of(words)
    found.validate(full=True)
    assert found.equals(pa.array(words, pa.string()))


def test_neither_the_store_nor_tables_import_pandas(tmp_path: Path) -> None:
    """Arrow does so by itself where it is installed; beside footloom's programs it often is."""
    code = """
import io, sys
sys.path.insert(0, sys.argv[1])
from decimal import Decimal
import numpy as np, pyarrow as pa, pyarrow.parquet as pq
from footloom.core.arrow import arrow_of
from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.engine.build import build
from footloom.engine.exact import decimal_text
from footloom.engine.spec import ChartSpec
from footloom.engine.tables import footprint_table, levels_table, trades_table
from footloom.store.encoding import ints_of

ints_of(pa.chunked_array([arrow_of(np.arange(3), np.arange(3) == 1)]))
one = Instrument(venue="v", symbol="s", tick_size=Decimal("0.1"), lot_size=Decimal(1))
trades = Trades.build(one, [1, 2], [10, -11], [1, 2], [1, -1])
frame = build(trades, ChartSpec())
for table in (trades_table(trades), footprint_table(frame), levels_table(frame)):
    pq.write_table(table, io.BytesIO())
decimal_text(table.column("price").chunk(0))
print("pandas" in sys.modules)
pa.array([1])
print("pandas" in sys.modules)
"""
    (tmp_path / "pandas.py").write_text("__version__ = '0'")  # stands for the real one
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
