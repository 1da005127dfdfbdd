"""UnifiedPush: endpoints that the phone's owner names, encrypted like Web Push."""

from __future__ import annotations

import msgspec
import pytest

from push.app.sender import Accepted, Outcome, PushSender, Refused
from push.app.unifiedpush import UnifiedPushSender
from push.app.webpush import WebPushRules
from tests.push.webpush_cases import Device, PushHost, alert, answer, push_host, vapid_key


async def sent(host: PushHost, token: str, *, plain: bool = False) -> Outcome:
    """The outcome of one alert."""
    sender = UnifiedPushSender("phones", vapid_key(), WebPushRules(endpoints=host.rules, plain=plain))
    await sender.start()
    (outcome,) = await sender.send([alert(token)])
    await sender.stop()
    return outcome


def test_it_is_a_sender() -> None:
    """The port's shape, as the type checker sees it."""
    sender: PushSender = UnifiedPushSender("phones", vapid_key())
    assert sender.vendor == "unifiedpush"


@pytest.mark.parametrize("status", [200, 201, 202])
async def test_a_phone_with_keys_is_told_encrypted(status: int) -> None:
    """Any success counts (a distributor may answer 200), and only the phone can read it."""
    async with push_host(lambda _posted: answer(status, "TTL: 0")) as host:
        device = Device(f"{host.url}/up-abc?up=1")
        assert await sent(host, device.token) == Accepted()
        (posted,) = host.posted
        assert posted.path == "/up-abc?up=1"
        assert msgspec.json.decode(device.reads(posted.body))["body"] == "请于今日17时前签收"


async def test_a_client_without_keys_is_refused_unless_allowed() -> None:
    """Nothing is sent readable on the way, but where an installation allows it."""
    async with push_host() as host:
        token = msgspec.json.encode({"endpoint": f"{host.url}/up-abc"}).decode()
        assert await sent(host, token) == Refused(code="subscription_unencrypted")
        assert host.posted == []
        assert isinstance(await sent(host, token, plain=True), Accepted)
        (posted,) = host.posted
        assert msgspec.json.decode(posted.body)["title"] == "关于防汛工作的通知"
        assert "Content-Encoding" not in posted.headers


async def test_an_endpoint_that_is_gone() -> None:
    """404: the phone has another distributor now."""
    async with push_host(lambda _posted: answer(404)) as host:
        assert await sent(host, Device(f"{host.url}/up").token) == Refused(code="http_404", gone=True)
