"""Our sender and Apple's far end on real sockets: what is mended once, what is told, what pauses the account."""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec
import pytest

from inbox_store.times import US, system_now
from push.app.apns.sender import ApnsSender
from push.app.http2.ports import PoolLimits, tls_context
from push.app.sender import Accepted, Deferred, Outcome, PushSender, Refused
from push.app.simulator.apns import ApnsDesk
from push.app.simulator.certificate import server_tls
from push.app.simulator.http2_script import Case, Http2Script, Shares
from push.app.simulator.http2_server import Http2Server, Reply
from push.sms.backoff import Backoff
from push.sms.breaker import BreakerRules
from push.sms.wire import ticks
from tests.push.gateway_world import until
from tests.push.http2_world import (
    KEY_ID,
    PATIENT,
    QUICK,
    TEAM,
    TOPIC,
    apns_account,
    apns_world,
    certificate,
    ec_pems,
    push,
    pushes,
)

CASES: Final = (
    Case(token="dead", status=410, reason="Unregistered"),
    Case(token="bad0", status=400, reason="BadDeviceToken"),
    Case(token=b"busy".hex(), status=429, reason="TooManyRequests", retry_after_s=9),
)


async def one(sender: PushSender, **changes: object) -> Outcome:
    """Send a single alert."""
    return (await sender.send([push(**changes)]))[0]


async def test_a_city_gets_its_alerts() -> None:
    """500 devices, one token, payload and headers as Apple checks them, in the order they were handed in."""
    async with apns_world() as (sender, desk, server):
        outcomes = await sender.send(pushes(500))
        assert all(isinstance(outcome, Accepted) and outcome.receipt for outcome in outcomes)
        assert len({outcome.receipt for outcome in outcomes if isinstance(outcome, Accepted)}) == 500
        assert set(desk.took.values()) == {1}
        assert (server.counts["violations"], server.counts["connections"]) == (0, 2)


async def test_dead_devices_are_told_in_their_places() -> None:
    """Gone, throttled, malformed and well ones in one batch: each outcome in its place."""
    async with apns_world(Http2Script(cases=CASES)) as (sender, _desk, _server):
        sent = [
            push(1),
            push(2, token="dead00"),
            push(3, token="bad000"),
            push(4, token="62757379"),
            push(5, token="no hex"),
        ]
        told = await sender.send(sent)
    assert isinstance(told[0], Accepted)
    assert told[1:] == [
        Refused(code="Unregistered", gone=True),
        Refused(code="BadDeviceToken", gone=True),
        Deferred(code="flow:TooManyRequests", after_s=9),
        Refused(code="malformed_token"),
    ]


async def test_nothing_is_pruned_before_a_device_was_reached() -> None:
    """BadDeviceToken for the first device ever: the environment may be the wrong one (apns §4)."""
    async with apns_world(Http2Script(cases=CASES)) as (sender, _desk, _server):
        assert await one(sender, token="bad000") == Refused(code="BadDeviceToken", alarm=True)
        assert isinstance(await one(sender), Accepted)
        assert await one(sender, token="bad000") == Refused(code="BadDeviceToken", gone=True)


async def test_an_expired_token_is_signed_anew_once_over_new_connections() -> None:
    """All that met the old token are sent again with one new token; the old connections are left (apns §1)."""
    start = system_now()
    now = [start]
    async with apns_world(limits=PATIENT, clock=lambda: now[0]) as (sender, desk, server):
        assert isinstance(await one(sender), Accepted)
        desk.expired.add(sender._tokens.value(now[0]))
        now[0] += 30 * 60 * US
        outcomes = await sender.send(pushes(60))
        assert {type(outcome) for outcome in outcomes} == {Accepted}
        assert desk.refused["TooManyProviderTokenUpdates"] == 0
        assert desk.refused["ExpiredProviderToken"] >= 1
        assert server.counts["connections"] >= 2


async def test_a_token_that_stays_expired_is_an_alarm_and_a_pause() -> None:
    """Our clock is wrong: signing again would not mend it. Told once, then the account rests."""
    async with apns_world(clock=system_now) as (sender, desk, _server):
        desk.expired.add(sender._tokens.value(system_now()))
        assert await one(sender) == Refused(code="ExpiredProviderToken", alarm=True)
        told = await one(sender)
        assert isinstance(told, Deferred)
        assert told.code == "auth:misconfigured"
        assert told.after_s is not None
        assert told.after_s >= 1
        assert desk.refused["ExpiredProviderToken"] == 1


