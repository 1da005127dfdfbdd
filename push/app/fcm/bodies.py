"""What is sent to Google: the sign-in, and a message for one Push (fcm §1, §2). Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa

from inbox_store.times import US
from push.app.calls import Answer, full_url, parsed, retry_after_s, word
from push.app.cutting import fitted, tidy
from push.app.fcm.account import SCOPE, FcmAccount, Place, place_of
from push.app.http2.happenings import Request
from push.app.jose import rs256
from push.app.sender import Deferred, Push, Refused
from push.app.tokens import Grant

PAYLOAD_MAX: Final = 4_096
STORED_MAX_S: Final = 2_419_200
ASSERTED_S: Final = 3_600
GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def assertion(account: FcmAccount, key: rsa.RSAPrivateKey, now: int) -> str:
    """Who asks for access. ``now`` in UTC microseconds."""
    at = now // US
    header = {"alg": "RS256", "typ": "JWT", "kid": account.private_key_id}
    claims = {
        "iss": account.client_email,
        "scope": SCOPE,
        "aud": account.token_uri,
        "iat": at,
        "exp": at + ASSERTED_S,
    }
    return rs256(key, header, claims)


def sign_in(account: FcmAccount, key: rsa.RSAPrivateKey, now: int) -> Request:
    """The request for an access token."""
    body = urlencode({"grant_type": GRANT_TYPE, "assertion": assertion(account, key, now)}).encode()
    place = place_of("token_uri", account.token_uri)
    return Request(_headers(place, place.path or "/", b"application/x-www-form-urlencoded"), body)


def granted(answer: Answer) -> Grant | Refused | Deferred:
    """The answer to ``sign_in``. A refusal of our key is an alarm; anything else passes."""
    told = parsed(answer.body) or {}
    value, lifetime_s = told.get("access_token"), told.get("expires_in")
    if answer.status == 200 and isinstance(value, str) and value.isascii() and value.isprintable() and value:
        return Grant(
            value=value, lifetime_s=float(lifetime_s) if isinstance(lifetime_s, int | float) else 60.0
        )
    code = word(told.get("error"))[:80] or f"http_{answer.status}"
    if answer.status in (400, 401, 403):
        return Refused(code=f"auth:{code}", alarm=True)
    return Deferred(code=f"auth:{code}", after_s=retry_after_s(answer))


def request(account: FcmAccount, body: bytes, bearer: str) -> Request:
    """One message; ``body`` from ``payload``."""
    place = place_of("url", account.url)
    path = f"{place.path}/v1/projects/{account.project_id}/messages:send"
    headers = _headers(place, path, b"application/json")
    headers.append((b"authorization", b"Bearer " + bearer.encode()))
    return Request(headers, body)


def _headers(place: Place, path: str, kind: bytes) -> list[tuple[bytes, bytes]]:
    return [
        (b":method", b"POST"),
        (b":scheme", b"https"),
        (b":authority", place.authority.encode()),
        (b":path", path.encode()),
        (b"content-type", kind),
    ]


def payload(account: FcmAccount, push: Push, most: int = PAYLOAD_MAX) -> bytes | None:
    """The JSON of at most ``most`` bytes: the body is cut first, then the title; None where that does not suffice."""

    def encoded(title: str, body: str) -> bytes:
        return msgspec.json.encode({"message": _message(account, push, title, body)})

    title, body = tidy(push.title), tidy(push.body)
    whole = encoded(title, body)
    if len(whole) <= most:
        return whole
    short = fitted(body, lambda text: len(encoded(title, text)) <= most)
    if short is None:
        short, title = "", fitted(title, _within(most, lambda text: encoded(text, ""))) or ""
    cut = encoded(title, short)
    return cut if len(cut) <= most else None


def _within(most: int, encoded: Callable[[str], bytes]) -> Callable[[str], bool]:
    return lambda text: len(encoded(text)) <= most


def _message(account: FcmAccount, push: Push, title: str, body: str) -> dict[str, Any]:
    shown = {"title": title, "body": body}
    data = {"id": tidy(push.id)}
    if push.url:
        data["url"] = full_url(account.base_url, tidy(push.url))
    told: dict[str, Any] = {"token": tidy(push.token), "data": data, "android": _android(account, push)}
    if account.style == "notification":
        told["notification"] = shown
    else:
        # Text only: every value of ``data`` has to be a string (fcm §2).
        extra = {"tag": tidy(push.tag), "badge": "" if push.badge is None else str(push.badge)}
        data.update(shown, silent="1" if push.silent else "", **extra)
    return told


def _android(account: FcmAccount, push: Push) -> dict[str, Any]:
    ttl_s = min(max(push.ttl_s, 0), STORED_MAX_S)
    told: dict[str, Any] = {"priority": "high" if push.urgent else "normal", "ttl": f"{ttl_s}s"}
    if push.tag:
        told["collapse_key"] = tidy(push.tag)
    if account.style == "notification":
        shown: dict[str, Any] = {"channel_id": account.quiet_channel if push.silent else account.channel}
        if push.tag:
            shown["tag"] = tidy(push.tag)
        if push.badge is not None:
            shown["notification_count"] = push.badge
        told["notification"] = shown
    return told
