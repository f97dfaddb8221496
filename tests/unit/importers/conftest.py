"""An import of a file of our own that reports and keeps its store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from footloom.core.trades import Trades
from footloom.feeds.ingest import FileReport, ImportReport, Options, TapeReport, import_files
from footloom.importers._chain import MADE
from footloom.store.files import Store
from tests.unit.importers.files import AGG_NAME


@dataclass(frozen=True)
class Imported:
    """What one import of one file said and stored."""

    report: ImportReport
    store: Path

    @property
    def file(self) -> FileReport:
        return self.report.files[0]

    @property
    def tape(self) -> TapeReport:
        (tape,) = self.file.tapes
        return tape

    @property
    def reasons(self) -> dict[str, int]:
        drops = [drop for tape in self.file.tapes for drop in tape.drops] + self.file.unreadable
        return {drop.reason: drop.count for drop in drops}

    def load(self, key: str = "binance_usdm:BTCUSDT", tape: str = "agg_trade") -> Trades:
        block = Store(self.store).load(key, tape, 0, 2**62)
        assert isinstance(block, Trades)
        return block


Import = Callable[..., Imported]


@pytest.fixture
def take(tmp_path: Path) -> Import:
    """Write a file and import it; ``again`` takes one that is there."""

    def run(content: bytes | Path, name: str = AGG_NAME, **options: Any) -> Imported:
        path = content if isinstance(content, Path) else tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        for size in ("tick_size", "lot_size"):
            if isinstance(options.get(size), str):
                options[size] = Decimal(options[size])
        report = import_files([path], Options(**options), store=tmp_path / "store")
        assert_adds_up(report)
        return Imported(report, tmp_path / "store")

    return run


def assert_adds_up(report: ImportReport) -> None:
    """Every row that was read is either kept or dropped, for a reason with an example."""
    assert report.read == report.kept + report.dropped
    for file in report.files:
        for tape in file.tapes:
            assert tape.read == tape.kept + tape.dropped
            assert tape.dropped == sum(drop.count for drop in tape.drops)
            if tape.tape not in {"snapshot", "chain"} and not tape.tape.startswith("finished:"):
                assert tape.kept == tape.buy_rows + tape.sell_rows + tape.unknown_rows
            assert tape.duplicates == sum(drop.count for drop in tape.drops if drop.reason.startswith("duplicate"))
            if not file.error and not report.dry_run and report.ok:
                # A line of a chain is a call and a put: two rows.
                assert tape.counted.get(MADE, tape.kept) == tape.new + tape.already_stored
        for drop in [drop for tape in file.tapes for drop in tape.drops] + file.unreadable:
            assert drop.line > 0
            assert drop.detail
            assert drop.count > 0
