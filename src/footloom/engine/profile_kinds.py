"""The kinds of profiles that a chart draws, and how each is set: forms, REST and page read them here (definitions 4.5).

Some settings only say how a profile is drawn (``show``, ``side``, ``width``, ``place``, ``lines``, ``letters``): they
change no number, and travel with the others so that one form holds all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

import msgspec

from footloom.bars import time
from footloom.core.footprint import Footprint
from footloom.core.sessions import DAY_NS, Calendar, calendar
from footloom.engine.profiles import Profile, composite, session_profiles, visible_range
from footloom.errors import ConfigError
from footloom.studies import Run, tpo
from footloom.studies import value_area as areas
from footloom.typed import from_plain

__all__ = (
    "KINDS",
    "Anchored",
    "Composite",
    "Fixed",
    "ProfileKind",
    "ProfileParams",
    "Session",
    "Tpo",
    "Visible",
    "bars_for",
    "end_of",
    "find_kind",
    "kind_params",
    "profiles_of",
    "span_for",
    "tpo_profiles",
)

Show = Literal["volume", "bid_ask", "delta"]
Side = Literal["left", "right"]
Lines = Literal["labelled", "plain", "none"]
Place = Literal["gutter", "over"]
Width = Annotated[int, msgspec.Meta(ge=3, le=100, description="percent of the room")]
Time = Annotated[int, msgspec.Meta(ge=0, lt=2**62, description="ns UTC")]
Hours = Annotated[
    str,
    msgspec.Meta(
        max_length=80,
        description="such as Europe/London 08:00-16:30, with daily behind it on weekends too; empty: the market's",
    ),
]

_LONGEST_BREAK_NS = 10 * DAY_NS  # no market rests longer
_MINUTE_NS = 60 * 10**9
_FINE = "1m"  # bars whose edges are those of any hours, and of any brackets


class ProfileParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the rows show, where they stand, and how the value area grows, as in `value_area`."""

    show: Show = "volume"
    side: Side = "left"
    width: Width = 40
    lines: Lines = "labelled"
    method: areas.Method = "two_row"
    pct: Annotated[str, msgspec.Meta(description="share of the volume, percent")] = "70"
    tie: areas.Tie = "centre"

    @property
    def area(self) -> dict[str, Any]:
        """The settings of the value area."""
        return {"method": self.method, "pct": self.pct, "tie": self.tie}


