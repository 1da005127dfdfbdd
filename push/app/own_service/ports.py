"""Where the push service keeps what it must not lose, and whom it tells."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Protocol

from inbox_store.programs.push_service import Message, Settled, Subscribed


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

        False where ``waiting_max`` messages wait for the subscription, or it is gone by now.
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


def token_of(secret: str) -> str:
    """What an endpoint's secret is stored as."""
    return hashlib.sha256(b"songda push endpoint: " + secret.encode()).hexdigest()[:32]
