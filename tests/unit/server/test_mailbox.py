"""The mailbox: what is replaced, what never is, and what happens when it is full."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footloom.server.clients.mailbox import Item, Mailbox

pytestmark = pytest.mark.anyio


def taken_from(mailbox: Mailbox) -> Item:
    item = mailbox.take()
    assert item is not None
    return item


async def drain(mailbox: Mailbox) -> list[bytes | str | None]:
    taken = []
    while mailbox.waiting_items:
        taken.append(taken_from(mailbox).data)
    return taken


async def test_a_newer_state_takes_the_place_of_the_one_that_waits() -> None:
    mailbox = Mailbox()
    mailbox.post_state((1, 100), b"old", 1)
    mailbox.post_state((2, 100), b"other", 2)
    mailbox.post_state((1, 100), b"newer", 1)
    assert mailbox.waiting_bytes == len(b"newerother")
    assert mailbox.replaced == 1
    assert await drain(mailbox) == [b"newer", b"other"]


async def test_events_are_never_replaced() -> None:
    mailbox = Mailbox()
    for number in range(5):
        assert mailbox.post_event(b"%d" % number, 1)
    assert await drain(mailbox) == [b"0", b"1", b"2", b"3", b"4"]


async def test_a_closed_bar_takes_back_its_open_form_but_not_that_of_the_next_bar() -> None:
    mailbox = Mailbox()
    mailbox.post_state((1, 100), b"open 100", 1)
    mailbox.post_state((1, 160), b"open 160", 1)
    mailbox.post_event(b"closed 100", 1, ends=(1, 100))
    assert await drain(mailbox) == [b"open 160", b"closed 100"]


async def test_a_state_before_an_event_is_not_replaced_from_behind_it() -> None:
    # Otherwise the newer state would be sent ahead of the older event of the same topic.
    mailbox = Mailbox()
    mailbox.post_state((1, 160), b"open, seq 1", 1)
    mailbox.post_event(b"revised, seq 2", 1)
    mailbox.post_state((1, 160), b"open, seq 3", 1)
    assert await drain(mailbox) == [b"open, seq 1", b"revised, seq 2", b"open, seq 3"]


async def test_what_does_not_fit_is_refused_and_leaves_no_trace() -> None:
    mailbox = Mailbox(max_bytes=10, max_items=3)
    assert mailbox.post_event(b"12345678", 1)
    assert not mailbox.post_event(b"too long", 1)
    assert not mailbox.post_state((1, 5), b"too long", 1)
    assert mailbox.post_event(b"9", 2)
    assert mailbox.post_state((2, 5), b"0", 2)
    assert not mailbox.post_event(b"", 2)
    assert (mailbox.waiting_bytes, mailbox.waiting_items) == (10, 3)
    assert await drain(mailbox) == [b"12345678", b"9", b"0"]


async def test_a_state_that_grows_too_long_is_refused() -> None:
    mailbox = Mailbox(max_bytes=4)
    assert mailbox.post_state((1, 5), b"1234", 1)
    assert not mailbox.post_state((1, 5), b"12345", 1)


async def test_forgetting_a_topic_leaves_the_others() -> None:
    mailbox = Mailbox()
    mailbox.post_event(b"a", 1)
    mailbox.post_state((1, 5), b"b", 1)
    mailbox.post_due("a snapshot", 1)
    mailbox.post_event(b"c", 2)
    mailbox.post_event("hello")
    mailbox.forget(1)
    assert await drain(mailbox) == [b"c", "hello"]
    assert (mailbox.waiting_bytes, mailbox.waiting_items) == (0, 0)


async def test_an_empty_mailbox_gives_nothing() -> None:
    mailbox = Mailbox()
    assert mailbox.take() is None
    mailbox.post_due("a snapshot", 7)
    assert taken_from(mailbox).due == "a snapshot"
    assert mailbox.take() is None


posts = st.lists(
    st.tuples(
        st.sampled_from(["state", "event", "close", "forget", "get"]), st.integers(1, 3), st.integers(0, 2), st.binary()
    )
)


@given(posts)
def test_accounts_hold_and_no_event_is_lost_or_overtaken(actions: list[tuple[str, int, int, bytes]]) -> None:
    mailbox = Mailbox(max_bytes=200, max_items=12)
    asyncio.run(play(mailbox, actions))
    assert mailbox.waiting_bytes == 0
    assert mailbox.waiting_items == 0


async def play(mailbox: Mailbox, actions: list[tuple[str, int, int, bytes]]) -> None:
    taken: list[bytes | str | None] = []
    events: list[bytes] = []
    for number, (what, topic, bar, filler) in enumerate(actions):
        data = b"%d:%d:" % (topic, number) + filler
        if what == "state":
            mailbox.post_state((topic, bar), data, topic)
        elif what == "forget":
            mailbox.forget(topic)
            events = [event for event in events if event in taken or not event.startswith(b"%d:" % topic)]
        elif what == "get":
            taken += [taken_from(mailbox).data] if mailbox.waiting_items else []
        elif mailbox.post_event(data, topic, ends=(topic, bar) if what == "close" else None):
            events.append(data)
        assert mailbox.waiting_items <= mailbox.max_items
    taken += await drain(mailbox)
    assert [data for data in taken if data in events] == events


async def test_states_of_one_topic_are_sent_in_the_order_of_their_places() -> None:
    # Two open bars wait, and the first one changes: its newer form is the later word of the topic.
    mailbox = Mailbox()
    mailbox.post_state((1, 100), b"A1", 1, (1, (10, 10)))
    mailbox.post_state((2, 100), b"other", 2, (1, None))
    mailbox.post_state((1, 160), b"B2", 1, (2, (20, 20)))
    mailbox.post_state((1, 100), b"A3", 1, (3, (30, 30)))
    items = [taken_from(mailbox) for _ in range(mailbox.waiting_items)]
    assert [item.data for item in items] == [b"B2", b"other", b"A3"]
    assert [item.mark for item in items] == [(2, (20, 20)), (1, None), (3, (10, 30))], "the oldest is not forgotten"


@given(st.lists(st.tuples(st.sampled_from([1, 2]), st.sampled_from([100, 160, 220]), st.booleans()), max_size=40))
async def test_places_of_a_topic_only_grow(posts: list[tuple[int, int, bool]]) -> None:
    mailbox, seqs = Mailbox(), {1: 0, 2: 0}
    for topic, key, is_event in posts:
        seqs[topic] += 1
        mark = (seqs[topic], None)
        if is_event:
            mailbox.post_event(b"e", topic, ends=(topic, key), mark=mark)
        else:
            mailbox.post_state((topic, key), b"s", topic, mark)
    sent: dict[int, list[int]] = {1: [], 2: []}
    while mailbox.waiting_items:
        item = taken_from(mailbox)
        assert item.mark is not None
        assert item.topic_id is not None
        sent[item.topic_id].append(item.mark[0])
    for topic, seen in sent.items():
        assert seen == sorted(seen)
        assert not posts or seqs[topic] == 0 or seen[-1] == seqs[topic], "the newest word is never lost"
