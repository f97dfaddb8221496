"""When a connection is dead, deaf or old, and how long to wait before the next."""

from __future__ import annotations

import random

from footloom.feeds._watch import Backoff, Watch

SECOND = 1_000_000_000
BTC, ETH = ("BTCUSDT", "agg_trade"), ("ETHUSDT", "agg_trade")


def watch(*expects: tuple[str, str]) -> Watch:
    made = Watch(frozenset(expects), stall_s=30.0, life_s=3600.0)
    made.opened(0)
    return made


def verdict(one: Watch, seconds: float, *, market_open: bool = True) -> str:
    return one.verdict(int(seconds * SECOND), market_open=market_open)


def test_waits_double_up_to_thirty_seconds_and_are_never_the_same(seed: int) -> None:
    backoff = Backoff(random.Random(seed))
    waits = [backoff.next_s() for _ in range(12)]

    assert all(0.5 * longest <= wait <= longest for wait, longest in zip(waits, (1, 2, 4, 8, 16), strict=False))
    assert all(15 <= wait <= 30 for wait in waits[5:])
    assert len(set(waits)) == len(waits)
    backoff.reset()
    assert backoff.next_s() <= 1


def test_a_connection_that_says_nothing_is_dead_while_the_market_is_open() -> None:
    """P18: an open socket that says nothing is dead."""
    one = watch(BTC)
    one.heard(10 * SECOND, {BTC})

    assert verdict(one, 39) == ""
    assert verdict(one, 41) == "stalled"


def test_time_in_which_this_process_did_not_run_is_no_silence() -> None:
    one, other = watch(BTC), watch(BTC, ETH)
    for each in (one, other):
        each.heard(10 * SECOND, {BTC})
        each.looked(11 * SECOND, 80 * SECOND)  # it meant to look 69 s before

    assert [verdict(each, 80) for each in (one, other)] == ["", ""]
    assert [other.unheard(second * SECOND) for second in (98, 100)] == [{}, {ETH: 31.0}]
    assert verdict(one, 108) == ""
    assert verdict(one, 111) == "stalled"
    one.heard(112 * SECOND, {BTC})
    assert one.hush_s(112 * SECOND + 150 * SECOND) == 150.0, "a pause of 33 s was usual, not one of 102 s"
    one.looked(112 * SECOND, 113 * SECOND)
    assert verdict(one, 200) == "stalled", "a machine that is a little late is awake"


def test_messages_whose_own_times_go_on_without_a_pause_were_only_read_late() -> None:
    one = watch(BTC)
    one.heard(1, {BTC})
    for second in range(3):
        one.stamped(second * SECOND + 1, 40 * SECOND + second)
    assert one.silent_until(40 * SECOND) is None
    one.stamped(30 * SECOND, 41 * SECOND)
    one.stamped(90 * SECOND, 42 * SECOND)
    assert one.silent_until(40 * SECOND) == 41 * SECOND, "behind the first pause"
    assert one.silent_until(40 * SECOND) is None, "it is told once"
    one.opened(0)
    assert one.silent_until(40 * SECOND) == 40 * SECOND, "nobody knows where messages tell no time"


def test_nobody_speaks_while_the_market_is_shut() -> None:
    """P18: the watchdog knows the hours of the market."""
    one = watch(BTC)

    assert [verdict(one, second, market_open=False) for second in (100, 1000, 3000)] == ["", "", ""]
    assert verdict(one, 3025) == "", "it may just have opened"
    assert verdict(one, 3031) == "stalled"


def test_a_symbol_that_never_speaks_is_waited_for_longer_each_time() -> None:
    one = watch(BTC)
    waits = []
    now = 0.0
    for _ in range(4):
        one.opened(int(now * SECOND))
        begun = now
        while not verdict(one, now):
            now += 1
        waits.append(now - begun)

    assert waits == sorted(waits)
    assert waits[3] > 4 * waits[0]


def test_a_pair_that_is_silent_while_others_move_is_named() -> None:
    one = watch(BTC, ETH)
    for second in range(0, 40, 5):
        one.heard(second * SECOND, {BTC})

    assert verdict(one, 36) == "silent"
    assert one.unheard(36 * SECOND) == {ETH: 36.0}
    assert not one.judge(36 * SECOND, {ETH}, set())
    assert one.silent == {ETH}
    one.opened(40 * SECOND)
    one.heard(41 * SECOND, {BTC, ETH})
    assert one.silent == set()
    assert verdict(one, 60) == ""


def test_a_pair_that_has_nothing_to_say_is_waited_for_longer_each_time() -> None:
    one, asked = watch(BTC, ETH), []
    for second in range(400):
        one.heard(second * SECOND, {BTC})
        if verdict(one, second) == "silent":
            asked.append(second)
            assert one.judge(second * SECOND, one.unheard(second * SECOND), {ETH})

    assert one.silent == set()
    assert [later - sooner for sooner, later in zip(asked, asked[1:], strict=False)] == [61, 121]
    assert one.judge(400 * SECOND, {BTC}, set()), "what was heard meanwhile is not deaf"


def test_a_pair_that_spoke_before_may_be_quiet_on_the_next_connection() -> None:
    one = watch(BTC, ETH)
    one.heard(0, {BTC, ETH})
    one.opened(10 * SECOND)
    for second in range(10, 100, 5):
        one.heard(second * SECOND, {BTC})

    assert verdict(one, 100) == ""


def test_an_old_connection_is_relieved() -> None:
    one = watch()
    one.heard(3601 * SECOND, {BTC})

    assert verdict(one, 3601) == "old"


def test_a_hush_is_told_long_before_the_connection_is_given_up() -> None:
    one = watch(BTC)
    for second in range(20):
        one.heard(second * SECOND, {BTC})

    assert one.hush_s(19 * SECOND + 4 * SECOND) == 0.0
    assert one.hush_s(19 * SECOND + 7 * SECOND) == 7.0
    assert verdict(one, 26) == ""


def test_who_speaks_seldom_is_not_called_silent() -> None:
    one = watch(BTC)
    for turn in range(5):
        one.heard(turn * 10 * SECOND, {BTC})

    assert one.hush_s(40 * SECOND + 30 * SECOND) == 0.0
    assert one.hush_s(40 * SECOND + 45 * SECOND) == 45.0
