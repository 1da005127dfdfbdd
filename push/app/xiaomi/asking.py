"""Requests to Xiaomi (xiaomi §1, §2): one device as a form, several as a list of messages of their own. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from push.app.calls import Request, clipped, form_request, full_url, notify_id, short_id
from push.app.marks import mark
from push.app.sender import Push
from push.app.xiaomi.account import XiaomiAccount

ONE_PATH: Final = "/v3/message/regid"
MANY_PATH: Final = "/v2/multi_messages/regids"
TITLE_MAX: Final = 49
TEXT_MAX: Final = 127
"""Characters: under 50 and under 128."""
TTL_MAX_S: Final = 10 * 86_400
"""Ten days in the private class, in the newer text."""
EXTRA_MAX: Final = 1023
"""Characters of all keys and values of ``extra`` together: under 1024."""
LINK_SHORT: Final = 400
"""Characters of our path that fit in any case: the other keys and values take 600 at most."""


def request(account: XiaomiAccount, pushes: Sequence[Push], _now: int, _token: str = "") -> Request:
    """One call. Each message has a ``jobkey`` of its own: a device shows only the first of a jobkey."""
    headers = {"Authorization": f"key={account.secret}"}
    if len(pushes) == 1:
        (push,) = pushes
        form = message(account, push) | {"registration_id": push.token}
        form |= {f"extra.{name}": value for name, value in extra(account, push).items()}
        return form_request(ONE_PATH, form, headers)
    told = [
        {"target": push.token, "message": message(account, push) | {"extra": extra(account, push)}}
        for push in pushes
    ]
    return form_request(MANY_PATH, {"messages": msgspec.json.encode(told).decode()}, headers)


def message(account: XiaomiAccount, push: Push) -> dict[str, str]:
    """What is shown, and for how long it is kept."""
    return {
        "restricted_package_name": account.package,
        "title": clipped(push.title, TITLE_MAX),
        # Both are required for a notification.
        "description": clipped(push.body or push.title, TEXT_MAX),
        "payload": full_url(account.home, push.url),
        "pass_through": "0",
        "notify_type": "4" if push.silent else "-1",
        "notify_id": str(notify_id(push)),
        "time_to_live": str(max(1, min(push.ttl_s, TTL_MAX_S)) * 1000),
    }


def extra(account: XiaomiAccount, push: Push) -> dict[str, str]:
    """At most ten pairs, under 1024 characters together."""
    link = full_url(account.home, push.url)
    told = {
        "channel_id": account.channel_id,
        "notify_foreground": "1",
        "jobkey": short_id(push.id),
        "notify_effect": "3" if link else "1",
    }
    if link:
        told["web_uri"] = link
    if account.callback_url:
        told["callback"] = account.callback_url
        told["callback.type"] = str(account.callback_type)
        told["callback.param"] = mark(account.callback_secret, push.token, push.id)
    return told


def extra_size(account: XiaomiAccount, push: Push) -> int:
    """Characters of keys and values."""
    return sum(len(name) + len(value) for name, value in extra(account, push).items())
