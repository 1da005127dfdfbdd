"""Huawei: the sheet's vectors, requests of both APIs, every listed code, receipts."""

from __future__ import annotations

import base64

import msgspec
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from inbox_store.times import US
from push.app.calls import Answer, Delivered, Failed, NotTheirs, receipt_of
from push.app.huawei import HARMONY, HuaweiCallback, HuaweiDialect, ServiceKey, receipts
from push.app.huawei.answers import granted, outcomes, stale
from push.app.huawei.asking import jwt, login, request, signing_input
from push.app.huawei.receipts import HEADER, sign
from push.app.sender import Accepted, Deferred, InDoubt, Outcome, Push, Refused
from push.app.simulator.far import Keys
from push.app.tokens import Grant
from tests.push.push_world import HOME, huawei, rsa_pair

NOW = 1_700_000_000 * US
ACCOUNT = huawei("https://push.example", Keys("100000001", "s"), harmony=True)
SIGNING_INPUT = (
    "eyJraWQiOiJhMWIyYzMiLCJ0eXAiOiJKV1QiLCJhbGciOiJQUzI1NiJ9."
    "eyJpc3MiOiIxMDAwMDAwMDEiLCJhdWQiOiJodHRwczovL29hdXRoLWxvZ2luLmNsb3VkLmh1YXdlaS5jb20vb2F1dGgyL3YzL3Rva2VuIiwi"
    "aWF0IjoxNzAwMDAwMDAwLCJleHAiOjE3MDAwMDM2MDB9"
)
CALLBACK = HuaweiCallback(user="callbackuser", key="callbackkey0001")
NONCE = "a07bfa17-6d82-4b53-a9a2-07cfef5ceef1"
VALUE = "n17qvd9Caqn5BS3G6erGvACZ7FFxzyVnRCFyoOErTkA="
SIGNED = {HEADER.lower(): f"timestamp=1700000000000; nonce={NONCE}; value={VALUE}"}


def push(device: str = "t1", **changed: object) -> Push:
    """One alert."""
    told = {"id": "n1", "token": device, "title": "来文", "body": "请签收", "url": "/i/1", "tag": "doc1"}
    return msgspec.convert({**told, **changed}, Push)


def said(body: object, *pushes: Push, status: int = 200) -> list[Outcome]:
    """The outcomes of an answer to those pushes."""
    return outcomes(Answer(status=status, body=msgspec.json.encode(body)), pushes or [push()])


def test_the_jwt_is_the_sheets() -> None:
    """Header and claims are byte for byte the sheet's example; the signature is PSS and verifies."""
    private, public = rsa_pair()
    key = ServiceKey(project_id="p", key_id="a1b2c3", private_key=private, sub_account="100000001")
    assert signing_input(key, NOW) == SIGNING_INPUT
    told, _, signature = jwt(key, NOW).rpartition(".")
    assert told == SIGNING_INPUT
    verifier = serialization.load_pem_public_key(public.encode())
    assert isinstance(verifier, rsa.RSAPublicKey)
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    verifier.verify(base64.urlsafe_b64decode(signature + "=="), told.encode(), pss, hashes.SHA256())


def test_the_callbacks_signature_is_the_sheets() -> None:
    """Key, timestamp, nonce and user give the sheet's value."""
    assert sign(CALLBACK, "1700000000000", NONCE) == VALUE


def test_v1_is_asked_as_the_sheet_says() -> None:
    """Path, bearer and the fields of an office notice: WORK, NORMAL, our link, a number that replaces."""
    told = request(ACCOUNT, [push("t1"), push("t2")], NOW, "tok")
    body = msgspec.json.decode(told.body)
    assert told.path == "/v1/100000001/messages:send"
    assert told.headers["Authorization"] == "Bearer tok"
    assert body["message"]["token"] == ["t1", "t2"]
    android = body["message"]["android"]
    assert (android["ttl"], android["category"], android["collapse_key"]) == ("86400s", "WORK", -1)
    assert android["notification"]["click_action"] == {"type": 2, "url": f"{HOME}/i/1"}
    assert android["notification"]["importance"] == "NORMAL"
    same = msgspec.json.decode(request(ACCOUNT, [push(id="n2")], NOW, "tok").body)["message"]["android"]
    assert same["notification"]["notify_id"] == android["notification"]["notify_id"]


