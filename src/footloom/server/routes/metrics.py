"""``/metrics``: what the server counts and times, as Prometheus reads it; labels are venues, never symbols."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

import footloom
from footloom.feeds.metrics import FeedFigures, Figures, Spread
from footloom.server.services import Services
from footloom.server.stored.aside import Aside

__all__ = ("Page", "metrics")

Shared = NamedDependency[SkipValidation[Services]]
_TYPE = "text/plain; version=0.0.4"  # the framework adds the charset
_EDGES_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_BEGAN_S = time.time()
# figure of a venue -> (name, words); how things stand is a gauge, the others only grow
_OF_VENUE = {
    "frames": ("venue_frames_total", "frames that came"),
    "quarantined": ("venue_frames_unreadable_total", "frames that could not be understood, and are kept"),
    "losses": ("venue_connections_lost_total", "connections that broke, behind which there may be a hole"),
    "duplicates": ("venue_duplicates_total", "messages that were there already"),
    "late": ("venue_late_total", "messages that came behind newer ones"),
    "off_grid": ("venue_off_grid_total", "messages off the grid of ticks and lots"),
    "book_breaks": ("venue_book_breaks_total", "order books that did not follow from the last one"),
}
_STANDING = {
    "waiting": ("venue_waiting", "messages that wait to be understood"),
    "connections": ("venue_connections", "open connections"),
}


class Page(Collector):
    """What one server would say of itself now."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        """Yield every figure."""
        measures, trouble = self._services.hub.measures, self._services.trouble
        yield _gauge("build_info", "the version that runs", 1, {"version": footloom.__version__})
        yield _gauge("start_time_seconds", "when it started", _BEGAN_S)
        yield _gauge("resident_memory_bytes", "memory of the process", _resident_bytes())
        yield _gauge("clients", "connected clients", self._services.clients)
        yield _gauge("topics", "charts that are kept up to date", len(self._services.hub.topics))
        yield _gauge("streams", "symbols that are received", len(self._services.live))
        yield _gauge("degraded", "reasons for which the server is not well", len(trouble))
        for figure in measures.figures():
            made = _counter if figure.kind == "counter" else _gauge
            yield made(figure.name, figure.words, figure.value)
        for name, words, spread in measures.spreads():
            yield _histogram(name, words, spread)
        if self._services.asides:
            yield from _large_requests(self._services.asides)
        figures = None if self._services.streams is None else self._services.streams.figures()
        if figures is not None:
            yield from _journal(figures)
            yield from _venues(figures.feeds)


def _large_requests(asides: Sequence[Aside]) -> Iterator[Metric]:
    answered, stopped, died = (sum(getattr(one, name) for one in asides) for name in ("answered", "stopped", "died"))
    held = sum(one.resident_bytes for one in asides)
    yield _counter("large_requests_total", "large requests that a process of their own answered", answered)
    yield _counter("large_requests_stopped_total", "large requests that were given up or stopped", stopped)
    yield _counter("large_request_deaths_total", "times that such a process ended by itself", died)
    yield _gauge("large_request_memory_bytes", "memory of these processes, 0 where none runs", held)


def _journal(figures: Figures) -> Iterator[Metric]:
    yield _counter("journal_commits_total", "groups of rows that were made durable", figures.commits)
    yield _counter("journal_rows_total", "rows that were made durable", figures.rows)
    yield _gauge("journal_unrecorded_rows", "rows that wait to be made durable", figures.unrecorded_rows)
    yield _counter("journal_refused_rows_total", "rows that the store refused", figures.refused_rows)
    yield _counter("journal_dropped_rows_total", "rows given up because nothing could be written", figures.dropped_rows)
    yield _gauge("journal_longest_commit_seconds", "the longest commit", figures.commit_longest_ms / 1e3)
    if figures.commit_p50_ms is not None:
        yield _gauge("journal_commit_p50_seconds", "half of all commits took no longer", figures.commit_p50_ms / 1e3)
    if figures.commit_p99_ms is not None:
        yield _gauge("journal_commit_p99_seconds", "99 of 100 commits took no longer", figures.commit_p99_ms / 1e3)
    yield _gauge("lag_seconds", "how old the oldest message is that is not published", figures.lag_ms / 1e3)
    yield _counter("clock_steps_total", "times that this machine's clock jumped", figures.clock_steps)


def _venues(feeds: tuple[FeedFigures, ...]) -> Iterator[Metric]:
    for field, (name, words) in _OF_VENUE.items():
        counted = CounterMetricFamily(f"footloom_{name}", words, labels=["venue"])
        for feed in feeds:
            counted.add_metric([feed.venue], getattr(feed, field))
        yield counted
    for field, (name, words) in _STANDING.items():
        stands = GaugeMetricFamily(f"footloom_{name}", words, labels=["venue"])
        for feed in feeds:
            stands.add_metric([feed.venue], getattr(feed, field))
        yield stands
    offsets = GaugeMetricFamily(
        "footloom_venue_clock_offset_seconds", "how far our clock is ahead of the venue's", labels=["venue"]
    )
    for feed in feeds:
        if feed.offset_ms is not None:
            offsets.add_metric([feed.venue], feed.offset_ms / 1e3)
    yield offsets


def _counter(name: str, words: str, value: float) -> Metric:
    return CounterMetricFamily(f"footloom_{name}", words, value=value)


def _gauge(name: str, words: str, value: float, labels: dict[str, str] | None = None) -> Metric:
    named = labels or {}
    family = GaugeMetricFamily(f"footloom_{name}", words, labels=list(named))
    family.add_metric(list(named.values()), value)
    return family


def _histogram(name: str, words: str, spread: Spread) -> Metric:
    buckets = [(f"{edge:g}", float(spread.within(edge))) for edge in _EDGES_S]
    family = HistogramMetricFamily(f"footloom_{name}", words)
    family.add_metric([], [*buckets, ("+Inf", float(spread.count))], spread.total_s)
    return family


def _resident_bytes() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:  # not Linux: the most that it was, in kilobytes, or bytes on macOS
        import resource
        import sys

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
    return pages * os.sysconf("SC_PAGE_SIZE")


@get("/metrics", summary="Figures for Prometheus", tags=["server"], media_type="text/plain", sync_to_thread=False)
def metrics(services: Shared) -> Response[bytes]:
    """Return what the server counts and times."""
    registry = CollectorRegistry()
    registry.register(Page(services))
    return Response(generate_latest(registry), media_type=_TYPE, headers={"cache-control": "no-store"})
