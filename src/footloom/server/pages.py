"""The built page, from memory: read once before the server is ready, so that no request reads a file."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ("MISSING_PAGE", "STATIC_FOLDER", "Asset", "Bundle")

STATIC_FOLDER: Final = Path(__file__).parent / "static"
_COMPRESSIBLE = ("text/", "application/json", "application/javascript", "image/svg", "application/manifest")
_GZIP_LEVEL = 6  # once, at start
_FOREVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"

MISSING_PAGE: Final = b"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>footloom: the page is not built</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:42em;margin:4em auto;padding:0 1em;color:#222;background:#fff}
code,pre{font:14px/1.5 ui-monospace,monospace;background:#eee;padding:.1em .3em;border-radius:3px}pre{padding:.8em}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#111}code,pre{background:#222}a{color:#8bf}}</style>
<h1>The page is not built</h1>
<p>The server runs, but this copy of footloom holds no built page. In its source folder, run</p>
<pre>cd web &amp;&amp; npm ci &amp;&amp; npm run build</pre>
<p>and load this page again. An installed wheel always carries the page: if you installed one, install it again.</p>
<p>The data is served all the same: <a href="/schema">the API</a>, <a href="/api/v1/instruments">the instruments</a>,
<a href="/health">the server's health</a>.</p></html>
"""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of the page; ``gzipped`` is None where compression does not pay."""

    body: bytes
    gzipped: bytes | None
    media_type: str
    etag: str
    cache_control: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """All files of the page by their path, without the leading slash."""

    assets: dict[str, Asset]

    @classmethod
    def read(cls, folder: Path = STATIC_FOLDER) -> Bundle:
        """Read a folder; an absent one gives an empty bundle."""
        if not (folder / "index.html").is_file():
            return cls({})
        files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
        return cls({path.relative_to(folder).as_posix(): _read(path, folder) for path in files})

    def find(self, path: str) -> Asset | None:
        """Return the file of a request path; the page itself for the root."""
        return self.assets.get(path.strip("/") or "index.html")


# Vite puts a hash of the content into the names under assets/: such a file never changes.
def _read(path: Path, folder: Path) -> Asset:
    body = path.read_bytes()
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    small = gzip.compress(body, _GZIP_LEVEL, mtime=0) if media_type.startswith(_COMPRESSIBLE) else None
    return Asset(
        body=body,
        gzipped=small if small is not None and len(small) < len(body) else None,
        media_type=media_type,
        etag=f'"{hashlib.sha256(body).hexdigest()[:20]}"',
        cache_control=_FOREVER if path.parent == folder / "assets" else _ASK_AGAIN,
    )
