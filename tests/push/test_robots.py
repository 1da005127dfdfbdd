"""Robots: both signatures, messages that bring no link of their own, codes in a 200."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from inbox_store.times import US
from push.app.calls import Answer
from push.app.robots import Robot, RobotAccount, RobotDialect
from push.app.robots.account import Kind
from push.app.robots.answers import outcome
from push.app.robots.messages import clipped_bytes, dingtalk_sign, feishu_sign, request
from push.app.sender import Accepted, Deferred, InDoubt, Outcome, Push, Refused
from tests.push.push_world import HOME

NOW = 1_700_000_000 * US
PUSH = Push(id="n1", token="office", title="来文 [点](http://evil)", body="请签收", url="/i/1")


def account(kind: Kind, signed_by: str = "SEC0001") -> RobotAccount:
    """One robot named office."""
    robot = Robot(key="abc-1", secret="" if kind == "wecom" else signed_by)
    return RobotAccount(kind=kind, robots={"office": robot}, home=HOME)


def test_the_signatures() -> None:
    """As openssl computes them: DingTalk signs under the secret, Feishu signs nothing under a longer key."""
    assert dingtalk_sign("SEC0001", "1700000000000") == "IOiTvG6TZDhh0Gpns44RaXCxwn89lSfaZPeSnz7Is8M="
    assert feishu_sign("SEC0001", "1700000000") == "pEz2hZLCk1bHueAhb5lqfIL8bsGFvmLrkUkrA3Bs81Y="


def test_dingtalk_signs_in_the_address() -> None:
    """Token, milliseconds and signature in the query; a structured link."""
    told = request(account("dingtalk"), PUSH, NOW)
    query = parse_qs(urlsplit(told.path).query)
    assert query == {
        "access_token": ["abc-1"],
        "timestamp": ["1700000000000"],
        "sign": [dingtalk_sign("SEC0001", "1700000000000")],
    }
    body = msgspec.json.decode(told.body)
    assert body["link"] == {"title": PUSH.title, "text": "请签收", "messageUrl": f"{HOME}/i/1"}


def test_feishu_signs_in_the_body() -> None:
    """Seconds and signature beside the message; the link is a part of its own."""
    told = request(account("feishu"), PUSH, NOW)
    body = msgspec.json.decode(told.body)
    assert told.path == "/open-apis/bot/v2/hook/abc-1"
    assert (body["timestamp"], body["sign"]) == ("1700000000", feishu_sign("SEC0001", "1700000000"))
    (line,) = body["content"]["post"]["zh_cn"]["content"]
    assert line[-1] == {"tag": "a", "text": "查看", "href": f"{HOME}/i/1"}
    assert "sign" not in msgspec.json.decode(request(account("feishu", ""), PUSH, NOW).body)


def test_wecom_has_a_key_only() -> None:
    """An article with our link; without a link a text; a secret would be an error of the settings."""
    told = request(account("wecom"), PUSH, NOW)
    assert told.path == "/cgi-bin/webhook/send?key=abc-1"
    (article,) = msgspec.json.decode(told.body)["news"]["articles"]
    assert article == {"title": PUSH.title, "description": "请签收", "url": f"{HOME}/i/1"}
    plain = request(account("wecom"), msgspec.structs.replace(PUSH, url=""), NOW)
    assert msgspec.json.decode(plain.body)["msgtype"] == "text"
    with pytest.raises(ValueError, match="robots"):
        RobotAccount(kind="wecom", robots={"a": Robot(key="k", secret="s")}, home=HOME)


def test_bytes_are_cut_between_characters() -> None:
    """At most so many bytes, and always text."""
    assert clipped_bytes("长" * 200, 128) == "长" * 41 + "…"
    assert clipped_bytes("短", 128) == "短"


@pytest.mark.parametrize(
    ("kind", "body", "told"),
    [
        ("wecom", {"errcode": 0, "errmsg": "ok"}, Accepted()),
        ("wecom", {"errcode": 45009}, Deferred(code="device:45009", after_s=60)),
        ("wecom", {"errcode": 93000}, Refused(code="93000", alarm=True)),
        ("wecom", {"errcode": 40058}, Refused(code="40058")),
        ("dingtalk", {"errcode": 0}, Accepted()),
        ("dingtalk", {"errcode": 130101}, Deferred(code="device:130101", after_s=600)),
        ("dingtalk", {"errcode": 310000}, Refused(code="310000", alarm=True)),
        ("dingtalk", {"errcode": -1}, Deferred(code="server:-1")),
        ("feishu", {"code": 0, "msg": "success"}, Accepted()),
        ("feishu", {"code": 19021}, Refused(code="19021", alarm=True)),
        ("feishu", {"code": 11232}, Deferred(code="device:11232", after_s=60)),
        ("feishu", {"code": 9499, "msg": "too many request"}, Deferred(code="device:9499", after_s=60)),
        ("feishu", {"code": 9499, "msg": "Bad Request"}, Refused(code="9499")),
        ("feishu", {"hello": 1}, InDoubt(why="unreadable answer")),
    ],
)
def test_a_code_in_a_200_is_a_refusal(kind: Kind, body: object, told: Outcome) -> None:
    """HTTP 200 alone means nothing; no code condemns a robot."""
    assert outcome(kind, Answer(status=200, body=msgspec.json.encode(body))) == told


def test_an_unknown_robot_is_told_before() -> None:
    """A name that nobody configured is an operator's business."""
    dialect = RobotDialect(account("feishu"))
    assert dialect.unsendable(PUSH) is None
    other = msgspec.structs.replace(PUSH, token="nobody")
    assert dialect.unsendable(other) == Refused(code="no_such_robot", alarm=True)


def test_no_key_is_shown() -> None:
    """The key alone lets anybody write to the group."""
    shown = repr(account("dingtalk"))
    assert "abc-1" not in shown
    assert "SEC0001" not in shown
