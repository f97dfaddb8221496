"""The server as a process: TLS, the end, and a second start beside the first."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from process_kit import PATIENCE_S, TOKEN, Process, serve_process
from server_kit import make_tape
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from footloom.errors import ConfigError
from footloom.server.listening import tls_of
from footloom.store.files import Store

pytestmark = pytest.mark.slow


@pytest.fixture
def store(tmp_path: Path) -> Path:
    with Store(tmp_path / "store", writer=True) as made:
        made.append(make_tape(rows=2_000))
        made.seal()
    return tmp_path / "store"


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here to make a certificate with")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    subprocess.run([*command, *names, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    key.chmod(0o600)
    return cert, key


def test_the_page_and_the_stream_over_tls(store: Path, certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    trusting = ssl.create_default_context(cafile=str(cert))
    flags = ("--tls-cert", str(cert), "--tls-key", str(key))
    with serve_process(store, *flags, environment={"FOOTLOOM_TOKEN": TOKEN}) as server:
        assert server.url.startswith("https://127.0.0.1:")
        with httpx.Client(base_url=server.url, verify=trusting, timeout=PATIENCE_S) as client:
            entered = client.post("/api/v1/session", json={"token": TOKEN})
            assert entered.headers["set-cookie"].endswith("; Secure")
            assert client.get("/health").json()["status"] == "ready"
            cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        headers = {"cookie": cookie}
        url = server.url.replace("https", "wss") + "/ws/v1"
        with connect(url, ssl=trusting, additional_headers=headers, origin=server.url, open_timeout=PATIENCE_S) as ws:  # type: ignore[arg-type]
            assert json.loads(ws.recv(PATIENCE_S))["type"] == "hello"
        with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                assert not plain.recv(4096).startswith(b"HTTP/1.1 2"), "nothing is told in the clear"


def test_a_certificate_that_cannot_be_used_is_refused_at_once(certificate: tuple[Path, Path], tmp_path: Path) -> None:
    cert, key = certificate
    other = tmp_path / "other.pem"
    other.write_text(cert.read_text())

    assert not tls_of(None, None)
    with pytest.raises(ConfigError, match="without a certificate"):
        tls_of(None, key)
    with pytest.raises(ConfigError, match="is no file"):
        tls_of(tmp_path / "absent.pem", key)
    with pytest.raises(ConfigError, match="cannot be used for TLS"):
        tls_of(cert, other)
    with pytest.raises(ConfigError, match="cannot be used for TLS"):
        tls_of(key, key)


@pytest.fixture(scope="module")
def venue() -> Iterator[str]:
    """A local Binance, as `footloom simulate` is."""
    command = [sys.executable, "-m", "footloom.cli.main", "simulate", "binance_usdm", "--port", "0", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    said = json.loads(process.stdout.readline())
    yield said["url"].rstrip("/")
    process.terminate()
    process.communicate(timeout=PATIENCE_S)


KEY = "binance_usdm:BTCUSDT"


def rows_of(server: Process) -> int:
    with server.http() as client:
        found = client.get("/api/v1/coverage").json()
    return sum(row["rows"] for row in found if row["key"] == KEY)


def wait_for_rows(server: Process, least: int) -> None:
    done = threading.Event()
    patience = threading.Timer(PATIENCE_S, done.set)
    patience.start()
    while rows_of(server) < least:
        assert not done.wait(0.1), "the feed stands still"
    patience.cancel()


def drain(client: ClientConnection) -> None:
    while True:
        client.recv(PATIENCE_S)


def stop_and_check(server: Process, store: Path, *signals: int) -> None:
    """Stop it while somebody watches: all that was shown is sealed."""
    with server.ws() as watching:
        watching.send(json.dumps({"op": "subscribe", "id": 1, "topic": {"symbol": KEY}}))
        shown = rows_of(server)
        written = server.stop(*signals)
        with pytest.raises(ConnectionClosed):
            drain(watching)

    assert server.process.returncode == 0, written
    assert "sealed" in written
    with Store(store) as opened:
        (day,) = {(row.key, row.tape) for row in opened.coverage() if row.rows and row.key == KEY}
        kept = sum(row.rows for row in opened.coverage() if row.key == KEY)
        sources = {source for row in opened.coverage() if row.key == KEY for source in row.sources}
    assert day == (KEY, "agg_trade")
    assert kept >= shown
    assert sources, "parts, not the journal alone"


def check_second_on_the_port(first: Process, store: Path) -> None:
    said = first.verb("serve", "--port", str(first.port), "--store", str(store))

    assert f"port {first.port} is in use by footloom" in said
    if sys.platform == "linux":
        assert f"process {first.process.pid}: " in said
        assert "footloom.cli.main serve" in said
        assert f"kill {first.process.pid} stops it" in said
    assert "Traceback" not in said


def check_second_on_the_store(first: Process, store: Path, *live: str) -> None:
    with serve_process(store, *live) as second:
        with second.http() as client:
            assert client.get("/livez").status_code == 200
        written = second.stop()
    assert str(first.process.pid) in written
    assert "beside" in written


def test_seconds_name_the_first_which_seals_what_it_received_when_it_is_stopped(tmp_path: Path, venue: str) -> None:
    store = tmp_path / "store"
    live = (KEY, "--endpoint", f"binance_usdm={venue}")
    with serve_process(store, *live, environment={"FOOTLOOM_BACKFILL_HOURS": "0"}) as server:
        wait_for_rows(server, 20)
        check_second_on_the_port(server, store)
        check_second_on_the_store(server, store, *live)
        stop_and_check(server, store, signal.SIGTERM)


def test_whoever_presses_ctrl_c_twice_loses_nothing(tmp_path: Path, venue: str) -> None:
    store = tmp_path / "store"
    live = (KEY, "--endpoint", f"binance_usdm={venue}")
    with serve_process(store, *live, environment={"FOOTLOOM_BACKFILL_HOURS": "0"}) as server:
        wait_for_rows(server, 20)
        stop_and_check(server, store, signal.SIGINT, signal.SIGINT)


# What `nohup` does with SIGHUP, and a script's shell with SIGINT for what it starts with `&`.
@contextlib.contextmanager
def started(store: Path, **handlers: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    lines = [f"signal.signal(signal.{name}, signal.{handler})" for name, handler in handlers.items()]
    script = f"""
import os, signal, sys
{"; ".join(lines)}
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
    ignoring = [sys.executable, "-c", script]
    command = [*ignoring, "-m", "footloom.cli.main", "serve", "--port", "0", "--json", "--store", str(store)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FOOTLOOM_")}
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment | {"FOOTLOOM_CONFIG": str(store.parent / "settings")},
    )
    assert process.stdout is not None
    try:
        yield process, json.loads(process.stdout.readline())["url"]
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE_S)


@pytest.mark.skipif(os.name != "posix", reason="signals are another matter there")
def test_a_server_outlives_its_terminal_where_asked_and_ends_in_the_background_when_asked(store: Path) -> None:
    with started(store, SIGHUP="SIG_IGN", SIGINT="SIG_IGN") as (process, url):
        process.send_signal(signal.SIGHUP)
        assert httpx.get(f"{url}livez", timeout=PATIENCE_S).json()["status"] == "live"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=PATIENCE_S) == 0


@pytest.mark.skipif(os.name != "posix", reason="there is no SIGHUP")
def test_a_server_ends_whole_with_its_terminal(store: Path) -> None:
    with started(store, SIGHUP="SIG_DFL") as (process, _):  # the tests themselves may run under `nohup`
        process.send_signal(signal.SIGHUP)
        assert process.wait(timeout=PATIENCE_S) == 0
