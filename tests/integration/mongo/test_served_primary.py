"""A server whose store and whose collection lie in a replica set goes on when the primary is killed."""

from __future__ import annotations

import json
import secrets
import time
from pathlib import Path

import httpx
import pytest

pytest.importorskip("pymongo", reason="the MongoDB driver is not installed: pip install 'footloom[mongo]'")
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from footloom.store.mongo import Store
from footloom.testing.mongod import Nodes
from tests.integration.mongo.documents import SYMBOL, document
from tests.integration.server.process_kit import Process

KEY = f"upstox:{SYMBOL}"
PATIENCE_S = 120.0


def insert(client: MongoClient[dict[str, object]], database: str, number: int) -> None:
    """Insert a document until it is acknowledged, once."""
    made = document(number)
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            client[database]["tick_data"].replace_one({"_id": made["_id"]}, made, upsert=True)
        except PyMongoError:
            assert time.monotonic() < until, "no primary was elected"
            continue
        return


@pytest.mark.soak
def test_a_killed_primary_loses_nothing_of_what_is_served(three: Nodes, tmp_path: Path) -> None:
    name, collected = f"served_{secrets.token_hex(4)}", f"strategy_{secrets.token_hex(4)}"
    with MongoClient(three.url, w="majority", serverSelectionTimeoutMS=5_000) as client:
        for number in range(50):
            insert(client, collected, number)
        killed = None
        arguments = ("mongodb:tick_data", "--store", three.database(name))
        server = Process(tmp_path / "store", arguments, {"MONGO_URI": three.url, "MONGO_DB_NAME": collected})
        try:
            for number in range(50, 200):
                if number == 100:
                    killed = three.primary()
                    three.kill(killed)
                insert(client, collected, number)
            wait_for(server, 200)
            assert "sealed in" in server.stop()
        finally:
            server.end()
        with Store(three.database(name)) as store:
            found = store.load(KEY, "snapshot", 0, 2**62)
        assert found.vtt_lot.tolist() == list(range(1, 201)), "each document once, none lost"
    assert killed is not None
    three.start_one(killed)


def wait_for(server: Process, rows: int) -> None:
    """Wait until the server has stored so many rows."""
    until = time.monotonic() + PATIENCE_S
    counted = -1
    while counted < rows:
        assert time.monotonic() < until, f"{counted} of {rows} rows; {''.join(server.errors)}"
        time.sleep(0.5)
        answer = httpx.get(f"{server.url}/api/v1/coverage", params={"symbol": KEY}, timeout=60)
        if answer.status_code == 200:
            counted = sum(row["rows"] for row in json.loads(answer.text) if row["tape"] == "snapshot")
