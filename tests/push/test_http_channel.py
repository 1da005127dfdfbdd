"""The sample channel over HTTP: its answers, what it repeats, and callbacks of a simulated aggregator."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from inbox_store.times import system_now
from push.sms.breaker import BreakerRules
from push.sms.bucket import Pace
from push.sms.carrier import Inbound, Reply, Report, SubmitAnswer
from push.sms.happenings import InDoubt
from push.sms.ports import LinkState, NotSent
from push.sms.sample_http import HttpAccount, HttpLimits, HttpSender, NotSigned
from push.sms.simulator.office import Office, Plan, opened
from push.sms.simulator.script import read_script
from push.sms.text import MAINLAND, Rules
from tests.push.gateway_world import WAIT_S, Outcomes, until
from tests.push.sender_contract import LONG, SHORT, TOKEN, answers, message, sent, why_not
from tests.push.simulator_world import ACCOUNTS, AT_ONCE, FAST, lines_of
from tests.push.test_simulator_verb import said, sim

ACCOUNT, SECRET = "900001", ACCOUNTS["900001"]
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


# Answers ------------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def far_end(
    answer: Answer, limits: HttpLimits | None = None, rules: Rules = MAINLAND
) -> AsyncIterator[HttpSender]:
    """A sender towards a server that answers as told."""
    app = web.Application()
    app.router.add_post("/messages", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sender = sender_to(runner.addresses[0][1], limits, rules)
    await sender.start()
    try:
        yield sender
    finally:
        await sender.stop()
        await runner.cleanup()


def sender_to(port: int, limits: HttpLimits | None = None, rules: Rules = MAINLAND) -> HttpSender:
    """A sender to that port."""
    url = f"http://127.0.0.1:{port}/messages"
    account = HttpAccount(account=ACCOUNT, secret=SECRET, url=url, rules=rules)
    return HttpSender("http", account, limits or HttpLimits(pace=FAST, answer_timeout_s=2, stop_timeout_s=1))


def saying(status: int, body: bytes, **headers: str) -> Answer:
    """Always the same answer."""

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=status, body=body, headers=headers)

    return answer


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, b'{"code":0,"id":"x"}', "accepted"),
        (201, b'{"code":0,"id":"x","more":{"a":[]}}', "accepted"),
        (200, b'{"code":2001}', "bad_number"),
        (200, b'{"code":77}', "failed"),
        (422, b'{"code":2001}', "bad_number"),
        (422, b'{"code":2002}', "unserved"),
        (402, b'{"code":2004}', "misconfigured"),
        (409, b'{"code":3003}', "repeated"),
        (401, b"<html>", "misconfigured"),
        (404, b"", "misconfigured"),
        (422, b"", "failed"),
        (429, b"", "throttled"),
        (503, b"", "retry"),
        (302, b"", "misconfigured"),
    ],
)
async def test_answers_have_their_verdicts(status: int, body: bytes, verdict: str) -> None:
    """By the code where it is known, else by the status; only 2xx with code 0 and an id is an acceptance."""
    async with far_end(saying(status, body)) as sender:
        (told,) = answers(await sent(sender, message()))
    assert told.verdict == verdict
    assert bool(told.message_id) == (verdict == "accepted")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b'{"code":0}'),
        (200, b'{"id":"x"}'),
        (500, b""),
        (502, b"<html>"),
        (504, b""),
        (200, b"x" * 70_000),
    ],
)
async def test_answers_that_say_nothing_are_a_doubt(status: int, body: bytes) -> None:
    """Half an answer, a proxy's answer, an endless one: nobody knows whether it was taken."""
    async with far_end(saying(status, body)) as sender:
        (told,) = await sent(sender, message())
    assert isinstance(told, InDoubt)
    assert told.why in {"nack", "lost"}


async def test_retry_after_is_heeded() -> None:
    """Too fast: nothing leaves until the time that was told, and then it does; the rate is lower."""
    asked: list[float] = []

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        asked.append(time.monotonic())
        if len(asked) == 1:
            return web.Response(status=503, headers={"Retry-After": "1"})
        return web.Response(body=b'{"code":0,"id":"x"}')

    async with far_end(answer) as sender:
        (told,) = answers(await sent(sender, message()))
        assert (told.verdict, sender.free, sender.throttles) == ("throttled", 0, 1)
        (told,) = answers(await sent(sender, message()))
        assert told.verdict == "accepted"
        assert asked[1] - asked[0] >= 0.99


async def test_a_repeat_is_one_message(tmp_path: Path) -> None:
    """Where the contract allows it, what was cut is asked again under its reference, and learns its id; charged once."""
    file = tmp_path / "detail.csv"
    script = read_script(
        "cases = [{at = [1], answer = 'drop_accepted'}, {at = [2], answer = 'silent'}]\n" + AT_ONCE
    )
    async with opened(Plan(ports={"http": 0}, accounts=ACCOUNTS, script=script, detail=file)) as office:
        limits = HttpLimits(pace=FAST, answer_timeout_s=0.3, stop_timeout_s=1, repeats=1)
        sender = sender_to(office.ports["http"], limits)
        await sender.start()
        told = [*answers(await sent(sender, message(LONG))), *answers(await sent(sender, message()))]
        await sender.stop()
        assert office.http.counts["repeated"] == 2
    assert [one.message_id for one in told] == [one.message_id for one in lines_of(file)]


