"""What a venue's ticker tells, from its raw frames to the bars over REST: against the frames, merged plainly."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from rest_kit import client_of, services_of  # type: ignore[import-not-found]

from footloom.core.instrument import Instrument
from footloom.core.messages import Gap, MarkPrice, OpenInterest
from footloom.core.series import Series
from footloom.core.trades import Trades
from footloom.feeds._side import SideTapes
from footloom.server.live.sides import _series_rows, stored_rows
from footloom.store.files import Store
from footloom.venues import bybit_linear

pytestmark = pytest.mark.anyio

MS = 1_000_000
START_MS = 1_772_409_600_000  # a Monday, 00:00 UTC
MINUTE_MS = 60_000
PERP = Instrument(venue="bybit_linear", symbol="BTCUSDT", tick_size=Decimal("0.1"), lot_size=Decimal("0.001"))
FIRST = {
    "symbol": "BTCUSDT", "markPrice": "60000.5", "indexPrice": "60010", "fundingRate": "0.0001",
    "nextFundingTime": str(START_MS + 8 * 3_600_000), "openInterest": "2000.002", "singleOpenInterest": "1000.001",
}  # fmt: skip


# As the venue sends them: the whole ticker first, and then what has changed; the rate and what is open very seldom.
def frames() -> list[tuple[int, dict[str, str], str]]:
    chance, made = random.Random(7), [(START_MS + 3_000, dict(FIRST), "snapshot")]
    for second in range(4, 20 * 60, 7):
        said = {"symbol": "BTCUSDT", "markPrice": f"{60_000 + chance.randrange(100)}.5"}
        if chance.random() < 0.3:
            said = {"symbol": "BTCUSDT", "indexPrice": f"{60_000 + chance.randrange(100)}"}
        if second == 669:
            said |= {"fundingRate": "-0.000025"}
        if second == 676:
            said |= {"openInterest": "2100", "singleOpenInterest": "1050"}
        made.append((START_MS + second * 1000, said, "delta"))
    return made


def recorded(store: Store, sent: Sequence[tuple[int, dict[str, str], str]]) -> list[Series]:
    """Let a recorder hear the frames, and keep what it says every few of them."""
    told: list[str] = []
    side, kept = SideTapes(PERP, frozenset({"mark", "open_interest"}), told.append), []
    for place, (at_ms, data, kind) in enumerate(sent):
        frame = {"topic": "tickers.BTCUSDT", "type": kind, "ts": at_ms, "data": data}
        for message in bybit_linear.parse(json.dumps(frame).encode(), at_ms * MS + 5):
            if isinstance(message, MarkPrice):
                side.add_mark(message)
            elif isinstance(message, OpenInterest):
                side.add_interest(message)
        if place % 4 == 3 or place == len(sent) - 1:
            for series in side.take(0)[0]:
                store.append(series)
                kept.append(series)
    assert told == []
    return kept


def plain(sent: Sequence[tuple[int, dict[str, str], str]]) -> list[tuple[Any, ...]]:
    """The ticker as it stood at the end of each minute."""
    ticker: dict[str, str] = {}
    minutes: dict[int, tuple[Any, ...]] = {}
    for at_ms, data, _ in sent:
        ticker |= data
        at = at_ms // MINUTE_MS * MINUTE_MS
        minutes[at] = (
            str(at * MS),
            Decimal(ticker["markPrice"]),
            Decimal(ticker["indexPrice"]),
            Decimal(ticker["fundingRate"]),
            str(int(ticker["nextFundingTime"]) * MS),
        )
    return list(minutes.values())


async def bars(store: Store, name: str, **query: Any) -> list[dict[str, Any]]:
    async with client_of(services_of(store)) as client:
        query = {"symbol": PERP.key, "bars": "1m"} | query
        reply = await client.get(f"/api/v1/streams/{name}", params=query)
    return reply.json()["rows"]  # type: ignore[no-any-return]


def funding(rows: Sequence[dict[str, Any]]) -> list[tuple[Any, ...]]:
    names = ("mark", "index", "rate")
    return [(row["open_ns"], *(row[name] and Decimal(row[name]) for name in names), row["next_ns"]) for row in rows]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A symbol that has traded once."""
    with Store(tmp_path, writer=True) as opened:
        opened.put_instrument(PERP)
        opened.append(Trades.build(PERP, [START_MS * MS], [600_000], [1], [1], trade_id=[1]))
        yield opened


