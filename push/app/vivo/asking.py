"""Requests to vivo: the token, and one message to one device. Pure.

A list push has no receipts and no text per device: what is tracked goes by ``/message/send`` (sheet, vivo).
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from push.app.calls import Request, full_url, json_request, notify_id, short_id
from push.app.marks import mark
from push.app.sender import Push
from push.app.vivo.account import VivoAccount

LOGIN_PATH: Final = "/message/auth"
SEND_PATH: Final = "/message/send"
TITLE_UNITS: Final = 40
TEXT_UNITS: Final = 100
"""A Chinese character counts 2 in the older text: with both readings it fits."""
TTL_MIN_S: Final = 60
TTL_MAX_S: Final = 86_400
_BRACKETS: Final = re.compile(r"[\[\]【】()（）〔〕「」{}<>《》]")
_CHINESE: Final = re.compile(r"[\u4e00-\u9fff]")


def sign(app_id: str, app_key: str, timestamp: str, app_secret: str) -> str:
    """Lower hex MD5 over the four, in this order: vivo's choice, not ours."""
    told = f"{app_id}{app_key}{timestamp}{app_secret}".encode()
    return hashlib.md5(told, usedforsecurity=False).hexdigest()


def login(account: VivoAccount, now: int) -> Request:
    """Ask for a token; milliseconds, as a number."""
    timestamp = now // 1000
    told = sign(account.app_id, account.app_key, str(timestamp), account.app_secret)
    body = {"appId": account.app_id, "appKey": account.app_key, "timestamp": timestamp, "sign": told}
    return json_request(LOGIN_PATH, body)


def request(account: VivoAccount, push: Push, _now: int, token: str = "") -> Request:
    """One message. ``requestId`` is the key by which a repetition is dropped."""
    link = full_url(account.home, push.url)
    body: dict[str, object] = {
        "appId": account.app_id,
        "regId": push.token,
        "notifyType": 1 if push.silent else 4,
        "title": clipped_units(allowed(push.title), TITLE_UNITS),
        "content": clipped_units(allowed(push.body or push.title), TEXT_UNITS),
        "timeToLive": max(TTL_MIN_S, min(push.ttl_s, TTL_MAX_S)),
        "skipType": 2 if link else 1,
        "networkType": -1,
        "classification": 1,
        "category": account.category,
        "requestId": short_id(push.id, 64),
        "notifyId": notify_id(push),
        "pushMode": int(account.test),
        "foregroundShow": True,
    }
    if link:
        body["skipContent"] = link
    if account.callback_url and not account.test:
        param = mark(account.callback_secret, push.token, push.id)
        body["extra"] = {"callback": account.callback_url, "callback.param": param}
    return json_request(SEND_PATH, body, {"authToken": token})


def allowed(text: str) -> str:
    """Without brackets, and with Chinese in it: else a real push is refused (10085, 10104). 测试 cannot be helped."""
    text = " ".join(_BRACKETS.sub(" ", text).split())
    return text if _CHINESE.search(text) else f"通知 {text}".strip()


def clipped_units(text: str, most: int) -> str:
    """At most ``most`` units, a character outside ASCII counting 2; the last an ellipsis where something was cut."""
    if _units(text) <= most:
        return text
    while text and _units(text) + 2 > most:
        text = text[:-1]
    return f"{text}…"


def _units(text: str) -> int:
    return sum(1 if one.isascii() else 2 for one in text)
