"""Chains that snapshots of options make: beside days of which one was told, with the sizes of the venue's list."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np
import pytest

from footloom.core.instrument import Instrument
from footloom.core.series import Series
from footloom.core.snapshots import NO_QUOTE, Snapshots
from footloom.feeds.derived_chain import chain_instrument
from footloom.feeds.stored_chain import ChainAsk, chain_at, chain_stamp, standing_chain
from footloom.options.documents import chain_reply
from footloom.store.files import Store
from tests.unit.options.chain_kit import EXPIRY_NS, MINUTE_NS, MONDAY_NS, NIFTY, OPEN_NS, call, chain_of

UPSTOX = msgspec.structs.replace(NIFTY, venue="upstox", kind="index", name="NIFTY")


def option(number: int, strike: int, kind: str = "CE", lot: int | None = 75) -> Instrument:
    return Instrument(
        venue="upstox", symbol=f"NSE_FO|{number}", tick_size=Decimal("0.05"), lot_size=Decimal(1), calendar="nse_fo",
        kind="option", underlying="NIFTY", strike=Decimal(strike), option=kind, expiry_ns=EXPIRY_NS,
        market_lot=None if lot is None else Decimal(lot),
    )  # fmt: skip


def snapshots(of: Instrument, recv_ns: int, oi: int, ltt_ns: int | None = None) -> Snapshots:
    one = np.array([1], np.int64)
    recv = np.array([recv_ns], np.int64)
    traded = recv - 10**9 if ltt_ns is None else np.array([ltt_ns])
    return Snapshots(
        of, traded, 2_000 * one, one, one, 1_990 * one, 2_010 * one, recv,
        oi_lot=oi * one, bid_lot=75 * one, ask_lot=75 * one,
    )  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A chain that was told on Friday."""
    made = Store(tmp_path, writer=True)
    told = chain_of(call(OPEN_NS, 26000, oi_lot=750)).series
    columns = {name: told[name] for name in ("side", "expiry_ns", "strike_tick", "source", "oi_lot")}
    made.append_many([(Series.build(UPSTOX, "chain", told.ts_exch_ns, **columns), ())])
    return made


def put(store: Store, *blocks: Snapshots) -> None:
    for one in blocks:
        store.put_instrument(one.instrument)
    store.append_many([(one, ()) for one in blocks])


def test_days_of_snapshots_behind_told_ones_are_noticed_and_read(store: Store) -> None:
    with store:
        before = chain_stamp(store, UPSTOX.key)
        assert chain_stamp(store, UPSTOX.key) == before
        put(store, snapshots(option(1, 26_000), MONDAY_NS + MINUTE_NS, 900))
        second = chain_stamp(store, UPSTOX.key)
        assert second != before
        [row] = chain_reply(chain_at(store, UPSTOX.key, ChainAsk())).rows
        assert (row.call.oi, row.call.said["oi"].source) == ("900", "upstox_feed")
        put(store, snapshots(option(1, 26_000), MONDAY_NS + 2 * MINUTE_NS, 975))
        assert chain_stamp(store, UPSTOX.key) != second
        assert standing_chain(store, UPSTOX.key).series["oi_lot"].tolist()[-1] == 975


def test_volatility_and_greeks_of_the_venue_stand_beside_ours(store: Store) -> None:
    with store:
        at_ns = MONDAY_NS + MINUTE_NS
        said = {"iv_e8": 10_440_826, "delta_e8": -64_160_000, "gamma_e8": NO_QUOTE, "theta_e8": -1_535_800_000}
        made = dataclasses.replace(
            snapshots(option(1, 26_000, "PE"), at_ns, 900), **{name: np.array([one]) for name, one in said.items()}
        )
        put(store, made)
        cell = chain_reply(chain_at(store, UPSTOX.key, ChainAsk())).rows[0].put
        assert cell.venue == {"iv": "0.10440826", "delta": "-0.6416", "theta": "-15.358"}
        assert (cell.said["theta"].source, int(cell.said["theta"].since_ns)) == ("upstox_feed", at_ns)


def test_an_option_that_did_not_trade_today_is_told_too(store: Store) -> None:
    """Its messages carry the time of a trade before the weekend, and what is open in it is of today."""
    with store:
        silent = snapshots(option(2, 26_100), MONDAY_NS + 2 * MINUTE_NS, 5_000, ltt_ns=OPEN_NS)
        put(store, snapshots(option(1, 26_000), MONDAY_NS + MINUTE_NS, 900), silent)
        reply = chain_reply(chain_at(store, UPSTOX.key, ChainAsk()))
        assert {row.strike: row.call.oi for row in reply.rows} == {"26000": "900", "26100": "5000"}
        assert int(reply.at_ns) == MONDAY_NS + 2 * MINUTE_NS, "the last message, which is behind the last trade"


@pytest.mark.parametrize(("lots", "told"), [((20, 20), 20), ((20, 25), None), ((None, None), 75)])
def test_a_contract_is_of_the_size_that_the_venues_list_says(
    store: Store, lots: tuple[int | None, int | None], told: int | None
) -> None:
    """NSE's own sizes count where no list is known; where the list has two of them, nobody knows."""
    with store:
        put(
            store,
            snapshots(option(1, 26_000, lot=lots[0]), MONDAY_NS + MINUTE_NS, 900),
            snapshots(option(2, 26_000, "PE", lot=lots[1]), MONDAY_NS + MINUTE_NS, 600),
        )
        assert chain_reply(chain_at(store, UPSTOX.key, ChainAsk())).units_a_lot == told
        assert standing_chain(store, UPSTOX.key).lots == ({} if lots[0] is None else {EXPIRY_NS: told})


@pytest.mark.parametrize(("name", "underlying"), [("NIFTY", ""), ("Nifty 50", "NIFTY")])
def test_a_chain_is_kept_under_its_index_whatever_the_venue_calls_that(name: str, underlying: str) -> None:
    """Upstox names the index as its options do, Angel One says so beside the name: one chain, not two."""
    index = msgspec.structs.replace(UPSTOX, symbol="NSE|99926000", name=name, underlying=underlying)
    other = msgspec.structs.replace(index, symbol="NSE|99926009", name="Nifty Bank", underlying="BANKNIFTY")
    made = chain_instrument(option(1, 26_000), [other, index])
    assert (made.symbol, made.name) == ("NSE|99926000", "NIFTY")
