"""What an alert says on a phone's locked screen: what waits, never what it is, unless the document is public (F28)."""

from __future__ import annotations

from typing import Final

from gateway.house import House
from inbox_store.nouns import NO_SIGNING_DUTY, URGENCY_ZH
from inbox_store.pushes import PushFacts, PushLeaving
from push.app.sender import Push

KINDS_ZH: Final[dict[str, str]] = {
    "urge": "催办",
    "red_light": "红灯提醒",
    "reminder": "到期提醒",
    "code": "验证码",
    "drill": "演练",
    "operator": "系统通知",
}
TTL_MIN_S: Final = 60


def push_of(house: House, one: PushLeaving, token: str) -> Push:
    """The alert to one device."""
    facts = one.facts
    title, body = _words(facts) if one.merged == 1 else _digest(one.merged)
    left_s = (facts.expires_at - house.clock()) // 1_000_000
    return Push(
        id=f"songda-{facts.order_id}",
        token=token,
        title=title,
        body=body,
        url=f"/documents/{facts.document_id}" if facts.document_id and one.merged == 1 else "/",
        # A later word about the same document takes the place of the earlier one on the screen.
        tag=f"document-{facts.document_id}" if facts.document_id and one.merged == 1 else "inbox",
        ttl_s=max(TTL_MIN_S, int(left_s)),
        urgent=facts.priority == 0,
    )


def _words(facts: PushFacts) -> tuple[str, str]:
    what = "会议通知" if facts.document_kind == "meeting_notice" else "公文"
    urgency = URGENCY_ZH.get(facts.urgency, "")
    title = f"{KINDS_ZH[facts.kind]}：" if facts.kind in KINDS_ZH else ""
    name = f"《{facts.title}》" if facts.sensitivity == "public" and facts.title else ""
    act = "查看" if facts.document_kind in NO_SIGNING_DUTY else "签收"
    return f"{title}{urgency}{what}待{act}", f"您有1份{urgency}{what}{name}待{act}，点开办理。"


def _digest(count: int) -> tuple[str, str]:
    return f"{count}份公文待办", f"您有{count}份公文待签收或查看，点开办理。"
