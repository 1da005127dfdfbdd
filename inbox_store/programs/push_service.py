"""Facts of our own push service (RFC 8030): subscriptions of browsers, messages that wait until a browser dealt with them.

Nothing here can be read by us: bodies are encrypted for the browser, endpoints and browsers are kept as hashes.
"""

from __future__ import annotations

from typing import Final, Literal

from inbox_store.engine import Program, Sql
from inbox_store.nouns import Noun
from inbox_store.times import DAY_US

Urgency = Literal["very-low", "low", "normal", "high"]

DELIVERED: Final = 100
"""Ack of Firefox: handed to the service worker. 101: could not be decrypted; 102: not delivered otherwise."""


class Subscribed(Noun, frozen=True, kw_only=True):
    """One subscription: a channel of one browser."""

    token: str
    """Hash of the secret part of its endpoint."""
    agent: str
    """Hash of the browser's id."""
    channel: str
    key: str
    """The VAPID key it was made with, base64url without padding; empty: anybody who knows the endpoint may send."""
    at: int


class Message(Noun, frozen=True, kw_only=True):
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


class Settled(Noun, frozen=True, kw_only=True):
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


def seen_at(agent: str) -> Program[int | None]:
    """When the browser was noted last; None where it has no subscription here."""
    ((at,),) = yield Sql("web_push_agent", {"agent": agent})
    return None if at is None else int(at)


def stale(seen: int, now: int) -> bool:
    """Whether a browser's return is worth a note: once a day, so that a thousand returns write nothing."""
    return now - seen >= DAY_US


def saw(agent: str, now: int) -> Program[None]:
    """Note that the browser was here."""
    yield Sql("web_push_seen", {"agent": agent, "now": now})


def subscribe(made: Subscribed, agent_max: int) -> Program[bool]:
    """Keep a subscription; the same token again changes nothing. False where the browser has ``agent_max`` others."""
    ((others,),) = yield Sql("web_push_agent_count", {"agent": made.agent, "token": made.token})
    if others >= agent_max and not (yield from subscription(made.token)):
        return False
    told = {"token": made.token, "agent": made.agent, "channel": made.channel, "key": made.key, "at": made.at}
    yield Sql("web_push_subscribe", told)
    return True


def unsubscribe(agent: str, channel: str) -> Program[None]:
    """Forget a subscription and what waits for it."""
    told = {"agent": agent, "channel": channel}
    yield Sql("web_push_forget_messages", told)
    yield Sql("web_push_unsubscribe", told)


def subscription(token: str) -> Program[Subscribed | None]:
    """The subscription behind an endpoint."""
    for row in (yield Sql("web_push_subscription", {"token": token})):
        return Subscribed(token=row[0], agent=row[1], channel=row[2], key=row[3], at=row[4])
    return None


def put(message: Message, waiting_max: int) -> Program[bool]:
    """Keep a message; a waiting one of the same subscription and topic is replaced (RFC 8030 §5.4).

    False where ``waiting_max`` messages wait for the subscription, or it is gone by now.
    """
    if (yield from subscription(message.token)) is None:
        return False
    ((replaced,),) = yield Sql("web_push_replaced", {"token": message.token, "topic": message.topic})
    asked = {"token": message.token, "now": message.at, "limit": waiting_max}
    ((waiting,),) = yield Sql("web_push_waiting", asked)
    if waiting >= waiting_max and not replaced:
        return False
    told = {name: getattr(message, name) for name in message.__struct_fields__}
    yield Sql("web_push_put", told)
    return True


def due(agent: str, now: int, limit: int) -> Program[list[Message]]:
    """What waits for a browser and still lives, oldest first."""
    rows = yield Sql("web_push_due", {"agent": agent, "now": now, "limit": limit})
    return [
        Message(
            id=row[0], token=row[1], agent=row[2], channel=row[3], body=row[4], topic=row[5], urgency=row[6],
            at=row[7], until=row[8],
        )
        for row in rows
    ]  # fmt: skip


def settle(settled: Settled) -> Program[bool]:
    """The browser is done with a message: it is kept no longer. False where it was not waiting for that browser."""
    ((changed,),) = yield Sql("web_push_settle", {"id": settled.id, "agent": settled.agent})
    return bool(changed)


def withdraw(message_id: str) -> Program[bool]:
    """Forget a message on its sender's wish; False where it does not wait."""
    ((changed,),) = yield Sql("web_push_withdraw", {"id": message_id})
    return bool(changed)


def expire(now: int, limit: int) -> Program[int]:
    """Forget up to ``limit`` messages whose time is over; how many."""
    ((changed,),) = yield Sql("web_push_expire", {"now": now, "limit": limit})
    return int(changed)
