"""Who a venue is is checked on sockets, as over REST: some venues' own clients leave that out."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from footloom.errors import VenueError
from footloom.feeds._frames import open_link

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def unknown(tmp_path: Path) -> ssl.SSLContext:
    """What a server shows of itself that nobody knows."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here to make a certificate with")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, *names, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


async def test_a_venue_that_nobody_vouches_for_is_told_nothing(unknown: ssl.SSLContext) -> None:
    heard: list[bytes] = []

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(1))
        writer.close()

    server = await asyncio.start_server(met, "127.0.0.1", 0, ssl=unknown)
    place = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        with pytest.raises(VenueError, match="certificate"):
            await open_link(f"wss://{place}/", (("Authorization", "Bearer t"),), lambda: 7, lambda: None)
    finally:
        server.close()
        await server.wait_closed()
    assert not heard
