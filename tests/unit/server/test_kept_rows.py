"""Rows that are kept are those of the store, whatever was stored, sealed, compacted, changed or came late meanwhile."""

from __future__ import annotations

import functools
import random
import threading
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np
import pytest

import footloom.server.stored.kept_cells
import footloom.store.lean_trades
from footloom.bars import parse_rule
from footloom.core.footprint import Footprint
from footloom.core.instrument import Instrument
from footloom.core.sessions import calendar
from footloom.core.trades import FLAG_BACKFILLED, FLAG_NO_ID, FLAG_NO_RECV, Trades
from footloom.engine.build import build, build_footprint, chart_of
from footloom.engine.default_step import default_ticks_per_level
from footloom.engine.seed_bars import seed_of_sessions
from footloom.engine.spec import ChartSpec
from footloom.engine.unseen import unseen
from footloom.feeds.stored import stored_pieces, stored_trades
from footloom.server.stored.abandon import Abandoned, abandonable
from footloom.server.stored.history import ChartKey, History
from footloom.server.stored.kept_cells import KeptCells
from footloom.server.stored.kept_rows import KeptRows, Tape
from footloom.server.stored.studied import runs_of
from footloom.server.wire.messages import TopicRequest
from footloom.store.files import Store
from footloom.store.kept_parts import Stretch
from footloom.store.lean_trades import LeanTrades

DAY_NS = 86_400 * 10**9
START_NS = 1_767_225_600 * 10**9  # 2026-01-01 UTC
ONE = Instrument(venue="test", symbol="ONE", tick_size=Decimal("0.5"), lot_size=Decimal(1))
FINER = msgspec.structs.replace(ONE, tick_size=Decimal("0.25"))
COLUMNS = ("ts_exch_ns", "price_tick", "qty_lot", "side", "trade_id", "ts_recv_ns", "flags")


def rows_of(day: int, numbers: list[int], *, on: Instrument = ONE, flags: int = 0) -> Trades:
    """Rows of a day; the number of each is its second, its id and its price; two stand at a time."""
    numbers = sorted(numbers)
    count = len(numbers)
    ts = START_NS + day * DAY_NS + np.array(numbers, np.int64) // 2 * 2 * 10**9
    ids = [day * 100_000 + number for number in numbers]
    recv = ts + (np.array(numbers, np.int64) % 7) * 10**6
    sides = np.array(numbers) % 3 - 1
    ticks = np.array(numbers) * (2 if on is FINER else 1)
    every = np.full(count, flags, np.uint8)
    return Trades.build(on, ts, ticks, np.ones(count), sides, trade_id=ids, ts_recv_ns=recv, flags=every)


def kept_of(store: Store) -> KeptRows:
    return KeptRows(
        store,
        lambda *asked: stored_trades(store, *asked),
        lambda *asked: stored_pieces(store, *asked),
    )


def same(a: Trades, b: Trades) -> bool:
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in COLUMNS)


def check(store: Store, kept: KeptRows, rng: random.Random, said: object) -> None:
    """Compare random ranges with fresh reads, on the grid of the whole tape."""
    grid = store.grid(ONE.key, "trade")
    for _ in range(8):
        a, b = sorted(START_NS + rng.randrange(-DAY_NS, 4 * DAY_NS) for _ in range(2))
        wanted = stored_trades(store, ONE.key, "trade", a, b).on_grid(grid)
        tape = kept.between(ONE.key, "trade", a, b, grid)
        assert same(tape.whole(), wanted), (said, a, b)
        middle = (a + b) // 2
        assert same(tape.since(middle), wanted.between(middle, 2**62)), (said, a, b, middle)
        some = rows_of(rng.randrange(3), rng.sample(range(1, 86_000), 30))
        assert same(tape.unseen(some), unseen(some, wanted)), (said, a, b)


