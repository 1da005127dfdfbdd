"""Requests to Honor: the token, and one body for up to 1000 devices (sheet, Honor). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from push.app.calls import Request, clipped, form_request, full_url, json_request, notify_id, short_id
from push.app.honor.account import HonorAccount
from push.app.marks import mark
from push.app.sender import Push

LOGIN_PATH: Final = "/auth/token"
TITLE_MAX: Final = 40
BODY_MAX: Final = 256
TTL_MAX_S: Final = 1_296_000


def login(account: HonorAccount) -> Request:
    """OAuth2 client credentials."""
    form = {
        "grant_type": "client_credentials",
        "client_id": account.client_id,
        "client_secret": account.client_secret,
    }
    return form_request(LOGIN_PATH, form, host=account.login_url)


def request(account: HonorAccount, pushes: Sequence[Push], now: int, token: str = "") -> Request:
    """The message for pushes that differ only in who they are for."""
    push = pushes[0]
    title, text = clipped(push.title, TITLE_MAX), clipped(push.body, BODY_MAX)
    android: dict[str, object] = {
        "ttl": f"{max(1, min(push.ttl_s, TTL_MAX_S))}s",
        # Receipts name device and biTag: the mark binds no device, as all of a batch share it.
        "biTag": mark(account.callback_secret, "", push.id) if account.callback_secret else short_id(push.id),
        "targetUserType": int(account.test),
        "notification": _shown(account, push, title, text),
    }
    body = {
        "token": [one.token for one in pushes],
        "notification": {"title": title, "body": text},
        "android": android,
    }
    headers = {"Authorization": f"Bearer {token}", "timestamp": str(now // 1000)}
    return json_request(f"/api/v1/{account.app_id}/sendMessage", body, headers)


def _shown(account: HonorAccount, push: Push, title: str, text: str) -> dict[str, object]:
    link = full_url(account.home, push.url)
    told: dict[str, object] = {
        "title": title,
        "body": text,
        # NORMAL is service and communication, LOW is marketing and silent.
        "importance": "LOW" if push.silent else "NORMAL",
        "clickAction": {"type": 2, "url": link} if link.startswith("https://") else {"type": 3},
        "notifyId": notify_id(push),
    }
    if push.tag:
        told["tag"] = short_id(push.tag)
    if push.badge is not None:
        told["badge"] = {"setNum": max(0, min(push.badge, 99))}
    return told
