"""Xiaomi: forms and lists, every listed code, receipts with our mark."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode

import msgspec
import pytest

from inbox_store.times import US, day_start, int_day
from push.app.calls import Answer, Delivered, Failed, NotTheirs
from push.app.marks import mark, receipt_for
from push.app.sender import Accepted, Deferred, InDoubt, Outcome, Push, Refused
from push.app.simulator.far import Keys
from push.app.xiaomi import XiaomiDialect, receipts
from push.app.xiaomi.answers import outcomes
from push.app.xiaomi.asking import EXTRA_MAX, LINK_SHORT, extra_size, request
from tests.push.push_world import HOME, OURS, xiaomi

ACCOUNT = xiaomi("https://push.example", Keys("1", "app-secret"))
EVENING = day_start(int_day(20261122)) + 23 * 3600 * US


def push(device: str = "reg1", **changed: object) -> Push:
    """One alert."""
    told = {"id": "n1", "token": device, "title": "来文", "body": "请签收", "url": "/i/1"}
    return msgspec.convert({**told, **changed}, Push)


def said(body: bytes, status: int = 200) -> Outcome:
    """The outcome of an answer to one push."""
    (told,) = outcomes(ACCOUNT, Answer(status=status, body=body), [push()], EVENING)
    return told


def test_one_device_is_a_form() -> None:
    """The secret in its header with a small ``key``; milliseconds; the granted class; our link; a jobkey."""
    told = request(ACCOUNT, [push(ttl_s=3600)], EVENING)
    form = {name: value[0] for name, value in parse_qs(told.body.decode()).items()}
    assert told.path == "/v3/message/regid"
    assert told.headers["Authorization"] == "key=app-secret"
    assert (form["registration_id"], form["time_to_live"], form["pass_through"]) == ("reg1", "3600000", "0")
    assert (form["extra.channel_id"], form["extra.web_uri"]) == ("100234", f"{HOME}/i/1")
    assert len(form["extra.jobkey"]) == 20


def test_many_devices_have_texts_and_jobkeys_of_their_own() -> None:
    """A list of targets and messages; a repetition bears the same jobkey whatever it is bundled with."""
    told = request(ACCOUNT, [push("a", id="1"), push("b", id="2", title="另一件")], EVENING)
    entries = msgspec.json.decode(parse_qs(told.body.decode())["messages"][0])
    assert told.path == "/v2/multi_messages/regids"
    assert [one["target"] for one in entries] == ["a", "b"]
    assert [one["message"]["title"] for one in entries] == ["来文", "另一件"]
    alone = parse_qs(request(ACCOUNT, [push("a", id="1")], EVENING).body.decode())
    assert entries[0]["message"]["extra"]["jobkey"] == alone["extra.jobkey"][0]
    assert entries[0]["message"]["extra"]["jobkey"] != entries[1]["message"]["extra"]["jobkey"]


def test_limits_hold() -> None:
    """Long texts are cut below 50 and 128; a link that does not fit is told before."""
    form = parse_qs(request(ACCOUNT, [push(title="长" * 99, body="文" * 999)], EVENING).body.decode())
    assert (len(form["title"][0]), len(form["description"][0])) == (49, 127)
    dialect = XiaomiDialect(ACCOUNT)
    assert dialect.unsendable(push(url="/" + "x" * 900)) == Refused(code="too_long")
    wide = xiaomi("https://push.example", Keys("1", "s"), callback="https://" + "c" * 120)
    wide = msgspec.structs.replace(wide, channel_id="9" * 64, home="https://" + "h" * 120)
    longest = push(url="/" + "x" * (LINK_SHORT - 1))
    assert extra_size(wide, longest) <= EXTRA_MAX
    assert dialect.unsendable(push("a,b")) == Refused(code="bad_token")


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        ("-1 1 10001 10002 10003 65029 20301 22102", "server"),
        ("10027 26004 10039", "flow"),
    ],
)
def test_codes_that_put_off(codes: str, kind: str) -> None:
    """Busy and too fast come again."""
    for code in codes.split():
        assert said(msgspec.json.encode({"result": "error", "code": int(code)})) == Deferred(
            code=f"{kind}:{code}"
        )


@pytest.mark.parametrize(
    ("codes", "alarm"),
    [
        ("10008 10012 10016 10017 21305 10029 65003 65009 65015", False),
        ("10031 10036 22000 21301 21302 21303 22006 22007 22022 26006 27001 65036 65037 65038", True),
    ],
)
def test_codes_that_refuse(codes: str, alarm: bool) -> None:  # noqa: FBT001 - a column of the table
    """No code of a call condemns a device; those of the account are alarms."""
    for code in codes.split():
        assert said(msgspec.json.encode({"result": "error", "code": int(code)})) == Refused(
            code=code, alarm=alarm
        )


def test_the_days_number_lasts_until_midnight() -> None:
    """10034 at 23:00 in China puts off for an hour."""
    assert said(b'{"result":"error","code":10034}') == Deferred(code="quota:10034", after_s=3600)


def test_accepted_bears_our_receipt() -> None:
    """The id that our mark brings back; nobody's where no receipts are asked for."""
    body = b'{"result":"ok","trace_id":"x","code":0,"data":{"id":"m1"}}'
    assert said(body) == Accepted(receipt=receipt_for(OURS, "n1"))
    silent = xiaomi("https://push.example", Keys("1", "s"), callback="")
    assert outcomes(silent, Answer(status=200, body=body), [push()], EVENING) == [Accepted()]
    assert said(b"{") == InDoubt(why="unreadable answer")
    assert said(b"", 502) == Deferred(code="server:http_502")


def heard(entry: dict[str, object]) -> list[Delivered | Failed]:
    """A callback of one entry read."""
    body = urlencode({"data": msgspec.json.encode({"m1": entry}).decode()}).encode()
    return receipts({}, body, OURS, EVENING)


@pytest.mark.parametrize("spelling", ["timestamp", "timeStamp"])
def test_receipts_by_type(spelling: str) -> None:
    """1 delivers, 16 condemns, 32, 64 and 128 fail, 2 is a click and settles nothing."""
    entry: dict[str, object] = {"param": mark(OURS, "reg1", "n1"), "targets": "reg1", spelling: 1700000000000}
    receipt, at = receipt_for(OURS, "n1"), 1_700_000_000 * US
    assert heard({**entry, "type": 1}) == [Delivered(receipt=receipt, token="reg1", at=at)]
    for code in (16, 32, 64, 128):
        (told,) = heard({**entry, "type": code})
        assert told == Failed(receipt=receipt, token="reg1", code=str(code), gone=code == 16, at=at)
    assert heard({**entry, "type": 2}) == []


@pytest.mark.parametrize(
    "param", ["", "n1", mark("other", "reg1", "n1"), mark(OURS, "reg2", "n1"), mark(OURS, "reg1", "n1")[:-1]]
)
def test_without_our_mark_nothing_is_heard(param: str) -> None:
    """A foreign secret, another device's mark, a cut one: a forged receipt tells nothing."""
    with pytest.raises(NotTheirs):
        heard({"param": param, "type": 16, "targets": "reg1"})


@pytest.mark.parametrize("body", [b"", b"\xff", b"data=%7B", b"data=[]"])
def test_what_is_no_callback_is_refused(body: bytes) -> None:
    """Anything else than a form with an object."""
    with pytest.raises(NotTheirs):
        receipts({}, body, OURS, EVENING)