def check_bars(store: Store, history: History, rng: random.Random, said: object) -> None:
    """Compare charts from kept cells with those of a fresh read, of a random range, bar and study step."""
    bars = rng.choice(["1m", "15m", "4h", "1d", "20t"])
    request = TopicRequest(symbol=ONE.key, bars=bars, ticks_per_level=rng.choice([1, 20, 50]))
    chart = history.resolve(request)
    a, b = sorted(START_NS + rng.randrange(-DAY_NS, 4 * DAY_NS) for _ in range(2))
    wanted = stored_trades(store, ONE.key, "trade", a, b).on_grid(chart.instrument)
    tape = history._tape(chart, a, b)
    found = history._kept.bars(tape, chart.instrument, chart.spec)
    assert (found is None) == (len(wanted) == 0), (said, a, b)
    if found is not None:
        made = build_footprint(wanted, chart.spec.bars, chart.spec.ticks_per_level)
        assert chart_of(found.bars, chart.spec).equals(chart_of(made, chart.spec)), (said, a, b, request)
        assert found.newest == (int(wanted.ts_exch_ns[-1]), int(wanted.trade_id[-1])), (said, a, b)
        for again in (history.footprint(chart, a, b), Footprint.concat(list(runs_of(history, chart, a, b)))):
            assert again is not None
            assert chart_of(again, chart.spec).equals(chart_of(made, chart.spec)), (said, a, b, request)


def do(store: Store, doing: str, day: int, piece: list[int], known: list[int], *, finer: bool) -> None:
    """Do one thing to a store."""
    match doing:
        case "live":
            store.append(rows_of(day, piece))
        case "late":
            store.append(rows_of(day, piece[30:]))
            store.append(rows_of(day, piece[:30]))
        case "fetched":
            store.write_part(rows_of(day, piece, flags=FLAG_BACKFILLED))
        case "again":  # the same trades from two witnesses
            store.write_part(rows_of(day, [*piece, *known], flags=FLAG_BACKFILLED | FLAG_NO_RECV))
            store.append(rows_of(day, [*piece[::2], *known]))
        case "seal":
            store.seal()
        case "compact":
            store.compact()
        case "finer" if finer:
            store.append(rows_of(day, piece, on=FINER))


