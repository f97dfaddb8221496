"""What the REST routes of one server share beside its services: threads, kept answers, jobs, uploads, layouts."""

from __future__ import annotations

from pathlib import Path

from footloom import config
from footloom.config import Config
from footloom.server.rest.answers import Answers
from footloom.server.rest.jobs import Jobs
from footloom.server.rest.layouts import Layouts
from footloom.server.rest.uploads import Uploads
from footloom.server.rest.work import Work
from footloom.server.services import Services
from footloom.server.stored.aside import Aside
from footloom.server.stored.followed_orders import FollowedOrders
from footloom.server.stored.profiled import ProfileBars

__all__ = ("Rest",)


class Rest:
    """The REST side of one server.

    Parameters
    ----------
    services
        What all routes share.
    settings
        The server's settings; without them those of the environment, over the store that is served.
    """

    def __init__(self, services: Services, settings: Config | None = None) -> None:
        self._hub = services.hub
        root = getattr(services.history.store, "root", None)
        self.settings = settings or config.load(store=root)
        self.most_bars = self.settings.max_history_bars
        self.work = Work()
        self.aside = Aside(services.history, root if isinstance(root, Path) else None)
        self.steps = Aside(services.history, self.aside.root)  # who opens a chart waits for no large answer
        services.asides = (self.aside, self.steps)
        services.history.steps.find = self.steps.make
        self.answers = Answers(self.work)
        self.profile_bars = ProfileBars(services.history, self.aside.make)
        self.orders = FollowedOrders(services.history)
        self.jobs = Jobs(lambda: getattr(services, "writer", None))
        self.uploads = Uploads(root.parent if isinstance(root, Path) else None, self.settings.max_upload)
        self.layouts = Layouts(self.settings.folder / "layouts.sqlite")

    def reread(self) -> None:
        """Read the charts that are open anew: a job may have changed the past of any of them."""
        for key in {topic.key for topic in self._hub.topics}:
            self._hub.reread(key)

    def close(self) -> None:
        """Drop what waits, and take away what was sent."""
        self.work.close()
        self.aside.close()
        self.steps.close()
        self.uploads.close()
