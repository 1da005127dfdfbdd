"""What the push service keeps, and whom it tells: nouns, the port to a store, what the house hands in."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Final, Literal, Protocol

import msgspec

Urgency = Literal["very-low", "low", "normal", "high"]

DELIVERED: Final = 100
"""Ack of Firefox: handed to the service worker. 101: could not be decrypted; 102: not delivered otherwise."""


class Subscribed(msgspec.Struct, frozen=True, kw_only=True):
    """One subscription: a channel of one browser."""

    token: str
    """The secret part of its endpoint."""
    agent: str
    channel: str
    key: str
    """The VAPID key it was made with, base64url without padding; empty: anybody who knows the endpoint may send."""
    at: int


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One encrypted message that waits. ``at`` and ``until`` are UTC microseconds."""

    id: str
    """Random and secret: whoever knows it may withdraw the message."""
    token: str
    agent: str
    channel: str
    body: bytes
    topic: str
    urgency: Urgency
    at: int
    until: int


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """A browser's word about one message. Of ``code`` only 100 counts as delivered."""

    id: str
    agent: str
    channel: str
    code: int
    at: int

    @property
    def delivered(self) -> bool:
        """Whether the service worker got it."""
        return self.code == DELIVERED


class PushStore(Protocol):
    """Where subscriptions and waiting messages lie. What a method has returned from is kept, also after a restart."""

    async def greet(self, agent: str, now: int) -> bool:
        """Whether the browser has subscriptions here; it is remembered as seen."""
        ...

    async def subscribe(self, subscribed: Subscribed, agent_max: int) -> bool:
        """Keep a subscription; the same token again changes nothing. False where the browser has ``agent_max``."""
        ...

    async def unsubscribe(self, agent: str, channel: str) -> None:
        """Forget a subscription and what waits for it."""
        ...

    async def subscription(self, token: str) -> Subscribed | None:
        """The subscription behind an endpoint."""
        ...

    async def put(self, message: Message, waiting_max: int) -> bool:
        """Keep a message; a waiting one of the same subscription and topic is replaced (RFC 8030 §5.4).

        False where ``waiting_max`` messages wait for the subscription.
        """
        ...

    async def due(self, agent: str, now: int, limit: int) -> list[Message]:
        """What waits for a browser and still lives, oldest first."""
        ...

    async def settle(self, settled: Settled) -> bool:
        """The browser is done with a message: it is kept no longer. False where it was not waiting."""
        ...

    async def withdraw(self, message_id: str) -> bool:
        """Forget a message on its sender's wish; False where it does not wait."""
        ...

    async def expire(self, now: int, limit: int) -> int:
        """Forget up to ``limit`` messages whose time is over; how many."""
        ...


Told = Callable[[Settled], Awaitable[None]]
"""What the house does with a browser's word; called once per message, after the store has it."""


def agent_of(uaid: str) -> str:
    """What a browser is stored as: its own id opens its messages, so that it is kept nowhere."""
    return hashlib.sha256(b"songda push agent: " + uaid.encode()).hexdigest()[:32]
