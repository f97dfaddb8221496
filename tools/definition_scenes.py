"""What the pictures of docs/definitions.md show: one function a picture, and the few shapes that they are made of."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from html import escape

import numpy as np

from footloom.bars import parse_rule
from footloom.core.instrument import Instrument
from footloom.core.sessions import calendar
from footloom.core.trades import Trades
from footloom.engine.build import build, build_footprint
from footloom.engine.spec import ChartSpec
from footloom.engine.studies import StudyFold, counting
from footloom.studies import hvn_lvn, imbalance, stacked_zones, tpo
from footloom.studies import value_area as areas
from footloom.studies.cvd_divergence import pivots

__all__ = ("SCENES", "Scene", "scene")

MINUTE_NS = 60 * 10**9
DAY_NS = 1440 * MINUTE_NS
BASE_NS = 1_772_409_600 * 10**9  # 2026-03-02 00:00 UTC
ROW_PX, CELL_PX = 20, 46
_STYLE = (
    "svg{background:#fff;font:12px ui-monospace,Menlo,Consolas,monospace}text{fill:#1b1f24}.s{text-anchor:end}"
    ".m{text-anchor:middle}.q{fill:#57606a}.b{font-weight:700}.buy{fill:#0b7d55}.sell{fill:#b3261e}"
    ".fb{fill:#12a37a}.fs{fill:#d9483b}.fn{fill:#8c959f}.poc{fill:none;stroke:#1b1f24;stroke-width:1.5}"
    ".va{fill:#dbe4ee}.line{fill:none;stroke:#1b1f24;stroke-width:1.6}.thin{fill:none;stroke:#8c959f}"
    ".dash{fill:none;stroke:#8c959f;stroke-dasharray:4 3}"
)


class Scene:
    """A picture that is being drawn; distances are pixels from the top left."""

    def __init__(self, width: int, height: int, title: str) -> None:
        self.width, self.height, self.title = width, height, title
        self._parts: list[str] = []
        self.text(8, 16, title, "b")

    def text(self, x: float, y: float, words: object, kind: str = "") -> None:
        """Write words; ``s`` ends them at x, ``m`` centres them."""
        self._parts.append(f'<text x="{x:g}" y="{y:g}" class="{kind}">{escape(str(words))}</text>')

    def box(self, x: float, y: float, width: float, height: float, kind: str, opacity: float = 1) -> None:
        """Draw a rectangle."""
        see = f' opacity="{opacity:g}"' if opacity != 1 else ""
        self._parts.append(f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" class="{kind}"{see}/>')

    def path(self, points: Iterable[tuple[float, float]], kind: str = "line") -> None:
        """Draw a line through points."""
        first, *rest = [f"{x:g} {y:g}" for x, y in points]
        self._parts.append(f'<path d="M{first}{"".join(f"L{p}" for p in rest)}" class="{kind}"/>')

    def svg(self) -> str:
        """Return the whole picture."""
        size = f'width="{self.width}" height="{self.height}" viewBox="0 0 {self.width} {self.height}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size}><title>{escape(self.title)}</title>'
        return "\n".join([f"{head}<style>{_STYLE}</style>", *self._parts, "</svg>", ""])


SCENES: dict[str, Callable[[], Scene]] = {}


def scene(function: Callable[[], Scene]) -> Callable[[], Scene]:
    """Register a picture under its function's name."""
    SCENES[function.__name__.replace("_", "-")] = function
    return function


def _tape(rows: Sequence[tuple[int, int, int, int]]) -> Trades:
    traded = Instrument(venue="x", symbol="X", tick_size=Decimal(1), lot_size=Decimal(1))
    ts, tick, qty, side = (list(column) for column in zip(*rows, strict=True))
    return Trades.build(traded, np.array(ts) + BASE_NS, tick, qty, side, trade_id=range(len(ts)))


def _bar_of(pairs: Sequence[tuple[int, int]], at_ns: int = 0, low: int = 100) -> list[tuple[int, int, int, int]]:
    # Trades that make a bar of (sold, bought) rows, low to high.
    return [
        (at_ns + i, low + row, lots, side)
        for i, (row, lots, side) in enumerate(
            (row, lots, side)
            for row, pair in enumerate(pairs)
            for lots, side in zip(pair, (-1, 1), strict=True)
            if lots
        )
    ]


