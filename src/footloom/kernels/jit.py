"""How kernels are compiled: eagerly for one explicit signature, cached in the user's cache folder.

Numba's own cache looks at the file of the function alone: a cached caller keeps returning the old answer after a
callee in another file has changed. So `footloom.kernels.cache` names the folder after all of them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numba
from numba import types

from footloom.kernels.cache import cache_folder

__all__ = ("I8_IN", "I64_2D_IN", "I64_IN", "I64_OUT", "INT", "U8_IN", "U8_OUT", "jit", "part")

INT = types.int64
# Columns are read-only; numba converts a writable array to a read-only one, never the other way.
I64_IN = types.Array(types.int64, 1, "C", readonly=True)
I8_IN = types.Array(types.int8, 1, "C", readonly=True)
I64_OUT = types.Array(types.int64, 1, "C")
U8_IN = types.Array(types.uint8, 1, "C", readonly=True)
I64_2D_IN = types.Array(types.int64, 2, "C", readonly=True)
U8_OUT = types.Array(types.uint8, 1, "C")

Kernel = Callable[..., Any]


def jit(signature: Any, *, brief: bool = False) -> Callable[[Kernel], Kernel]:
    """Compile a kernel for one signature, without the GIL and without bounds checks, through the cache.

    A ``brief`` one keeps the GIL: it works for microseconds, and getting it back can take a thousand.
    """

    def compile_it(function: Kernel) -> Kernel:
        compiler: Any = numba.njit  # its type hints know no explicit signatures
        with _cached_in(cache_folder(Path(inspect.getfile(function)).parent)):
            compiled: Kernel = compiler(signature, cache=True, nogil=not brief, error_model="numpy", boundscheck=False)(
                function
            )
        return compiled

    return compile_it


def part(function: Kernel) -> Kernel:
    """Compile a piece of a kernel, together with its caller and without the wrappers that Python would call."""
    compiler: Any = numba.njit
    compiled: Kernel = compiler(
        nogil=True, error_model="numpy", boundscheck=False, no_cpython_wrapper=True, no_cfunc_wrapper=True
    )(function)
    return compiled


@contextmanager
def _cached_in(folder: Path) -> Iterator[None]:
    # numba reads the setting when a function is decorated; the user's own kernels keep theirs.
    settings: Any = numba.config
    before = settings.CACHE_DIR
    settings.CACHE_DIR = str(folder)
    try:
        yield
    finally:
        settings.CACHE_DIR = before
