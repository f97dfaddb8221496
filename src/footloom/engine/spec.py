"""What a chart shows: the one description that a topic, a request, a cache entry and a layout share."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
import numpy as np

from footloom.bars import parse_rule
from footloom.errors import ConfigError, DataError
from footloom.studies import cvd, imbalance
from footloom.studies import value_area as areas
from footloom.typed import from_plain

__all__ = ("ChartSpec", "chart_spec")


class ChartSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bar rule, study step and study settings; every number of a chart depends on all of them (definitions 2.2)."""

    bars: str = "1m"
    ticks_per_level: Annotated[int, msgspec.Meta(ge=1, le=2**53)] = 1
    value_area: Literal["two_row", "one_row", "one_row_capped"] = "two_row"
    value_area_pct: str = "70"
    poc_tie: Literal["centre", "lowest"] = "centre"
    imbalance_pct: Annotated[int, msgspec.Meta(ge=100, le=10_000)] = 300
    imbalance_compare: Literal["ge", "gt"] = "ge"
    imbalance_zero: Literal["infinite", "ignore", "as_one"] = "infinite"
    min_vol_lot: Annotated[int, msgspec.Meta(ge=0, le=2**62)] | None = None
    stack_n: Annotated[int, msgspec.Meta(ge=2, le=50)] = 3
    cvd_reset: Literal["session", "never"] = "session"

    @property
    def profile(self) -> areas.Params:
        """The value area's settings."""
        return areas.Params(method=self.value_area, pct=self.value_area_pct, tie=self.poc_tie)

    @property
    def imbalance(self) -> imbalance.Params:
        """The imbalance's settings."""
        return imbalance.Params(
            percent=self.imbalance_pct,
            compare=self.imbalance_compare,
            zero=self.imbalance_zero,
            min_vol_lot=self.min_vol_lot,
            stack_n=self.stack_n,
        )

    @property
    def cvd(self) -> cvd.Params:
        """The cumulative delta's settings."""
        return cvd.Params(reset=self.cvd_reset)


def chart_spec(settings: Mapping[str, object]) -> ChartSpec:
    """Return the spec that outside settings (flags, a request, keyword arguments) make, every value checked.

    Raises
    ------
    ConfigError
        A setting is unknown or out of its range; the message names it.
    """
    try:
        spec = from_plain({name: _plain(name, value) for name, value in settings.items()}, ChartSpec)
    except msgspec.ValidationError as error:
        raise ConfigError(f"a chart cannot be made so: {error}") from None
    try:
        areas.check(spec.profile)
    except DataError as error:
        raise ConfigError(f"a chart cannot be made so: value_area_pct: {error}") from None
    return msgspec.structs.replace(spec, bars=parse_rule(spec.bars).text)


def _plain(name: str, value: object) -> object:
    # Numbers as notebooks have them: an element of an array, a share that is no text.
    if isinstance(value, np.integer):
        return int(value)
    if name == "value_area_pct" and isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return str(value)
    return value
