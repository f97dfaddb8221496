"""Who looks at what: topics start with their first subscriber and stop some time after the last.

Commits reach each topic once. Everything here happens on the event loop; reading the store happens in threads. A
topic that starts while commits arrive reads the store first and then folds what arrived meanwhile, each row once.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import defaultdict
from dataclasses import dataclass, field, replace

import numpy as np

from footloom.core.trades import FLAG_INFERRED, FLAG_NO_ID, Trades
from footloom.errors import FootloomError
from footloom.feeds.flow import Commit
from footloom.server.history import ChartKey, History, Seed
from footloom.server.messages import TopicRequest
from footloom.server.status import STATUS_INTERVAL_S, SymbolStatus
from footloom.server.topics import FLUSH_S, Subscriber, Topic

__all__ = ("LINGER_S", "Hub", "unseen")

LINGER_S = 60.0  # a page that is reloaded finds its topic warm
_LOG = logging.getLogger(__name__)


def unseen(trades: Trades, seeded: Trades) -> Trades:
    """Return the rows of ``trades`` that are not in ``seeded``.

    Rows with ids are the same row when their ids are. Rows without (and those inferred from snapshots) arrive in
    order: what was received after the newest seeded row is new.
    """
    if not len(seeded) or not len(trades):
        return trades
    if np.any(trades.flags & (FLAG_NO_ID | FLAG_INFERRED)):
        return trades.take(trades.ts_recv_ns > seeded.ts_recv_ns.max())
    near = seeded.trade_id[seeded.ts_exch_ns >= trades.ts_exch_ns.min()]
    return trades.take(~np.isin(trades.trade_id, near))


def _without(commit: Commit, seed: Seed) -> Commit:
    gaps = tuple(gap for gap in commit.gaps if gap not in seed.gaps)
    return replace(commit, trades=unseen(commit.trades, seed.trades), gaps=gaps)


@dataclass(eq=False)
class _Symbol:
    """What the hub knows of one symbol: its topics, the topics that are starting, and rows that are in no store."""

    topics: list[Topic] = field(default_factory=list)
    backlogs: dict[ChartKey, list[Commit]] = field(default_factory=dict)  # of the topics that are starting
    unrecorded: list[Commit] = field(default_factory=list)
    status: SymbolStatus | None = None
    status_at: float = float("-inf")


class Hub:
    """All topics of one server."""

    def __init__(self, history: History, *, flush_s: float = FLUSH_S, linger_s: float = LINGER_S) -> None:
        self.history = history
        self._flush_s = flush_s
        self._linger_s = linger_s
        self._ids = itertools.count(1)
        self._topics: dict[ChartKey, asyncio.Task[Topic]] = {}
        self._lingering: dict[Topic, asyncio.TimerHandle] = {}
        self._symbols: defaultdict[str, _Symbol] = defaultdict(_Symbol)

    @property
    def topics(self) -> list[Topic]:
        """The topics that run now."""
        return [topic for symbol in self._symbols.values() for topic in symbol.topics]

    async def open(self, request: TopicRequest, history_bars: int) -> Topic:
        """Return the topic of a request, started if it does not run.

        Raises
        ------
        FootloomError
            The symbol is not there, or the request cannot be.
        """
        chart = await asyncio.to_thread(self.history.resolve, request)
        task = self._topics.get(chart)
        if task is None:
            task = asyncio.create_task(self._start(chart, history_bars))
            self._topics[chart] = task
            task.add_done_callback(lambda done: self._drop_failed(chart, done))
        return await asyncio.shield(task)

    def join(self, topic: Topic, subscriber: Subscriber) -> None:
        """Let a subscriber have what a topic posts, and the header of its symbol at once."""
        self._keep(topic)
        topic.subscribers.add(subscriber)
        status = self._symbols[topic.chart.key].status
        if status is not None:
            subscriber.client.post_status(topic.chart.key, status.text())

    def leave(self, topic: Topic, subscriber: Subscriber) -> None:
        """Take a subscriber away; the topic stops some time after the last."""
        topic.subscribers.discard(subscriber)
        self._stop_later(topic)

    def watch(self, key: str, status: SymbolStatus) -> None:
        """Keep the header of a symbol, and send it to those who look at the symbol."""
        self._symbols[key].status = status

    def publish(self, commit: Commit) -> None:
        """Fold a commit into every topic of its symbol, and post what changed."""
        symbol = self._symbols[commit.key]
        if not commit.recorded:
            symbol.unrecorded.append(commit)
        elif symbol.unrecorded:  # the journal caught up: everything is in the store again
            symbol.unrecorded.clear()
        for backlog in symbol.backlogs.values():
            backlog.append(commit)
        for topic in list(symbol.topics):
            try:
                topic.apply(commit.trades, commit.watermark_ns, commit.gaps)
            except FootloomError as error:
                self._fail(topic, error)
        self._publish_status(symbol, commit)

    def close(self) -> None:
        """Stop every topic."""
        for topic in self.topics:
            self._stop(topic)

    async def _start(self, chart: ChartKey, history_bars: int) -> Topic:
        symbol = self._symbols[chart.key]
        backlog = list(symbol.unrecorded)
        symbol.backlogs[chart] = backlog
        try:
            seed = await asyncio.to_thread(self.history.seed, chart, history_bars)
        finally:
            del symbol.backlogs[chart]
        topic = Topic(
            id=next(self._ids),
            chart=chart,
            builder=seed.builder,
            meta=seed.meta,
            gaps=list(seed.gaps),
            first_ns=seed.first_ns,
            flush_s=self._flush_s,
        )
        fresh = [
            _without(commit, seed) for commit in backlog
        ]  # no await from here on: nothing is missed or comes twice
        for commit in fresh:
            topic.apply(commit.trades, commit.watermark_ns, commit.gaps)
        if symbol.status is None:
            symbol.status = SymbolStatus(chart.instrument)
            symbol.status.fold(seed.trades)
            for commit in fresh:
                symbol.status.apply(commit)
        symbol.topics.append(topic)
        self._stop_later(topic)
        return topic

    def _drop_failed(self, chart: ChartKey, task: asyncio.Task[Topic]) -> None:
        if task.cancelled() or task.exception() is not None:
            del self._topics[chart]

    def _fail(self, topic: Topic, error: FootloomError) -> None:
        _LOG.error("topic %s %s stops: %s", topic.chart.key, topic.chart.spec.bars, error)
        for subscriber in list(topic.subscribers):
            subscriber.drop(error)
        self._stop(topic)

    def _stop_later(self, topic: Topic) -> None:
        if not topic.subscribers:
            self._keep(topic)
            self._lingering[topic] = asyncio.get_running_loop().call_later(self._linger_s, self._stop, topic)

    def _keep(self, topic: Topic) -> None:
        timer = self._lingering.pop(topic, None)
        if timer is not None:
            timer.cancel()

    # The chart may belong to a later topic by now: a topic takes only itself away.
    def _stop(self, topic: Topic) -> None:
        self._keep(topic)
        topic.close()
        running = self._symbols[topic.chart.key].topics
        if topic in running:
            running.remove(topic)
            self._topics.pop(topic.chart, None)

    def _publish_status(self, symbol: _Symbol, commit: Commit) -> None:
        if symbol.status is None:
            return
        symbol.status.apply(commit)
        now = asyncio.get_running_loop().time()
        if now - symbol.status_at < STATUS_INTERVAL_S:
            return
        readers = {subscriber.client for topic in symbol.topics for subscriber in topic.subscribers}
        if readers:
            symbol.status_at = now
            text = symbol.status.text()
            for client in readers:
                client.post_status(commit.key, text)
