"""A way to a phone's screen, whichever vendor's it is: what the house hands in, what it is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

Vendor = Literal[
    "webpush",
    "apns",
    "fcm",
    "huawei",
    "xiaomi",
    "oppo",
    "vivo",
    "honor",
    "unifiedpush",
    "wecom",
    "dingtalk",
    "feishu",
]


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """One alert to one device. No text of a document that is not public: the title says what waits, not what it is."""

    id: str
    """Names this sending for good: the same id again is the same alert, where a vendor has an idempotency key."""
    token: str
    """The device's address as the vendor gave it; of Web Push and UnifiedPush the subscription as JSON."""
    title: str
    body: str
    url: str = ""
    """What a tap opens; a path of this house."""
    tag: str = ""
    """Alerts with the same tag replace each other on the screen (collapse key, topic, notify id)."""
    ttl_s: int = 86_400
    urgent: bool = False
    """High priority: wakes the phone."""
    silent: bool = False
    """Without sound: digests, quiet hours."""
    badge: int | None = None


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The vendor took it; ``receipt`` is the id by which it may report delivery."""

    receipt: str = ""


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """The vendor will not take it. ``gone``: the device's address is dead for good, on one of the listed codes only."""

    code: str
    gone: bool = False
    alarm: bool = False
    """Our account or key is wrong: an operator has to mend something, no device is at fault."""


class Deferred(msgspec.Struct, frozen=True, kw_only=True):
    """Not now: again after ``after_s`` seconds (Retry-After, quota, overload); None: as the backoff says."""

    code: str
    after_s: float | None = None


class InDoubt(msgspec.Struct, frozen=True, kw_only=True):
    """It was sent, and the answer never came: the vendor may have taken it."""

    why: str


Outcome = Accepted | Refused | Deferred | InDoubt


class PushSender(Protocol):
    """One vendor's account. ``send`` never raises for what a vendor answers, and always ends: each wait has a limit."""

    name: str
    vendor: Vendor
    batch_max: int
    """Devices that one request of the vendor takes; 1 where there is none."""

    async def start(self) -> None:
        """Make ready; connects when it is needed."""
        ...

    async def stop(self) -> None:
        """Take nothing new, wait for what is open, close; within some seconds."""
        ...

    async def send(self, pushes: Sequence[Push]) -> list[Outcome]:
        """Send, and tell an outcome for each, in their order: part of a batch may be refused."""
        ...