async def test_each_bar_has_the_last_word_of_each_column_of_the_ticker(store: Store) -> None:
    sent = frames()
    kept = recorded(store, sent)
    assert funding(await bars(store, "funding")) == plain(sent)
    late = str((START_MS + 9 * MINUTE_MS) * MS)
    assert funding(await bars(store, "funding", from_ns=late)) == plain(sent)[9:], "also from the middle on"
    live = [row for series in kept if series.tape == "mark" for row in _series_rows(series)]
    assert {row["rate"] for row in live} == {"0.0001", "-0.000025"}
    assert None not in {row["next_ns"] for row in live}


async def test_open_interest_that_stands_is_told_again_once_a_minute(store: Store) -> None:
    recorded(store, frames())
    rows = await bars(store, "open_interest")
    assert [int(row["open_ns"]) // MS - START_MS for row in rows] == [at * MINUTE_MS for at in range(20)]
    assert [row["quantity"] for row in rows] == ["1000.001"] * 11 + ["1050.000"] * 9
    changes = [(row["quantity"], row["change"], row["since_ns"]) for row in rows if row["change"] is not None]
    assert changes == [("1050.000", "49.999", str((START_MS + 3_000) * MS))], "told again is no news"


# Recorded as it was sent: what a row left out was not written at its time.
async def test_rows_that_leave_out_what_stands_say_the_same(store: Store) -> None:
    at = [(START_MS + minute * MINUTE_MS + 1_000) * MS for minute in range(600)]
    store.append(Series.build(PERP, "mark", at[:1], mark_e8=[5 * 10**8], rate_e8=[10_000], next_ns=[at[-1]]))
    store.append(Series.build(PERP, "mark", at[1:], mark_e8=[6 * 10**8] * 599))
    late = await bars(store, "funding", from_ns=str(at[598] - 1000 * MS))
    assert [(row["mark"], row["index"], row["rate"]) for row in late] == [("6", None, "0.0001")] * 2
    cut = Gap(symbol=PERP.key, from_ns=at[596] + 1, to_ns=at[597], cause="cut")
    store.append(Series.empty(PERP, "mark"), [cut])
    late = await bars(store, "funding", from_ns=str(at[596] - 1000 * MS))
    assert [row["rate"] for row in late] == ["0.0001", None, None, None], "nothing stands over a gap"
    assert stored_rows(store, PERP.key, "funding")[0]["mark"] == "6"


def test_after_a_loss_nothing_stands_until_it_is_told_anew() -> None:
    side = SideTapes(PERP, frozenset({"mark", "open_interest"}), lambda _: None)
    at: dict[str, Any] = {"symbol": "BTCUSDT", "ts_exch_ns": 5, "ts_recv_ns": 6}
    side.add_mark(MarkPrice(**at, mark="1", funding_rate="0.0001"))
    side.add_interest(OpenInterest(**at, qty="7"))
    side.take(0)
    lost = Gap(symbol="BTCUSDT", from_ns=5, to_ns=9, cause="disconnect")
    side.missed(lost, frozenset({"mark", "open_interest"}))
    side.add_mark(MarkPrice(**at | {"ts_recv_ns": 9}, mark="2"))
    side.add_interest(OpenInterest(symbol="BTCUSDT", ts_exch_ns=5, ts_recv_ns=10**12, qty=""))
    series = [rows for rows in side.take(0)[0] if len(rows)]
    assert [rows.tape for rows in series] == ["mark"]
    assert (series[0]["mark_e8"].tolist(), (series[0]["rate_e8"] > 0).tolist()) == ([2 * 10**8], [False])
