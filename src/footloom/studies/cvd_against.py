"""CVD of the chart's symbol against that of other symbols, such as perpetual against spot (definitions 6.15).

Both count in one unit of the base asset, exactly, whatever the lots and the contracts.
"""

from __future__ import annotations

from typing import Any

import numpy as np

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

TITLE = "CVD against other symbols"
OUTPUTS = (
    Output(name="own", kind="line", unit="base", columns=("own",), title="this symbol"),
    Output(name="others", kind="line", unit="base", columns=("others",), title="the others"),
    Output(name="difference", kind="histogram", unit="base", columns=("difference",), title="this less the others"),
    Output(name="anchor", kind="column", unit="ns", columns=("anchor_ns",), title="since"),
    Output(name="valid_since", kind="column", unit="ns", columns=("valid_since_ns",), title="whole since"),
)


class Params(SumParams, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose sum stands against that of the chart's own symbol, and when the sums start again."""


State = SumState


def title_of(params: Params) -> str:
    """Return what it is called with these symbols."""
    return f"CVD against {', '.join(keys_of(params.symbols))}" if params.symbols.strip() else TITLE


def update(run: Run, params: Params, state: SumState) -> tuple[Answer, SumState]:
    """Return ``own``, ``others``, ``difference`` in base units, ``anchor_ns`` and ``valid_since_ns``, all int64."""
    sums, state = sums_of(run, companions(params), params, state)
    own, others = column_of(sums, slice(0, 1)), column_of(sums, slice(1, None))
    columns: dict[str, Any] = {
        "own": own,
        "others": others,
        "difference": np.where((own == NONE) | (others == NONE), NONE, own - others),
        "anchor_ns": sums.anchor_ns,
        "valid_since_ns": sums.valid_since_ns.max(axis=0),
    }
    return Answer(bars=columns), state
