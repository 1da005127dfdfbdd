"""A channel that speaks a carrier's own protocol: the text cut into segments, the link, and SGIP's listener beside it."""

from __future__ import annotations

from typing import NamedTuple

from inbox_store.errors import Refused
from push.sms.compose import compose
from push.sms.link import ChannelLink
from push.sms.listener import Listener
from push.sms.ports import Done, LinkState, NotSent
from push.sms.sender import Message
from push.sms.text import Rules


class Door(NamedTuple):
    """Where a gateway connects to us to bring reports and replies (sgip §4)."""

    listener: Listener
    host: str
    port: int


class CarrierSender:
    """One account with one gateway; see ``push.sms.sender.Sender``."""

    def __init__(self, link: ChannelLink, rules: Rules, door: Door | None = None) -> None:
        self.name = link.name
        self._link = link
        self._rules = rules
        self._door = door

    @property
    def state(self) -> LinkState:
        """Whether it can be used now and, where not, why."""
        return self._link.state

    @property
    def free(self) -> int:
        """Segments that would leave at once."""
        return self._link.free

    async def start(self) -> None:
        """Listen where the gateway connects to us, begin to connect. Raises OSError where it cannot listen."""
        if self._door is not None:
            await self._door.listener.start(self._door.host, self._door.port)
        await self._link.start()

    async def stop(self) -> None:
        """End in order."""
        await self._link.stop()
        if self._door is not None:
            await self._door.listener.stop()

    def own_ids(self, count: int) -> list[tuple[int, str]]:
        """Of SGIP; none of the others."""
        return self._link.own_ids(count)

    def post(self, message: Message, done: Done, token: object) -> None:
        """Send; a text that cannot be composed never left."""
        try:
            segments = compose(message, self._rules)
        except (Refused, ValueError) as why:
            done([NotSent("unsendable", str(why)) for _ in message.numbers])
            return
        self._link.post(segments, done, token, message.sequences or None)
