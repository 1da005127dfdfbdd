"""Sending over the API: preview, approval, idempotency, what is refused, supplements, recall."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.flows.account_desk import KeyWish, Operator
from inbox_store.programs import figures
from inbox_store.programs.organisation import freeze_unit
from tests.api.city import UNITS
from tests.api.conftest import City, Person, slip

ALL = [code for code in UNITS if code != "S01"]


def notice(to: list[str], **more: object) -> dict[str, Any]:
    """A statutory notice with all of its elements."""
    return slip(
        to,
        kind="notice",
        doc_no="云政办发〔2026〕12号",
        elements={"issuer": "云水市政府办", "issued_on": "2026-06-01"},
        has_letterhead=True,
        has_seal=True,
        **more,
    )


async def test_preview_tells_the_ceiling_and_stores_nothing(city: City) -> None:
    """Units, persons, segments and yuan are told before anything leaves, and no row is written."""
    clerk = await city.person("s01a")
    told = await clerk.post("/dispatches/preview", notice(["E01", "E02"], sms_reminder=True))
    assert told.status == 200
    figures = told.json["figures"]
    assert (figures["units"], figures["persons"], figures["clerks"]) == (2, 6, 4)
    assert (figures["segments_ceiling"], figures["amount_li_ceiling"]) == (6, 300)
    assert figures["amount_yuan_ceiling"] == "0.30"
    assert (figures["general"], told.json["sendable"], told.json["findings"]) == (False, True, [])
    assert city.rows("select count(*) from document") == [(0,)]


async def test_preview_tells_every_fault_at_once(city: City) -> None:
    """Faults of the scope and of the document stand side by side; nothing is refused yet."""
    clerk = await city.person("s01a")
    body = notice([], urgency="flash", title="关于秘密事项的通知 秘密")
    told = (await clerk.post("/dispatches/preview", body)).json
    assert [one["code"] for one in told["faults"]] == ["scope_empty"]
    assert {(one["code"], one["field"]) for one in told["findings"] if one["refused"]} == {
        ("classified_refused", "title"),
        ("urgency_not_for_kind", "urgency"),
    }
    assert told["sendable"] is False


async def test_general_dispatch_waits_for_a_second_person(city: City) -> None:
    """From half of the live units on nothing leaves before another person has approved."""
    clerk, approver, receiver = await city.people("s01a", "appr", "e01a")
    told = await clerk.post("/dispatches", slip(ALL))
    assert (told.status, told.json["state"], told.json["state_zh"]) == (201, "held", "待批普发")
    assert told.json["preview"]["general"] is True
    await city.settle()
    assert (await receiver.get("/inbox/entries")).json["items"] == []

    held = (await approver.get("/dispatches/held")).json["items"]
    assert [(one["title"], one["units"]) for one in held] == [(slip([])["title"], 11)]
    dispatch_id = held[0]["dispatch_id"]
    done = await approver.post(f"/dispatches/{dispatch_id}/approve", {"note": "同意"})
    assert (done.status, done.json["state"]) == (200, "sending")
    await city.settle()
    assert len((await receiver.get("/inbox/entries")).json["items"]) == 1
    assert (await approver.get("/dispatches/held")).json["items"] == []
    again = await approver.post(f"/dispatches/{dispatch_id}/reject", {"reason": "太宽"})
    assert (again.status, again.code) == (409, "not_held")


async def test_nobody_approves_his_own(city: City) -> None:
    """Who handed it in is refused by name of the fault, even with the approver's role."""
    own = await city.person("s03b")
    told = await own.post("/dispatches", slip([code for code in UNITS if code != "S03"]))
    assert told.json["state"] == "held"
    refused = await own.post(f"/dispatches/{told.json['dispatch_id']}/approve", {})
    assert (refused.status, refused.code) == (403, "approval_own")


async def test_an_approver_decides_within_his_county_only(city: City) -> None:
    """A county's approver neither sees nor decides what a city office holds."""
    clerk, county = await city.people("s01a", "eappr")
    told = await clerk.post("/dispatches", slip(ALL))
    assert (await county.get("/dispatches/held")).json["items"] == []
    refused = await county.post(f"/dispatches/{told.json['dispatch_id']}/approve", {})
    assert (refused.status, refused.code) == (403, "forbidden")
    assert (await county.get(f"/dispatches/{told.json['dispatch_id']}")).status == 404


