"""Xiaomi's far end: one device as a form, many as a list, receipts as a form (xiaomi §1 to §4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

import msgspec

from push.app.calls import table
from push.app.simulator.far import Call, Keys, Notice, Reply, Taken, form, number, text, told
from push.app.simulator.player import Play
from push.app.xiaomi.asking import MANY_PATH, ONE_PATH

TARGETS_MAX: Final = 1000
TTL_MAX_MS: Final = 14 * 86_400_000
EXTRA_PAIRS_MAX: Final = 10
CODES: Final = {"refuse": "22000", "quota": "10034", "throttle": "10027", "expire": "21301"}


class XiaomiFar:
    """The secret is the AppSecret; there is no token, so that ``expire`` refuses the secret once."""

    name = "xiaomi"

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self.counts: Counter[str] = Counter()

    def is_login(self, call: Call) -> bool:  # noqa: ARG002 - the port's
        """There is none."""
        return False

    def login(self, call: Call) -> Reply:  # noqa: ARG002 - the port's
        """There is none."""
        return told({}, 404)

    def read(self, call: Call) -> list[Taken] | Reply:
        """Secret, path, fields."""
        if call.headers.get("authorization") != f"key={self._keys.secret}":
            return _code("21301")
        fields = form(call)
        if call.path == ONE_PATH:
            extra = {name[6:]: value for name, value in fields.items() if name.startswith("extra.")}
            tokens = [one for one in fields.get("registration_id", "").split(",") if one]
            return _read([(token, fields, extra) for token in tokens])
        if call.path != MANY_PATH:
            return told({}, 404)
        try:
            entries = msgspec.json.decode(fields.get("messages", ""))
        except msgspec.DecodeError:
            return _code("10016")
        asked = []
        for entry in map(table, entries if isinstance(entries, list) else []):
            message = table(entry.get("message"))
            asked.append((text(entry.get("target")), message, table(message.get("extra"))))
        return _read(asked)

    def answer(self, asked: Sequence[Taken], play: Play, given: str) -> Reply:  # noqa: ARG002 - dead ones do not fail it
        """One code for the call; dead regids come later, as receipts."""
        if play.deed in CODES:
            return _code(play.code or CODES[play.deed])
        body = {"result": "ok", "trace_id": given, "code": 0, "data": {"id": given}, "description": "成功"}
        return told(body)

    def receipt(self, told_of: Notice) -> tuple[dict[str, str], bytes]:
        """A form with ``data``; one id for each, as each had a mark of its own."""
        taken, given, now = told_of
        data = {
            f"{given}{place}": {
                "param": one.callback,
                "type": 1,
                "targets": one.token,
                "timestamp": now // 1000,
                "barStatus": "Enable",
            }
            for place, one in enumerate(taken)
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return headers, urlencode({"data": msgspec.json.encode(data).decode()}).encode()


def _code(code: str) -> Reply:
    return told({"result": "error", "code": int(code), "description": "失败", "reason": "refused"})


def _read(asked: Sequence[tuple[str, Mapping[str, object], Mapping[str, object]]]) -> list[Taken] | Reply:
    if not 1 <= len(asked) <= TARGETS_MAX:
        return _code("10008")
    for target, message, extra in asked:
        if fault := _fault(target, message, extra):
            return _code(fault)
    return [_taken(*one) for one in asked]


def _fault(target: str, message: Mapping[str, object], extra: Mapping[str, object]) -> str:
    title, shown = text(message.get("title")), text(message.get("description"))
    ttl_ms, notify = number(message.get("time_to_live")), number(message.get("notify_id"))
    if not (target and title and shown and message.get("restricted_package_name")):
        return "10016"
    if len(title) >= 50 or len(shown) >= 128 or len(text(message.get("payload")).encode()) >= 4096:
        return "65009"
    if ttl_ms is None or not 0 < ttl_ms <= TTL_MAX_MS or notify is None or not 0 <= notify < 1 << 31:
        return "10017"
    size = sum(len(name) + len(str(value)) for name, value in extra.items())
    if len(extra) > EXTRA_PAIRS_MAX or size >= 1024:
        return "65015"
    return _extra_fault(extra)


def _extra_fault(extra: Mapping[str, object]) -> str:
    jobkey = text(extra.get("jobkey"))
    if not extra.get("channel_id"):
        return "27001"
    if len(jobkey) > 20 or jobkey.startswith("_") or not jobkey.replace("-", "").replace("_", "").isalnum():
        return "10017"
    if len(text(extra.get("callback.param"))) > 64:
        return "65036"
    return "65037" if len(text(extra.get("callback")).encode()) > 128 else ""


def _taken(token: str, message: Mapping[str, object], extra: Mapping[str, object]) -> Taken:
    return Taken(
        token=token,
        title=text(message.get("title")),
        body=text(message.get("description")),
        url=text(extra.get("web_uri")),
        ttl_s=(number(message.get("time_to_live")) or 0) // 1000,
        replaces=str(message.get("notify_id")),
        key=text(extra.get("jobkey")),
        level=f"{extra.get('channel_id')}/{message.get('notify_type')}",
        callback=text(extra.get("callback.param")),
    )
