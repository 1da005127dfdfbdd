"""A running server with simulated carriers behind it, for tests of the whole road of short messages."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from msgspec.structs import replace

from config.settings import Server, Settings
from config.settings import Store as StoreSettings
from config.sms_settings import Sms
from gateway.assembly import running
from gateway.flows.organisation import store_rows
from push.sms.simulator.office import Plan, opened
from push.sms.simulator.protocols import Name
from push.sms.simulator.script import Delays, Script, Span
from tests.api.city import ROWS
from tests.api.conftest import City, Clock

SECRET = "s3cret"
ACCOUNT = "901234"
WAIT_S = 20

PROTOCOLS: Mapping[str, Name] = {
    "cmpp2": "cmpp",
    "cmpp3": "cmpp",
    "smgp": "smgp",
    "smpp": "smpp",
    "sgip": "sgip",
}
"""How the simulated carrier calls what a channel speaks."""

QUICK = Script(
    delays=Delays(
        report=Span(0, 20), late=Span(30, 60), reordered=Span(10, 30), again=Span(1, 5), reply=Span(0, 5)
    )
)
"""A carrier that tells everything within a tenth of a second."""

PHONES = replace(
    ROWS,
    people=tuple(
        replace(person, phone=f"138{number:08d}") for number, person in enumerate(ROWS.people, 10_000)
    ),
)
"""The small city, where everybody has a telephone."""


def channel(protocol: str, port: int, **more: object) -> str:
    """A channel's table."""
    told: dict[str, object] = {
        "name": "one",
        "protocol": protocol,
        "host": "127.0.0.1",
        "port": port,
        "account": ACCOUNT,
        "source": "10657500",
        "carriers": ["mobile", "unicom", "telecom"],
        "rate_per_s": 1000,
        **more,
    }
    lines = (
        f"{key} = {str(value).lower() if isinstance(value, bool) else repr(value)}"
        for key, value in told.items()
    )
    return "\n".join(["[[channel]]", *lines, ""])


class SmsCity(City):
    """The running server, what its carrier billed, and where its messages stand."""

    def __init__(self, city: City, detail: Path) -> None:
        super().__init__(city.server, city.session, city.clock, city.folder, units=city.units)
        self.detail = detail

    def states(self) -> dict[str, int]:
        """Orders by state."""
        return dict(self.rows("select state, count(*) from sms_order group by state"))

    def billed(self) -> list[str]:
        """The message ids on the carrier's invoice."""
        with self.detail.open(encoding="utf-8") as file:
            return [row["消息编号"] for row in csv.DictReader(file)]

    def charged(self) -> list[str]:
        """The message ids in the ledger."""
        return [row[0] for row in self.rows("select message_id from charge_line order by commit_no, no")]

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds, with a deadline."""
        async with asyncio.timeout(WAIT_S):
            while not holds():  # noqa: ASYNC110 - the store tells nobody outside
                await asyncio.sleep(0.01)


@asynccontextmanager
async def sms_city(
    folder: Path,
    channels: str,
    detail: Path,
    *,
    secrets: Mapping[str, str] | None = None,
    **sms: Any,  # noqa: ANN401
) -> AsyncIterator[SmsCity]:
    """A server over the small city with these channels; the clock stands on a working day's morning."""
    clock, data = Clock(), folder / "data"
    keys = data / "keys"
    keys.mkdir(parents=True, mode=0o700)
    for name, secret in (secrets or {"one": SECRET}).items():
        (keys / f"sms-{name}.secret").write_text(secret)
        (keys / f"sms-{name}.secret").chmod(0o600)
    (folder / "channels.toml").write_text(channels)
    settings = Settings(
        server=Server(port=0, drain_s=0.2),
        store=StoreSettings(path=str(data), readers=1),
        sms=Sms(channels_file=str(folder / "channels.toml"), **sms),
    )
    async with running(settings, clock) as server:
        await store_rows(server.parts.house, PHONES)
        async with aiohttp.ClientSession() as session:
            units = {unit.code: unit.id for unit in (await server.parts.house.organisation()).units.values()}
            yield SmsCity(City(server, session, clock, data, units=units), detail)


@asynccontextmanager
async def city_over(
    folder: Path,
    protocol: str,
    script: Script = QUICK,
    *,
    sms: Mapping[str, Any] | None = None,
    **more: object,
) -> AsyncIterator[SmsCity]:
    """The city with one channel to a carrier of its own that speaks ``protocol``; ``more`` are keys of the channel."""
    name = PROTOCOLS[protocol]
    detail = folder / "detail.csv"
    async with (
        opened(Plan(ports={name: 0}, accounts={ACCOUNT: SECRET}, script=script, detail=detail)) as office,
        sms_city(folder, channel(protocol, office.ports[name], **more), detail, **(sms or {})) as city,
    ):
        yield city
