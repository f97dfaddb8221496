"""Large requests in a process of their own: the same answers, and an end in words for whatever ends it."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from aside_double import endless, hungry, said

from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.errors import NotStored, OffGrid, Overloaded, TooMuch
from footloom.server.routes.charts import _Asked, _footprint_body
from footloom.server.stored.abandon import Abandoned, abandonable
from footloom.server.stored.aside import Aside
from footloom.server.stored.history import History
from footloom.server.stored.tasks import Task
from footloom.server.wire.messages import TopicRequest
from footloom.store.files import Store

ABC = Instrument(venue="test", symbol="ABC", tick_size=Decimal("0.5"), lot_size=Decimal("0.001"))
START = 1_700_000_040 * 10**9


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("aside")
    rng = np.random.default_rng(4)
    times = START + np.arange(2_000) * 250_000_000
    rows = Trades.build(
        ABC, times, 100 + rng.integers(-9, 9, 2_000), rng.integers(1, 50, 2_000), rng.choice([-1, 1], 2_000),
        trade_id=np.arange(2_000), ts_recv_ns=times,
    )  # fmt: skip
    with Store(folder, writer=True) as store:
        store.put_instrument(ABC)
        store.append_many([(rows, ())])
    return folder


@pytest.fixture(scope="module")
def history(root: Path) -> Iterator[History]:
    with Store(root) as store:
        yield History(store)


@pytest.fixture(scope="module")
def aside(history: History, root: Path) -> Iterator[Aside]:
    large = Aside(history, root, least_rows=1)
    yield large
    large.close()


@pytest.fixture
def double(tmp_path: Path) -> Iterator[Aside]:
    nothing: Any = SimpleNamespace(inference=None)
    large = Aside(nothing, tmp_path, least_rows=1, module="aside_double")
    yield large
    large.close()


# What runs in the other process: functions of a module, as those of the routes are.
def listed(history: History) -> bytes:
    return str(len(history.store.instruments())).encode()


def refused(_history: History, what: str) -> bytes:
    raise OffGrid("1.3", "0.5") if what == "grid" else NotStored("nothing of that")


def broken(_history: History) -> bytes:
    raise ZeroDivisionError


def test_what_cannot_be_read_ends_the_process_that_should_answer_it() -> None:
    message = pickle.dumps(said).replace(b"aside_double", b"aside_absent")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "footloom.server.stored.aside_main"],
        input=len(message).to_bytes(8, "little") + message,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert b"could not be read" in done.stderr


def ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def wait_for(path: Path) -> int:
    while not path.exists() or not path.read_text():  # the other process writes it: nothing tells when
        time.sleep(0.01)
    return int(path.read_text())


def test_a_chart_is_the_same_from_both_sides(aside: Aside, history: History) -> None:
    key = history.resolve(TopicRequest(symbol="test:ABC", ticks_per_level=2))
    task = Task(_footprint_body, (key, _Asked(TopicRequest(symbol="test:ABC"), None, None, 300), False))
    here = task.make(history, *task.given)
    assert len(here) > 4_000
    assert aside.make(task, 10) == here
    assert aside.pid not in {None, os.getpid()}


def test_few_rows_and_other_stores_are_read_here(history: History, root: Path) -> None:
    few, elsewhere = Aside(history, root, least_rows=5), Aside(history, None, least_rows=1)
    assert few.make(Task(said, ("a",)), 4) == f"a {os.getpid()}".encode()
    assert elsewhere.make(Task(said, ("a",)), 4) == f"a {os.getpid()}".encode()
    assert few.pid is None


def test_errors_keep_their_class_and_their_words(aside: Aside) -> None:
    aside.make(Task(listed, ()), 10)
    before = aside.pid
    with pytest.raises(NotStored, match="nothing of that"):
        aside.make(Task(refused, ("other",)), 10)
    with pytest.raises(OffGrid, match=r"1\.3 is no whole multiple of 0\.5"):
        aside.make(Task(refused, ("grid",)), 10)
    with pytest.raises(Exception, match="its log says why"):
        aside.make(Task(broken, ()), 10)
    assert aside.pid == before, "the process goes on"


def test_it_ends_when_nobody_asks_any_more(double: Aside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(double, "_idle_s", 0.01)
    pid = int(double.make(Task(said, ("c",)), 10).split()[1])
    while not ended(pid):
        time.sleep(0.01)
    assert double.pid is None


def test_who_goes_away_ends_the_work(double: Aside, tmp_path: Path) -> None:
    stopped = threading.Event()

    def ask() -> None:
        with abandonable(stopped):
            double.make(Task(endless, (str(tmp_path),)), 10)

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask)
        pid = wait_for(tmp_path / "began")
        stopped.set()
        with pytest.raises(Abandoned):
            asking.result()
    assert ended(pid)
    assert double.make(Task(said, ("d",)), 10).startswith(b"d "), "another one answers the next request"


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system does not say how much a process holds")
def test_one_that_takes_too_much_memory_is_ended(double: Aside, monkeypatch: pytest.MonkeyPatch) -> None:
    double.make(Task(said, ("d",)), 10)
    pid, held = double.pid, double.resident_bytes
    monkeypatch.setattr(double, "_most_bytes", held + (30 << 20))
    assert held > 1 << 20
    with pytest.raises(TooMuch, match=r"takes more than \d+ MB"):
        double.make(Task(hungry, ()), 10)
    assert pid is not None
    assert ended(pid)


def test_a_process_that_dies_is_told(double: Aside, tmp_path: Path) -> None:
    died = double.died
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(double.make, Task(endless, (str(tmp_path),)), 10)
        os.kill(wait_for(tmp_path / "began"), signal.SIGKILL)
        with pytest.raises(Overloaded, match=r"has ended before its time.*signal 9"):
            asking.result()
    assert double.died == died + 1


def test_it_ends_with_the_server(double: Aside, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(double.make, Task(endless, (str(tmp_path),)), 10)
        pid = wait_for(tmp_path / "began")
        double.close()
        with pytest.raises(Overloaded, match="about to stop"):
            asking.result()
    assert ended(pid)
    with pytest.raises(Overloaded, match="about to stop"):
        double.make(Task(said, ("f",)), 10)


def test_the_step_of_many_days_is_found_piece_by_piece(
    history: History, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def find(task: Task, rows: int) -> bytes:
        asked.append(rows)
        return task.make(history, *task.given)

    with Store(root) as store:
        plain = History(store)
        steps = [plain.opening_step(plain.resolve(TopicRequest(symbol="test:ABC", bars=bars))) for bars in ("1m", "1d")]
    assert history._kept.parts is not None
    monkeypatch.setattr(history._kept.parts._kept, "most_bytes", 1_000)
    monkeypatch.setattr(history.steps, "find", find)
    charts = [history.resolve(TopicRequest(symbol="test:ABC", bars=bars)) for bars in ("1m", "1d")]
    assert [history.opening_step(one) for one in charts] == steps
    assert set(asked) == {2_000}