async def test_rejected_dispatch_never_leaves_and_is_registered(city: City) -> None:
    """A rejection keeps its reason, sends nothing, and stays in the register of general dispatches."""
    clerk, approver = await city.people("s01a", "appr")
    told = await clerk.post("/dispatches", slip(ALL, sms_reminder=True))
    path = f"/dispatches/{told.json['dispatch_id']}"
    assert (await approver.post(f"{path}/reject", {"reason": "   "})).code == "body_invalid"
    assert (await approver.post(f"{path}/reject", {"reason": "请缩小范围"})).json["state"] == "rejected"
    await city.settle()
    assert city.rows("select count(*) from distribution") == [(0,)]
    register = await clerk.get("/dispatches/general", **{"from": "2026-06-01", "to": "2026-06-01"})
    (line,) = register.json["items"]
    assert (line["state"], line["decided_by"], line["decision_note"]) == ("rejected", "审批员", "请缩小范围")
    assert line["amount_yuan"] == "1.65"
    other = await clerk.get("/dispatches/general", **{"from": "2026-06-02", "to": "2026-06-30"})
    assert other.json["items"] == []
    reversed_ = await clerk.get("/dispatches/general", **{"from": "2026-06-30", "to": "2026-06-01"})
    assert (reversed_.status, reversed_.code) == (422, "period_reversed")


async def test_same_key_gives_the_same_bytes(city: City) -> None:
    """A repetition is answered byte for byte and marked; another body under the key is refused."""
    clerk = await city.person("s01a")
    first = await clerk.post("/dispatches", slip(["E01"]), key="retry-0001")
    second = await clerk.post("/dispatches", slip(["E01"]), key="retry-0001")
    assert (first.status, second.status, second.raw) == (201, 201, first.raw)
    assert ("Idempotency-Replayed" in first.headers, second.headers["Idempotency-Replayed"]) == (
        False,
        "true",
    )
    other = await clerk.post("/dispatches", slip(["E02"]), key="retry-0001")
    assert (other.status, other.code) == (422, "idempotency_mismatch")
    assert city.rows("select count(*) from document") == [(1,)]


async def test_a_hundred_posts_at_once_make_one_document(city: City) -> None:
    """Concurrent posts with one key make one document, and all of them hear the same."""
    clerk = await city.person("s01a")
    asked = [clerk.post("/dispatches", slip(["E01", "W01"]), key="at-once-0001") for _ in range(100)]
    told = await asyncio.gather(*asked)
    assert {(one.status, one.raw) for one in told} == {(201, told[0].raw)}
    await city.settle()
    assert city.rows("select count(*) from document") == [(1,)]
    assert city.rows("select count(*) from distribution") == [(2,)]


@pytest.mark.parametrize(
    ("field", "value", "pointer"),
    [
        ("title", "关于XX的函 机密", "/title"),
        ("body", "秘密★10年\n请各单位落实。", "/body"),
        ("elements", {"issuer": "云水市政府办", "secrecy": "秘密"}, "/elements/secrecy"),
    ],
)
async def test_classified_leaves_an_audit_line_and_nothing_else(
    city: City, field: str, value: object, pointer: str
) -> None:
    """A mark of secrecy is refused at its place; the store keeps the line of the refusal and no word of the text."""
    clerk = await city.person("s01a")
    told = await clerk.post("/dispatches", slip(["E01"], **{field: value}))
    assert (told.status, told.code, told.pointers) == (422, "classified_refused", [pointer])
    for table in ("document", "dispatch", "audience", "document_gram", "idempotency"):
        assert city.rows(f"select count(*) from {table}") == [(0,)]  # noqa: S608 - names written above
    (line,) = city.trace("document.refused")
    assert line == {"code": "classified_refused", "fields": [pointer[1:].replace("/", ".")]}


async def test_codes_stand_for_ids(city: City) -> None:
    """Other systems name units, regions and lines by the office's own codes."""
    clerk = await city.person("s01a")
    scope = {"region_codes": ["110"], "groups": ["county_direct"], "exclusions": {"unit_codes": ["E03"]}}
    told = await clerk.post("/dispatches", slip([], scope=scope, sender_unit_code="S01"))
    assert told.status == 201
    await city.settle()
    sent = city.rows("select u.code from distribution v join unit u on u.id = v.unit_id order by u.code")
    assert sent == [("E01",), ("E02",)]


