"""A dispatch as a client hands it in, and how it becomes a proposal: by ids or by the office's own codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta

from gateway.doors.v1.adapter import at_of, faulty
from gateway.doors.wire import Body, Id, When
from gateway.flows.proposals import FAULTS_MAX, Proposal
from gateway.rules.access import Principal
from gateway.rules.audience import NOBODY, Scope, Selection
from inbox_store.nouns import Duty, Kind, MeetingForm, NewDocument, Sensitivity, UnitGroup, Urgency
from inbox_store.org import Organisation

UNITS_MAX = 20_000
BODY_MAX_BYTES = 4 * 1024 * 1024
"""200,000 characters may take six bytes each where a client escapes them."""

Code = Annotated[str, Meta(min_length=1, max_length=64, description="本单位或地区的编码")]
Title = Annotated[str, Meta(max_length=300, description="标题")]
Reason = Annotated[str, Meta(min_length=1, max_length=500, pattern=r"\S", description="原因")]
Ids = Annotated[tuple[Id, ...], Meta(max_length=UNITS_MAX)]
Codes = Annotated[tuple[Code, ...], Meta(max_length=UNITS_MAX)]
LeaderRole = Literal["head", "deputy_in_charge", "responsible_leader"]
Leaders = Annotated[
    tuple[LeaderRole, ...], Meta(max_length=3, description="除收发员外还发给收文单位的哪些领导")
]


class SelectionBody(Body, frozen=True, kw_only=True):
    """一组单位：点名的（编号或编码）和常用范围，加上同时符合所填地区、类别、条线、标签的"""

    units: Ids = ()
    unit_codes: Codes = ()
    regions: Ids = ()
    region_codes: Codes = ()
    groups: Annotated[tuple[UnitGroup, ...], Meta(max_length=6)] = ()
    lines: Ids = ()
    line_codes: Codes = ()
    tags: Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=64)], ...], Meta(max_length=100)] = ()
    saved: Annotated[tuple[Id, ...], Meta(max_length=100, description="常用范围的编号")] = ()


class ScopeBody(SelectionBody, frozen=True, kw_only=True):
    """发文范围：本层所填为主送，also 再加几组，cc 为抄送，exclusions 一律不发；everyone 发到单位的每一个人"""

    also: Annotated[tuple[SelectionBody, ...], Meta(max_length=50)] = ()
    cc: SelectionBody | None = None
    exclusions: SelectionBody | None = None
    everyone: bool = False


class MeetingBody(Body, frozen=True, kw_only=True):
    """会议信息和对回执的要求"""

    place: Annotated[str, Meta(min_length=1, max_length=200, description="地点")]
    starts_at: When
    ends_at: When | None = None
    reply_due_at: When
    seats: Annotated[int, Meta(ge=1, le=200, description="每个单位的名额")] = 1
    fields: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=40)], ...],
        Meta(max_length=20, description="请各单位另填的项目"),
    ] = ()
    personal: Annotated[bool, Meta(description="是否请每个人分别答复")] = False


class NewDispatch(Body, frozen=True, kw_only=True):
    """一次发文：公文或会议通知的各要素、正文、附件编号、发文范围和办法

    sender_unit_id 或 sender_unit_code 指明以哪个单位的名义发；只在一个单位任收发员或会议组织的，可以不填。
    """

    kind: Kind
    title: Title
    sender_unit_id: Id | None = None
    sender_unit_code: Code | None = None
    doc_no: Annotated[str, Meta(max_length=60, description="发文字号")] = ""
    urgency: Urgency = "ordinary"
    duty: Duty = "read"
    sensitivity: Sensitivity = "internal"
    body: Annotated[str, Meta(max_length=200_000, description="正文")] = ""
    elements: Annotated[
        dict[Annotated[str, Meta(min_length=1, max_length=40)], Annotated[str, Meta(max_length=1_000)]],
        Meta(max_length=40, description="其他格式要素，如 issuer、issued_on、signatory、note"),
    ] = {}
    co_issuers: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=100)], ...], Meta(max_length=50)
    ] = ()
    has_letterhead: bool = False
    has_seal: bool = False
    series_id: Id | None = None
    is_test: Annotated[bool, Meta(description="演练件，不进统计")] = False
    attachments: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=64)], ...],
        Meta(max_length=50, description="已上传附件的编号，按顺序"),
    ] = ()
    scope: ScopeBody
    leaders: Leaders = ("responsible_leader",)
    meeting: MeetingBody | None = None
    sms_reminder: Annotated[bool, Meta(description="是否短信提醒")] = False
    handle_due_at: When | None = None


class SupplementBody(Body, frozen=True, kw_only=True):
    """补发的范围；已有这份文件的单位不重发，退回的重新打开"""

    scope: ScopeBody
    leaders: Leaders = ("responsible_leader",)


def proposal_of(told: NewDispatch, organisation: Organisation, principal: Principal) -> Proposal:
    """What is handed in, as the flow takes it.

    Raises Refused: field_missing (no sender named and none evident), scope_unknown_unit (codes nobody has),
    body_invalid (times out of range, an attachment named twice).
    """
    if len(set(told.attachments)) < len(told.attachments):
        raise faulty("body_invalid", ("/attachments", "同一个附件列了两次"))
    return Proposal(
        document=_document(told, _sender(told, organisation, principal)),
        scope=scope_of(told.scope, organisation),
        leaders=tuple(dict.fromkeys(told.leaders)),
        meeting=_meeting(told.meeting) if told.meeting else None,
        sms_reminder=told.sms_reminder,
        handle_due_at=at_of(told.handle_due_at, "/handle_due_at") if told.handle_due_at else None,
    )


def _document(told: NewDispatch, sender_unit_id: int) -> NewDocument:
    return NewDocument(
        kind=told.kind,
        title=told.title,
        doc_no=told.doc_no,
        urgency=told.urgency,
        duty=told.duty,
        sensitivity=told.sensitivity,
        body=told.body,
        sender_unit_id=sender_unit_id,
        co_issuers=told.co_issuers,
        elements=told.elements,
        has_letterhead=told.has_letterhead,
        has_seal=told.has_seal,
        series_id=told.series_id,
        is_test=told.is_test,
        attachments=told.attachments,
    )


def _meeting(told: MeetingBody) -> MeetingForm:
    return MeetingForm(
        place=told.place,
        starts_at=at_of(told.starts_at, "/meeting/starts_at"),
        ends_at=at_of(told.ends_at, "/meeting/ends_at") if told.ends_at else None,
        reply_due_at=at_of(told.reply_due_at, "/meeting/reply_due_at"),
        seats=told.seats,
        fields=tuple(dict.fromkeys(told.fields)),
        personal=told.personal,
    )


def _sender(told: NewDispatch, organisation: Organisation, principal: Principal) -> int:
    """The unit in whose name it goes out: named by id or code, or the only one the principal sends for."""
    if told.sender_unit_id is not None or told.sender_unit_code is not None:
        return unit_of(organisation, told.sender_unit_id, told.sender_unit_code, "sender_unit")
    units = principal.units_as("clerk", "organiser")
    if len(units) != 1:
        why = "请写明以哪个单位的名义发文"
        raise faulty("field_missing", ("/sender_unit_id", why), field="sender_unit_id")
    return next(iter(units))


def unit_of(organisation: Organisation, unit_id: int | None, code: str | None, name: str) -> int:
    """The unit that ``{name}_id`` or ``{name}_code`` of a body means.

    Raises Refused: scope_unknown_unit, body_invalid (two units), field_missing (none).
    """
    if unit_id is None and code is None:
        raise faulty("field_missing", (f"/{name}_id", "请写明是哪个单位"), field=f"{name}_id")
    found = organisation.units.get(unit_id) if unit_id is not None else organisation.unit_by_code(code or "")
    if found is None:
        at = "id" if unit_id is not None else "code"
        raise faulty("scope_unknown_unit", (f"/{name}_{at}", "没有这个单位"))
    if code is not None and found.code != code:
        raise faulty("body_invalid", (f"/{name}_code", f"与 {name}_id 不是同一个单位"))
    return found.id


def scope_of(told: ScopeBody, organisation: Organisation) -> Scope:
    """The scope with codes looked up. Raises Refused("scope_unknown_unit") naming every code that nobody has."""
    codes = _Codes(organisation)
    whole = codes.selection(told, "/scope")
    scope = Scope(
        units=whole.units,
        regions=whole.regions,
        groups=whole.groups,
        lines=whole.lines,
        tags=whole.tags,
        saved=whole.saved,
        also=tuple(codes.selection(part, f"/scope/also/{place}") for place, part in enumerate(told.also)),
        cc=codes.selection(told.cc, "/scope/cc") if told.cc else NOBODY,
        exclusions=codes.selection(told.exclusions, "/scope/exclusions") if told.exclusions else NOBODY,
        everyone=told.everyone,
    )
    if codes.faults:
        raise faulty("scope_unknown_unit", *codes.faults[:FAULTS_MAX])
    return scope


class _Codes:
    """The office's codes of one organisation, and those that were asked for in vain."""

    def __init__(self, organisation: Organisation) -> None:
        self._units = {unit.code: unit.id for unit in organisation.units.values()}
        self._regions = {region.code: region.id for region in organisation.regions.values()}
        self._lines = {line.code: line.id for line in organisation.lines.values()}
        self.faults: list[tuple[str, str]] = []

    def selection(self, told: SelectionBody, at: str) -> Selection:
        """One part of a scope; ``at`` is its JSON pointer."""
        return Selection(
            units=self._found(told.units, told.unit_codes, self._units, "单位", f"{at}/unit_codes"),
            regions=self._found(told.regions, told.region_codes, self._regions, "地区", f"{at}/region_codes"),
            groups=frozenset(told.groups),
            lines=self._found(told.lines, told.line_codes, self._lines, "条线", f"{at}/line_codes"),
            tags=frozenset(told.tags),
            saved=frozenset(told.saved),
        )

    def _found(
        self, ids: tuple[int, ...], codes: tuple[str, ...], known: Mapping[str, int], word: str, at: str
    ) -> frozenset[int]:
        for place, code in enumerate(codes):
            if code not in known:
                self.faults.append((f"{at}/{place}", f"没有编码为 {code} 的{word}"))
        return frozenset(ids) | {known[code] for code in codes if code in known}
