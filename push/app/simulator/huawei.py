"""Huawei's far end: OAuth2, v1, v3 with its JWT, receipts (huawei §1 to §5)."""

from __future__ import annotations

import base64
import secrets
from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from inbox_store.times import US
from push.app.calls import parsed, table, words
from push.app.huawei.account import HuaweiCallback
from push.app.huawei.asking import AUDIENCE, LOGIN_PATH, MESSAGE_MAX_BYTES
from push.app.huawei.receipts import HEADER, sign
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
TTL_MAX_S: Final = 1_296_000
# fmt: off
CATEGORIES: Final = frozenset({
    "IM", "VOIP", "SUBSCRIPTION", "TRAVEL", "HEALTH", "WORK", "ACCOUNT", "EXPRESS", "FINANCE", "DEVICE_REMINDER",
    "MAIL", "MARKETING",
})
# fmt: on
CODES: Final = {"refuse": "80300002", "quota": "80300002", "throttle": "80100017", "expire": "80200003"}
"""Huawei has no daily number for office messages: it shows as a lost right."""


class HuaweiFar:
    """v1 and v3 under one name; ``receipts`` are signed with the common id and secret."""

    name = "huawei"

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._doors = Doorkeeper()
        self._is_v3 = False
        self.counts: Counter[str] = Counter()

    def is_login(self, call: Call) -> bool:
        """OAuth2."""
        return call.path == LOGIN_PATH

    def login(self, call: Call) -> Reply:
        """Client credentials."""
        fields = form(call)
        wanted = ("client_credentials", self._keys.id, self._keys.secret)
        if tuple(fields.get(name) for name in ("grant_type", "client_id", "client_secret")) != wanted:
            return told({"error": 1101, "error_description": "invalid client"}, 400)
        # As Huawei does: a slash comes escaped.
        token = f"{self._doors.give()}"
        body = msgspec.json.encode(
            {"access_token": token, "expires_in": TOKEN_LIFE_S, "token_type": "Bearer"}
        )
        return Reply(body.replace(b"/", b"\\/"))

    def read(self, call: Call) -> list[Taken] | Reply:
        """Path, token, structure, sizes."""
        body = parsed(call.body)
        self._is_v3 = call.path.startswith("/v3/")
        if call.path == f"/v1/{self._keys.id}/messages:send":
            if not self._doors.holds(bearer(call)):
                return _code("80200001")
            return _code("80100003") if body is None else _v1(body)
        if not (self._is_v3 and call.path.endswith("/messages:send")):
            return told({}, 404)
        if (fault := _jwt_fault(bearer(call), self._keys.public, call.now)) is not None:
            return _code(fault)
        if call.headers.get("push-type") != "0" or body is None:
            return _code("80100003")
        return _v3(body)

    def answer(self, asked: Sequence[Taken], play: Play, given: str) -> Reply:
        """HTTP 200 with a code, whatever it is."""
        if play.deed in CODES:
            if play.deed == "expire":
                self._doors.expire()
            return _code(play.code or CODES[play.deed])
        bad = [one.token for one in asked if one.token in play.gone]
        if not bad:
            return told({"code": "80000000", "msg": "Success", "requestId": given})
        good = len(asked) - len(bad)
        if self._is_v3:
            reasons = {"illegalTokens": {"tokenFormatError": bad}, "success": good, "failure": len(bad)}
            code = "80100000" if good else "80300007"
            return told({"code": code, "msg": msgspec.json.encode(reasons).decode(), "requestId": given})
        if not good:
            return told({"code": "80300007", "msg": "All the tokens are invalid", "requestId": given})
        message = {"success": good, "failure": len(bad), "illegal_tokens": bad}
        return told({"code": "80100000", "msg": msgspec.json.encode(message).decode(), "requestId": given})

    def receipt(self, told_of: Notice) -> tuple[dict[str, str], bytes]:
        """V2 bodies, signed."""
        taken, given, now = told_of
        stamp, nonce = str(now // 1000), secrets.token_hex(16)
        value = sign(HuaweiCallback(user=self._keys.id, key=self._keys.secret), stamp, nonce)
        entries = [
            {
                "token": one.token,
                "biTag": one.callback,
                "requestId": given,
                "deliveryStatus": {"result": 0, "timestamp": now // 1000},
            }
            for one in taken
        ]
        headers = {HEADER: f"timestamp={stamp}; nonce={nonce}; value={value}"}
        return headers, msgspec.json.encode({"statuses": entries})


def _code(code: str) -> Reply:
    return told({"code": code, "msg": "refused", "requestId": "0"}, 503 if code == "503" else 200)


def _v1(body: dict[str, object]) -> list[Taken] | Reply:
    message = table(body.get("message"))
    tokens, android = words(message.get("token")), table(message.get("android"))
    shown = table(android.get("notification"))
    if fault := _tokens_fault(tokens, message, "token"):
        return _code(fault)
    ttl = text(android.get("ttl"))
    ttl_s = number(ttl.removesuffix("s")) if ttl.endswith("s") else None
    kind = at(shown, "click_action", "type")
    if ttl_s is None or not 1 <= ttl_s <= TTL_MAX_S:
        return _code("80100004")
    url = text(at(shown, "click_action", "url"))
    opens = kind == 3 or (kind == 2 and url.startswith("https://"))
    if not opens or android.get("category") not in CATEGORIES or not text(shown.get("title")):
        return _code("80100003")
    return [
        Taken(
            token=token,
            title=text(shown.get("title")),
            body=text(shown.get("body")),
            url=url,
            ttl_s=ttl_s,
            replaces=str(shown.get("notify_id", "")),
            badge=number(at(shown, "badge", "set_num")),
            level=f"{android['category']}/{shown.get('importance')}/{android.get('urgency')}",
            callback=text(android.get("bi_tag")),
        )
        for token in tokens
    ]


def _v3(body: dict[str, object]) -> list[Taken] | Reply:
    tokens, options = words(at(body, "target", "token")), table(body.get("pushOptions"))
    shown = table(at(body, "payload", "notification"))
    if fault := _tokens_fault(tokens, table(body.get("target")), "token", body):
        return _code(fault)
    ttl_s, badge = number(options.get("ttl")), number(at(shown, "badge", "setNum"))
    if ttl_s is None or not 1 <= ttl_s <= TTL_MAX_S:
        return _code("80100004")
    action = at(shown, "clickAction", "actionType")
    fits = badge is None or 1 <= badge <= 99
    if (
        action not in (0, 1)
        or shown.get("category") not in CATEGORIES
        or not text(shown.get("title"))
        or not fits
    ):
        return _code("80100003")
    return [
        Taken(
            token=token,
            title=text(shown.get("title")),
            body=text(shown.get("body")),
            url=text(at(shown, "clickAction", "data", "url")),
            ttl_s=ttl_s,
            replaces=str(shown.get("notifyId", "")),
            badge=badge,
            level=text(shown.get("category")),
            callback=text(options.get("biTag")),
        )
        for token in tokens
    ]


def _tokens_fault(
    tokens: list[str], holder: dict[str, object], field: str, body: dict[str, object] | None = None
) -> str:
    if not tokens:
        return "80100001"
    if len(tokens) > TOKENS_MAX:
        return "80300010"
    bare = {**holder, field: []}
    whole: object = {"validate_only": False, "message": bare} if body is None else {**body, "target": bare}
    return "80300008" if len(msgspec.json.encode(whole)) > MESSAGE_MAX_BYTES else ""


def _jwt_fault(told_token: str, public: str, now: int) -> str | None:
    """The code for a JWT that is none, is old, or is not signed by the service account."""
    parts = told_token.split(".")
    if len(parts) != 3:
        return "80200001"
    try:
        header, claims = (msgspec.json.decode(_unbased(part)) for part in parts[:2])
        signature = _unbased(parts[2])
    except (ValueError, msgspec.DecodeError):
        return "80200001"
    issued, ends = number(table(claims).get("iat")), number(table(claims).get("exp"))
    if table(claims).get("aud") != AUDIENCE or issued is None or ends is None or ends - issued > TOKEN_LIFE_S:
        return "80200001"
    if not issued - 300 <= now // US < ends:
        return "80200005"
    return None if _is_signed(".".join(parts[:2]), signature, public, table(header)) else "80200001"


def _is_signed(signed: str, signature: bytes, public: str, header: dict[str, object]) -> bool:
    if not public:
        return header.get("alg") == "PS256" and len(signature) >= 256
    key = serialization.load_pem_public_key(public.encode())
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    try:
        key.verify(signature, signed.encode(), pss, hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def _unbased(told_text: str) -> bytes:
    return base64.urlsafe_b64decode(told_text + "=" * (-len(told_text) % 4))
