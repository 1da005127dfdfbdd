"""What carriers bring: reports applied, replies read; durable before the carrier is answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from config.channels import Channel
from gateway.flows.charging import Charger
from gateway.house import House
from inbox_store.failpoints import failpoint
from inbox_store.messages import Reported
from push.sms.carrier import Inbound, Reply, Report
from push.sms.failures import permanent


class Replies(Protocol):
    """Who reads replies."""

    async def take(self, channel: str, replies: Sequence[tuple[Reply, int]]) -> None:
        """Keep and apply them, each with the moment it came; durable when it returns."""
        ...


class Inbounds:
    """The far end's word, for all channels."""

    def __init__(self, house: House, charger: Charger, replies: Replies) -> None:
        self._house = house
        self._charger = charger
        self._replies = replies

    async def take(self, channel: Channel, inbounds: Sequence[Inbound]) -> None:
        """Apply all of it, or raise and have applied none of the reports; the same may come twice."""
        now = self._house.clock()
        reports = [self._reported(channel, one.what, now) for one in inbounds if isinstance(one.what, Report)]
        if reports:
            failpoint("sms_before_report")
            await self._house.store.engine.write(self._charger.reporting(reports))
            failpoint("sms_after_report")
        replies = [(one.what, now) for one in inbounds if isinstance(one.what, Reply)]
        if replies:
            await self._replies.take(channel.name, replies)

    def _reported(self, channel: Channel, told: Report, now: int) -> Reported:
        return Reported(
            channel=channel.name,
            message_id=told.message_id,
            phone_lookup=self._house.store.keys.phones.lookup(told.to) if told.to else b"",
            state=told.state,
            stat=told.stat,
            error=told.error,
            done_at=told.done_at,
            permanent=told.state == "failed" and permanent(channel.protocol, told.stat, told.error),
            at=now,
        )