def _y(row: int, rows: int, top: int = 30) -> int:
    return top + (rows - 1 - row) * ROW_PX


def _column(picture: Scene, x: int, volumes: Sequence[int], marks: dict[int, str]) -> None:
    # Volumes of rows, low to high, as bars to the right; marks stand behind the rows.
    most = max(volumes)
    for row, volume in enumerate(volumes):
        y = _y(row, len(volumes))
        if row in marks:
            picture.box(x, y, 120, ROW_PX - 1, marks[row])
        picture.box(x, y + 3, 100 * volume / most, ROW_PX - 7, "fn", 0.7)
        picture.text(x + 116, y + 14, volume, "s")
        picture.text(x - 8, y + 14, row, "s q")


@scene
def cell() -> Scene:
    """Draw one bar of four trades as cells (2.1)."""
    made = build_footprint(_tape([(0, 101, 4, 1), (1, 100, 3, -1), (2, 101, 2, -1), (3, 102, 5, 1)]), "1m", 1)
    picture = Scene(580, 150, "2.1  Trades become cells")
    for line, (words, kind) in enumerate(
        (("buy 4 at 101", "buy"), ("sell 3 at 100", "sell"), ("sell 2 at 101", "sell"), ("buy 5 at 102", "buy"))
    ):
        picture.text(12, 48 + line * ROW_PX, words, kind)
    cells = made.levels
    for i, row in enumerate(cells.row.tolist()):
        y = _y(i, len(cells), 44)
        picture.text(200, y + 14, row, "s q")
        picture.box(210, y, 2 * CELL_PX, ROW_PX - 1, "va")
        picture.text(210 + CELL_PX - 8, y + 14, cells.sell_lot[i], "s sell")
        picture.text(210 + CELL_PX, y + 14, "x", "m q")
        picture.text(210 + CELL_PX + 8, y + 14, cells.buy_lot[i], "buy")
        picture.text(320, y + 14, f"delta {cells.delta_lot[i]:+d}", "q")
    bars = made.bars
    picture.text(200, 126, f"sold {bars.sell_lot[0]}, bought {bars.buy_lot[0]}, delta {bars.delta_lot[0]:+d}", "b")
    return picture


@scene
def rows() -> Scene:
    """Draw ticks in rows of two (2.2)."""
    picture = Scene(580, 190, "2.2  Rows of two ticks: floor(tick / 2)")
    for i, tick in enumerate(range(99, 106)):
        y = _y(i, 7, 34)
        picture.text(60, y + 14, tick, "s")
        row = tick // 2
        picture.box(80, y, 110, ROW_PX - 1, "va" if row % 2 else "fn", 0.6)
        picture.text(200, y + 14, f"row {row}, named {row * 2}", "q")
    return picture


@scene
def delta_path() -> Scene:
    """Draw the way of the delta within a bar (3.1)."""
    steps = [5, -8, 2, -1, 6]
    bars = build_footprint(_tape([(i, 100, abs(s), 1 if s > 0 else -1) for i, s in enumerate(steps)]), "1m", 1).bars
    picture = Scene(580, 170, "3.1  +5, -8, +2, -1, +6: the delta's way begins at 0")
    way = [0, *np.cumsum(steps).tolist()]
    points = [(50 + 50 * i, 100 - 10 * value) for i, value in enumerate(way)]
    picture.path([(40, 100), (320, 100)], "dash")
    picture.path([p for a, b in itertools.pairwise(points) for p in (a, (b[0], a[1]), b)])
    for (x, y), value in zip(points, way, strict=True):
        picture.text(x + 12, y - 6 if value >= 0 else y + 16, f"{value:+d}" if value else "0", "m")
    for line, (name, column) in enumerate(
        (("max", bars.max_delta_lot), ("delta", bars.delta_lot), ("min", bars.min_delta_lot))
    ):
        picture.text(335, 70 + 22 * line, f"{name} {column[0]:+d}", "b")
    return picture


