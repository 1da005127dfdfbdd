"""Our sender and Google's far end on real sockets: one sign-in for all, a token refused once, sign-ins that fail."""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec

from push.app.fcm.access import RULES
from push.app.sender import Accepted, Deferred, InDoubt, Outcome, PushSender, Refused
from push.app.simulator.http2_script import Case, Http2Script, Shares
from push.app.tokens import Grant
from push.sms.wire import ticks
from tests.push.http2_world import QUICK, fcm_world, push, pushes

CASES: Final = (
    Case(token="dead", status=404, reason="UNREGISTERED"),
    Case(token="bad", status=400, reason="INVALID_ARGUMENT"),
    Case(token="other", status=403, reason="SENDER_ID_MISMATCH"),
    Case(token="much", status=429, reason="QUOTA_EXCEEDED", retry_after_s=11),
    Case(token="more", status=429, reason="QUOTA_EXCEEDED"),
    Case(token="third", status=400, reason="SOMETHING_NEW"),
)


async def one(sender: PushSender, **changes: object) -> Outcome:
    """Send a single alert."""
    return (await sender.send([push(**changes)]))[0]


async def test_many_messages_need_one_sign_in() -> None:
    """Ten callers at once: one access token for all; each message is as Google checks it."""
    async with fcm_world() as (sender, desk, server):
        told = await asyncio.gather(*(sender.send([push(10 * n + m) for m in range(10)]) for n in range(10)))
        assert {type(outcome) for outcomes in told for outcome in outcomes} == {Accepted}
        assert (desk.logins, sum(desk.took.values()), max(desk.took.values())) == (1, 100, 1)
        assert server.counts["violations"] == 0


async def test_every_device_has_its_outcome_in_its_place() -> None:
    """Gone, foreign, throttled with and without a time, unknown (fcm §3)."""
    async with fcm_world(Http2Script(cases=CASES)) as (sender, _desk, _server):
        assert isinstance(await one(sender), Accepted)
        names = ("well", "dead", "bad", "other", "much", "more", "third")
        told = await sender.send([push(number, token=name) for number, name in enumerate(names)])
    assert isinstance(told[0], Accepted)
    assert told[1:] == [
        Refused(code="UNREGISTERED", gone=True),
        Refused(code="INVALID_ARGUMENT", gone=True),
        Refused(code="SENDER_ID_MISMATCH", gone=True),
        Deferred(code="flow:QUOTA_EXCEEDED", after_s=11),
        Deferred(code="flow:QUOTA_EXCEEDED", after_s=60),
        Refused(code="SOMETHING_NEW", alarm=True),
    ]


async def test_a_token_that_is_refused_is_asked_for_once_more() -> None:
    """401 for all that were under way: one new sign-in, everything goes through."""
    async with fcm_world() as (sender, desk, _server):
        assert isinstance(await one(sender), Accepted)
        desk.door.expire()
        told = await sender.send(pushes(50))
        assert {type(outcome) for outcome in told} == {Accepted}
        assert desk.logins == 2
        assert desk.refused["UNAUTHENTICATED"] >= 1


async def test_a_token_that_is_refused_again_is_an_alarm() -> None:
    """A new token does not help: told once, then the account rests."""
    async with fcm_world() as (sender, desk, _server):
        give = desk.door.give
        desk.door.give = lambda: give()[:-1]  # type: ignore[method-assign]
        assert await one(sender) == Refused(code="UNAUTHENTICATED", alarm=True)
        assert desk.logins == 2
        told = await one(sender)
        assert isinstance(told, Deferred)
        assert told.code == "auth:misconfigured"


async def test_a_sign_in_that_is_refused_is_an_alarm_and_not_repeated() -> None:
    """invalid_grant: all who wait are told, and the next ones too without asking again."""
    async with fcm_world() as (sender, desk, server):
        desk.login_fault = (400, "invalid_grant")
        told = await sender.send(pushes(20))
        assert told == [Refused(code="auth:invalid_grant", alarm=True)] * 20
        connections = server.counts["connections"]
        assert await one(sender) == Refused(code="auth:invalid_grant", alarm=True)
        assert (server.counts["connections"], sum(desk.took.values())) == (connections, 0)


async def test_a_sign_in_that_fails_puts_off() -> None:
    """503 at the door: later, with the pause until we may ask again."""
    async with fcm_world() as (sender, desk, _server):
        desk.login_fault = (503, "unavailable")
        told = await one(sender)
        assert isinstance(told, Deferred)
        assert told.code == "auth:unavailable"
        assert told.after_s is not None
        assert 0 < told.after_s <= 2


async def test_a_token_is_renewed_while_the_old_one_serves() -> None:
    """Near its end a new one is asked for beside the messages, which do not wait for it (fcm §1)."""
    async with fcm_world() as (sender, desk, _server):
        assert isinstance(await one(sender), Accepted)
        keeper = sender._access._keeper
        keeper.granted(Grant(value=keeper.value(ticks()), lifetime_s=3_599), ticks() - 3_400 * 1_000_000)
        assert keeper.need(ticks()) == "early"
        assert isinstance(await one(sender), Accepted)
        task = sender._access._task
        assert task is not None
        await task
        assert (desk.logins, RULES.early_s) == (2, 225)


async def test_one_who_stops_waiting_does_not_stop_the_sign_in() -> None:
    """A cancelled caller takes the token from nobody."""
    async with fcm_world() as (sender, desk, _server):
        first = asyncio.create_task(one(sender))
        await asyncio.sleep(0)
        second = asyncio.create_task(one(sender))
        await asyncio.sleep(0)
        first.cancel()
        assert isinstance(await second, Accepted)
        assert desk.logins == 1


async def test_a_message_without_an_answer_is_in_doubt() -> None:
    """Google took it and said nothing."""
    script = Http2Script(shares=Shares(silent=1.0))
    async with fcm_world(script, msgspec.structs.replace(QUICK, wait_s=1)) as (sender, desk, _server):
        assert isinstance(await one(sender), InDoubt)
        assert sum(desk.took.values()) == 1
