"""Google's words: the sheet's signing input, messages of any size, a verdict for every error, the sign-in's answers."""

from __future__ import annotations

import json
from typing import Any, Final

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox_store.times import US
from push.app.calls import Answer
from push.app.fcm.account import FcmAccount, place_of
from push.app.fcm.bodies import PAYLOAD_MAX, assertion, granted, payload, request, sign_in
from push.app.fcm.results import verdict_of
from push.app.jose import rsa_key
from push.app.sender import Accepted, Deferred, InDoubt, Outcome, Refused
from push.app.tokens import Grant
from push.sms.carrier import Verdict
from tests.push.http2_world import fcm_account, push, rsa_pems

NOW: Final = 1_700_000_000 * US
SIGNED: Final = (
    "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6IjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1NjcifQ."
    "eyJpc3MiOiJwdXNoQGRlbW8tcHJvamVjdC5pYW0uZ3NlcnZpY2VhY2NvdW50LmNvbSIsInNjb3BlIjoiaHR0cHM6Ly93d3cuZ29vZ2xl"
    "YXBpcy5jb20vYXV0aC9maXJlYmFzZS5tZXNzYWdpbmciLCJhdWQiOiJodHRwczovL29hdXRoMi5nb29nbGVhcGlzLmNvbS90b2tlbiIs"
    "ImlhdCI6MTcwMDAwMDAwMCwiZXhwIjoxNzAwMDAzNjAwfQ"
)
FCM: Final = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD: Final = "type.googleapis.com/google.rpc.BadRequest"


def service_account(**changes: str) -> FcmAccount:
    """Read from the file that Google gives."""
    told = {
        "type": "service_account",
        "project_id": "demo-project",
        "client_email": "push@demo-project.iam.gserviceaccount.com",
        "private_key": rsa_pems()[0],
        "private_key_id": "0123456789abcdef0123456789abcdef01234567",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    return FcmAccount.read(json.dumps({**told, **changes}))


def message(account: FcmAccount | None = None, **changes: object) -> dict[str, Any]:
    """What is sent for a push."""
    encoded = payload(account or fcm_account(), push(**changes))
    assert encoded is not None
    told: dict[str, Any] = json.loads(encoded)["message"]
    return told


def test_the_signing_input_of_the_sheet_is_made() -> None:
    """Header and claims byte for byte (fcm §1), and a signature that PyJWT takes."""
    account = service_account()
    token = assertion(account, rsa_key(account.private_key), NOW)
    assert token.rpartition(".")[0] == SIGNED
    told = jwt.decode(
        token,
        rsa_pems()[1],
        algorithms=["RS256"],
        audience=account.token_uri,
        options={"verify_exp": False, "verify_iat": False},
    )
    assert told["exp"] == told["iat"] + 3_600


def test_the_sign_in_is_a_form() -> None:
    """To the address of the service account's file."""
    account = service_account()
    made = sign_in(account, rsa_key(account.private_key), NOW)
    told = dict(made.headers)
    assert (told[b":authority"], told[b":path"]) == (b"oauth2.googleapis.com", b"/token")
    assert told[b"content-type"] == b"application/x-www-form-urlencoded"
    assert made.body.startswith(
        b"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=ey"
    )


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (
            200,
            '{"access_token":"ya29","expires_in":3599,"token_type":"Bearer"}',
            Grant(value="ya29", lifetime_s=3599),
        ),
        (200, '{"access_token":"ya29"}', Grant(value="ya29", lifetime_s=60)),
        (200, '{"access_token":"公"}', Deferred(code="auth:http_200")),
        (200, "<html>", Deferred(code="auth:http_200")),
        (400, '{"error":"invalid_grant"}', Refused(code="auth:invalid_grant", alarm=True)),
        (401, '{"error":"invalid_client"}', Refused(code="auth:invalid_client", alarm=True)),
        (503, "", Deferred(code="auth:http_503", after_s=7)),
    ],
)
def test_every_answer_to_the_sign_in_is_read(status: int, body: str, outcome: object) -> None:
    """A token, an alarm about the key, or later."""
    headers = {"retry-after": "7"} if status == 503 else {}
    assert granted(Answer(status=status, headers=headers, body=body.encode())) == outcome


