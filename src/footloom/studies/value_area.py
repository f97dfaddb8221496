"""Point of control and value area of every bar (definitions 4.1, 4.2)."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
import numpy as np

from footloom.core.decimals import parse_decimal
from footloom.core.footprint import Footprint
from footloom.core.trades import I64
from footloom.errors import ConfigError
from footloom.kernels.profile import ONE_ROW, ONE_ROW_CAPPED, TIE_CENTRE, TIE_LOWEST, TWO_ROW, fill_profiles
from footloom.studies._study import Answer, NoState, Output, Run

__all__ = (
    "OUTPUTS",
    "TITLE",
    "Params",
    "Profiles",
    "State",
    "check",
    "kernel_terms",
    "profiles",
    "update",
    "value_area_of_levels",
    "value_area_of_rows",
    "warmup",
)

TITLE = "POC and value area"
OUTPUTS = (
    Output(name="poc", kind="level", unit="row", columns=("poc_row",), title="POC"),
    Output(name="value_area", kind="band", unit="row", columns=("val_row", "vah_row"), title="value area"),
)
State = NoState

Method = Literal["two_row", "one_row", "one_row_capped"]
Tie = Literal["centre", "lowest"]

_METHODS = {"two_row": TWO_ROW, "one_row": ONE_ROW, "one_row_capped": ONE_ROW_CAPPED}
_TIES = {"centre": TIE_CENTRE, "lowest": TIE_LOWEST}


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the area grows, which share of the volume it holds, and which row wins a tie.

    ``centre``: the row nearest the middle is the point of control, and one-row areas grow to the row nearer to it.
    ``lowest``, the plain convention of other programs: the lowest row is, and areas grow upwards on a tie.
    """

    method: Method = "two_row"
    pct: Annotated[
        str, msgspec.Meta(description="share of the volume, percent, decimal text above 0 and up to 100")
    ] = "70"
    tie: Tie = "centre"


@dataclass(frozen=True, slots=True, eq=False)
class Profiles:
    """Rows of the point of control and of the value area's highest and lowest row, int64 (n_bars,)."""

    poc_row: I64
    vah_row: I64
    val_row: I64


@functools.lru_cache(maxsize=64)
def _share(pct: str) -> tuple[int, int]:
    # A fraction in whole numbers, so that the target is compared with whole lots.
    share = parse_decimal(pct) / 100
    if not 0 < share <= 1:
        raise ConfigError(f"a value area holds more than 0 and at most 100 percent of the volume, got {pct}")
    numerator, denominator = share.as_integer_ratio()
    if denominator > 10**6:  # the product with a bar's lots must stay within 64 bits
        raise ConfigError(f"a value area of {pct} percent has too many decimals: four at most")
    return numerator, denominator


def kernel_terms(params: Params) -> tuple[int, int, int, int]:
    """Return the share as a fraction, the method and the tie, as the kernels take them.

    Raises
    ------
    ConfigError
        The share is not within (0, 100] percent.
    """
    return *_share(params.pct), _METHODS[params.method], _TIES[params.tie]


def check(params: Params) -> None:
    """Raise `ConfigError` or `DataError` where the share is no number within (0, 100] percent."""
    _share(params.pct)


def profiles(footprint: Footprint, params: Params) -> Profiles:
    """Return the profiles of every bar.

    Raises
    ------
    ConfigError
        The share is not within (0, 100] percent.
    """
    return _fill(footprint.level_offset, footprint.levels.row, footprint.levels.volume_lot, params)


def value_area_of_rows(volume: I64, params: Params) -> Profiles:
    """Return the profile of one contiguous row array, low to high, int64 (n_rows,), at least one row above zero."""
    return _fill(np.array([0, len(volume)], np.int64), np.arange(len(volume)), np.asarray(volume, np.int64), params)


def value_area_of_levels(row: I64, volume: I64, params: Params) -> Profiles:
    """Return the profile of one set of levels: rows ascending with their lots, int64 (n,); other rows hold nothing."""
    return _fill(np.array([0, len(row)], np.int64), np.asarray(row, np.int64), np.asarray(volume, np.int64), params)


def _fill(offset: I64, row: I64, volume: I64, params: Params) -> Profiles:
    out = [np.empty(len(offset) - 1, np.int64) for _ in range(3)]
    fill_profiles(offset, row, volume, *kernel_terms(params), *out)
    return Profiles(*out)


def warmup(params: Params) -> int:  # noqa: ARG001 - the same for any
    """Return 0: each bar stands by itself."""
    return 0


def update(run: Run, params: Params, state: NoState) -> tuple[Answer, NoState]:
    """Return ``poc_row``, ``vah_row`` and ``val_row`` of every bar, int64; a row's label is its low edge."""
    area = profiles(run.footprint, params)
    return Answer(bars={"poc_row": area.poc_row, "vah_row": area.vah_row, "val_row": area.val_row}), state
