"""How long a chart waits for the first trade of its symbol."""

from __future__ import annotations

import pytest

from footloom.errors import NotStored
from footloom.feeds.flow import FeedState
from footloom.server.live import first_trades
from footloom.server.live.board import Board
from footloom.server.live.first_trades import wait_for_trades

pytestmark = pytest.mark.anyio

KEY = "test:ABC"


class Market:
    """A feed that goes live and trades at given looks; a second goes by from one look to the next."""

    def __init__(self, live_at: int, trades_at: int) -> None:
        self.board, self.looks = Board(), 0
        self._live_at, self._trades_at = live_at, trades_at

    def look(self) -> str:
        self.looks += 1
        self.board.tell(KEY, FeedState("live" if self.looks >= self._live_at else "connecting"))
        if self.looks >= self._trades_at:
            self.board.note_trades(KEY)
        return KEY

    async def wait(self, ready_s: float) -> None:
        await wait_for_trades(self.board, KEY, self.look, list, ready_s, clock=lambda: float(self.looks))


@pytest.fixture(autouse=True)
def _no_time_goes_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_trades, "_LOOK_S", 0.0)


async def test_a_feed_that_took_long_to_begin_has_time_to_hear_a_trade() -> None:
    market = Market(live_at=25, trades_at=32)
    await market.wait(ready_s=10)
    assert market.looks == 32


@pytest.mark.parametrize(("live_at", "looks"), [(1, 11), (25, 35), (99, 31)])
async def test_there_is_an_end_to_waiting(live_at: int, looks: int) -> None:
    market = Market(live_at, trades_at=200)
    with pytest.raises(NotStored, match="no trade came within"):
        await market.wait(ready_s=10)
    assert market.looks == looks