def test_a_message_is_what_the_sheet_says() -> None:
    """Target, priority, life, collapse key, channel, replacement, count (fcm §2)."""
    told = message(token="t1", tag="inbox", badge=3, urgent=True, ttl_s=60, id="p")
    assert told == {
        "token": "t1",
        "notification": {"title": "新公文", "body": "您有 3 件公文待签收"},
        "data": {"id": "p", "url": "/inbox"},
        "android": {
            "priority": "high",
            "ttl": "60s",
            "collapse_key": "inbox",
            "notification": {"channel_id": "songda", "tag": "inbox", "notification_count": 3},
        },
    }
    quiet = message(silent=True, ttl_s=90 * 86_400)["android"]
    assert (quiet["notification"]["channel_id"], quiet["priority"]) == ("songda_quiet", "normal")
    assert quiet["ttl"] == "2419200s"


def test_a_data_message_holds_text_only() -> None:
    """The app draws it: everything in ``data``, every value a string (fcm §2)."""
    told = message(fcm_account(style="data"), badge=3, tag="inbox")
    assert "notification" not in told
    assert "notification" not in told["android"]
    assert set(map(type, told["data"].values())) == {str}
    assert (told["data"]["title"], told["data"]["badge"], told["data"]["tag"]) == ("新公文", "3", "inbox")


def test_the_request_goes_to_the_project() -> None:
    """Path, authority and bearer."""
    told = dict(request(service_account(), b"{}", "ya29").headers)
    assert told[b":path"] == b"/v1/projects/demo-project/messages:send"
    assert told[b":authority"] == b"fcm.googleapis.com"
    assert told[b"authorization"] == b"Bearer ya29"


@given(
    st.text(max_size=40), st.text(max_size=60), st.integers(0, 90), st.sampled_from(["notification", "data"])
)
def test_a_message_always_fits(title: str, body: str, times: int, style: str) -> None:
    """Any text: at most 4,096 bytes of JSON."""
    encoded = payload(fcm_account(style=style), push(title=title, body=body * times))
    assert encoded is not None
    assert len(encoded) <= PAYLOAD_MAX
    json.loads(encoded)


def test_what_cannot_be_cut_is_not_sent() -> None:
    """An address of 5,000 characters."""
    assert payload(fcm_account(), push(url="/" + "x" * 5_000)) is None


def error(status: int, code: str, word: str = "", field: str = "", text: str = "-") -> Answer:
    """An error body of the sheet (fcm §3)."""
    details: list[dict[str, object]] = [{"@type": FCM, "errorCode": code}] if code else []
    if field:
        details.append({"@type": BAD, "fieldViolations": [{"field": field}]})
    body = {"error": {"code": status, "message": text, "status": word, "details": details}}
    return Answer(status=status, body=json.dumps(body).encode())


