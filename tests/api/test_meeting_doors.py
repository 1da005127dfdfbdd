"""Meetings over the API: receipts of units, personal answers, roster, exports, check-in, seats."""

from __future__ import annotations

import csv
import io
from typing import Any

from openpyxl import load_workbook

from tests.api.conftest import City, Person, Told, slip

PHONE = "13812345678"
DUE = "2026-06-05T12:00:00+08:00"


def meeting(to: list[str], **form: object) -> dict[str, Any]:
    """A meeting notice to these units."""
    told = {
        "place": "市政府三楼会议室",
        "starts_at": "2026-06-08T09:00:00+08:00",
        "reply_due_at": DUE,
        "seats": 2,
        **form,
    }
    return slip(to, kind="meeting_notice", title="关于召开防汛工作会议的通知", meeting=told)


async def called(city: City, to: list[str], **form: object) -> int:
    """A meeting called by the organiser; its document id."""
    told = await (await city.person("org")).post("/dispatches", meeting(to, **form))
    assert told.status == 201, told.json
    await city.settle()
    return int(told.json["document_id"])


def comes(name: str = "张敏", **more: object) -> dict[str, Any]:
    """One who attends."""
    return {"name": name, "mode": "attend", "post": "局长", "phone": PHONE, **more}


async def answer(city: City, document: int, unit: str, *people: dict[str, Any]) -> Told:
    """Clerk A of the unit sends its list of names."""
    clerk = await city.person(f"{unit.lower()}a")
    path = f"/meetings/{document}/units/{city.units[unit]}/receipt"
    return await clerk.put(path, {"attendees": list(people)})


async def roster(person: Person, document: int, **query: str) -> dict[str, Any]:
    """The roster as JSON."""
    told = await person.get(f"/meetings/{document}/roster", **query)
    assert told.status == 200, told.json
    whole: dict[str, Any] = told.json
    return whole


async def test_the_notice_shows_its_form(city: City) -> None:
    """A receiving clerk reads place, time, deadline, seats and what else is asked."""
    document = await called(city, ["E01"], fields=["是否用餐"], personal=True)
    told = (await (await city.person("e01a")).get(f"/documents/{document}")).json["meeting"]
    assert (told["place"], told["reply_due_at"], told["seats"]) == ("市政府三楼会议室", DUE, 2)
    assert (told["fields"], told["personal"]) == (["是否用餐"], True)


async def test_answers_make_the_roster_and_the_missing_list(city: City) -> None:
    """Attend, substitute and leave are counted by person; who has not answered is listed by unit."""
    document = await called(city, ["E01", "E02", "E03"])
    substitute = comes("李强", mode="substitute", for_person="王局长")
    first = await answer(city, document, "E01", comes(), substitute)
    assert (first.status, first.json["version"], first.json["late"]) == (200, 1, False)
    await answer(city, document, "E02", {"name": "赵磊", "mode": "leave", "reason": "出差"})
    told = await roster(await city.person("org"), document)
    counts = told["summary"]
    assert (counts["asked"], counts["answered"], counts["missing"]) == (3, 2, 1)
    assert (counts["attending"], counts["substitutes"], counts["on_leave"]) == (2, 1, 1)
    assert [one["code"] for one in told["missing"]] == ["E03"]
    assert [(row["unit"]["code"], row["name"], row["mode_zh"]) for row in told["rows"]] == [
        ("E01", "张敏", "参会"),
        ("E01", "李强", "替会"),
        ("E02", "赵磊", "请假"),
    ]


async def test_every_fault_of_a_receipt_is_told_at_once(city: City) -> None:
    """Each fault has its pointer; nothing of the list is kept."""
    document = await called(city, ["E01"], fields=["民族"])
    told = await answer(
        city,
        document,
        "E01",
        {"name": "张敏", "mode": "attend", "phone": PHONE, "extra": {"民族": "汉"}},
        {"name": "李强", "mode": "leave"},
    )
    assert (told.status, told.code) == (422, "receipt_invalid")
    assert told.pointers == ["/attendees/0/post", "/attendees/1/reason"]
    many = await answer(city, document, "E01", *(comes(f"人{n}", extra={"民族": "汉"}) for n in range(3)))
    assert (many.status, many.code) == (422, "seats_exceeded")
    assert city.rows("select count(*) from meeting_receipt") == [(0,)]


