"""Apple's far end: checks token, headers and payload as the sheet says (apns §1-§4), and counts what it took."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import jwt
import msgspec

from inbox_store.times import US, Clock, system_now
from push.app.simulator.http2_script import Case, Deed, Http2Script
from push.app.simulator.http2_server import Heard, Reply

PUSH_TYPES: Final = frozenset(
    (
        "alert",
        "background",
        "voip",
        "complication",
        "fileprovider",
        "mdm",
        "location",
        "liveactivity",
        "pushtotalk",
    )
)
PATH: Final = re.compile(r"/3/device/([0-9a-f]{2,})")
PAYLOAD_MAX: Final = 4_096
TOKEN_AGE_S: Final = 3_600
UPDATES_S: Final = 1_200


class ApnsDesk:
    """One team and its keys. ``took`` counts by apns-id, ``refused`` by reason."""

    name = "apns"

    def __init__(
        self,
        *,
        team_id: str,
        topic: str,
        keys: Mapping[str, str],
        script: Http2Script | None = None,
        clock: Clock = system_now,
    ) -> None:
        self.took: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.heard: list[dict[str, Any]] = []
        """The payloads that were taken."""
        self.expired: set[str] = set()
        """Tokens that are declared too old."""
        self._team_id = team_id
        self._topic = topic
        self._keys = keys
        """The public key in PEM of each key id."""
        self._cases: tuple[Case, ...] = script.cases if script else ()
        self._clock = clock
        self._signed_at: dict[str, tuple[int, int]] = {}

    def is_login(self, heard: Heard) -> bool:
        """There is none."""
        del heard
        return False

    def answer(self, heard: Heard) -> Reply:
        """Check it, count it, answer it."""
        told = heard.headers
        checks = (
            self._path_fault,
            self._headers_fault,
            self._payload_fault,
            self._auth_fault,
            self._device_fault,
        )
        for check in checks:
            if fault := check(heard):
                return self._refuse(*fault, told.get("apns-id", ""))
        apns_id = told["apns-id"]
        self.took[apns_id] += 1
        self.heard.append(msgspec.json.decode(heard.body))
        return Reply(200, (("apns-id", apns_id),), taken=True)

    def turned_away(self, deed: Deed, heard: Heard) -> Reply:
        """503 with and without a body, 500."""
        if deed == "empty":
            return Reply(503)
        status, reason = (500, "InternalServerError") if deed == "error" else (503, "ServiceUnavailable")
        return self._refuse(status, reason, 0, heard.headers.get("apns-id", ""))

    def _refuse(self, status: int, reason: str, retry_after_s: int, apns_id: str) -> Reply:
        self.refused[reason] += 1
        body: dict[str, object] = {"reason": reason}
        if status == 410:
            body["timestamp"] = self._clock() // 1000
        headers = [("apns-id", apns_id)]
        if retry_after_s:
            headers.append(("retry-after", str(retry_after_s)))
        return Reply(status, tuple(headers), msgspec.json.encode(body) if reason else b"")

    # -- what is checked

    def _path_fault(self, heard: Heard) -> tuple[int, str, int] | None:
        if heard.headers.get(":method") != "POST":
            return 405, "MethodNotAllowed", 0
        if heard.path in ("/3/device/", "/3/device"):
            return 400, "MissingDeviceToken", 0
        if not heard.path.startswith("/3/device/"):
            return 404, "BadPath", 0
        return None if PATH.fullmatch(heard.path) else (400, "BadDeviceToken", 0)

    def _headers_fault(self, heard: Heard) -> tuple[int, str, int] | None:
        told = heard.headers
        reasons = {
            "MissingTopic": "apns-topic" not in told,
            "TopicDisallowed": told.get("apns-topic") != self._topic,
            "InvalidPushType": told.get("apns-push-type") not in PUSH_TYPES,
            "BadPriority": told.get("apns-priority", "10") not in {"10", "5", "1"},
            "BadExpirationDate": not told.get("apns-expiration", "0").isdecimal(),
            "BadCollapseId": not 0 < len(told.get("apns-collapse-id", "-").encode("latin-1")) <= 64,
            "BadMessageId": not _is_uuid(told.get("apns-id", "")),
        }
        return next(((400, reason, 0) for reason, wrong in reasons.items() if wrong), None)

    def _payload_fault(self, heard: Heard) -> tuple[int, str, int] | None:
        if not heard.body:
            return 400, "PayloadEmpty", 0
        if len(heard.body) > PAYLOAD_MAX:
            return 413, "PayloadTooLarge", 0
        try:
            told = msgspec.json.decode(heard.body)
        except msgspec.DecodeError:
            told = None
        is_fine = isinstance(told, dict) and isinstance(told.get("aps"), dict)
        return None if is_fine else (400, "PayloadEmpty", 0)

    def _auth_fault(self, heard: Heard) -> tuple[int, str, int] | None:
        scheme, _, token = heard.headers.get("authorization", "").partition(" ")
        if scheme != "bearer" or not token:
            return 403, "MissingProviderToken", 0
        try:
            kid = jwt.get_unverified_header(token).get("kid", "")
            options: Any = {"require": ["iat"], "verify_iat": False}
            told = jwt.decode(
                token, self._keys[kid], algorithms=["ES256"], issuer=self._team_id, options=options
            )
        except (jwt.PyJWTError, KeyError):
            return 403, "InvalidProviderToken", 0
        now_s = self._clock() // US
        if token in self.expired or not now_s - TOKEN_AGE_S <= told["iat"] <= now_s + TOKEN_AGE_S:
            return 403, "ExpiredProviderToken", 0
        iat, since = self._signed_at.get(kid, (told["iat"], 0))
        if told["iat"] != iat and now_s - since < UPDATES_S and since:
            return 429, "TooManyProviderTokenUpdates", 0
        if told["iat"] != iat or not since:
            self._signed_at[kid] = (told["iat"], now_s)
        return None

    def _device_fault(self, heard: Heard) -> tuple[int, str, int] | None:
        token = heard.path.removeprefix("/3/device/")
        found = next((case for case in self._cases if token.startswith(case.token)), None)
        return (found.status, found.reason, found.retry_after_s) if found else None


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