NOT_VALID: Final = "The registration token is not a valid FCM registration token"
TABLE: Final[list[tuple[Answer, Outcome, Verdict, bool]]] = [
    (error(404, "UNREGISTERED"), Refused(code="UNREGISTERED", gone=True), "accepted", False),
    (error(404, "", "NOT_FOUND"), Refused(code="NOT_FOUND", alarm=True), "misconfigured", False),
    (error(400, "INVALID_ARGUMENT", field="message.token"), Refused(code="INVALID_ARGUMENT", gone=True), "failed", False),
    (error(400, "INVALID_ARGUMENT", text=NOT_VALID), Refused(code="INVALID_ARGUMENT", gone=True), "failed", False),
    (error(400, "INVALID_ARGUMENT"), Refused(code="INVALID_ARGUMENT", alarm=True), "failed", False),
    (error(400, "INVALID_ARGUMENT", field="message.data"), Refused(code="INVALID_ARGUMENT", alarm=True), "failed", False),
    (error(403, "SENDER_ID_MISMATCH"), Refused(code="SENDER_ID_MISMATCH", gone=True), "failed", False),
    (error(403, "", "PERMISSION_DENIED"), Refused(code="PERMISSION_DENIED", alarm=True), "misconfigured", False),
    (error(401, "THIRD_PARTY_AUTH_ERROR"), Refused(code="THIRD_PARTY_AUTH_ERROR", alarm=True), "misconfigured", False),
    (error(401, "", "UNAUTHENTICATED"), Refused(code="UNAUTHENTICATED", alarm=True), "misconfigured", True),
    (error(429, "QUOTA_EXCEEDED"), Deferred(code="flow:QUOTA_EXCEEDED", after_s=60), "throttled", False),
    (error(429, "", "RESOURCE_EXHAUSTED"), Deferred(code="flow:RESOURCE_EXHAUSTED", after_s=60), "throttled", False),
    (error(503, "UNAVAILABLE"), Deferred(code="server:UNAVAILABLE"), "retry", False),
    (error(500, "INTERNAL"), Deferred(code="server:INTERNAL"), "retry", False),
    (Answer(status=503), Deferred(code="server:http_503"), "retry", False),
    (Answer(status=502, body=b"<html>"), InDoubt(why="http_502"), "retry", False),
    (Answer(status=504), InDoubt(why="http_504"), "retry", False),
    (Answer(status=402), Refused(code="http_402", alarm=True), "failed", False),
    (Answer(status=200, body=b'{"name":"projects/p/messages/1"}'), Accepted(receipt="projects/p/messages/1"), "accepted", False),
    (Answer(status=200, body=b"<"), Accepted(), "accepted", False),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "outcome", "weight", "stale"), TABLE)
def test_every_error_has_its_verdict(answer: Answer, outcome: Outcome, weight: Verdict, stale: bool) -> None:  # noqa: FBT001 - the expectation
    """The sheet's table (fcm §3): gone only where the token is named, a new access token only for 401."""
    assert verdict_of(answer, proven=True) == (outcome, weight, stale)


def test_retry_after_is_honoured() -> None:
    """429 and 503 with a time."""
    for status, code in ((429, "flow:http_429"), (503, "server:http_503")):
        told = verdict_of(Answer(status=status, headers={"retry-after": "33"}), proven=True).outcome
        assert told == Deferred(code=code, after_s=33)


def test_another_projects_tokens_are_not_dead_before_one_was_ours() -> None:
    """The wrong service account makes every device look foreign: an alarm first, nothing is pruned."""
    told = verdict_of(error(403, "SENDER_ID_MISMATCH"), proven=False).outcome
    assert told == Refused(code="SENDER_ID_MISMATCH", alarm=True)


@given(st.integers(200, 599), st.recursive(st.none() | st.text() | st.integers(), lambda one: st.lists(one) | st.dictionaries(st.sampled_from(["error", "details", "status", "message", "@type"]), one)))  # fmt: skip
def test_any_answer_has_a_verdict(status: int, body: object) -> None:
    """JSON of any shape is no reason to fail; nothing of it makes a device dead by accident."""
    told = verdict_of(Answer(status=status, body=json.dumps(body).encode()), proven=False).outcome
    assert isinstance(told, Accepted | Refused | Deferred | InDoubt)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("project_id", "UPPER case"),
        ("client_email", ""),
        ("token_uri", "http://plain"),
        ("token_uri", "https://u@h/"),
    ],
)
def test_an_account_that_cannot_work_is_refused_at_once(field: str, value: str) -> None:
    """The fault names the field, and never shows the key."""
    with pytest.raises(ValueError, match=field):
        service_account(**{field: value})
    assert "PRIVATE" not in repr(service_account())
    with pytest.raises(ValueError, match="service_account"):
        FcmAccount.read("{}")
    with pytest.raises(ValueError, match="url"):
        place_of("url", "https://[::1")
