"""The Web Push sender on real sockets: what is told for what a push service does."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from inbox_store.times import US, system_now
from push.app.endpoints import EndpointRules
from push.app.sender import Accepted, Deferred, InDoubt, Outcome, PushSender, Refused
from push.app.simulator.certificate import make_certificate, server_tls
from push.app.webpush import WebPushRules, WebPushSender
from push.app.webpush.vapid import check_authorization
from tests.push.webpush_cases import CREATED, Device, Posted, PushHost, alert, answer, push_host, vapid_key


@asynccontextmanager
async def sending(host: PushHost, **rules: object) -> AsyncIterator[WebPushSender]:
    """A sender that may reach the host."""
    told = {"endpoints": host.rules, **rules}
    sender = WebPushSender("test", vapid_key(), WebPushRules(**told))  # type: ignore[arg-type]
    await sender.start()
    try:
        yield sender
    finally:
        await sender.stop()


async def one(sender: WebPushSender, token: str, **told: object) -> Outcome:
    """The outcome of one alert."""
    (outcome,) = await sender.send([alert(token, **told)])
    return outcome


def test_it_is_a_sender() -> None:
    """The port's shape, as the type checker sees it."""
    sender: PushSender = WebPushSender("test", vapid_key())
    assert (sender.vendor, sender.batch_max) == ("webpush", 1)


async def test_an_alert_arrives_encrypted_and_signed() -> None:
    """The device reads what was said; the token holds for this host; all bodies are of one length."""
    async with push_host() as host, sending(host) as sender:
        devices = [Device(f"{host.url}/send/{number}") for number in range(2)]
        pushes = [alert(devices[0].token, tag="document:1"), alert(devices[1].token, body="", url="")]
        assert await sender.send(pushes) == [Accepted(receipt="/m/1")] * 2
        first, second = sorted(host.posted)
        assert msgspec.json.decode(devices[0].reads(first.body))["title"] == "关于防汛工作的通知"
        assert msgspec.json.decode(devices[1].reads(second.body)) == {
            "id": "1",
            "title": "关于防汛工作的通知",
        }
        assert len(first.body) == len(second.body)
        assert first.body[:86] != second.body[:86]
        shown = check_authorization(first.headers["Authorization"], host.url, system_now() / US)
        assert shown.claims.aud == host.url
        assert first.headers["TTL"] == "86400"
        assert "Topic" in first.headers
        assert "Topic" not in second.headers


async def test_connections_are_kept_and_bounded() -> None:
    """Three hundred alerts go over as many connections as the rules allow, and over the same ones again."""
    async with push_host() as host, sending(host, host_max=4) as sender:
        tokens = [Device(f"{host.url}/send/{number}").token for number in range(300)]
        for _ in range(2):
            outcomes = await sender.send([alert(token) for token in tokens])
            assert outcomes == [Accepted(receipt="/m/1")] * 300
        assert host.connections <= 4


@pytest.mark.parametrize(
    ("status", "lines", "outcome"),
    [
        (201, (), Accepted()),
        (302, ("Location: http://127.0.0.1:1/",), Refused(code="http_302")),
        (403, (), Refused(code="http_403", alarm=True)),
        (410, (), Refused(code="http_410", gone=True)),
        (429, ("Retry-After: 7",), Deferred(code="flow:http_429", after_s=7)),
        (503, (), Deferred(code="server:http_503")),
    ],
)
async def test_each_answer_is_told(status: int, lines: tuple[str, ...], outcome: Outcome) -> None:
    """Statuses come through as the table says, with a body or without, and nothing is followed."""
    bodies: Iterator[bytes] = iter((b"", b"{}", b"x" * 50_000))
    async with push_host(lambda _posted: answer(status, *lines, body=next(bodies))) as host:
        async with sending(host) as sender:
            token = Device(f"{host.url}/a").token
            assert [await one(sender, token) for _ in range(3)] == [outcome] * 3
        assert len(host.posted) == 3


async def test_what_is_too_large_is_shortened_once() -> None:
    """413: the same alert once more, shorter and without padding; then it is refused."""

    def bridge(posted: Posted) -> bytes:
        return CREATED if len(posted.body) < 2000 else answer(413)

    async with push_host(bridge) as host, sending(host) as sender:
        device = Device(f"{host.url}/a")
        assert isinstance(await one(sender, device.token, body="长" * 1000), Accepted)
        read = msgspec.json.decode(device.reads(host.posted[-1].body))
        assert read["body"].endswith("…")
        host.answering = lambda _posted: answer(413)
        assert await one(sender, device.token, body="长" * 1000) == Refused(code="http_413")
        assert len(host.posted) == 4


