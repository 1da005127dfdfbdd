"""A small store of April 2018 with short messages that were charged, in doubt and suppressed; and a carrier's file of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from config.loading import load
from gateway.assembly import open_parts
from gateway.flows.charging import Charger
from gateway.house import House
from inbox_store.messages import (
    Answered,
    Claiming,
    Decide,
    Decision,
    Facts,
    Go,
    Leaving,
    NewAlert,
    Price,
    Reported,
    Stop,
)
from inbox_store.programs import sms
from inbox_store.times import DAY_US, moment, parse_iso
from tests.inbox_store.world import Clock, World

APRIL = parse_iso("2018-04-07T10:00:00")
MAY = parse_iso("2018-05-03T09:00:00")
CHANNEL, ROUTE, SOURCE = "mobile-1", "mobile", "10657333900112"
HEADINGS = "消息编号,手机号码,接入号,接收时间,计费条数,状态"


@dataclass
class Office:
    """The house over the store, and what left in it: for each attempt its facts."""

    house: House
    world: World
    left: dict[int, Facts] = field(default_factory=dict)

    @property
    def clock(self) -> Clock:
        """The clock that only the test moves."""
        return self.world.clock

    async def alert(self, unit: str, to: Sequence[str], segments: int = 1) -> None:
        """An alert by a unit to others, with its orders routed."""
        world, now = self.world, self.clock.now
        submitted = await world.submit(to)
        told = NewAlert(
            kind="arrival",
            unit_id=world.units[unit],
            text="【送达】您有1份公文待签收",
            segments=segments,
            urgency="ordinary",
            priority=2,
            expires_at=now + DAY_US,
            document_id=submitted.document_id,
            dispatch_id=submitted.dispatch_id,
        )
        alert_id = await world.write(sms.add_alert(told, 0, now))
        await world.write(sms.order_chunk(alert_id, {"after": 0, "to": 2**60}, now))
        people = await world.read(sms.unrouted(100))
        await world.write(sms.set_routes([(person, ROUTE) for person, _, _ in people], self.clock.now))

    async def leave(self, segments: int = 1) -> list[int]:
        """All that waits leaves; the attempts."""

        def go(_: Facts) -> Decision:
            return Go(segments=segments, source=SOURCE)

        leaving: list[Leaving] = await self._claim(go)
        found = {attempt: one.facts for one in leaving for _, attempt in one.attempts}
        self.left.update(found)
        return list(found)

    async def suppress(self) -> None:
        """All that waits is suppressed."""
        await self._claim(lambda _: Stop(state="suppressed", reason="switched_off"))

    async def _claim(self, decide: Decide) -> list[Leaving]:
        return await self.world.write(
            sms.claim(Claiming(channel=CHANNEL, routes=(ROUTE,), free=1000), decide, self.clock.now)
        )

    async def accept(self, attempts: Sequence[int]) -> None:
        """The carrier took them, under ids made of them."""
        answers = [
            Answered(attempt_id=one, outcome="accepted", message_id=f"m{one}", at=self.clock.now)
            for one in attempts
        ]
        await self.world.write(sms.settling(await self.price())(answers))

    async def report(self, attempt: int, state: Literal["delivered", "failed"]) -> None:
        """The carrier's final report."""
        stat = {"delivered": "DELIVRD", "failed": "UNDELIV"}[state]
        told = Reported(
            channel=CHANNEL,
            message_id=f"m{attempt}",
            phone_lookup=b"",
            state=state,
            stat=stat,
            at=self.clock.now,
        )
        await self.world.write(sms.reporting(await self.price())([told]))

    async def price(self) -> Price:
        """The rules as they stand."""
        return (await Charger.of(self.house)).price

    def detail_line(
        self, attempt: int, stat: str = "DELIVRD", message_id: str = "", segments: int = 1
    ) -> str:
        """The carrier's line of an attempt."""
        facts = self.left[attempt]
        assert facts.phone_sealed
        assert facts.phone_key
        number = self.world.store.keys.phones.open(facts.phone_sealed, facts.phone_key)
        at = f"{moment(APRIL):%Y-%m-%d %H:%M:%S}"
        return f"{message_id or f'm{attempt}'},{number},{SOURCE},{at},{segments},{stat}"


@asynccontextmanager
async def office(data: Path) -> AsyncIterator[Office]:
    """An installation of the small city on 7 April 2018."""
    clock = Clock(APRIL)
    settings = load(None, {}, {"store.path": str(data)}).settings
    async with open_parts(settings, clock) as parts:
        yield Office(parts.house, await World.of(parts.store, clock))


async def april(here: Office) -> list[int]:
    """East pays three segments (delivered, failed, silent), the city two, one in doubt; West has some suppressed."""
    await here.alert("U1", ["U2"])
    east = await here.leave()
    await here.accept(east)
    await here.report(east[0], "delivered")
    await here.report(east[1], "failed")
    await here.alert("S0", ["U4"])
    city = await here.leave()
    await here.accept(city[1:])
    await here.world.write(sms.in_doubt(here.clock.now))
    await here.alert("U4", ["U5"], segments=2)
    await here.suppress()
    return [*east, *city]


def written(file: Path, lines: Sequence[str]) -> Path:
    """A detail file as carriers make it."""
    file.write_text("\n".join([HEADINGS, *lines]) + "\n", "gb18030")
    return file
