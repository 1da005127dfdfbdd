"""The three robots' far ends: signature, structure, twenty a minute. They answer HTTP 200 whatever it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from inbox_store.times import US
from push.app.calls import parsed, table
from push.app.quota import Window
from push.app.robots.account import Kind
from push.app.robots.messages import TEXT_BYTES, TITLE_BYTES, dingtalk_sign, feishu_sign
from push.app.simulator.far import Call, Keys, Notice, Reply, Taken, at, number, text, told
from push.app.simulator.player import Play

A_MINUTE: Final = 20
SKEW_S: Final = 3600
GROUP: Final = "robot"
"""On the record in place of a device: a robot speaks to its whole group."""
CODES: Final[dict[Kind, dict[str, int]]] = {
    "wecom": {"refuse": 93000, "quota": 45009, "throttle": 45009, "expire": 93000, "form": 40008},
    "dingtalk": {"refuse": 300001, "quota": 130101, "throttle": 130101, "expire": 310000, "form": 400105},
    "feishu": {"refuse": 19001, "quota": 11232, "throttle": 11232, "expire": 19021, "form": 19002},
}


class RobotFar:
    """One vendor's robots: every one with the common id as key, and the common secret where it signs."""

    def __init__(self, kind: Kind, keys: Keys) -> None:
        self.name = str(kind)
        self._kind = kind
        self._keys = keys
        self._window = Window(A_MINUTE, 60)
        self.counts: Counter[str] = Counter()

    def is_login(self, call: Call) -> bool:  # noqa: ARG002 - the port's
        """There is none."""
        return False

    def login(self, call: Call) -> Reply:  # noqa: ARG002 - the port's
        """There is none."""
        return told({}, 404)

    def read(self, call: Call) -> list[Taken] | Reply:
        """Address, signature, structure, rate."""
        body = parsed(call.body)
        if not self._is_known(call):
            return self._code("refuse")
        if body is None:
            return self._code("form")
        if not self._is_signed(call, body):
            return self._code("expire")
        taken = {"wecom": _wecom, "dingtalk": _dingtalk, "feishu": _feishu}[self._kind](body)
        if taken is None:
            return self._code("form")
        if self._window.take(call.now) > 0:
            return self._code("throttle")
        return [taken]

    def answer(self, asked: Sequence[Taken], play: Play, given: str) -> Reply:  # noqa: ARG002 - robots give no ids
        """A code; a robot has no dead devices."""
        if play.deed in CODES[self._kind]:
            return self._code(play.deed, play.code)
        return self._told(0, "ok")

    def receipt(self, told_of: Notice) -> tuple[dict[str, str], bytes]:  # noqa: ARG002 - the port's
        """Robots report nothing."""
        return {}, b""

    def _is_known(self, call: Call) -> bool:
        where = {
            "wecom": ("/cgi-bin/webhook/send", "key"),
            "dingtalk": ("/robot/send", "access_token"),
            "feishu": (f"/open-apis/bot/v2/hook/{self._keys.id}", ""),
        }
        path, field = where[self._kind]
        return call.path == path and (not field or call.query.get(field) == self._keys.id)

    def _is_signed(self, call: Call, body: dict[str, object]) -> bool:
        secret = self._keys.secret
        if self.name == "wecom":
            return True
        fields = call.query if self.name == "dingtalk" else body
        stamp, unit = str(fields.get("timestamp", "")), 1000 if self.name == "dingtalk" else 1
        wanted = dingtalk_sign(secret, stamp) if self.name == "dingtalk" else feishu_sign(secret, stamp)
        when = number(stamp)
        is_fresh = when is not None and abs(when // unit - call.now // US) <= SKEW_S
        return is_fresh and fields.get("sign") == wanted

    def _code(self, deed: str, code: str = "") -> Reply:
        return self._told(int(code or CODES[self._kind][deed]), "refused")

    def _told(self, code: int, words: str) -> Reply:
        if self.name == "feishu":
            return told({"code": code, "msg": words, "data": {}})
        return told({"errcode": code, "errmsg": words})


def _wecom(body: dict[str, object]) -> Taken | None:
    if body.get("msgtype") == "text":
        content = text(at(body, "text", "content"))
        return Taken(token=GROUP, title=content, body="") if 0 < len(content.encode()) <= 2048 else None
    articles = at(body, "news", "articles")
    article = table(articles[0]) if isinstance(articles, list) and len(articles) == 1 else {}
    title, shown = text(article.get("title")), text(article.get("description"))
    fits = 0 < len(title.encode()) <= TITLE_BYTES and len(shown.encode()) <= TEXT_BYTES
    return Taken(token=GROUP, title=title, body=shown, url=text(article.get("url"))) if fits else None


def _dingtalk(body: dict[str, object]) -> Taken | None:
    if body.get("msgtype") == "text":
        content = text(at(body, "text", "content"))
        return Taken(token=GROUP, title=content, body="") if content else None
    link = table(body.get("link"))
    title, shown, url = (text(link.get(name)) for name in ("title", "text", "messageUrl"))
    return Taken(token=GROUP, title=title, body=shown, url=url) if title and shown and url else None


def _feishu(body: dict[str, object]) -> Taken | None:
    post = table(at(body, "content", "post", "zh_cn"))
    lines = post.get("content")
    first = lines[0] if isinstance(lines, list) and lines and isinstance(lines[0], list) else []
    parts = [table(one) for one in first]
    shown = "".join(text(one.get("text")) for one in parts if one.get("tag") == "text").strip()
    url = next((text(one.get("href")) for one in parts if one.get("tag") == "a"), "")
    is_post = body.get("msg_type") == "post" and bool(shown)
    return Taken(token=GROUP, title=text(post.get("title")), body=shown, url=url) if is_post else None
