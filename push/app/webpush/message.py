"""One alert as a request to a push service: its headers, and the JSON that the service worker reads. Pure."""

from __future__ import annotations

import hmac
from typing import Final, Literal

import msgspec

from push.app.sender import Push

TTL_MAX_S: Final = 2_419_200
"""Four weeks: what the largest services grant (webpush §2)."""
SHORT_BYTES: Final = 1024
"""What a payload is shortened to after a 413: passes bridges that wrap it in base64 and allow 2744 bytes."""
TOPIC_CHARACTERS: Final = 32
_ELLIPSIS: Final = "…"

Urgency = Literal["very-low", "low", "normal", "high"]


class Alert(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the service worker gets from ``event.data.json()``; what is not told is empty or false."""

    id: str
    title: str
    body: str = ""
    url: str = ""
    tag: str = ""
    urgent: bool = False
    silent: bool = False
    badge: int | None = None


def urgency(push: Push) -> Urgency:
    """``high`` wakes the device; what comes without sound waits for a better moment of the radio (RFC 8030 §5.3)."""
    if push.urgent:
        return "high"
    return "low" if push.silent else "normal"


def topic(tag: str, secret: bytes) -> str:
    """The same for the same tag, 32 characters of 0-9 a-f, and nothing the service can guess the document from."""
    return hmac.digest(secret, tag.encode(), "sha256").hex()[:TOPIC_CHARACTERS]


def headers(push: Push, secret: bytes, authorization: str, *, encrypted: bool = True) -> dict[str, str]:
    """The headers of a request (RFC 8030 §5). The type is sent although nobody demands it: some refuse without."""
    told = {
        "TTL": str(max(0, min(push.ttl_s, TTL_MAX_S))),
        "Urgency": urgency(push),
        "Content-Type": "application/octet-stream",
    }
    if encrypted:
        told["Content-Encoding"] = "aes128gcm"
    if authorization:
        told["Authorization"] = authorization
    if push.tag:
        told["Topic"] = topic(push.tag, secret)
    return told


def payload(push: Push, bytes_max: int) -> bytes:
    """The alert as JSON of at most ``bytes_max`` bytes: the body is shortened, then the title.

    Raises ValueError where not even both empty fit: an address of the house longer than a message.
    """
    alert = Alert(push.id, push.title, push.body, push.url, push.tag, push.urgent, push.silent, push.badge)
    written = msgspec.json.encode(alert)
    if len(written) <= bytes_max:
        return written
    bare = len(msgspec.json.encode(msgspec.structs.replace(alert, body=_ELLIPSIS)))
    if bare <= bytes_max:
        body = _shortened(push.body, bytes_max - bare)
        return msgspec.json.encode(msgspec.structs.replace(alert, body=body))
    bare = len(msgspec.json.encode(msgspec.structs.replace(alert, body="", title=_ELLIPSIS)))
    if bare > bytes_max:
        raise ValueError(f"push: more than {bytes_max} bytes without title and body")
    title = _shortened(push.title, bytes_max - bare)
    return msgspec.json.encode(msgspec.structs.replace(alert, body="", title=title))


def _shortened(text: str, bytes_max: int) -> str:
    """The longest beginning whose JSON, without quotes, has at most ``bytes_max`` bytes, and an ellipsis."""
    low, high = 0, min(len(text), bytes_max)
    while low < high:
        middle = (low + high + 1) // 2
        if len(msgspec.json.encode(text[:middle])) - 2 <= bytes_max:
            low = middle
        else:
            high = middle - 1
    return text[:low] + _ELLIPSIS
