"""What is sent to Apple for one Push: path, headers, payload (apns §1, §2). Pure."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final

import msgspec
from hpack import NeverIndexedHeaderTuple as Once

from inbox_store.times import US
from push.app.apns.account import ApnsAccount
from push.app.calls import full_url
from push.app.cutting import fitted, tidy
from push.app.http2.happenings import Request
from push.app.sender import Push

PAYLOAD_MAX: Final = 4_096
STORED_MAX_S: Final = 30 * 86_400
COLLAPSE_MAX: Final = 64
IDS: Final = bytes.fromhex("b1f7f1c5b2a84bd2a0b2f6c3a5a1d0e7")
"""The namespace of our ids (RFC 9562 §5.5): an id of a Push gives the same apns-id each time."""

_TOKEN: Final = re.compile(r"(?:[0-9a-fA-F]{2}){1,512}")
_PLAIN: Final = re.compile(rf"[\x21-\x7e]{{1,{COLLAPSE_MAX}}}")


def is_token(token: str) -> bool:
    """Whether it can stand in the path: hexadecimal, of any even length (apns §1)."""
    return _TOKEN.fullmatch(token) is not None


def apns_id(push_id: str) -> str:
    """The UUIDv5 of a Push, in the canonical form."""
    digest = bytearray(
        hashlib.sha1(IDS + push_id.encode("utf-8", "replace"), usedforsecurity=False).digest()[:16]
    )
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    told = digest.hex()
    return "-".join((told[:8], told[8:12], told[12:16], told[16:20], told[20:]))


def collapse_id(tag: str) -> str:
    """``tag`` where it is at most 64 printable bytes; else a name for it that is."""
    return tag if _PLAIN.fullmatch(tag) else hashlib.sha256(tag.encode("utf-8", "replace")).hexdigest()


def request(account: ApnsAccount, push: Push, body: bytes, bearer: str, now: int) -> Request:
    """One request. ``now`` in UTC microseconds; ``body`` from ``payload``."""
    stored_s = min(max(push.ttl_s, 0), STORED_MAX_S)
    headers = [
        (b":method", b"POST"),
        (b":scheme", b"https"),
        (b":authority", account.authority.encode()),
        Once(b":path", b"/3/device/" + push.token.lower().encode()),
        (b"authorization", b"bearer " + bearer.encode()),
        (b"apns-topic", account.topic.encode()),
        (b"apns-push-type", b"alert"),
        (b"apns-priority", b"10" if push.urgent else b"5"),
        Once(b"apns-expiration", str(now // US + stored_s if stored_s else 0).encode()),
        Once(b"apns-id", apns_id(push.id).encode()),
    ]
    if push.tag:
        headers.append((b"apns-collapse-id", collapse_id(push.tag).encode()))
    return Request(headers, body)


def payload(account: ApnsAccount, push: Push, most: int = PAYLOAD_MAX) -> bytes | None:
    """The JSON of at most ``most`` bytes: the body is cut first, then the title; None where that does not suffice."""
    title, body = tidy(push.title), tidy(push.body)
    told = _told(account, push)
    whole = _encoded(told, title, body)
    if len(whole) <= most:
        return whole
    short = fitted(body, lambda text: len(_encoded(told, title, text)) <= most)
    if short is None:
        short = ""
        title = fitted(title, lambda text: len(_encoded(told, text, "")) <= most) or ""
    cut = _encoded(told, title, short)
    return cut if len(cut) <= most else None


def _encoded(told: dict[str, Any], title: str, body: str) -> bytes:
    alert = {"title": title, "body": body} if body else {"title": title}
    return msgspec.json.encode({**told, "aps": {"alert": alert, **told["aps"]}})


def _told(account: ApnsAccount, push: Push) -> dict[str, Any]:
    # mutable-content lets the app's extension fetch the text and tell us that it was shown (apns §2, §4).
    aps: dict[str, Any] = {"mutable-content": 1}
    if push.badge is not None:
        aps["badge"] = push.badge
    if not push.silent:
        aps["sound"] = "default"
    if push.silent or push.urgent:
        aps["interruption-level"] = "time-sensitive" if push.urgent else "passive"
    if push.tag:
        aps["thread-id"] = tidy(push.tag)
    told: dict[str, Any] = {"aps": aps, "id": tidy(push.id)}
    if push.url:
        told["url"] = full_url(account.base_url, tidy(push.url))
    return told
