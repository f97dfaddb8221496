"""``footloom serve``: charts of a store over HTTP and WebSocket, on this machine."""

from __future__ import annotations

import functools

from footloom.cli._shared import HostFlag, JsonFlag, OpenFlag, OriginFlag, PortFlag, StoreFlag, announce, say

__all__ = ("serve",)


def serve(
    store: StoreFlag = None,
    host: HostFlag = "127.0.0.1",
    port: PortFlag = 8123,
    open_page: OpenFlag = False,
    allow_origin: OriginFlag = None,
    json: JsonFlag = False,
) -> None:
    """Serve charts of what a store holds, to this machine. Ctrl-C stops it."""
    from footloom import config
    from footloom.server.app import create_app
    from footloom.server.port import bind
    from footloom.server.run import listen, run
    from footloom.server.services import Services
    from footloom.store.files import Store

    listener = bind(host, port)
    root = config.load(store=store).store
    with Store(root) as opened:
        services = Services.over(opened)
        if not services.warm():
            say(f"{root} holds no trades yet: bring a recording in with footloom import, or try footloom demo")
        on_ready = functools.partial(announce, host, listener.getsockname()[1], open_page=open_page, as_json=json)
        try:
            run(listen(create_app(services, origins=allow_origin or ()), listener, on_ready=on_ready))
        finally:
            services.close()
