"""The benchmarks can fail: a slowed kernel and a wrong answer are noticed. Nothing here depends on how fast it is."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import __main__ as table
from benchmarks import data, harness, kernel_against_c, kernel_against_frames, kernel_threads, live_decode
from benchmarks.harness import Row, Scale
from benchmarks.peers import c
from footloom.core.trades import Trades
from footloom.engine.frame import ChartFrame

needs_compiler = pytest.mark.skipif(c.compiler() is None, reason="no C compiler here: the C peer cannot be built")
SMALL = Scale(trades=200_000, days=1, rounds=3)


@pytest.fixture(autouse=True)
def bench_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path_factory.getbasetemp() / "bench"  # one for all: the peer is compiled once
    folder.mkdir(exist_ok=True)
    monkeypatch.setenv("FOOTLOOM_BENCH_DIR", str(folder))


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run the command with these rows measured."""

    def run(rows: list[Row] | None, *arguments: str) -> int:
        monkeypatch.setattr(table, "_measure", lambda *_: rows)
        monkeypatch.setattr(sys, "argv", ["benchmarks", "kernel_threads", *arguments])
        return table.main()

    return run


@needs_compiler
def test_a_slowed_kernel_fails_the_check(check: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    def slowed(tape: Trades) -> ChartFrame:
        for _ in range(9):
            kernel_against_c.full(tape)
        return kernel_against_c.full(tape)

    rows = kernel_against_c.measure(SMALL, slowed)

    assert "kernel, full, 1 thread, against branch-free C" in [row.promise for row in rows if row.is_broken]
    assert check(rows, "--check") == 1
    assert "FAILED: kernel, full" in capsys.readouterr().out
    assert check(rows) == 0, "printing alone does not judge"


def test_a_kept_promise_passes_and_a_crash_does_not(check: Callable[..., int]) -> None:
    row = Row("p", "1", "2", 2.0, 1.5, "-")

    assert check([row], "--check") == 0
    assert check([replace(row, ratio=1.4)], "--check") == 1
    assert check([replace(row, ratio=None)], "--check") == 0, "what cannot be measured here is shown, not failed"
    assert check(None) == 1


@needs_compiler
def test_the_c_peer_gives_the_same_answer_and_a_wrong_one_is_noticed() -> None:
    tape = data.trades(SMALL.trades)
    theirs = c.prepare(tape, kernel_against_c.BAR_NS, data.TICKS_PER_LEVEL, min_vol_lot=kernel_against_c.MIN_VOL_LOT)()
    ours = kernel_against_c.full(tape)

    kernel_against_c.check_equal(ours, theirs)
    theirs.cell_flags[len(theirs.cell_flags) // 2] ^= 1
    with pytest.raises(AssertionError):
        kernel_against_c.check_equal(ours, theirs)


def test_polars_and_pandas_give_the_same_answer() -> None:
    rows = kernel_against_frames.measure(replace(SMALL, rounds=1))

    assert {row.data for row in rows} == {rows[0].data}
    assert len(rows) == 3


def test_two_threads_give_the_same_answer() -> None:
    assert kernel_threads.measure(replace(SMALL, rounds=1))[0].promise


def test_a_slowed_or_wrong_decoding_of_frames_is_noticed() -> None:
    scale = replace(SMALL, trades=3_000, rounds=1)

    def slowed() -> live_decode.Decode:
        decode, again = live_decode.ours(), live_decode.peers()

        def both(frames: list[tuple[int, bytes]]) -> Trades:
            again(frames)
            return decode(frames)

        return both

    def wrong() -> live_decode.Decode:
        decode = live_decode.ours()
        return lambda frames: decode(frames[1:])

    rows = live_decode.measure(scale, slowed)

    assert "live decode + fold, commits of 256, against msgspec and Python ints" in [
        r.promise for r in rows if r.is_broken
    ]
    with pytest.raises(AssertionError):
        live_decode.measure(scale, wrong)


def test_the_tape_is_the_same_every_time() -> None:
    first, again = (data.day_of_trades(3, 50_000) for _ in range(2))

    assert first.equals(again)
    assert first.take(first.order()).equals(first)
    assert not first.equals(data.day_of_trades(4, 50_000))


def test_every_benchmark_is_found_and_answers(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    there = {path.stem for path in (root / "benchmarks").glob("*.py")} - table._NO_PROMISES

    assert set(table.names()) == there
    assert len(there) >= 5
    for name in there:
        monkeypatch.setattr(sys, "argv", [name, "--help"])
        with pytest.raises(SystemExit) as ended:  # in this process: a dozen of them would import for half a minute
            runpy.run_path(str(root / "benchmarks" / f"{name}.py"), run_name="__main__")
        assert ended.value.code == 0, name
        assert "--rounds" in capsys.readouterr().out, name


def test_the_median_of_ratios_is_untouched_by_drift() -> None:
    times = harness.Times({"ours": [1.0, 10.0, 2.0], "peer": [3.0, 30.0, 6.0]})

    assert times.ratio("peer", "ours") == pytest.approx(3.0)
