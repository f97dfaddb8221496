"""What every study must hold, our own and those of outside packages.

``check("my_study")`` folds a random tape's bars at once, cut at random places, and one by one, and compares; it raises
`AssertionError` with what differs. In a test of an outside package::

    from footloom.testing.study_contract import check


    def test_contract():
        check("my_study", seeds=range(20))
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np

from footloom.core.footprint import BAR_FINAL, BAR_GAP, Footprint
from footloom.core.instrument import Instrument, split_key
from footloom.core.messages import Gap
from footloom.core.trades import Trades
from footloom.engine.beside import Units, stored_tapes
from footloom.engine.build import build_footprint
from footloom.engine.studies import StudyFold, counting
from footloom.studies import Answer

__all__ = ("check", "sample_trades")

_BASE_NS = 1_772_402_400 * 10**9  # 2026-03-01 22:00 UTC: two hours before a session ends
_CALENDARS = ("crypto", "nse_fo", "iana:America/New_York 09:30-16:00")
_KINDS = {
    "line": 1,
    "histogram": 1,
    "level": 1,
    "column": 1,
    "cell_flag": 1,
    "band": 2,
    "box": 3,
    "candle": 4,
}


def sample_trades(seed: int, rows: int = 1500, market: str = "crypto") -> Trades:
    """Return a seeded tape over some hours and a session's edge: bursts, pauses, unknown sides, sizes of all kinds."""
    random = np.random.default_rng(seed)
    instrument = Instrument(
        venue="sample", symbol="X", tick_size=Decimal("0.1"), lot_size=Decimal("0.001"), calendar=market
    )
    waits = random.exponential(1.0, rows) * random.choice([1e6, 3e9, 4e10], rows, p=[0.4, 0.5, 0.1])
    return Trades.build(
        instrument,
        _BASE_NS + np.cumsum(waits.astype(np.int64)),
        50_000 + np.cumsum(random.integers(-3, 4, rows)),
        np.maximum(1, random.pareto(1.2, rows) * 5).astype(np.int64),
        random.choice([-1, 0, 1], rows, p=[0.46, 0.06, 0.48]),
        trade_id=np.arange(rows),
    )


def check(
    name: str,
    settings: Mapping[str, object] | None = None,
    *,
    seeds: Iterable[int] = range(5),
    bars: Sequence[str] = ("1m", "5m"),
    ticks_per_level: int = 2,
) -> None:
    """Hold a study against its contract.

    Raises
    ------
    AssertionError
        The study breaks it: the message says how, for which seed and bars.
    """
    _check_words(StudyFold(name, settings))
    for seed, rule, market in itertools.product(seeds, bars, _CALENDARS[: 1 + 2 * (len(bars) > 1)]):
        where = f"{name}: seed {seed}, {rule}, {market}"
        make = _Maker(name, settings, seed, market)
        fold = make.fold()
        made = _bars(seed, rule, market, ticks_per_level, fold)
        whole = fold.update(made)
        _check_shapes(fold, whole, made, where)
        _check_chunks(make, made, (whole, fold.to_bytes()), np.random.default_rng(seed), where)
        _check_peek(make, made, whole, where)
        _check_warmup(make, made, whole, where)


