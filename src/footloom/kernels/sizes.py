"""Delta by the size of the trades (definitions 3.2)."""

from __future__ import annotations

from numba import types

from footloom.kernels.jit import I8_IN, I64_IN, INT, jit

__all__ = ("delta_by_size",)


@jit(types.void(I64_IN, I64_IN, I8_IN, INT, INT, types.Array(types.int64, 2, "C")))
def delta_by_size(ends, qty, side, medium, large, out):
    """Write bought minus sold lots of trades below ``medium``, of those below ``large``, and of the rest.

    ``medium <= large`` in lots; ``out`` int64 (3, n_bars) for the trades ``ends[i] : ends[i + 1]`` of each bar.
    """
    for bar in range(len(ends) - 1):
        all_sizes, from_medium, from_large = 0, 0, 0
        for i in range(ends[bar], ends[bar + 1]):
            signed = qty[i] * side[i]
            # Sums without branches: how large the next trade is cannot be foretold.
            all_sizes += signed
            from_medium += signed * (qty[i] >= medium)
            from_large += signed * (qty[i] >= large)
        out[0, bar], out[1, bar], out[2, bar] = all_sizes - from_medium, from_medium - from_large, from_large
