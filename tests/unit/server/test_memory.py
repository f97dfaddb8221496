"""A server gives back what large reads took. In a process of its own: the setting is of the whole process."""

from __future__ import annotations

import subprocess
import sys

import pytest

WORK = """
import resource
import sys
import threading
import numpy as np
import pyarrow as pa
from pathlib import Path
from footloom.server.memory import give_back_freed

def held():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

wanted = sys.argv[1] == "set"
assert not wanted or give_back_freed()
for size in (1, 4, 30, 30, 30):
    np.ones(size << 20, np.uint8)  # freed: glibc keeps the next ones, up to this size
before = held()
rows = [np.ones(20 << 20, np.uint8) for _ in range(10)]
few = [np.ones(100, np.uint8) for _ in range(1_000)]  # above them: the heap cannot shrink
tables = [pa.array(np.arange(1 << 20)).cast(pa.float64()) for _ in range(20)]
del rows, tables
print((held() - before) >> 20)


def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def read():  # as a day is read: some columns of a run, and those of the next in their place
    for _ in range(30):
        run = [np.ones(1_000_000, np.uint8) for _ in range(8)]
        del run


thread = threading.Thread(target=read)  # a chart's: its heap is another one
before = faults()
thread.start()
thread.join()
print(faults() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's setting")
def test_what_was_freed_goes_back_to_the_system() -> None:
    def did(how: str) -> tuple[int, int]:
        done = subprocess.run([sys.executable, "-c", WORK, how], capture_output=True, text=True, check=True)
        kept_mb, faults = map(int, done.stdout.split())
        return kept_mb, faults

    kept_mb, faults = did("set")
    assert kept_mb < 60, "of 360 MB"
    assert faults < 4_000, "the pages of one run are 2,000; 8,000 where a thread's heap shrinks behind each"
    assert did("unset")[0] > 100, "without it: the test sees the difference"