async def test_unknown_codes_are_named_with_their_places(city: City) -> None:
    """Every code nobody has is pointed at, and nothing is stored."""
    clerk = await city.person("s01a")
    scope = {"unit_codes": ["E01", "X99"], "also": [{"region_codes": ["999"]}]}
    told = await clerk.post("/dispatches", slip([], scope=scope))
    assert (told.status, told.code) == (422, "scope_unknown_unit")
    assert told.pointers == ["/scope/unit_codes/1", "/scope/also/0/region_codes/0"]
    assert "X99" in told.json["detail"]
    assert "999" in told.json["detail"]


async def test_a_frozen_unit_is_refused_by_name(city: City) -> None:
    """Who names a frozen unit is told which it is."""
    await city.house.store.engine.write(freeze_unit(city.units["E03"], city.clock.now, 0, ""))
    clerk = await city.person("s01a")
    told = await clerk.post("/dispatches", slip(["E01", "E03"]))
    assert (told.status, told.code, told.pointers) == (422, "unit_frozen", ["/scope"])
    assert "东川县水务局" in told.json["detail"]


async def test_the_sender_is_evident_or_asked_for(city: City) -> None:
    """A clerk of one unit need not name it, a clerk of two must, and nobody sends in another unit's name."""
    two, clerk = await city.people("two", "e01a")
    asked = await two.post("/dispatches", slip(["E01"]))
    assert (asked.status, asked.code, asked.pointers) == (422, "field_missing", ["/sender_unit_id"])
    assert (await two.post("/dispatches", slip(["E01"], sender_unit_code="W02"))).status == 201
    foreign = await clerk.post("/dispatches", slip(["E02"], sender_unit_id=city.units["S01"]))
    assert (foreign.status, foreign.code) == (403, "forbidden")


async def test_what_is_merely_unusual_is_warned_of(city: City) -> None:
    """Missing elements pass with warnings that the sender reads."""
    clerk = await city.person("s01a")
    told = await clerk.post("/dispatches", slip(["E01"], kind="notice", elements={}))
    assert told.status == 201
    assert any("印章" in warning for warning in told.json["warnings"])


@pytest.mark.parametrize(
    ("more", "code", "pointer"),
    [
        ({"body": ""}, "body_empty", "/body"),
        ({"kind": "brief"}, "series_unregistered", "/series_id"),
        ({"kind": "meeting_notice"}, "field_missing", "/meeting"),
        ({"handle_due_at": "2026-05-31T09:00:00+08:00"}, "field_invalid", "/handle_due_at"),
        ({"handle_due_at": "9999-12-31T23:59:59Z"}, "body_invalid", "/handle_due_at"),
        ({"attachments": ["0" * 32]}, "attachment_unknown", "/attachments/0"),
        ({"kind": "memo"}, "body_invalid", "/kind"),
        ({"titel": "x"}, "body_invalid", "/titel"),
    ],
)
async def test_refusals_point_at_their_place(
    city: City, more: dict[str, Any], code: str, pointer: str
) -> None:
    """Each fault has its code and a JSON pointer into what was sent."""
    clerk = await city.person("s01a")
    told = await clerk.post("/dispatches", slip(["E01"], **more))
    assert (told.code, told.pointers) == (code, [pointer])


async def test_a_registered_series_may_be_sent_while_it_runs(city: City) -> None:
    """A brief of a registered series passes until the day on which the register ends."""
    approver, clerk = await city.people("appr", "s01a")
    line = {
        "unit_id": city.units["S01"],
        "name": "政务信息",
        "from_day": "2026-06-01",
        "to_day": "2026-06-02",
    }
    series = await approver.post("/brief-series", line)
    assert series.status == 201, series.json
    body = slip(["E01"], kind="brief", series_id=series.json["id"])
    assert (await clerk.post("/dispatches", body)).status == 201
    city.clock.forward(days=1)
    assert (await clerk.post("/dispatches", body)).code == "series_unregistered"


