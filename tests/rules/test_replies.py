"""What people write back: read as they mean it, or not at all; and what it does to a unit's list of names."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.rules.replies import POST_BY_SMS, ask_zh, check, listed, personal, read_reply
from inbox_store.errors import Refused
from inbox_store.nouns import Attendee, MeetingForm
from inbox_store.programs.reply_rules import UNKNOWN, Kind, Meaning, Replier

WHO = Replier(name="张敏", post="局长", phone="13800138000")
FORM = MeetingForm(place="三楼", starts_at=200, reply_due_at=100, seats=2)

ATTENDS = [
    "1",
    "１",
    "①",
    "⑴",
    "⒈",
    "❶",
    "➊",
    "1️⃣",
    "一",
    "一。",
    "㊀",
    "（1）",
    "【水务局】1",
    "1【张敏】",
    "回复1",
    "回复：1",
    "选1",
    "#1",
    "+1",
    "1、",
    "1参会",
    "1，谢谢",
    "1好的",
    "1收到",
    "1--张敏",
]
SUBSTITUTES = {
    "2 张三": "张三",
    "2张三": "张三",
    "2，张三": "张三",
    "２、张三": "张三",
    "②张三": "张三",
    "2+张三": "张三",
    "2加张三": "张三",
    "2由张三代会": "张三",
    "2 让张三代我参会": "张三",
    "2姓名：张三": "张三",
    "二 张三": "张三",
    "2\n张三": "张三",
    "2 张三\n张敏": "张三",
    "2 张三【水务局】": "张三",
    "2 张三 ——张敏": "张三",
    "2张三 副局长": "张三 副局长",
    "2 张三（副局长）": "张三(副局长)",
    "2楼小明": "楼小明",
    "2 买买提·依明": "买买提·依明",
    "2 John Smith": "John Smith",
    "2 王学会": "王学会",
}
LEAVES = {
    "3": "",
    "3。": "",
    "3 出差": "出差",
    "3出差": "出差",
    "③，在外地出差！": "在外地出差",
    "3加原因：生病": "生病",
    "3 请假原因:生病": "生病",
    "3 3月5日在省里开会": "3月5日在省里开会",
    "3不在本地": "不在本地",
    "三、生病\n住院": "生病 住院",
    "3 出差——张敏": "出差",
}
REFUSALS = [
    "R",
    "r",
    "Ｒ",
    "T",
    "t",
    "Ｔ",
    "TD",
    "td",
    "Td",
    "ＴＤ",
    "T。",
    "“T”",
    "退订",
    "拒收",
    "【退订】退订",
    "T退订",
    "TD退订",
    "回T",
    "回复TD",
    "退订！",
    "T【张敏】",
]
UNCLEAR = [
    "",
    " ",
    "？",
    "谢谢",
    "参加",
    "请假",
    "2",
    "2。",
    "2 13800138000",
    "2 2",
    "4",
    "0",
    "11",
    "12",
    "1 2",
    "1/2",
    "½",
    "1.5",
    "1:30",
    "13800138000",
    "1号有事",
    "2个人",
    "2点开始",
    "3楼",
    "3.15活动",
    "1?",
    "1吗",
    "3？",
    "3 是请假吗",
    "1不参加",
    "1，我不参加",
    "1请假",
    "2 不去",
    "一定参加",
    "一会儿回复",
    "二张三",
    "2 我这次去不了，请另外安排人参加这个会，具体安排谁去我和办公室再商量，回头告诉你们",
    "T恤",
    "早退订票",
    "\ud800",
    "\x00",
]


@pytest.mark.parametrize("text", [*ATTENDS, "1 张敏", "1\n张敏\n东川县水务局", " 1 ", "1\u200b"])
def test_one_attends(text: str) -> None:
    """The digit in any form, with punctuation, assent or a signature about it."""
    assert read_reply(text, asks="meeting") == Meaning(kind="attend")


@pytest.mark.parametrize(("text", "name"), SUBSTITUTES.items())
def test_two_and_a_name_substitutes(text: str, name: str) -> None:
    """The name is found behind the digit, however people part the two."""
    assert read_reply(text, asks="meeting") == Meaning(kind="substitute", detail=name)


@pytest.mark.parametrize(("text", "reason"), LEAVES.items())
def test_three_and_a_reason_is_leave(text: str, reason: str) -> None:
    """The reason is what stands behind the digit; without one it is a leave whose reason is missing."""
    assert read_reply(text, asks="meeting") == Meaning(kind="leave", detail=reason)


@pytest.mark.parametrize("text", REFUSALS)
def test_refusals(text: str) -> None:
    """In any case and width, whatever was asked."""
    for asks in ("meeting", "document", "none"):
        assert read_reply(text, asks=asks) == Meaning(kind="refuse")


@pytest.mark.parametrize("text", UNCLEAR)
def test_what_may_mean_something_else_is_unknown(text: str) -> None:
    """Numbers, dates, questions, contradictions and chatter bind nobody."""
    assert read_reply(text, asks="meeting") == UNKNOWN


@pytest.mark.parametrize("text", ["1", "2 张三", "3 出差"])
def test_an_answer_needs_a_question(text: str) -> None:
    """Where no meeting asked, a digit says nothing."""
    assert read_reply(text, asks="document") == read_reply(text, asks="none") == UNKNOWN


# Letters that NFKC changes, the digits and words the rules look for, and everything else.
TEXTS = st.text(max_size=60) | st.text(
    alphabet="123一二三①②③１２３RTDtd退订拒收加由代会,。【】[]-—() \n张敏?吗不号", max_size=20
)


@given(text=TEXTS)
@example(text="1" * 5_000)
@example(text="—" * 5_000)
@example(text="[" * 5_000 + "1")
@settings(max_examples=300, deadline=None)
def test_any_text_is_read(text: str) -> None:
    """Never an exception; full-width and plain forms mean the same; only what needs a detail has one."""
    told = read_reply(text, asks="meeting")
    assert told == read_reply(unicodedata.normalize("NFKC", text), asks="meeting")
    assert told.detail == " ".join(told.detail.split())
    assert (told.kind != "substitute") or told.detail
    assert not told.detail or told.kind in ("substitute", "leave")
    assert read_reply(text, asks="none").kind in ("refuse", "unknown")


def test_only_a_meeting_asks() -> None:
    """The question is short, and names every answer that is understood; a document asks nothing."""
    asked = ask_zh("meeting_notice")
    assert len(asked) <= 25
    assert all(word in asked for word in ("1参会", "2加姓名", "3加原因"))
    assert ask_zh("notice") == ""


def line(name: str, **more: object) -> Attendee:
    """One who attends, as a unit reports it."""
    told = {"mode": "attend", "post": "科长", "phone": "0930-1234567", **more}
    return Attendee(name=name, **told)  # type: ignore[arg-type]  # the fields of an attendee by name


def says(kind: Kind, detail: str = "") -> Meaning:
    """A reply."""
    return Meaning(kind=kind, detail=detail)


def test_the_first_line_of_a_list() -> None:
    """The replier with post and number; a substitute in the place of the replier, who can be asked; a leave with its reason."""
    assert listed((), WHO, says("attend")) == (line("张敏", post="局长", phone=WHO.phone),)
    assert listed((), WHO, says("substitute", "李强")) == (
        line("李强", mode="substitute", post=POST_BY_SMS, phone=WHO.phone, for_person="张敏"),
    )
    leave = line("张敏", mode="leave", post="局长", phone=WHO.phone, reason="出差")
    assert listed((), WHO, says("leave", "出差")) == (leave,)


def test_a_reply_changes_its_own_line_only() -> None:
    """The others' lines stay in their places; what the own line told beside goes on; saying it again changes nothing."""
    others = line("赵磊"), line("王芳")
    own = line("张敏", extra={"民族": "汉"})
    standing = (others[0], own, others[1])
    assert listed(standing, WHO, says("attend")) is standing
    left = listed(standing, WHO, says("leave", "出差"))
    assert left == (others[0], line("张敏", mode="leave", reason="出差", extra=own.extra), others[1])
    assert listed(left, WHO, says("leave", "出差")) is left
    swapped = listed(left, WHO, says("substitute", "李强"))
    assert [one.name for one in swapped] == ["赵磊", "李强", "王芳"]
    assert listed(swapped, WHO, says("substitute", "李强")) is swapped
    back = listed(swapped, WHO, says("attend"))
    assert back == (others[0], line("张敏", post="局长", phone=WHO.phone, extra=own.extra), others[1])


def test_a_list_by_reply_obeys_the_rules_of_the_desk() -> None:
    """Seats, times, reasons: refused with the words of the rules."""
    three = tuple(line(name) for name in ("甲", "乙", "丙"))
    check(FORM, three[:2], 100, False)
    for attendees, now, changes, code in (
        (three, 50, False, "seats_exceeded"),
        (three[:1], 101, True, "deadline_passed"),
        (three[:1], 200, False, "deadline_passed"),
        (listed((), WHO, says("leave")), 50, False, "receipt_invalid"),
    ):
        with pytest.raises(Refused) as refused:
            check(FORM, attendees, now, changes)
        assert refused.value.code == code
        assert refused.value.params["errors"]


def test_a_persons_own_answer() -> None:
    """Yes; no, with the substitute as the reason; leave, for which a reason is needed."""
    assert personal(says("attend")) == ("yes", "")
    assert personal(says("substitute", "李强")) == ("no", "由李强代会")
    assert personal(says("leave", "出差")) == ("leave", "出差")
    with pytest.raises(Refused, match="field_missing"):
        personal(says("leave"))
