"""Fixtures over a server that listens; what they are made of is in `serving_kit` and the unit tests' `server_kit`."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

# pytest's importlib mode leaves both folders out
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).resolve().parents[2] / "unit" / "server")]

from server_kit import MemoryStore, make_tape  # noqa: E402 - after its folder is on the path
from serving_kit import Running, serving  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def _no_whole_collection() -> Iterator[None]:
    """A server of its own process collects at its start; here that would look at all that the tests have imported."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("footloom.server.run.short_pauses", nullcontext)
        yield


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(make_tape())


@pytest.fixture
async def server(store: MemoryStore, anyio_backend: str) -> AsyncIterator[Running]:  # noqa: ARG001
    async with serving(store) as running:
        yield running
