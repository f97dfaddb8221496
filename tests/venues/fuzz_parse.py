"""Frames that a coverage-guided fuzzer makes of real ones: ``parse`` raises nothing but its own errors, and ends.

Run by `test_fuzz.py` in a process of its own: ``fuzz_parse.py VENUE [options of libFuzzer]``. The first byte of an
input says when it was received; the rest is the frame. ``VENUE`` may be ``planted``, a parser with a fault.
"""

from __future__ import annotations

import importlib
import sys
from types import SimpleNamespace
from typing import Any

import atheris

with atheris.instrument_imports(include=["footloom.venues"]):
    from footloom.venues import _angelone_frames, _binance, _binance_events, _bybit_frames, _upstox_frames  # noqa: F401

from footloom.core.messages import Message
from footloom.errors import FootloomError

_MOST = 100_000  # messages of one frame: more is a loop


def _planted(frame: bytes, _ts_recv_ns: int) -> list[Message]:
    if frame[:2] == b'{"':
        raise KeyError(frame[2:3])
    return []


def main() -> None:
    """Fuzz one venue until libFuzzer's options end it."""
    name = sys.argv.pop(1)
    planted = SimpleNamespace(parse=_planted)
    venue: Any = planted if name == "planted" else importlib.import_module(f"footloom.venues.{name}")

    def one(data: bytes) -> None:
        count = 0
        try:
            for message in venue.parse(data[1:], data[0] if data else 0):
                count += 1
                assert isinstance(message, Message), type(message)
                assert count < _MOST, "it goes on and on"
        except FootloomError as error:
            said = str(error)
            if len(said) >= 1_500:
                raise AssertionError("a frame of megabytes is shown whole") from error

    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
