"""How kernels are compiled: for one explicit signature, at their first call, cached in the user's cache folder.

Numba's own cache looks at the file of the function alone: a cached caller keeps returning the old answer after a
callee in another file has changed. So `footloom.kernels.cache` names the folder after all of them.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numba
import numba.extending
from numba import types
from numba.core.compiler_lock import global_compiler_lock

from footloom.kernels.cache import cache_folder

__all__ = (
    "I8_IN",
    "I64_2D_IN",
    "I64_IN",
    "I64_OUT",
    "INT",
    "U8_IN",
    "U8_OUT",
    "Compiled",
    "bare",
    "compile_all",
    "intrinsic",
    "jit",
    "part",
)

INT = types.int64
# Columns are read-only; numba converts a writable array to a read-only one, never the other way.
I64_IN = types.Array(types.int64, 1, "C", readonly=True)
I8_IN = types.Array(types.int8, 1, "C", readonly=True)
I64_OUT = types.Array(types.int64, 1, "C")
U8_IN = types.Array(types.uint8, 1, "C", readonly=True)
I64_2D_IN = types.Array(types.int64, 2, "C", readonly=True)
U8_OUT = types.Array(types.uint8, 1, "C")

Kernel = Callable[..., Any]


def jit(signature: Any, *, brief: bool = False) -> Callable[[Kernel], Compiled]:
    """Compile a kernel for one signature when it is first called, without the GIL and bounds checks, through the cache.

    A program waits for the kernels that it uses, and for no others; `compile_all` does not wait for a call. A ``brief``
    one keeps the GIL: it works for microseconds, and getting it back can take a thousand.
    """
    return lambda function: Compiled(function, signature, brief=brief)


class Compiled:
    """A kernel: a plain function that is compiled at its first call. Other kernels may call it."""

    def __init__(self, function: Kernel, signature: Any, *, brief: bool) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._signature = signature
        self._brief = brief
        self._kernel: Kernel | None = None
        _KERNELS.append(self)

    def __call__(self, *args: Any) -> Any:
        """Call the kernel."""
        return (self._kernel or self.compile())(*args)

    def compile(self) -> Kernel:
        """Return the compiled function; the first time it is loaded from the cache, or made."""
        with global_compiler_lock:  # of all threads, for numba's folder is one setting; a kernel may need another one
            if self._kernel is None:
                compiler: Any = numba.njit  # its type hints know no explicit signatures
                with _cached_in(cache_folder(Path(inspect.getfile(self._function)).parent)):
                    self._kernel = compiler(
                        self._signature, cache=True, nogil=not self._brief, error_model="numpy", boundscheck=False
                    )(self._function)
            return self._kernel

    @property
    def _numba_type_(self) -> Any:  # what numba asks a global name of a kernel for
        return numba.typeof(self.compile())


_KERNELS: list[Compiled] = []


def compile_all(module: str) -> None:
    """Compile, or load, every kernel of a module, or of those of a package that are imported."""
    for kernel in _KERNELS:
        if kernel.__module__ == module or kernel.__module__.startswith(f"{module}."):
            kernel.compile()


def part(function: Kernel) -> Kernel:
    """Compile a piece of a kernel, together with its caller and without the wrappers that Python would call."""
    return _part(function)


def bare(function: Kernel) -> Kernel:
    """Compile a piece that makes no array and returns none: it does not count who holds those that it is given.

    Counting is an atomic operation for each array and call: in what is called for each value, most of the time.
    """
    return _part(function, _nrt=False)


def _part(function: Kernel, **more: Any) -> Kernel:
    compiler: Any = numba.njit
    compiled: Kernel = compiler(
        nogil=True, error_model="numpy", boundscheck=False, no_cpython_wrapper=True, no_cfunc_wrapper=True, **more
    )(function)
    return compiled


def intrinsic(function: Kernel) -> Kernel:
    """Make a call of kernels out of what gives its signature and generates its LLVM code."""
    extend: Any = numba.extending.intrinsic
    made: Kernel = extend(function)
    return made


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
