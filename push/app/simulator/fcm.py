"""Google's far end: the sign-in and the messages of one project (fcm §1-§3); counts what it took."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, Final
from urllib.parse import parse_qs

import jwt
import msgspec

from inbox_store.times import US, Clock, system_now
from push.app.calls import table, word
from push.app.simulator.far import Doorkeeper
from push.app.simulator.http2_script import Case, Deed, Http2Script
from push.app.simulator.http2_server import Heard, Reply

LOGIN: Final = "/token"
SCOPE: Final = "https://www.googleapis.com/auth/firebase.messaging"
GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
PAYLOAD_MAX: Final = 4_096
TTL: Final = re.compile(r"(\d{1,7})(?:\.\d{1,9})?s")
TTL_MAX_S: Final = 2_419_200
TARGETS: Final = frozenset({"token", "topic", "condition", "fid"})
JSON: Final = (("content-type", "application/json; charset=UTF-8"),)
_FCM: Final = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
_BAD: Final = "type.googleapis.com/google.rpc.BadRequest"
STATUSES: Final = {
    "UNREGISTERED": "NOT_FOUND",
    "SENDER_ID_MISMATCH": "PERMISSION_DENIED",
    "QUOTA_EXCEEDED": "RESOURCE_EXHAUSTED",
    "THIRD_PARTY_AUTH_ERROR": "UNAUTHENTICATED",
}


class FcmDesk:
    """One project. ``took`` counts by the ``id`` in a message's data, ``refused`` by code, ``logins`` tokens given."""

    name = "fcm"

    def __init__(
        self,
        *,
        project: str,
        email: str,
        key_id: str,
        public_pem: str,
        script: Http2Script | None = None,
        lifetime_s: int = 3_599,
        clock: Clock = system_now,
    ) -> None:
        self.took: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.logins = 0
        self.heard: list[dict[str, Any]] = []
        """The messages that were taken."""
        self.door = Doorkeeper()
        self.login_fault: tuple[int, str] | None = None
        """Status and error of every sign-in, where it is to fail."""
        self._path = f"/v1/projects/{project}/messages:send"
        self._project = project
        self._email = email
        self._key_id = key_id
        self._public = public_pem
        self._cases: tuple[Case, ...] = script.cases if script else ()
        self._lifetime_s = lifetime_s
        self._clock = clock

    def is_login(self, heard: Heard) -> bool:
        """Whether access is asked for."""
        return heard.path == LOGIN

    def answer(self, heard: Heard) -> Reply:
        """Check it, count it, answer it."""
        if self.is_login(heard):
            return self._login(heard)
        if heard.path != self._path:
            return self._fault(404, "NOT_FOUND")
        scheme, _, bearer = heard.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not self.door.holds(bearer):
            return self._fault(401, "UNAUTHENTICATED")
        message = _message(heard.body)
        if (field := _wrong(message, len(heard.body))) is not None:
            return self._fault(400, "INVALID_ARGUMENT", field=field)
        return self._device_fault(message) or self._take(message)

    def turned_away(self, deed: Deed, heard: Heard) -> Reply:
        """503 with and without a body, 500."""
        del heard
        if deed == "empty":
            return Reply(503)
        return self._fault(500, "INTERNAL") if deed == "error" else self._fault(503, "UNAVAILABLE")

    def _take(self, message: dict[str, Any]) -> Reply:
        name = word(table(message.get("data")).get("id"))
        self.took[name] += 1
        self.heard.append(message)
        body = {"name": f"projects/{self._project}/messages/{sum(self.took.values())}"}
        return Reply(200, JSON, msgspec.json.encode(body), taken=True)

    def _device_fault(self, message: dict[str, Any]) -> Reply | None:
        token = word(message.get("token"))
        for case in self._cases:
            if token.startswith(case.token):
                field = "message.token" if case.reason == "INVALID_ARGUMENT" else ""
                return self._fault(case.status, case.reason, field=field, retry_after_s=case.retry_after_s)
        return None

    def _fault(self, status: int, code: str, *, field: str = "", retry_after_s: int = 0) -> Reply:
        self.refused[code] += 1
        details: list[dict[str, object]] = []
        if status != 401 or code == "THIRD_PARTY_AUTH_ERROR":
            details.append({"@type": _FCM, "errorCode": code})
        if field:
            details.append(
                {"@type": _BAD, "fieldViolations": [{"field": field, "description": "Invalid value"}]}
            )
        error = {"code": status, "message": "-", "status": STATUSES.get(code, code), "details": details}
        headers = (*JSON, ("retry-after", str(retry_after_s))) if retry_after_s else JSON
        return Reply(status, headers, msgspec.json.encode({"error": error}))

    # -- the sign-in

    def _login(self, heard: Heard) -> Reply:
        if self.login_fault is not None:
            status, error = self.login_fault
            return Reply(status, JSON, msgspec.json.encode({"error": error}))
        form = parse_qs(heard.body.decode("utf-8", "replace"))
        is_form = heard.headers.get("content-type") == "application/x-www-form-urlencoded"
        if not is_form or form.get("grant_type") != [GRANT_TYPE] or not self._is_asserted(form):
            return Reply(400, JSON, msgspec.json.encode({"error": "invalid_grant"}))
        self.logins += 1
        body = {"access_token": self.door.give(), "expires_in": self._lifetime_s, "token_type": "Bearer"}
        return Reply(200, JSON, msgspec.json.encode(body))

    def _is_asserted(self, form: dict[str, list[str]]) -> bool:
        token = "".join(form.get("assertion", []))
        options: Any = {
            "require": ["iat", "exp"],
            "verify_iat": False,
            "verify_exp": False,
            "verify_aud": False,
        }
        try:
            kid = jwt.get_unverified_header(token).get("kid")
            told = jwt.decode(token, self._public, algorithms=["RS256"], issuer=self._email, options=options)
        except jwt.PyJWTError:
            return False
        now_s = self._clock() // US
        in_time = told["iat"] - 300 <= now_s < told["exp"] <= told["iat"] + 3_600
        return (
            kid == self._key_id
            and told.get("scope") == SCOPE
            and str(told["aud"]).endswith(LOGIN)
            and in_time
        )


def _message(body: bytes) -> dict[str, Any]:
    try:
        return dict(table(table(msgspec.json.decode(body)).get("message")))
    except msgspec.DecodeError:
        return {}


def _wrong(message: dict[str, Any], size: int) -> str | None:
    """The field that is wrong; empty where none is named; None where all is well."""
    data, android = table(message.get("data")), table(message.get("android"))
    ttl = TTL.fullmatch(word(android.get("ttl")) or "0s")
    if size > PAYLOAD_MAX or not message:
        return ""
    if len(TARGETS & message.keys()) != 1:
        return "message"
    if any(not isinstance(value, str) for value in data.values()):
        return "message.data"
    if any(key in {"from", "gcm"} or key.startswith("google") for key in data):
        return "message.data"
    if ttl is None or int(ttl[1]) > TTL_MAX_S:
        return "message.android.ttl"
    return None if android.get("priority", "normal") in {"normal", "high"} else "message.android.priority"
