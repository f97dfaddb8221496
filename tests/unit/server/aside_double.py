"""A process that reads for another without reading: it begins at once, and does what tests ask of it."""

from __future__ import annotations

import os
import queue
import threading
from pathlib import Path
from typing import Any

from footloom.server.stored.tasks import receive, send


def said(_history: object, text: str) -> bytes:
    return f"{text} {os.getpid()}".encode()


def endless(_history: object, folder: str) -> bytes:
    (Path(folder) / "began").write_text(str(os.getpid()))
    threading.Event().wait()
    return b""


def hungry(_history: object) -> bytes:
    held = bytearray(os.urandom(4096) * (64 << 8))  # 64 MB that are touched
    threading.Event().wait()
    return bytes(held[:1])


def main() -> None:
    asks, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    asked: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def listen() -> None:
        try:
            while True:
                asked.put(receive(asks))
        except EOFError:
            os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        _, _, task = asked.get()
        send(answers, ("made", task.make(None, *task.given)))


if __name__ == "__main__":
    main()
