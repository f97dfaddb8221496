"""The log of a recording that runs for weeks: cut at a size, and the oldest goes."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from footloom.cli import _record_show


def test_a_log_is_cut_and_the_oldest_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_record_show, "_LOG_BYTES", 1_000)
    told: list[str] = []
    with _record_show.logging_to(tmp_path / "logs" / "record.log", told.append):
        for number in range(200):
            logging.getLogger("footloom.feeds.live").info("commit %03d", number)
        logging.getLogger("footloom.feeds.live").warning("the disk is full")
    files = sorted((tmp_path / "logs").iterdir())

    assert [file.name for file in files] == ["record.log", *(f"record.log.{k}" for k in range(1, 6))]
    assert max(file.stat().st_size for file in files) <= 1_000
    lines = [line for file in [*files[:0:-1], files[0]] for line in file.read_text(encoding="utf-8").splitlines()]
    numbers = [int(line[-3:]) for line in lines[:-1]]
    assert numbers == list(range(numbers[0], 200)), "the newest, none lost and none twice"
    assert numbers[0] > 0
    assert told == ["footloom: the disk is full"]
