"""No space, no permission, no file handles: a message, and nothing half-written."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from footloom.core.trades import Trades
from footloom.errors import StoreError
from footloom.store import SourceInfo
from footloom.store.files import Store

KEY = "test:BTCUSDT"
EVER = (0, 2**62)

# Files may not grow beyond a limit, as on a full disk or under a quota: the program hears of it amid a write.
LIMITED = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from decimal import Decimal
from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.errors import StoreError
from footloom.store import SourceInfo
from footloom.store.files import Store

rng = np.random.default_rng(1)
one = Instrument(venue="test", symbol="BTCUSDT", tick_size=Decimal("0.1"), lot_size=Decimal("0.001"))
def trades(first, count):
    ids = np.arange(first, first + count)
    return Trades.build(one, 1_767_225_600_000_000_000 + ids * 7_000_000, rng.integers(1, 2**40, count),
                        rng.integers(1, 2**40, count), np.ones(count), trade_id=ids)

store = Store(Path(sys.argv[1]), writer=True)
store.write_part(trades(1, 1_000), SourceInfo("a", "a.csv", (0, 1_000)))
last = store.append(trades(5_001, 500))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
for attempt in range(3):
    for write in (lambda: store.write_part(trades(2_001, 50_000), SourceInfo("b", "b.csv", (0, 50_000))),
                  lambda: store.append(trades(60_001, 50_000))):
        try:
            write()
        except StoreError as error:
            print("refused:", error)
        else:
            print("written")
print("rows", len(store.load("test:BTCUSDT", "trade", 0, 2**62)))
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
store.close()
"""


def test_a_full_disk_is_a_message_and_the_store_is_as_before(root: Path) -> None:
    done = subprocess.run([sys.executable, "-c", LIMITED, str(root)], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 7
    assert all(line.startswith("refused: cannot ") for line in lines[:6]), lines
    assert all("free some space, or keep the store elsewhere" in line and str(root) in line for line in lines[:6])
    assert lines[6] == "rows 1500"
    assert not [path for path in root.rglob("*") if path.name.startswith(".tmp-")]
    with Store(root, writer=True) as again:
        assert again.recovery.quarantined == ()
        assert len(again.load(KEY, "trade", *EVER)) == 1_500
        assert again.verify() >= 1


FAILURES = {
    errno.ENOSPC: "No space left on device; free some space",
    errno.EDQUOT: "free some space",
    errno.EACCES: "Permission denied; give this user the right to it",
    errno.EROFS: "Read-only file system; give this user the right to it",
    errno.EMFILE: "raise the limit of open files",
    errno.EIO: "look at the file system's own log",
}


@pytest.mark.parametrize("code", FAILURES)
@pytest.mark.parametrize("call", ["open", "write", "fsync"])
def test_every_refusal_says_what_where_and_what_to_do(
    store: Store, make_trades: Callable[..., Trades], monkeypatch: pytest.MonkeyPatch, code: int, call: str
) -> None:
    trades = make_trades(3_000, step_ms=60_000)
    store.write_part(trades.take(slice(0, 100)), SourceInfo("a", "a.csv", (0, 100)))
    before = {str(path): path.read_bytes() for path in (store.root / "tapes").rglob("*") if path.is_file()}
    calls = 0
    original = getattr(os, call)

    def fail(*arguments: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise OSError(code, os.strerror(code))
        return original(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(StoreError, match=FAILURES[code]) as caught:
            store.write_part(trades.take(slice(100, 1_000)), SourceInfo("b", "b.csv", (0, 900)))

    assert f"cannot write {store.root}" in str(caught.value)
    assert store.load(KEY, "trade", *EVER).equals(trades.take(slice(0, 100)))  # type: ignore[union-attr] # trades
    after = {path: Path(path).read_bytes() for path in before}
    assert after == before
    assert store.write_part(trades, SourceInfo("b", "b.csv", (0, 3_000))).rows == 2_900
    assert store.load(KEY, "trade", *EVER).equals(trades)  # type: ignore[union-attr] # trades
    assert not list(store.root.rglob(".tmp-*"))


def test_an_append_that_fails_is_not_counted_and_can_be_done_again(
    store: Store, make_trades: Callable[..., Trades], monkeypatch: pytest.MonkeyPatch
) -> None:
    trades = make_trades(30)
    store.append(trades.take(slice(0, 10)))
    segment = store._writing()._journal.segment
    stream = segment._stream

    def fail(*_: object) -> int:
        import sqlite3

        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(segment, "_stream", fail)
        with pytest.raises(StoreError, match=r"cannot append to .*segment-00000001.sqlite: database or disk is full"):
            store.append_many([(trades.take(slice(10, 20)), ()), (trades.take(slice(20, 30)), ())])
    assert segment._stream == stream
    assert len(store.load(KEY, "trade", *EVER)) == 10
    assert store.append(trades.take(slice(10, 30))) == 30
    assert store.load(KEY, "trade", *EVER).equals(trades)  # type: ignore[union-attr] # trades


def test_a_group_commit_is_all_or_nothing(store: Store, make_trades: Callable[..., Trades]) -> None:
    trades = make_trades(20)
    bad = make_trades(2, qty_lot=np.array([1, 0]))

    with pytest.raises(StoreError, match="quantity above zero"):
        store.append_many([(trades, ()), (bad, ())])

    assert store.coverage() == []
    assert store.append(trades) == 20


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    with pytest.raises(StoreError, match="give this user the right to it"):
        Store(tmp_path / "store", writer=True)


def test_a_store_where_a_file_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    with pytest.raises(StoreError, match="cannot make"):
        Store(tmp_path / "file" / "store", writer=True)