class Session(ProfileParams, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of the profile of each session."""

    hours: Hours = ""


class Visible(ProfileParams, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of the profile of what is on screen; at the right it stands beside the bars, or over them."""

    side: Side = "right"
    width: Width = 18
    place: Place = "gutter"


class Fixed(ProfileParams, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of the profile of a range; without an end it goes on to the newest bar."""

    from_ns: Time = 0
    to_ns: Time | None = None


class Composite(ProfileParams, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of the profile of the last sessions together, the one that runs included."""

    side: Side = "right"
    width: Width = 18
    place: Place = "gutter"
    sessions: Annotated[int, msgspec.Meta(ge=1, le=250)] = 5


class Anchored(ProfileParams, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of the profile from a bar on."""

    anchor_ns: Time = 0


class Tpo(tpo.Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a bracket is, how many are the initial balance, how the area grows, and how the letters stand."""

    letters: Literal["merged", "split"] = "merged"
    lines: Lines = "labelled"
    hours: Hours = ""


class ProfileKind(msgspec.Struct, frozen=True):
    """One kind: its name in requests, its title, what it is in words, its settings."""

    name: str
    title: str
    about: str
    params: type[msgspec.Struct]


KINDS = {
    kind.name: kind
    for kind in (
        ProfileKind(
            "visible",
            "Visible range profile",
            "The volume at each price of the bars on screen, between them and the axis.",
            Visible,
        ),
        ProfileKind(
            "session",
            "Session profile",
            "The volume at each price of every session, of the market's or of own hours.",
            Session,
        ),
        ProfileKind(
            "fixed",
            "Fixed range profile",
            "The volume at each price from one bar to another, drawn with the mouse.",
            Fixed,
        ),
        ProfileKind(
            "composite", "Composite profile", "The volume at each price of the last sessions together.", Composite
        ),
        ProfileKind("anchored", "Anchored profile", "The volume at each price from a chosen bar on.", Anchored),
        ProfileKind(
            "tpo", "TPO letters", "The market profile of every session: a letter for each half hour at each price.", Tpo
        ),
    )
}


def find_kind(name: str) -> ProfileKind:
    """Return a kind by its name.

    Raises
    ------
    ConfigError
        There is no such kind.
    """
    if name not in KINDS:
        raise ConfigError(f"no kind of profile is called {name!r}: known are {', '.join(KINDS)}")
    return KINDS[name]


def kind_params(kind: ProfileKind, settings: Mapping[str, object]) -> Any:
    """Return the settings of a kind from outside, every value checked.

    Raises
    ------
    ConfigError
        A setting is unknown or out of its range, or names no hours; the message says which.
    """
    unknown = sorted(set(settings) - set(kind.params.__struct_fields__))
    if unknown:
        known = ", ".join(kind.params.__struct_fields__)
        raise ConfigError(f"{kind.title} has no setting {', '.join(unknown)}: it has {known}")
    try:
        params: Any = from_plain(settings, kind.params, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{kind.title} cannot be set so: {error}") from None
    areas.check(areas.Params(method=params.method, pct=params.pct, tie=params.tie))
    _hours(params)
    if isinstance(params, Fixed) and params.to_ns is not None and params.to_ns <= params.from_ns:
        raise ConfigError(f"the range is empty: it starts at {params.from_ns} and ends at {params.to_ns} ns")
    return params


def bars_for(params: Any, bars: str) -> str:
    """Return the bars that a profile is added up from: the chart's, or finer ones where those would be cut."""
    own, rule = _hours(params) is not None, time.parse(bars)
    if not own and not isinstance(params, tpo.Params):
        spans_sessions = isinstance(params, Session | Composite) and rule is not None and rule.unit in {"w", "mo"}
        return "1d" if spans_sessions else bars
    length_ns = _MINUTE_NS * (1 if own else params.minutes)
    return bars if rule is not None and length_ns % rule.length_ns == 0 else _FINE


def span_for(
    params: Any, market: Calendar, view: tuple[int, int], traded: Callable[[int, int], bool], newest_ns: int
) -> tuple[int, int]:
    """Return the range of time whose bars a profile needs, ns UTC.

    ``view`` is what is looked at, ``traded`` says whether anything was stored between two times, ``newest_ns`` is the
    newest trade.
    """
    end_ns = newest_ns + 1
    if isinstance(params, Fixed):
        return params.from_ns, end_ns if params.to_ns is None else params.to_ns
    if isinstance(params, Anchored):
        return params.anchor_ns, end_ns
    if isinstance(params, Composite):
        return _last_sessions(market, newest_ns, params.sessions, traded), end_ns
    if isinstance(params, Visible):
        return view
    hours = _hours(params) or market
    return hours.session_of(view[0])[0], hours.session_of(view[1] - 1)[1]


def _last_sessions(market: Calendar, newest_ns: int, count: int, traded: Callable[[int, int], bool]) -> int:
    from_ns, reach_ns = newest_ns, _LONGEST_BREAK_NS
    left = count
    while left and reach_ns < 2 * count * _LONGEST_BREAK_NS:
        spans = market.spans(newest_ns - reach_ns, newest_ns + 1)
        ours = [
            (a, b)
            for a, b, inside in zip(
                spans.start_ns.tolist(), spans.end_ns.tolist(), spans.in_session.tolist(), strict=True
            )
            if inside
        ]
        found = [a for a, b in ours if traded(a, b)]
        from_ns, left = (found[-count] if len(found) >= count else min([from_ns, *found])), max(0, count - len(found))
        reach_ns *= 2
    return from_ns


def profiles_of(params: Any, footprint: Footprint) -> list[Profile]:
    """Return the profiles that bars make, oldest first; none where nothing traded."""
    if not len(footprint):
        return []
    if isinstance(params, Session):
        return session_profiles(footprint, _hours(params), **params.area)
    if isinstance(params, Composite):
        found = session_profiles(footprint, **params.area)
        return [composite(found[-params.sessions :], **params.area)] if found else []
    made = visible_range(footprint, 0, len(footprint), **params.area)
    if isinstance(params, Fixed) and params.to_ns is not None:
        return [replace(made, from_ns=params.from_ns, to_ns=params.to_ns)]
    return [made]


def tpo_profiles(params: Tpo, footprint: Footprint) -> dict[int, tpo.TpoProfile]:
    """Return the time at price of each session by its open, ns UTC."""
    if not len(footprint):
        return {}
    hours = _hours(params) or calendar(footprint.instrument.calendar)
    given = {name: getattr(params, name) for name in tpo.Params.__struct_fields__}
    return tpo.session_profiles(Run(footprint, hours), tpo.Params(**given))


def end_of(params: Tpo, footprint: Footprint, start_ns: int) -> int:
    """Return the end of a session that began at ``start_ns``, or of the last bar where that comes first, ns UTC."""
    hours = _hours(params) or calendar(footprint.instrument.calendar)
    return min(hours.session_of(start_ns)[1], int(footprint.bars.close_ns[-1]))


def _hours(params: Any) -> Calendar | None:
    text = getattr(params, "hours", "").strip()
    return calendar(f"iana:{text}") if text else None
