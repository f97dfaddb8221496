"""One chart frame written byte by byte with ``struct.pack``: what the page's decoder is tested against.

    python -m tests.browser.golden_frame    writes web/test/fixtures/frame.hex

It is made from the protocol's text alone, by neither encoder of this project.
"""

from __future__ import annotations

import struct
from pathlib import Path

TARGET = Path(__file__).resolve().parents[2] / "web" / "test" / "fixtures" / "frame.hex"
META = b'{"symbol":"sim:PERP","bars":"1m","has_more":true,"gaps":[]}'
NAN = float("nan")


def pad(raw: bytes) -> bytes:
    """Fill up to a multiple of eight bytes."""
    return raw + bytes(-len(raw) % 8)


def golden() -> bytes:
    """Return a snapshot of two bars with two and three levels."""
    parts = [struct.pack("<4sBBHIIIIdd", b"FTLM", 2, 1, 0, len(META), 2, 5, 42, 9007199254740991.0, 41.0), pad(META)]
    parts += [pad(struct.pack("<2q", *pair)) for pair in (
        (1763735820000000000, 1763735880000000000),
        (1763735880000000000, 1763735940000000000),
        (1763735879999999999, 1763735893250000001),
    )]  # fmt: skip
    parts += [pad(struct.pack("<2d", *pair)) for pair in (
        (65600.0, 65598.0),  # base_row
        (131201.0, 131202.0),  # open_tick
        (131203.0, 131203.0),  # high_tick
        (131200.0, 131197.0),  # low_tick
        (131202.0, 131199.0),  # close_tick
        (1500.0, 9007199254740991.0),  # buy
        (250.0, 3.0),  # sell
        (0.0, 7.0),  # unknown
        (-20.0, -1.0),  # min_delta
        (1250.0, 900.0),  # max_delta
        (-4321.0, -3071.0),  # cvd
        (130.0, 131.0),  # min_vol
        (1.0, 0.75),  # coverage
        (NAN, 0.5),  # quote_share
        (12.0, 3.0),  # trades
    )]  # fmt: skip
    parts += [pad(struct.pack("<2i", *pair)) for pair in ((1, 0), (1, 2), (0, -1))]
    parts += [pad(struct.pack("<2I", 1, 2)), pad(struct.pack("<3I", 0, 2, 5))]
    parts += [pad(struct.pack("<5i", 0, 1, 0, 1, 3))]
    parts += [pad(struct.pack("<5d", *column)) for column in (
        (500.0, 1000.0, 9007199254740984.0, 7.0, 0.0),
        (250.0, 0.0, 0.0, 0.0, 3.0),
        (0.0, 0.0, 7.0, 0.0, 0.0),
    )]  # fmt: skip
    parts += [pad(struct.pack("<5I", 5, 7, 1, 1, 1)), pad(struct.pack("<5B", 0, 5, 0, 1, 2))]
    return b"".join(parts)


def as_text() -> str:
    """Return the frame as lines of 32 bytes in hexadecimal."""
    text = golden().hex()
    return "".join(f"{text[at : at + 64]}\n" for at in range(0, len(text), 64))


if __name__ == "__main__":
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(as_text(), encoding="ascii")
