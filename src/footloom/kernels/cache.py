"""Where compiled kernels are kept: a folder named after footloom's version and a hash of the kernel's sources.

Where neither the user's cache nor the package can be written, numba finds "no locator" and fails; a temporary folder
serves then.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import importlib.metadata
import os
import shutil
import tempfile
from pathlib import Path

import platformdirs

__all__ = ("cache_folder", "is_kept")

_TEMPORARY: set[Path] = set()


@functools.cache
def cache_folder(sources: Path) -> Path:
    """Return the folder for compiled kernels of the package ``sources``, made and proven writable.

    ``FOOTLOOM_CACHE`` moves it; without a writable place a temporary folder is used and removed at exit.
    """
    root = os.environ.get("FOOTLOOM_CACHE") or platformdirs.user_cache_dir("footloom", appauthor=False)
    folder = Path(root) / "kernels" / f"{importlib.metadata.version('footloom')}-{_source_hash(sources)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        temporary = tempfile.mkdtemp(prefix="footloom-kernels-")
        atexit.register(shutil.rmtree, temporary, ignore_errors=True)
        _TEMPORARY.add(Path(temporary))
        return Path(temporary)


def is_kept(folder: Path) -> bool:
    """Say whether a folder that `cache_folder` returned is there for other processes too."""
    return folder not in _TEMPORARY


def _source_hash(sources: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(sources.glob("*.py")):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