def test_v3_is_asked_as_the_sheet_says() -> None:
    """A HarmonyOS device goes by v3, with its push-type and its token as Huawei knows it."""
    told = request(ACCOUNT, [push(f"{HARMONY}h1", badge=120)], NOW, "jwt")
    body = msgspec.json.decode(told.body)
    assert (told.path, told.headers["push-type"]) == ("/v3/p1/messages:send", "0")
    assert body["target"] == {"token": ["h1"]}
    assert body["payload"]["notification"]["badge"] == {"setNum": 99}
    assert body["pushOptions"]["ttl"] == 86400


def test_lanes_never_mix_texts_or_apis() -> None:
    """Pushes that differ in anything but id and token do not share a body; v1 and v3 have doors of their own."""
    dialect = HuaweiDialect(ACCOUNT)
    assert dialect.lane(push("a", id="1")) == dialect.lane(push("b", id="2"))
    others = [push(title="other"), push(badge=1), push(urgent=True), push(f"{HARMONY}a")]
    assert len({dialect.lane(one) for one in [push(), *others]}) == 5
    assert {dialect.door(dialect.lane(one)) for one in [push(), push(f"{HARMONY}a")]} == {"v1", "v3"}


def test_what_cannot_be_sent_is_told_before() -> None:
    """A body above 4096 bytes, and a HarmonyOS device without a service account."""
    plain = HuaweiDialect(huawei("https://push.example", Keys("1", "s")))
    assert plain.unsendable(push()) is None
    assert plain.unsendable(push(f"{HARMONY}h")) == Refused(code="no_service_account", alarm=True)
    assert plain.unsendable(push(url="/" + "x" * 4000)) == Refused(code="too_long")
    assert plain.unsendable(push("other", id="n2", url="/" + "x" * 4000)) == Refused(code="too_long")
    assert plain.unsendable(push()) is None


def test_the_token_may_come_escaped() -> None:
    """A slash in the token is escaped in Huawei's JSON."""
    body = rb'{"access_token":"a\/b","expires_in":3600,"token_type":"Bearer"}'
    assert granted(Answer(status=200, body=body)) == Grant(value="a/b", lifetime_s=3600)
    assert isinstance(login(ACCOUNT, NOW, "v3"), Grant)


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (400, b'{"error":1101}', Refused(code="1101", alarm=True)),
        (500, b"", Deferred(code="server:http_500")),
        (503, b"", Deferred(code="flow:http_503")),
        (200, b"<html>", Refused(code="http_200", alarm=True)),
    ],
)
def test_a_token_that_does_not_come(status: int, body: bytes, told: object) -> None:
    """Wrong keys are an alarm, an overloaded server is asked later."""
    assert granted(Answer(status=status, body=body)) == told


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("80100001", Refused(code="80100001")),
        ("80100003", Refused(code="80100003")),
        ("80100004", Refused(code="80100004")),
        ("80100013", Refused(code="80100013")),
        ("80100016", Refused(code="80100016")),
        ("80100017", Deferred(code="flow:80100017")),
        ("80200001", Refused(code="80200001", alarm=True)),
        ("80200003", Deferred(code="auth:80200003")),
        ("80200005", Deferred(code="auth:80200005")),
        ("80300002", Refused(code="80300002", alarm=True)),
        ("80300007", Refused(code="80300007")),
        ("80300008", Refused(code="80300008")),
        ("80300010", Refused(code="80300010")),
        ("80300011", Refused(code="80300011", alarm=True)),
        ("80300013", Refused(code="80300013", alarm=True)),
        ("80600003", Deferred(code="auth:80600003")),
        ("81000001", Deferred(code="server:81000001")),
        ("99999999", Refused(code="99999999")),
    ],
)
def test_each_code_means_what_the_sheet_says(code: str, told: Outcome) -> None:
    """Codes of the whole request; none of them condemns a device."""
    assert said({"code": code, "msg": "x", "requestId": "r"}, push("a"), push("b")) == [told, told]
    assert stale(Answer(status=200, body=msgspec.json.encode({"code": code}))) == code.startswith("802")


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (401, Refused(code="http_401", alarm=True)),
        (404, Refused(code="http_404", alarm=True)),
        (500, Deferred(code="server:http_500")),
        (502, Deferred(code="server:http_502")),
        (503, Deferred(code="flow:http_503")),
        (200, InDoubt(why="unreadable answer")),
    ],
)
def test_a_status_without_a_code(status: int, told: Outcome) -> None:
    """503 is flow control; a 200 that nobody can read may have been taken."""
    assert outcomes(Answer(status=status, body=b"<html>"), [push()]) == [told]


