"""The common transport: what it does between the vendor's answers, whichever vendor it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from aiohttp import web

from inbox_store.times import US, day_start, int_day
from push.app.calls import Dialect
from push.app.http_call import HttpLimits
from push.app.huawei import HuaweiDialect
from push.app.oppo import OppoDialect
from push.app.sender import Accepted, Deferred, InDoubt, Push, Refused
from push.app.simulator.office import Office, Plan, opened
from push.app.simulator.script import read_script
from push.app.vendor_http import VendorSender
from push.app.vivo import VivoDialect
from tests.push import push_world
from tests.push.gateway_world import until
from tests.push.push_contract import KEYS, LIMITS, NO_PAUSES

Answer = Callable[[web.Request], Any]


def push(device: str = "d1", notice: str = "n1") -> Push:
    """One alert."""
    return Push(id=f"{notice}/{device}", token=device, title="来文", body="请签收")


@asynccontextmanager
async def sending(
    vendor: str,
    make: Callable[[str], Dialect],
    script: str = "",
    **changed: Any,  # noqa: ANN401 - the sender's
) -> AsyncIterator[tuple[VendorSender, Office]]:
    """A sender and a simulated vendor."""
    async with opened(Plan(keys=KEYS, script=read_script(script))) as office:
        given = {"limits": LIMITS, "chance": lambda: 0.5, "pauses": NO_PAUSES, **changed}
        sender = VendorSender(vendor, make(office.url(vendor)), **given)
        await sender.start()
        try:
            yield sender, office
        finally:
            await sender.stop()


def huawei(url: str) -> Dialect:
    """An account with Huawei."""
    return HuaweiDialect(push_world.huawei(url, KEYS))


def vivo(url: str) -> Dialect:
    """An account with vivo."""
    return VivoDialect(push_world.vivo(url, KEYS))


async def test_a_suspect_is_gone_when_others_get_through() -> None:
    """80300007 for a single device says nothing at first; again, after another got its alert, it condemns."""
    async with sending("huawei", huawei, 'cases = [{token = "dead", gone = true}]') as (sender, _):
        first = await sender.send([push("dead1")])
        second = await sender.send([push("dead1")])
        through = await sender.send([push("alive")])
        third = await sender.send([push("dead1")])
    assert first == second == [Refused(code="80300007")]
    assert isinstance(through[0], Accepted)
    assert third == [Refused(code="80300007", gone=True)]


async def test_the_days_number_of_our_own_is_kept() -> None:
    """What is above it is put off until midnight in China, not sent; what did not leave does not count."""
    noon = day_start(int_day(20261122)) + 12 * 3600 * US
    limits = msgspec.structs.replace(LIMITS, a_day=3)
    script = 'cases = [{at = [1], answer = "error"}]'
    async with sending("huawei", huawei, script, limits=limits, clock=lambda: noon) as (sender, office):
        (failed,) = await sender.send([push("d0")])
        told = await sender.send([push(f"d{number}") for number in range(5)])
        assert office.counts["huawei"]["taken"] == 3
    assert isinstance(failed, Deferred)
    assert [type(one) for one in told] == [Accepted] * 3 + [Deferred] * 2
    assert told[-1] == Deferred(code="quota:own", after_s=12 * 3600)


async def test_a_caller_who_gives_up_sends_nothing_more() -> None:
    """Cancelled in the middle, what has not left stays; the sender goes on for others."""
    script = '[delays]\nslow = [60000, 60000]\n[[cases]]\nat = [1, 2, 3, 4]\nanswer = "slow"'
    limits = msgspec.structs.replace(LIMITS, answer_timeout_s=30)
    async with sending("vivo", vivo, script, limits=limits) as (sender, office):
        task = asyncio.create_task(sender.send([push(f"d{number}") for number in range(50)]))
        await until(lambda: office.counts["vivo"].get("slow", 0) == LIMITS.connections)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert isinstance((await sender.send([push("later")]))[0], Accepted)
        assert office.counts["vivo"]["taken"] == LIMITS.connections + 1


async def test_success_ends_the_growing_of_pauses() -> None:
    """After something was taken the next failure begins at the first pause again."""
    async with sending("vivo", vivo, 'cases = [{at = [1, 2], answer = "error"}]') as (sender, _):
        told = [(await sender.send([push(f"d{number}")]))[0] for number in range(3)]
        assert [type(one) for one in told] == [Deferred, Deferred, Accepted]
        assert sender._retry._counts == {}


# A vendor of our own, for what no script does ------------------------------------------------------------------------


@asynccontextmanager
async def vendor_of(answers: dict[str, Answer]) -> AsyncIterator[tuple[str, web.AppRunner]]:
    """An HTTP server that answers as told."""
    app = web.Application()
    for path, answer in answers.items():
        app.router.add_post(path, answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", runner
    finally:
        await runner.cleanup()


async def test_a_refused_token_leaves_nothing_in_doubt() -> None:
    """The first try was answered (old token): stopped while a new one is asked for, the push was never taken."""
    logins, hang = 0, asyncio.Event()

    async def login(_request: web.Request) -> web.Response:
        nonlocal logins
        logins += 1
        if logins > 1:
            await hang.wait()
        return web.json_response({"code": 0, "data": {"auth_token": f"t{logins}"}})

    async def send(_request: web.Request) -> web.Response:
        return web.json_response({"code": 11})

    answers: dict[str, Answer] = {
        "/server/v1/auth": login,
        "/server/v1/message/notification/unicast": send,
    }
    limits = HttpLimits(connections=1, answer_timeout_s=30, stop_timeout_s=0.1)
    async with vendor_of(answers) as (url, _):
        sender = VendorSender("oppo", OppoDialect(push_world.oppo(url, KEYS)), limits)
        await sender.start()
        task = asyncio.create_task(sender.send([push()]))
        await until(lambda: logins == 2)
        await asyncio.wait_for(sender.stop(), 5)
        assert await task == [Deferred(code="stopping:stopping")]
        hang.set()


async def test_an_endless_answer_ends() -> None:
    """A body that does not stop is cut off at a megabyte, and is in doubt."""

    async def login(_request: web.Request) -> web.Response:
        return web.json_response({"result": 0, "authToken": "t"})

    async def send(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65_536)
        except ConnectionError:
            return response

    answers: dict[str, Answer] = {"/message/auth": login, "/message/send": send}
    async with vendor_of(answers) as (url, _):
        sender = VendorSender(
            "vivo", VivoDialect(push_world.vivo(url, KEYS)), HttpLimits(answer_timeout_s=30)
        )
        await sender.start()
        assert await sender.send([push()]) == [InDoubt(why="lost")]
        await sender.stop()


async def test_a_redirection_is_not_followed() -> None:
    """Secrets go where the settings say and nowhere else."""
    seen = []

    async def away(_request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    async def elsewhere(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.json_response({"result": 0, "authToken": "t"})

    answers: dict[str, Answer] = {"/message/auth": away, "/elsewhere": elsewhere}
    async with vendor_of(answers) as (url, _):
        sender = VendorSender("vivo", VivoDialect(push_world.vivo(url, KEYS)), LIMITS)
        await sender.start()
        (told,) = await sender.send([push()])
        await sender.stop()
    assert isinstance(told, Refused)
    assert seen == []


async def test_before_the_start_and_after_the_stop_nothing_is_sent() -> None:
    """Both are told as put off."""
    sender = VendorSender("vivo", VivoDialect(push_world.vivo("http://127.0.0.1:1", KEYS)), LIMITS)
    assert await sender.send([push()]) == [Deferred(code="stopping:stopping")]
    await sender.stop()


@pytest.mark.parametrize(
    "field", ["connections", "connect_timeout_s", "answer_timeout_s", "stop_timeout_s", "a_day"]
)
def test_a_wrong_limit_names_its_field(field: str) -> None:
    """None may be below what can work."""
    with pytest.raises(ValueError, match=field):
        HttpLimits(**{field: -1})