async def test_leaders_are_addressed_as_named(city: City) -> None:
    """The responsible leader finds a document by default, no leader where none is named, and nobody else does."""
    leader, officer = await city.people("e01l", "e01s")
    first = await city.send(["E01"], title="领导阅件")
    await city.send(["E01"], title="收发员件", leaders=[])
    await city.send(["E01"], title="主要领导件", leaders=["head"])
    told = (await leader.get("/inbox/entries")).json["items"]
    assert [(one["title"], one["state"]) for one in told] == [("领导阅件", "to_read")]
    await leader.post(f"/documents/{first}/open")
    assert (await leader.get("/inbox/entries")).json["items"][0]["state"] == "read"
    assert (await officer.get("/inbox/entries")).json["items"] == []


async def test_another_system_sends_with_its_key(city: City) -> None:
    """A key posts with the office's own codes, twice with one Idempotency-Key for one document; it has no inbox."""
    rights = frozenset({"dispatch.submit", "dispatch.read", "document.read"})
    wish = KeyWish(unit="S01", name="公文交换系统", login="s01a", actions=rights)
    _, text = await city.server.parts.access.create_api_key(Operator(name="tests"), wish)
    system = Person(city, {"X-API-Key": text})
    told = [await system.post("/dispatches", slip(["E01"]), key="exchange-0001") for _ in range(2)]
    assert [(one.status, one.json["document_id"]) for one in told] == [(201, 1), (201, 1)]
    await city.settle()
    assert (await system.get("/documents/1/copies")).json["copies"] == 1
    assert (await system.get("/documents/1")).json["body"]
    assert (await system.get("/inbox")).code == "forbidden"
    assert (await system.post("/documents/1/recall", {"reason": "误发"})).code == "forbidden"
    # The same key of a person is another key: it belongs to whoever uses it.
    clerk = await city.person("s01a")
    assert (await clerk.post("/dispatches", slip(["E01"]), key="exchange-0001")).json["document_id"] == 2


async def test_supplement_reaches_new_units_once(city: City) -> None:
    """A supplement adds units, gives nobody a second copy, and counts its width with what went before."""
    document = await city.send(["E01", "E02"])
    clerk = await city.person("s01a")
    path = f"/documents/{document}/supplements"
    none = await clerk.post(path, {"scope": {"unit_codes": ["E01"]}})
    assert (none.status, none.code) == (422, "scope_empty")
    more = await clerk.post(path, {"scope": {"unit_codes": ["E02", "E03"]}})
    assert (more.status, more.json["units"], more.json["state"]) == (201, 1, "sending")
    await city.settle()
    wide = await clerk.post(path, {"scope": {"unit_codes": ["W01", "W02", "W03"]}})
    assert wide.json["state"] == "held"
    copies = (await clerk.get(f"/documents/{document}/copies")).json
    assert [line["unit"]["code"] for line in copies["items"]] == ["E01", "E02", "E03"]
    assert (copies["copies"], [line["round"] for line in copies["items"]]) == (3, [1, 1, 1])


async def test_recall_takes_unsigned_copies_back_and_marks_the_rest(city: City) -> None:
    """Unsigned copies leave with body and attachments, signed ones stay readable and marked; a second recall is none."""
    document = await city.send(["E01", "E02"])
    clerk, signer, other = await city.people("s01a", "e01a", "e02a")
    await signer.post(f"/documents/{document}/units/{city.units['E01']}/sign")
    told = await clerk.post(f"/documents/{document}/recall", {"reason": "附件有误"})
    assert (told.status, told.json["taken_back"]) == (200, 1)
    early = await other.get(f"/documents/{document}")
    assert (early.json["withheld"], early.json["body"]) == (True, "")
    await city.settle()

    gone, kept = await other.get(f"/documents/{document}"), await signer.get(f"/documents/{document}")
    assert (gone.json["entry_state"], gone.json["body"], gone.json["withheld"]) == ("withdrawn", "", True)
    assert (kept.json["withheld"], kept.json["recall_reason"]) == (False, "附件有误")
    assert kept.json["body"]
    assert kept.json["copies"][0]["recalled_at"] == "2026-06-01T09:00:00+08:00"
    assert (await other.get("/inbox")).json["pending"] == 0
    late = await other.post(f"/documents/{document}/units/{city.units['E02']}/sign")
    assert (late.status, late.code) == (409, "already_recalled")
    again = await clerk.post(f"/documents/{document}/recall", {"reason": "再撤"})
    assert (again.status, again.code) == (409, "already_recalled")
    change = (await other.get("/inbox/changes", after=0)).json["items"][-1]
    assert (change["change"], change["state"]) == ("withdrawn", "withdrawn")


