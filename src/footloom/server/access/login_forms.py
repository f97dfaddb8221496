"""What a login form holds, and what is said of a broker's token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

__all__ = ("LOGIN_WAYS", "LoginAsk", "LoginField", "LoginRow", "LoginWay")


class LoginField(msgspec.Struct, frozen=True):
    """One field of a form; what ``secret`` ones hold is never shown."""

    name: str
    label: str
    secret: bool = True


class LoginWay(msgspec.Struct, frozen=True):
    """One way to log in."""

    way: str
    label: str
    fields: Sequence[LoginField]
    hint: str = ""


class LoginRow(msgspec.Struct, frozen=True, kw_only=True):
    """How a broker's token stands, in words, and the ways to get a new one.

    ``state`` is ``none``, ``good``, ``ending`` or ``ended``. ``open`` is an address to open next, where a login needs
    the broker's own page.
    """

    venue: str
    state: str
    text: str
    expires_ns: str | None
    ways: Sequence[LoginWay]
    open: str | None = None


class LoginAsk(msgspec.Struct, forbid_unknown_fields=True):
    """What a form sends."""

    venue: str
    way: str
    fields: dict[str, str]

    def __repr__(self) -> str:
        return f"<LoginAsk {self.venue} {self.way}>"


LOGIN_WAYS: Final[dict[str, tuple[LoginWay, ...]]] = {
    "upstox": (
        LoginWay(
            "analytics",
            "Analytics token",
            (LoginField("token", "Token"),),
            "Read-only, lasts a year: upstox.com, Account, Developer apps, Analytics. It cannot trade.",
        ),
        LoginWay(
            "oauth",
            "Upstox's own page",
            (LoginField("api_key", "API key", secret=False), LoginField("api_secret", "API secret")),
            "Lasts until 03:30 IST. The app's redirect address has to be the one shown here.",
        ),
    ),
    "angelone": (
        LoginWay(
            "totp",
            "PIN and TOTP",
            (
                LoginField("api_key", "API key"),
                LoginField("client_code", "Client code", secret=False),
                LoginField("pin", "PIN"),
                LoginField("totp_secret", "TOTP secret"),
            ),
            "Lasts until midnight IST. The secret is the text beside the QR code; it is not kept.",
        ),
    ),
}
