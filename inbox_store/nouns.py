"""The words of the house as closed lists and frozen records (glossary: docs/glossary.md)."""

from __future__ import annotations

from typing import Final, Literal, get_args

import msgspec

RegionLevel = Literal["city", "county", "township", "village"]
UnitGroup = Literal["city_direct", "county_direct", "stationed", "township", "village", "school"]
Rollout = Literal["entered", "applied", "trained", "dual", "live"]
Role = Literal[
    "staff",
    "clerk",
    "head",
    "deputy_in_charge",
    "responsible_leader",
    "organiser",
    "approver",
    "supervisor",
    "finance",
    "administrator",
    "security",
    "auditor",
]
RoleScope = Literal["unit", "county", "city"]
ClerkRank = Literal["A", "B"]
AccountState = Literal["pending", "active", "frozen", "closed"]

Kind = Literal[
    "resolution",
    "decision",
    "order",
    "communique",
    "proclamation",
    "public_notice",
    "opinion",
    "notice",
    "circular",
    "report",
    "request",
    "reply",
    "bill",
    "letter",
    "minutes",
    "telegram",
    "slip",
    "brief",
    "announcement",
    "meeting_notice",
    "alert",
]
Urgency = Literal["flash", "extra_urgent", "urgent", "routine_urgent", "ordinary"]
Duty = Literal["handle", "read"]
Sensitivity = Literal["public", "internal", "work_secret"]
DistributionRole = Literal["to", "cc"]
Folder = Literal[
    "guest_report",
    "from_above",
    "request_report",
    "fax_telegram",
    "other_incoming",
    "brief",
    "supervision",
    "outgoing",
]
InboxState = Literal["to_do", "to_read", "done", "read", "withdrawn"]
MeetingMode = Literal["attend", "sit_in", "substitute", "leave", "observer", "guest"]
DispatchState = Literal["held", "rejected", "sending", "sent"]
DistributionState = Literal["unsigned", "signed", "handling", "finished", "archived", "returned", "recalled"]

STATUTORY_KINDS: Final[frozenset[str]] = frozenset(get_args(Kind)[:15])
"""The 15 kinds of T Art. 8 (党政机关公文处理工作条例)."""

NO_SIGNING_DUTY: Final[frozenset[str]] = frozenset({"announcement", "alert"})
"""Kinds that nobody signs for: they are read and counted, and never enter a sign-for rate (F36)."""

LEADER_ROLES: Final[frozenset[str]] = frozenset({"head", "deputy_in_charge", "responsible_leader"})

KIND_ZH: Final[dict[str, str]] = {
    "resolution": "决议",
    "decision": "决定",
    "order": "命令(令)",
    "communique": "公报",
    "proclamation": "公告",
    "public_notice": "通告",
    "opinion": "意见",
    "notice": "通知",
    "circular": "通报",
    "report": "报告",
    "request": "请示",
    "reply": "批复",
    "bill": "议案",
    "letter": "函",
    "minutes": "纪要",
    "telegram": "电报",
    "slip": "便函",
    "brief": "简报",
    "announcement": "公告栏",
    "meeting_notice": "会议通知",
    "alert": "全员提醒",
}
URGENCY_ZH: Final[dict[str, str]] = {
    "flash": "特提",
    "extra_urgent": "特急",
    "urgent": "加急",
    "routine_urgent": "平急",
    "ordinary": "平件",
}
FOLDER_ZH: Final[dict[str, str]] = {
    "guest_report": "来宾报告",
    "from_above": "上级来文",
    "request_report": "请示报告",
    "fax_telegram": "传真电报",
    "other_incoming": "其他来文",
    "brief": "信息简报",
    "supervision": "督查督办",
    "outgoing": "办公发文",
}
MODE_ZH: Final[dict[str, str]] = {
    "attend": "参会",
    "sit_in": "列席",
    "substitute": "替会",
    "leave": "请假",
    "observer": "旁听",
    "guest": "特邀",
}
ROLE_ZH: Final[dict[str, str]] = {
    "staff": "干部职工",
    "clerk": "收发员",
    "head": "主要领导",
    "deputy_in_charge": "分管领导",
    "responsible_leader": "负责领导",
    "organiser": "会议组织",
    "approver": "普发审批",
    "supervisor": "督查",
    "finance": "财务",
    "administrator": "系统管理员",
    "security": "安全管理员",
    "auditor": "审计管理员",
}
GROUP_ZH: Final[dict[UnitGroup, str]] = {
    "city_direct": "市直",
    "county_direct": "县直",
    "stationed": "驻地",
    "township": "乡镇",
    "village": "村社",
    "school": "学校",
}
"""Groups in the order of the bulletin's tables."""
STATE_ZH: Final[dict[str, str]] = {
    "unsigned": "未签收",
    "signed": "已签收",
    "handling": "办理中",
    "finished": "已办结",
    "archived": "已归档",
    "returned": "已退回",
    "recalled": "已撤回",
}


class Noun(msgspec.Struct, frozen=True, kw_only=True):
    """A frozen record, changed only by making a new one.

    msgspec does not inherit ``kw_only``: every noun states it itself.
    """


class NewDocument(Noun, frozen=True, kw_only=True):
    """A document as it is handed in (GB/T 9704 elements; T Art. 9). Its digest covers what a signer signs for."""

    kind: Kind
    title: str
    doc_no: str = ""
    urgency: Urgency = "ordinary"
    duty: Duty = "read"
    sensitivity: Sensitivity = "internal"
    body: str = ""
    sender_unit_id: int
    co_issuers: tuple[str, ...] = ()
    elements: dict[str, str] = {}
    has_letterhead: bool = False
    has_seal: bool = False
    series_id: int | None = None
    is_test: bool = False
    attachments: tuple[str, ...] = ()


class AudienceUnit(Noun, frozen=True, kw_only=True):
    """One addressed unit of an expanded scope: its part (to or cc) and the folder its people find it in."""

    unit_id: int
    role: DistributionRole
    folder: Folder


class MeetingForm(Noun, frozen=True, kw_only=True):
    """What a meeting asks of each unit: place and time, the reply deadline, seats and extra fields."""

    place: str
    starts_at: int
    ends_at: int | None = None
    reply_due_at: int
    seats: int = 1
    fields: tuple[str, ...] = ()
    personal: bool = False


class Attendee(Noun, frozen=True, kw_only=True):
    """One name on a unit's meeting receipt. A phone is needed for those who come; a reason for those on leave."""

    name: str
    mode: MeetingMode
    post: str = ""
    phone: str = ""
    for_person: str = ""
    reason: str = ""
    extra: dict[str, str] = {}
