"""The push service's store over the house's own: every method is one fact."""

from __future__ import annotations

from collections.abc import Callable

from inbox_store.engine import Engine, Program
from inbox_store.programs import push_service as facts
from inbox_store.programs.push_service import Message, Settled, Subscribed


def _nothing(_settled: Settled) -> Program[None]:
    """Nothing belongs to it."""
    yield from ()


class StoredPushes:
    """``PushStore`` over an engine.

    ``belongs`` is what the house writes with a browser's word in the same transaction: a delivery that is counted
    exactly when the message is forgotten, whatever dies in between.
    """

    def __init__(self, engine: Engine, belongs: Callable[[Settled], Program[None]] = _nothing) -> None:
        self._engine = engine
        self._belongs = belongs

    async def greet(self, agent: str, now: int) -> bool:
        """See ``PushStore``."""
        seen = await self._engine.read(facts.seen_at(agent))
        if seen is not None and facts.stale(seen, now):
            await self._engine.write(facts.saw(agent, now))
        return seen is not None

    async def subscribe(self, subscribed: Subscribed, agent_max: int) -> bool:
        """See ``PushStore``."""
        return await self._engine.write(facts.subscribe(subscribed, agent_max))

    async def unsubscribe(self, agent: str, channel: str) -> None:
        """See ``PushStore``."""
        await self._engine.write(facts.unsubscribe(agent, channel))

    async def subscription(self, token: str) -> Subscribed | None:
        """See ``PushStore``."""
        return await self._engine.read(facts.subscription(token))

    async def put(self, message: Message, waiting_max: int) -> bool:
        """See ``PushStore``."""
        return await self._engine.write(facts.put(message, waiting_max))

    async def due(self, agent: str, now: int, limit: int) -> list[Message]:
        """See ``PushStore``."""
        return await self._engine.read(facts.due(agent, now, limit))

    async def settle(self, settled: Settled) -> bool:
        """See ``PushStore``."""
        return await self._engine.write(self._settled(settled))

    def _settled(self, settled: Settled) -> Program[bool]:
        was_there = yield from facts.settle(settled)
        if was_there:
            yield from self._belongs(settled)
        return was_there

    async def withdraw(self, message_id: str) -> bool:
        """See ``PushStore``."""
        return await self._engine.write(facts.withdraw(message_id))

    async def expire(self, now: int, limit: int) -> int:
        """See ``PushStore``."""
        return await self._engine.write(facts.expire(now, limit), bulk=True)
