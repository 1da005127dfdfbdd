"""The short messages of one running house: its channels, what leaves by them, what comes back, what is looked after."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from config.channels import Channel, read_channels, secret_of
from config.faults import ConfigFault, Fault
from config.settings import Settings
from gateway.flows.charging import Charger
from gateway.flows.phones import shipped_prefixes
from gateway.flows.sms_inbound import Inbounds
from gateway.flows.sms_replies import ReplyDesk
from gateway.flows.sms_sending import Sending
from gateway.house import House
from inbox_store.engine import Nudge, Program
from inbox_store.errors import StoreBroken
from inbox_store.programs import sms
from push.sms.carrier import Inbound, InboundAnswer, SubmitAnswer
from push.sms.ports import Handlers, LinkState
from push.sms.prefixes import ROUTES
from push.sms.registry import rules_of, sender_of
from push.sms.sender import Sender
from push.sms.shares import Shares
from push.sms.text import MAINLAND
from push.sms.text import Rules as TextRules

LOOK_EVERY_S: Final = 1.0
SWEEP_EVERY_S: Final = 30.0
ROUTED_AT_ONCE: Final = 500
"""Numbers opened and looked up in one step: some two milliseconds of the loop."""
SWEPT_AT_ONCE: Final = 1_000
DOUBT_SETTLES_US: Final = 90 * 1_000_000
"""A report whose answer has not come by then will not get one: answers are waited for 60 seconds."""

_MOBILE: Final = re.compile(r"1[0-9]{10}")

log = structlog.get_logger("sms")


def channels_of(settings: Settings) -> tuple[Channel, ...]:
    """The channels of the settings. Raises ConfigFault naming the file and the row."""
    file = settings.sms.channels_file
    if not file:
        return ()
    try:
        return read_channels(Path(file).read_text("utf-8"))
    except (OSError, ValueError) as fault:
        raise ConfigFault((Fault(file, "sms.channels_file", str(fault)),)) from fault


def texts_of(settings: Settings, channels: Sequence[Channel]) -> tuple[TextRules, ...]:
    """How the channels count; without any, as mainland carriers do."""
    told = {rules_of(one, settings.sms.signature, settings.sms.segments_max) for one in channels}
    return tuple(told) or (MAINLAND,)


class SmsHouse:
    """All channels. ``run`` it as a task; it ends in order when it is cancelled."""

    def __init__(self, house: House, channels: Sequence[Channel], secrets: Mapping[str, str]) -> None:
        self.senders: dict[str, Sender] = {}
        self.sendings: dict[str, Sending] = {}
        self._house = house
        self._channels = {one.name: one for one in channels}
        self._secrets = secrets
        self._prefixes = shipped_prefixes()
        self._served = _served(channels)
        self._routing = asyncio.Event()
        self._inbounds: Inbounds | None = None
        self._replies: ReplyDesk | None = None

    # -- what channels know of each other

    def able(self, route: str) -> list[str]:
        """The channels that could take from the route now; a reserve only while the others are down, not while they are busy."""
        up = [
            one
            for name, one in self.sendings.items()
            if route in self._served[name] and not one.passed and one.sender.state.up
        ]
        if any(one.channel.weight for one in up):
            up = [one for one in up if one.channel.weight]
        return [one.channel.name for one in up if one.room]

    def carriers(self, name: str) -> Sequence[str]:
        """Whose numbers a channel serves."""
        return self._served[name]

    def took(self) -> None:
        """Somebody took a batch: it may be another's turn."""
        if len(self.sendings) > 1:
            self.wake()

    def wake(self) -> None:
        """There may be something to send."""
        for one in self.sendings.values():
            one.wake.set()

    # -- life

    async def open(self) -> None:
        """Make the channels ready. Raises ConfigFault naming the channel and the key that its protocol cannot carry."""
        house = self._house
        self._charger = await Charger.of(house)
        lost = await house.store.engine.write(sms.in_doubt(house.clock()))
        if lost:
            log.warning("sms.in_doubt", attempts=lost)
        self._replies = ReplyDesk(house)
        await self._replies.start()
        self._inbounds = Inbounds(house, self._charger, self._replies)
        for name, channel in self._channels.items():
            handlers = Handlers(
                partial(self.inbound, name), partial(self._changed, name), partial(self._late, name)
            )
            sender = _sender(house.settings, channel, self._secrets[name], handlers)
            self.senders[name] = sender
            self.sendings[name] = Sending(house, sender, channel, self._charger, self)
        for route in ROUTES:
            weights = {
                name: one.weight for name, one in self._channels.items() if route in self._served[name]
            }
            shares = Shares(weights)
            for name in weights:
                self.sendings[name].shares[route] = shares
        house.store.engine.subscribe(self._heard)

    async def run(self) -> None:
        """Send, receive and look after it all until cancelled; then end every channel in order."""
        try:
            async with asyncio.TaskGroup() as group:
                for one in self.sendings.values():
                    group.create_task(one.run(), name=f"sms out {one.channel.name}")
                    group.create_task(one.settle(), name=f"sms settle {one.channel.name}")
                group.create_task(self._route(), name="sms routes")
                group.create_task(self._sweep(), name="sms sweep")
                await self._start()
        finally:
            await self._close()

    async def _start(self) -> None:
        for sender in self.senders.values():
            await sender.start()

    async def _close(self) -> None:
        """Nothing new is taken; what was answered until the end is kept."""
        taking = [one.taking for one in self.sendings.values() if one.taking is not None]
        await asyncio.gather(*taking, return_exceptions=True)
        await asyncio.gather(*(one.stop() for one in self.senders.values()), return_exceptions=True)
        for one in self.sendings.values():
            try:
                await one.settle_now()
            except StoreBroken:
                log.exception("sms.not_settled", channel=one.channel.name)

    # -- what channels tell

    async def inbound(self, name: str, inbounds: Sequence[Inbound]) -> None:
        """Reports and replies of a channel; durable when it returns. Raises KeyError for an unknown channel."""
        if self._inbounds is None:
            raise RuntimeError("the channels have not been opened")
        await self._inbounds.take(self._channels[name], inbounds)

    def _changed(self, name: str, state: LinkState) -> None:
        if not state.up:
            log.warning("sms.channel_down", channel=name, why=state.why, note=state.note, alarm=state.alarm)
        self.wake()

    def _late(self, name: str, token: object, place: int, answer: SubmitAnswer | InboundAnswer) -> None:
        self.sendings[name].late(token, place, answer)

    def _heard(self, nudge: Nudge) -> None:
        if nudge.arrivals:
            self._routing.set()
            self._news()

    def _news(self) -> None:
        """There is something that nobody has looked at."""
        for one in self.sendings.values():
            one.look_again()

    # -- what is looked after

    async def _route(self) -> None:
        """Give new orders their way, by the number's prefix."""
        while True:
            self._routing.clear()
            try:
                while await self.route_step():
                    self._news()
            except StoreBroken:
                return
            except Exception:
                log.exception("sms.routing_failed")
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._routing.wait()
            except TimeoutError:
                continue

    async def route_step(self) -> bool:
        """Route the next people's orders; returns whether there were any."""
        engine, vault = self._house.store.engine, self._house.store.keys.phones
        found = await engine.read(sms.unrouted(ROUTED_AT_ONCE))
        if not found:
            return False
        routes = []
        for person_id, sealed, key in found:
            try:
                routes.append((person_id, self._route_of(vault.open(sealed, key))))
            except ValueError:
                log.exception("sms.number_unreadable", person=person_id)
                routes.append((person_id, ""))
        await engine.write(sms.set_routes(routes, self._house.clock()))
        return True

    def _route_of(self, number: str) -> str:
        """By prefix; a prefix given out after the table is asked about, the first carrier's gateway first."""
        return self._prefixes.route_of(number) or (ROUTES[0] if _MOBILE.fullmatch(number) else "")

    async def _sweep(self) -> None:
        while True:
            try:
                await self.sweep_step()
            except StoreBroken:
                return
            except Exception:
                log.exception("sms.sweep_failed")
            await asyncio.sleep(SWEEP_EVERY_S)

    async def sweep_step(self) -> None:
        """What is too late, what was not reported, what can be matched, which parts never came."""
        write, now = self._house.store.engine.write, self._house.clock()
        while await write(sms.expire(now, SWEPT_AT_ONCE), bulk=True) == SWEPT_AT_ONCE:
            pass
        while await write(sms.unreported(now, SWEPT_AT_ONCE), bulk=True) == SWEPT_AT_ONCE:
            pass
        while await write(self._matching(now), bulk=True):
            pass
        if self._replies is not None:
            await self._replies.sweep(now)

    def _matching(self, now: int) -> Program[int]:
        yield from self._charger.current()
        return (yield from sms.match_doubts(self._charger.price, now - DOUBT_SETTLES_US, now))


