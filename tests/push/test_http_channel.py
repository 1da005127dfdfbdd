"""The sample channel over HTTP: its signature, its answers, what it repeats, and callbacks of a simulated aggregator."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from inbox_store.times import US, system_now
from push.sms.breaker import BreakerRules
from push.sms.bucket import Pace
from push.sms.carrier import Inbound, Reply, Report, SubmitAnswer
from push.sms.happenings import InDoubt
from push.sms.ports import LinkState, NotSent
from push.sms.sample_http import HttpAccount, HttpLimits, HttpSender, NotSigned
from push.sms.sample_http.bodies import read_callback
from push.sms.sample_http.signing import SKEW_S, Nonces, Purpose, signed_headers, verify
from push.sms.simulator.office import Office, Plan, opened
from push.sms.simulator.script import read_script
from push.sms.text import MAINLAND, Rules
from tests.push.gateway_world import Outcomes, until
from tests.push.sender_contract import LONG, SHORT, TOKEN, answers, message, sent, why_not
from tests.push.simulator_world import ACCOUNTS, AT_ONCE, FAST, lines_of

ACCOUNT, SECRET = "900001", ACCOUNTS["900001"]
NOW = 1_770_000_000 * US
NONCE = "n" * 24
BODY = b'{"events":[]}'
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


# The signature ------------------------------------------------------------------------------------------------------


def headers(
    body: bytes = BODY, *, now: int = NOW, nonce: str = NONCE, secret: str = SECRET
) -> dict[str, str]:
    """Signed as a callback."""
    return signed_headers(ACCOUNT, secret, "callback", body, now=now, nonce=nonce)


def check(
    told: dict[str, str],
    body: bytes = BODY,
    *,
    now: int = NOW,
    nonces: Nonces | None = None,
    purpose: Purpose = "callback",
) -> None:
    """Verify as our side does."""
    seen = Nonces(NOW - 3_600 * US) if nonces is None else nonces
    verify(told, body, account=ACCOUNT, secret=SECRET, purpose=purpose, now=now, nonces=seen)


@given(st.data())
def test_a_changed_character_is_refused(data: st.DataObject) -> None:
    """Whatever is changed in a header or in the body, the signature fits no more."""
    told = {**headers(), "body": BODY.decode()}
    name = data.draw(st.sampled_from(sorted(told)))
    place = data.draw(st.integers(0, len(told[name]) - 1))
    other = data.draw(
        st.characters(min_codepoint=33, max_codepoint=126).filter(lambda c: c != told[name][place])
    )
    told[name] = told[name][:place] + other + told[name][place + 1 :]
    with pytest.raises(NotSigned):
        check({**told}, told["body"].encode())


def test_what_is_signed_is_taken_once() -> None:
    """The nonce is good for one time, within five minutes; after ten it is forgotten, when its timestamp is too old."""
    nonces = Nonces(NOW - 3_600 * US)
    check(headers(), nonces=nonces)
    with pytest.raises(NotSigned, match="used before"):
        check(headers(), nonces=nonces)
    check(
        headers(nonce="m" * 24, now=NOW + 2 * SKEW_S * US + 2 * US),
        now=NOW + 2 * SKEW_S * US + 2 * US,
        nonces=nonces,
    )
    assert len(nonces) == 1
    with pytest.raises(NotSigned, match="five minutes"):
        check(headers(), now=NOW + 2 * SKEW_S * US + 2 * US, nonces=nonces)


@pytest.mark.parametrize("apart", [-SKEW_S - 1, SKEW_S + 1])
def test_clocks_may_be_five_minutes_apart(apart: int) -> None:
    """Five minutes either way and no more."""
    check(headers(now=NOW + (apart - (1 if apart > 0 else -1)) * US))
    with pytest.raises(NotSigned, match="five minutes"):
        check(headers(now=NOW + apart * US))


def test_nothing_from_before_the_start_is_taken() -> None:
    """Nonces are forgotten with the process, so that what was signed before it is to come again, signed anew."""
    check(headers(), nonces=Nonces(NOW))
    with pytest.raises(NotSigned, match="began"):
        check(headers(), now=NOW + US, nonces=Nonces(NOW + US))


def test_nonces_are_bounded_and_none_is_forgotten_early() -> None:
    """When there are too many within the time, more are refused rather than an old one let in again."""
    nonces = Nonces(NOW, size_max=1)
    check(headers(), nonces=nonces)
    with pytest.raises(NotSigned, match="too many"):
        check(headers(nonce="m" * 24), nonces=nonces)


def test_what_we_signed_cannot_be_sent_back() -> None:
    """A submit of ours, reflected, is no callback; another account's secret is none either; no headers are none."""
    ours = signed_headers(ACCOUNT, SECRET, "submit", BODY, now=NOW, nonce=NONCE)
    for told in (ours, headers(secret="other"), {}):
        with pytest.raises(NotSigned):
            check(told)


# Reading callbacks --------------------------------------------------------------------------------------------------


def test_a_callback_is_read() -> None:
    """Reports of a segment, of a whole message, on the way and failed; replies without 86; what is neither is kept raw."""
    events = [
        {"type": "report", "id": "a", "to": "+8613800138000", "stat": "DELIVRD", "done_at": 1_770_000_000},
        {"type": "report", "id": "b", "to": "13800138000", "stat": "MK:0001", "segments": 2, "error": "29"},
        {"type": "report", "id": "b", "to": "13800138000", "stat": "ACCEPTD", "segments": 2, "segment": 2},
        {"type": "reply", "sender": "8613800138000", "source": "1065733301", "text": "2 张伟"},
        {"type": "balance", "left": 3},
    ]
    told = read_callback(msgspec.json.encode({"events": events, "batch": 7}))
    reports = [one.what for one in told if isinstance(one.what, Report)]
    assert [(one.message_id, one.state, one.error, one.to) for one in reports] == [
        ("a", "delivered", "", "13800138000"),
        ("b/1", "failed", "29", "13800138000"),
        ("b/2", "failed", "29", "13800138000"),
        ("b/2", "waiting", "", "13800138000"),
    ]
    assert reports[0].done_at == 1_770_000_000 * US
    (reply,) = [one.what for one in told if isinstance(one.what, Reply)]
    assert (reply.sender, reply.source, reply.content.decode("utf-16-be")) == (
        "13800138000",
        "1065733301",
        "2 张伟",
    )
    assert [one.raw for one in told if one.what is None] == [b'{"type":"balance","left":3}']


@given(st.binary() | st.text().map(str.encode) | st.just(b"[" * 5_000))
def test_any_bytes_are_a_callback_or_a_value_error(body: bytes) -> None:
    """Nothing else is ever raised."""
    try:
        assert read_callback(body)
    except ValueError:
        return


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
