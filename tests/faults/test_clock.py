"""The wall clock of a running server jumps: forty days ahead, an hour back, over a year's end and a 29 February (27).

Timers run on the monotonic clock, positions are commit numbers, and what was told is there; dates follow the clock.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import pytest

from config.loading import load
from gateway.assembly import open_parts
from gateway.flows.account_desk import Operator
from gateway.flows.principals import PrincipalCache
from gateway.flows.upkeep import LEASE_S
from gateway.rules.access import Principal
from inbox_store.embedded import open_store
from inbox_store.programs import work
from inbox_store.times import US, system_now
from tests.faults.callers import Office, Submitted, Told, ledger_path, office
from tests.faults.invariants import check_invariants
from tests.faults.ledger import read
from tests.faults.load import Follower
from tests.faults.server import Server, found, serving
from tests.faults.wall import Wall
from tests.faults.watch import cpu_s
from tests.inbox_store.world import HOUR, KEYS, Clock, World

HOUR_S: Final = 3_600
DAYS_40_S: Final = 40 * 86_400

JUMPS: Final[dict[str, Callable[[Wall], None]]] = {
    "now": lambda wall: wall.ahead(0),
    "40 days ahead": lambda wall: wall.ahead(DAYS_40_S),
    "an hour back": lambda wall: wall.ahead(-HOUR_S),
    "the last second of a year": lambda wall: wall.at("2027-12-31T23:59:59"),
    "before a 29 February": lambda wall: wall.at("2028-02-28T23:59:59"),
    "after it": lambda wall: wall.at("2028-02-29T23:59:59"),
    "an hour back again": lambda wall: wall.ahead(-HOUR_S),
}
SOON_S: Final = 5.0
PASSWORD: Final = "Chun-Feng7-Hua"


def numbers(people: Office) -> tuple[int, int, int, int]:
    """What only ever grows: commits, documents, dispatches, places in the inbox."""
    ((commit_no,),) = people.rows("select max(commit_no) from commit_log")
    ((document, dispatch, place),) = people.rows(
        "select max(document_id), max(id), max(send_no) from dispatch"
    )
    return commit_no, document, dispatch, place


async def one_road(people: Office, key: str, before: Submitted | None) -> Submitted:
    """Hand in and sign; the document of the clock before is signed, returned or recalled under this one."""
    told = await people.submit(key, ["U1", "U2", "U3"])
    await people.sent(told.dispatch_id, SOON_S)
    await people.open(told.document_id, "u1-a")
    assert await people.sign(told.document_id, "U1", "u1-a")
    if before is not None:
        assert await people.sign(before.document_id, "U2", "u2-a")
        assert await people.give_back(before.document_id, "U3", "u3-b")
        assert await people.supplement(before.document_id, ["U3", "U4"], key=f"{key}-more")
        assert await people.recall(before.document_id, key=f"{key}-back")
    people.head()
    return told


async def through_the_jumps(server: Server, wall: Wall) -> None:
    """The same road under each clock, with somebody following live."""
    follower, before, seen = Follower("u1-a"), None, (0, 0, 0, 0)
    async with office(server) as people, follower.device(people) as live:
        await live.connect()
        follower.since = 0
        for no, (jump, turn) in enumerate(JUMPS.items()):
            turn(wall)
            before = await one_road(people, f"27-{no}", before)
            grown = numbers(people)
            assert all(new > old for new, old in zip(grown, seen, strict=True)), (jump, seen, grown)
            seen = grown
            async with asyncio.timeout(SOON_S):
                while before.document_id not in follower.seen:
                    await follower.take(people, live)
            assert server.ready()


def idle_share(pid: int, seconds: float) -> float:
    """The share of one core that the process uses while nobody asks for anything."""
    began, used = time.monotonic(), cpu_s(pid)
    while time.monotonic() < began + seconds:
        time.sleep(0.01)
    return (cpu_s(pid) - used) / seconds


@pytest.mark.needs_program("faketime")
def test_the_clock_jumps_under_a_running_server(tmp_path: Path) -> None:
    """Under every clock documents go out, arrive live and are signed at once; nothing spins, numbers grow, all holds."""
    folder, wall = tmp_path / "data", Wall(tmp_path / "wall")
    found(folder)
    with serving(folder, environ=wall.environ) as server:
        asyncio.run(through_the_jumps(server, wall))
        assert idle_share(server.pid, 1.0) < 0.3
        assert server.stop() < 10
        assert "Traceback" not in server.said(), server.said()
    # Started with a clock behind what is stored, it goes on as before.
    with serving(folder, environ=wall.environ) as server:

        async def once_more(people: Office) -> None:
            before = numbers(people)
            await one_road(people, "27-last", None)
            assert numbers(people) > before

        asyncio.run(visit(server, once_more))
        assert server.stop() < 10
    check_invariants(folder, read(ledger_path(folder)))


async def visit(server: Server, what: Callable[[Office], Awaitable[None]]) -> None:
    """One visit to the doors."""
    async with office(server) as people:
        await what(people)


async def code_for(folder: Path, login: str) -> str:
    """A one-time activation code, issued at the machine."""
    async with open_parts(load(None, {}, {"store.path": str(folder)}).settings) as parts:
        return await parts.access.activation_code(Operator(name="test"), login)


async def logged_in(people: Office, code: str) -> dict[str, str]:
    """Log in by the code; from here on u1-a asks with the token of that log-in."""
    body = {"login": "u1-a", "code": code, "password": PASSWORD}
    told: dict[str, str] = await people.done("", "POST", "auth/activate", body)
    people.tokens["u1-a"] = told["access_token"]
    return told


async def refreshed(people: Office, session: dict[str, str]) -> Told:
    """The next pair of tokens, or why there is none."""
    return await people.ask("", "POST", "auth/refresh", {"refresh_token": session["refresh_token"]})


@pytest.mark.needs_program("faketime")
def test_log_ins_follow_the_wall_clock(tmp_path: Path) -> None:
    """Ahead, tokens have run out; back in time they hold again; one from the future is none, a refresh gives one that holds."""
    folder, wall = tmp_path / "data", Wall(tmp_path / "wall")
    found(folder)
    code = asyncio.run(code_for(folder, "u1-a"))

    async def through(people: Office) -> None:
        session = await logged_in(people, code)
        wall.ahead(DAYS_40_S)
        ahead = await people.ask("u1-a", "GET", "me")
        assert (ahead.status, ahead.code) == (401, "token_invalid")
        over = await refreshed(people, session)
        assert (over.status, over.code) == (401, "token_revoked")
        wall.ahead(0)
        assert (await people.ask("u1-a", "GET", "me")).status == 200
        session = (await refreshed(people, session)).json
        wall.ahead(-HOUR_S)
        people.tokens["u1-a"] = session["access_token"]
        early = await people.ask("u1-a", "GET", "me")
        assert (early.status, early.code) == (401, "token_invalid")
        people.tokens["u1-a"] = (await refreshed(people, session)).json["access_token"]
        assert (await people.ask("u1-a", "GET", "me")).status == 200

    with serving(folder, environ=wall.environ) as server:
        asyncio.run(visit(server, through))
        server.stop()


def test_who_was_remembered_under_a_later_clock_is_looked_up_again() -> None:
    """A principal is remembered for its moment: with the clock set back that must not become an hour."""
    cache = PrincipalCache(8)
    principal = Principal(person_id=1, account_id=1, name="甲", grants=frozenset())
    now = system_now()
    cache.put(b"token", principal, now, now + 5 * US, cache.generation)
    assert cache.get(b"token", now + 4 * US) is principal
    assert cache.get(b"token", now - HOUR) is None


async def test_withdrawals_do_not_wait_for_the_clock_to_come_back(tmp_path: Path) -> None:
    """A recall made, claimed or half done before the clock was set back is worked off at once."""
    clock = Clock()
    async with open_store(tmp_path, clock=clock, keys=KEYS, readers=1) as store:
        world = await World.of(store, clock)
        document_id = await world.send(["U1", "U2"])
        await world.recall(document_id)
        clock.now -= HOUR
        (order,) = await world.write(work.claim(9, LEASE_S, clock()))
        await world.write(work.again(order, work.AT_ONCE))
        clock.now -= HOUR
        (order,) = await world.write(work.claim(9, LEASE_S, clock()))
        assert await world.write(work.claim(9, LEASE_S, clock())) == []
        clock.now -= HOUR
        (order,) = await world.write(work.claim(9, LEASE_S, clock()))
        await world.write(work.done(order))
