"""A live chart without a server: the commits of its symbol, and of those that its studies read, in one stream."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from footloom.engine.builder import Builder
from footloom.engine.events import Event
from footloom.engine.grace import grace_ns
from footloom.engine.live_studies import LiveStudies, StudiesTold
from footloom.engine.spec import ChartSpec
from footloom.engine.studies import StudyFold, counting
from footloom.feeds.flow import Commit
from footloom.feeds.live import commits

__all__ = ("stream_chart",)


async def stream_chart(key: str, spec: ChartSpec, folds: Sequence[StudyFold]) -> AsyncIterator[Event | StudiesTold]:
    """Yield what a chart that begins now says, once its symbol and those that the studies name were heard of."""
    others = [other for other in dict.fromkeys(name for fold in folds for name in fold.companions) if other != key]
    first: dict[str, Commit] = {}
    waiting: list[Commit] = []
    live: LiveStudies | None = None
    async for commit in commits(key, *others):
        waiting.append(commit)
        if live is None:
            first.setdefault(commit.key, commit)
            if len(first) <= len(others):
                continue
            live = _begun([first[name] for name in (key, *others)], spec, folds)
        news, waiting = waiting, []
        for one in news:
            for said in _said(live, one, key):
                yield said


# Of the first commit of each symbol, the chart's own before the others.
def _begun(first: Sequence[Commit], spec: ChartSpec, folds: Sequence[StudyFold]) -> LiveStudies:
    own, *others = first
    grace = grace_ns(own.key, own.trades.tape)
    builder = Builder(own.trades.instrument, spec, grace_ns=grace, count=counting(folds))
    return LiveStudies(builder, folds, [other.rows.instrument for other in others])


def _said(live: LiveStudies, commit: Commit, key: str) -> Sequence[Event | StudiesTold]:
    if commit.key != key:
        return live.hear(commit.rows, commit.watermark_ns, commit.gaps)
    events, told = live.update(commit.trades, commit.watermark_ns, commit.gaps)
    return [*events, *told]
