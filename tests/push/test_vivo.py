"""vivo: the sheet's vector, texts that are let through, every listed code, receipts."""

from __future__ import annotations

import msgspec
import pytest

from inbox_store.times import US, day_start, int_day
from push.app.calls import TO_DO, Answer, Delivered, NotTheirs
from push.app.marks import mark, receipt_for
from push.app.sender import Accepted, Deferred, Outcome, Push, Refused
from push.app.simulator.far import Keys
from push.app.tokens import Grant
from push.app.vivo import VivoAccount, VivoDialect, receipts
from push.app.vivo.answers import granted, outcome
from push.app.vivo.asking import allowed, clipped_units, login, request, sign
from tests.push.push_world import HOME, OURS, vivo

ACCOUNT = vivo("https://push.example", Keys("10004", "secret0001"))
NOW = 1_700_000_000 * US
EVENING = day_start(int_day(20261122)) + 18 * 3600 * US
VECTOR = ("10004", "25509283-3767-4b9e-83fe-b6e55ac6b123", "1700000000000", "secret0001")
SIGN = "79d577fb798c30a4a03765bcf2b1d8bf"


def push(**changed: object) -> Push:
    """One alert."""
    told = {"id": "n1", "token": "reg1", "title": "【市政府办】来文", "body": "请签收", "url": "/i/1"}
    return msgspec.convert({**told, **changed}, Push)


def said(body: object, status: int = 200) -> Outcome:
    """The outcome of an answer."""
    return outcome(ACCOUNT, Answer(status=status, body=msgspec.json.encode(body)), push(), EVENING)


def test_the_signature_is_the_sheets() -> None:
    """Id, key, milliseconds and secret give the sheet's MD5, and that is what the log-in posts."""
    assert sign(*VECTOR) == SIGN
    account = VivoAccount(app_id=VECTOR[0], app_key=VECTOR[1], app_secret=VECTOR[3], home=HOME)
    body = msgspec.json.decode(login(account, NOW).body)
    assert body == {"appId": VECTOR[0], "appKey": VECTOR[1], "timestamp": 1700000000000, "sign": SIGN}


def test_the_token_is_granted() -> None:
    """A day long; a refused key is an alarm, too many calls are made later."""
    assert granted(Answer(status=200, body=b'{"result":0,"authToken":"t"}')) == Grant(
        value="t", lifetime_s=86_400
    )
    assert granted(Answer(status=200, body=b'{"result":10200}')) == Refused(code="10200", alarm=True)
    assert granted(Answer(status=200, body=b'{"result":10040}')) == Deferred(code="server:10040")


def test_a_message_is_asked_as_the_sheet_says() -> None:
    """System class, our link, seconds within a day, the key against repetitions."""
    told = request(ACCOUNT, push(ttl_s=10), NOW, "tok")
    body = msgspec.json.decode(told.body)
    assert (told.path, told.headers["authToken"]) == ("/message/send", "tok")
    assert (body["classification"], body["category"], body["skipType"]) == (1, TO_DO, 2)
    assert (body["skipContent"], body["timeToLive"], len(body["requestId"])) == (f"{HOME}/i/1", 60, 64)
    assert len(body["extra"]["callback.param"]) <= 64
    assert msgspec.json.decode(request(ACCOUNT, push(ttl_s=999_999), NOW).body)["timeToLive"] == 86_400


@pytest.mark.parametrize(
    ("text", "sent"),
    [("【市政府办】来文（急）", "市政府办 来文 急"), ("No. 42", "通知 No. 42"), ("来文", "来文")],
)
def test_texts_are_made_such_that_vivo_takes_them(text: str, sent: str) -> None:
    """Without brackets and never without Chinese (10085, 10104)."""
    assert allowed(text) == sent


def test_a_category_of_the_other_class_is_refused() -> None:
    """Marketing is silent and two a day: no office's notice is sent as such by a slip in the settings."""
    with pytest.raises(ValueError, match="category"):
        VivoAccount(app_id="1", app_key="2", app_secret="3", home=HOME, category="MARKETING")


def test_units_count_chinese_twice() -> None:
    """Forty units are twenty characters; what fits is left alone."""
    assert clipped_units("长" * 20, 40) == "长" * 20
    assert clipped_units("长" * 21, 40) == "长" * 19 + "…"
    assert clipped_units("a" * 40, 40) == "a" * 40


def test_the_word_for_test_is_told_before() -> None:
    """A real push with 测试 would be refused."""
    assert VivoDialect(ACCOUNT).unsendable(push(body="系统测试")) == Refused(code="text_refused")


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (10302, Refused(code="10302", gone=True)),
        (10040, Deferred(code="flow:10040")),
        (10054, Refused(code="10054")),
        (10070, Deferred(code="quota:10070", after_s=21_600)),
        (10073, Deferred(code="quota:10073", after_s=21_600)),
        (10252, Deferred(code="quota:10252", after_s=21_600)),
        (10254, Deferred(code="quota:10254", after_s=21_600)),
        (10071, Deferred(code="device:10071", after_s=10_800)),
        (10085, Refused(code="10085")),
        (10104, Refused(code="10104")),
        (10094, Refused(code="10094", alarm=True)),
    ],
)
def test_each_code_means_what_the_sheet_says(code: int, told: Outcome) -> None:
    """Only 10302 condemns; full days last until midnight in China."""
    assert said({"result": code, "desc": "x"}) == told


@pytest.mark.parametrize(("status", "is_gone"), [(1, True), (2, False)])
def test_invalid_users(status: int, is_gone: bool) -> None:  # noqa: FBT001 - a column of the table
    """Status 1 condemns, whatever others mean."""
    told = said({"result": 0, "taskId": "t", "invalidUsers": [{"status": status, "userid": "reg1"}]})
    assert isinstance(told, Refused if is_gone else Accepted)
    assert not is_gone or told == Refused(code="invalid_user", gone=True)


def test_receipts_need_our_mark() -> None:
    """By task id; for the device it was made for."""
    entry = {"param": mark(OURS, "reg1", "n1"), "targets": "reg1"}
    told = receipts({}, msgspec.json.encode({"task": entry}), OURS, NOW)
    assert told == [Delivered(receipt=receipt_for(OURS, "n1"), token="reg1")]
    for bad in (msgspec.json.encode({"task": {**entry, "targets": "reg2"}}), b"[]"):
        with pytest.raises(NotTheirs):
            receipts({}, bad, OURS, NOW)
