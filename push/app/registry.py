"""Every vendor by its name: from a table of the settings to a sender. Adding a vendor is a folder here, and a line below."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from config.push_accounts import PushAccount
from inbox_store.times import Clock
from push.app.apns.account import ApnsAccount
from push.app.apns.sender import ApnsSender
from push.app.calls import Delivered, Failed
from push.app.endpoints import EndpointRules
from push.app.fcm.account import FcmAccount
from push.app.fcm.sender import FcmSender
from push.app.honor import receipts as honor
from push.app.honor.account import HonorAccount
from push.app.honor.dialect import HonorDialect
from push.app.huawei.account import HuaweiAccount
from push.app.huawei.dialect import HuaweiDialect
from push.app.oppo import receipts as oppo
from push.app.oppo.account import OppoAccount
from push.app.oppo.dialect import OppoDialect
from push.app.robots.account import Robot, RobotAccount
from push.app.robots.dialect import RobotDialect
from push.app.sender import PushSender
from push.app.unifiedpush import UnifiedPushSender
from push.app.vendor_http import VendorSender
from push.app.vivo import receipts as vivo
from push.app.vivo.account import VivoAccount
from push.app.vivo.dialect import VivoDialect
from push.app.webpush import VapidKey, WebPushRules, WebPushSender
from push.app.xiaomi import receipts as xiaomi
from push.app.xiaomi.account import XiaomiAccount
from push.app.xiaomi.dialect import XiaomiDialect

A = TypeVar("A")


class Around(NamedTuple):
    """What an installation gives to every sender."""

    home: str
    """The address people see: a tap opens it."""
    clock: Clock
    receipts: str = ""
    """Our secret of the marks that receipts bring back; empty: none are asked for."""


CALLBACKS: Final = "/api/v1/push/callbacks"
"""Under it each vendor brings its receipts."""

Read = Callable[[Mapping[str, str], bytes, str, int], list[Delivered | Failed]]

RECEIPTS: Final[Mapping[str, Read]] = {
    "honor": honor,
    "oppo": oppo,
    "vivo": vivo,
    "xiaomi": xiaomi,
}
"""What a vendor's callback says, shown to be its own by our mark. Raises NotTheirs."""

Make = Callable[[PushAccount, str, Around], PushSender]
"""From an account, its secret and the installation. Raises ValueError naming the key."""


def _account(made: type[A], told: PushAccount, more: Mapping[str, object]) -> A:
    try:
        return msgspec.convert({**told.rows, **more}, made)
    except msgspec.ValidationError as fault:
        raise ValueError(str(fault)) from None


def _apns(told: PushAccount, secret: str, around: Around) -> PushSender:
    return ApnsSender(told.name, _account(ApnsAccount, told, {"key_pem": secret}), clock=around.clock)


def _fcm(told: PushAccount, secret: str, around: Around) -> PushSender:
    account = FcmAccount.read(secret)
    changed = msgspec.structs.replace(account, base_url=around.home, **told.rows)
    return FcmSender(told.name, changed, clock=around.clock)


def _vendor(kind: type[A], dialect: Callable[[A], Any], field: str) -> Make:
    """A vendor with an account of its own struct; its secret is the field named."""

    def make(told: PushAccount, secret: str, around: Around) -> PushSender:
        keys = {"home": around.home, field: secret} | _asking(told.vendor, around)
        return VendorSender(told.name, dialect(_account(kind, told, keys)), clock=around.clock)

    return make


def _asking(vendor: str, around: Around) -> dict[str, object]:
    """What asks a vendor for receipts: Honor is told our address by hand, the others with each request."""
    if not around.receipts or vendor not in RECEIPTS:
        return {}
    secret: dict[str, object] = {"callback_secret": around.receipts}
    return secret if vendor == "honor" else {"callback_url": f"{around.home}{CALLBACKS}/{vendor}", **secret}


def _robots(told: PushAccount, secret: str, around: Around) -> PushSender:
    """The secret's file holds the robots: {"name": {"key": ..., "secret": ...}}."""
    try:
        robots = msgspec.json.decode(secret, type=dict[str, Robot])
    except msgspec.MsgspecError as fault:
        raise ValueError(f"robots: {fault}") from None
    named = {name: msgspec.to_builtins(robot) for name, robot in robots.items()}
    account = _account(RobotAccount, told, {"kind": told.vendor, "robots": named, "home": around.home})
    return VendorSender(told.name, RobotDialect(account), clock=around.clock)


def web_push(name: str, key: VapidKey, endpoints: EndpointRules, around: Around) -> WebPushSender:
    """Browsers: no account with anybody, a key of our own."""
    return WebPushSender(name, key, WebPushRules(endpoints=endpoints), clock=around.clock)


def unified_push(name: str, key: VapidKey, endpoints: EndpointRules, around: Around) -> UnifiedPushSender:
    """UnifiedPush distributors, with the same key."""
    return UnifiedPushSender(name, key, WebPushRules(endpoints=endpoints), clock=around.clock)


SENDERS: Final[Mapping[str, Make]] = {
    "apns": _apns,
    "fcm": _fcm,
    "huawei": _vendor(HuaweiAccount, HuaweiDialect, "client_secret"),
    "xiaomi": _vendor(XiaomiAccount, XiaomiDialect, "secret"),
    "oppo": _vendor(OppoAccount, OppoDialect, "master_secret"),
    "vivo": _vendor(VivoAccount, VivoDialect, "app_secret"),
    "honor": _vendor(HonorAccount, HonorDialect, "client_secret"),
    "wecom": _robots,
    "dingtalk": _robots,
    "feishu": _robots,
}


def sender_of(account: PushAccount, secret: str, around: Around) -> PushSender:
    """The sender of an account. Raises ValueError naming the account and the key."""
    make = SENDERS.get(account.vendor)
    if make is None:
        raise ValueError(f"{account.name}：没有厂商 {account.vendor}；可用 {'、'.join(SENDERS)}")
    try:
        return make(account, secret, around)
    except (ValueError, TypeError) as fault:
        raise ValueError(f"{account.name}：{fault}") from fault
