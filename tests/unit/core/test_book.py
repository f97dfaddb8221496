"""Order books: the three ways of numbering changes, and what must never be believed."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footloom.core.book import BookChange, BookState, Chain, OrderBook, Outcome

LEVELS = {"bids": ((100, 5), (99, 3)), "asks": ((101, 7), (102, 4))}


def snapshot(last_id: int) -> BookChange:
    return BookChange(last_id, last_id, **LEVELS, is_snapshot=True)


def change(
    first_id: int,
    last_id: int,
    prev_id: int | None = None,
    bids: tuple[tuple[int, int], ...] = (),
    asks: tuple[tuple[int, int], ...] = (),
) -> BookChange:
    return BookChange(first_id, last_id, bids, asks, prev_id)


def outcomes(book: OrderBook, *changes: BookChange) -> list[str]:
    return [book.apply(one).outcome.value for one in changes]


def test_the_exercise_of_spot() -> None:
    book = OrderBook(Chain.RANGE)
    events = [change(90, 98), change(99, 103), change(104, 110)]

    assert outcomes(book, *events) == ["held"] * 3
    assert outcomes(book, snapshot(100)) == ["replaced"]
    assert (book.state, book.last_id) == (BookState.SYNCED, 110)

    gap = book.apply(change(113, 115))
    assert gap.outcome is Outcome.GAP
    assert gap.text == "after update 110 came 113"
    assert (book.state, book.best_bid, book.best_ask) == (BookState.BROKEN, None, None)


def test_the_exercise_of_spot_one_by_one() -> None:
    book = OrderBook(Chain.RANGE)
    events = [snapshot(100), change(90, 98), change(99, 103), change(104, 110), change(113, 115)]

    assert outcomes(book, *events) == ["replaced", "ignored", "applied", "applied", "gap"]


def test_the_exercise_of_futures() -> None:
    events = [change(80, 99, 79), change(95, 104, 94), change(120, 130, 104), change(140, 150, 131)]
    book = OrderBook(Chain.PREVIOUS)
    assert outcomes(book, snapshot(100), *events) == ["replaced", "ignored", "applied", "applied", "gap"]

    book = OrderBook(Chain.PREVIOUS)
    assert outcomes(book, *events[:3], snapshot(100)) == ["held", "held", "held", "replaced"]
    assert book.last_id == 130
    gap = book.apply(events[3])
    assert (gap.outcome, gap.text) == (Outcome.GAP, "after update 130 came one that follows 131")


def test_the_exercise_of_bybit() -> None:
    book = OrderBook(Chain.COUNTED)
    assert outcomes(book, change(9, 9), snapshot(10), change(11, 11), change(13, 13)) == [
        "ignored", "replaced", "applied", "gap",
    ]  # fmt: skip
    assert outcomes(book, change(14, 14), snapshot(1), change(2, 2)) == ["ignored", "replaced", "applied"]


@pytest.mark.parametrize("chain", list(Chain))
def test_levels_are_set_changed_and_deleted(chain: Chain) -> None:
    book = OrderBook(chain)
    book.apply(snapshot(10))
    assert (book.bids(), book.asks()) == ([(100, 5), (99, 3)], [(101, 7), (102, 4)])

    book.apply(change(11, 11, 10, bids=((100, 0), (98, 1), (99, 9)), asks=((101, 8), (103, 2))))
    assert (book.bids(), book.asks()) == ([(99, 9), (98, 1)], [(101, 8), (102, 4), (103, 2)])
    assert (book.bids(1), book.asks(2)) == ([(99, 9)], [(101, 8), (102, 4)])
    assert (book.best_bid, book.best_ask) == ((99, 9), (101, 8))


@pytest.mark.parametrize("chain", list(Chain))
def test_the_delete_of_a_level_that_is_not_known_is_usual(chain: Chain) -> None:
    """P6: a zero for an unknown level is no fault."""
    book = OrderBook(chain)
    book.apply(snapshot(10))
    assert outcomes(book, change(11, 11, 10, bids=((7, 0),), asks=((107, 0),))) == ["applied"]
    assert (book.bids(), book.asks()) == ([(100, 5), (99, 3)], [(101, 7), (102, 4)])


@pytest.mark.parametrize("chain", list(Chain))
def test_a_duplicate_changes_nothing(chain: Chain) -> None:
    """P6: an update that comes twice counts once."""
    book = OrderBook(chain)
    first, second = change(11, 11, 10, bids=((100, 1),)), change(12, 12, 11, bids=((100, 2),))
    assert outcomes(book, snapshot(10), first, second, first, second) == [
        "replaced", "applied", "applied", "ignored", "ignored",
    ]  # fmt: skip
    assert book.best_bid == (100, 2)


@pytest.mark.parametrize("chain", list(Chain))
def test_out_of_order_is_a_gap(chain: Chain) -> None:
    """P6: it is noticed, and nothing is built on it."""
    book = OrderBook(chain)
    assert outcomes(book, snapshot(10), change(12, 12, 11), change(11, 11, 10))[:2] == ["replaced", "gap"]
    assert book.state is BookState.BROKEN


@pytest.mark.parametrize("chain", list(Chain))
def test_a_crossed_book_is_broken(chain: Chain) -> None:
    """P6: a bid above the ask is no book."""
    book = OrderBook(chain)
    book.apply(snapshot(10))
    crossed = book.apply(change(11, 11, 10, bids=((101, 1),)))
    assert crossed.outcome is Outcome.CROSSED
    assert crossed.text == "after update 11 the bid stands at tick 101, the ask at 101"
    assert (book.state, book.bids(), book.asks()) == (BookState.BROKEN, [], [])


def test_a_crossed_snapshot_is_not_believed() -> None:
    book = OrderBook(Chain.COUNTED)
    wrong = BookChange(10, 10, bids=((105, 1),), asks=((101, 1),), is_snapshot=True)
    assert outcomes(book, wrong) == ["crossed"]
    assert book.state is BookState.BROKEN


@pytest.mark.parametrize("chain", [Chain.RANGE, Chain.PREVIOUS])
def test_a_snapshot_older_than_what_is_held_is_fetched_again(chain: Chain) -> None:
    book = OrderBook(chain)
    events = [change(103, 105, 102), change(106, 108, 105, bids=((100, 9),))]
    assert outcomes(book, *events) == ["held", "held"]
    outdated = book.apply(snapshot(100))
    assert (outdated.outcome, book.state) == (Outcome.OUTDATED, BookState.WAITING)
    assert outdated.text == "snapshot 100 ends before update 103 begins"

    assert outcomes(book, snapshot(104)) == ["replaced"]
    assert (book.state, book.last_id, book.best_bid) == (BookState.SYNCED, 108, (100, 9))


@pytest.mark.parametrize("chain", [Chain.RANGE, Chain.PREVIOUS])
def test_after_a_gap_what_comes_is_held_for_the_next_snapshot(chain: Chain) -> None:
    book = OrderBook(chain)
    late, later = change(113, 115, 112, bids=((100, 8),)), change(116, 118, 115, asks=((101, 6),))
    assert outcomes(book, snapshot(110), late, later) == ["replaced", "gap", "held"]
    assert outcomes(book, snapshot(114)) == ["replaced"]
    assert (book.last_id, book.best_bid, book.best_ask) == (118, (100, 8), (101, 6))


@pytest.mark.parametrize("chain", [Chain.RANGE, Chain.PREVIOUS])
def test_a_snapshot_older_than_the_book_is_not_taken(chain: Chain) -> None:
    book = OrderBook(chain)
    assert outcomes(book, snapshot(110), change(111, 120, 110), snapshot(105)) == ["replaced", "applied", "outdated"]
    assert (book.state, book.last_id) == (BookState.SYNCED, 120)


@pytest.mark.parametrize("chain", [Chain.RANGE, Chain.PREVIOUS])
def test_a_gap_within_what_was_held(chain: Chain) -> None:
    book = OrderBook(chain)
    held = [change(99, 103, 98), change(108, 110, 107)]
    assert outcomes(book, *held, snapshot(100)) == ["held", "held", "gap"]
    assert (book.state, book.bids()) == (BookState.BROKEN, [])


def test_futures_that_begin_right_behind_the_snapshot_miss_nothing() -> None:
    book = OrderBook(Chain.PREVIOUS)
    assert outcomes(book, snapshot(100), change(105, 110, 100), change(130, 140, 110)) == [
        "replaced", "applied", "applied",
    ]  # fmt: skip


def test_a_count_that_begins_anew_without_a_snapshot_is_a_gap() -> None:
    book = OrderBook(Chain.COUNTED)
    assert outcomes(book, snapshot(50_000), change(3, 3)) == ["replaced", "gap"]


def test_only_the_levels_of_the_stream_are_kept() -> None:
    book = OrderBook(Chain.COUNTED, depth=2)
    book.apply(snapshot(10))
    book.apply(change(11, 11, bids=((98, 1),), asks=((105, 1),)))
    assert (book.bids(), book.asks()) == ([(100, 5), (99, 3)], [(101, 7), (102, 4)])
    book.apply(change(12, 12, asks=((101, 0),), bids=((100, 4),)))
    assert book.asks() == [(102, 4)]  # what fell out is not known any more


def test_a_reset_forgets_everything() -> None:
    book = OrderBook(Chain.PREVIOUS)
    outcomes(book, snapshot(10), change(11, 11, 10))
    book.reset()
    assert (book.state, book.bids(), book.last_id) == (BookState.WAITING, [], -1)
    assert outcomes(book, change(12, 12, 11)) == ["held"]


class Tape:
    """A book that is known, the changes that lead to it, and a snapshot at any of them."""

    def __init__(self, seed: int, count: int) -> None:
        rng = random.Random(seed)
        self.sides: list[dict[int, int]] = [{100: 1}, {101: 1}]
        self.states = [self._state()]
        self.changes: list[BookChange] = []
        last_id = 1000
        for _ in range(count):
            first_id = last_id + rng.choice([1, 1, 5])
            prev_id, last_id = last_id, first_id + rng.randrange(4)
            levels = [self._move(rng, side) for side in (0, 1)]
            self.changes.append(BookChange(first_id, last_id, levels[0], levels[1], prev_id))
            self.states.append(self._state())

    def _move(self, rng: random.Random, side: int) -> tuple[tuple[int, int], ...]:
        base = 100 if side == 0 else 101
        told = {}
        for _ in range(rng.randrange(4)):
            away = rng.randrange(1, 9)
            told[base - away if side == 0 else base + away] = rng.choice([0, 0, 1, 2, 3])
        for price, qty in told.items():
            self.sides[side].pop(price, None)
            if qty:
                self.sides[side][price] = qty
        return tuple(told.items())

    def _state(self) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]:
        return tuple(sorted(self.sides[0].items(), reverse=True)), tuple(sorted(self.sides[1].items()))

    def snapshot(self, at: int) -> BookChange:
        last_id = self.changes[at - 1].last_id if at else 1000
        return BookChange(last_id, last_id, *self.states[at], is_snapshot=True)


@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.data())
def test_a_book_is_right_or_not_synced(seed: int, count: int, data: st.DataObject) -> None:
    """Whatever is lost, doubled or swapped on the way: as long as the book says synced, it is the true one."""
    tape = Tape(seed, count)
    sent = list(range(count))
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(sent) - 1)) if sent else 0
        match data.draw(st.sampled_from(["drop", "double", "swap"])):
            case "drop":
                sent[at : at + 1] = []
            case "double":
                sent[at:at] = sent[at : at + 1]
            case "swap":
                sent[at : at + 2] = reversed(sent[at : at + 2])
    book = OrderBook(Chain.PREVIOUS)
    truth = {1000: tape.states[0]} | {
        one.last_id: state for one, state in zip(tape.changes, tape.states[1:], strict=True)
    }
    for k in sent:
        if data.draw(st.booleans()) and book.state is not BookState.SYNCED:
            book.apply(tape.snapshot(data.draw(st.integers(0, count))))
        book.apply(tape.changes[k])
        if book.state is BookState.SYNCED:
            assert (tuple(book.bids()), tuple(book.asks())) == truth[book.last_id]
        else:
            assert (book.bids(), book.asks()) == ([], [])
