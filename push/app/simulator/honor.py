"""Honor's far end: OAuth2 and one body for many devices (sheet, Honor)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec

from push.app.calls import parsed, table, words
from push.app.honor.asking import LOGIN_PATH
from push.app.simulator.far import (
    TOKEN_LIFE_S,
    Call,
    Doorkeeper,
    Keys,
    Notice,
    Reply,
    Taken,
    at,
    bearer,
    form,
    number,
    text,
    told,
)
from push.app.simulator.player import Play

TOKENS_MAX: Final = 1000
SKEW_MS: Final = 600_000
CODES: Final = {"refuse": "80300002", "quota": "80300002", "throttle": "80100017", "expire": "80200003"}


class HonorFar:
    """The id is app id and client id."""

    name = "honor"

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._doors = Doorkeeper()
        self.counts: Counter[str] = Counter()

    def is_login(self, call: Call) -> bool:
        """Its own path."""
        return call.path == LOGIN_PATH

    def login(self, call: Call) -> Reply:
        """Client credentials."""
        fields = form(call)
        wanted = ("client_credentials", self._keys.id, self._keys.secret)
        if tuple(fields.get(name) for name in ("grant_type", "client_id", "client_secret")) != wanted:
            return told({"error": "invalid_client"}, 401)
        token = self._doors.give()
        return told({"access_token": token, "expires_in": TOKEN_LIFE_S, "token_type": "Bearer"})

    def read(self, call: Call) -> list[Taken] | Reply:
        """Path, token, time, structure."""
        if call.path != f"/api/v1/{self._keys.id}/sendMessage":
            return told({}, 404)
        if not self._doors.holds(bearer(call)):
            return _code("80200001")
        when, body = number(call.headers.get("timestamp")), parsed(call.body) or {}
        tokens, android = words(body.get("token")), table(body.get("android"))
        if when is None or abs(when - call.now // 1000) > SKEW_MS or not 1 <= len(tokens) <= TOKENS_MAX:
            return _code("80100001")
        shown, ttl = table(android.get("notification")), text(android.get("ttl"))
        ttl_s = number(ttl.removesuffix("s")) if ttl.endswith("s") else None
        action = at(shown, "clickAction", "type")
        if (
            ttl_s is None
            or not 1 <= ttl_s <= 1_296_000
            or action not in (1, 2, 3)
            or not text(shown.get("title"))
        ):
            return _code("80100003")
        return [_taken(token, shown, ttl_s, text(android.get("biTag"))) for token in tokens]

    def answer(self, asked: Sequence[Taken], play: Play, given: str) -> Reply:
        """``sendResult`` with the tokens that are dead."""
        if play.deed in CODES:
            if play.deed == "expire":
                self._doors.expire()
            if play.deed == "throttle" and not play.code:
                return told({"code": 429, "message": "flow control"}, 429)
            return _code(play.code or CODES[play.deed])
        gone = [one.token for one in asked if one.token in play.gone]
        data = {"sendResult": True, "requestId": given, "failTokens": [], "expireTokens": gone}
        return told({"code": 200, "message": "success", "data": data})

    def receipt(self, told_of: Notice) -> tuple[dict[str, str], bytes]:
        """Like Huawei's V1."""
        taken, given, now = told_of
        entries = [
            {
                "token": one.token,
                "biTag": one.callback,
                "requestId": given,
                "status": 0,
                "timestamp": now // 1000,
            }
            for one in taken
        ]
        return {"Content-Type": "application/json"}, msgspec.json.encode({"statuses": entries})


def _code(code: str) -> Reply:
    return told({"code": int(code), "message": "refused", "data": {"sendResult": False}})


def _taken(token: str, shown: dict[str, object], ttl_s: int, tag: str) -> Taken:
    return Taken(
        token=token,
        title=text(shown.get("title")),
        body=text(shown.get("body")),
        url=text(at(shown, "clickAction", "url")),
        ttl_s=ttl_s,
        replaces=str(shown.get("notifyId", "")),
        badge=number(at(shown, "badge", "setNum")),
        level=text(shown.get("importance")),
        callback=tag,
    )
