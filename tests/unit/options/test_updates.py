"""Updates of open interest, the rows that tell how a chain stands, and what changed between two states of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footloom.core.chains import source_code
from footloom.core.series import NO_QUOTE
from footloom.options.chain import Chain
from footloom.options.deltas import change_of
from footloom.options.documents import chain_reply
from footloom.options.measures import Measures
from tests.unit.options.chain_kit import EXPIRY_NS, MINUTE_NS, MONDAY_NS, OPEN_NS, Row, call, chain_of, put, spot

FEED = source_code("upstox_feed")
SECOND = 10**9


def steps_of(*rows: Row) -> list[int | None]:
    chain = chain_of(*rows)
    at = np.array([rows[-1]["at"]])
    changed, _ = chain.board(EXPIRY_NS, at).steps("call")
    return [None if one == NO_QUOTE else one for one in changed[0].tolist()]


def test_a_step_is_against_the_update_before_and_not_against_a_minute() -> None:
    """Three updates within one minute: whole minutes would hide two of them."""
    rows = [call(OPEN_NS + at * SECOND, 26000, oi_lot=oi) for at, oi in ((1, 1_000), (20, 1_100), (40, 1_050))]
    assert [steps_of(*rows[: count + 1]) for count in range(3)] == [[None], [100], [-50]]


def test_a_table_that_says_the_same_again_has_not_changed_and_a_feed_has_not_been_updated() -> None:
    table = [call(OPEN_NS + at * MINUTE_NS, 26000, oi_lot=oi) for at, oi in ((0, 10), (3, 17), (6, 17))]
    assert steps_of(*table) == [0]
    assert steps_of(*(row | {"source": FEED} for row in table)) == [7]


def test_no_update_of_another_day_another_side_or_another_expiry() -> None:
    other = call(OPEN_NS + 1, 26000, oi_lot=5) | {"expiry_ns": EXPIRY_NS + 7 * 86_400 * SECOND}
    assert steps_of(put(OPEN_NS, 26000, oi_lot=3), other, call(OPEN_NS + 2, 26000, oi_lot=9)) == [None]
    assert steps_of(call(OPEN_NS, 26000, oi_lot=3), call(MONDAY_NS, 26000, oi_lot=9)) == [None]


def plain_step(rows: Sequence[Row], strike: int) -> int | None:
    """Return the step of the call of a strike at the last row, by a plain walk over the rows of the last day."""
    said: list[tuple[int, int]] = []
    for row in rows:
        is_it = (
            row["side"] == 1
            and row["strike_tick"] == strike * 100
            and row["at"] // 86_400_000_000_000 == (rows[-1]["at"] // 86_400_000_000_000)
        )
        if is_it and "oi_lot" in row:
            repeats = said and row["source"] == FEED and said[-1][0] == row["oi_lot"]
            if not repeats:
                said.append((row["oi_lot"], row["at"]))
    return said[-1][0] - said[-2][0] if len(said) > 1 else None


def _row(draw: Any, at_ns: int) -> Row:
    if draw(st.integers(0, 9)) == 0:
        return spot(at_ns, draw(st.sampled_from([26_010.0, 26_090.5])))
    side = call if draw(st.booleans()) else put
    said: dict[str, int] = {}
    if draw(st.booleans()):
        said["oi_lot"] = draw(st.integers(0, 3)) * 75
    if draw(st.booleans()):
        said |= {"bid_tick": draw(st.integers(100, 104)), "bid_lot": draw(st.integers(0, 2))}
    if draw(st.booleans()):
        said |= {"ask_tick": draw(st.integers(103, 107)), "ask_lot": 75, "ltp_tick": draw(st.integers(1, 9))}
    if draw(st.integers(0, 3)) == 0:
        said |= {"prev_oi_lot": 150, "iv_e8": draw(st.integers(1, 3))}
    row = side(at_ns, draw(st.sampled_from([26000, 26100, 26200])), **said)
    return row | {"source": draw(st.sampled_from([0, FEED]))}


@st.composite
def tapes(draw: Any) -> list[Row]:
    at_ns, rows = OPEN_NS, [call(OPEN_NS, 26000, oi_lot=75)]
    for _ in range(draw(st.integers(1, 24))):
        at_ns += draw(st.sampled_from([0, SECOND, 40 * SECOND, 4 * MINUTE_NS]))
        at_ns = MONDAY_NS if at_ns < MONDAY_NS and draw(st.integers(0, 20)) == 0 else at_ns
        rows.append(_row(draw, at_ns))
    rows.append(call(at_ns, 26100, volume_lot=1))
    return rows


def reply_of(chain: Chain) -> Any:
    at = np.array([chain.series.ts_exch_ns[-1]])
    return chain_reply(Measures(chain.board(EXPIRY_NS, at)))


@settings(max_examples=settings().max_examples // 2)
@given(tapes(), st.integers(0, 26))
def test_standing_rows_say_what_all_rows_say_and_can_be_told_on(rows: list[Row], cut: int) -> None:
    whole = chain_of(*rows)
    standing = whole.standing()
    today = [row for row in rows if (row["at"] < MONDAY_NS) == (rows[-1]["at"] < MONDAY_NS)]
    assert len(standing) <= min(len(rows), 8 * 14 + 2)
    assert reply_of(standing) == reply_of(chain_of(*today))
    cut = min(cut, len(rows) - 1)
    if cut:
        early = chain_of(*rows[:cut]).standing()
        joined = Chain(type(early.series).concat([early.series, chain_of(*rows[cut:]).series])).standing()
        assert reply_of(joined) == reply_of(standing)
    told = {row.strike: row.call.oi_step for row in reply_of(whole).rows}
    for strike in (26000, 26100, 26200):
        if str(strike) in told:
            step = plain_step(rows, strike)
            assert told[str(strike)] == (None if step is None else str(step))


def applied(before: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Apply a change as a client does: fields that are named replace, and of nested ones their entries."""
    news = {row["strike"]: row for row in change["rows"]}
    rows = []
    for row in before["rows"]:
        if row["strike"] not in change["strikes"]:
            continue
        new = dict(row)
        for side in ("call", "put"):
            cell = news.get(row["strike"], {}).get(side, {})
            nested = {name: row[side][name] | cell.get(name, {}) for name in ("said", "venue")}
            new[side] = row[side] | cell | nested
        rows.append(new)
    after: dict[str, Any] = change["head"] | {"rows": rows}
    return after