# Of seeds that stay the same it is known that they meet kept cells, of runs and of parts; one is new each time.
@pytest.mark.parametrize("known_seed", [3, 4, None])
def test_every_range_is_that_of_the_store_whatever_happens_to_it(
    known_seed: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(footloom.store.lean_trades, "RUN_ROWS", 37)
    monkeypatch.setattr(footloom.server.stored.kept_cells, "_ROWS_A_LEVEL", 0)  # so few rows are hardly more than cells
    seed = random.randrange(10**9) if known_seed is None else known_seed
    rng = random.Random(seed)
    left = [rng.sample(range(1, 86_000), 1_200) for _ in range(3)]
    with Store(tmp_path, writer=True) as store:
        store.put_instrument(ONE)
        store.append(rows_of(0, [left[0].pop()]))
        kept, history, forgetful = kept_of(store), History(store), History(store)
        assert forgetful._kept.parts is not None
        monkeypatch.setattr(forgetful._kept.parts._kept, "most_bytes", 1_500)  # of most ranges only the end
        done: list[str] = []
        for step in range(14):
            day = rng.randrange(3)
            piece = sorted([left[day].pop() for _ in range(60)])
            known = rng.sample(range(1, 86_000), 20)
            doing = rng.choice(["live", "live", "late", "fetched", "again", "seal", "compact", "finer"])
            done.append(doing)
            do(store, doing, day, piece, known, finer=step == 13 or seed % 2 == 0)
            check(store, kept, rng, (seed, done))
            for charts in (history, forgetful):
                check_bars(store, charts, rng, (seed, done))
        with Store(tmp_path) as reader:  # as another process would
            check(reader, kept_of(reader), rng, (seed, done))
        if known_seed is not None:
            assert history._kept._cells.found > 20
            assert forgetful._kept._cells.found > 0


def test_what_was_decoded_is_not_decoded_again_while_a_day_is_recorded(tmp_path: Path) -> None:
    with Store(tmp_path, writer=True) as store:
        store.put_instrument(ONE)
        for day in range(2):
            store.write_part(rows_of(day, list(range(1, 200))))
        kept = kept_of(store)
        assert kept.parts is not None
        for number in range(300, 310):
            store.append(rows_of(1, [number]))
            found = kept.between(ONE.key, "trade", START_NS, START_NS + 2 * DAY_NS, ONE).whole()
            assert found.price_tick[-1] == number
        assert kept.parts.decoded == 2
        store.seal()
        store.append(rows_of(1, [250]))  # late: it stands before what is sealed
        found = kept.between(ONE.key, "trade", START_NS, START_NS + 2 * DAY_NS, ONE).whole()
        assert kept.parts.decoded == 3
        assert found.price_tick[-12:].tolist() == [199, 250, *range(300, 310)]


def test_a_late_row_stands_among_parts_that_are_read_with_ones_on_a_finer_grid(tmp_path: Path) -> None:
    with Store(tmp_path, writer=True) as store:
        store.put_instrument(ONE)
        store.write_part(rows_of(0, list(range(1, 101, 2)), on=FINER))
        store.write_part(rows_of(0, list(range(50, 301, 2)), flags=FLAG_BACKFILLED))  # ids among those of the first
        store.append(rows_of(0, [251]))
        span = (START_NS + 200 * 10**9, START_NS + DAY_NS)
        grid = store.grid(ONE.key, "trade")
        found = kept_of(store).between(ONE.key, "trade", *span, grid).whole()
        assert same(found, stored_trades(store, ONE.key, "trade", *span).on_grid(grid))


def test_a_row_behind_the_range_was_not_read_though_a_late_one_was_that_came_after_it() -> None:
    """Rows without ids are told apart by their receipt; the newest stored time was asked for before the rows were."""
    at, heard = np.array([10, 12, 9]), np.array([20, 21, 22])
    rows = Trades.build(
        ONE, START_NS + at, [5, 5, 5], [1, 1, 1], [1, 1, 1], ts_recv_ns=START_NS + heard, flags=np.full(3, FLAG_NO_ID)
    )
    tape = Tape(ONE, "trade", (rows.take([2, 0]),), (START_NS, START_NS + 11))
    assert tape.unseen(rows).ts_exch_ns.tolist() == [START_NS + 12]


def test_no_more_is_kept_than_was_allowed_and_of_long_ranges_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(tmp_path, writer=True) as store:
        store.put_instrument(ONE)
        for day in range(4):
            store.write_part(rows_of(day, list(range(1, 1001))))
        kept = kept_of(store)
        assert kept.parts is not None
        monkeypatch.setattr(kept.parts._kept, "most_bytes", 20_000)
        assert not kept.holds(2_000)
        tape = kept.between(ONE.key, "trade", START_NS, START_NS + 4 * DAY_NS, ONE)
        wanted = stored_trades(store, ONE.key, "trade", START_NS, START_NS + 4 * DAY_NS)
        for _ in range(2):
            assert same(Trades.concat(list(tape)), wanted)
        assert sum(map(len, tape.newest_days())) == 1_000
        assert 0 < kept.parts.held_bytes <= 20_000


def test_a_late_row_reads_what_it_changes_and_not_the_day_that_is_being_recorded(tmp_path: Path) -> None:
    with Store(tmp_path, writer=True) as store:
        store.put_instrument(ONE)
        store.append(rows_of(0, list(range(1, 5_000))))
        history = History(store)
        chart = history.resolve(TopicRequest(symbol=ONE.key, bars="1m", ticks_per_level=1))
        builder = history.seed(chart, 10).builder
        assert history._kept.parts is not None
        begins: list[int] = []
        plain = history._kept.parts.runs

        def runs(key: str, tape: str, from_ns: int, to_ns: int) -> object:
            begins.append(from_ns)
            return plain(key, tape, from_ns, to_ns)

        history._kept.parts.runs = runs  # type: ignore[method-assign, assignment]
        newest = rows_of(0, [5_010])
        builder.update(newest, int(newest.ts_recv_ns[-1]))
        assert not begins
        late = rows_of(0, [5_005])
        store.append_many([(newest, ()), (late, ())])
        builder.update(late, int(newest.ts_recv_ns[-1]))
        assert begins, "a late row reads the store"
        assert min(begins) >= START_NS + 4_900 * 10**9


def test_another_bar_adds_kept_cells_up_and_unpacks_no_trade(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store(tmp_path, writer=True) as store:
        store.put_instrument(ONE)
        many = rows_of(0, list(range(1, 20_000)))
        store.write_part(replace(many, price_tick=many.price_tick // 1_000))
        history = History(store)
        cells = history._kept._cells
        frames = [history.seed(history.resolve(_asked("1m", 5)), 10).builder.frame()]
        assert cells.folded == 1
        assert 0 < cells.held_bytes < many.nbytes
        monkeypatch.setattr(LeanTrades, "trades", None)
        monkeypatch.setattr(history.steps, "_found", None)  # what the bars are tells it by the way
        frames += [history.seed(history.resolve(_asked(bars, 5)), 10).builder.frame() for bars in ("5m", "1h", "1d")]
        frames += [history.seed(history.resolve(_asked("15m", 50)), 10).builder.frame()]
        assert [frame.footprint.bars.trades.sum() for frame in frames if frame is not None] == [len(many)] * 5
        monkeypatch.undo()
        monkeypatch.setattr(cells, "_most_bytes", 0)  # of what does not fit only the newest stays
        history.seed(history.resolve(_asked("1m", 3)), 10)
        assert len(list(cells._held())) == 1


def test_cells_that_are_hardly_fewer_than_trades_stand_in_no_way_of_a_coarser_step() -> None:
    run, cells = LeanTrades(rows_of(0, list(range(1, 2_000)))), KeptCells()
    assert cells.of(run, ONE, 1) is None, "each trade has a level of its own"
    assert cells.step_for(ONE, 100) == 100
    assert cells.of(run, ONE, 100) is not None
    assert cells.step_for(ONE, 500) == 100


def test_of_bars_that_end_by_trades_no_more_sessions_are_read_than_say_the_default_step(tmp_path: Path) -> None:
    with Store(tmp_path, writer=True) as store:
        store.put_instrument(ONE)
        for day in range(2):
            rows = rows_of(day, list(range(1, 4_000)))
            store.write_part(replace(rows, price_tick=rows.price_tick * (1 + 9 * day)))
        history = History(store)
        chart = history.resolve(_asked("5t", 1))
        wanted = history.footprint(chart, *_EVER)
        assert wanted is not None
        asked: list[int] = []
        plain = history.footprint

        def footprint(chart: ChartKey, from_ns: int, to_ns: int) -> Footprint | None:
            asked.append(from_ns)
            return plain(chart, from_ns, to_ns)

        history.footprint = footprint  # type: ignore[method-assign]
        for bars, days in (("5t", 1), ("100t", 2)):
            found = history.steps.of(chart.instrument, "trade", bars)
            whole = build_footprint(stored_trades(store, ONE.key, "trade", *_EVER), bars, 1).bars
            assert found == default_ticks_per_level(whole.take(slice(0, len(whole) - 1)))
            assert asked == [START_NS + DAY_NS, START_NS][:days]
            asked.clear()


def test_who_gives_up_a_chart_of_two_sessions_ends_the_work_of_both_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [LeanTrades(rows_of(day, list(range(at, at + 10)))) for day in range(2) for at in range(1, 301, 10)]
    market, stopped = calendar(ONE.calendar), threading.Event()
    parts = Tape(ONE, "trade", runs).by_session(market)
    read: list[LeanTrades] = []
    plain = LeanTrades.trades

    def trades(run: LeanTrades, grid: Instrument) -> Trades:
        read.append(run)
        stopped.set()
        return plain(run, grid)

    monkeypatch.setattr(LeanTrades, "trades", trades)
    with pytest.raises(Abandoned), abandonable(stopped):
        seed_of_sessions(parts, parse_rule("5t"), market, 1)
    assert len(parts) == 2
    assert len(read) <= 2, "one run each at the most"


def test_cells_of_runs_and_of_parts_share_one_room_and_what_was_asked_for_longest_ago_goes() -> None:
    runs = [LeanTrades(rows_of(day, list(range(1, 2_000)))) for day in range(2)]
    stretches = [
        Stretch(day, functools.partial(lambda day: iter([rows_of(day, list(range(1, 2_000)))]), day)) for day in (2, 3)
    ]

    def ask(cells: KeptCells, which: int) -> int:
        before = cells.folded
        found = cells.of(runs[which], ONE, 100) if which < 2 else cells.of_stretch(stretches[which - 2], ONE, 100)
        assert found is not None
        return cells.folded - before

    roomy = KeptCells()
    for which in range(4):
        ask(roomy, which)
    assert sum(ask(roomy, which) for which in range(4)) == 0
    cells = KeptCells(roomy.held_bytes * 3 // 4 + 100)
    for which in (0, 1, 2, 0, 3):  # the second goes
        ask(cells, which)
        assert cells.held_bytes <= roomy.held_bytes * 3 // 4 + 100
    assert [ask(cells, which) for which in (0, 2, 3, 1)] == [0, 0, 0, 1]
    held = cells.held_bytes
    assert ask(cells, 2) == 0
    del runs[1]  # its rows are not kept any more
    assert cells.held_bytes < held


def test_a_month_is_read_once_and_then_added_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store(tmp_path, writer=True) as store:
        store.put_instrument(ONE)
        for day in range(4):
            rows = rows_of(day, list(range(1, 20_000)))
            store.write_part(replace(rows, price_tick=rows.price_tick // 1_000))
        history = History(store)
        parts = history._kept.parts
        assert parts is not None
        monkeypatch.setattr(parts._kept, "most_bytes", 400_000)  # a day's rows
        chart = history.resolve(_asked("4h", 10))
        seed = history.seed(chart, 300)
        assert history._kept._cells.folded == 4
        history.footprint(chart, *_EVER)  # the day that was held as rows, among the others
        monkeypatch.setattr(Trades, "on_grid", None)
        monkeypatch.setattr(parts, "_pieces", lambda *_: pytest.fail("its cells are kept"))
        for bars, step in (("1d", 10), ("1h", 20), ("4h", 50)):
            found = history.footprint(
                msgspec.structs.replace(chart, spec=ChartSpec(bars=bars, ticks_per_level=step)), *_EVER
            )
            assert found is not None
            assert found.bars.trades.sum() == 4 * 19_999
        monkeypatch.undo()
        wanted = stored_trades(store, ONE.key, "trade", *_EVER)
        frame = seed.builder.frame()
        assert frame is not None
        assert frame.slice(0, len(frame) - 1).equals(build(wanted, chart.spec).slice(0, len(frame) - 1))


_EVER = (START_NS - DAY_NS, START_NS + 30 * DAY_NS)


def _asked(bars: str, step: int) -> TopicRequest:
    return TopicRequest(symbol=ONE.key, bars=bars, ticks_per_level=step)


@pytest.mark.parametrize("kind", ["narrow", "wide", "one", "extreme"])
def test_packed_rows_come_back_exactly(kind: str) -> None:
    seed = random.randrange(10**9)
    rng = np.random.default_rng(seed)
    count = 1 if kind == "one" else 500
    reach = {"narrow": 200, "wide": 2**40, "one": 5, "extreme": 2**62}[kind]
    ts = START_NS + np.sort(rng.integers(0, reach // 4, count)) * (1_000_000 if kind == "narrow" else 1)
    rows = Trades.build(
        ONE,
        ts,
        rng.integers(-reach, reach, count),
        rng.integers(1, reach, count),
        rng.integers(-1, 2, count),
        trade_id=np.arange(count) * 3 - 7 if kind == "narrow" else rng.integers(-reach, reach, count),
        ts_recv_ns=ts + rng.integers(-reach, reach, count),
        flags=rng.integers(0, 128, count),
    )
    rows = rows.take(rows.order())
    lean = LeanTrades(rows)
    assert same(lean.trades(ONE), rows), seed
    assert same(lean.trades(FINER), rows.on_grid(FINER)) if kind != "extreme" else True
    assert lean.trades(ONE).instrument is ONE
    if kind == "narrow":
        assert lean.nbytes < 14 * count
