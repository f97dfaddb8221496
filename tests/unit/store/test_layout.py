from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footloom.core.instrument import Instrument
from footloom.errors import StoreError
from footloom.store.files import Store
from footloom.store.layout import Layout, Stream, file_name

UNSAFE = [
    "NSE_EQ|INE467B01029",
    "NIFTY 50",
    "a/b",
    "..",
    ".",
    ".hidden",
    "../../etc/passwd",
    "C:\\temp",
    "BTC-29DEC23-40000-C",
    "ETH%2FBTC",
    "शेयर",
    "a\x00b",
    "con?*<>\"'",
    "~root",
]


@pytest.mark.parametrize("symbol", UNSAFE)
def test_any_symbol_is_a_safe_file_name_and_comes_back(tmp_path: Path, symbol: str) -> None:
    layout = Layout(tmp_path)
    stream = Stream("v/..", symbol, "partial:large/prints")
    folder = layout.day(stream, dt.date(2026, 1, 1))

    folder.mkdir(parents=True)

    assert tmp_path / "tapes" in folder.resolve().parents
    assert len(folder.relative_to(tmp_path).parts) == 5
    assert list(layout.streams()) == [stream]
    assert layout.days(stream) == [dt.date(2026, 1, 1)]


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_file_names_are_plain_and_differ_where_texts_do(text: str) -> None:
    name = file_name(text)

    assert name.isascii()
    assert not name.startswith(".")
    assert not set(name) & set('/\\|:*?"<> \0')
    assert file_name(text + "x") != name


@pytest.mark.parametrize("symbol", ["", "x" * 300, "\ud800"])
def test_what_cannot_be_a_file_name_is_refused(symbol: str) -> None:
    with pytest.raises(StoreError, match="cannot be a file name"):
        file_name(symbol)


def test_foreign_folders_are_passed_over(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    stream = Stream("v", "s", "trade")
    for name in ("2026-01-02", "2026-01-01", "notes", ".trash"):
        (layout.tape(stream) / name).mkdir(parents=True)

    assert layout.days(stream) == [dt.date(2026, 1, 1), dt.date(2026, 1, 2)]


@pytest.mark.parametrize("tape", ["", "trades", "partial", "partial:", "book"])
def test_an_unknown_tape_is_refused(instrument: Instrument, tape: str) -> None:
    with pytest.raises(StoreError, match="there is no tape"):
        Stream.of(instrument, tape)


def test_a_folder_with_other_things_does_not_become_a_store(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_text("years of work")

    with pytest.raises(StoreError, match=r"holds other things \(thesis.doc\) and is no store"):
        Store(tmp_path, writer=True)

    assert [path.name for path in tmp_path.iterdir()] == ["thesis.doc"]


def test_a_newer_layout_and_a_damaged_marker_are_told(tmp_path: Path) -> None:
    Store(tmp_path / "a", writer=True).close()
    marker = tmp_path / "a" / "footloom.json"

    marker.write_text('{"footloom_store": 9}')
    with pytest.raises(StoreError, match="layout 9, this program knows up to 1"):
        Store(tmp_path / "a", writer=True)
    marker.write_text("{")
    with pytest.raises(StoreError, match="is damaged"):
        Store(tmp_path / "a", writer=True)
