from __future__ import annotations

import sys
from pathlib import Path

import pytest

collect_ignore = ["clients"]  # programs, run by their test in a process of their own

sys.path.insert(0, str(Path(__file__).parent))  # pytest's importlib mode leaves it out


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
