"""CVD summed over several symbols, such as those of chosen venues (definitions 6.15).

All count in one unit of the base asset, exactly, whatever the lots and the contracts.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from footloom.studies._beside import keys_of
from footloom.studies._study import NONE, Answer, Output, Run
from footloom.studies._sums_beside import (
    SumParams,
    SumState,
    column_of,
    companions,
    reads_from,
    sums_of,
    warmup,
)

__all__ = ("OUTPUTS", "TITLE", "Params", "State", "companions", "reads_from", "title_of", "update", "warmup")

TITLE = "CVD of several symbols"
OUTPUTS = (
    Output(name="cvd", kind="line", unit="base", columns=("cvd",), title="CVD"),
    Output(name="anchor", kind="column", unit="ns", columns=("anchor_ns",), title="since"),
    Output(name="valid_since", kind="column", unit="ns", columns=("valid_since_ns",), title="whole since"),
)


class Params(SumParams, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose delta is summed, and when the sum starts again."""

    own: Annotated[bool, msgspec.Meta(description="the chart's own symbol too")] = True


State = SumState


def title_of(params: Params) -> str:
    """Return what it is called with these symbols."""
    named = [*(["this symbol"] if params.own else []), *keys_of(params.symbols)]
    return f"CVD of {', '.join(named)}" if params.symbols.strip() else TITLE


def update(run: Run, params: Params, state: SumState) -> tuple[Answer, SumState]:
    """Return ``cvd`` in base units, ``anchor_ns`` and ``valid_since_ns``, int64."""
    sums, state = sums_of(run, companions(params), params, state)
    own = params.own or run.footprint.instrument.key in companions(params)
    counted = slice(0 if own else 1, None)
    valid = sums.valid_since_ns[counted].max(axis=0, initial=NONE)
    columns = {"cvd": column_of(sums, counted), "anchor_ns": sums.anchor_ns, "valid_since_ns": valid}
    return Answer(bars=columns), state
