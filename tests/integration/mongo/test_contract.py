"""MongoDB keeps the contract of stores."""

from __future__ import annotations

import pytest

from footloom.store.mongo import MongoMedium
from footloom.store.mongo_client import address_of
from footloom.testing.store_contract import CHECKS, check


@pytest.mark.parametrize("name", CHECKS)
def test_mongodb_keeps_the_contract(name: str, database: str) -> None:
    check(name, lambda: MongoMedium(address_of(database)))
