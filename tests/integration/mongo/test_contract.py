"""MongoDB keeps the contract of stores."""

from __future__ import annotations

import pytest

pytest.importorskip("pymongo", reason="the MongoDB driver is not installed: pip install 'footloom[mongo]'")

from footloom.store.mongo import MongoMedium
from footloom.store.mongo_client import address_of
from footloom.testing.store_contract import CHECKS, check

# Each opens a store anew for every write that is cut. A removal is the shortest: it stands for them.
_LONG = {name for name in CHECKS if name.startswith("a_cut_")} - {"a_cut_while_removing_removes_all_or_nothing"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.soak) if name in _LONG else name for name in CHECKS]
)
def test_mongodb_keeps_the_contract(name: str, database: str) -> None:
    check(name, lambda: MongoMedium(address_of(database)))
