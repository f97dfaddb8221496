"""A fuzzer that follows the branches, on every venue's ``parse``; where it is not installed, hypothesis fuzzes alone.

`test_crypto_fuzz.py` and the tests of the Indian frames are what hypothesis does.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.venues.india_frames import ANGEL_LTP, ANGEL_SNAP_QUOTE, UPSTOX_FULL, UPSTOX_LTPC, UPSTOX_MARKET_INFO
from tests.venues.test_crypto_fuzz import FRAMES

HARNESS = Path(__file__).with_name("fuzz_parse.py")
CORPUS = {
    "binance_usdm": FRAMES,
    "binance_spot": FRAMES,
    "binance_coinm": FRAMES,
    "bybit_linear": FRAMES,
    "upstox": [UPSTOX_LTPC, UPSTOX_FULL, UPSTOX_MARKET_INFO],
    "angelone": [ANGEL_LTP, ANGEL_SNAP_QUOTE],
}
pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(1_200),
    pytest.mark.skipif(
        importlib.util.find_spec("atheris") is None, reason="atheris is not installed: pip install footloom[fuzz]"
    ),
]


def fuzz(venue: str, seconds: int, folder: Path, seed: int) -> subprocess.CompletedProcess[str]:
    corpus = folder / "corpus"
    corpus.mkdir()
    for number, frame in enumerate(CORPUS.get(venue, FRAMES)):
        (corpus / str(number)).write_bytes(b"\x01" + frame)
    options = (f"-max_total_time={seconds}", "-timeout=20", f"-seed={seed % 2**31 + 1}", "-max_len=4096", str(corpus))
    return subprocess.run(
        [sys.executable, HARNESS, venue, *options],
        cwd=folder, env=os.environ, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("venue", CORPUS)
def test_whatever_arrives_parse_ends_with_messages_or_an_error_of_its_own(
    venue: str, tmp_path: Path, seed: int
) -> None:
    seconds = int(os.environ.get("FOOTLOOM_TEST_FUZZ_S", "60"))
    done = fuzz(venue, seconds, tmp_path, seed)

    assert done.returncode == 0, (done.stdout + done.stderr)[-3_000:]
    assert "Done " in done.stderr, "it did not run"


def test_a_parser_that_raises_another_error_is_caught(tmp_path: Path, seed: int) -> None:
    done = fuzz("planted", 20, tmp_path, seed)

    assert done.returncode != 0
    assert "KeyError" in done.stdout + done.stderr
