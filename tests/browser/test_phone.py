"""A phone in the same network: with the link, without it, with a wrong token, after a restart, after a new token."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parents[1]
# pytest's importlib mode leaves both folders out
sys.path[:0] = [str(HERE / "integration" / "server"), str(HERE / "unit" / "server")]

from process_kit import Process, own_address, serve_process  # noqa: E402 - after its folder is on the path
from server_kit import make_tape  # noqa: E402

from footloom.store.files import Store  # noqa: E402
from tests.browser.test_demo import until  # noqa: E402

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(400)]

WIDTH = 390
PHONE = {
    "viewport": {"width": WIDTH, "height": 844},
    "device_scale_factor": 3,
    "is_mobile": True,
    "has_touch": True,
}
EVERYWHERE = ("--host", "0.0.0.0")  # noqa: S104 - what a phone needs
GATE = "footloom link"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phone") / "store"
    with Store(folder, writer=True) as made:
        made.append(make_tape())
        made.seal()
    return folder


@pytest.fixture
def phone(chromium: Any) -> Iterator[Callable[[], Any]]:
    """Take another phone out of the drawer; every address that it asks for is noted."""
    contexts: list[Any] = []

    def taken() -> Any:
        context = chromium.new_context(**PHONE)
        context.set_default_timeout(120_000)
        contexts.append(context)
        page = context.new_page()
        page.asked = []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("websocket", lambda socket: page.asked.append(socket.url))
        return page

    yield taken
    for context in contexts:
        context.close()


def shows_chart(page: Any) -> None:
    until(page, "window.footloom && footloom.bars().count > 10")


def link_of(server: Process) -> str:
    """Return the first link that `footloom link` prints for another machine, whose words say what to do."""
    printed = server.verb("link", *EVERYWHERE, "--port", str(server.port))
    assert "Phones and other machines in this network open one of these links" in printed
    assert re.search(r"no clipboard and no installing as an app.*--tls-cert", printed)
    return next(line.strip() for line in printed.splitlines() if line.strip().startswith(f"http://{own_address()}:"))


@pytest.fixture(autouse=True)
def _reachable() -> None:
    if own_address() is None:
        pytest.skip("this machine has no address but loopback")


def test_a_phone_gets_in_with_the_link_and_stays_in(store: Path, phone: Callable[[], Any]) -> None:
    with serve_process(store, *EVERYWHERE) as server:
        base, _, token = link_of(server).partition("#token=")
        assert len(token) >= 32
        assert server.said["token_file"] == str(store.parent / "settings" / "serve.token")
        assert token not in server.first
        page = phone()

        page.goto(f"{base}#token={token}&bars=5m")
        shows_chart(page)

        assert "token" not in page.url
        assert page.evaluate("document.cookie") == ""
        assert [one["httpOnly"] for one in page.context.cookies()] == [True]
        assert [one for one in page.asked if token in one.partition("#")[0]] == []
        assert any(one.startswith("ws://") for one in page.asked)
        server.stop()

    with serve_process(store, *EVERYWHERE, "--port", str(server.port)):
        page.goto(base)
        shows_chart(page)
        assert page.get_by_text(GATE).count() == 0, "after a restart it is still known"

    changed = {"FOOTLOOM_TOKEN": "another-token-0123456789"}
    with serve_process(store, *EVERYWHERE, "--port", str(server.port), environment=changed):
        page.get_by_text(GATE).wait_for()  # the open page finds out by itself


def test_a_phone_without_the_link_is_told_what_to_do_and_doing_it_works(store: Path, phone: Callable[[], Any]) -> None:
    with serve_process(store, *EVERYWHERE) as server:
        link = link_of(server)
        base = link.partition("#")[0]
        page = phone()

        page.goto(base)
        page.get_by_text(GATE).wait_for()
        assert page.get_by_text("others in the network can read along").is_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= WIDTH, "nothing to scroll sideways for"
        page.get_by_label("Link or token").fill("a-wrong-token-0123456789")
        page.get_by_role("button", name="Open").tap()
        page.get_by_role("alert").filter(has_text="not the token of this server").wait_for()
        assert not any("/ws/v1" in one or "/instruments" in one for one in page.asked)
        page.get_by_label("Link or token").fill(link)
        page.get_by_role("button", name="Open").tap()
        shows_chart(page)

        later = phone()
        later.goto(base)
        later.get_by_text(GATE).wait_for()
        later.goto(link)  # in the same tab: only the fragment is new
        shows_chart(later)
        assert "token" not in later.url
