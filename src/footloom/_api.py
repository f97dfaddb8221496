"""The names behind ``import footloom``: load, build, stream."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from footloom import config
from footloom.core.instants import instant_ns
from footloom.core.instrument import split_key
from footloom.core.place import StorePlace, store_place
from footloom.core.quotes import Quotes
from footloom.core.trades import Trades
from footloom.engine.build import build, build_footprint
from footloom.engine.default_step import default_ticks_per_level
from footloom.engine.spec import chart_spec
from footloom.errors import ConfigError, NotStored
from footloom.kernels.facts import in_order
from footloom.notebook.chart import Chart

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from footloom.config import Fetch
    from footloom.core.rolls import RollRule
    from footloom.engine.events import Event
    from footloom.engine.live_studies import StudiesTold
    from footloom.engine.profiles import Profile
    from footloom.feeds.continuous import Continuous
    from footloom.kernels.inference import RestPolicy
    from footloom.kernels.side_rules import Rule
    from footloom.notebook.chains import OptionChain
    from footloom.options.replies import ReadOutReply
    from footloom.store import Store

__all__ = (
    "continuous",
    "footprint",
    "infer_sides",
    "instant_ns",
    "load_chain",
    "load_trades",
    "profile",
    "read_out",
    "session_profiles",
    "stream",
)

_FOREVER_NS = 2**62  # the year 2116


def load_trades(  # noqa: PLR0913 - each is a choice of its own, with a usual value
    key: str,
    start: str | int | dt.date | None = None,
    end: str | int | dt.date | None = None,
    *,
    tape: str | None = None,
    rest_policy: RestPolicy = "ltp_same_side",
    store: Path | str | None = None,
    fetch: Fetch | None = None,
) -> Trades:
    """Return the trades of ``[start, end)``, in the ordering key; without bounds all that are stored.

    ``key`` is ``venue:symbol``. With ``fetch="missing"``, which is usual, days of which nothing is stored are fetched
    from the venue first, and kept; what is fetched is said on standard error. With ``"never"`` only what is stored is
    returned. The simulated market needs no store: it is made when it is asked for, and needs both bounds. ``tape`` is
    needed only where several tapes of the symbol are stored. Where only snapshots are, sides are inferred from them
    (definitions 1.3); ``rest_policy`` says where the volume goes that is not known to have traded at the last price.
    A continuous future (``upstox:NIFTY.FUT1``) is made of the contracts that are stored, unadjusted: `continuous` says
    where it rolled, and has the other ways.

    Raises
    ------
    NotStored
        Nothing is stored for that symbol and range; `footloom import` brings recordings in.
    VenueError
        Days are missing, and the venue could not bring any.
    """
    venue, symbol = split_key(key)
    if venue == "sim" and (start is None or end is None):
        raise ConfigError(f'{key} has no beginning and no end: say from when to when, "2026-03-02", "2026-03-03"')
    from_ns, to_ns = _span_ns(start, end)
    if venue == "sim":
        return _simulated(symbol, from_ns, to_ns, rest_policy)
    from footloom.store.open import open_store

    settings = config.load(store=_place(store), flags={"fetch": fetch})
    if settings.fetch == "missing" and start is not None:
        from footloom.feeds.missing import fetch_missing

        fetch_missing(key, tape, from_ns, to_ns, settings)
    with open_store(settings.store) as opened:
        return _stored(opened, key, tape, (from_ns, to_ns), rest_policy)


def _span_ns(start: str | int | dt.date | None, end: str | int | dt.date | None) -> tuple[int, int]:
    from_ns = 0 if start is None else instant_ns(start)
    to_ns = _FOREVER_NS if end is None else instant_ns(end)
    if to_ns <= from_ns:
        raise ConfigError(f"the range is empty: it starts at {start} and ends at {end}")
    return from_ns, to_ns


def continuous(  # noqa: PLR0913 - each is a choice of its own, with a usual value
    key: str,
    start: str | int | dt.date | None = None,
    end: str | int | dt.date | None = None,
    *,
    roll: RollRule = "date",
    adjusted: bool = False,
    tape: str | None = None,
    rest_policy: RestPolicy = "ltp_same_side",
    store: Path | str | None = None,
) -> Continuous:
    """Return the trades of a continuous future in ``[start, end)``, its contracts and its rolls (definitions 0.7).

    ``key`` is ``upstox:NIFTY.FUT1``, or ``FUT2`` for the contract after the nearest; it is made of the contracts that
    are stored. ``roll`` says when the nearest gives way: at the close of its day of expiry (``date``), or at the first
    close of a session at which the next one has the greater ``open_interest``. Prices are as traded; ``adjusted`` moves
    those before each roll by how far the new contract stood above the old one, under a key of its own. The key of what
    comes says all of that, and `load_trades` takes it too.

    The answer's ``trades`` are ready for `footprint`: no bar spans a roll. ``rolls`` say when, from what, to what, at
    which prices and by which rule; ``stretches`` are the contracts, each in its time.

    Raises
    ------
    ConfigError
        The key names no continuous future, or there is no such ``roll``.
    NotStored
        No contract of it is stored, or no open interest to roll by.
    DataError
        Prices are to be adjusted, and at a roll one of both contracts has none.
    """
    from footloom.feeds.continuous import ContinuousName, continuous_trades
    from footloom.kernels.inference import SnapshotParams
    from footloom.store.open import open_store

    if roll not in ("date", "open_interest"):
        raise ConfigError(f"roll must be date or open_interest, got {roll!r}")
    name = ContinuousName.of(key)
    if roll != "date" or adjusted:
        name = name._replace(roll=roll, adjusted=adjusted)
    with open_store(config.load(store=_place(store)).store) as opened:
        return continuous_trades(
            opened, name.key, *_span_ns(start, end), SnapshotParams(rest_policy=rest_policy), tape=tape
        )


def load_chain(
    key: str,
    start: str | int | dt.date | None = None,
    end: str | int | dt.date | None = None,
    *,
    store: Path | str | None = None,
) -> OptionChain:
    """Return the option chain of an underlying (``nse:NIFTY``) in ``[start, end)``; without bounds all that is stored.

    What was said earlier on the day of ``start`` comes with it, so that the chain is whole from there on.

    Raises
    ------
    NotStored
        No chain of it is stored there; `footloom import` brings one in.
    """
    from footloom.feeds.stored_chain import load_chain as load
    from footloom.notebook.chains import OptionChain
    from footloom.store.open import open_store

    with open_store(config.load(store=_place(store)).store) as opened:
        return OptionChain(load(opened, key, *_span_ns(start, end)), instant_ns)


def read_out(
    key: str,
    moment: str | int | dt.date | None = None,
    *,
    contract: str | None = None,
    store: Path | str | None = None,
    **settings: Any,
) -> ReadOutReply:
    """Return what price, open interest and aggressive volume of a contract say together (definitions 7.2).

    ``key`` is the chain of its underlying, whose walls tell the key level, and ``contract`` that (left out, the
    nearest future that is stored); or ``key`` is the contract itself. ``moment`` is the instant, by default that of
    its last trade. ``settings`` are those of the chain, such as ``expiry``.

    Raises
    ------
    NotStored
        Nothing is stored of the contract in the session of that instant.
    """
    from footloom.engine.read_outs import read_outs_of
    from footloom.feeds.stored_chain import ChainAsk
    from footloom.store.open import open_store

    at_ns = None if moment is None else instant_ns(moment)
    with open_store(config.load(store=_place(store)).store) as opened:
        return read_outs_of(opened, key, ChainAsk(**settings), contract, at_ns)


def _place(store: Path | str | None) -> StorePlace | None:
    return None if store is None else store_place(store)


def _stored(store: Store, key: str, tape: str | None, span_ns: tuple[int, int], rest_policy: RestPolicy) -> Trades:
    from footloom.feeds.continuous import continuous_trades, is_continuous
    from footloom.feeds.stored import stored_inference
    from footloom.kernels.inference import SnapshotParams

    params = SnapshotParams(rest_policy=rest_policy)
    if is_continuous(key):
        return continuous_trades(store, key, *span_ns, params, tape=tape).trades
    found = {row.tape for row in store.coverage(key)}
    tapes = sorted(found - {"snapshot"}) or sorted(found)
    if not tapes:
        raise NotStored(
            f"nothing is stored for {key}: see footloom coverage, or bring a recording in with footloom import"
        )
    if tape is None and len(tapes) > 1:
        raise ConfigError(f"{key} has several tapes ({', '.join(tapes)}), which never mix: choose one with tape=")
    if (tape or tapes[0]) == "snapshot":
        return stored_inference(store, key, *span_ns, params).trades
    trades = store.load(key, tape or tapes[0], *span_ns)
    assert isinstance(trades, Trades)
    return trades


def _simulated(symbol: str, from_ns: int, to_ns: int, rest_policy: RestPolicy) -> Trades:
    from footloom.kernels.inference import SnapshotParams
    from footloom.venues.sim import load

    return load(symbol, from_ns, to_ns, params=SnapshotParams(rest_policy=rest_policy))


def footprint(trades: Trades, bars: str = "1m", ticks_per_level: int | None = None, **settings: Any) -> Chart:
    """Return the footprint of a tape, ready to look at, to export and to compute with.

    ``ticks_per_level`` is the study step; left out, it is chosen as definitions 2.2 says. ``settings`` are the other
    fields of `ChartSpec`.

    Raises
    ------
    ConfigError
        The bars, the step or a setting cannot be.
    """
    if not isinstance(trades, Trades):
        raise ConfigError(
            f"a footprint is made of trades, got {type(trades).__name__}: load_trades, read_trades, from_polars and "
            "Trades.build give them"
        )
    if ticks_per_level is None:
        ticks_per_level = default_ticks_per_level(build_footprint(trades, bars, 1).bars)
    spec = chart_spec({"bars": bars, "ticks_per_level": ticks_per_level, **settings})
    ordered = in_order(trades)
    return Chart(build(ordered, spec), trades=ordered)


def infer_sides(trades: Trades, quotes: Quotes | None = None, rule: Rule = "tick", **settings: Any) -> Trades:
    """Return the same trades with the sides that a rule infers (definitions 1.2), flagged as inferred.

    What the tape says of sides is not looked at. Every rule but ``tick`` and ``reverse_tick`` (which looks ahead) needs
    ``quotes``. ``settings`` are the other fields of `footloom.kernels.side_rules.RuleParams`.

    Raises
    ------
    ConfigError
        The rule needs quotes, or a setting cannot be.

    Examples
    --------
    >>> import footloom as fl
    >>> trades = fl.load_trades("sim:PERP", "2026-03-02", "2026-03-02T00:10")
    >>> guessed = fl.infer_sides(trades, rule="tick")
    >>> bool((guessed.side == trades.side).mean() > 0.5)
    True
    """
    from footloom.kernels import side_rules

    try:
        params = side_rules.RuleParams(rule=rule, **settings)
    except TypeError as error:
        raise ConfigError(f"sides cannot be inferred so: {error}") from None
    if quotes is None and not rule.endswith("tick"):
        raise ConfigError(f"the rule {rule} compares with quotes: give them as quotes=Quotes(...), or take rule='tick'")
    return side_rules.infer_sides(in_order(trades), quotes, params)


def profile(
    trades: Trades,
    start: str | int | dt.date | None = None,
    end: str | int | dt.date | None = None,
    *,
    ticks_per_level: int = 1,
    **settings: Any,
) -> Profile:
    """Return the volume profile of the trades of ``[start, end)``, or of all of them.

    ``settings`` are those of the studies `value_area` (``method``, ``pct``, ``tie``) and `hvn_lvn`.

    Raises
    ------
    ConfigError
        Nothing traded in the range, or a setting cannot be.

    Examples
    --------
    >>> import footloom as fl
    >>> trades = fl.load_trades("sim:PERP", "2026-03-02", "2026-03-02T01:00")
    >>> morning = fl.profile(trades, "2026-03-02T00:10", "2026-03-02T00:20", ticks_per_level=4)
    >>> float(morning.val) <= float(morning.poc) <= float(morning.vah)
    True
    """
    from footloom.engine import profiles

    span = (-(2**62) if start is None else instant_ns(start), 2**62 if end is None else instant_ns(end))
    within = in_order(trades).between(*span)
    if not len(within):
        raise ConfigError(f"nothing traded in {trades!r} from {start or 'its beginning'} to {end or 'its end'}")
    made = build_footprint(within, "1d", ticks_per_level)
    found = profiles.visible_range(made, 0, len(made), **settings)
    first, last = int(within.ts_exch_ns[0]), int(within.ts_exch_ns[-1])
    from_ns, to_ns = (first if start is None else span[0]), (last + 1 if end is None else span[1])
    return dataclasses.replace(found, from_ns=from_ns, to_ns=to_ns)


def session_profiles(trades: Trades, *, ticks_per_level: int = 1, **settings: Any) -> list[Profile]:
    """Return the volume profile of each session, oldest first; ``settings`` are those of `profile`.

    Raises
    ------
    ConfigError
        A setting cannot be.
    """
    from footloom.engine import profiles

    return profiles.session_profiles(build_footprint(trades, "1d", ticks_per_level), **settings)


async def stream(
    key: str,
    bars: str = "1m",
    ticks_per_level: int = 1,
    *,
    studies: Sequence[str] | Mapping[str, Mapping[str, Any]] = (),
    **settings: Any,
) -> AsyncIterator[Event | StudiesTold]:
    """Yield what the engine says of a live chart: `BarUpdated`, `BarClosed`, `GapSeen`, ...

    ``studies`` are names, or names with their settings. With them each commit's events are followed by a `StudiesTold`.
    Studies that read other symbols (``{"cvd_against": {"symbols": "sim:FUT"}}``) have one of their own: those symbols
    are streamed too, and a bar is final for them once all were heard beyond its close, two seconds later at the most.
    Live venues come with a later release; the simulated market streams now (``sim:PERP``, ``sim:FUT``).

    Raises
    ------
    ConfigError
        There is no such study or setting.
    UnknownSymbol
        The symbol, or one that a study reads, has no live feed.
    """
    from footloom.engine.streaming import stream_chart
    from footloom.engine.studies import StudyFold

    spec = chart_spec({"bars": bars, "ticks_per_level": ticks_per_level, **settings})
    asked = studies.items() if isinstance(studies, Mapping) else ((name, {}) for name in studies)
    async for said in stream_chart(key, spec, [StudyFold(name, chosen) for name, chosen in asked]):
        yield said
