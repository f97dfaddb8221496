"""A chart as a still picture: sold x bought in every cell, as SVG text that needs nothing beside itself.

Colour is never the only sign: sold stands left, bought right; an imbalance is bold; the point of control has a frame;
the value area has a bar at its left edge; a delta carries its sign.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from zoneinfo import ZoneInfo

from footloom.core.footprint import Levels
from footloom.core.instrument import Instrument
from footloom.core.sessions import calendar
from footloom.engine.frame import ChartFrame
from footloom.studies.imbalance import CELL_BUY_IMBALANCE, CELL_SELL_IMBALANCE

__all__ = ("picture", "short_number")

_ROW_PX = 15
_BAR_PX = 118
_AXIS_PX = 76
_HEAD_PX = 44
_FOOT_PX = 4
_MOST_ROWS = 70  # beyond, the picture would be taller than a screen: rows are left out, and it says so
_STYLE = (
    ".fl{background:#fff;font:11px ui-monospace,Menlo,Consolas,monospace}.fl text{fill:#1b1f24}"
    ".fl .s{text-anchor:end}.fl .m{text-anchor:middle}.fl .q{fill:#6a737d}.fl .b{font-weight:700}"
    ".fl .up{fill:#0b7d55}.fl .dn{fill:#b3261e}.fl .cb{fill:#12a37a}.fl .cs{fill:#d9483b}"
    ".fl .poc{fill:none;stroke:#1b1f24;stroke-width:1.2}.fl .va{fill:#5b6b7d}.fl .sep{stroke:#d0d7de}"
)


@dataclass(frozen=True)
class _Grid:
    # Which rows are drawn: from `low` to `high`, the highest on top; `cut` of the bars' rows fell outside.
    low: int
    high: int
    cut: int

    def y(self, row: int) -> int:
        return _HEAD_PX + (self.high - row) * _ROW_PX

    def holds(self, row: int) -> bool:
        return self.low <= row <= self.high

    @property
    def bottom(self) -> int:
        return self.y(self.low - 1)


def picture(frame: ChartFrame, studies: Sequence[str] = ("delta", "cvd", "poc", "value_area", "imbalance")) -> str:
    """Return a footprint chart of all bars of ``frame`` as SVG text.

    Parameters
    ----------
    frame
        At least one bar; a screen holds about twelve.
    studies
        What is drawn beside the cells: any of ``delta``, ``cvd``, ``poc``, ``value_area``, ``imbalance``.

    Returns
    -------
    str
        One ``<svg>`` element.
    """
    grid = _grid(frame)
    footer = [name for name in ("delta", "cvd") if name in studies]
    height = grid.bottom + (len(footer) + 1) * _ROW_PX + _FOOT_PX
    width = _AXIS_PX + len(frame) * _BAR_PX + _FOOT_PX
    title = _title(frame, grid)
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}" style="max-width:100%;height:auto"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="fl" role="img" {size}>',
        f"<title>{escape(title)}</title><style>{_STYLE}</style>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        _text(4, 13, title, "b"),
        *_axis(frame, grid),
    ]
    for bar in range(len(frame)):
        parts += _bar(frame, bar, grid, studies)
    parts += _footer(frame, grid, footer)
    return "".join([*parts, "</svg>"])


def short_number(text: str, most: int = 6) -> str:
    """Return exact decimal text if it fits ``most`` characters without its closing zeros, else rounded with k, M or G.

    Examples
    --------
    >>> short_number("12.500"), short_number("-1234.567"), short_number("0.00012345")
    ('12.5', '-1.23k', '0.0001')
    """
    exact = text.rstrip("0").rstrip(".") if "." in text else text
    if len(exact) <= most:
        return exact
    value = Decimal(text)
    for size, letter in ((9, "G"), (6, "M"), (3, "k")):
        if abs(value) >= 10**size:
            return f"{value.scaleb(-size):.3g}{letter}"
    places = max(0, most - len(f"{abs(int(value))}."))
    return f"{value:.{places}f}".rstrip("0").rstrip(".")


def _grid(frame: ChartFrame) -> _Grid:
    rows = frame.footprint.levels.row
    low, high = int(rows.min()), int(rows.max())
    if high - low < _MOST_ROWS:
        return _Grid(low, high, 0)
    # Centred on the last close, within what was traded.
    close = int(frame.footprint.bars.close_tick[-1]) // frame.footprint.ticks_per_level
    bottom = min(max(close - _MOST_ROWS // 2, low), high - _MOST_ROWS + 1)
    return _Grid(bottom, bottom + _MOST_ROWS - 1, high - low + 1 - _MOST_ROWS)


def _title(frame: ChartFrame, grid: _Grid) -> str:
    footprint, spec = frame.footprint, frame.spec
    instrument, step = footprint.instrument, footprint.ticks_per_level
    unit = instrument.base or "units"
    words = [
        f"{instrument.key} {footprint.bar_rule}",
        f"row {instrument.price_text(step)}",
        f"sold x bought, {unit}",
        f"VA {spec.value_area_pct} % {spec.value_area.replace('_', '-')}",
        f"imbalance {spec.imbalance_pct} %",
        _zone(instrument).key,
    ]
    if grid.cut:
        words.append(f"{grid.cut} rows left out")
    return " · ".join(words)


def _zone(instrument: Instrument) -> ZoneInfo:
    return ZoneInfo(calendar(instrument.calendar).tz)


def _axis(frame: ChartFrame, grid: _Grid) -> Iterator[str]:
    instrument, step = frame.footprint.instrument, frame.footprint.ticks_per_level
    every = 1 if grid.high - grid.low < 30 else 2
    for row in range(grid.low, grid.high + 1):
        if row % every == 0:
            yield _text(_AXIS_PX - 8, grid.y(row) + 11, instrument.price_text(row * step), "s q")


def _bar(frame: ChartFrame, bar: int, grid: _Grid, studies: Sequence[str]) -> Iterator[str]:
    left = _AXIS_PX + bar * _BAR_PX
    footprint = frame.footprint
    yield _text(left + _BAR_PX // 2, 30, _time(frame, bar), "m q")
    yield f'<path class="sep" d="M{left - 3}.5 {_HEAD_PX - 8}V{grid.bottom}"/>'
    start, stop = (int(footprint.level_offset[bar + i]) for i in (0, 1))
    cells = footprint.cells(bar)
    flags = frame.cell_flags[start:stop].tolist() if "imbalance" in studies else [0] * len(cells)
    yield from _cells(cells, flags, left, grid, footprint.instrument)
    if "value_area" in studies:
        top, low = min(int(frame.vah_row[bar]), grid.high), max(int(frame.val_row[bar]), grid.low)
        if top >= low:
            yield f'<rect class="va" x="{left}" y="{grid.y(top)}" width="3" height="{(top - low + 1) * _ROW_PX}"/>'
    if "poc" in studies and grid.holds(poc := int(frame.poc_row[bar])):
        yield _box("poc", left + 4, grid.y(poc), _BAR_PX - 9)


# The date where it changes, the seconds where there are any.
def _time(frame: ChartFrame, bar: int) -> str:
    footprint = frame.footprint
    zone = _zone(footprint.instrument)
    opened, before = (
        dt.datetime.fromtimestamp(int(footprint.bars.open_ns[max(at, 0)]) // 10**9, zone) for at in (bar, bar - 1)
    )
    day = f"{opened:%d %b} " if bar == 0 or opened.date() != before.date() else ""
    return f"{day}{opened:%H:%M:%S}" if opened.second else f"{day}{opened:%H:%M}"


def _cells(cells: Levels, flags: list[int], left: int, grid: _Grid, instrument: Instrument) -> Iterator[str]:
    most = int(cells.volume_lot.max())
    middle = left + _BAR_PX // 2
    columns = (cells.row, cells.buy_lot, cells.sell_lot, cells.unknown_lot, flags)
    for row, buy, sell, unknown, bits in zip(*columns, strict=True):
        if not grid.holds(int(row)):
            continue
        y = grid.y(int(row))
        shade = round(0.08 + 0.42 * int(buy + sell + unknown) / most, 2)
        kind = "cb" if buy > sell else "cs"
        yield _box(kind if buy != sell else "va", left + 4, y, _BAR_PX - 9, f' opacity="{shade}"')
        heavy = (" b" if bits & CELL_SELL_IMBALANCE else "", " b" if bits & CELL_BUY_IMBALANCE else "")
        yield _text(middle - 7, y + 11, short_number(instrument.qty_text(int(sell))), "s" + heavy[0])
        yield _text(middle, y + 11, "x" if not unknown else "?", "m q")
        yield _text(middle + 7, y + 11, short_number(instrument.qty_text(int(buy))), heavy[1].strip())


def _footer(frame: ChartFrame, grid: _Grid, names: list[str]) -> Iterator[str]:
    instrument = frame.footprint.instrument
    columns = {"delta": frame.footprint.bars.delta_lot, "cvd": frame.cvd_lot}
    for line, name in enumerate(names, 1):
        y = grid.bottom + line * _ROW_PX
        yield _text(_AXIS_PX - 8, y, {"delta": "delta", "cvd": "CVD"}[name], "s q")
        for bar, lots in enumerate(columns[name].tolist()):
            text = short_number(instrument.qty_text(lots), 9)
            kind = "m " + ("up" if lots > 0 else "dn" if lots < 0 else "q")
            yield _text(_AXIS_PX + bar * _BAR_PX + _BAR_PX // 2, y, f"+{text}" if lots > 0 else text, kind)


def _text(x: int, y: int, words: str, kind: str = "") -> str:
    name = f' class="{kind}"' if kind else ""
    return f'<text x="{x}" y="{y}"{name}>{escape(words)}</text>'


def _box(kind: str, x: int, y: int, width: int, more: str = "") -> str:
    return f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{_ROW_PX - 1}"{more}/>'