class _Maker:
    # Folds of one study; the symbols that it names have tapes of their own, with lots of their own and gaps.

    def __init__(self, name: str, settings: Mapping[str, object] | None, seed: int, market: str) -> None:
        self.name, self.settings = name, settings
        own = sample_trades(seed, 1, market).instrument
        tapes = {}
        for k, key in enumerate(StudyFold(name, settings).companions_of(own), 1):
            venue, symbol = split_key(key)
            other = msgspec.structs.replace(own, venue=venue, symbol=symbol, lot_size=Decimal("0.0004"))
            tapes[key] = dataclasses.replace(sample_trades(seed + 1000 * k, market=market), instrument=other)
        self._tapes = tapes
        self._units = Units.of(own, [tape.instrument for tape in tapes.values()])

    def fold(self) -> StudyFold:
        fold = StudyFold(self.name, self.settings)
        if self._tapes:
            fold.tapes = stored_tapes(self._units, lambda key, lo, hi: self._tapes[key].between(lo, hi), self._gaps)
        return fold

    def _gaps(self, key: str, from_ns: int, to_ns: int) -> list[Gap]:
        tape = self._tapes[key]
        at_ns = int(tape.ts_exch_ns[len(tape) // 3])
        gap = Gap(symbol=key, from_ns=at_ns, to_ns=at_ns + 60 * 10**9, cause="planted")
        return [gap] if gap.to_ns > from_ns and gap.from_ns < to_ns else []


def _bars(seed: int, rule: str, market: str, step: int, fold: StudyFold) -> Footprint:
    made = build_footprint(sample_trades(seed, market=market), rule, step, count=counting([fold]))
    random = np.random.default_rng(seed)
    gaps = np.where(random.random(len(made)) < 0.05, BAR_GAP, 0)
    return made.with_flags(made.bars.flags | BAR_FINAL | gaps)


def _check_words(fold: StudyFold) -> None:
    study = fold.study
    assert isinstance(study.TITLE, str), f"{fold.name}: TITLE is no text"
    assert study.OUTPUTS, f"{fold.name}: it has no outputs"
    names = [output.name for output in study.OUTPUTS]
    assert len(set(names)) == len(names), f"{fold.name}: outputs share a name: {names}"
    for output in study.OUTPUTS:
        wanted = _KINDS.get(output.kind, len(output.columns))
        assert len(output.columns) == wanted, f"{fold.name}: {output.kind} {output.name} needs {wanted} columns"
    msgspec.json.schema(study.Params)  # forms and docs are made from it
    assert study.Params() is not None, f"{fold.name}: a parameter has no default"
    assert isinstance(study.warmup(fold.params), int), f"{fold.name}: warmup is no number of bars"


def _check_shapes(fold: StudyFold, answer: Answer, made: Footprint, where: str) -> None:
    for name, column in answer.bars.items():
        assert column.shape == (len(made),), f"{where}: column {name} has shape {column.shape}, bars are {len(made)}"
    for name, column in answer.cells.items():
        assert column.shape == (len(made.levels),), f"{where}: cells {name} have shape {column.shape}"
    if answer.events:
        at = answer.events["bar"]
        assert not np.any(np.diff(at) < 0), f"{where}: events do not ascend by bar"
        assert not len(at) or (at[0] >= 0 and at[-1] < len(made)), f"{where}: an event stands outside its bars"
    known = {*answer.bars, *answer.cells, *answer.events}
    named = {column for output in fold.study.OUTPUTS for column in output.columns}
    assert named <= known, f"{where}: outputs name columns that the answer lacks: {sorted(named - known)}"


def _check_chunks(
    make: _Maker,
    made: Footprint,
    expected: tuple[Answer, bytes],
    random: np.random.Generator,
    where: str,
) -> None:
    cuts = np.unique(np.concatenate([[0, len(made)], random.integers(0, len(made) + 1, 6)]))
    for how, edges in (("cut at random", cuts), ("bar by bar", np.arange(len(made) + 1))):
        fold = make.fold()
        pieces = []
        for start, stop in itertools.pairwise(edges.tolist()):
            fold = make.fold().restore(fold.to_bytes())
            pieces.append((fold.update(made.slice(start, stop)), stop - start))
        _compare(Answer.concat(pieces), expected[0], f"{where}, {how}")
        assert fold.to_bytes() == expected[1], f"{where}, {how}: the state at the end differs"


def _check_peek(make: _Maker, made: Footprint, whole: Answer, where: str) -> None:
    fold = make.fold()
    half = len(made) // 2
    first = fold.update(made.slice(0, half))
    before = fold.to_bytes()
    fold.peek(made.slice(half, len(made)))
    assert fold.to_bytes() == before, f"{where}: looking at provisional bars changed the state"
    rest = fold.update(made.slice(half, len(made)))
    _compare(Answer.concat([(first, half), (rest, len(made) - half)]), whole, f"{where}, after a look ahead")


def _check_warmup(make: _Maker, made: Footprint, whole: Answer, where: str) -> None:
    fold = make.fold()
    lead = fold.study.warmup(fold.params)
    if lead < 0:
        return
    for start in range(lead, len(made), max(1, len(made) // 16)):
        fold.begin_again()
        if lead:
            fold.update(made.slice(start - lead, start))
        shown = whole.part(start, len(made), made.level_offset)
        _compare(fold.update(made.slice(start, len(made))), shown, f"{where}, from bar {start} with {lead} before it")


def _compare(got: Answer, expected: Answer, where: str) -> None:
    for block in ("bars", "cells", "events"):
        mine, theirs = getattr(got, block), getattr(expected, block)
        assert mine.keys() == theirs.keys(), f"{where}: {block} are {sorted(mine)}, at once {sorted(theirs)}"
        for name, column in mine.items():
            _same(column, theirs[name], f"{where}: {block} {name}")


def _same(mine: Any, theirs: Any, where: str) -> None:
    assert mine.dtype == theirs.dtype, f"{where}: {mine.dtype}, at once {theirs.dtype}"
    assert len(mine) == len(theirs), f"{where} differs: {len(mine)} for {len(theirs)} rows"
    if np.array_equal(mine, theirs, equal_nan=mine.dtype.kind == "f"):
        return
    same = (mine == theirs) | (np.isnan(mine) & np.isnan(theirs)) if mine.dtype.kind == "f" else mine == theirs
    at = int(np.flatnonzero(~same)[0])
    raise AssertionError(f"{where} differs, first at {at}: {mine[at]} for {theirs[at]}")
