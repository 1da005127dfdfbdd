"""vivo's far end: token with MD5, single messages, receipts by task id (sheet, vivo)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec

from push.app.calls import parsed, table
from push.app.simulator.far import Call, Doorkeeper, Keys, Notice, Reply, Taken, number, text, told
from push.app.simulator.player import Play
from push.app.vivo.asking import LOGIN_PATH, SEND_PATH, sign

SKEW_MS: Final = 600_000
CODES: Final = {"refuse": "10094", "quota": "10073", "throttle": "10040", "expire": "10000"}
GONE: Final = 10302
_REFUSED: Final = re.compile(r"测试|[\[\]【】()（）]")
_CHINESE: Final = re.compile(r"[\u4e00-\u9fff]")


class VivoFar:
    """The id is both app id and app key."""

    name = "vivo"

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._doors = Doorkeeper()
        self.counts: Counter[str] = Counter()

    def is_login(self, call: Call) -> bool:
        """Its own path."""
        return call.path == LOGIN_PATH

    def login(self, call: Call) -> Reply:
        """Id, key, time and MD5."""
        body, keys = parsed(call.body) or {}, self._keys
        when = body.get("timestamp")
        wanted = sign(keys.id, keys.id, str(when), keys.secret)
        is_known = (body.get("appId"), body.get("appKey"), body.get("sign")) == (keys.id, keys.id, wanted)
        if not is_known or not isinstance(when, int) or abs(when - call.now // 1000) > SKEW_MS:
            return _code("10200")
        return told({"result": 0, "desc": "请求成功", "authToken": self._doors.give()})

    def read(self, call: Call) -> list[Taken] | Reply:
        """Token, path, fields."""
        if call.path != SEND_PATH:
            return told({}, 404)
        if not self._doors.holds(call.headers.get("authtoken", "")):
            return _code("10000")
        body = parsed(call.body) or {}
        if body.get("appId") != self._keys.id:
            return _code("10094")
        if fault := _fault(body):
            return _code(fault)
        return [_taken(body)]

    def answer(self, asked: Sequence[Taken], play: Play, given: str) -> Reply:
        """One code."""
        if play.deed in CODES:
            if play.deed == "expire":
                self._doors.expire()
            return _code(play.code or CODES[play.deed])
        if asked[0].token in play.gone:
            return _code(str(GONE))
        return told({"result": 0, "desc": "请求成功", "taskId": given, "invalidUsers": []})

    def receipt(self, told_of: Notice) -> tuple[dict[str, str], bytes]:
        """By task id."""
        taken, given, _ = told_of
        body = {given: {"param": taken[0].callback, "targets": taken[0].token}}
        return {"Content-Type": "application/json"}, msgspec.json.encode(body)


def _code(code: str) -> Reply:
    return told({"result": int(code), "desc": "refused"})


def _units(value: str) -> int:
    return sum(1 if one.isascii() else 2 for one in value)


def _fault(body: dict[str, object]) -> str:
    title, content = text(body.get("title")), text(body.get("content"))
    ttl_s, asked_id = number(body.get("timeToLive")), text(body.get("requestId"))
    if not title or not content or not text(body.get("regId")) or not 0 < len(asked_id) <= 64:
        return "10051"
    if _units(title) > 40 or _units(content) > 100:
        return "10054"
    if ttl_s is None or not 60 <= ttl_s <= 86_400 or body.get("notifyType") not in (1, 2, 3, 4):
        return "10055"
    if body.get("pushMode") == 0 and any(
        _REFUSED.search(one) or not _CHINESE.search(one) for one in (title, content)
    ):
        return "10085"
    extra = table(body.get("extra"))
    fits = len(text(extra.get("callback"))) <= 128 and len(text(extra.get("callback.param"))) <= 64
    return "" if fits else "10055"


def _taken(body: dict[str, object]) -> Taken:
    return Taken(
        token=text(body.get("regId")),
        title=text(body.get("title")),
        body=text(body.get("content")),
        url=text(body.get("skipContent")),
        ttl_s=number(body.get("timeToLive")) or 0,
        replaces=str(body.get("notifyId", "")),
        key=text(body.get("requestId")),
        level=f"{body.get('category')}/{body.get('notifyType')}",
        callback=text(table(body.get("extra")).get("callback.param")),
    )
