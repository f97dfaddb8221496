"""A disk that is really full: depth stops first, trades to the last byte, and everything goes on when there is room."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

RECORDER = """
import json, resource, signal, sys
from decimal import Decimal
from pathlib import Path
import numpy as np
from footloom.core.instrument import Instrument
from footloom.core.series import Series
from footloom.core.trades import Trades
from footloom.errors import StoreError
from footloom.store import Settings
from footloom.store.files import Store

kind, root = sys.argv[1], Path(sys.argv[2])
filler = root.parent / "filler"
one = Instrument(venue="test", symbol="BTCUSDT", tick_size=Decimal("0.1"), lot_size=Decimal("0.001"))
rng = np.random.default_rng(1)
START_NS = 1_767_225_600_000_000_000

def trades(first, count=200):
    ids = np.arange(first, first + count)
    return Trades.build(one, START_NS + ids * 1_000_000, rng.integers(1, 2**40, count), rng.integers(1, 2**40, count),
                        np.ones(count), trade_id=ids, ts_recv_ns=START_NS + ids * 1_000_000)

def depth(first, count=200):
    ids = np.arange(first, first + count)
    return Series.build(one, "depth", START_NS + ids * 1_000_000, side=1, price_tick=rng.integers(1, 2**40, count),
                        qty_lot=rng.integers(1, 2**40, count), first_id=ids, last_id=ids, kind=0)

if kind == "tmpfs":
    filler.write_bytes(bytes(2_000_000))
settings = Settings(disk_warn_bytes=2_500_000, disk_stop_bytes=1_200_000, roll_rows=6_000)
store = Store(root, writer=True, settings=settings)
if kind == "limit":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
said, error, commits = [], "", 0
while not error:
    items = [(trades(commits * 200), ()), (depth(commits * 200), ())]
    try:
        store.append_many(items)
        commits += 1
    except StoreError as found:
        error = str(found)
    said.append(store.watch().texts)
again = ""
try:
    store.append_many(items)
except StoreError as found:
    again = str(found)
held = len(store.load("test:BTCUSDT", "trade", 0, 2**62))
if kind == "tmpfs":
    filler.unlink()
else:
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
store.append_many(items)
store.seal()
seal_error = str(store.seal_error or "")
store.close()
with Store(root, writer=True, settings=settings) as reopened:
    block = reopened.load("test:BTCUSDT", "trade", 0, 2**62)
    gaps = reopened.gaps("test:BTCUSDT", "depth", 0, 2**62)
    kept = reopened.load_series("test:BTCUSDT", "depth", 0, 2**62)
    lost = np.setdiff1d(np.arange((commits + 1) * 200), kept["last_id"])
    print(json.dumps({
        "commits": commits, "error": error, "again": again, "held": held, "ids": block.trade_id.tolist(),
        "parts": reopened.verify(), "damaged": len(reopened.recovery.quarantined), "seal_error": seal_error,
        "texts": [list(texts) for texts in said], "depth": len(kept),
        "untold": [int(n) for n in lost if not any(
            gap.from_ns <= START_NS + n * 1_000_000 < gap.to_ns for gap in gaps)],
    }))
"""


def check(found: dict[str, object]) -> None:
    commits = found["commits"]
    assert isinstance(commits, int)
    assert commits > 5
    for name in ("error", "again"):
        assert "cannot append to" in str(found[name])
        assert "free some space, or keep the store elsewhere" in str(found[name])
    assert found["held"] == commits * 200
    assert found["ids"] == list(range((commits + 1) * 200))
    assert (found["damaged"], found["seal_error"], found["untold"]) == (0, "", [])


def test_files_that_may_not_grow(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RECORDER, "limit", str(tmp_path / "store")], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    check(found)
    assert found["depth"] == found["commits"] * 200 + 200


def test_a_disk_of_a_few_megabytes(tmp_path: Path) -> None:
    """Mounted for this one process; where that is not allowed the test says so."""
    unshare = shutil.which("unshare")
    mounted = ["unshare", "-m", "sh", "-c", f"mount -t tmpfs -o size=6m none '{tmp_path}' && exec \"$@\"", "sh"]
    if unshare is None or subprocess.run([*mounted, "true"], capture_output=True, check=False).returncode:
        pytest.skip("a small disk cannot be mounted here")
    done = subprocess.run(
        [*mounted, sys.executable, "-c", RECORDER, "tmpfs", str(tmp_path / "store")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    check(found)
    stages = [len(texts) for texts in found["texts"]]
    assert set(stages) == {0, 1, 2}
    # A segment that is sealed in the meantime gives room back: a warning may go, and come again.
    assert stages[0] == 0 < stages.index(1) < stages.index(2), stages
    assert stages[-1] == 2
    assert "the last 1.2 MB of the disk is kept for trades; trades go on" in found["texts"][-1][0]
    assert 0 < found["depth"] < found["commits"] * 200
