"""Neighbouring commits of one tape as few: what a topic folds at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from footloom.core.instrument import Instrument
from footloom.core.trades import Trades
from footloom.feeds.flow import Commit

__all__ = ("joined",)


def joined(commits: Sequence[Commit]) -> list[Commit]:
    """Return what a topic missed as one commit, which is folded at once; as several where the grid has changed.

    A late row among it reads all that is stored, also what comes behind it here.
    """
    groups: list[list[Commit]] = []
    for commit in commits:
        if groups and _is_same_grid(groups[-1][-1].trades.instrument, commit.trades.instrument):
            groups[-1].append(commit)
        else:
            groups.append([commit])
    return [group[0] if len(group) == 1 else _as_one(group) for group in groups]


def _is_same_grid(one: Instrument, other: Instrument) -> bool:
    return one is other or (one.tick_size, one.lot_size) == (other.tick_size, other.lot_size)


def _as_one(commits: list[Commit]) -> Commit:
    pieces = [commit.trades for commit in commits if len(commit.trades)] or [commits[-1].trades]
    gaps = tuple(gap for commit in commits for gap in commit.gaps)
    return replace(commits[-1], trades=Trades.concat(pieces), gaps=gaps)