def test_v1_tells_the_refused_tokens_in_a_string() -> None:
    """Only those of the list are dead; the rest is accepted, with receipts of their own."""
    message = '{"success":1,"failure":1,"illegal_tokens":["x"]}'
    told = said({"code": "80100000", "msg": message, "requestId": "r"}, push("ok"), push("x"))
    assert told == [Accepted(receipt=receipt_of("r", "ok")), Refused(code="80100000", gone=True)]


@pytest.mark.parametrize("as_text", [True, False])
def test_v3_tells_reasons(as_text: bool) -> None:  # noqa: FBT001 - the two spellings
    """A malformed token is dead; one without the right is a fault of ours."""
    inner = {"illegalTokens": {"tokenFormatError": ["x"], "noRight": ["y"]}, "success": 1, "failure": 2}
    message = msgspec.json.encode(inner).decode() if as_text else inner
    pushes = [push(f"{HARMONY}{name}") for name in ("x", "ok", "y")]
    told = said({"code": "80100000", "msg": message, "requestId": "r"}, *pushes)
    assert told[0] == Refused(code="80100000:tokenFormatError", gone=True)
    assert isinstance(told[1], Accepted)
    assert told[2] == Refused(code="80100000:noRight", alarm=True)


def test_a_list_nobody_can_read_leaves_all_in_doubt() -> None:
    """Sending the whole batch again would alert twice."""
    told = said({"code": "80100000", "msg": "some failed", "requestId": "r"}, push("a"), push("b"))
    assert [type(one) for one in told] == [InDoubt, InDoubt]


def test_all_invalid_condemns_for_format_only() -> None:
    """A wrong app id gives the same code for everyone."""
    inner = {"illegalTokens": {"tokenFormatError": ["x"]}}
    told = said({"code": "80300007", "msg": msgspec.json.encode(inner).decode()}, push("x"), push("y"))
    assert told == [Refused(code="80100000:tokenFormatError", gone=True), Refused(code="80300007")]


def heard(
    statuses: object, headers: dict[str, str] | None = None, now: int = NOW
) -> list[Delivered | Failed]:
    """A callback read."""
    body = msgspec.json.encode({"statuses": statuses})
    return receipts(SIGNED if headers is None else headers, body, CALLBACK, now)


def test_both_bodies_of_receipts() -> None:
    """V1 and V2 give the receipt that the acceptance bore; only 2 and 5 condemn a device."""
    v1 = [{"biTag": "b", "token": "t", "status": 0, "timestamp": 1700000000000, "requestId": "r"}]
    v2 = [{"token": "t", "requestId": "r", "deliveryStatus": {"result": 0, "timestamp": 1700000000000}}]
    receipt = receipt_of("r", "t")
    assert heard(v1) == heard(v2) == [Delivered(receipt=receipt, token="t", at=NOW)]
    codes = ["2", "5", "6", "10", "14", "15", "22", "27", "31", "51", "102", "144", "201"]
    told = heard([{"token": "t", "requestId": "r", "status": int(code)} for code in codes])
    assert [(one.code, one.gone) for one in told if isinstance(one, Failed)] == [
        (code, code in {"2", "5"}) for code in codes
    ]


@pytest.mark.parametrize(
    ("headers", "now"),
    [
        ({}, NOW),
        ({HEADER: f"timestamp=1700000000000; nonce={NONCE}; value=AAAA"}, NOW),
        ({HEADER: f"timestamp=1700000000001; nonce={NONCE}; value={VALUE}"}, NOW),
        (SIGNED, NOW + 301 * US),
        (SIGNED, NOW - 301 * US),
    ],
)
def test_a_forged_or_old_callback_is_refused(headers: dict[str, str], now: int) -> None:
    """Missing, wrong, changed or old: nothing is read."""
    with pytest.raises(NotTheirs):
        heard([], headers, now)


def test_no_secret_is_shown() -> None:
    """What a log or a trace may show of an account holds no secret."""
    assert ACCOUNT.service is not None
    shown = f"{ACCOUNT!r}{ACCOUNT.service!r}{CALLBACK!r}{Grant(value='tok-en', lifetime_s=1)!r}"
    assert not [word for word in ("PRIVATE", "callbackkey", "tok-en", "client_secret") if word in shown]