async def test_only_the_sender_recalls(city: City) -> None:
    """A receiver cannot take back what another unit sent."""
    document = await city.send(["E01"])
    receiver = await city.person("e01a")
    told = await receiver.post(f"/documents/{document}/recall", {"reason": "误发"})
    assert (told.status, told.code) == (403, "forbidden")


async def test_the_sender_follows_every_copy(city: City) -> None:
    """The rows are one for each unit, page by page, and the sums over states equal their number."""
    clerk, signer = await city.people("s01a", "e01a")
    document = await city.send(["E01", "E02", "E03", "W01", "W02"])
    unit = city.units["E01"]
    await signer.post(f"/documents/{document}/open")
    await signer.post(f"/documents/{document}/units/{unit}/sign")
    rows: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await clerk.get(f"/documents/{document}/copies", limit=2, **cursor)).json
        rows += page["items"]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert [row["unit"]["code"] for row in rows] == ["E01", "E02", "E03", "W01", "W02"]
    assert sum(one["copies"] for one in page["sums"]) == page["copies"] == len(rows)
    first = rows[0]
    assert (first["state_zh"], first["signed_by"], first["signed_on_time"]) == ("已签收", "政府办甲", True)
    assert first["opened_at"] == first["delivered_at"] == "2026-06-01T09:00:00+08:00"
    detail = (await clerk.get("/dispatches/1")).json
    assert {one["state"]: one["copies"] for one in detail["sums"]} == {"signed": 1, "unsigned": 4}


async def test_dispatches_are_listed_for_their_unit(city: City) -> None:
    """A unit sees what it sent, newest first and by state; others see nothing of it, a supervisor asks by unit."""
    clerk, colleague, other, supervisor = await city.people("s01a", "s01b", "e01a", "supe")
    for number in range(3):
        await city.send(["E01"], title=f"第{number}号函")
    await clerk.post("/dispatches", slip(ALL, title="普发函"))
    first = (await colleague.get("/dispatches", limit=2)).json
    second = (await colleague.get("/dispatches", limit=2, cursor=first["next"])).json
    titles = [one["title"] for one in (*first["items"], *second["items"])]
    assert titles == ["普发函", "第2号函", "第1号函", "第0号函"]
    held = (await clerk.get("/dispatches", state="held")).json["items"]
    assert [one["title"] for one in held] == ["普发函"]
    assert (await other.get("/dispatches")).json["items"] == []
    await city.send(["E02"], sender="e01a", title="县里的函")
    assert [one["title"] for one in (await other.get("/dispatches")).json["items"]] == ["县里的函"]
    assert (await other.get("/dispatches", sender_unit_id=city.units["S01"])).code == "forbidden"
    asked = await supervisor.get("/dispatches", sender_unit_id=city.units["S01"])
    assert len(asked.json["items"]) == 4
    assert (await other.get("/dispatches/1")).status == 404
    assert (await other.get("/documents/1/copies")).status == 404


async def test_who_decides_reads_what_is_to_be_decided(city: City) -> None:
    """An approver sees the body of what is held, and no document that was never general."""
    sender, approver = await city.people("s01a", "appr")
    held = await sender.post(
        "/dispatches", slip([], scope={"groups": ["city_direct", "county_direct", "township"]})
    )
    assert held.json["state"] == "held", held.json
    told = await approver.get(f"/documents/{held.json['document_id']}")
    assert (told.status, told.json["body"]) == (200, "请各单位落实值班安排。")
    ordinary = await city.send(["E01"])
    assert (await approver.get(f"/documents/{ordinary}")).status == 404


async def test_the_preview_counts_whom_the_dispatch_reaches(city: City) -> None:
    """Persons foreseen are the persons who get an entry, with and without leaders."""
    sender = await city.person("s01a")
    for leaders in ([], ["responsible_leader"], ["head"]):
        body = slip(["E01", "W03"], leaders=leaders)
        foreseen = (await sender.post("/dispatches/preview", body)).json["figures"]["persons"]
        document = await city.send(["E01", "W03"], leaders=leaders)
        _, reached = await city.house.store.engine.read(figures.reached(document))
        assert foreseen == reached, leaders
