"""scratch"""
from __future__ import annotations
from typing import Any
import pytest
from pymongo.errors import AutoReconnect
from footloom.core.trades import Trades
from footloom.errors import StoreError
from footloom.store.mongo import Store
from footloom.testing._store_sample import *  # noqa
import footloom.testing._store_sample as sample
from test_store import *  # noqa

class LostAnswer:
    """A collection whose next insert is made and never answered."""
    def __init__(self, real: Any) -> None:
        self.real, self.lose = real, False
    def insert_one(self, document: Any) -> Any:
        done = self.real.insert_one(document)
        if self.lose:
            self.lose = False
            raise AutoReconnect("the answer was lost")
        return done
    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

def test_doubt_then_roll(database: str) -> None:
    with Store(database, writer=True) as store:
        a = trades_of(1, 10); 
        store.append(a)
        seg = store._writing()._journal._segment
        lost = seg._documents = LostAnswer(seg._documents)
        lost.lose = True
        with pytest.raises(StoreError):
            store.append(trades_of(11, 10))
        store.seal()          # a drop elsewhere seals, or the segment is full
        # what is sent again comes with what was heard meanwhile, in another order
        store.append(trades_of(100, 10))
        store.append(trades_of(11, 10))
        store.seal()
        got = store.load(KEY, "trade", 0, 2**62)
        ids = sorted(got.trade_id.tolist())
        assert ids == [*range(1, 21), *range(100, 110)], ids
