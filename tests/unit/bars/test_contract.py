"""Every bar rule holds the contract; rules of outside packages are found; planted faults are caught (2.3, 2.4)."""

import importlib.metadata
from dataclasses import dataclass, replace

import numpy as np
import pytest

from footloom import bars
from footloom.bars import parse_rule
from footloom.bars._sequential import Sequential
from footloom.errors import ConfigError
from footloom.testing.bar_contract import check

RULES = [
    *("1s", "1m", "7h", "1d", "1w"),
    *("1t", "7t", "1000t"),
    *("3v", "100v", "1v-split", "37v-split"),
    *("5000q", "5000q-split", "999q-split"),
    *("r1", "r12", "ren1", "ren5", "ren3-1", "ren2-4"),
    *("d1", "d30", "ib", "ib3", "vib25", "qib9000", "ib3-e6", "vib20-e5", "qib9000-e"),
    *("rb4", "vrb40", "qrb9000"),
]


@pytest.mark.parametrize("rule", RULES)
def test_contract(rule):
    check(rule, seeds=[RULES.index(rule)], rows=200)


class Entry:
    """An entry point of another package."""

    def __init__(self, parse):
        self.load = lambda: parse


@pytest.fixture
def outside(monkeypatch):
    """Install a rule as an outside package would, by its entry point."""
    real = importlib.metadata.entry_points

    def install(rule):
        def parse(text):
            return rule if text == rule.text else None

        def entry_points(**wanted):
            return [Entry(parse)] if wanted.get("group") == "footloom.bars" else real(**wanted)

        monkeypatch.setattr(bars.importlib.metadata, "entry_points", entry_points)
        parse_rule.cache_clear()

    yield install
    parse_rule.cache_clear()


@dataclass(frozen=True, slots=True)
class Odd(Sequential):
    """A bar ends with each trade at a price that divides by seven."""

    def cut(self, trades, _memory):
        return trades, np.flatnonzero(trades.price_tick % 7 == 0) + 1


def test_a_rule_of_another_package_is_found_and_holds_the_contract(outside):
    with pytest.raises(ConfigError, match="names no bars"):
        parse_rule("odd7")
    outside(Odd("odd7"))

    assert parse_rule(" odd7 ").text == "odd7"
    check("odd7", seeds=[0], rows=300)


def wrong(rule, change):
    """Return the rule with its edges and state changed."""

    @dataclass(frozen=True)
    class Wrong:
        text: str = "wrong"
        sequential: bool = True

        def edges(self, trades, calendar, state=b""):
            return change(trades, calendar, state, rule.edges(trades, calendar, state))

    return Wrong()


def forgets(trades, calendar, state, given):
    return parse_rule("7t").edges(trades, calendar) if len(trades) else (given[0], state)


def loses_a_trade(_trades, _calendar, _state, given):
    edges, state = given
    if len(edges):
        edges = replace(edges, ends=np.append(edges.ends[:-1], edges.ends[-1] - 1))
    return edges, state


def keys_by_time(trades, _calendar, _state, given):
    edges, state = given
    if not len(edges):
        return edges, state
    opens, last = trades.ts_exch_ns[edges.ends[:-1]], trades.ts_exch_ns[edges.ends[1:] - 1]
    return replace(edges, open_ns=opens, close_ns=last + 1, until_ns=None), state


def never_complete(_trades, _calendar, _state, given):
    edges, state = given
    return replace(edges, complete=True), state


def loses_volume(trades, _calendar, _state, given):
    edges, state = given
    rows = edges.rows(trades)
    return replace(edges, pieces=replace(rows, qty_lot=np.maximum(1, rows.qty_lot - 1))), state


FAULTS = {
    forgets: "alike",
    loses_a_trade: "row",
    keys_by_time: "ascend",
    never_complete: "complete",
    loses_volume: "lots of a trade",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_planted_fault_is_caught(outside, fault):
    outside(wrong(parse_rule("7t"), fault))

    with pytest.raises(AssertionError, match=FAULTS[fault]):
        check("wrong")


@dataclass(frozen=True, slots=True)
class Overnight(Sequential):
    """Seven trades, whatever the session: what the base keeps apart is joined again."""

    def _sessions(self, trades, _calendar, kept):
        kept[1] = 2**62
        yield trades

    def cut(self, trades, memory):
        ends = np.arange(7 - memory[0], len(trades) + 1, 7)
        memory[0] = (memory[0] + len(trades)) % 7
        return trades, ends


def test_a_bar_that_goes_on_behind_its_session_is_caught(outside):
    outside(Overnight("overnight"))

    with pytest.raises(AssertionError, match="session"):
        check("overnight")


def test_a_rule_whose_canonical_text_spells_another_is_caught(outside):
    outside(Odd("odd7"))
    object.__setattr__(parse_rule("odd7"), "text", "7t")

    check("7t", seeds=[0], rows=50)  # ours comes first
    with pytest.raises(AssertionError):
        check("odd7", seeds=[0], rows=50)
