"""Types that many threads ask for at once, the first time that anybody does."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest

from footloom.typed import from_json, from_msgpack, from_plain

# With a bare `msgspec.json.decode(data, type=kind)` in its place the process dies (8 of 8 runs).
MANY_THREADS = """
import sys, threading
from decimal import Decimal
import msgspec
from footloom.typed import from_json, from_msgpack, from_plain

sys.setswitchinterval(1e-6)
for _ in range(150):
    inner = msgspec.defstruct("Inner", [(f"a{i}", int | None, 0) for i in range(5)])
    fields = [(f"f{i}", (inner | None) if i % 3 == 0 else dict[str, list[Decimal]] | None, None) for i in range(20)]
    kind = msgspec.defstruct("Outer", fields)
    plain = {"f19": None, "f18": {"a4": 3}}
    text, packed = msgspec.json.encode(plain), msgspec.msgpack.encode(plain)
    ready, found = threading.Barrier(6), []

    def ask(way):
        ready.wait()
        found.append(way())

    ways = [lambda: from_json(text, kind), lambda: from_msgpack(packed, kind), lambda: from_plain(plain, kind)] * 2
    threads = [threading.Thread(target=ask, args=(way,)) for way in ways]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6 and all(one == found[0] and one.f18.a4 == 3 for one in found)
"""


def test_a_type_is_learnt_by_one_thread_at_a_time() -> None:
    done = subprocess.run([sys.executable, "-c", MANY_THREADS], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr or f"died of signal {-done.returncode}"


def test_what_is_not_of_the_type_is_refused() -> None:
    assert from_plain({"a": "3"}, dict[str, int], strict=False) == {"a": 3}
    for wrong in (lambda: from_json("{}", int), lambda: from_msgpack(b"\x80", int), lambda: from_plain({}, int)):
        with pytest.raises(msgspec.ValidationError):
            wrong()
