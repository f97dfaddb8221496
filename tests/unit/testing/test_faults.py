"""Orders of faults: read, refused, due at their times, and the same for the same seed."""

from __future__ import annotations

import pytest

from footloom.errors import ConfigError
from footloom.testing.venues.dialect import Out
from footloom.testing.venues.faults import KINDS, Faults
from footloom.testing.venues.tampering import Tampering

SECOND = 1_000_000_000


def outs(count: int) -> list[Out]:
    return [Out("a", b"%d" % n, "trade", b"trade/%d" % n) for n in range(count)]


def passed(spec: str, count: int, seed: int = 7) -> list[int]:
    tampering = Tampering(Faults.parse(spec, seed), 0)
    sent = [out for n, out in enumerate(outs(count)) for out in tampering.apply([out], n * SECOND)]
    sent += tampering.apply([], 10**6 * SECOND)
    return [int(out.payload) for out in sent]


def test_an_order_is_read_as_written() -> None:
    faults = Faults.parse("disconnect@10s,code=1000; duplicate@p=0.25;burst@1.5m,rate=100,for=500ms").faults

    assert [(one.kind, one.at_ns, one.p, one.code, one.rate, one.for_ns) for one in faults] == [
        ("disconnect", 10 * SECOND, 0.0, 1000, 0, 0),
        ("duplicate", None, 0.25, 0, 0, 0),
        ("burst", 90 * SECOND, 0.0, 0, 100, 500_000_000),
    ]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("explode@10s", "explode@10s"),
        ("disconnect", "orders no fault"),
        ("disconnect@soon", "no duration"),
        ("disconnect@10s,colour=red", "knows no colour"),
        ("disconnect@p=0.5", "hits no single messages"),
        ("drop@p=2", "no probability"),
        ("drop@p=half", "no number"),
        ("drop@on=trade", "says no time"),
        ("drop@p=", "has no value"),
    ],
)
def test_what_cannot_be_ordered_is_refused_in_words(spec: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Faults.parse(spec)


def test_times_come_in_order_once_and_again() -> None:
    faults = Faults.parse("u_reset@4s;disconnect@every=2s")

    times = [(at // SECOND, fault.kind) for at, fault in faults.times(0, 6 * SECOND)]

    assert times == [(2, "disconnect"), (4, "u_reset"), (4, "disconnect"), (6, "disconnect")]
    assert [at // SECOND for at, _ in faults.times(4 * SECOND, 5 * SECOND)] == []


def test_a_lasting_fault_ends() -> None:
    faults = Faults.parse("mute@10s,for=5s")

    assert [faults.under_way("mute", at * SECOND) is not None for at in (9, 10, 14, 15)] == [False, True, True, False]


def test_chance_is_the_seed_s() -> None:
    first, again, other = (passed("drop@p=0.3", 1000, seed) for seed in (1, 1, 2))

    assert first == again != other
    assert 600 < len(first) < 800


def test_nothing_but_a_drop_loses_anything() -> None:
    for spec in ("duplicate@p=0.2", "reorder@p=0.2,by=3", "late@p=0.2,by=4s"):
        sent = passed(spec, 500)
        assert sorted(set(sent)) == list(range(500)), spec
        assert sent != list(range(500)), spec


def test_a_drop_hits_only_its_kind() -> None:
    assert passed("drop@p=1,on=book", 20) == list(range(20))
    assert passed("drop@5s,for=3s", 12) == [0, 1, 2, 3, 4, 8, 9, 10, 11]


def test_every_fault_is_described() -> None:
    assert all(words for words, _ in KINDS.values())
