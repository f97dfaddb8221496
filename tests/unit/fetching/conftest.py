"""Fixtures of what talks HTTP; what they are made of is in `http_kit`, which tests import."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # pytest's importlib mode leaves it out

from http_kit import LocalServer


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def server(anyio_backend: str) -> AsyncIterator[LocalServer]:  # noqa: ARG001 - its tests are async
    async with LocalServer() as server:
        yield server