@pytest.mark.parametrize(
    "spoken",
    [
        None,
        b"HTTP/1.1 201 Cre",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 201 Created\r\n folded: yes\r\n\r\n",
        b"x" * 40_000,
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
)
async def test_what_is_never_answered_is_in_doubt(spoken: bytes | None) -> None:
    """Silence, half an answer and another protocol: it was written, and may have been taken."""
    async with push_host(lambda _posted: spoken) as host, sending(host, answer_timeout_s=0.2) as sender:
        token = Device(f"{host.url}/a").token
        assert isinstance(await one(sender, token), InDoubt)
        assert isinstance(await one(sender, token), InDoubt)
        assert host.connections == 2


@pytest.mark.parametrize(
    "spoken",
    [
        b"HTTP/1.0 201 Created\r\n\r\n",
        b"HTTP/1.1 201 Created\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nab",
        b"HTTP/1.1 201 Created\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\nHTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n",
    ],
)
async def test_a_connection_that_is_not_clean_is_not_used_again(spoken: bytes) -> None:
    """The answer counts; whatever may still come belongs to no later request."""
    async with push_host(lambda _posted: spoken) as host, sending(host) as sender:
        token = Device(f"{host.url}/a").token
        assert [await one(sender, token) for _ in range(2)] == [Accepted()] * 2
        assert host.connections == 2


async def test_provisional_answers_go_by() -> None:
    """100 Continue before the answer is no answer."""
    async with push_host(lambda _posted: b"HTTP/1.1 100 Continue\r\n\r\n" + CREATED) as host:
        async with sending(host) as sender:
            token = Device(f"{host.url}/a").token
            assert [await one(sender, token) for _ in range(2)] == [Accepted(receipt="/m/1")] * 2
        assert host.connections == 1


async def test_nobody_there_is_put_off_and_the_circuit_opens() -> None:
    """Refused connections left nothing behind: deferred; after five the host is not even tried."""
    async with push_host() as host:
        pass
    async with sending(host) as sender:
        token = Device(f"{host.url}/a").token
        outcomes = [await one(sender, token) for _ in range(6)]
        assert outcomes[:5] == [Deferred(code="network:ConnectionRefusedError")] * 5
        assert isinstance(outcomes[5], Deferred)
        assert outcomes[5].code == "server:host_paused"


async def test_a_host_that_hangs_holds_only_its_share() -> None:
    """While one host answers nothing, alerts to another go on."""
    async with (
        push_host(lambda _posted: None) as hangs,
        push_host() as works,
        sending(works, host_max=2, open_max=8) as sender,
    ):
        slow, quick = (
            [alert(Device(f"{url}/{n}").token) for n in range(20)] for url in (hangs.url, works.url)
        )
        stuck = asyncio.create_task(sender.send(slow))
        assert await sender.send(quick) == [Accepted(receipt="/m/1")] * 20
        assert not stuck.done()
        stuck.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stuck


async def test_stopping_ends_what_hangs_as_in_doubt() -> None:
    """stop() ends within its limit; what was written is in doubt, what never left is put off."""
    async with push_host(lambda _posted: None) as host:
        async with sending(host, host_max=1, stop_timeout_s=0.1) as sender:
            device = Device(f"{host.url}/a")
            stuck = asyncio.create_task(sender.send([alert(device.token), alert(device.token)]))
            await host.came.wait()
        assert await stuck == [InDoubt(why="closed"), Deferred(code="stopping:stopped")]
        assert await one(sender, device.token) == Deferred(code="stopping:stopped")


@pytest.mark.parametrize(
    ("endpoint", "code"),
    [
        ("http://127.0.0.1:1/a", "scheme"),
        ("https://127.0.0.1/a", "address"),
        ("https://intranet/a", "local_name"),
        ("https://rebound.example/a", "address"),
    ],
)
async def test_nothing_is_sent_into_our_own_network(endpoint: str, code: str) -> None:
    """Neither by an address, nor by a name that means one when it is connected to."""

    async def rebound(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1", "169.254.169.254"]

    sender = WebPushSender("test", vapid_key(), WebPushRules(endpoints=EndpointRules()), look_up=rebound)
    await sender.start()
    assert await one(sender, Device(endpoint).token) == Refused(code=f"subscription_{code}")
    await sender.stop()


async def test_a_broken_subscription_harms_nobody_else() -> None:
    """Each outcome stands in its place."""
    async with push_host() as host, sending(host) as sender:
        good = Device(f"{host.url}/a").token
        plain = msgspec.json.encode({"endpoint": f"{host.url}/b"}).decode()
        outcomes = await sender.send(
            [alert("nonsense"), alert(good), alert(plain), alert(good, title="\ud800")]
        )
        assert outcomes == [
            Refused(code="subscription_json"),
            Accepted(receipt="/m/1"),
            Refused(code="subscription_unencrypted"),
            Refused(code="unsendable"),
        ]


async def to_loopback(_host: str, _port: int) -> list[str]:
    """Every name is this machine."""
    return ["127.0.0.1"]


async def test_tls_is_checked_against_the_name() -> None:
    """Only who is trusted, and has the certificate of the name in the endpoint, is told anything."""
    certificate = make_certificate(system_now())
    trusted = ssl.create_default_context(cadata=certificate.pem)
    untrusted = ssl.create_default_context()
    rules = WebPushRules(endpoints=EndpointRules(hosts=("localhost", "push.other.example")))
    async with push_host(tls=server_tls(certificate, "http/1.1")) as host:
        for name, tls, told in (
            ("localhost", trusted, Accepted(receipt="/m/1")),
            ("push.other.example", trusted, Deferred(code="network:SSLCertVerificationError")),
            ("localhost", untrusted, Deferred(code="network:SSLCertVerificationError")),
        ):
            sender = WebPushSender("test", vapid_key(), rules, tls=tls, look_up=to_loopback)
            await sender.start()
            token = Device(f"https://{name}:{host.port}/a").token
            assert [await one(sender, token), await one(sender, token)] == [told] * 2
            await sender.stop()
        assert len(host.posted) == 2


def test_rules_that_mean_nothing() -> None:
    """A wrong setting is told at the start, by its name."""
    for field, value in (("open_max", 0), ("answer_timeout_s", 0), ("pad_step", 5000)):
        with pytest.raises(ValueError, match=field):
            WebPushRules(**{field: value})  # type: ignore[arg-type]
