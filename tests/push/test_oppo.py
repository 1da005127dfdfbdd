"""OPPO: the sheet's vector, batches, every listed code, receipts."""

from __future__ import annotations

from urllib.parse import parse_qs

import msgspec
import pytest

from inbox_store.times import US, day_start, int_day
from push.app.calls import Answer, Delivered, NotTheirs
from push.app.marks import mark, receipt_for
from push.app.oppo import receipts
from push.app.oppo.answers import granted, outcomes, stale
from push.app.oppo.asking import login, request, sign
from push.app.sender import Accepted, Deferred, InDoubt, Outcome, Push, Refused
from push.app.simulator.far import Keys
from push.app.tokens import Grant
from tests.push.push_world import OURS, oppo

ACCOUNT = oppo("https://push.example", Keys("appkey0001", "mastersecret0001"))
NOW = 1_700_000_000 * US
EVENING = day_start(int_day(20261122)) + 22 * 3600 * US
SIGN = "7c6d3559e7ed98096dc7534e0c23bf8917a730099a7be38a811a76fee7c54816"


def push(device: str = "CN_1", **changed: object) -> Push:
    """One alert."""
    told = {"id": device, "token": device, "title": "来文", "body": "请签收", "url": "/i/1"}
    return msgspec.convert({**told, **changed}, Push)


def said(body: object, *pushes: Push) -> list[Outcome]:
    """The outcomes of an answer to those pushes."""
    return outcomes(ACCOUNT, Answer(status=200, body=msgspec.json.encode(body)), pushes or [push()], EVENING)


def test_the_signature_is_the_sheets() -> None:
    """Key, milliseconds and master secret give the sheet's SHA-256, and that is what the log-in posts."""
    assert sign("appkey0001", "1700000000000", "mastersecret0001") == SIGN
    form = parse_qs(login(ACCOUNT, NOW).body.decode())
    assert form == {"app_key": ["appkey0001"], "timestamp": ["1700000000000"], "sign": [SIGN]}


def test_the_token_holds_a_day() -> None:
    """As the vendor says; a refused key is an alarm, a busy service is asked later."""
    body = b'{"code":0,"data":{"auth_token":"tok","create_time":1}}'
    assert granted(Answer(status=200, body=body)) == Grant(value="tok", lifetime_s=86_400)
    assert granted(Answer(status=200, body=b'{"code":14}')) == Refused(code="14", alarm=True)
    assert granted(Answer(status=200, body=b'{"code":-1}')) == Deferred(code="server:-1")


def test_one_and_many_are_asked_as_the_sheet_says() -> None:
    """Single and batch paths; each message has its own target, text and de-duplication id."""
    one = request(ACCOUNT, [push()], NOW, "tok")
    assert (one.path, one.headers["auth_token"]) == ("/server/v1/message/notification/unicast", "tok")
    many = request(ACCOUNT, [push("a"), push("b", body="长" * 200)], NOW, "tok")
    entries = msgspec.json.decode(parse_qs(many.body.decode())["messages"][0])
    assert many.path == "/server/v1/message/notification/unicast_batch"
    assert [one["target_value"] for one in entries] == ["a", "b"]
    shown = [one["notification"] for one in entries]
    assert [(one["style"], len(one["content"])) for one in shown] == [(1, 3), (2, 128)]
    assert shown[0]["app_message_id"] != shown[1]["app_message_id"]
    assert all(len(one["call_back_parameter"]) <= 50 for one in shown)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (-1, Deferred(code="server:-1")),
        (-2, Deferred(code="flow:-2")),
        (11, Refused(code="11", alarm=True)),
        (12, Refused(code="12")),
        (13, Deferred(code="quota:13", after_s=7200)),
        (10000, Refused(code="10000")),
        (777, Refused(code="777")),
    ],
)
def test_codes_of_a_call(code: int, told: Outcome) -> None:
    """None condemns a device: 10000 only as the code of one message in a batch."""
    assert said({"code": code}, push("a"), push("b")) == [told, told]
    assert stale(Answer(status=200, body=msgspec.json.encode({"code": code}))) == (code == 11)


def test_a_batch_is_read_by_registration_id() -> None:
    """Out of order, with one dead and one missing: each finds its own."""
    data = [
        {"messageId": "2", "registrationId": "b", "errorCode": 10000, "errorMessage": "bad"},
        {"messageId": "1", "registrationId": "a"},
    ]
    told = said({"code": 0, "data": data}, push("a"), push("b"), push("c"))
    assert told == [
        Accepted(receipt=receipt_for(OURS, "a")),
        Refused(code="10000", gone=True),
        InDoubt(why="not named in the answer"),
    ]


@pytest.mark.parametrize("ids", ["CN_1", ["CN_1"], "CN_1;CN_2"])
def test_receipts_are_read_tolerantly(ids: object) -> None:
    """Ids as text or list, alone or in a list of events; only with our mark for that device."""
    entry = {
        "messageId": "m",
        "registrationIds": ids,
        "eventTime": "1700000000000",
        "param": mark(OURS, "CN_1", "n1"),
        "eventType": "push_arrive",
    }
    wanted = [Delivered(receipt=receipt_for(OURS, "n1"), token="CN_1", at=NOW)]
    assert receipts({}, msgspec.json.encode([entry]), OURS, NOW) == wanted
    assert receipts({}, msgspec.json.encode(entry), OURS, NOW) == wanted
    for bad in (msgspec.json.encode([{**entry, "param": "x"}]), b"<html>"):
        with pytest.raises(NotTheirs):
            receipts({}, bad, OURS, NOW)
