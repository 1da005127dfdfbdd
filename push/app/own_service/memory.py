"""The store of the push service in memory: for trials and tests; a restart forgets everything."""

from __future__ import annotations

from itertools import islice

from inbox_store.programs.push_service import Message, Settled, Subscribed


class MemoryStore:
    """Dicts in the order of their making."""

    def __init__(self) -> None:
        self._subscribed: dict[str, Subscribed] = {}
        self._messages: dict[str, Message] = {}

    async def greet(self, agent: str, now: int) -> bool:  # noqa: ARG002 - nothing is remembered of when
        """See ``PushStore``."""
        return any(one.agent == agent for one in self._subscribed.values())

    async def subscribe(self, subscribed: Subscribed, agent_max: int) -> bool:
        """See ``PushStore``."""
        if subscribed.token not in self._subscribed:
            if sum(one.agent == subscribed.agent for one in self._subscribed.values()) >= agent_max:
                return False
            self._subscribed[subscribed.token] = subscribed
        return True

    async def unsubscribe(self, agent: str, channel: str) -> None:
        """See ``PushStore``."""
        gone = {
            token for token, one in self._subscribed.items() if (one.agent, one.channel) == (agent, channel)
        }
        self._subscribed = {token: one for token, one in self._subscribed.items() if token not in gone}
        self._messages = {key: one for key, one in self._messages.items() if one.token not in gone}

    async def subscription(self, token: str) -> Subscribed | None:
        """See ``PushStore``."""
        return self._subscribed.get(token)

    async def put(self, message: Message, waiting_max: int) -> bool:
        """See ``PushStore``."""
        if message.token not in self._subscribed:
            return False
        there = [one for one in self._messages.values() if one.token == message.token]
        old = next((one for one in there if message.topic and one.topic == message.topic), None)
        if old is not None:
            del self._messages[old.id]
        elif sum(one.until > message.at for one in there) >= waiting_max:
            return False
        self._messages[message.id] = message
        return True

    async def due(self, agent: str, now: int, limit: int) -> list[Message]:
        """See ``PushStore``."""
        mine = (one for one in self._messages.values() if one.agent == agent and one.until > now)
        return list(islice(mine, limit))

    async def settle(self, settled: Settled) -> bool:
        """See ``PushStore``."""
        there = self._messages.get(settled.id)
        if there is None or there.agent != settled.agent:
            return False
        del self._messages[settled.id]
        return True

    async def withdraw(self, message_id: str) -> bool:
        """See ``PushStore``."""
        return self._messages.pop(message_id, None) is not None

    async def expire(self, now: int, limit: int) -> int:
        """See ``PushStore``."""
        over = list(islice((key for key, one in self._messages.items() if one.until <= now), limit))
        for key in over:
            del self._messages[key]
        return len(over)