@scene
def cvd_candles() -> Scene:
    """Draw CVD as candles, begun again at the session (3.2)."""
    rows = []
    for bar, steps in enumerate([(6, -2), (4, 3), (-9, 2), (5, -1), (3, 2)]):
        at = bar * MINUTE_NS + (DAY_NS - 3 * MINUTE_NS)  # the fourth bar opens the next session
        rows += [(at + i, 100, abs(s), 1 if s > 0 else -1) for i, s in enumerate(steps)]
    made = build_footprint(_tape(rows), "1m", 1)
    answer = StudyFold("cvd").update(made).bars
    picture = Scene(580, 200, "3.2  CVD: each candle opens where the one before closed, or at 0")
    for bar in range(len(made)):
        x = 50 + 60 * bar
        low, high, opened, closed = (130 - 7 * int(answer[n][bar]) for n in ("low", "high", "open", "cvd"))
        kind = "fb" if closed <= opened else "fs"
        picture.path([(x + 12, high), (x + 12, low)], "thin")
        picture.box(x, min(opened, closed), 24, max(2, abs(opened - closed)), kind)
        picture.text(x + 12, low + 16, f"{answer['cvd'][bar]:+d}", "m")
    picture.path([(50 + 60 * 3 - 18, 30), (50 + 60 * 3 - 18, 180)], "dash")
    picture.text(50 + 60 * 3 - 12, 44, "session", "q")
    picture.path([(40, 130), (350, 130)], "dash")
    return picture


@scene
def poc_ties() -> Scene:
    """Draw two ties of the POC (4.1)."""
    picture = Scene(580, 150, "4.1  POC: on a tie the row nearest the middle")
    for x, volumes in ((60, [30, 10, 30, 5, 30]), (270, [9, 1, 1, 9])):
        poc = int(areas.value_area_of_rows(np.array(volumes), areas.Params()).poc_row[0])
        _column(picture, x, volumes, {})
        picture.box(x, _y(poc, len(volumes)), 120, ROW_PX - 1, "poc")
    return picture


@scene
def value_areas() -> Scene:
    """Draw one profile with three value areas (4.2)."""
    volumes = [5, 10, 20, 30, 50, 40, 25, 15, 5]
    picture = Scene(580, 250, "4.2  70 % of 200: three methods, three answers")
    methods: tuple[areas.Method, ...] = ("two_row", "one_row", "one_row_capped")
    for i, method in enumerate(methods):
        area = areas.value_area_of_rows(np.array(volumes), areas.Params(method=method))
        low, high = int(area.val_row[0]), int(area.vah_row[0])
        x = 50 + 170 * i
        _column(picture, x, volumes, dict.fromkeys(range(low, high + 1), "va"))
        picture.box(x, _y(int(area.poc_row[0]), len(volumes)), 120, ROW_PX - 1, "poc")
        inside = sum(volumes[low : high + 1])
        picture.text(x + 60, 232, f"{method}: {low}-{high}, {inside}", "m q")
    return picture


@scene
def vwap_bands() -> Scene:
    """Draw VWAP and its first band (4.4)."""
    way = [100, 102, 101, 104, 106, 103, 105, 108, 107, 104]
    fold = StudyFold("vwap")
    tape = _tape([(i * MINUTE_NS, price, 1 + i % 3, 1) for i, price in enumerate(way)])
    made = build_footprint(tape, "1m", 1, count=counting([fold]))
    answer = fold.update(made).bars
    picture = Scene(580, 200, "4.4  VWAP since the session's open, with one standard deviation")

    def at(values: Sequence[float]) -> list[tuple[float, float]]:
        return [(40 + 38 * i, 180 - 14 * (value - 98)) for i, value in enumerate(values)]

    picture.path(at([float(p) for p in way]), "thin")
    picture.path(at(answer["vwap"].tolist()), "line")
    for name in ("lower1", "upper1"):
        picture.path(at(answer[name].tolist()), "dash")
    picture.text(395, at(answer["vwap"].tolist())[-1][1] + 4, f"{answer['vwap'][-1]:.2f}", "b")
    return picture


