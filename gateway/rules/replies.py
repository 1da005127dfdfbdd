"""What a reply from a phone says (上行), and what it does to a unit's list of names. Pure and total.

People write as they are used to: full-width or circled digits, "回复1", a signature behind, "2+张三", "3因出差". What could
also mean something else is unknown: it is shown to the organiser, who asks back.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from gateway.rules.roster import validate
from inbox_store.errors import Refused
from inbox_store.nouns import Attendee, MeetingForm, MeetingMode
from inbox_store.programs.reply_rules import UNKNOWN, Asks, Kind, Meaning, Replier, Rules

__all__ = ["REPLY_RULES", "Asks", "Meaning", "ask_zh", "read_reply"]

MEANING_ZH: Final[dict[Kind, str]] = {
    "attend": "参会",
    "substitute": "代会",
    "leave": "请假",
    "refuse": "拒收",
    "unknown": "未识别",
}
POST_BY_SMS: Final = "（短信代会）"
"""Stands for the post of a substitute, which a short message does not tell and a list of names asks for."""

NAME_CHARACTERS_MAX: Final = 30
"""A longer "name" is a sentence."""

_DINGBATS: Final = str.maketrans("❶❷❸➊➋➌➀➁➂", "123123123")
# Variation selectors and the enclosing keycap of 1️⃣, and what nobody sees.
_UNSEEN: Final = re.compile(
    r"[\ufe00-\ufe0f\u20e3\u200b-\u200f\u202a-\u202e\u2060\ufeff\x00-\x08\x0e-\x1f\x7f]"
)
_SIGNATURE: Final = re.compile(r"(?:【[^【】]{0,40}】|\[[^\[\]]{0,40}\]|(?:--+|—+)[^\s—-][^—\n-]{0,30})\Z")
_HEADING: Final = re.compile(r"\A(?:【[^【】]{0,40}】|\[[^\[\]]{0,40}\])")
_REFUSAL: Final = re.compile(r"(?:回复?)?(?:(?:r|td?)(?:退订|拒收)?|退订|拒收)")
_LEAD: Final = re.compile(r"(?:回复|答复|选择|回|答|选)?[\s::]*([123一二三])")
_HAN_DIGITS: Final = {"一": "1", "二": "2", "三": "3"}

# "1号", "2点", "3个人": numbers of something else. 楼, 年 and 时 are surnames, so that only 2 may stand before them.
_COUNTED: Final = frozenset("号点月日个人名位层次天室分")
_COUNTED_TOO: Final = frozenset("楼年时")
_MEANING: Final[dict[str, Kind]] = {"1": "attend", "2": "substitute", "3": "leave"}
_CONTRARY: Final = re.compile(r"[不没未无]|请假|代")
_NAME_LEAD: Final = re.compile(r"\A(?:加|由|让|请)?(?:代会人?|替会人?|参会人?|姓名|名字)?[\s::,]*")
_NAME_TAIL: Final = re.compile(r"(?:同志)?(?:(?:代为|代替|代|替)?我?(?:参加|参会|开会|出席)|代会|替会)?\Z")
_REASON_LEAD: Final = re.compile(r"\A(?:加)?(?:请假)?(?:原因|理由)?[\s::,为是]*")


def ask_zh(kind: str) -> str:
    """What a reminder of a document of this kind asks to be answered; nothing where there is nothing to answer."""
    return "回复1参会，2加姓名代会，3加原因请假。" if kind == "meeting_notice" else ""


def read_reply(text: str, *, asks: Asks) -> Meaning:
    """What the text says to what was asked. Never raises; what is not clear is ``unknown``."""
    told = _bare(text)
    if _REFUSAL.fullmatch(told.casefold()):
        return Meaning(kind="refuse")
    lead = _LEAD.match(told) if asks == "meeting" else None
    if lead is None:
        return UNKNOWN
    digit = _HAN_DIGITS.get(lead[1], lead[1])
    behind = told[lead.end() :]
    rest = _trimmed(behind)
    if _counts(digit, lead[1], behind, rest):
        return UNKNOWN
    return _READERS[digit](rest)


def _bare(text: str) -> str:
    """The text in plain forms (NFKC), without what stands around it: invisible characters, signatures, punctuation."""
    told = unicodedata.normalize("NFKC", _UNSEEN.sub("", text).translate(_DINGBATS)).strip()
    told = _HEADING.sub("", told, count=1)
    # A signature may stand behind another: the phone's own behind the person's.
    for _ in range(2):
        told = _SIGNATURE.sub("", told.rstrip(), count=1)
    return _trimmed(told)


def _trimmed(text: str) -> str:
    """Without punctuation, symbols and blanks at both ends, but for question marks: they make a text a question."""
    first, last = 0, len(text)
    while first < last and _is_around(text[first]):
        first += 1
    while last > first and _is_around(text[last - 1]):
        last -= 1
    return text[first:last]


def _is_around(character: str) -> bool:
    return character != "?" and unicodedata.category(character)[0] in "PSZC"


def _counts(digit: str, written: str, behind: str, rest: str) -> bool:
    """Whether the digit begins something else: a number, a date, an amount, a word such as 一定, a question."""
    if "?" in rest or rest.endswith(("吗", "呢", "么")):
        return True
    if not behind:
        return False
    if behind[0].isdigit() or (not behind[0].isspace() and behind[1:2].isdigit() and _is_around(behind[0])):
        return True
    if written in _HAN_DIGITS and not _is_around(behind[0]):
        return True
    return behind[0] in _COUNTED or (digit != "2" and behind[0] in _COUNTED_TOO)


def _attend(rest: str) -> Meaning:
    """Behind it a word of assent or a name may stand, nothing that takes it back."""
    clear = not rest[:1].isdigit() and not _CONTRARY.search(rest)
    return Meaning(kind="attend") if clear else UNKNOWN


def _substitute(rest: str) -> Meaning:
    first = next((line for line in rest.splitlines() if line.strip()), "")
    name = _trimmed(_NAME_TAIL.sub("", _NAME_LEAD.sub("", first, count=1), count=1))
    clear = name[:1].isalpha() and len(name) <= NAME_CHARACTERS_MAX and not re.search("[不没]", name)
    return Meaning(kind="substitute", detail=_closed(name)) if clear else UNKNOWN


def _leave(rest: str) -> Meaning:
    if rest in ("1", "2", "3"):
        return UNKNOWN
    reason = _trimmed(_REASON_LEAD.sub("", rest, count=1))
    return Meaning(kind="leave", detail=_closed(reason))


def _closed(text: str) -> str:
    """In one line, with the bracket that was taken for an end of the text."""
    told = " ".join(text.split())
    return f"{told})" if told.count("(") > told.count(")") else told


_READERS: Final = {"1": _attend, "2": _substitute, "3": _leave}


# What a reply does --------------------------------------------------------------------------------------------------


def listed(standing: tuple[Attendee, ...], who: Replier, said: Meaning) -> tuple[Attendee, ...]:
    """The unit's list with the replier's own line as the reply says; the other lines stay (P56).

    A line that says the same stays as it is, so that a reply sent twice changes nothing. What the line told beside (post,
    the organiser's own fields) goes on into the new one.
    """
    place = next((at for at, one in enumerate(standing) if who.name in (one.name, one.for_person)), None)
    if place is None:
        return (*standing, _line(Attendee(name=who.name, mode="attend"), who, said))
    old = standing[place]
    if _says(old, who, said):
        return standing
    return (*standing[:place], _line(old, who, said), *standing[place + 1 :])


def _says(line: Attendee, who: Replier, said: Meaning) -> bool:
    return {
        "attend": line.mode == "attend" and line.name == who.name,
        "substitute": line.mode == "substitute" and line.name == said.detail,
        "leave": line.mode == "leave" and line.reason == said.detail,
    }.get(said.kind, False)


def _line(old: Attendee, who: Replier, said: Meaning) -> Attendee:
    own = old.name == who.name
    post = (old.post if own else "") or who.post
    if said.kind == "substitute":
        return Attendee(
            name=said.detail,
            mode="substitute",
            post=POST_BY_SMS,
            phone=who.phone,
            for_person=who.name,
            extra=old.extra,
        )
    mode: MeetingMode = "attend" if said.kind == "attend" else "leave"
    phone = (old.phone if own else "") or who.phone
    reason = said.detail if mode == "leave" else ""
    return Attendee(name=who.name, mode=mode, post=post, phone=phone, reason=reason, extra=old.extra)


def check(form: MeetingForm, attendees: tuple[Attendee, ...], now: int, changes: bool) -> None:  # noqa: FBT001
    """The rules of a list that comes by the API. Raises Refused with every fault, named after the first."""
    faults = validate(form, attendees, now, changes=changes)
    if faults:
        code = {"receipt_closed": "deadline_passed", "seats_exceeded": "seats_exceeded"}.get(faults[0].code)
        errors = [{"field": found.field, "reason": found.reason} for found in faults]
        raise Refused(code or "receipt_invalid", errors=errors)


def personal(said: Meaning) -> tuple[str, str]:
    """The person's own answer (F17) and its reason. Raises Refused("field_missing") for a leave without one."""
    if said.kind == "attend":
        return "yes", ""
    if said.kind == "substitute":
        return "no", f"由{said.detail}代会"
    if not said.detail:
        reason = "不参加或请假的，请写明原因"
        raise Refused("field_missing", field="reason", errors=[{"field": "reason", "reason": reason}])
    return "leave", said.detail


REPLY_RULES: Final = Rules(read=read_reply, listed=listed, check=check, personal=personal)
