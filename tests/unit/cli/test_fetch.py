"""Fetching from the command line: how it is stopped."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from footloom.cli.main import main
from footloom.feeds import fetching


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_stops_it_loses_nothing_of_what_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    kept: list[str] = []

    async def fetch(*_: object, **__: object) -> None:
        try:
            os.kill(os.getpid(), number)
            await asyncio.sleep(60)
        finally:
            kept.append("what came")

    monkeypatch.setattr(fetching, "fetch", fetch)
    # A shell's job in the background ignores Ctrl-C; SIGTERM stops it there too.
    found = signal.signal(signal.SIGINT, signal.SIG_IGN if number == signal.SIGTERM else signal.default_int_handler)
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as ended:
            main(["fetch", "binance_usdm:BTCUSDT", "--store", str(tmp_path / "store")])
    finally:
        signal.signal(signal.SIGINT, found)

    assert (kept, ended.value.code) == (["what came"], 130)
    assert signal.getsignal(signal.SIGTERM) is before
