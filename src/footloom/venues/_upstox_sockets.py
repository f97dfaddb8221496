"""Which connections carry what is wanted of Upstox: its limits are kept here, since the venue keeps them in silence.

Keys above a limit get no data, no error and no close: what does not fit is refused before it is asked.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence

import msgspec

from footloom.core.secret import Secret
from footloom.errors import ConfigError, SchemaChanged
from footloom.venues._venue import Bases, Request, Socket, Wanted

__all__ = ("added", "authorize", "bearer", "explain", "most_sockets", "read_authorized", "sockets")

_AUTHORIZE = "/v3/feed/market-data-feed/authorize"
_KEYS_A_MESSAGE = 500
_STALL_S = 60.0
_FULL_STREAMS = frozenset({"snapshot", "quote", "depth", "open_interest"})
# Keys that one connection takes in a mode alone, and in all while the mode is one of several.
_ALONE = {"ltpc": 5000, "option_greeks": 3000, "full": 2000, "full_d30": 50}
_TOGETHER = {"ltpc": 2000, "option_greeks": 2000, "full": 1500, "full_d30": 1500}
_CONNECTIONS = {"": 2, "plus": 5}

Load = dict[str, list[str]]  # mode -> keys, of one connection


def sockets(wanted: Sequence[Wanted], bases: Bases, credentials: dict[str, str]) -> list[Socket]:
    """Return the connections that carry what is wanted, within the venue's limits.

    Parameters
    ----------
    credentials
        ``access_token``, and ``plan``: ``"plus"`` for an account of Upstox Plus.

    Raises
    ------
    ConfigError
        No token, a stream that Upstox has not, or more keys than its connections take.
    """
    modes = {one.symbol: _mode(one, credentials) for one in wanted}
    request = authorize(bases, credentials)
    return [
        Socket(
            name=f"upstox {number + 1}",
            url=bases.ws,
            opening=_subscriptions(load, number + 1),
            # One message of a key is all that its mode has: it stands for whatever else was asked of it.
            expects=frozenset((key, "snapshot") for keys in load.values() for key in keys),
            authorize=request,
            stall_s=_STALL_S,
        )
        for number, load in enumerate(_spread(modes, most_sockets(credentials)))
    ]


def most_sockets(credentials: dict[str, str]) -> int:
    """Return how many connections an account has: more with Upstox Plus."""
    return _CONNECTIONS.get(credentials.get("plan", ""), _CONNECTIONS[""])


def added(old: Socket, new: Socket) -> tuple[bytes, ...]:
    """Return the messages that make of a connection that was opened as ``old`` what ``new`` asks for.

    Keys that ``new`` has not are given up, others are added: for options that follow the money.
    """
    before, after = _asked(old), _asked(new)
    more = {mode: [key for key in keys if key not in before.get(mode, ())] for mode, keys in after.items()}
    kept = {key for keys in after.values() for key in keys}
    gone = [key for keys in before.values() for key in keys if key not in kept]
    left = [
        msgspec.json.encode(
            {"guid": "footloom-unsub", "method": "unsub", "data": {"instrumentKeys": gone[start:][:_KEYS_A_MESSAGE]}}
        )
        for start in range(0, len(gone), _KEYS_A_MESSAGE)
    ]
    return (*left, *_subscriptions({mode: keys for mode, keys in more.items() if keys}, 0))


def authorize(bases: Bases, credentials: dict[str, str]) -> Request:
    """Ask for the address of one connection.

    Raises
    ------
    ConfigError
        There is no token.
    """
    return Request(url=f"{bases.rest}{_AUTHORIZE}", headers=bearer(credentials))


def bearer(credentials: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the headers of a call.

    Raises
    ------
    ConfigError
        There is no token.
    """
    token = credentials.get("access_token", "")
    if not token:
        raise ConfigError("upstox gives data to accounts only, and there is no token: run footloom login upstox")
    return (("Authorization", Secret(f"Bearer {token}")), ("Accept", "application/json"))


class _Address(msgspec.Struct):
    authorized_redirect_uri: str = ""
    authorizedRedirectUri: str = ""  # noqa: N815 - the deprecated twin


class _Authorized(msgspec.Struct):
    data: _Address


_decode_authorized = msgspec.json.Decoder(_Authorized).decode


def read_authorized(document: bytes) -> str:
    """Return the address of the socket; it holds a code that is good for one connection.

    Raises
    ------
    SchemaChanged
        There is no such address in the answer.
    """
    try:
        found = _decode_authorized(document).data
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SchemaChanged(f"Upstox's answer to {_AUTHORIZE} is not as documented: {error}") from None
    address = found.authorized_redirect_uri or found.authorizedRedirectUri
    if not address.startswith(("wss://", "ws://")):
        raise SchemaChanged(f"Upstox's answer to {_AUTHORIZE} has no authorized_redirect_uri that is a WebSocket")
    return Secret(address)


