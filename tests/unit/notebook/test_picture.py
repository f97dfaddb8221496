"""The still picture and the table say what the frame says, and nothing else."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from decimal import Decimal

import pytest

from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.engine.build import build
from footloom.engine.frame import ChartFrame
from footloom.engine.spec import ChartSpec
from footloom.notebook.picture import picture, short_number
from footloom.notebook.table import table

MINUTE_NS = 60_000_000_000
INSTRUMENT = Instrument(venue="x", symbol="A&B", tick_size=Decimal("0.5"), lot_size=Decimal("0.1"), base="A")


def frame_of(prints: list[tuple[int, int, int, int]], **settings: object) -> ChartFrame:
    ts, tick, qty, side = (list(column) for column in zip(*prints, strict=True))
    spec = ChartSpec(min_vol_lot=10, **settings)  # type: ignore[arg-type]
    return build(Trades.build(INSTRUMENT, ts, tick, qty, side), spec)


@pytest.fixture
def frame() -> ChartFrame:
    # Rows low to high, sold/bought: 10/0, 20/33, 0/60 in the first minute: imbalances at 33 and 60.
    first = [(1, 200, 10, -1), (2, 201, 20, -1), (3, 201, 33, 1), (4, 202, 60, 1)]
    return frame_of([*first, (MINUTE_NS + 1, 202, 5, 0), (MINUTE_NS + 2, 203, 7, -1)])


def texts(svg: str, kind: str | None = None) -> list[str]:
    nodes = ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")  # noqa: S314 - our own text
    return [n.text or "" for n in nodes if kind is None or kind in (n.get("class") or "").split()]


def test_every_cell_stands_in_the_picture(frame: ChartFrame) -> None:
    shown = texts(picture(frame))

    for sold_or_bought in ("1", "2", "3.3", "6", "0.7"):
        assert sold_or_bought in shown
    assert {"100.0", "100.5", "101.0", "101.5"} <= set(shown)
    assert "?" in shown, "volume of unknown side is marked"


def test_imbalances_are_bold_and_only_when_asked_for(frame: ChartFrame) -> None:
    title = texts(picture(frame))[0]

    assert [t for t in texts(picture(frame), "b") if t != title] == ["3.3", "6"]
    assert [t for t in texts(picture(frame, ["delta"]), "b") if t != title] == []


def test_deltas_carry_their_sign(frame: ChartFrame) -> None:
    shown = texts(picture(frame))

    assert "+6.3" in shown
    assert "-0.7" in shown
    assert "+5.6" in shown, "the running sum"


def test_a_name_cannot_break_the_picture(frame: ChartFrame) -> None:
    assert "x:A&B 1m" in (ET.fromstring(picture(frame))[0].text or "")  # noqa: S314 - our own text


def test_a_fat_finger_leaves_rows_out_and_says_so() -> None:
    svg = picture(frame_of([(1, 200, 10, -1), (2, 90_000, 1, 1), (3, 201, 20, 1)]))

    assert "rows left out" in svg
    assert len(svg) < 20_000
    assert "2" in texts(svg), "the cell of the last price is in the picture"


@pytest.mark.parametrize(
    ("exact", "short"),
    [
        ("0", "0"),
        ("1500", "1500"),
        ("1234567", "1.23M"),
        ("-98765432100", "-98.8G"),
        ("0.000001", "0"),
        ("12345.678", "12.3k"),
        ("999.9996", "1000"),
    ],
)
def test_numbers_are_short(exact: str, short: str) -> None:
    assert short_number(exact) == short


def test_the_table_holds_exact_numbers(frame: ChartFrame) -> None:
    html = table(frame)

    assert html.count("<tr>") == 3
    for number in ("9.3", "3.0", "6.3", "101.0", "1970-01-01 00:01:00"):
        assert f"<td>{number}</td>" in html
    assert "open time (UTC)" in html
    assert "<th>cvd</th>" not in table(frame, ["delta"])
