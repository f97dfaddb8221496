"""Fixtures of the server's tests; what they are made of is in `server_kit`, which tests import."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # pytest's importlib mode leaves it out

from server_kit import MemoryStore, make_tape

from footloom.core.trades import Trades


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def tape() -> Trades:
    return make_tape()


@pytest.fixture
def store(tape: Trades) -> MemoryStore:
    return MemoryStore(tape)
