"""What `footloom export` writes: a tape block by block, or one table of a chart or a study."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from footloom.core.instrument import Instrument
from footloom.core.snapshots import Snapshots
from footloom.core.trades import Trades
from footloom.errors import ConfigError
from footloom.feeds.continuous import ContinuousView, is_continuous, refuse_continuous
from footloom.feeds.stored import chart_tapes
from footloom.server.stored.history import ChartKey, History
from footloom.server.stored.rolled import chart_history
from footloom.server.wire.messages import TopicRequest
from footloom.store import Block, Store
from footloom.typed import from_plain

if TYPE_CHECKING:
    import pyarrow as pa


__all__ = ("Asked", "Rows", "Tape", "chart_table", "rolls_of", "study_table", "tape_blocks")

Rows = Trades | Snapshots

_BLOCK_ROWS = 262_144  # rows that become a table at a time


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be exported, as the flags say it; times are ns UTC, None without a bound."""

    symbol: str
    what: str
    from_ns: int | None = None
    to_ns: int | None = None
    tape: str | None = None
    bars: str = "1m"
    ticks_per_level: int | None = None
    settings: dict[str, object] = msgspec.field(default_factory=dict)


@dataclass(frozen=True)
class Tape:
    """A stored tape, block by block; ``rows`` is about how many they are."""

    name: str
    instrument: Instrument
    blocks: Iterator[Rows]
    rows: int


def tape_blocks(store: Store, asked: Asked) -> Tape:
    """Return the trades or the snapshots of a range.

    Raises
    ------
    ConfigError
        The symbol has several tapes and none was chosen, or a chosen one holds something else.
    NotStored
        There is nothing of the kind.
    """
    history = chart_history(store, asked.symbol, tape=asked.tape)
    if asked.what == "snapshots":
        refuse_continuous(store, asked.symbol, "--what snapshots")
    name = _tape_name(history.store, asked)
    bounds = _bounds(asked)
    days = [*history.store.coverage(asked.symbol), *history.store.partials(asked.symbol)]
    rows = sum(day.rows for day in days if day.tape == name and _touches(day.first_ns, day.last_ns, bounds))
    if asked.what == "trades" and (name == "snapshot" or is_continuous(asked.symbol)):  # inferred, or of contracts
        blocks: Iterator[Block] = iter(history.pieces(asked.symbol, name, *bounds))
    else:
        blocks = store.iter_chunks(asked.symbol, name, *bounds)
    first = next(blocks, None)
    instrument = history.store.grid(asked.symbol, name) if first is None else first.instrument
    every = _cut(itertools.chain(() if first is None else (first,), blocks))
    return Tape(name, instrument, every, rows)


def _bounds(asked: Asked) -> tuple[int, int]:
    return 0 if asked.from_ns is None else asked.from_ns, 2**62 if asked.to_ns is None else asked.to_ns


def _touches(first_ns: int | None, last_ns: int | None, bounds: tuple[int, int]) -> bool:
    return first_ns is not None and last_ns is not None and first_ns < bounds[1] and last_ns >= bounds[0]


def _tape_name(store: Store, asked: Asked) -> str:
    if asked.what == "snapshots":
        if asked.tape not in {None, "snapshot"}:
            raise ConfigError(f"the tape {asked.tape} holds trades: say --what trades, or leave --tape out")
        return "snapshot"
    if asked.tape is not None:
        return asked.tape
    tapes = chart_tapes(store, asked.symbol)
    if len(tapes) > 1:
        choices = " or ".join(f"--tape {found}" for found in tapes)
        raise ConfigError(f"{asked.symbol} has several tapes, which never mix: choose one with {choices}")
    return tapes[0]


def _cut(blocks: Iterator[Block]) -> Iterator[Rows]:
    for block in blocks:
        if not isinstance(block, Trades | Snapshots):
            raise ConfigError(f"the tape {block.tape} of {block.instrument.key} holds finished bars, not trades")
        for start in range(0, len(block), _BLOCK_ROWS):
            yield block.take(slice(start, start + _BLOCK_ROWS))


def rolls_of(store: Store, asked: Asked) -> dict[str, object]:
    """Return what a continuous future is made of in the range, for the report; nothing of any other symbol."""
    if not is_continuous(asked.symbol):
        return {}
    bounds = _bounds(asked)
    view = ContinuousView(store, asked.symbol, tape=asked.tape)
    return {"contracts": msgspec.to_builtins(view.within(*bounds)), "rolls": msgspec.to_builtins(view.rolls(*bounds))}


def chart_table(store: Store, asked: Asked) -> tuple[pa.Table, str]:
    """Return bars or levels, the same as `footloom bars` gives, and the name of their tape."""
    from footloom.engine.tables import bars_table, levels_table

    history = chart_history(store, asked.symbol, tape=asked.tape)
    chart = _chart(history, asked, {"cvd_reset": "never", **asked.settings})
    frame = history.between(chart, asked.from_ns, asked.to_ns)
    make = bars_table if asked.what == "bars" else levels_table
    return make(frame, chart.tape), chart.tape


def _chart(history: History, asked: Asked, settings: Mapping[str, object]) -> ChartKey:
    tape = _tape_name(history.store, asked)
    wanted = {"symbol": asked.symbol, "tape": tape, "bars": asked.bars, "ticks_per_level": asked.ticks_per_level}
    taken = sorted(set(settings) & set(wanted))
    if taken:
        raise ConfigError(f"{', '.join(taken)} have flags of their own: leave them out of --set")
    try:
        request = from_plain({**wanted, **settings}, TopicRequest, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"--set: a chart cannot be made so: {error}") from None
    return history.resolve(request)


def study_table(store: Store, asked: Asked) -> tuple[pa.Table, str]:
    """Return what a study says of the bars that open in a range; its state before them is that of the whole tape.

    Raises
    ------
    ConfigError
        There is no such study, setting or part.
    """
    from footloom.engine.studies import StudyFold
    from footloom.engine.study_tables import PARTS, study_tables
    from footloom.server.stored.studied import studied

    _, name, part = (*asked.what.split(":"), "", "")[:3]
    if part not in {"", *PARTS}:
        raise ConfigError(f"a study has {', '.join(PARTS)}, no {part!r}: write --what study:{name}:{PARTS[0]}")
    fold = StudyFold(name, asked.settings)
    history = chart_history(store, asked.symbol, tape=asked.tape)
    chart = _chart(history, asked, {})
    shown, answers = studied(history, chart, [fold], asked.from_ns, asked.to_ns)
    tables = {} if shown is None else study_tables(fold, shown, answers[fold.label], chart.tape)
    if (part or next(iter(tables), "")) not in tables:
        has = ", ".join(tables) or "nothing"
        raise ConfigError(f"{fold.study.TITLE} says nothing of {part or 'these bars'} here: it has {has}")
    return tables[part or next(iter(tables))], chart.tape
