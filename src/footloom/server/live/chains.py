"""Option chains as they change: a stream tells the whole of one, then what of it changed.

Rows that this process records come with their commits; what others store (an import, another process, the simulated
market's minutes) is looked for where none come: every two seconds, or less often in a store where that takes long.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec
import numpy as np

from footloom.core.chains import CHAIN
from footloom.core.series import Series
from footloom.errors import FootloomError
from footloom.feeds.flow import Commit
from footloom.feeds.stored_chain import ChainAsk, chain_stamp, newest, standing_chain
from footloom.options.chain import Chain
from footloom.options.deltas import change_of
from footloom.options.documents import chain_reply
from footloom.options.replies import ChainReply
from footloom.server.live.sides import SideReader
from footloom.server.wire.frames import Form, Frame
from footloom.server.wire.messages import ChainAsked, ChainText, StreamRequest, Subscribed, encode_text
from footloom.store import Store

__all__ = ("ChainStream", "chain_keys", "place_of", "start_chain")

_LOG = logging.getLogger(__name__)

_LOOK_S: Final = 2.0  # whether others have stored more
_LOOK_SHARE: Final = 0.04  # of one core at the most: in a store of hundreds of options a look takes 0.3 s
_PACE_S: Final = 0.5  # from one message to the next, at least
_UNKNOWN: Final = (-1, -1)  # what is stored has to be read anew


def place_of(asked: ChainAsked) -> str:
    """Return the name under which a symbol keeps the stream of what is asked."""
    return f"options {msgspec.json.encode(asked).decode()}"


def chain_keys(commit: Commit) -> set[str]:
    """Return the underlyings of whose options a commit says something: it is their options' own."""
    return {rows.instrument.key for rows in commit.series if rows.tape == CHAIN}


@dataclass(eq=False)
class ChainStream:
    """The chain of one underlying as one question sees it, for all who ask the same.

    Everything here happens on the event loop, but for the sums. ``name`` is its place among the symbol's streams,
    ``reply`` what its readers know.
    """

    id: int
    key: str
    name: str
    asked: ChainAsked
    store: Store
    chain: Chain
    reply: ChainReply
    stamp: tuple[int, int] | None  # None: not looked at since rows of this process came
    seq: int = 0
    readers: set[SideReader] = field(default_factory=set)
    folding: asyncio.Lock = field(default_factory=asyncio.Lock)
    _fresh: list[Series] = field(default_factory=list)
    _look_s: float = 0.0
    _problem: str = ""
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _work: asyncio.Task[None] | None = None

    def subscribed(self, request_id: int) -> Subscribed:
        """Return the answer to a request of this stream."""
        return Subscribed(request_id, self.id, stream=StreamRequest(symbol=self.key, name="options", chain=self.asked))

    def snapshot(self, history_bars: int, form: Form = "json") -> Awaitable[bytes | str]:  # noqa: ARG002 - as a chart's
        """Return the whole chain, and look for changes from here on; it is text in either form."""
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._run())
        return _made(encode_text(ChainText(self.id, self.seq, "snapshot", chain=self.reply, problem=self._problem)))

    def study_snapshot(self, history_bars: int, form: Form) -> None:
        """Return nothing: studies stand beside charts."""

    def catch_up(self, commits: Sequence[Commit] = ()) -> None:
        """Take in what came while the stored rows were read: a row that is known already changes nothing."""
        for commit in commits:
            self.apply(commit)

    def apply(self, commit: Commit) -> None:
        """Take in the rows of a commit that are of this chain."""
        rows = [one for one in commit.series if one.tape == CHAIN and one.instrument.key == self.key and len(one)]
        if rows:
            self._fresh += rows
            self._news.set()

    # It ends with its last reader; who comes later starts it again.
    async def _run(self) -> None:
        while self.readers:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(_LOOK_S, self._look_s)):
                    await self._news.wait()
            self._news.clear()
            await self._step()
            await asyncio.sleep(_PACE_S)

    async def _step(self) -> None:
        fresh, self._fresh = self._fresh, []
        try:
            self.chain, self.stamp, reply = await asyncio.to_thread(self._next, fresh)
            problem = ""
        except FootloomError as error:
            reply, problem, self.stamp = self.reply, str(error), _UNKNOWN
        except Exception:  # noqa: BLE001 - the others' streams go on, and the next look may read it
            _LOG.exception("the chain of %s could not be told", self.key)
            reply, self.stamp = self.reply, _UNKNOWN
            problem = "the chain could not be told: the server's log says why"
        self._post(reply, problem)

    # Blocking. Where this process heard rows, what the store has more is taken for them until it is quiet.
    def _next(self, fresh: Sequence[Series]) -> tuple[Chain, tuple[int, int] | None, ChainReply]:
        chain = self.chain
        if fresh:
            stamp = _UNKNOWN if self.stamp == _UNKNOWN else None
            chain = _joined(chain, fresh)
        else:
            began_s = time.thread_time()
            stamp = chain_stamp(self.store, self.key)
            self._look_s = (time.thread_time() - began_s) / _LOOK_SHARE
            if self.stamp not in {None, stamp}:
                chain = standing_chain(self.store, self.key)
        if chain is self.chain:
            return chain, stamp, self.reply
        return chain, stamp, chain_reply(newest(chain, _ask_of(self.asked)))

    def _post(self, reply: ChainReply, problem: str) -> None:
        before, self.reply = self.reply, reply
        if reply == before and problem == self._problem:
            return
        self._problem = problem
        self.seq += 1
        change = change_of(before, reply)
        if change is None:
            said = ChainText(self.id, self.seq, "snapshot", chain=reply, problem=problem)
        else:
            said = ChainText(self.id, self.seq, "update", change=change, problem=problem)
        text = encode_text(said)
        frame = Frame(self.id, self.seq, said.kind, lambda _form: text)
        for reader in list(self.readers):
            reader.post_event(frame)


def _ask_of(asked: ChainAsked) -> ChainAsk:
    """Return what is asked of the chain."""
    ask = ChainAsk(expiry=asked.expiry, around=asked.strikes, price=asked.price)
    return ask if asked.rate is None else msgspec.structs.replace(ask, rate=asked.rate)


def start_chain(number: int, key: str, asked: ChainAsked, store: Store) -> ChainStream:
    """Return the stream of what is stored by now. Blocking.

    Raises
    ------
    NotStored
        There is no such chain, or it has no such expiry.
    """
    stamp, chain = chain_stamp(store, key), standing_chain(store, key)
    reply = chain_reply(newest(chain, _ask_of(asked)))
    return ChainStream(number, key, place_of(asked), asked, store, chain, reply, stamp)


# In the order of time: rows of several options come one option after the other.
def _joined(chain: Chain, fresh: Sequence[Series]) -> Chain:
    both = Series.concat([chain.series, *fresh])
    return Chain(both.take(np.argsort(both.ts_exch_ns, kind="stable")), chain.lots).standing()


async def _made(text: str) -> str:
    return text
