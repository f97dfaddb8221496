"""A real MongoDB server, started here on a free port; FOOTLOOM_TEST_MONGO_URI names another one instead."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator

import pytest

from footloom.store.mongo_client import address_of, connected
from footloom.testing.mongod import ABSENT, Nodes, find_mongod, nodes


def _skip_without_mongod() -> None:
    pytest.importorskip("pymongo", reason="the MongoDB driver is not installed: pip install 'footloom[mongo]'")
    if find_mongod() is None:
        pytest.skip(ABSENT)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server without a database."""
    named = os.environ.get("FOOTLOOM_TEST_MONGO_URI")
    if named:
        yield named
        return
    _skip_without_mongod()
    with nodes(tmp_path_factory.mktemp("mongo")) as running:
        yield running.url


@pytest.fixture(scope="session")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Three nodes of which one may be killed; who kills one starts it again."""
    _skip_without_mongod()
    with nodes(tmp_path_factory.mktemp("mongo-three"), 3) as running:
        yield running


@pytest.fixture
def database(server: str) -> Iterator[str]:
    """The address of a database that is there for one test."""
    head, _, options = server.partition("?")
    host = "/".join(head.split("/")[:3])
    url = f"{host}/footloom_test_{secrets.token_hex(6)}" + (f"?{options}" if options else "")
    yield url
    address = address_of(url)
    with connected(address) as client:
        client.drop_database(address.database)