async def test_changes_until_the_deadline_and_late_answers_after(city: City) -> None:
    """An answer may be changed until the deadline; afterwards only a first one is taken, as late."""
    document = await called(city, ["E01", "E02"])
    await answer(city, document, "E01", comes())
    second = await answer(city, document, "E01", comes("李强"))
    assert second.json["version"] == 2
    city.clock.at("2026-06-05T12:00:01+08:00")
    refused = await answer(city, document, "E01", comes("王芳"))
    assert (refused.status, refused.code) == (409, "deadline_passed")
    assert "2026年06月05日 12:00" in refused.json["detail"]
    late = await answer(city, document, "E02", comes("赵磊"))
    assert (late.status, late.json["late"]) == (200, True)
    told = await roster(await city.person("org"), document)
    assert [(row["name"], row["late"]) for row in told["rows"]] == [("李强", False), ("赵磊", True)]
    assert told["summary"]["late"] == 1
    city.clock.at("2026-06-08T09:00:00+08:00")
    begun = await answer(city, await called_before(city), "E03", comes())
    assert begun.code == "deadline_passed"


async def called_before(city: City) -> int:
    """A meeting that has begun: called a week ago for now."""
    now = city.clock.now
    city.clock.at("2026-06-01T09:00:00+08:00")
    document = await called(city, ["E03"])
    city.clock.now = now
    return document


async def test_numbers_leave_in_full_by_right_only(city: City) -> None:
    """A clerk of the calling unit gets full numbers and an audit line says so; an organiser gets them masked."""
    document = await called(city, ["E01"])
    await answer(city, document, "E01", comes())
    organiser, clerk = await city.people("org", "s01a")
    masked = await roster(organiser, document)
    assert (masked["phones"], masked["rows"][0]["phone"]) == ("masked", "138****5678")
    assert city.trace("meeting.phones") == []
    whole = await roster(clerk, document)
    assert (whole["phones"], whole["rows"][0]["phone"]) == ("full", PHONE)
    asked = await roster(clerk, document, masked="true")
    assert asked["rows"][0]["phone"] == "138****5678"
    await clerk.get(f"/meetings/{document}/roster.csv")
    assert city.trace("meeting.phones") == [{"form": "json", "numbers": 1}, {"form": "csv", "numbers": 1}]
    assert PHONE.encode() not in b"".join(path.read_bytes() for path in city.folder.glob("songda.db*"))


async def test_the_roster_is_its_callers_alone(city: City) -> None:
    """Units that were asked do not read the list of the others."""
    document = await called(city, ["E01"])
    clerk, supervisor = await city.people("e01a", "supe")
    assert (await clerk.get(f"/meetings/{document}/roster")).status == 404
    assert (await supervisor.get(f"/meetings/{document}/roster.csv")).status == 403
    slip_only = await city.send(["E01"])
    assert (await (await city.person("s01a")).get(f"/meetings/{slip_only}/roster")).status == 404


async def test_exports_keep_formulas_as_text(city: City) -> None:
    """A name that looks like a formula is text in both files, and both name the missing ones or the counts."""
    evil = '=HYPERLINK("http://x","点我")'
    document = await called(city, ["E01", "E02"])
    await answer(city, document, "E01", comes(evil, post="+1"))
    clerk = await city.person("s01a")
    sheet = await clerk.get(f"/meetings/{document}/roster.xlsx")
    assert sheet.headers["Content-Disposition"].startswith("attachment;")
    book = load_workbook(io.BytesIO(sheet.raw))
    row = list(book.worksheets[0][3])
    assert (row[3].value, row[3].data_type, row[4].value, row[4].data_type) == (evil, "s", "+1", "s")
    assert [cell.value for cell in book.worksheets[1][3]][1] == "E02"
    text = (await clerk.get(f"/meetings/{document}/roster.csv")).raw.decode("utf-8-sig")
    line = list(csv.reader(io.StringIO(text)))[2]
    assert (line[3], line[4]) == (f"'{evil}", "'+1")