@settings(max_examples=settings().max_examples // 2)
@given(tapes(), tapes())
def test_a_change_applied_to_what_was_gives_what_is(rows: list[Row], others: list[Row]) -> None:
    offset = max(0, rows[-1]["at"] - OPEN_NS)
    later = [row | {"at": row["at"] + offset} for row in others]
    before, now = reply_of(chain_of(*rows)), reply_of(chain_of(*rows, *later))
    change = change_of(before, now)
    plain = [json.loads(msgspec.json.encode(one)) for one in (before, now)]
    if change is None:
        assert plain[0] != plain[1]
    else:
        assert applied(plain[0], json.loads(msgspec.json.encode(change))) == plain[1]


def test_what_is_no_longer_said_is_told_by_the_whole_chain() -> None:
    friday = [call(OPEN_NS, 26000, oi_lot=75, volume_lot=3), put(OPEN_NS, 26000, oi_lot=75)]
    before, now = reply_of(chain_of(*friday)), reply_of(chain_of(*friday, call(MONDAY_NS, 26000, oi_lot=80)))
    assert change_of(before, now) is None
    assert change_of(before, before) is not None


@pytest.mark.parametrize("count", [1, 2])
def test_small_chains_stand(count: int) -> None:
    rows = [spot(OPEN_NS, 26_000.5), call(OPEN_NS, 26000, oi_lot=1)][:count]
    assert len(chain_of(*rows).standing()) == count
