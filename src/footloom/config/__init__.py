"""What can be set, in one frozen struct: flags above the environment above ``.env`` above ``footloom.toml``."""

from __future__ import annotations

from footloom.config.loading import config_folder, load
from footloom.config.places import endpoint_of
from footloom.config.settings import Config, Fetch, Notice, size_of

__all__ = ("Config", "Fetch", "Notice", "config_folder", "endpoint_of", "load", "size_of")
