"""What is refused at the door, and what is let in with a warning that the bulletin counts.

A document is looked at once, before anything is stored; every finding is told at the same time. A finding that
refuses leaves nothing behind but an audit line, and its reason never repeats the text it was found in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from types import MappingProxyType
from typing import Final, Literal

import msgspec

from gateway.rules import marks
from inbox_store.nouns import KIND_ZH, STATUTORY_KINDS, URGENCY_ZH, Kind, NewDocument

FindingCode = Literal[
    "classified_refused",
    "exempt_kind",
    "urgency_not_for_kind",
    "element_missing",
    "body_empty",
    "body_only_attached",
    "series_unregistered",
]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong with a document: where (``field``), why in Chinese, and whether it is refused for that."""

    code: FindingCode
    field: str
    reason: str
    refuse: bool


class Exemption(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the register of documents that do not run on the platform (J26), from one day to another.

    ``unit_id`` None means every unit. A document falls under it when its kind is listed (or none is) and a word is
    in its title (or none is); a line that names neither kind nor word is refused, as it would close the unit's door.
    """

    ground: str
    """The approval it rests on, shown to the sender."""
    unit_id: int | None = None
    kinds: frozenset[Kind] = frozenset()
    words: tuple[str, ...] = ()
    valid_from: date
    valid_to: date | None = None
    """The first day on which the line no longer holds."""

    def __post_init__(self) -> None:
        if not (self.kinds or any(self.words)):
            raise ValueError(f"exemption {self.ground!r}: name the kinds or the words of the title it is for")

    def covers(self, document: NewDocument, day: date) -> bool:
        """Whether the document falls under this line on ``day``."""
        title = marks.one_form(document.title)
        return (
            self.valid_from <= day
            and (self.valid_to is None or day < self.valid_to)
            and self.unit_id in (None, document.sender_unit_id)
            and (not self.kinds or document.kind in self.kinds)
            and (not self.words or any(marks.one_form(word) in title for word in self.words if word))
        )


ELEMENT_ZH: Final[Mapping[str, str]] = MappingProxyType(
    {
        "title": "标题",
        "doc_no": "发文字号",
        "issuer": "发文机关署名",
        "issued_on": "成文日期",
        "signatory": "签发人",
        "has_letterhead": "发文机关标志（红头）",
        "has_seal": "印章",
    }
)
"""Elements a kind may ask for, by their field; T Art. 9, GB/T 9704."""

_STATUTORY: Final = frozenset({"title", "doc_no", "issuer", "issued_on", "has_letterhead", "has_seal"})
_ELEMENTS: Final[dict[str, frozenset[str]]] = dict.fromkeys(STATUTORY_KINDS, _STATUTORY) | {
    "minutes": _STATUTORY - {"has_seal"},  # 纪要不加盖印章
    "request": _STATUTORY | {"signatory"},  # 上行文应当标注签发人
    "report": _STATUTORY | {"signatory"},
    "telegram": frozenset({"title", "doc_no", "issuer", "issued_on"}),
    "slip": frozenset({"title", "issuer"}),
    "brief": frozenset({"title", "issuer"}),
}
ELEMENTS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(_ELEMENTS)
"""Which elements each kind must show; kinds not listed need a title only."""

_TITLE_ONLY: Final = frozenset({"title"})
_COMPLETE_WITHOUT_BODY: Final = frozenset({"meeting_notice", "alert"})
"""A meeting's form tells time and place, and an alert may be its title alone."""
_TELEGRAM_ONLY: Final = frozenset({"flash", "routine_urgent"})


class ScreeningPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of the door. ``refuse_*`` decide between a refusal and a warning that is counted (F27)."""

    head_lines: int = marks.HEAD_LINES
    refuse_body_only_attached: bool = False
    refuse_missing_elements: bool = False
    elements: Mapping[str, frozenset[str]] = ELEMENTS


class Registers(msgspec.Struct, frozen=True, kw_only=True):
    """What the office has registered: the brief series of the sending unit, and the documents kept off the platform."""

    series: frozenset[int] = frozenset()
    exemptions: tuple[Exemption, ...] = ()


DEFAULT_POLICY: Final = ScreeningPolicy()
NO_REGISTERS: Final = Registers()


def screen(
    document: NewDocument,
    *,
    file_names: Iterable[str] = (),
    registers: Registers = NO_REGISTERS,
    policy: ScreeningPolicy = DEFAULT_POLICY,
    day: date,
) -> list[Finding]:
    """Everything wrong with ``document`` as handed in on ``day``; it may pass when no finding refuses.

    ``file_names`` are the names of its attachments as the sender sees them.
    """
    names = tuple(file_names)
    return [
        *_classified(document, names, policy.head_lines),
        *_exempt(document, registers.exemptions, day),
        *_urgency(document),
        *_elements(document, policy),
        *_body(document, names, policy),
        *_series(document, registers.series),
    ]


def refused(findings: Iterable[Finding]) -> bool:
    """Whether any finding refuses."""
    return any(finding.refuse for finding in findings)


def _classified(document: NewDocument, names: tuple[str, ...], head_lines: int) -> Iterator[Finding]:
    """The secrecy element and the marks; the element must be empty whatever it says (glossary 5)."""
    if document.elements.get("secrecy", "").strip():
        yield _secret("elements.secrecy", "填写了密级。本平台只运行非涉密文件，密级一栏应当留空")
    places = [("title", "标题", marks.mark_in_title(document.title))]
    places.append(("body", "正文开头", marks.mark_in_body(document.body, head_lines)))
    places += [
        (f"attachments[{number}]", f"第{number + 1}个附件的文件名", marks.mark_in_file_name(name))
        for number, name in enumerate(names)
    ]
    for field, place, level in places:
        if level:
            yield _secret(field, f"{place}带有密级标志“{level}”")


def _secret(field: str, what: str) -> Finding:
    way = "涉密文件请通过机要渠道办理；确属误标的，改正后重新提交。内容未保存，仅留操作记录"
    return Finding(code="classified_refused", field=field, reason=f"{what}。{way}", refuse=True)


def _exempt(document: NewDocument, exemptions: Iterable[Exemption], day: date) -> Iterator[Finding]:
    for line in exemptions:
        if line.covers(document, day):
            reason = f"此类文件不在本平台运行（依据：{line.ground}），请按原渠道办理"
            yield Finding(code="exempt_kind", field="kind", reason=reason, refuse=True)


def _urgency(document: NewDocument) -> Iterator[Finding]:
    """特提 and 平急 are for telegrams only, and a telegram always carries one of its four degrees (T Art. 9)."""
    word = URGENCY_ZH[document.urgency]
    if document.kind != "telegram" and document.urgency in _TELEGRAM_ONLY:
        reason = f"“{word}”只用于电报，{KIND_ZH[document.kind]}请标注特急、加急或不标注"
        yield Finding(code="urgency_not_for_kind", field="urgency", reason=reason, refuse=True)
    if document.kind == "telegram" and document.urgency == "ordinary":
        reason = "电报应当标注特提、特急、加急或平急"
        yield Finding(code="urgency_not_for_kind", field="urgency", reason=reason, refuse=False)


def _elements(document: NewDocument, policy: ScreeningPolicy) -> Iterator[Finding]:
    """Elements the kind asks for (P34: 公文无红头、无印章); without a title nothing can be delivered."""
    for element in sorted(policy.elements.get(document.kind, _TITLE_ONLY)):
        if _shown(document, element):
            continue
        own = element in NewDocument.__struct_fields__
        yield Finding(
            code="element_missing",
            field=element if own else f"elements.{element}",
            reason=f"{KIND_ZH[document.kind]}缺少{ELEMENT_ZH.get(element, element)}",
            refuse=element == "title" or policy.refuse_missing_elements,
        )


def _shown(document: NewDocument, element: str) -> bool:
    if element in NewDocument.__struct_fields__:
        told = getattr(document, element)
        return told is True or bool(str(told or "").strip())
    return bool(document.elements.get(element, "").strip())


def _body(document: NewDocument, names: tuple[str, ...], policy: ScreeningPolicy) -> Iterator[Finding]:
    """The body belongs in the body module, not only in an attachment (P33)."""
    if marks.head_of(document.body, 1):
        return
    if names:
        reason = "正文为空，只有附件。请在正文模块录入正文"
        refuse = policy.refuse_body_only_attached
        yield Finding(code="body_only_attached", field="body", reason=reason, refuse=refuse)
    else:
        refuse = document.kind not in _COMPLETE_WITHOUT_BODY
        yield Finding(code="body_empty", field="body", reason="正文为空，也没有附件", refuse=refuse)


def _series(document: NewDocument, series: frozenset[int]) -> Iterator[Finding]:
    """A brief belongs to a series its unit has registered (X20)."""
    if document.kind == "brief" and document.series_id not in series:
        reason = "本单位没有备案这一种简报，请选择已备案的简报，或先向办公室备案"
        yield Finding(code="series_unregistered", field="series_id", reason=reason, refuse=True)
