"""Columns as Arrow's arrays, over the same memory.

`pyarrow.array` does so too, but imports pandas first where that is installed, if only to ask whether it is meant: a
third of a second of whatever makes the first array.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ("arrow_of", "text_of", "validity")


def arrow_of(values: NDArray[Any], missing: NDArray[np.bool_] | None = None) -> pa.Array:
    """Return numbers or truth values as Arrow's, null where ``missing``; the memory is that of the numbers."""
    import pyarrow as pa

    data = validity(values) if values.dtype == np.bool_ else pa.py_buffer(np.ascontiguousarray(values))
    valid = None if missing is None else validity(~missing)
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [valid, data])


def text_of(words: Sequence[str | None]) -> pa.Array:
    """Return words as Arrow's strings, null where there is None."""
    import pyarrow as pa

    encoded = [(word or "").encode() for word in words]
    ends = np.cumsum([0, *map(len, encoded)]).astype(np.int32)
    valid = validity(np.array([word is not None for word in words], np.bool_))
    return pa.StringArray.from_buffers(len(words), pa.py_buffer(ends), pa.py_buffer(b"".join(encoded)), valid)


def validity(valid: NDArray[np.bool_]) -> pa.Buffer:
    """Return truth values as the bitmap that says which rows of an Arrow column are not null."""
    import pyarrow as pa

    return pa.py_buffer(np.packbits(valid, bitorder="little"))
