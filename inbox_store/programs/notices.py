"""Notices: a short word to one person about something that is no document, kept until it is read.

Whoever is online is pushed it after the commit (``Told``); all others read it at the next log-in.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal

from inbox_store.engine import Program, Sql, Told
from inbox_store.errors import Refused
from inbox_store.nouns import Noun

NoticeKind = Literal["phone_bad", "phone_bad_of", "agent", "request", "request_answer"]
"""One's own number went bad; that of somebody in one's unit did; one is an agent, or has one; a request lies before one;
one's own request was answered."""

UNREAD_MAX = 100
"""So many unread notices are read at once, the oldest first."""

_OWN = "您登记的手机号码多次无法送达短信，已停发短信提醒。请核对号码，如有变更请告知本单位收发员。"
_OF = "{name}登记的手机号码多次无法送达短信，已停发短信提醒。请核对：号码有误的请更正，无误的请恢复发送。"


class Notice(Noun, frozen=True):
    """One notice; ``about_id`` is the person it is about."""

    id: int
    kind: NoticeKind
    about_id: int
    text: str
    created_at: int


def tell_bad(person_id: int, now: int) -> Program[None]:
    """The number of ``person_id`` went bad: tell the person, and the clerks of the person's units (F19)."""
    ((name,),) = yield Sql("notice_about", {"person_id": person_id})
    yield from tell(person_id, "phone_bad", person_id, _OWN, now)
    for (clerk_id,) in (yield Sql("notice_clerks", {"person_id": person_id})):
        yield from tell(clerk_id, "phone_bad_of", person_id, _OF.format(name=name), now)


def tell(person_id: int, kind: NoticeKind, about_id: int, text: str, now: int) -> Program[None]:
    """Tell one person; whoever is online hears of it at once."""
    told = {"person_id": person_id, "kind": kind, "about_id": about_id, "text": text, "now": now}
    ((notice_id,),) = yield Sql("notice_add", told)
    yield Told(person_id, notice_id)


def settle(about_id: int, now: int) -> Program[None]:
    """What was told about this person's number holds no longer: nobody need read it any more."""
    yield Sql("notices_settled", {"about_id": about_id, "now": now})


def unread(person_id: int) -> Program[tuple[Notice, ...]]:
    """What the person has not read, the oldest first."""
    rows = yield Sql("notices_unread", {"person_id": person_id, "limit": UNREAD_MAX})
    return tuple(Notice(*row) for row in rows)


def told(notice_ids: Sequence[int]) -> Program[tuple[tuple[int, Notice], ...]]:
    """These notices, each with its person; what was read or settled meanwhile is left out."""
    rows = yield Sql("notices_told", {"ids": json.dumps(notice_ids)})
    return tuple((row[0], Notice(*row[1:])) for row in rows)


def mark_read(notice_id: int, person_id: int, now: int) -> Program[None]:
    """The person has read it; a second time changes nothing. Raises Refused("not_found") for another's."""
    key = {"id": notice_id, "person_id": person_id}
    if not (yield Sql("notice_of", key)):
        raise Refused("not_found", what="notice", id=notice_id)
    yield Sql("notice_read", {**key, "now": now})
