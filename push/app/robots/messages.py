"""What is posted to a robot: structured messages, so that no title can bring a link of its own into a group. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from inbox_store.times import US
from push.app.calls import Request, full_url, json_request
from push.app.robots.account import Robot, RobotAccount
from push.app.sender import Push

SEE: Final = "查看"
TITLE_BYTES: Final = 128
TEXT_BYTES: Final = 512
"""WeCom's limits of a news message, the smallest of the three."""


def request(account: RobotAccount, push: Push, now: int) -> Request:
    """The call for the robot that ``push.token`` names, which must be one of the account's."""
    robot = account.robots[push.token]
    link = full_url(account.home, push.url)
    title, text = clipped_bytes(push.title, TITLE_BYTES), clipped_bytes(push.body, TEXT_BYTES)
    if account.kind == "wecom":
        return json_request(
            f"/cgi-bin/webhook/send?{urlencode({'key': robot.key})}", _wecom(title, text, link)
        )
    if account.kind == "dingtalk":
        query = {"access_token": robot.key, **_dingtalk_signed(robot, now)}
        return json_request(f"/robot/send?{urlencode(query)}", _dingtalk(title, text, link))
    body = {**_feishu_signed(robot, now), **_feishu(title, text, link)}
    return json_request(f"/open-apis/bot/v2/hook/{robot.key}", body)


def dingtalk_sign(secret: str, timestamp: str) -> str:
    """Base64 of HMAC-SHA256 under the secret over ``timestamp LF secret``; milliseconds."""
    told = hmac.digest(secret.encode(), f"{timestamp}\n{secret}".encode(), hashlib.sha256)
    return base64.b64encode(told).decode()


def feishu_sign(secret: str, timestamp: str) -> str:
    """Base64 of HMAC-SHA256 over nothing, under the key ``timestamp LF secret``; seconds."""
    told = hmac.digest(f"{timestamp}\n{secret}".encode(), b"", hashlib.sha256)
    return base64.b64encode(told).decode()


def clipped_bytes(text: str, most: int) -> str:
    """At most ``most`` bytes of UTF-8, no character cut in two; the last an ellipsis where something was cut."""
    raw = text.encode()
    return text if len(raw) <= most else raw[: most - 3].decode(errors="ignore") + "…"


def _dingtalk_signed(robot: Robot, now: int) -> Mapping[str, str]:
    timestamp = str(now // 1000)
    return {"timestamp": timestamp, "sign": dingtalk_sign(robot.secret, timestamp)} if robot.secret else {}


def _feishu_signed(robot: Robot, now: int) -> Mapping[str, str]:
    timestamp = str(now // US)
    return {"timestamp": timestamp, "sign": feishu_sign(robot.secret, timestamp)} if robot.secret else {}


def _wecom(title: str, text: str, link: str) -> dict[str, object]:
    if not link:
        return {"msgtype": "text", "text": {"content": f"{title}\n{text}".strip()}}
    article = {"title": title, "description": text, "url": link}
    return {"msgtype": "news", "news": {"articles": [article]}}


def _dingtalk(title: str, text: str, link: str) -> dict[str, object]:
    if not link:
        return {"msgtype": "text", "text": {"content": f"{title}\n{text}".strip()}}
    return {"msgtype": "link", "link": {"title": title, "text": text or title, "messageUrl": link}}


def _feishu(title: str, text: str, link: str) -> dict[str, object]:
    line: list[dict[str, str]] = [{"tag": "text", "text": text or title}]
    if link:
        line += [{"tag": "text", "text": " "}, {"tag": "a", "text": SEE, "href": link}]
    return {"msg_type": "post", "content": {"post": {"zh_cn": {"title": title, "content": [line]}}}}