@scene
def diagonal_imbalance() -> Scene:
    """Draw which cells are compared, and where the mark stands (5.1, 5.2)."""
    pairs = [(10, 5), (20, 33), (4, 60), (0, 15)]
    settings = imbalance.Params(min_vol_lot=10)
    made = build(_tape(_bar_of(pairs)), ChartSpec(min_vol_lot=10)).footprint
    marks = imbalance.flags(made, imbalance.min_volume(made, settings), settings)
    picture = Scene(580, 150, "5.1  A row's bought lots against the sold lots one row below: 300 %")
    for row, (sold, bought) in enumerate(pairs):
        y = _y(row, len(pairs), 40)
        is_buy = bool(marks[row] & imbalance.CELL_BUY_IMBALANCE)
        picture.box(60, y, 2 * CELL_PX, ROW_PX - 1, "va")
        if is_buy:
            picture.box(60 + CELL_PX + 4, y, CELL_PX - 4, ROW_PX - 1, "fb", 0.45)
        picture.text(60 + CELL_PX - 8, y + 14, sold, "s")
        picture.text(60 + CELL_PX, y + 14, "x", "m q")
        picture.text(60 + CELL_PX + 8, y + 14, bought, "b" if is_buy else "")
        if row:
            below = pairs[row - 1][0]
            says = f"100 x {bought} {'>=' if is_buy else '<'} 300 x {below}"
            picture.text(180, y + 14, says, "q")
            picture.path([(60 + CELL_PX - 4, y + ROW_PX + 6), (60 + CELL_PX + 6, y + 14)], "thin")
    picture.text(340, 84, "three in a run:", "b")
    picture.text(340, 104, "a stack (5.2)", "b")
    return picture


@scene
def sessions() -> Scene:
    """Draw hourly bars of an NSE session and of the epoch (2.3)."""
    picture = Scene(600, 160, "2.3  1h bars of an NSE session: anchored at 09:15, the last one cut at the close")
    india_ns = 330 * MINUTE_NS
    opens_ns = BASE_NS + 9 * 60 * MINUTE_NS + 15 * MINUTE_NS - india_ns
    ts = [(opens_ns - BASE_NS) + minute * MINUTE_NS for minute in range(375)]
    tape = _tape([(at, 100, 1, 1) for at in ts])

    def x(ns: int) -> float:
        return 40 + (ns - opens_ns) / MINUTE_NS * 500 / 375

    for line, (market, words) in enumerate((("nse_fo", "session"), ("crypto", "epoch hours: not this"))):
        edges, _ = parse_rule("1h").edges(tape, calendar(market))
        y = 46 + 54 * line
        for i in range(len(edges)):
            first, last = max(int(edges.open_ns[i]), opens_ns), min(int(edges.close_ns[i]), opens_ns + 375 * MINUTE_NS)
            picture.box(
                x(first) + 1, y, x(last) - x(first) - 2, 18, "va" if line == 0 else "fn", 1 if line == 0 else 0.4
            )
            minutes = (first + india_ns) // MINUTE_NS % 1440
            label_px = y + 32 if i or not line else y + 44
            picture.text(x(first) + 2, label_px, f"{minutes // 60:02d}:{minutes % 60:02d}", "q")
        picture.text(572, y - 3, words, "s b" if line == 0 else "s q")
    return picture


@scene
def snapshot_sides() -> Scene:
    """Draw why the quotes of the snapshot before decide (1.3)."""
    picture = Scene(580, 170, "1.3  A buy takes out the ask: the quotes before tell, its own mislead")
    for x, words, bid, ask in ((40, "snapshot before", 100.00, 100.05), (230, "this snapshot", 100.05, 100.10)):
        picture.text(x, 44, words, "q")
        for row, price in enumerate((100.00, 100.05, 100.10)):
            y = _y(row, 3, 54)
            kind = "fb" if price == bid else "fs" if price == ask else "va"
            picture.box(x, y, 120, ROW_PX - 1, kind, 0.45)
            picture.text(x + 8, y + 14, f"{price:.2f}")
            picture.text(x + 112, y + 14, "bid" if price == bid else "ask" if price == ask else "", "s")
    picture.text(380, 88, "last price 100.05", "b")
    picture.text(40, 136, "100.05 is the ask of before: a buy", "b buy")
    picture.text(40, 156, "100.05 is the bid of now: it would be called a sell", "q")
    return picture


