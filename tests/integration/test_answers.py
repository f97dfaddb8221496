"""Real recordings in, exact footprints out: the answers were computed in decimals by another program."""

import json
import subprocess
import sys
from decimal import Decimal

import pytest

CASES = {
    "usdm_btcusdt_20240808": ("usdm_btcusdt_20240808.gz", "binance_usdm:BTCUSDT", 10),
    "spot_btcusdt_20240808": ("spot_btcusdt_20240808.gz", "binance_spot:BTCUSDT", 100),
    "danl_usd_m_futures": (
        "positive_binance_trade_stream_usd_m_futures_trxusdt_04-03-2025.csv.gz",
        "binance_usdm:TRXUSDT",
        10,
    ),
}


def footloom(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", "footloom.cli.main", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module", params=CASES)
def answer_and_bars(request, recordings, tmp_path_factory):
    file, key, step = CASES[request.param]
    venue, symbol = key.split(":")
    store = tmp_path_factory.mktemp("store")
    answer = json.loads((recordings / "answers" / "footprints_per_minute.json").read_text())[request.param]
    footloom("import", recordings / "binance" / file, "--venue", venue, "--symbol", symbol, "--store", store)

    def bars(*options):
        arguments = (
            "bars",
            key,
            "--bars",
            "1m",
            "--ticks-per-level",
            step,
            "--poc-tie",
            "lowest",
            "--json",
            "--store",
            store,
        )
        return json.loads(footloom(*arguments, *options))["bars"]

    return answer["bars"], bars


def same(row, answer, *names):
    return {name: Decimal(row[mine]) for name, mine in names} == {name: Decimal(answer[name]) for name, _ in names}


def test_every_bar_is_reproduced_exactly(answer_and_bars):
    answers, bars = answer_and_bars
    rows = bars()

    assert [row["open_ns"] for row in rows] == [int(ms) * 1_000_000 for ms in answers]
    prices = [("o", "open"), ("h", "high"), ("l", "low"), ("c", "close"), ("poc", "poc")]
    lots = [("buy", "buy"), ("sell", "sell"), ("delta", "delta"), ("cvd", "cvd")]
    area = [("val70_2row", "val"), ("vah70_2row", "vah")]
    for row, answer in zip(rows, answers.values(), strict=True):
        assert same(row, answer, *prices, *lots, *area)
        assert row["trades"] == answer["trades"]
        assert len(row["levels"]) == answer["levels"]


def test_the_value_area_by_one_row_too(answer_and_bars):
    answers, bars = answer_and_bars

    for row, answer in zip(bars("--value-area", "one_row"), answers.values(), strict=True):
        assert same(row, answer, ("val70_1row", "val"), ("vah70_1row", "vah"))


def test_levels_sum_to_their_bar_and_ascend(answer_and_bars):
    _, bars = answer_and_bars

    for row in bars():
        for column, name in enumerate(("buy", "sell", "unknown"), start=1):
            assert sum(Decimal(level[column]) for level in row["levels"]) == Decimal(row[name])
        assert sum(level[4] for level in row["levels"]) == row["trades"]
        prices = [Decimal(level[0]) for level in row["levels"]]
        assert prices == sorted(prices)
        assert Decimal(row["buy"]) - Decimal(row["sell"]) == Decimal(row["delta"])
