"""One call as a handler sees it: who, what, when and from where, with everything already checked.

A handler is ``async def handler(call: Call[Services, Body, Query]) -> Answer``; a module that serves one assembly
names its alias once: ``AppCall = Call[Services, B, Q]``.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, Protocol, TypeVar

import msgspec

from gateway.rules.access import Principal
from inbox_store.errors import Refused
from inbox_store.programs import idempotency as kept
from inbox_store.times import Clock

S_co = TypeVar("S_co", covariant=True)
B_co = TypeVar("B_co", covariant=True)
Q_co = TypeVar("Q_co", covariant=True)

MIB: Final = 1024 * 1024

Encoded = kept.Answer
"""An answer already in its final form: what an idempotent write keeps, sent verbatim on every repetition."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much the doors take at once. Every wait is bounded and every line is finite (I10)."""

    body_max_bytes: int = MIB
    read_timeout_s: float = 10.0
    """For the whole of a JSON body, however slowly it drips."""
    handler_timeout_s: float = 30.0
    stream_timeout_s: float = 600.0
    """For an upload and what follows it; a pause inside is bounded by ``read_timeout_s``."""
    in_flight_max: int = 2_000
    running_max: int = 64
    waiting_max: int = 512
    wait_timeout_s: float = 5.0
    streams_max: int = 16
    keepalive_s: float = 75.0
    """How long a connection may say nothing."""
    head_timeout_s: float = 10.0
    """From the first byte of a request to the end of its headers (slow loris)."""
    connections_max: int = 50_000
    drain_s: float = 8.0
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks whose X-Forwarded-For is believed."""


Check = Callable[[], Awaitable[str | None]]
"""Asks one part whether it can work: None when it can, else the reason in Chinese."""


class Door(Protocol):
    """Turns credentials into a principal. Both raise Refused: unauthenticated, token_invalid, token_revoked, locked."""

    async def principal_of_bearer(self, token: str, *, now: int, origin: str) -> Principal:
        """Whose access token ``token`` is; ``now`` in UTC microseconds, ``origin`` the caller's address."""
        ...

    async def principal_of_api_key(self, key: str, *, now: int, origin: str) -> Principal:
        """Which system's key ``key`` is."""
        ...


class DoorServices(Protocol):
    """What the kit needs of the services given to ``make_app``; handlers see the whole object as ``call.services``."""

    @property
    def door(self) -> Door:
        """Who recognises callers."""
        ...

    @property
    def clock(self) -> Clock:
        """Where ``call.now`` comes from."""
        ...

    @property
    def limits(self) -> Limits:
        """How much to take at once."""
        ...

    @property
    def checks(self) -> Mapping[str, Check]:
        """What /readyz asks, by a short English name."""
        ...


class Idempotency(msgspec.Struct, frozen=True, kw_only=True):
    """The sender's key and what it stands for: the same key with another ``body_hash`` or ``route`` is a mismatch.

    ``body_hash``: SHA-256 (32 bytes) over method, path, query and the canonical body.
    """

    key: str
    body_hash: bytes
    route: str

    def over(self, content_sha256: bytes) -> Idempotency:
        """The same key for an uploaded content, whose digest is known only at its end."""
        joined = hashlib.sha256(self.body_hash + content_sha256).digest()
        return msgspec.structs.replace(self, body_hash=joined)


class PathValues:
    """The values of the places in the path, parsed as the route declares them."""

    def __init__(self, values: Mapping[str, int | str]) -> None:
        self._values = values

    def number(self, name: str) -> int:
        """The value of ``{name:int}``."""
        value = self._values[name]
        if not isinstance(value, int):
            raise TypeError(f"{name} is declared as text")
        return value

    def text(self, name: str) -> str:
        """The value of ``{name}``."""
        return str(self._values[name])


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """The content of an upload: its declared length (None when chunked) and its chunks, each waited for with a limit.

    Iterating raises Refused: request_timeout, bad_request (a broken chunk).
    """

    length: int | None
    chunks: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[S_co, B_co, Q_co]):
    """A request that passed the door.

    ``now`` is UTC microseconds, taken once; ``origin`` the caller's address, behind trusted proxies only; ``device``
    what the caller says of itself (X-Device, else User-Agent), printable and cut.
    """

    services: S_co
    body: B_co
    query: Q_co
    path: PathValues
    now: int
    origin: str
    device: str
    request_id: str
    caller: Principal | None
    key: Idempotency | None
    incoming: Incoming | None = None
    raw: bytes = b""
    """The body of a route that reads it itself (``raw=``), as it came."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """The headers of such a route, their names in any case."""

    @property
    def principal(self) -> Principal:
        """Who calls. Raises Refused("unauthenticated") on a public route."""
        if self.caller is None:
            raise Refused("unauthenticated")
        return self.caller

    @property
    def idempotency(self) -> Idempotency:
        """The sender's key. Raises Refused("idempotency_required") on a route that asks for none."""
        if self.key is None:
            raise Refused("idempotency_required")
        return self.key

    @property
    def content(self) -> Incoming:
        """What is being uploaded, on a route with ``stream=True``."""
        if self.incoming is None:
            raise TypeError("the route does not declare stream=True")
        return self.incoming