@scene
def quote_zones() -> Scene:
    """Draw what each rule makes of a price between the quotes (1.2)."""
    picture = Scene(580, 290, "1.2  Bid 100.00, ask 100.10: what each rule says of a price")
    prices = [100.12, 100.10, 100.09, 100.07, 100.06, 100.05, 100.04, 100.03, 100.01, 100.00, 99.98]
    names = ("quote", "Lee-Ready", "EMO", "CLNV")
    for i, name in enumerate(names):
        picture.text(150 + 100 * i, 40, name, "m q")
    for line, price in enumerate(prices):
        y = 48 + line * ROW_PX
        label = {100.10: "ask", 100.05: "middle", 100.00: "bid"}.get(price, "")
        picture.text(96, y + 14, f"{price:.2f}", "s")
        picture.text(48, y + 14, label, "s q")
        for i, says in enumerate(_zones(round(price * 100) - 10_000)):
            kind = {1: "fb", -1: "fs"}.get(says, "va")
            picture.box(104 + 100 * i, y, 92, ROW_PX - 1, kind, 0.45)
            words = {1: "buy", -1: "sell", 0: "nothing" if i == 0 else "tick rule"}[says]
            picture.text(150 + 100 * i, y + 14, words, "m")
    return picture


def _zones(above_bid: int) -> tuple[int, int, int, int]:
    # The quotes stand at 0 and 10 hundredths; what a rule leaves open goes to the tick rule.
    quote = (above_bid > 5) - (above_bid < 5)
    emo = (above_bid == 10) - (above_bid == 0)
    clnv = (7 <= above_bid <= 10) - (0 <= above_bid <= 3)
    return quote, quote, emo, clnv


@scene
def bar_types() -> Scene:
    """Draw one tape cut by three rules (2.4)."""
    way = [50, 51, 52, 51, 53, 54, 56, 55, 53, 52, 50, 49, 51, 52, 54, 55]
    lots = [3, 1, 2, 6, 1, 1, 2, 5, 1, 1, 4, 2, 3, 1, 1, 2]
    tape = _tape([(i * 10**9, price, qty, 1) for i, (price, qty) in enumerate(zip(way, lots, strict=True))])
    picture = Scene(600, 250, "2.4  One tape, three rules: where bars end")
    points = [(50 + 30 * i, 230 - 8 * (price - 45)) for i, price in enumerate(way)]
    picture.path(points, "thin")
    for i, (x, _) in enumerate(points):
        picture.text(x, 244, lots[i], "m q")
    for line, (rule, words) in enumerate(
        (("5t", "5t: five trades"), ("10v", "10v: ten lots"), ("r3", "r3: three ticks"))
    ):
        edges, _ = parse_rule(rule).edges(tape, calendar("crypto"))
        y = 34 + 30 * line
        for first, stop in itertools.pairwise(edges.ends.tolist()):
            picture.box(50 + 30 * first - 12, y, 30 * (stop - first) - 6, 18, "va")
        picture.text(50, y + 13, words)
    return picture


@scene
def cvd_divergence() -> Scene:
    """Draw a divergence between two pivots, and when it is known (3.3)."""
    high = [10, 11, 13, 12, 11, 12, 14, 12, 11, 12]
    cvd = [5, 12, 20, 15, 12, 14, 18, 13, 10, 9]
    at = pivots(np.array(high, np.int64), 2, 2).tolist()
    picture = Scene(600, 230, "3.3  Price makes a higher pivot, CVD a lower one; known two bars later")
    price = [(50 + 50 * i, 120 - 14 * (value - 8)) for i, value in enumerate(high)]
    line = [(50 + 50 * i, 220 - 4 * value) for i, value in enumerate(cvd)]
    picture.path(price)
    picture.path(line, "thin")
    for points in (price, line):
        picture.path([points[i] for i in at], "dash")
    for i in at:
        picture.text(price[i][0], price[i][1] - 6, high[i], "m b")
        picture.text(line[i][0], line[i][1] - 6, cvd[i], "m b")
    known = at[-1] + 2
    picture.path([(price[known][0], 30), (price[known][0], 220)], "dash")
    picture.text(price[known][0] + 4, 44, "known here", "q")
    picture.text(8, 70, "high", "q")
    picture.text(8, 160, "CVD", "q")
    return picture


@scene
def volume_nodes() -> Scene:
    """Draw high and low volume nodes (4.3)."""
    volumes = [2, 3, 9, 4, 1, 2, 8, 12, 7, 1]
    found = hvn_lvn.nodes_of_rows(np.arange(10), np.array(volumes), hvn_lvn.Params(k=1))
    picture = Scene(580, 250, "4.3  High and low volume nodes, one neighbour on each side")
    high, low = found.hvn_row.tolist(), found.lvn_row.tolist()
    _column(picture, 60, volumes, dict.fromkeys(high, "va"))
    for row in high + low:
        picture.text(190, _y(row, 10) + 14, "high" if row in high else "low", "b" if row in high else "q")
    return picture


