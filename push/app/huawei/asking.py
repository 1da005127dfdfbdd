"""Requests to Huawei: the token, the message of v1 and of v3 (huawei §1 to §3). Pure."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import msgspec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from inbox_store.times import US
from push.app.calls import (
    Request,
    clipped,
    content_key,
    form_request,
    full_url,
    json_request,
    notify_id,
    short_id,
)
from push.app.huawei.account import HARMONY, HuaweiAccount, ServiceKey
from push.app.sender import Push
from push.app.tokens import Grant

TITLE_MAX: Final = 40
BODY_MAX: Final = 256
"""Characters; longer ones are cut by one open server as a safe limit (huawei §2)."""
MESSAGE_MAX_BYTES: Final = 4096
TTL_MAX_S: Final = 1_296_000
JWT_LIFE_S: Final = 3600
LOGIN_PATH: Final = "/oauth2/v3/token"
AUDIENCE: Final = "https://oauth-login.cloud.huawei.com/oauth2/v3/token"


def is_harmony(push: Push) -> bool:
    """Whether the device runs HarmonyOS 5 or later, hence v3."""
    return push.token.startswith(HARMONY)


def bare(token: str) -> str:
    """The token as Huawei knows it."""
    return token.removeprefix(HARMONY)


def lane(push: Push) -> str:
    """There is no text per token: one body for up to 1000 tokens of one API."""
    return f"{'v3' if is_harmony(push) else 'v1'} {content_key(push)}"


def login(account: HuaweiAccount, now: int, lane_: str) -> Request | Grant | None:
    """OAuth2 client credentials for v1; a JWT that we sign ourselves for v3."""
    if lane_.startswith("v3"):
        return (
            None if account.service is None else Grant(value=jwt(account.service, now), lifetime_s=JWT_LIFE_S)
        )
    form = {
        "grant_type": "client_credentials",
        "client_id": account.client_id,
        "client_secret": account.client_secret,
    }
    return form_request(LOGIN_PATH, form, host=account.login_url)


def signing_input(key: ServiceKey, now: int) -> str:
    """Header and claims of the JWT, in the order of Huawei's example."""
    header = {"kid": key.key_id, "typ": "JWT", "alg": key.algorithm}
    issued = now // US
    claims = {"iss": key.sub_account, "aud": AUDIENCE, "iat": issued, "exp": issued + JWT_LIFE_S}
    return f"{_base64(msgspec.json.encode(header))}.{_base64(msgspec.json.encode(claims))}"


def jwt(key: ServiceKey, now: int) -> str:
    """The bearer token of v3. Raises ValueError for a key that is no RSA key."""
    told = signing_input(key, now)
    private = _private(key.private_key)
    if key.algorithm == "PS256":
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
        signature = private.sign(told.encode(), pss, hashes.SHA256())
    else:
        signature = private.sign(told.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{told}.{_base64(signature)}"


def request(account: HuaweiAccount, pushes: Sequence[Push], _now: int, token: str = "") -> Request:
    """The message for pushes of one lane."""
    tokens = [bare(push.token) for push in pushes]
    headers = {"Authorization": f"Bearer {token}"}
    if is_harmony(pushes[0]) and account.service is not None:
        path = f"/v3/{account.service.project_id}/messages:send"
        return json_request(path, _v3(account, pushes[0], tokens), {**headers, "push-type": "0"})
    return json_request(f"/v1/{account.client_id}/messages:send", _v1(account, pushes[0], tokens), headers)


def size(account: HuaweiAccount, push: Push) -> int:
    """Bytes of the body without tokens, which may be 4096."""
    body = _v3(account, push, []) if is_harmony(push) else _v1(account, push, [])
    return len(msgspec.json.encode(body))


def _v1(account: HuaweiAccount, push: Push, tokens: list[str]) -> dict[str, object]:
    title, text = clipped(push.title, TITLE_MAX), clipped(push.body, BODY_MAX)
    link = full_url(account.home, push.url)
    shown: dict[str, object] = {
        "title": title,
        "body": text,
        # Only https opens; without a link the tap starts the app.
        "click_action": {"type": 2, "url": link} if link.startswith("https://") else {"type": 3},
        "importance": "LOW" if push.silent else "NORMAL",
        "notify_id": notify_id(push),
    }
    if push.tag:
        shown["tag"] = short_id(push.tag)
    if account.channel_id:
        shown["channel_id"] = account.channel_id
    if push.badge is not None:
        shown["badge"] = {"set_num": max(0, min(push.badge, 99))}
    android: dict[str, object] = {
        "ttl": f"{_ttl_s(push)}s",
        "collapse_key": -1,
        "category": account.category,
        "bi_tag": short_id(push.id),
        "urgency": "HIGH" if push.urgent and account.high_priority else "NORMAL",
        "target_user_type": int(account.test),
        "notification": shown,
    }
    if account.receipt_id:
        android["receipt_id"] = account.receipt_id
    message = {"notification": {"title": title, "body": text}, "android": android, "token": tokens}
    return {"validate_only": False, "message": message}


def _v3(account: HuaweiAccount, push: Push, tokens: list[str]) -> dict[str, object]:
    link = full_url(account.home, push.url)
    shown: dict[str, object] = {
        "category": account.category,
        "title": clipped(push.title, TITLE_MAX),
        "body": clipped(push.body, BODY_MAX),
        "clickAction": {"actionType": 0, "data": {"url": link}} if link else {"actionType": 0},
        "notifyId": notify_id(push),
    }
    if push.badge is not None and push.badge > 0:
        shown["badge"] = {"setNum": min(push.badge, 99)}
    options: dict[str, object] = {
        "ttl": _ttl_s(push),
        "biTag": short_id(push.id),
        "collapseKey": -1,
        "testMessage": account.test,
    }
    if account.receipt_id:
        options["receiptId"] = account.receipt_id
    return {"payload": {"notification": shown}, "target": {"token": tokens}, "pushOptions": options}


def _ttl_s(push: Push) -> int:
    return max(1, min(push.ttl_s, TTL_MAX_S))


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@lru_cache(4)
def _private(pem: str) -> rsa.RSAPrivateKey:
    """Parsed once: from PEM each time a core signs 32 a second."""
    key = serialization.load_pem_private_key(pem.encode(), None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("private_key: is no RSA key")  # noqa: TRY004 - a setting with a wrong value
    return key
