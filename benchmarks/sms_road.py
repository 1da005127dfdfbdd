"""The product's own road of short messages, without its doors: a store on disk, the channels' house, a carrier elsewhere.

Orders are made as a fan-out makes them and given their routes in one transaction; what is measured is all that follows:
claim and attempt, submit, answer with its charge, report, each durable before the next.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.fanout import fill, submitted
from benchmarks.sms_spoken import ACCOUNT, SECRET, SOURCE
from config.settings import Settings
from config.settings import Store as StoreSettings
from config.sms_settings import Sms
from gateway.assembly import Parts, open_parts, sms_house
from gateway.flows.sms_house import SmsHouse
from inbox_store.embedded import FILE
from inbox_store.engine import Program
from inbox_store.messages import NewAlert
from inbox_store.programs import sms, sms_figures
from inbox_store.times import DAY_US, system_now
from push.sms.simulator.protocols import Name

UNITS: Final = 300
ROUTE: Final = "mobile"
TEXT: Final = "【送达】您有1份公文待签收，请登录办公系统办理。"
UP_WITHIN_S: Final = 20
DONE_WITHIN_S: Final = 120
LOOK_EVERY_S: Final = 0.02
"""How exact the end of a run is told."""

PROTOCOLS: Final[dict[Name, str]] = {"cmpp": "cmpp3", "smpp": "smpp", "smgp": "smgp"}
CHANNEL: Final = """
[[channel]]
name = "one"
protocol = "{protocol}"
host = "127.0.0.1"
port = {port}
account = "{account}"
source = "{source}"
carriers = ["mobile", "unicom", "telecom"]
rate_per_s = {rate_per_s}
window = {window}
"""

ACCEPTED: Final = """
select a.answered_at from sms_order o cross join sms_attempt a on a.order_id = o.id
where o.alert_id = ? and a.state = 'accepted' order by a.answered_at
"""


class Sent(NamedTuple):
    """One run, from the writing of its orders on."""

    messages: int
    answered_s: float
    """Until the last answer was kept."""
    reported_s: float
    """Until the last report was."""
    cpu_s: float
    """Of this process."""


class Road:
    """A house whose channel is up."""

    def __init__(self, parts: Parts, messages: SmsHouse, units: Sequence[int]) -> None:
        self._parts = parts
        self._messages = messages
        self._units = list(units)
        self._engine = parts.store.engine
        self._alert_id = 0

    async def up(self) -> None:
        """Wait until the channel is logged in."""
        async with asyncio.timeout(UP_WITHIN_S):
            room = 0
            while not room:
                await asyncio.sleep(0.02)
                room = self._messages.sendings["one"].room

    async def send(self, persons: int) -> Sent:
        """A message to everybody outside the sending unit."""
        told = await submitted(self._parts.store, self._units, persons)
        now = system_now()
        alert = NewAlert(
            kind="arrival",
            unit_id=self._units[-1],
            text=TEXT,
            segments=1,
            urgency="ordinary",
            priority=2,
            expires_at=now + DAY_US,
            document_id=told.document_id,
            dispatch_id=told.dispatch_id,
        )
        self._alert_id = await self._engine.write(sms.add_alert(alert, 0, now))
        cpu, began = time.process_time(), time.perf_counter()
        count = await self._engine.write(_ordered(self._alert_id, now))
        self._messages.wake()
        await self._until(self._answered)
        answered_s = time.perf_counter() - began
        await self._until(self._reported)
        reported_s = time.perf_counter() - began
        return Sent(count, answered_s, reported_s, time.process_time() - cpu)

    def answered_at(self) -> list[int]:
        """When each of the last alert's messages was accepted; UTC microseconds, in order."""
        path = self._parts.house.settings.data_folder / FILE
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as conn:
            return [row[0] for row in conn.execute(ACCEPTED, (self._alert_id,))]

    async def states(self) -> dict[str, int]:
        """The last alert's messages by state."""
        found = await self._engine.read(sms_figures.figures(self._alert_id))
        return {state: count for state, (count, _) in found.items()}

    async def _until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(DONE_WITHIN_S):
            done = False
            while not done:
                await asyncio.sleep(LOOK_EVERY_S)
                done = await holds()

    async def _answered(self) -> bool:
        """Whether nothing waits and everything that left has its answer kept."""
        if self._messages.sendings["one"].under_way:
            return False  # not asked of the store for as long as it is plain
        told = await self._engine.read(sms_figures.backlog())
        return not told.waiting and not any(one[0] for one in told.open.values())

    async def _reported(self) -> bool:
        told = await self._engine.read(sms_figures.backlog())
        return not any(map(any, told.open.values()))


def _ordered(alert_id: int, now: int) -> Program[int]:
    """Orders and routes in one transaction: the house finds all of them at once."""
    count = yield from sms.order_chunk(alert_id, {"after": 0, "to": 2**60}, now)
    people = yield from sms.unrouted(count + 1)
    yield from sms.set_routes([(person_id, ROUTE) for person_id, _, _ in people], now)
    return count


@asynccontextmanager
async def road(
    protocol: Name, port: int, persons: int, *, window: int = 16, rate_per_s: int = 10_000
) -> AsyncIterator[Road]:
    """A city of ``persons`` and a channel to the carrier at ``port``, 10,000 segments a second being the most one may be set to."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="songda-bench-")))
        settings = _settings(folder, protocol, port, window, rate_per_s)
        parts = await stack.enter_async_context(open_parts(settings))
        units = await fill(parts.store, UNITS, persons)
        messages = await sms_house(parts.house)
        running = asyncio.create_task(messages.run())
        try:
            one = Road(parts, messages, units)
            await one.up()
            yield one
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


def _settings(folder: Path, protocol: Name, port: int, window: int, rate_per_s: int) -> Settings:
    keys, channels = folder / "data" / "keys", folder / "channels.toml"
    keys.mkdir(parents=True, mode=0o700)
    secret = keys / "sms-one.secret"
    secret.touch(mode=0o600)
    secret.write_text(SECRET, encoding="ascii")
    told = CHANNEL.format(
        protocol=PROTOCOLS[protocol],
        port=port,
        account=ACCOUNT,
        source=SOURCE,
        rate_per_s=rate_per_s,
        window=window,
    )
    channels.write_text(told, encoding="utf-8")
    return Settings(
        store=StoreSettings(path=str(folder / "data")),
        sms=Sms(channels_file=str(channels), quiet_hours="", person_day=0),
    )