@scene
def naked_pocs() -> Scene:
    """Draw points of control that later sessions trade through, or do not (4.6)."""
    pocs, ranges = [100, 103, 101, 103.5], [(98, 102), (101.5, 104), (99.5, 102.5), (102, 105)]
    picture = Scene(580, 190, "4.6  A POC is naked until a later session trades through it")

    def y(price: float) -> float:
        return 170 - 18 * (price - 97.5)

    for i, (poc, (low, high)) in enumerate(zip(pocs, ranges, strict=True)):
        x = 50 + 120 * i
        picture.box(x, y(high), 60, y(low) - y(high), "va")
        later = [j for j in range(i + 1, 4) if ranges[j][0] <= poc <= ranges[j][1]]
        stop = 50 + 120 * later[0] if later else 560
        picture.path([(x, y(poc)), (stop, y(poc))], "line" if later else "dash")
        picture.text(x + 30, y(poc) - 5, f"{poc:g}", "m b")
        picture.text(x + 30, 186, f"session {i + 1}", "m q")
    return picture


@scene
def tpo_letters() -> Scene:
    """Draw the letters of a session (4.7)."""
    low, high = np.array([100, 101, 102, 102]), np.array([102, 103, 104, 103])
    profile = tpo.profile_of_brackets(np.arange(4), low, high, tpo.Params())
    picture = Scene(580, 160, "4.7  Half hours A to D: each marks the rows that it traded through")
    for line, (row, words) in enumerate(zip(profile.row.tolist(), tpo.letters(profile), strict=True)):
        y = _y(line, len(profile.row), 36)
        if row == profile.poc_row:
            picture.box(60, y, 150, ROW_PX - 1, "va")
        picture.text(50, y + 14, row, "s q")
        picture.text(68, y + 14, words, "b")
    picture.text(240, 60, f"POC {profile.poc_row}", "b")
    picture.text(240, 82, "A and B: the initial balance, 100 to 103", "q")
    picture.text(240, 104, "a row of one letter at the end: a tail", "q")
    return picture


@scene
def zone_life() -> Scene:
    """Draw what becomes of a support zone (5.3)."""
    lo, hi = 4, 7
    bars = [(11, 8, 9), (10, 6, 9), (8, 3, 5), (6, 1, 2)]  # high, low, close
    high, low, close = (np.array(column, np.int64) for column in zip(*bars, strict=True))
    life = stacked_zones.zone_life(1, lo, hi, high, low, close)
    names = {
        stacked_zones.TESTED: "tested",
        stacked_zones.INVALID_TRADE: "traded through",
        stacked_zones.INVALID_CLOSE: "closed through",
    }
    picture = Scene(580, 210, "5.3  A support zone: tested, traded through, closed through")

    def y(tick: float) -> float:
        return 180 - 13 * tick

    picture.box(60, y(hi), 480, y(lo) - y(hi), "fb", 0.25)
    for i, (top, bottom, end) in enumerate(bars):
        x = 90 + 120 * i
        picture.path([(x, y(top)), (x, y(bottom))])
        picture.path([(x, y(end)), (x + 8, y(end))])
        words = [name for code, name in names.items() if life.get(code) == i]
        picture.text(x, 202, ", ".join(words) or "away", "m q")
    return picture


@scene
def unfinished() -> Scene:
    """Draw an unfinished and a finished high (6.1)."""
    picture = Scene(580, 130, "6.1  A high where both sides traded is unfinished")
    for x, words, pairs in (
        (60, "unfinished", [(9, 7), (4, 12), (3, 6)]),
        (320, "finished", [(9, 7), (4, 12), (0, 15)]),
    ):
        for row, (sold, bought) in enumerate(pairs):
            y = _y(row, 3, 36)
            picture.box(x, y, 2 * CELL_PX, ROW_PX - 1, "va")
            picture.text(x + CELL_PX - 8, y + 14, sold, "s sell")
            picture.text(x + CELL_PX, y + 14, "x", "m q")
            picture.text(x + CELL_PX + 8, y + 14, bought, "buy")
        picture.text(x + 110, 50, words, "b")
    return picture
