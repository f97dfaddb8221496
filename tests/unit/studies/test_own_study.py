"""The study of the guide is one: found by its name, held to the contract, its numbers by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.engine.build import build_footprint
from footloom.engine.studies import StudyFold, run_study
from footloom.errors import ConfigError
from footloom.studies import find_study
from footloom.testing.study_contract import check

MINUTE = 60 * 10**9


@pytest.fixture(scope="module", autouse=True)
def effort(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Install what the guide says: the module and its entry point."""
    text = (Path(__file__).parents[3] / "docs" / "own_studies.md").read_text(encoding="utf-8")
    (toml,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    module = re.findall(r"```python\n(.*?)```", text, re.DOTALL)[0]
    points = msgspec.toml.decode(toml)["project"]["entry-points"]["footloom.studies"]
    folder = tmp_path_factory.mktemp("effort")
    (folder / "effort.py").write_text(module, encoding="utf-8")
    (folder / "effort-1.0.dist-info").mkdir()
    (folder / "effort-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: effort\nVersion: 1.0\n")
    lines = "".join(f"{name} = {target}\n" for name, target in points.items())
    (folder / "effort-1.0.dist-info" / "entry_points.txt").write_text(f"[footloom.studies]\n{lines}")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield
    find_study.cache_clear()


def test_it_keeps_the_contract() -> None:
    check("effort", seeds=range(3))


def test_its_numbers_by_hand() -> None:
    traded = Instrument(venue="t", symbol="X", tick_size=Decimal(1), lot_size=Decimal(1))
    lots = [6, 6, 6, 60]  # a minute each, over two ticks
    rows = [(k * MINUTE + at, 10 + at, lot // 2) for k, lot in enumerate(lots) for at in (0, 1)]
    ts, tick, qty = zip(*rows, strict=True)
    bars = build_footprint(Trades.build(traded, ts, tick, qty, [1] * len(ts), trade_id=range(len(ts))), "1m", 1)
    got = run_study("effort", bars, {"window": 3})

    assert got.bars["effort"].tolist() == [3, 3, 3, 30]
    assert (got.events["bar"].tolist(), got.events["high_tick"].tolist()) == ([3], [11])


def test_its_settings_are_checked() -> None:
    with pytest.raises(ConfigError, match="times"):
        StudyFold("effort", {"times": 0.5})
    assert StudyFold("effort").titles == {"effort": "volume a tick", "hard": "high effort"}
