"""What is refused at the door."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from gateway.rules.screening import Exemption, Finding, Registers, ScreeningPolicy, refused, screen
from inbox_store.nouns import STATUTORY_KINDS, NewDocument

DAY = date(2018, 3, 2)
ELEMENTS = {"issuer": "云水市人民政府", "issued_on": "2018-03-02", "signatory": "李某"}


def document(**changed: object) -> NewDocument:
    """A notice with nothing wrong, changed in places."""
    right: dict[str, object] = {
        "kind": "notice",
        "title": "关于加强春季防火工作的通知",
        "doc_no": "云政发〔2018〕3号",
        "body": "各县区：请抓好落实。",
        "sender_unit_id": 10,
        "elements": ELEMENTS,
        "has_letterhead": True,
        "has_seal": True,
    }
    return msgspec.convert({**right, **changed}, NewDocument)


def told(findings: list[Finding]) -> list[tuple[str, str, bool]]:
    """Findings without their reasons."""
    return [(finding.code, finding.field, finding.refuse) for finding in findings]


@pytest.mark.parametrize("kind", sorted(STATUTORY_KINDS))
def test_a_right_document_passes(kind: str) -> None:
    """A complete document of every statutory kind has no finding."""
    assert screen(document(kind=kind), day=DAY) == []


@pytest.mark.parametrize(
    ("changed", "names", "fields"),
    [
        ({"elements": {**ELEMENTS, "secrecy": "秘密"}}, (), ["elements.secrecy"]),
        ({"elements": {**ELEMENTS, "secrecy": "无"}}, (), ["elements.secrecy"]),
        ({"title": "秘密★5年 关于春季防火的通知"}, (), ["title"]),
        ({"body": "机密★\n各县区："}, (), ["body"]),
        ({}, ("通知.docx", "机密.docx"), ["attachments[1]"]),
        (
            {"title": "（秘密）通知", "body": "秘密\n各县区：", "elements": {**ELEMENTS, "secrecy": "秘密"}},
            ("秘密.pdf",),
            ["elements.secrecy", "title", "body", "attachments[0]"],
        ),
    ],
)
def test_classified_is_refused(changed: dict[str, object], names: tuple[str, ...], fields: list[str]) -> None:
    """The secrecy element and every mark refuse, all places at once (F28)."""
    findings = screen(document(**changed), file_names=names, day=DAY)
    assert told(findings) == [("classified_refused", field, True) for field in fields]


def test_a_refusal_does_not_repeat_the_text() -> None:
    """The reason names the place and the level, never the classified text itself."""
    (finding,) = screen(document(title="秘密★5年 关于某某专项行动的通知"), day=DAY)
    assert "某某" not in finding.reason
    assert "“秘密”" in finding.reason


@pytest.mark.parametrize(
    ("kind", "urgency", "findings"),
    [
        ("notice", "flash", [("urgency_not_for_kind", "urgency", True)]),
        ("notice", "routine_urgent", [("urgency_not_for_kind", "urgency", True)]),
        ("meeting_notice", "flash", [("urgency_not_for_kind", "urgency", True)]),
        ("notice", "extra_urgent", []),
        ("notice", "urgent", []),
        ("telegram", "flash", []),
        ("telegram", "routine_urgent", []),
        ("telegram", "ordinary", [("urgency_not_for_kind", "urgency", False)]),
    ],
)
def test_urgency_fits_the_kind(kind: str, urgency: str, findings: list[tuple[str, str, bool]]) -> None:
    """特提 and 平急 are for telegrams only."""
    assert told(screen(document(kind=kind, urgency=urgency), day=DAY)) == findings


def test_missing_elements_warn_or_refuse_by_setting() -> None:
    """Elements a kind asks for are named; only a missing title always refuses."""
    bare = document(title=" ", doc_no="", elements={}, has_letterhead=False, has_seal=False)
    fields = ["doc_no", "has_letterhead", "has_seal", "elements.issued_on", "elements.issuer", "title"]
    lenient = {finding.field: finding.refuse for finding in screen(bare, day=DAY)}
    assert lenient == dict.fromkeys(fields, False) | {"title": True}
    strict = screen(bare, policy=ScreeningPolicy(refuse_missing_elements=True), day=DAY)
    assert {finding.field: finding.refuse for finding in strict} == dict.fromkeys(fields, True)


@pytest.mark.parametrize(
    ("kind", "lacking"),
    [
        ("minutes", []),
        ("notice", ["has_seal"]),
        ("request", ["has_seal", "elements.signatory"]),
        ("slip", []),
        ("announcement", []),
    ],
)
def test_each_kind_asks_for_its_own_elements(kind: str, lacking: list[str]) -> None:
    """Minutes bear no seal; documents to a superior name who signed them off."""
    elements = {name: text for name, text in ELEMENTS.items() if name != "signatory"}
    findings = screen(document(kind=kind, has_seal=False, elements=elements), day=DAY)
    assert [finding.field for finding in findings] == lacking


@pytest.mark.parametrize(
    ("kind", "names", "policy", "findings"),
    [
        ("notice", ("正文.doc",), ScreeningPolicy(), [("body_only_attached", "body", False)]),
        (
            "notice",
            ("正文.doc",),
            ScreeningPolicy(refuse_body_only_attached=True),
            [("body_only_attached", "body", True)],
        ),
        ("notice", (), ScreeningPolicy(), [("body_empty", "body", True)]),
        ("meeting_notice", (), ScreeningPolicy(), [("body_empty", "body", False)]),
    ],
)
@pytest.mark.parametrize("body", ["", " 　\n", "<p>&nbsp;</p>"])
def test_the_body_belongs_in_the_body(
    kind: str,
    names: tuple[str, ...],
    policy: ScreeningPolicy,
    findings: list[tuple[str, str, bool]],
    body: str,
) -> None:
    """A body that is only attached warns or refuses by setting; no content at all refuses (P33)."""
    given = document(kind=kind, body=body)
    assert told(screen(given, file_names=names, policy=policy, day=DAY)) == findings


def test_only_registered_briefs() -> None:
    """A brief passes only in a series its unit has registered (X20)."""
    registers = Registers(series=frozenset({7}))
    assert screen(document(kind="brief", series_id=7), registers=registers, day=DAY) == []
    for series_id in (None, 8):
        findings = screen(document(kind="brief", series_id=series_id), registers=registers, day=DAY)
        assert told(findings) == [("series_unregistered", "series_id", True)]


@pytest.mark.parametrize(
    ("changed", "day", "codes"),
    [
        ({"title": "关于拨付财政资金的通知"}, DAY, ["exempt_kind"]),
        ({"title": "关于拨付财政 资金的通知"}, DAY, []),
        ({"title": "关于拨付财政资金的通知", "sender_unit_id": 11}, DAY, []),
        ({"title": "关于拨付财政资金的通知"}, date(2017, 12, 31), []),
        ({"title": "关于拨付财政资金的通知"}, date(2019, 1, 1), []),
        ({"title": "关于春季防火的通知"}, DAY, []),
        ({"kind": "bill"}, date(2030, 1, 1), ["exempt_kind"]),
    ],
)
def test_the_register_keeps_documents_off_the_platform(
    changed: dict[str, object], day: date, codes: list[str]
) -> None:
    """A document on the register of exempt kinds is refused on the days the line holds, and only then (J26)."""
    register = Registers(
        exemptions=(
            Exemption(
                ground="领导小组〔2018〕1号",
                unit_id=10,
                words=("财政资金",),
                valid_from=date(2018, 1, 1),
                valid_to=date(2019, 1, 1),
            ),
            Exemption(ground="领导小组〔2018〕2号", kinds=frozenset({"bill"}), valid_from=date(2018, 1, 1)),
        )
    )
    findings = screen(document(**changed), registers=register, day=day)
    assert [finding.code for finding in findings] == codes
    assert refused(findings) is bool(codes)


def test_an_exemption_of_everything_is_a_mistake() -> None:
    """A line of the register that would close a unit's door is refused when it is written."""
    with pytest.raises(ValueError, match="name the kinds or the words"):
        Exemption(ground="x", words=("",), valid_from=DAY)
