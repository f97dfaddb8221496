"""Compile kernels ahead of their first call, in a process of its own: ``python -m footloom.kernels.ahead MODULE ...``.

Compiling holds Python's lock for seconds: within a server it would hold up every chart. What the process leaves in the
cache is loaded elsewhere in milliseconds. It says which module is done, a line each.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from footloom.kernels.cache import cache_folder, is_kept

__all__ = ("command", "is_done")


def command(*modules: str) -> list[str]:
    """Return the command that compiles what modules (or packages) hold; nothing is imported from the working folder."""
    return [sys.executable, "-P", "-m", "footloom.kernels.ahead", *modules]


def is_done(module: str) -> bool:
    """Say whether this has been done for a module as it now stands, or is in vain: nothing can be left for another.

    The module is not imported for that.
    """
    mark = _mark(module)
    return mark.is_file() or not is_kept(mark.parent)


# What another numba has compiled is compiled again.
def _mark(module: str) -> Path:
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return cache_folder(Path(spec.origin).parent) / f"{module}-{version('numba')}.compiled"


def _compile(module: str) -> None:
    from footloom.kernels.jit import compile_all  # who only starts this process does not wait for the compiler

    found = importlib.import_module(module)
    for part in pkgutil.iter_modules(getattr(found, "__path__", ()), f"{module}."):
        if not part.name.endswith(".ahead"):  # this very module, which runs under another name
            importlib.import_module(part.name)
    compile_all(module)
    _mark(module).touch()


if __name__ == "__main__":
    for name in sys.argv[1:]:
        _compile(name)
        sys.stdout.write(f"{name}\n")
        sys.stdout.flush()
