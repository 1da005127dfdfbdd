"""A whole simulated carrier: desks for the protocols told, one script, one invoice.

async with opened(plan) as office:
    office.desk("cmpp").port
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from push.sms.simulator.desk import Desk
from push.sms.simulator.detail import DetailFile
from push.sms.simulator.http_desk import HttpDesk
from push.sms.simulator.protocols import NODE, AnyName, Name
from push.sms.simulator.script import Script
from push.sms.simulator.sgip_push import Listening, SgipPush


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a carrier is to be. Port 0 takes any that is free; ``detail`` None writes no invoice."""

    ports: Mapping[AnyName, int]
    accounts: Mapping[str, str]
    """Account to secret, alike for all protocols."""
    script: Script = Script()
    detail: Path | None = None
    host: str = "127.0.0.1"
    window: int = 64
    """Reports and replies without an answer on one connection."""
    listeners: Mapping[str, Listening] = {}
    """SGIP: where an account listens for its reports; the others hear them over the connection that they submit on."""
    callbacks: Mapping[str, str] = {}
    """HTTP: the address that an account's reports and replies are brought to; without one they are not told."""


class Office:
    """The carrier, from ``start`` to ``stop``."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._detail: DetailFile | None = None
        self._desks: dict[Name, Desk] = {}
        self._http: HttpDesk | None = None
        self.broken: asyncio.Future[OSError] = asyncio.get_running_loop().create_future()
        """Set where the invoice cannot be written: nothing more is taken then."""

    def desk(self, name: Name) -> Desk:
        """One protocol's desk. Raises KeyError for one that is not spoken here."""
        return self._desks[name]

    @property
    def http(self) -> HttpDesk:
        """The aggregator's desk. Raises KeyError where there is none."""
        if self._http is None:
            raise KeyError("http")
        return self._http

    @property
    def _all(self) -> dict[AnyName, Desk | HttpDesk]:
        told: dict[AnyName, Desk | HttpDesk] = dict(self._desks.items())
        return told if self._http is None else {**told, "http": self._http}

    @property
    def ports(self) -> dict[str, int]:
        """Where each protocol listens."""
        return {name: desk.port for name, desk in self._all.items()}

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """What happened so far, by protocol."""
        return {name: dict(desk.counts) for name, desk in self._all.items()}

    async def start(self) -> None:
        """Open the invoice, listen. Raises OSError; what was begun is then undone."""
        plan = self._plan
        self._detail = DetailFile(plan.detail) if plan.detail is not None else None
        try:
            for name, port in plan.ports.items():
                await self._open(name).start(plan.host, port)
        except OSError:
            await self.stop()
            raise

    def _open(self, name: AnyName) -> Desk | HttpDesk:
        plan = self._plan
        if name == "http":
            self._http = HttpDesk(
                plan.accounts, plan.script, self._detail, self._break, callbacks=plan.callbacks
            )
            return self._http
        desk = Desk(name, plan.accounts, plan.script, self._detail, self._break, window=plan.window)
        if name == "sgip":
            for account, to in plan.listeners.items():
                desk.push_over(account, SgipPush(account, to, NODE))
        self._desks[name] = desk
        return desk

    async def stop(self) -> None:
        """End all connections in order, close the invoice."""
        await asyncio.gather(*(desk.stop() for desk in self._all.values()))
        if self._detail is not None:
            self._detail.close()
            self._detail = None

    def _break(self, fault: OSError) -> None:
        if not self.broken.done():
            self.broken.set_result(fault)


@asynccontextmanager
async def opened(plan: Plan) -> AsyncIterator[Office]:
    """A carrier that listens, and is stopped at the end."""
    office = Office(plan)
    await office.start()
    try:
        yield office
    finally:
        await office.stop()