async def test_a_repeat_that_finds_nobody_is_in_doubt() -> None:
    """The first try may have been taken: that nobody is there any more does not make it unsent."""
    gone = asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        assert request.transport is not None
        request.transport.abort()
        gone.set()
        return web.Response()

    app = web.Application()
    app.router.add_post("/messages", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sender = sender_to(runner.addresses[0][1], HttpLimits(pace=FAST, answer_timeout_s=2, repeats=3))
    await sender.start()
    told = Outcomes()
    sender.post(message(), told, TOKEN)
    await gone.wait()
    await runner.cleanup()
    await until(lambda: bool(told.all))
    await sender.stop()
    assert [type(one) for one in told.all[0]] == [InDoubt]


async def test_the_breaker_opens_and_closes() -> None:
    """A far end that is gone is given up at once after so many failures, told as a change, and tried again."""
    states: list[LinkState] = []
    async with opened(Plan(ports={"http": 0}, accounts=ACCOUNTS)) as office:
        port = office.ports["http"]
    account = HttpAccount(account=ACCOUNT, secret=SECRET, url=f"http://127.0.0.1:{port}/messages")
    limits = HttpLimits(pace=FAST, breaker=BreakerRules(failures_max=2, open_s=0.2))
    sender = HttpSender("http", account, limits, changed=states.append)
    await sender.start()
    assert why_not([*await sent(sender, message()), *await sent(sender, message())]) == ["down", "down"]
    assert why_not(await sent(sender, message())) == ["circuit_open"]
    assert (sender.state.why, sender.free) == ("circuit_open", 0)
    await until(lambda: sender.state.up)
    async with opened(Plan(ports={"http": port}, accounts=ACCOUNTS)):
        assert answers(await sent(sender, message()))[0].verdict == "accepted"
    await sender.stop()
    assert [one.why for one in states] == ["up", "circuit_open", "up", "stopped"]


async def test_the_rate_is_kept() -> None:
    """Segments leave at the set rate, those of one message together; 60 at 200/s need 0.2 s after the first tenth."""
    async with far_end(
        saying(200, b'{"code":0,"id":"x"}'), HttpLimits(window=60, pace=Pace(rate_per_s=200))
    ) as sender:
        began, told = time.monotonic(), [Outcomes() for _ in range(20)]
        for one in told:
            sender.post(message(LONG), one, TOKEN)
        await until(lambda: all(one.all for one in told))
        took = time.monotonic() - began
    assert 0.19 <= took < 5


async def test_only_whole_texts_leave() -> None:
    """A part of a message, and a text that is counted otherwise, never leave: the aggregator would send and bill all of it."""
    async with far_end(saying(200, b'{"code":0,"id":"x"}')) as sender:
        part = msgspec.structs.replace(message(LONG), numbers=(2, 3))
        for what in (part, message(SHORT, segments=2)):
            assert set(why_not(await sent(sender, what))) == {"unsendable"}


async def test_a_signature_that_the_aggregator_adds_is_not_sent() -> None:
    """It is counted by us and put in front by them."""
    texts: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        texts.append((await request.json())["text"])
        return web.Response(body=b'{"code":0,"id":"x"}')

    async with far_end(answer, rules=Rules(added_signature="【云水政务】")) as sender:
        assert answers(await sent(sender, message()))[0].verdict == "accepted"
    assert texts == [SHORT.removeprefix("【云水政务】")]


@pytest.mark.parametrize(
    ("field", "value"),
    [("account", ""), ("secret", ""), ("url", "ftp://x/"), ("url", "https://"), ("url", "http://[")],
)
def test_a_wrong_account_is_told(field: str, value: str) -> None:
    """The field is named, the secret never shown."""
    told = {"account": ACCOUNT, "secret": SECRET, "url": "https://sms.example/messages", field: value}
    with pytest.raises(ValueError, match=field):
        HttpAccount(account=told["account"], secret=told["secret"], url=told["url"])
    assert SECRET not in repr(HttpAccount(account=ACCOUNT, secret=SECRET, url="https://sms.example/"))


# The simulated aggregator calls back --------------------------------------------------------------------------------


class Ear:
    """Our side of callbacks, as the door does it: verified, stored, answered; or broken for a while."""

    def __init__(self) -> None:
        self.came: list[Inbound] = []
        self.refused = 0
        self.broken = 0
        self.sender: HttpSender | None = None

    async def take(self, request: web.Request) -> web.Response:
        """One callback."""
        body = await request.read()
        assert self.sender is not None
        try:
            told = self.sender.heard(request.headers, body, system_now())
        except NotSigned:
            self.refused += 1
            return web.Response(status=401)
        if self.broken:
            self.broken -= 1
            return web.Response(status=500)
        self.came += told
        return web.json_response({"taken": len(told)})


@asynccontextmanager
async def called_back(
    script: str, detail: Path | None = None
) -> AsyncIterator[tuple[HttpSender, Ear, Office]]:
    """The aggregator, a sender towards it, and an ear that it calls back."""
    ear = Ear()
    app = web.Application()
    app.router.add_post("/callback", ear.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/callback"
    told = read_script(script + "\n" + AT_ONCE)
    plan = Plan(ports={"http": 0}, accounts=ACCOUNTS, script=told, detail=detail, callbacks={ACCOUNT: url})
    async with opened(plan) as office:
        ear.sender = sender_to(office.ports["http"])
        await ear.sender.start()
        try:
            yield ear.sender, ear, office
        finally:
            await ear.sender.stop()
            await runner.cleanup()


async def test_reports_and_replies_come_back() -> None:
    """Each segment is reported by the id that its answer bore; a phone's reply comes with its number and our source."""
    cases = "cases = [{prefix = '1380', reply = '2 张伟'}, {prefix = '1381', failed = 'UNDELIV/029'}]"
    async with called_back(cases) as (sender, ear, office):
        good = answers(await sent(sender, message(LONG)))
        (bad,) = answers(await sent(sender, message(to="13812345678")))
        await until(lambda: len(ear.came) == 3 + 3 + 1 and not office.http.waiting)
    reports = {one.what.message_id: one.what for one in ear.came if isinstance(one.what, Report)}
    assert set(reports) == {*(one.message_id for one in good), bad.message_id}
    assert (reports[bad.message_id].state, reports[bad.message_id].error) == ("failed", "029")
    replies = [one.what for one in ear.came if isinstance(one.what, Reply)]
    assert {(one.sender, one.content.decode("utf-16-be")) for one in replies} == {("13800138000", "2 张伟")}


async def test_what_was_not_stored_comes_again() -> None:
    """A callback that we answered with an error is brought again, signed anew, and is then taken."""
    async with called_back("") as (sender, ear, office):
        ear.broken = 1
        await sent(sender, message())
        await until(lambda: office.http.counts["taken"] == 1)
    assert (len(ear.came), ear.refused) == (1, 0)


async def test_a_report_may_come_before_its_answer() -> None:
    """Then its id is one that nobody has heard of yet; the answer bears it."""
    async with called_back("cases = [{at = [1], twists = ['early']}]") as (sender, ear, _):
        told = Outcomes()
        sender.post(message(), told, TOKEN)
        await until(lambda: bool(ear.came))
        assert not told.all
        await until(lambda: bool(told.all))
    (report,), (answer,) = ear.came, answers(told.all[0])
    assert isinstance(report.what, Report)
    assert report.what.message_id == answer.message_id


async def test_a_wrong_secret_stops_the_channel() -> None:
    """The aggregator refuses the signature: misconfigured, with an alarm, and nothing more is tried for a while."""
    async with opened(Plan(ports={"http": 0}, accounts={ACCOUNT: "another"})) as office:
        sender = sender_to(office.ports["http"])
        await sender.start()
        (told,) = await sent(sender, message())
        assert isinstance(told, SubmitAnswer)
        assert (told.verdict, told.code) == ("misconfigured", "1001")
        assert (sender.state.up, sender.state.alarm) == (False, True)
        assert isinstance((await sent(sender, message()))[0], NotSent)
        await sender.stop()


async def test_the_verb_speaks_http(tmp_path: Path) -> None:
    """`songda carrier-sim --protocol http` takes messages, calls back, and writes the same invoice as the other ports."""
    file, came = tmp_path / "d.csv", asyncio.Event()

    async def hear(request: web.Request) -> web.Response:
        await request.read()
        came.set()
        return web.json_response({"taken": 1})

    app = web.Application()
    app.router.add_post("/callback", hear)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"{ACCOUNT}=http://127.0.0.1:{runner.addresses[0][1]}/callback"
    own = ("--account", f"{ACCOUNT}:{SECRET}", "--detail", str(file))
    with sim("--protocol", "http", "--callback", url, *own) as process:
        sender = sender_to(said(process)["listening"]["http"])
        await sender.start()
        (told,) = answers(await sent(sender, message()))
        await asyncio.wait_for(came.wait(), WAIT_S)
        await sender.stop()
        process.terminate()
        rest, errors = process.communicate(timeout=20)
    await runner.cleanup()
    assert process.returncode == 0, errors
    assert json.loads(rest)["ended"]["http"]["segments"] == 1
    assert [one.message_id for one in lines_of(file)] == [told.message_id]


@pytest.mark.parametrize("option", ["900009=http://h/", f"{ACCOUNT}=h"])
def test_a_wrong_callback_option_is_said(option: str) -> None:
    """Status 1 and the option's name."""
    with sim("--protocol", "http", "--callback", option) as process:
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, "--callback" in errors) == (1, True)