async def test_too_many_tokens_go_back_to_the_last() -> None:
    """Another process signed a moment ago: the last token is used again, the push goes through."""
    now = [system_now()]
    async with apns_world(clock=lambda: now[0]) as (sender, desk, _server):
        assert isinstance(await one(sender), Accepted)
        now[0] += 51 * 60 * US
        kid, (iat, _since) = next(iter(desk._signed_at.items()))
        desk._signed_at[kid] = (iat, now[0] // US - 60)
        assert isinstance(await one(sender), Accepted)
        assert desk.refused["TooManyProviderTokenUpdates"] == 1


async def test_a_payload_that_is_too_large_all_the_same_is_cut_once() -> None:
    """413 for what we thought would fit: shorter, once more (apns §4)."""

    class Narrow(ApnsDesk):
        def answer(self, heard: object) -> Reply:
            assert hasattr(heard, "body")
            if len(heard.body) > 3_500:
                return Reply(413, (), b'{"reason":"PayloadTooLarge"}')
            return super().answer(heard)  # type: ignore[arg-type]

    desk = Narrow(team_id=TEAM, topic=TOPIC, keys={KEY_ID: ec_pems()[1]})
    server = Http2Server(desk, server_tls(certificate()))
    sender = ApnsSender("a", apns_account(await server.start()), tls=tls_context(certificate().pem))
    await sender.start()
    told = await one(sender, body="公" * 3_000)
    await sender.stop()
    await server.stop()
    assert isinstance(told, Accepted)
    assert len(desk.heard[0]["aps"]["alert"]["body"]) < 1_024


async def test_a_far_end_that_fails_opens_the_breaker() -> None:
    """Five failures in a row: the rest is put off without being asked."""
    script = Http2Script(shares=Shares(error=1.0), first_streams=1)
    desk = ApnsDesk(team_id=TEAM, topic=TOPIC, keys={KEY_ID: ec_pems()[1]})
    server = Http2Server(desk, server_tls(certificate()), script)
    sender = ApnsSender("a", apns_account(await server.start()), tls=tls_context(certificate().pem))
    await sender.start()
    told = [await one(sender) for _ in range(8)]
    await sender.stop()
    await server.stop()
    assert told[:5] == [Deferred(code="server:InternalServerError")] * 5
    assert {outcome.code for outcome in told[5:] if isinstance(outcome, Deferred)} == {"server:retry"}
    assert server.counts["error"] == 5


async def test_a_host_that_is_not_there_puts_all_off() -> None:
    """Connections refused: every push is deferred within the limits, none hangs."""
    server = Http2Server(ApnsDesk(team_id=TEAM, topic=TOPIC, keys={}), server_tls(certificate()))
    port = await server.start()
    await server.stop()
    limits = PoolLimits(wait_s=2, fast_after=2, backoff=Backoff(first_s=0.001, max_s=0.002))
    sender = ApnsSender("a", apns_account(port), limits=limits, tls=tls_context(certificate().pem))
    await sender.start()
    told = await sender.send(pushes(20))
    await sender.stop()
    assert {outcome.code for outcome in told if isinstance(outcome, Deferred)} == {"network:unreachable"}
    assert len(told) == 20


async def test_after_the_stop_nothing_is_taken() -> None:
    """A stopped sender puts off what it is handed."""
    async with apns_world() as (sender, desk, _server):
        await one(sender)
        await sender.stop()
        assert await one(sender) == Deferred(code="stopping")
        assert sum(desk.took.values()) == 1


@pytest.mark.parametrize(
    "deed", ["silent", "ignore", "reset", "cut", "cut_taken", "empty", "stuck", "refuse", "goaway"]
)
async def test_what_hung_others_ends_here(deed: str) -> None:
    """The four that hang a known client for ever (apns §5), and more: each ends within the limits."""
    script = Http2Script(shares=msgspec.convert({deed: 1.0}, Shares))
    limits = msgspec.structs.replace(QUICK, wait_s=1)
    async with apns_world(script, limits) as (sender, desk, _server):
        told = await one(sender)
    kinds = {"stuck": "Accepted", "empty": "Deferred", "refuse": "Deferred", "goaway": "Deferred"}
    assert type(told).__name__ == kinds.get(deed, "InDoubt")
    assert sum(desk.took.values()) == (deed in ("silent", "reset", "cut_taken", "stuck"))


async def resting(script: Http2Script) -> tuple[ApnsSender, ApnsDesk, Http2Server]:
    """A sender whose breaker opened for a moment, and whose next push is the trial."""
    desk = ApnsDesk(team_id=TEAM, topic=TOPIC, keys={KEY_ID: ec_pems()[1]})
    server = Http2Server(desk, server_tls(certificate()), script)
    rules = BreakerRules(failures_max=1, open_s=0.001, open_max_s=0.002)
    account, tls = apns_account(await server.start()), tls_context(certificate().pem)
    sender = ApnsSender("a", account, tls=tls, breaker=rules, limits=PATIENT)
    await sender.start()
    sender._breaker.failed("retry", ticks())
    await until(lambda: sender._breaker.circuit(ticks()) == "half_open")
    return sender, desk, server


async def test_a_trial_whose_caller_left_is_settled_all_the_same() -> None:
    """Cancelled in the middle of the one push that a resting account lets through: the next ones are not locked out."""
    sender, desk, server = await resting(Http2Script(shares=Shares(slow=1.0)))
    trial = asyncio.create_task(one(sender))
    await until(lambda: sum(desk.took.values()) == 1)
    trial.cancel()
    await until(lambda: sender._breaker.circuit(ticks()) == "closed")
    assert isinstance(await one(sender), Accepted)
    await sender.stop()
    await server.stop()


async def test_a_trial_that_is_mended_is_tried_again() -> None:
    """The trial meets an expired token: the new one goes through, and the circuit closes."""
    sender, desk, server = await resting(Http2Script())
    now = system_now()
    desk.expired.add(sender._tokens.value(now - 30 * 60 * US))
    assert isinstance(await one(sender), Accepted)
    assert sender._breaker.circuit(ticks()) == "closed"
    await sender.stop()
    await server.stop()
