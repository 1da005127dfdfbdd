"""Accounts of the mainland vendors towards a simulator, for tests."""

from __future__ import annotations

from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from push.app.honor import HonorAccount
from push.app.huawei import HuaweiAccount, ServiceKey
from push.app.oppo import OppoAccount
from push.app.robots import Robot, RobotAccount
from push.app.robots.account import Kind
from push.app.simulator.far import Keys
from push.app.vivo import VivoAccount
from push.app.xiaomi import XiaomiAccount

HOME = "https://songda.example.gov.cn"
CALLBACK = "https://songda.example.gov.cn/push/receipts"
OURS = "mark-secret-0001"


@cache
def rsa_pair() -> tuple[str, str]:
    """A private and a public key as PEM, made once."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()


def huawei(url: str, keys: Keys, *, harmony: bool = False) -> HuaweiAccount:
    """An account with Huawei; ``harmony`` with a service account too."""
    service = None
    if harmony:
        service = ServiceKey(
            project_id="p1", key_id="a1b2c3", private_key=rsa_pair()[0], sub_account="100000001"
        )
    return HuaweiAccount(
        client_id=keys.id, client_secret=keys.secret, home=HOME, service=service, url=url, login_url=url
    )


def xiaomi(url: str, keys: Keys, callback: str = CALLBACK) -> XiaomiAccount:
    """An account with Xiaomi."""
    return XiaomiAccount(
        secret=keys.secret,
        package="cn.gov.songda",
        channel_id="100234",
        home=HOME,
        url=url,
        callback_url=callback,
        callback_secret=OURS,
    )


def oppo(url: str, keys: Keys, callback: str = CALLBACK) -> OppoAccount:
    """An account with OPPO."""
    return OppoAccount(
        app_key=keys.id,
        master_secret=keys.secret,
        home=HOME,
        url=url,
        callback_url=callback,
        callback_secret=OURS,
    )


def vivo(url: str, keys: Keys, callback: str = CALLBACK) -> VivoAccount:
    """An account with vivo."""
    return VivoAccount(
        app_id=keys.id,
        app_key=keys.id,
        app_secret=keys.secret,
        home=HOME,
        url=url,
        callback_url=callback,
        callback_secret=OURS,
    )


def honor(url: str, keys: Keys) -> HonorAccount:
    """An account with Honor."""
    return HonorAccount(
        app_id=keys.id,
        client_id=keys.id,
        client_secret=keys.secret,
        home=HOME,
        url=url,
        login_url=url,
        callback_secret=OURS,
    )


def robots(kind: Kind, url: str, keys: Keys, names: tuple[str, ...]) -> RobotAccount:
    """Robots of those names, all with the one key of the simulator."""
    robot = Robot(key=keys.id, secret="" if kind == "wecom" else keys.secret)
    return RobotAccount(kind=kind, robots=dict.fromkeys(names, robot), home=HOME, url=url)