def _served(channels: Sequence[Channel]) -> dict[str, tuple[str, ...]]:
    """Whose numbers each serves; a carrier that nobody was named for is everybody's, whose gateways often take it."""
    named = {carrier for one in channels for carrier in one.carriers}
    orphans = tuple(route for route in ROUTES if route not in named)
    return {one.name: (*one.carriers, *orphans) for one in channels}


def secrets_of(channels: Sequence[Channel], keys: Path) -> dict[str, str]:
    """Every channel's secret. Raises ConfigFault saying how to make the file that is missing."""
    try:
        return {one.name: secret_of(one, keys) for one in channels}
    except ValueError as fault:
        raise ConfigFault((Fault(str(keys), "sms.channels_file", str(fault)),)) from fault


def check_channels(settings: Settings) -> None:
    """Whether the channels could be opened. Raises ConfigFault naming the channel, the key, or the missing secret."""
    channels = channels_of(settings)
    secrets = secrets_of(channels, settings.keys_folder)
    for channel in channels:
        _sender(settings, channel, secrets[channel.name], Handlers(_nothing_comes))


async def _nothing_comes(_inbounds: Sequence[Inbound]) -> None:
    """Nothing is connected to."""


def _sender(settings: Settings, channel: Channel, secret: str, handlers: Handlers) -> Sender:
    try:
        return sender_of(channel, secret, settings.sms.signature, handlers)
    except ValueError as fault:
        raise ConfigFault((Fault(settings.sms.channels_file, "sms.channels_file", str(fault)),)) from fault
