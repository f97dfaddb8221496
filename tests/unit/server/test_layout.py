"""The layout table agrees with the engine's bits, and the generated TypeScript with the table."""

from __future__ import annotations

import importlib.util
import struct
from pathlib import Path

from footloom.core import footprint
from footloom.server.wire import layout
from footloom.studies import imbalance

ROOT = Path(__file__).resolve().parents[3]
GENERATED = ROOT / "web" / "src" / "protocol" / "layout.generated.ts"


def test_the_generated_typescript_is_fresh() -> None:
    assert GENERATED.read_text(encoding="utf-8") == layout.typescript(), "run python tools/emit_protocol.py"


def test_the_document_and_the_typescript_are_what_the_table_says() -> None:
    spec = importlib.util.spec_from_file_location("emit_protocol", ROOT / "tools" / "emit_protocol.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    for path, text in tool.texts().items():
        assert path.read_text(encoding="utf-8") == text, "run python tools/emit_protocol.py"


def test_every_column_has_words_and_lines_of_the_document_share_a_type() -> None:
    types = dict((*layout.BAR_COLUMNS, *layout.LEVEL_COLUMNS))
    described = [name for names, _ in layout.COLUMN_WORDS for name in names.split()]
    assert sorted(described) == sorted(types), "each column once"
    for table in (layout.BAR_COLUMNS, layout.LEVEL_COLUMNS):
        own = dict(table)
        for names, _ in layout.COLUMN_WORDS:
            assert len({own[name] for name in names.split() if name in own}) <= 1, names


def test_header_is_aligned_and_prev_seq_stands_last() -> None:
    assert struct.calcsize(layout.HEADER) == layout.HEADER_BYTES == 40
    assert layout.PREV_SEQ_AT == 32
    assert layout.HEADER_FIELDS[-1][0] == "prev_seq"


def test_a_change_of_the_table_changes_the_typescript() -> None:
    # The planted failure of the test above: it compares something.
    assert '["open_ns", "i64"]' in layout.typescript()
    assert layout.typescript().replace('["open_ns", "i64"]', '["open_ns", "f64"]') != layout.typescript()


def test_flags_are_those_of_the_engine() -> None:
    assert layout.BAR_FLAGS == {
        "final": footprint.BAR_FINAL,
        "gap": footprint.BAR_GAP,
        "off_session": footprint.BAR_OFF_SESSION,
        "no_flow": 8,  # of the wire alone: the engine has no bar without trades
    }
    assert layout.CELL_FLAGS == {
        "buy_imbalance": imbalance.CELL_BUY_IMBALANCE,
        "sell_imbalance": imbalance.CELL_SELL_IMBALANCE,
        "buy_stack": imbalance.CELL_BUY_STACK,
        "sell_stack": imbalance.CELL_SELL_STACK,
    }


def test_wide_columns_stand_before_narrow_ones_so_that_padding_is_small() -> None:
    assert all(layout.ITEM_BYTES[kind] in {1, 4, 8} for _, kind in (*layout.BAR_COLUMNS, *layout.LEVEL_COLUMNS))
    assert layout.HEADER_BYTES % layout.ALIGN == 0
