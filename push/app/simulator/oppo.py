"""OPPO's far end: token, single and batch, receipts as they are believed to be (sheet, oppo)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec

from push.app.calls import table
from push.app.oppo.asking import LOGIN_PATH, MANY_PATH, ONE_PATH, sign
from push.app.simulator.far import Call, Doorkeeper, Keys, Notice, Reply, Taken, form, number, text, told
from push.app.simulator.player import Play

BATCH_MAX: Final = 1000
SKEW_MS: Final = 600_000
CODES: Final = {"refuse": "14", "quota": "13", "throttle": "-2", "expire": "11"}
BAD: Final = 10_000


class OppoFar:
    """The id is the app key, the secret the master secret."""

    name = "oppo"

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._doors = Doorkeeper()
        self._is_batch = False
        self.counts: Counter[str] = Counter()

    def is_login(self, call: Call) -> bool:
        """Its own path."""
        return call.path == LOGIN_PATH

    def login(self, call: Call) -> Reply:
        """Key, time and SHA-256."""
        fields, keys = form(call), self._keys
        stamp = fields.get("timestamp", "")
        is_signed = (
            fields.get("sign") == sign(keys.id, stamp, keys.secret) and fields.get("app_key") == keys.id
        )
        when = number(stamp)
        if not is_signed or when is None or abs(when - call.now // 1000) > SKEW_MS:
            return told({"code": 14, "message": "Invalid AppKey"})
        data = {"auth_token": self._doors.give(), "create_time": call.now // 1000}
        return told({"code": 0, "message": "Success", "data": data})

    def read(self, call: Call) -> list[Taken] | Reply:
        """Token, path, messages."""
        fields = form(call)
        if not self._doors.holds(call.headers.get("auth_token") or fields.get("auth_token", "")):
            return _code("11")
        self._is_batch = call.path == MANY_PATH
        if call.path not in (ONE_PATH, MANY_PATH):
            return told({}, 404)
        try:
            body = msgspec.json.decode(fields.get("messages" if self._is_batch else "message", ""))
        except msgspec.DecodeError:
            return _code("41")
        entries = body if self._is_batch and isinstance(body, list) else [body]
        if not 1 <= len(entries) <= BATCH_MAX or not all(map(_fits, map(table, entries))):
            return _code("41")
        return [_taken(table(entry)) for entry in entries]

    def answer(self, asked: Sequence[Taken], play: Play, given: str) -> Reply:
        """One code, and for a batch one each."""
        if play.deed in CODES:
            if play.deed == "expire":
                self._doors.expire()
            return _code(play.code or CODES[play.deed])
        if not self._is_batch:
            if asked[0].token in play.gone:
                return _code(str(BAD))
            return told({"code": 0, "message": "Success", "data": {"messageId": given}})
        data = [_entry(one, play, f"{given}{place}") for place, one in enumerate(asked)]
        # Backwards: whoever goes by place instead of id finds out here.
        return told({"code": 0, "message": "Success", "data": data[::-1]})

    def receipt(self, told_of: Notice) -> tuple[dict[str, str], bytes]:
        """A list of arrivals."""
        taken, given, now = told_of
        told_list = [
            {
                "messageId": f"{given}{place}",
                "appId": self._keys.id,
                "registrationIds": one.token,
                "eventTime": str(now // 1000),
                "param": one.callback,
                "eventType": "push_arrive",
            }
            for place, one in enumerate(taken)
        ]
        return {"Content-Type": "application/json"}, msgspec.json.encode(told_list)


def _code(code: str) -> Reply:
    return told({"code": int(code), "message": "refused"})


def _entry(one: Taken, play: Play, given: str) -> dict[str, object]:
    entry: dict[str, object] = {"messageId": given, "registrationId": one.token}
    if one.token in play.gone:
        entry |= {"errorCode": BAD, "errorMessage": "Invalid RegistrationId"}
    return entry


def _fits(entry: dict[str, object]) -> bool:
    shown = table(entry.get("notification"))
    title, content, style = text(shown.get("title")), text(shown.get("content")), shown.get("style")
    ttl_s = number(shown.get("off_line_ttl"))
    is_sized = 0 < len(title) <= 50 and 0 < len(content) <= (128 if style == 2 else 50)
    is_kept = ttl_s is not None and 0 < ttl_s <= 10 * 86_400
    is_backed = (
        len(text(shown.get("call_back_parameter"))) <= 50 and len(text(shown.get("call_back_url"))) <= 200
    )
    is_known = entry.get("target_type") == 2 and bool(text(entry.get("target_value")))
    return is_sized and is_kept and is_backed and is_known and shown.get("notify_level") in (1, 2, 16)


def _taken(entry: dict[str, object]) -> Taken:
    shown = table(entry.get("notification"))
    return Taken(
        token=text(entry.get("target_value")),
        title=text(shown.get("title")),
        body=text(shown.get("content")),
        url=text(shown.get("click_action_url")),
        ttl_s=number(shown.get("off_line_ttl")) or 0,
        key=text(shown.get("app_message_id")),
        level=f"{shown.get('category')}/{shown.get('notify_level')}",
        callback=text(shown.get("call_back_parameter")),
    )