def explain(status: int, text: str) -> str:
    """Return what an HTTP status of Upstox means and what to do about it, ``""`` where it says no more than others.

    ``text`` is the body of the answer; nothing of it is repeated.
    """
    if status == 401 or "UDAPI100050" in text:
        return (
            "Upstox does not take the token: access tokens end at 03:30 IST, analytics tokens after a year. "
            "Run footloom login upstox; nothing is tried again before that"
        )
    if status == 403:
        return (
            "Upstox refuses the connection: an account has 2 at a time (5 with Upstox Plus), shared with every other "
            "program that uses it. Close the others, or wait until they are gone"
        )
    known = {
        "UDAPI10005": "Upstox's rate limit is reached: 50 calls a second, 500 a minute, 2000 in half an hour",
        "UDAPI100011": "Upstox does not know that instrument key: keys look like NSE_FO|51510 or NSE_INDEX|Nifty 50",
        "UDAPI1149": "Upstox gives that to accounts of Upstox Plus only",
    }
    return next((meaning for code, meaning in known.items() if code in text), "")


def _mode(one: Wanted, credentials: dict[str, str]) -> str:
    # One mode a key: the richest that is asked for holds what the others say.
    unknown = one.streams - _FULL_STREAMS - {"ltpc", "option_greeks"}
    if unknown or not one.streams:
        raise ConfigError(
            f"upstox has no {', '.join(sorted(unknown)) or 'stream without a name'} of {one.symbol}: it sends "
            "snapshots (snapshot, quote, depth, open_interest; option_greeks; ltpc), never single trades"
        )
    if not one.streams & _FULL_STREAMS:
        return "option_greeks" if "option_greeks" in one.streams else "ltpc"
    if one.depth <= 5:
        return "full"
    if one.depth <= 30 and credentials.get("plan") == "plus":
        return "full_d30"
    raise ConfigError(
        f"{one.depth} levels of {one.symbol}: Upstox sends 5, and 30 to accounts of Upstox Plus. Ask for 5, or say "
        "that yours is one: footloom login upstox --plus"
    )


def _room(load: Load, mode: str) -> int:
    # How many more keys of a mode one connection takes.
    used = {name: len(keys) for name, keys in load.items() if keys and name != mode}
    mine = len(load.get(mode, ()))
    if not used:
        return _ALONE[mode] - mine
    together = min(_TOGETHER[name] for name in (*used, mode))
    return max(0, min(_ALONE[mode] - mine, together - mine - sum(used.values())))


def _fill(keys: Load, order: Sequence[str], connections: int) -> list[Load] | None:
    loads: list[Load] = [{} for _ in range(connections)]
    for mode in order:
        left = keys[mode]
        for load in loads:
            room = _room(load, mode)
            if room and left:
                load.setdefault(mode, []).extend(left[:room])
                left = left[room:]
        if left:
            return None
    return [load for load in loads if load]


def _spread(modes: dict[str, str], connections: int) -> list[Load]:
    keys: Load = {}
    for key, mode in modes.items():
        keys.setdefault(mode, []).append(key)
    found = [loads for order in itertools.permutations(keys) if (loads := _fill(keys, order, connections)) is not None]
    if not found:
        counts = ", ".join(f"{count} in mode {mode}" for mode, count in Counter(modes.values()).items())
        raise ConfigError(
            f"{counts} are more keys than Upstox sends over {connections} connections: one takes "
            f"{', '.join(f'{count} {mode}' for mode, count in _ALONE.items())}, or in several modes at once "
            f"{_TOGETHER['full']} (without full {_TOGETHER['ltpc']}). It would leave out the rest without a word: "
            "record fewer symbols"
        )
    return min(found, key=len)


def _asked(socket: Socket) -> Load:
    keys: Load = {}
    for message in socket.opening:
        data = msgspec.json.decode(message)["data"]
        keys.setdefault(data["mode"], []).extend(data["instrumentKeys"])
    return keys


def _subscriptions(load: Load, connection: int) -> tuple[bytes, ...]:
    messages: list[bytes] = []
    for mode, keys in load.items():
        for start in range(0, len(keys), _KEYS_A_MESSAGE):
            data = {"mode": mode, "instrumentKeys": keys[start : start + _KEYS_A_MESSAGE]}
            guid = f"footloom-{connection}-{len(messages) + 1}"
            messages.append(msgspec.json.encode({"guid": guid, "method": "sub", "data": data}))
    return tuple(messages)
