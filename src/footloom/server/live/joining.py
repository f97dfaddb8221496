"""Neighbouring commits of one tape as few: what a topic folds at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.trades import Trades
from footloom.feeds.flow import Commit

__all__ = ("Run", "joined", "runs")


class Run(NamedTuple):
    """Rows and gaps of commits that follow each other, and the engine's time behind the last of them, ns UTC."""

    trades: Trades
    watermark_ns: int
    gaps: tuple[Gap, ...]


def runs(commits: Sequence[Commit]) -> list[Run]:
    """Return what a topic takes in as one run, which is folded at once; as several where the grid has changed.

    A late row among it reads all that is stored, also what comes behind it here.
    """
    if len(commits) == 1:
        return [_as_one(commits)]
    return [_as_one(group) for group in _alike(commits)]


def joined(commits: Sequence[Commit]) -> list[Commit]:
    """Return the same as commits."""
    groups = _alike(commits)
    return [
        replace(group[-1], trades=one.trades, gaps=one.gaps)
        for group, one in zip(groups, map(_as_one, groups), strict=True)
    ]


def _alike(commits: Sequence[Commit]) -> list[list[Commit]]:
    groups: list[list[Commit]] = []
    for commit in commits:
        if groups and _is_same_grid(groups[-1][-1].trades.instrument, commit.trades.instrument):
            groups[-1].append(commit)
        else:
            groups.append([commit])
    return groups


def _is_same_grid(one: Instrument, other: Instrument) -> bool:
    return one is other or (one.tick_size, one.lot_size) == (other.tick_size, other.lot_size)


def _as_one(commits: Sequence[Commit]) -> Run:
    last = commits[-1]
    if len(commits) == 1:
        return Run(last.trades, last.watermark_ns, last.gaps)
    pieces = [commit.trades for commit in commits if len(commit.trades)] or [last.trades]
    gaps = tuple(gap for commit in commits for gap in commit.gaps)
    return Run(Trades.concat(pieces), last.watermark_ns, gaps)
