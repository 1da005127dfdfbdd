"""Requests to OPPO: the token, and a list of messages of their own (oppo, first part of the sheet). Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec

from push.app.calls import Request, clipped, form_request, full_url, short_id
from push.app.marks import mark
from push.app.oppo.account import OppoAccount
from push.app.sender import Push

LOGIN_PATH: Final = "/server/v1/auth"
ONE_PATH: Final = "/server/v1/message/notification/unicast"
MANY_PATH: Final = "/server/v1/message/notification/unicast_batch"
TITLE_MAX: Final = 50
TEXT_MAX: Final = 50
LONG_TEXT_MAX: Final = 128
"""Characters in style 1, and in style 2 that unfolds."""
TTL_MAX_S: Final = 10 * 86_400
TO_REGISTRATION: Final = 2


def sign(app_key: str, timestamp: str, master_secret: str) -> str:
    """Hex SHA-256 over the three, in this order."""
    return hashlib.sha256(f"{app_key}{timestamp}{master_secret}".encode()).hexdigest()


def login(account: OppoAccount, now: int) -> Request:
    """Ask for a token; milliseconds."""
    timestamp = str(now // 1000)
    told = sign(account.app_key, timestamp, account.master_secret)
    return form_request(LOGIN_PATH, {"app_key": account.app_key, "timestamp": timestamp, "sign": told})


def request(account: OppoAccount, pushes: Sequence[Push], _now: int, token: str = "") -> Request:
    """One call; the token goes as header, as newer clients send it."""
    told: list[dict[str, object]] = [
        {
            "target_type": TO_REGISTRATION,
            "target_value": push.token,
            "verify_registration_id": True,
            "notification": notification(account, push),
        }
        for push in pushes
    ]
    headers = {"auth_token": token}
    if len(pushes) == 1:
        return form_request(ONE_PATH, {"message": msgspec.json.encode(told[0]).decode()}, headers)
    return form_request(MANY_PATH, {"messages": msgspec.json.encode(told).decode()}, headers)


def notification(account: OppoAccount, push: Push) -> dict[str, object]:
    """``app_message_id``: the same one reaches a device once."""
    link = full_url(account.home, push.url)
    is_long = len(push.body) > TEXT_MAX
    told: dict[str, object] = {
        "app_message_id": short_id(push.id, 32),
        "title": clipped(push.title, TITLE_MAX),
        "content": clipped(push.body or push.title, LONG_TEXT_MAX if is_long else TEXT_MAX),
        "style": 2 if is_long else 1,
        "click_action_type": 2 if link else 0,
        "off_line": True,
        "off_line_ttl": max(1, min(push.ttl_s, TTL_MAX_S)),
        "category": account.category,
        "notify_level": 16 if account.banner and not push.silent else 1 if push.silent else 2,
    }
    if link:
        told["click_action_url"] = link
    if account.channel_id:
        told["channel_id"] = account.channel_id
    if account.callback_url:
        told["call_back_url"] = account.callback_url
        told["call_back_parameter"] = mark(account.callback_secret, push.token, push.id)
    return told