async def test_people_answer_for_themselves(city: City) -> None:
    """Yes, or no with a reason; the organiser sees it; where the notice asks nobody, nobody answers."""
    document = await called(city, ["E01"], personal=True)
    clerk, leader = await city.people("e01a", "e01l")
    path = f"/meetings/{document}/personal"
    assert (await clerk.put(path, {"answer": "yes"})).json["answer_zh"] == "参加"
    bare = await leader.put(path, {"answer": "leave"})
    assert (bare.status, bare.code, bare.pointers) == (422, "field_missing", ["/reason"])
    assert (await leader.put(path, {"answer": "leave", "reason": "出差", "unit_code": "E01"})).status == 200
    told = await roster(await city.person("org"), document)
    assert [(one["name"], one["answer"], one["reason"]) for one in told["personal"]] == [
        ("政府办甲", "yes", ""),
        ("政府办丙", "leave", "出差"),
    ]
    plain = await called(city, ["E01"])
    assert (await clerk.put(f"/meetings/{plain}/personal", {"answer": "yes"})).code == "not_addressed"


async def test_check_in_and_seats(city: City) -> None:
    """On the day names are checked in once and have their seats; a unit nobody has stops the whole plan."""
    document = await called(city, ["E01", "E02"])
    await answer(city, document, "E01", comes())
    await answer(city, document, "E02", comes("李强"))
    organiser, clerk = await city.people("org", "e01a")
    seats = [
        {"unit_code": "E01", "name": "张敏", "seat": "1排1座"},
        {"unit_code": "E02", "name": "李强", "seat": "1排2座"},
    ]
    wrong = await organiser.put(
        f"/meetings/{document}/seats", {"seats": [seats[0], {**seats[1], "unit_code": "X9"}]}
    )
    assert (wrong.code, wrong.pointers) == ("scope_unknown_unit", ["/seats/1"])
    assert (await organiser.put(f"/meetings/{document}/seats", {"seats": seats})).json["seats"] == 2
    city.clock.at("2026-06-08T08:50:00+08:00")
    body = {"unit_code": "E01", "name": "张敏"}
    told = [await organiser.post(f"/meetings/{document}/check-ins", body) for _ in range(2)]
    assert [one.json["first"] for one in told] == [True, False]
    assert (await clerk.post(f"/meetings/{document}/check-ins", body)).code == "forbidden"
    whole = await roster(organiser, document)
    assert [(row["seat"], row["checked_in_at"]) for row in whole["rows"]] == [
        ("1排1座", "2026-06-08T08:50:00+08:00"),
        ("1排2座", None),
    ]
    assert whole["summary"]["checked_in"] == 1


async def test_a_meeting_needs_times_in_order(city: City) -> None:
    """A reply deadline after the beginning, or an end before it, is refused at its place."""
    organiser = await city.person("org")
    late = await organiser.post("/dispatches", meeting(["E01"], reply_due_at="2026-06-08T09:00:01+08:00"))
    assert (late.code, late.pointers) == ("field_invalid", ["/meeting/reply_due_at"])
    ended = await organiser.post("/dispatches", meeting(["E01"], ends_at="2026-06-08T08:00:00+08:00"))
    assert (ended.code, ended.pointers) == ("field_invalid", ["/meeting/ends_at"])
    naive = await organiser.post("/dispatches", meeting(["E01"], starts_at="2026-06-08T09:00:00"))
    assert (naive.code, naive.pointers) == ("body_invalid", ["/meeting/starts_at"])


async def test_a_unit_reads_its_own_receipt_to_change_it(city: City) -> None:
    """The second clerk finds what the first reported, numbers and all, as it stands; other units find nothing."""
    document = await called(city, ["E01", "E02"])
    path = f"/meetings/{document}/units/{city.units['E01']}/receipt"
    second, other = await city.people("e01b", "e02a")
    assert (await second.get(path)).code == "not_found"
    await answer(city, document, "E01", comes())
    await answer(city, document, "E01", comes("李强"))
    told = (await second.get(path)).json
    assert (told["version"], [(one["name"], one["phone"]) for one in told["attendees"]]) == (
        2,
        [("李强", comes()["phone"])],
    )
    assert (await other.get(path)).status == 403
