"""Honor: the request, both spellings of success, dead and failed tokens, receipts."""

from __future__ import annotations

import msgspec
import pytest

from inbox_store.times import US
from push.app.calls import Answer, Delivered, Failed, NotTheirs, receipt_of
from push.app.honor import receipts
from push.app.honor.answers import granted, outcomes
from push.app.honor.asking import request
from push.app.marks import mark
from push.app.sender import Accepted, Deferred, InDoubt, Outcome, Push, Refused
from push.app.simulator.far import Keys
from push.app.tokens import Grant
from tests.push.push_world import HOME, OURS, honor

ACCOUNT = honor("https://push.example", Keys("app1", "s"))
NOW = 1_700_000_000 * US


def push(device: str = "t1", **changed: object) -> Push:
    """One alert."""
    told = {"id": "n1", "token": device, "title": "来文", "body": "请签收", "url": "/i/1"}
    return msgspec.convert({**told, **changed}, Push)


def said(body: object, *pushes: Push, status: int = 200) -> list[Outcome]:
    """The outcomes of an answer to those pushes."""
    answer = Answer(status=status, body=msgspec.json.encode(body))
    return outcomes(answer, pushes or [push()], receipts=True)


def test_a_message_is_asked_as_the_sheet_says() -> None:
    """Path, bearer, milliseconds, the service class and our link; silent ones are of the other class."""
    told = request(ACCOUNT, [push("a"), push("b")], NOW, "tok")
    body = msgspec.json.decode(told.body)
    assert told.path == "/api/v1/app1/sendMessage"
    assert (told.headers["Authorization"], told.headers["timestamp"]) == ("Bearer tok", "1700000000000")
    assert (body["token"], body["android"]["ttl"]) == (["a", "b"], "86400s")
    shown = body["android"]["notification"]
    assert (shown["importance"], shown["clickAction"]) == ("NORMAL", {"type": 2, "url": f"{HOME}/i/1"})
    quiet = msgspec.json.decode(request(ACCOUNT, [push(silent=True)], NOW).body)
    assert quiet["android"]["notification"]["importance"] == "LOW"


def test_the_token_is_granted() -> None:
    """As OAuth2 says."""
    body = b'{"access_token":"t","expires_in":3600,"token_type":"Bearer"}'
    assert granted(Answer(status=200, body=body)) == Grant(value="t", lifetime_s=3600)
    assert granted(Answer(status=401, body=b'{"error":"bad"}')) == Refused(code="bad", alarm=True)
    assert granted(Answer(status=502)) == Deferred(code="server:http_502")


@pytest.mark.parametrize("code", [200, 80000000, "80000000"])
def test_the_result_decides_not_the_code(code: object) -> None:
    """Sources disagree on the code of success: ``sendResult`` is looked at, ``expireTokens`` are dead, others come again."""
    data = {"sendResult": True, "requestId": "r", "failTokens": ["b"], "expireTokens": ["c"]}
    told = said({"code": code, "data": data}, push("a"), push("b"), push("c"))
    assert told == [
        Accepted(receipt=receipt_of("r", "a")),
        Deferred(code="device:failTokens"),
        Refused(code="expireTokens", gone=True),
    ]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("80200001", Refused(code="80200001", alarm=True)),
        ("80200003", Deferred(code="auth:80200003")),
        ("80300007", Refused(code="80300007")),
        ("80100001", Refused(code="80100001")),
        (200, Refused(code="200")),
    ],
)
def test_a_result_of_false_is_a_refusal(code: object, told: Outcome) -> None:
    """Whatever the code says of success; none of a whole call condemns a device."""
    assert said({"code": code, "data": {"sendResult": False}}, push("a"), push("b")) == [told, told]


def test_statuses_without_a_body() -> None:
    """429 and 5xx come again, nonsense is in doubt."""
    assert said({"code": 429}, status=429) == [Deferred(code="flow:http_429")]
    assert outcomes(Answer(status=500), [push()], receipts=True) == [Deferred(code="server:http_500")]
    assert outcomes(Answer(status=200, body=b"{"), [push()], receipts=True) == [
        InDoubt(why="unreadable answer")
    ]


def test_receipts_need_our_mark_and_condemn_nobody() -> None:
    """Huawei's codes are not known to be Honor's."""
    entry = {"token": "a", "biTag": mark(OURS, "", "n1"), "requestId": "r", "timestamp": 1700000000000}
    told = receipts(
        {}, msgspec.json.encode({"statuses": [{**entry, "status": 0}, {**entry, "status": 2}]}), OURS, NOW
    )
    assert told == [
        Delivered(receipt=receipt_of("r", "a"), token="a", at=NOW),
        Failed(receipt=receipt_of("r", "a"), token="a", code="2", at=NOW),
    ]
    with pytest.raises(NotTheirs):
        receipts({}, msgspec.json.encode({"statuses": [{**entry, "biTag": "x"}]}), OURS, NOW)
