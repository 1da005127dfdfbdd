"""A running server with simulated vendors behind it, for tests of the whole road of alerts to devices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from config.push_settings import Push
from config.settings import Server, Settings
from config.settings import Store as StoreSettings
from gateway.assembly import running
from gateway.flows.organisation import store_rows
from push.app.simulator.far import Keys
from push.app.simulator.office import Office, Plan, opened
from push.app.simulator.script import Script
from tests.api.conftest import City, Clock
from tests.faults.server import free_port
from tests.gateway.sms_city import PHONES

KEYS = Keys("900001", "s3cret-s3cret")
WAIT_S = 20


class PushCity(City):
    """The running server, and the vendors' own counts."""

    def __init__(self, city: City, office: Office) -> None:
        super().__init__(city.server, city.session, city.clock, city.folder, units=city.units)
        self.office = office

    def states(self) -> dict[str, int]:
        """Alerts to devices by state."""
        return dict(self.rows("select state, count(*) from push_order group by state"))

    def reasons(self) -> set[str]:
        """Why those that did not leave did not."""
        return {
            row[0] for row in self.rows("select distinct reason from push_order where reason is not null")
        }

    async def device(self, login: str, token: str = "") -> int:
        """Register a phone of this person."""
        body = {"vendor": "xiaomi", "token": token or f"token-{login}-{'x' * 40}", "label": "办公手机"}
        told = await (await self.person(login)).post("/devices", body)
        assert told.status == 201, told.json
        return int(told.json["id"])

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds, with a deadline."""
        async with asyncio.timeout(WAIT_S):
            while not holds():  # noqa: ASYNC110 - the store tells nobody outside
                await asyncio.sleep(0.01)


@asynccontextmanager
async def push_city(
    folder: Path,
    script: Script | None = None,
    *,
    push: Mapping[str, Any] | None = None,
    receipts: bool = False,
) -> AsyncIterator[PushCity]:
    """The small city with one vendor's account; the clock stands on a working day's morning."""
    clock, data = Clock(), folder / "data"
    keys = data / "keys"
    keys.mkdir(parents=True, mode=0o700)
    (keys / "push-mi.secret").write_text(KEYS.secret)
    (keys / "push-mi.secret").chmod(0o600)
    port = free_port()
    ours = {"xiaomi": f"http://127.0.0.1:{port}/api/v1/push/callbacks/xiaomi"} if receipts else {}
    async with opened(Plan(keys=KEYS, script=script or Script(), callbacks=ours)) as office:
        (folder / "accounts.toml").write_text(
            f'[[account]]\nname = "mi"\nvendor = "xiaomi"\npackage = "{KEYS.id}"\nchannel_id = "notice"\n'
            f'url = "{office.url("xiaomi")}"\n'
        )
        settings = Settings(
            server=Server(port=port, drain_s=0.2),
            store=StoreSettings(path=str(data), readers=1),
            push=Push(accounts_file=str(folder / "accounts.toml"), receipts=receipts, **(push or {})),
        )
        async with running(settings, clock) as server:
            await store_rows(server.parts.house, PHONES)
            async with aiohttp.ClientSession() as session:
                units = {
                    unit.code: unit.id for unit in (await server.parts.house.organisation()).units.values()
                }
                yield PushCity(City(server, session, clock, data, units=units), office)
