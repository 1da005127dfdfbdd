"""What a short message says, how many segments it costs at most, and how long it is worth sending."""

from __future__ import annotations

from typing import Protocol

from gateway.house import House
from gateway.rules.replies import ask_zh
from gateway.rules.short_links import placeholder
from gateway.rules.sms_policy import expires_at, priority_of
from inbox_store.messages import NewAlert
from inbox_store.nouns import NO_SIGNING_DUTY, URGENCY_ZH
from inbox_store.programs.announcing import ARRIVAL
from inbox_store.programs.dispatch import DocumentHead
from push.sms import text as sms_text
from push.sms.compose import sends


class Announced(Protocol):
    """Of a document: what its message may tell."""

    @property
    def kind(self) -> str: ...  # noqa: D102 - the columns of a document
    @property
    def title(self) -> str: ...  # noqa: D102
    @property
    def urgency(self) -> str: ...  # noqa: D102
    @property
    def sensitivity(self) -> str: ...  # noqa: D102


def reminder_text(house: House, document: Announced) -> str:
    """The message that announces a document, as it is sent: no title, no number unless it is public (F28)."""
    told, is_meeting = house.settings.sms, document.kind == "meeting_notice"
    # A space behind the link: phones take what touches it for a part of it.
    link = f"点此办理 {placeholder(house.settings.server.address)} "
    text = (told.text_meeting if is_meeting else told.text_document).format(
        urgency=URGENCY_ZH[document.urgency],
        what="会议通知" if is_meeting else "公文",
        title=f"《{document.title}》" if document.sensitivity == "public" else "",
        act="查看" if document.kind in NO_SIGNING_DUTY else "签收",
        how=link if told.short_link else "请登录办公系统办理。",
        ask=ask_zh(document.kind) if house.asks_by_sms else "",
    )
    return sms_text.normalise(f"{told.signature}{text}".rstrip())


def segments(house: House, text: str) -> int:
    """The segments a message costs on the dearest channel. Raises Refused("sms_too_long")."""
    return max(sends(text, rules) for rules in house.sms_texts)


def lives(house: House) -> dict[str, int]:
    """Minutes that each kind of alert is worth sending, where the settings say so."""
    told = (row.split("=") for row in house.settings.sms.lives)
    return {kind: int(minutes) for kind, minutes in told}


def arrival(house: House, head: DocumentHead, now: int) -> NewAlert:
    """The alert of a document's arrival; the same text and segments as its preview showed."""
    text = reminder_text(house, head)
    return NewAlert(
        kind=ARRIVAL,
        unit_id=head.sender_unit_id,
        text=text,
        segments=segments(house, text),
        urgency=head.urgency,
        priority=priority_of(head.urgency, "drill" if head.is_test else ARRIVAL),
        expires_at=expires_at(ARRIVAL, now, lives(house)),
        policy=house.alert_rules.words,
    )
