"""A small city in a real store, with accounts that wait for their first log-in, and a clock that only tests move."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from gateway.flows.access import Access, LoggedIn
from gateway.flows.account_desk import Operator
from gateway.passwords import Passwords
from gateway.rules.access import Principal
from gateway.rules.accounts import AccessRules
from gateway.token_keys import KeyRing
from gateway.tokens import Tokens
from inbox_store.embedded import open_store
from inbox_store.keys import Keys
from inbox_store.nouns import ClerkRank, Role, RoleScope
from inbox_store.orgrows import AppointmentRow, OrgRows, PersonRow, RegionRow, UnitRow
from inbox_store.programs import organisation as org
from inbox_store.store import Store
from inbox_store.times import US

START = 1_790_000_000 * US
PASSWORD = "Chun-Feng7-Hua"
OPERATOR = Operator(name="ops")


def quick_hasher() -> PasswordHasher:
    """argon2id at its cheapest: the tests are about what is done with the answer."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


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
class Office:
    """The parts a test needs: the store, the flows, the clock, and short ways to common steps."""

    store: Store
    access: Access
    clock: Clock
    cut: list[int] = field(default_factory=list)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the file holds, read past the engine."""
        with closing(sqlite3.connect(self.store.folder / "songda.db")) as conn:
            return conn.execute(query).fetchall()

    def trace(self) -> list[tuple[str, str]]:
        """The (action, subject) of every line of the trace about accounts, sessions and keys, in order."""
        return self.rows(
            "select action, subject from audit where action not like 'org.%' order by commit_no, no"
        )

    def account_id(self, login: str) -> int:
        """The account of this login."""
        ((account_id,),) = self.rows(f"select id from account where login = '{login}'")  # noqa: S608
        return int(account_id)

    async def code(self, login: str) -> str:
        """A one-time code for this login."""
        return await self.access.activation_code(OPERATOR, login)

    async def enter(self, login: str, password: str = PASSWORD, origin: str = "10.0.0.1") -> LoggedIn:
        """Activate the account and be logged in."""
        return await self.access.activate(login, await self.code(login), password, origin)

    async def principal(self, login: str) -> Principal:
        """The principal of this login, by a token minted at the machine."""
        token = await self.access.trial_token(OPERATOR, login)
        return await self.access.principal_of_bearer(token.text)


def _post(
    person: str,
    unit: str,
    role: Role = "staff",
    scope: RoleScope = "unit",
    rank: ClerkRank | None = None,
) -> AppointmentRow:
    return AppointmentRow(
        person_code=person, unit_code=unit, role=role, scope=scope, clerk_rank=rank, post="科员"
    )


ROWS = OrgRows(
    regions=(
        RegionRow(code="100", name="云水市", level="city"),
        RegionRow(code="110", name="东川县", level="county", parent_code="100"),
        RegionRow(code="120", name="西岭县", level="county", parent_code="100"),
    ),
    units=(
        UnitRow(
            code="S01",
            name="云水市政府办",
            short_name="",
            group="city_direct",
            region_code="100",
            rollout="live",
        ),
        UnitRow(
            code="E01",
            name="东川县教育局",
            short_name="",
            group="county_direct",
            region_code="110",
            rollout="live",
        ),
        UnitRow(
            code="E02",
            name="东川县水务局",
            short_name="",
            group="county_direct",
            region_code="110",
            rollout="live",
        ),
        UnitRow(
            code="W01",
            name="西岭县教育局",
            short_name="",
            group="county_direct",
            region_code="120",
            rollout="live",
        ),
    ),
    people=tuple(
        PersonRow(code=code, name=name)
        for code, name in (
            ("clerk", "王芳"),
            ("second", "李强"),
            ("staff", "张敏"),
            ("both", "刘洋"),
            ("west", "陈静"),
            ("admin", "杨帆"),
            ("county", "赵磊"),
            ("security", "黄丽"),
            ("auditor", "周杰"),
            ("nobody", "吴刚"),
        )
    ),
    appointments=(
        _post("clerk", "E01", "clerk", rank="A"),
        _post("second", "E01", "clerk", rank="B"),
        _post("staff", "E01"),
        _post("both", "E01"),
        _post("both", "W01"),
        _post("west", "W01", "clerk", rank="A"),
        _post("admin", "S01", "administrator", "city"),
        _post("county", "E02", "administrator", "county"),
        _post("security", "S01", "security", "city"),
        _post("auditor", "S01", "auditor", "city"),
    ),
)


async def settle(store: Store, now: int) -> None:
    """Import the small city and work out who can be addressed."""
    await store.engine.write(org.import_structure(ROWS, now, 0))
    await store.engine.write(org.import_people(ROWS.people, ROWS.appointments, store.keys.phones, now))
    units = await store.engine.read(org.unit_ids())
    await store.engine.write(org.rebuild_addressees(units[0], units[-1], now))


@pytest.fixture
def rules() -> AccessRules:
    """The limits under test; a test module may state its own."""
    return AccessRules()


@pytest.fixture
async def office(tmp_path: Path, rules: AccessRules) -> AsyncIterator[Office]:
    """The small city, open."""
    clock, passwords = Clock(), Passwords(quick_hasher())
    async with open_store(tmp_path, clock=clock, keys=Keys.of(b"tests"), readers=1) as store:
        await settle(store, clock.now)
        access = Access(
            engine=store.engine,
            tokens=Tokens(KeyRing.of_seed(b"1" * 32)),
            rules=rules,
            clock=clock,
            code_key=store.keys.codes,
            passwords=passwords,
        )
        told = Office(store, access, clock)
        access.on_cut(told.cut.append)
        yield told
    passwords.close()
