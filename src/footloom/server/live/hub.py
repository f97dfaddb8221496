"""Who looks at what: topics start with their first subscriber and stop some time after the last.

Commits reach each topic once. Everything here happens on the event loop; reading the store happens in threads. A
topic that starts while commits arrive reads the store first and then folds what arrived meanwhile, each row once.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import logging
from collections.abc import Callable, Mapping
from typing import cast

import msgspec

from footloom.core.trades import Trades
from footloom.errors import FootloomError
from footloom.feeds.flow import Commit
from footloom.server.live.any_topic import AnyTopic
from footloom.server.live.board import Board
from footloom.server.live.chains import chain_keys
from footloom.server.live.charts import Charts
from footloom.server.live.joining import joined
from footloom.server.live.measures import Measures
from footloom.server.live.readers import Subscriber
from footloom.server.live.sides import SideReader
from footloom.server.live.status import CLOCK_INTERVAL_S, STATUS_INTERVAL_S, SymbolStatus
from footloom.server.live.stream_opening import opened
from footloom.server.live.study_beside import StudiesBeside
from footloom.server.live.symbol_state import Stream, SymbolState, SymbolStates, read_start, read_status, without
from footloom.server.live.tempo import FLUSH_S, Tempo
from footloom.server.live.topics import Topic
from footloom.server.stored.history import ChartKey, History, Seed
from footloom.server.wire.messages import StreamRequest, StudyRequest, Subscribe, TopicRequest

__all__ = ("LINGER_S", "Hub")

_MEND_S = 60.0  # a chart that fails twice within this time ends
_REFRESH_S = 0.5  # fetched history is shown so soon, and where reading it takes longer, at a quarter of the time
LINGER_S = 60.0  # a page that is reloaded finds its topic warm
_MOST_LINGERING = 64  # of the topics that somebody has left, the newest
_LOG = logging.getLogger(__name__)
_Place = tuple[ChartKey, bytes]  # what makes two requests the same topic: the chart, and the studies beside it
encode_json = msgspec.json.encode


class Hub:
    """All topics of one server."""

    def __init__(self, history: History, *, flush_s: float = FLUSH_S, linger_s: float = LINGER_S) -> None:
        self.history = history
        history.unrecorded = self._unrecorded
        self._tempo, self._linger_s = Tempo(flush_s), linger_s
        self.board, self.charts, self.measures = Board(), Charts(history), Measures()
        self._ids = itertools.count(1)
        self._topics: dict[_Place, asyncio.Task[Topic]] = {}
        self._trouble: str | None = None
        self._notes: tuple[str, ...] = ()
        self._lingering: dict[Topic, asyncio.TimerHandle] = {}
        self._symbols = SymbolStates()
        self.meanings: Callable[[], Mapping[str, str]] = dict  # what names of people mean, `Streams.meanings`

    @property
    def topics(self) -> list[Topic]:
        """The topics that run now."""
        return [topic for symbol in self._symbols.values() for topic in symbol.topics]

    async def open(self, request: TopicRequest, history_bars: int, studies: tuple[StudyRequest, ...] = ()) -> Topic:
        """Return the topic of a request, started if it does not run.

        Raises
        ------
        FootloomError
            The symbol is not there, or the request cannot be.
        """
        chart = await self.charts.of(request)
        place = (chart, encode_json(studies))
        while True:
            task = self._topics.get(place)
            if task is None:
                task = asyncio.create_task(self._start(chart, history_bars, studies))
                self._topics[place] = task
                task.add_done_callback(lambda done: self._drop_failed(place, done))
            topic = await asyncio.shield(task)
            if topic in self._symbols[chart.key].topics:  # its time may have run out just now
                return topic

    async def open_asked(self, request: Subscribe, key: str) -> AnyTopic:
        """Return what a client's request asks for, of a symbol whose name the venue has said.

        Raises
        ------
        FootloomError
            The symbol is not there, or the request cannot be.
        """
        if request.topic is not None:
            return await self.open(
                msgspec.structs.replace(request.topic, symbol=key), request.history_bars, request.studies
            )
        assert request.stream is not None
        return await self._open_stream(key, request.stream)

    def join(self, topic: AnyTopic, subscriber: Subscriber | SideReader) -> None:
        """Let a subscriber have what a topic posts, and the header of its symbol at once."""
        if isinstance(topic, Topic):
            self._keep(topic)
            topic.subscribers.add(cast("Subscriber", subscriber))
            topic.was_read = True
        elif isinstance(topic, Stream):
            topic.readers.add(cast("SideReader", subscriber))
        status = self._symbols[topic.key].status
        if status is not None:
            subscriber.client.post_status(topic.key, status.said(to_all=False))

    def leave(self, topic: AnyTopic, subscriber: Subscriber | SideReader) -> None:
        """Take a subscriber away; the topic stops some time after the last."""
        if isinstance(topic, Topic):
            topic.subscribers.discard(cast("Subscriber", subscriber))
            self._stop_later(topic)
            self._make_room()
        elif isinstance(topic, Stream):
            topic.readers.discard(cast("SideReader", subscriber))
            if not topic.readers:
                self._symbols[topic.key].sides.pop(topic.name, None)
                self._symbols.settle(topic.key)

    def listen(self, key: str, listener: Callable[[Commit], None]) -> Callable[[], None]:
        """Call a function with every commit of a symbol from now on; returns the function that ends it.

        It is called on the event loop, when the rows are durable or could not be made so, and must not wait.
        """
        return self._symbols.listen(key, listener)

    def watch(self, key: str, status: SymbolStatus) -> None:
        """Keep the header of a symbol, and send it to those who look at the symbol."""
        status.notes = self._notes
        self._symbols[key].status = status

    def tell_trouble(self, text: str | None) -> None:
        """Say in every header that nothing comes any more, and why; with None, that it goes on."""
        self._trouble = text
        if text is not None:
            self.board.stop(text)
        for key, symbol in self._symbols.items():
            if symbol.status is not None:
                symbol.status.stop(text)
                self._post_status(key, symbol)

    def tell_notes(self, notes: tuple[str, ...]) -> None:
        """Say in every header what else is wrong, and at once."""
        self._notes = notes
        for key, symbol in self._symbols.items():
            if symbol.status is not None:
                symbol.status.notes = notes
                self._post_status(key, symbol)

    def publish(self, commit: Commit) -> None:
        """Fold a commit into every topic of its symbol, and post what changed."""
        if commit.state is not None:
            self.board.tell(commit.key, commit.state)
        if len(commit.trades):
            self.board.note_trades(commit.key)
            self.measures.note_trades(commit.trades)
        self.measures.note_gaps(commit)
        for one in (commit, *self._symbols.as_views(commit, self.meanings)):
            self._give_out(one)
        for key in chain_keys(commit) if commit.series else ():
            if key != commit.key and key in self._symbols:
                self._symbols[key].hear_chain(commit)

    def _give_out(self, commit: Commit) -> None:
        symbol = self._symbols[commit.key]
        symbol.hear(commit)
        if not commit.recorded:
            self._symbols.keep_few()
        for topic in list(symbol.topics):
            if topic.chart.tape == commit.trades.tape:
                self._give(topic, commit)
        self._publish_status(symbol, commit)

    async def _open_stream(self, key: str, asked: StreamRequest) -> Stream:
        symbol = self._symbols[key]
        try:
            return await opened(symbol, key, asked, self.history.store, self._ids)
        finally:
            self._symbols.settle(key)

    def reread(self, key: str) -> None:
        """Read the charts of a symbol anew: its stored past has changed."""
        self.charts.forget(key)
        beside = [topic for topic in self.topics if topic.studies is not None and key in topic.studies.keys]
        for topic in {*self._symbols[key].topics, *beside}:
            topic.behind_ns = topic.first_ns
            self._refresh_soon(topic)

    def _unrecorded(self, key: str, tape: str) -> list[Trades]:
        waiting = list(self._symbols.get(key, SymbolState()).unrecorded)  # in a thread: nothing is made here
        return [commit.trades for commit in waiting if commit.trades.tape == tape]

    def close(self) -> None:
        """Stop every topic."""
        for topic in self.topics:
            self._stop(topic)

    async def _start(self, chart: ChartKey, history_bars: int, requests: tuple[StudyRequest, ...]) -> Topic:
        symbol, place = self._symbols[chart.key], object()
        backlog = symbol.backlogs[place] = list(symbol.unrecorded)
        try:
            seed, studies = await read_start(self.listen, self.history, chart, history_bars, requests)
            status = await read_status(chart, seed, studies) if symbol.status is None else symbol.status
        finally:
            del symbol.backlogs[place]
        # No await between the end of the backlog and the topic's place among the others: what is published from here on
        # waits behind what the seed lacks, and nothing is missed or comes twice.
        topic = Topic.of(next(self._ids), chart, seed, history_bars, self._tempo)
        topic.requests, topic.folded = requests, functools.partial(self._folded, topic)
        topic.stand_by(studies)
        fresh = [without(commit, seed) for commit in backlog if commit.trades.tape == chart.tape]
        self._queue(topic, fresh)
        if symbol.status is None:
            symbol.status, status.notes = status, self._notes
            for commit in fresh:
                status.apply(commit)
            if self._trouble is not None:
                status.stop(self._trouble)
        symbol.topics.append(topic)
        self._stop_later(topic)
        topic.work = asyncio.create_task(self._work(topic))
        await asyncio.wait({topic.work})
        if topic.ended is not None:
            raise topic.ended
        return topic

    def _queue(self, topic: Topic, commits: list[Commit]) -> None:
        topic.waiting.extend(joined([topic.without_behind(commit) for commit in commits]))
        self._refresh_soon(topic)

    def _refresh_soon(self, topic: Topic) -> None:
        if topic.behind_ns is not None and topic.refresh is None:
            topic.refresh = asyncio.create_task(self._refresh(topic))

    # History that was fetched behind the bars changes all of them (their running delta counts from earlier on): they
    # are read anew beside the chart, which goes on moving meanwhile, and take its place between two commits.
    async def _refresh(self, topic: Topic) -> None:
        clock, wait_s = asyncio.get_running_loop().time, _REFRESH_S
        try:
            while topic.behind_ns is not None:
                await asyncio.sleep(wait_s)
                begun = clock()
                await self._renew(topic)
                wait_s = max(_REFRESH_S, 3 * (clock() - begun))
        except FootloomError as error:
            self._fail(topic, error)
        except Exception:  # noqa: BLE001 - the bars that are shown stand; the next commit of history tries again
            _LOG.exception("%s %s could not be read anew", topic.chart.key, topic.chart.spec.bars)
        finally:
            topic.refresh = None

    async def _renew(self, topic: Topic) -> None:
        symbol = self._symbols[topic.chart.key]
        from_ns, topic.behind_ns = topic.behind_ns, None
        backlog = symbol.backlogs[topic] = list(symbol.unrecorded)
        try:
            seed, studies = await self._read(topic)
            while topic.work is not None:
                await asyncio.wait({topic.work})
        finally:
            del symbol.backlogs[topic]
        if topic not in symbol.topics or from_ns is None:
            if studies is not None:
                studies.stop()
            return
        topic.renew(seed, from_ns, studies)
        fresh = [without(commit, seed) for commit in backlog if commit.trades.tape == topic.chart.tape]
        self._queue(topic, fresh)
        if topic.waiting:
            topic.work = asyncio.create_task(self._work(topic))

    async def _read(self, topic: Topic) -> tuple[Seed, StudiesBeside | None]:
        return await read_start(self.listen, self.history, topic.chart, topic.history_bars, topic.requests)

    # In order, each topic for itself: one that reads the store for a late row does not stop the others.
    def _give(self, topic: Topic, commit: Commit) -> None:
        commit = topic.without_behind(commit)
        self._refresh_soon(topic)
        if topic.work is not None:
            topic.waiting.append(commit)
        elif topic.is_late(commit.trades):
            topic.waiting.append(commit)
            topic.work = asyncio.create_task(self._work(topic))
        else:
            topic.take(commit)

    # One chart's fault must not end the feed of all.
    def _folded(self, topic: Topic, error: Exception | None) -> None:
        if error is None:
            self._refresh_soon(topic)  # studies may have to be read anew
        elif isinstance(error, FootloomError):
            self._fail(topic, error)
        else:
            _LOG.error("%s failed: it starts again from the store", topic.name, exc_info=error)
            topic.work = topic.work or asyncio.create_task(self._work(topic, broken=True))

    async def _work(self, topic: Topic, *, broken: bool = False) -> None:
        try:
            while broken or topic.waiting:
                if broken:
                    await self._mend(topic)
                    broken = False
                    continue
                try:
                    await topic.apply_beside(topic.waiting.popleft())
                except FootloomError:
                    raise
                except Exception:  # noqa: BLE001 - mended below
                    _LOG.exception("%s failed: it starts again from the store", topic.name)
                    broken = True
        except FootloomError as error:
            self._fail(topic, error)
        except Exception:  # noqa: BLE001 - it ends alone
            _LOG.exception("%s cannot start again", topic.name)
            self._fail(topic, FootloomError(f"the chart {topic.name} failed: the server's log says why"))
        finally:
            topic.work = None
            if topic.ended is None:
                self._refresh_soon(topic)

    async def _mend(self, topic: Topic) -> None:
        now = asyncio.get_running_loop().time()
        if now - topic.mended_at < _MEND_S:
            raise FootloomError(f"the chart {topic.name} fails again and again: see the log")
        topic.mended_at = now
        symbol = self._symbols[topic.chart.key]
        behind = list(symbol.unrecorded)
        async with topic.folding:
            seed, studies = await self._read(topic)
            behind += [commit for commit in topic.waiting if commit not in behind]
            fresh = [without(commit, seed) for commit in behind if commit.trades.tape == topic.chart.tape]
            topic.waiting.clear()
            topic.restart(seed, studies)
            self._queue(topic, fresh)
        for subscriber in list(topic.subscribers):
            subscriber.resnapshot()

    def _drop_failed(self, place: _Place, task: asyncio.Task[Topic]) -> None:
        if (task.cancelled() or task.exception() is not None) and self._topics.get(place) is task:
            del self._topics[place]

    def _fail(self, topic: Topic, error: FootloomError) -> None:
        _LOG.error("topic %s stops: %s", topic.name, error)
        topic.ended = error
        for subscriber in list(topic.subscribers):
            subscriber.drop(error)
        self._stop(topic)

    def _stop_later(self, topic: Topic) -> None:
        if not topic.subscribers:
            self._keep(topic)
            self._lingering[topic] = asyncio.get_running_loop().call_later(self._linger_s, self._stop, topic)

    # Each one that lingers folds every commit of its symbol. One that has just started may wait for its reader.
    def _make_room(self) -> None:
        left = [topic for topic in self._lingering if topic.was_read]
        for topic in left[: max(0, len(left) - _MOST_LINGERING)]:
            self._stop(topic)

    def _keep(self, topic: Topic) -> None:
        timer = self._lingering.pop(topic, None)
        if timer is not None:
            timer.cancel()

    # The chart may belong to a later topic by now: a topic takes only itself away.
    def _stop(self, topic: Topic) -> None:
        self._keep(topic)
        topic.behind_ns = None
        topic.close()
        topic.waiting.clear()
        running = self._symbols[topic.chart.key].topics
        if topic in running:
            running.remove(topic)
            self._topics.pop((topic.chart, encode_json(topic.requests)), None)

    def _publish_status(self, symbol: SymbolState, commit: Commit) -> None:
        if symbol.status is None:
            return
        symbol.status.apply(commit)
        since_s = asyncio.get_running_loop().time() - symbol.status_at
        if since_s >= CLOCK_INTERVAL_S or (since_s >= STATUS_INTERVAL_S and symbol.status.has_news):
            self._post_status(commit.key, symbol)

    def _post_status(self, key: str, symbol: SymbolState) -> None:
        readers = {subscriber.client for topic in symbol.topics for subscriber in topic.subscribers}
        readers |= {reader.client for side in symbol.sides.values() for reader in side.readers}
        symbol.status_at = asyncio.get_running_loop().time()
        if readers and symbol.status is not None:
            said = symbol.status.said()
            for client in readers:
                client.post_status(key, said)
