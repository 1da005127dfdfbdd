"""A whole server in this process over the small city; tokens are minted, and only tests move the clock."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from config.settings import Server, Settings
from config.settings import Store as StoreSettings
from gateway.assembly import Running, running
from gateway.doors.routes import Raw, Route
from gateway.doors.v1 import all_routes
from gateway.flows.organisation import store_rows
from gateway.flows.upkeep import settle
from gateway.house import House
from gateway.tokens import Holder
from inbox_store.times import US, parse_iso
from tests.api.city import ROWS

MONDAY = parse_iso("2026-06-01T09:00:00+08:00")
"""A working day in working hours."""

TOKEN_LIFE_S = 400 * 86_400
WAIT_S = 20


ROUTES = sorted(
    (
        ("{" in route.pattern, re.compile(re.sub(r"\{\w+\}", "[^/]+", route.pattern)), route)
        for route in all_routes()
    ),
    key=lambda told: told[0],
)


def described(method: str, path: str) -> Route:
    """The route behind a request."""
    return next(
        route
        for _, pattern, route in ROUTES
        if route.method == method and pattern.fullmatch(f"/api/v1{path}")
    )


def check_described(method: str, path: str, raw: bytes) -> None:
    """An answer holds exactly the fields of the type that its route declares, each of its kind."""
    kind = described(method, path).answer
    if not isinstance(kind, Raw):
        assert msgspec.json.encode(msgspec.json.decode(raw, type=kind)) == raw, (method, path)


@dataclass
class Clock:
    """A clock that stands still until a test moves it."""

    now: int = MONDAY

    def __call__(self) -> int:
        """Tell the time (UTC microseconds)."""
        return self.now

    def forward(self, *, hours: float = 0, days: float = 0) -> None:
        """Let time pass."""
        self.now += int((hours * 3600 + days * 86_400) * US)

    def at(self, text: str) -> None:
        """Go to a moment."""
        self.now = parse_iso(text)


@dataclass
class Told:
    """One answer: its status, headers and body, as bytes and (where it is JSON) as values."""

    status: int
    headers: dict[str, str]
    raw: bytes
    json: Any

    @property
    def code(self) -> str:
        """The problem's code, "" for a success."""
        return str(self.json["code"]) if self.status >= 400 else ""

    @property
    def pointers(self) -> list[str]:
        """The places a refusal points at."""
        return [one["pointer"] for one in self.json.get("errors", ())]


@dataclass
class Person:
    """Somebody who asks: a login with its token."""

    city: City
    headers: dict[str, str]

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        device: str = "",
        params: Mapping[str, str | int] | None = None,
        content: bytes | None = None,
    ) -> Told:
        """One request, with a ``body`` as JSON or ``content`` as it is; a write gets a key unless one is named."""
        sent = dict(self.headers)
        if device:
            sent["X-Device"] = device
        if method != "GET":
            sent["Idempotency-Key"] = key or f"test-{next(self.city.keys):08d}"
        if body is not None or content is not None:
            sent["Content-Type"] = "application/octet-stream" if body is None else "application/json"
        data = content if body is None else json.dumps(body).encode()
        url = f"http://127.0.0.1:{self.city.server.port}/api/v1{path}"
        async with self.city.session.request(method, url, headers=sent, params=params, data=data) as response:
            raw = await response.read()
            told = json.loads(raw) if raw and "json" in response.content_type else None
            if told is not None and response.status < 400:
                check_described(method, path, raw)
            return Told(response.status, dict(response.headers), raw, told)

    async def get(self, path: str, **params: str | int) -> Told:
        """One GET."""
        return await self.ask("GET", path, params=params)

    async def post(self, path: str, body: object = None, *, key: str | None = None, device: str = "") -> Told:
        """One POST of JSON, or of nothing."""
        return await self.ask("POST", path, body, key=key, device=device)

    async def put(self, path: str, body: object) -> Told:
        """One PUT of JSON."""
        return await self.ask("PUT", path, body)


@dataclass
class City:
    """The running server and short ways to common steps."""

    server: Running
    session: aiohttp.ClientSession
    clock: Clock
    folder: Path
    keys: itertools.count[int] = field(default_factory=itertools.count)
    units: dict[str, int] = field(default_factory=dict)

    @property
    def house(self) -> House:
        """The parts behind the doors."""
        return self.server.parts.house

    async def person(self, login: str) -> Person:
        """The one with this login; the token is minted without a log-in, so that nobody waits for argon2."""
        access = self.server.parts.access
        account = await access.account(login)
        holder = Holder(account_id=account.id, epoch=account.epoch)
        token = access.tokens.access(holder, self.clock.now, life_s=TOKEN_LIFE_S).text
        return Person(self, {"Authorization": f"Bearer {token}"})

    async def people(self, *logins: str) -> list[Person]:
        """Several of them."""
        return [await self.person(login) for login in logins]

    async def settle(self) -> None:
        """Finish every fan-out and withdrawal; what a loop of the server holds just now is waited for."""
        async with asyncio.timeout(WAIT_S):
            await settle(self.house)
            while self._unfinished():  # noqa: ASYNC110 - the server's own loops tell nobody when they are done
                await asyncio.sleep(0)

    def _unfinished(self) -> bool:
        return bool(self.rows("select 1 from work union all select 1 from dispatch where state = 'sending'"))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the file holds, read past the engine."""
        with closing(sqlite3.connect(self.folder / "songda.db")) as conn:
            return conn.execute(query).fetchall()

    def trace(self, action: str) -> list[dict[str, Any]]:
        """The details of the audit lines of one action, in order."""
        lines = self.rows(f"select detail from audit where action = '{action}' order by commit_no, no")  # noqa: S608
        return [json.loads(line[0]) for line in lines]

    async def send(self, to: list[str], *, sender: str = "s01a", **more: object) -> int:
        """A slip to these units, delivered; its document id."""
        person = await self.person(sender)
        told = await person.post("/dispatches", slip(to, **more))
        assert told.status == 201, told.json
        await self.settle()
        return int(told.json["document_id"])


def slip(to: list[str], **more: object) -> dict[str, Any]:
    """The body of a slip to these units; any field may be given another value."""
    return {
        "kind": "slip",
        "title": "关于做好汛期值班工作的函",
        "body": "请各单位落实值班安排。",
        "elements": {"issuer": "云水市政府办"},
        "scope": {"unit_codes": to},
        **more,
    }


@pytest.fixture
async def city(tmp_path: Path) -> AsyncIterator[City]:
    """The small city, running."""
    clock, folder = Clock(), tmp_path / "data"
    settings = Settings(server=Server(port=0, drain_s=0.2), store=StoreSettings(path=str(folder), readers=1))
    async with running(settings, clock) as server:
        await store_rows(server.parts.house, ROWS)
        # The server's own loops look around by themselves; the tests say when a fan-out happens.
        server.parts.house.wake.clear()
        async with aiohttp.ClientSession() as session:
            units = {unit.code: unit.id for unit in (await server.parts.house.organisation()).units.values()}
            yield City(server, session, clock, folder, units=units)
