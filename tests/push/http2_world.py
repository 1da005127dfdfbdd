"""A far end on this machine and what is needed to talk to it: keys made once, a certificate, short limits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from inbox_store.times import Clock, system_now
from push.app.apns.account import ApnsAccount
from push.app.apns.sender import ApnsSender
from push.app.fcm.account import FcmAccount
from push.app.fcm.sender import FcmSender
from push.app.http2.happenings import Http2Rules
from push.app.http2.ports import Address, PoolLimits, tls_context
from push.app.sender import Push
from push.app.simulator.apns import ApnsDesk
from push.app.simulator.certificate import Certificate, make_certificate, server_tls
from push.app.simulator.fcm import FcmDesk
from push.app.simulator.http2_script import Http2Script
from push.app.simulator.http2_server import Http2Server
from push.sms.backoff import Backoff
from push.sms.breaker import BreakerRules

TEAM: Final = "DEF123GHIJ"
KEY_ID: Final = "ABC123DEFG"
TOPIC: Final = "cn.example.songda"
PROJECT: Final = "demo-project"
EMAIL: Final = "push@demo-project.iam.gserviceaccount.com"
DEVICE: Final = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0"

QUICK: Final = PoolLimits(
    wait_s=4,
    again_s=0.005,
    connect_timeout_s=2,
    stop_timeout_s=2,
    fast_after=50,
    backoff=Backoff(first_s=0.005, max_s=0.02),
    rules=Http2Rules(
        answer_timeout_s=0.4, greeting_timeout_s=1, idle_s=0.2, probe_timeout_s=0.2, leave_timeout_s=1
    ),
)
PATIENT: Final = PoolLimits(wait_s=10, backoff=Backoff(first_s=0.005, max_s=0.02))
NEVER_OPENS: Final = BreakerRules(failures_max=1_000_000)


def pem_of(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> tuple[str, str]:
    """Private and public key in PEM."""
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    private = key.private_bytes(pem, form, serialization.NoEncryption()).decode()
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    return private, public


@cache
def ec_pems() -> tuple[str, str]:
    """A team's key, made once for all tests."""
    return pem_of(ec.generate_private_key(ec.SECP256R1()))


@cache
def rsa_pems() -> tuple[str, str]:
    """A service account's key, made once for all tests."""
    return pem_of(rsa.generate_private_key(public_exponent=65537, key_size=2048))


@cache
def certificate() -> Certificate:
    """The far end's."""
    return make_certificate(system_now())


def address(port: int) -> Address:
    """The far end at ``port``, trusted."""
    return Address("127.0.0.1", port, tls_context(certificate().pem))


def apns_account(port: int = 443, /, **changes: str) -> ApnsAccount:
    """An account with the far end at ``port``."""
    told = {"team_id": TEAM, "key_id": KEY_ID, "key_pem": ec_pems()[0], "topic": TOPIC, "host": "127.0.0.1"}
    return ApnsAccount(**{**told, **changes}, port=port)  # type: ignore[arg-type]


def fcm_account(port: int = 443, /, **changes: str) -> FcmAccount:
    """An account with the far end at ``port``."""
    told = {
        "project_id": PROJECT,
        "client_email": EMAIL,
        "private_key": rsa_pems()[0],
        "private_key_id": "0123456789abcdef",
        "token_uri": f"https://127.0.0.1:{port}/token",
        "url": f"https://127.0.0.1:{port}",
    }
    return FcmAccount(**{**told, **changes})  # type: ignore[arg-type]


def push(number: int = 0, /, **changes: object) -> Push:
    """An alert to a device of its own."""
    told: dict[str, object] = {
        "id": f"push-{number}",
        "token": f"{number:08x}{DEVICE[8:]}",
        "title": "新公文",
        "body": "您有 3 件公文待签收",
        "url": "/inbox",
    }
    return Push(**{**told, **changes})  # type: ignore[arg-type]


def pushes(count: int) -> Sequence[Push]:
    """``count`` of them."""
    return [push(number) for number in range(count)]


@asynccontextmanager
async def apns_world(
    script: Http2Script | None = None, limits: PoolLimits = PATIENT, clock: Clock = system_now
) -> AsyncIterator[tuple[ApnsSender, ApnsDesk, Http2Server]]:
    """A sender and its far end, both running."""
    desk = ApnsDesk(team_id=TEAM, topic=TOPIC, keys={KEY_ID: ec_pems()[1]}, script=script, clock=clock)
    server = Http2Server(desk, server_tls(certificate()), script)
    port = await server.start()
    sender = ApnsSender(
        "apns",
        apns_account(port),
        limits=limits,
        breaker=NEVER_OPENS,
        tls=tls_context(certificate().pem),
        clock=clock,
        chance=lambda: 0.5,
    )
    await sender.start()
    try:
        yield sender, desk, server
    finally:
        await sender.stop()
        await server.stop()


@asynccontextmanager
async def fcm_world(
    script: Http2Script | None = None, limits: PoolLimits = PATIENT
) -> AsyncIterator[tuple[FcmSender, FcmDesk, Http2Server]]:
    """A sender and its far end, both running."""
    desk = FcmDesk(
        project=PROJECT, email=EMAIL, key_id="0123456789abcdef", public_pem=rsa_pems()[1], script=script
    )
    server = Http2Server(desk, server_tls(certificate()), script)
    port = await server.start()
    sender = FcmSender(
        "fcm",
        fcm_account(port),
        limits=limits,
        breaker=NEVER_OPENS,
        tls=tls_context(certificate().pem),
        chance=lambda: 0.5,
    )
    await sender.start()
    try:
        yield sender, desk, server
    finally:
        await sender.stop()
        await server.stop()
