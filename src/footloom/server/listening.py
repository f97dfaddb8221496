"""How a port is served: limits of its connections, and its certificate.

Nothing heavy is imported here, as in `footloom.server.port`: what a program says before it is ready, it says at once.
"""

from __future__ import annotations

import logging
import os
import ssl
import stat
from dataclasses import dataclass
from pathlib import Path

from footloom.errors import ConfigError

__all__ = ("EVICT_AFTER_S", "ConnectionLimits", "tls_of")

_LOG = logging.getLogger(__name__)
EVICT_AFTER_S = 10.0


@dataclass(frozen=True, kw_only=True)
class ConnectionLimits:
    """The limits of one server; ``max_connections`` is for each address that is not this machine's own."""

    max_connections: int = 100
    request_timeout_s: float = 10.0
    ws_ping_interval: float = 20.0
    evict_after_s: float = EVICT_AFTER_S
    tls_cert: Path | None = None
    tls_key: Path | None = None


def tls_of(cert: Path | None, key: Path | None) -> bool:
    """Say whether certificate files are named, which then can be used.

    Raises
    ------
    ConfigError
        They cannot be.
    """
    if cert is None:
        if key is not None:
            raise ConfigError(f"--tls-key {key} without a certificate: name it with --tls-cert")
        return False
    for path in (cert, key):
        if path is not None and not path.is_file():
            raise ConfigError(f"{path} is no file: --tls-cert and --tls-key name a certificate and its key in PEM form")
    if key is not None and os.name == "posix" and stat.S_IMODE(key.stat().st_mode) & 0o077:
        _LOG.warning("%s is the key of this server and others may read it: chmod 600 %s", key, key)
    try:
        # An encrypted key would ask for its password at the terminal of a service.
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(cert, key, password=lambda: "")
    except (ssl.SSLError, OSError, ValueError) as error:
        why = getattr(error, "reason", None) or error
        raise ConfigError(
            f"{cert} and {key or 'no key'} cannot be used for TLS ({why}): both have to be PEM files, the key belongs "
            "to the certificate and has no password"
        ) from None
    return True
