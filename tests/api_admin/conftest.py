"""A whole server in this process over a small city, tokens minted at the machine, a clock that only tests move."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from config.settings import Security, Server, Settings
from config.settings import Store as StoreSettings
from gateway.assembly import Running, running
from gateway.flows import receiving, sending
from gateway.flows.account_desk import Operator
from gateway.flows.organisation import store_rows
from gateway.flows.proposals import Proposal
from gateway.flows.upkeep import settle
from gateway.house import Act, House, owner_of
from gateway.rules.audience import Scope
from inbox_store.nouns import NewDocument
from inbox_store.programs.idempotency import Idempotency
from inbox_store.times import US, parse_iso
from tests.api_admin.city import ROWS

START = parse_iso("2026-03-02T09:00:00+08:00")
OPERATOR = Operator(name="ops")


@dataclass
class Clock:
    """A clock that stands still until a test moves it."""

    now: int = START

    def __call__(self) -> int:
        """Tell the time (UTC microseconds)."""
        return self.now

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.now += int(seconds * US)


@dataclass
class Told:
    """One answer: status, headers and the body as JSON (or as it came)."""

    status: int
    headers: dict[str, str]
    raw: bytes
    json: Any

    @property
    def code(self) -> str:
        """The problem's code, "" for a success."""
        return str(self.json.get("code", "")) if isinstance(self.json, dict) and self.status >= 400 else ""


@dataclass
class Office:
    """The running server and short ways to ask it as somebody."""

    server: Running
    session: aiohttp.ClientSession
    clock: Clock
    tokens: dict[str, str] = field(default_factory=dict)
    keys: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def house(self) -> House:
        """The parts behind the doors."""
        return self.server.parts.house

    @property
    def url(self) -> str:
        """Where the server listens."""
        return f"http://127.0.0.1:{self.server.port}"

    async def token(self, login: str) -> str:
        """An access token for this login, minted at the machine."""
        if login not in self.tokens:
            minted = await self.server.parts.access.trial_token(OPERATOR, login)
            self.tokens[login] = minted.text
        return self.tokens[login]

    async def unit(self, code: str) -> int:
        """The id of the unit with this code."""
        found = (await self.house.organisation()).unit_by_code(code)
        assert found is not None
        return found.id

    async def account(self, login: str) -> int:
        """The id of the account with this login."""
        return (await self.server.parts.access.account(login)).id

    async def ask(
        self,
        method: str,
        path: str,
        who: str | None = None,
        *,
        key: str | None = None,
        headers: dict[str, str] | None = None,
        **more: Any,  # noqa: ANN401 - json=, data=, params= of the client
    ) -> Told:
        """One request as ``who``; a write gets a fresh Idempotency-Key unless ``key`` names one."""
        sent = dict(headers or {})
        if who is not None:
            sent["Authorization"] = f"Bearer {await self.token(who)}"
        if method != "GET":
            sent["Idempotency-Key"] = key or f"test-key-{next(self.keys):06d}"
        async with self.session.request(method, f"{self.url}/api/v1{path}", headers=sent, **more) as response:
            raw = await response.read()
            is_json = "json" in response.content_type and raw
            told = await response.json(content_type=None) if is_json else None
            return Told(response.status, dict(response.headers), raw, told)

    async def get(self, path: str, who: str | None = None, **params: Any) -> Told:  # noqa: ANN401 - query values
        """One GET."""
        return await self.ask("GET", path, who, params=params)

    async def post(self, path: str, who: str | None, body: object = None, **more: Any) -> Told:  # noqa: ANN401
        """One POST of JSON, or of nothing."""
        if body is not None:
            more["json"] = body
        return await self.ask("POST", path, who, **more)


def settings_in(folder: Path) -> Settings:
    """Settings of a server of its own, on a port the system chooses."""
    return Settings(
        server=Server(port=0, drain_s=0.2),
        store=StoreSettings(path=str(folder / "data"), readers=2),
        security=Security(access_minutes=120),
    )


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """The small city, open."""
    clock = Clock()
    async with running(settings_in(tmp_path), clock) as server:
        await store_rows(server.parts.house, ROWS)
        async with aiohttp.ClientSession() as session:
            yield Office(server, session, clock)


async def act(office: Office, login: str) -> Act:
    """A write by this login, under a fresh key."""
    number = next(office.keys)
    principal = await office.server.parts.access.principal_of_bearer(await office.token(login))
    key = Idempotency(owner=owner_of(principal), key=f"act-{number:06d}", route="test", body_hash=b"")
    return Act(principal=principal, key=key, now=office.clock.now, origin="10.0.0.9")


async def paper(office: Office, *receivers: str, title: str = "关于春耕的通知") -> int:
    """A document from the city office to these units, delivered; its id."""
    units = frozenset([await office.unit(code) for code in receivers])
    document = NewDocument(
        kind="slip", title=title, body="请各单位落实。", sender_unit_id=await office.unit("S01")
    )
    proposal = Proposal(document=document, scope=Scope(units=units))
    told = await sending.submit(office.house, await act(office, "sclerk"), proposal)
    await settle(office.house)
    return int(json.loads(told.body)["document_id"])


async def sign(office: Office, document_id: int, login: str, unit: str) -> None:
    """The clerk signs for the unit."""
    await receiving.sign(office.house, await act(office, login), document_id, await office.unit(unit))
