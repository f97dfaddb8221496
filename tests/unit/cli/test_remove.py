"""``footloom remove``: says what would go, and takes it out with --yes."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from footloom.cli.main import main
from footloom.core.instrument import Instrument
from footloom.core.series import Series
from footloom.core.trades import Trades
from footloom.store.files import Store

START_NS = 1_767_225_600_000_000_000
ONE = Instrument(venue="test", symbol="ES", tick_size=Decimal("0.01"), lot_size=Decimal(1))
KEY = "test:ES"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    with Store(tmp_path / "store", writer=True) as store:
        ids = np.arange(100)
        store.append(Trades.build(ONE, START_NS + ids, ids, ids + 1, np.ones(100), trade_id=ids))
    return tmp_path / "store"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(["remove", *arguments])
    out, err = capsys.readouterr()
    return int(left.value.code or 0), out, err


def test_without_yes_nothing_goes(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, KEY, "--store", str(root))

    assert (code, out) == (1, "")
    assert "test:ES/trade: 100 rows of 1 day would be removed" in err
    assert Store(root).coverage()[0].rows == 100


def test_with_yes_the_tape_and_its_grid_go(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, KEY, "--yes", "--store", str(root))

    assert code == 0
    assert out.startswith("test:ES/trade: 100 rows of 1 day are removed from ")
    assert Store(root).coverage() == []
    assert Store(root).instruments() == []


def test_as_json(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, KEY, "--yes", "--json", "--store", str(root))

    found = json.loads(out)
    assert found.pop("bytes") > 0
    assert found == {"key": KEY, "tape": "trade", "days": 1, "rows": 100}


def test_of_several_tapes_one_has_to_be_named(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Store(root, writer=True) as store:
        store.append(Series.build(ONE, "open_interest", [START_NS], oi_lot=[1]))

    code, _, err = run(capsys, KEY, "--yes", "--store", str(root))
    assert code != 0
    assert "several tapes (open_interest, trade): name one with --tape" in err
    assert run(capsys, KEY, "--tape", "open_interest", "--yes", "--store", str(root))[0] == 0
    assert [row.tape for row in Store(root).coverage()] == ["trade"]
    assert Store(root).series() == []


@pytest.mark.parametrize("arguments", [("test:NQ",), (KEY, "--tape", "depth")])
def test_what_is_not_there_is_a_message(
    root: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    code, _, err = run(capsys, *arguments, "--yes", "--store", str(root))

    assert code == 1
    assert "nothing is stored of test:" in err
