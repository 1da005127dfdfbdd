"""Replies over the API: the roster shows them at once, their list is for those whom it concerns."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest

from gateway.flows.organisation import store_rows
from gateway.flows.sms_replies import ReplyDesk
from inbox_store.messages import NewAlert
from inbox_store.times import DAY_US
from push.sms.carrier import Reply
from tests.api.city import ROWS
from tests.api.conftest import City
from tests.api.test_meeting_doors import called, roster
from tests.inbox_store.reply_world import CHANNEL, sent_by_sms

PHONES = {person.code: f"1990001{no:04d}" for no, person in enumerate(ROWS.people, 1)}
WITH_PHONES = msgspec.structs.replace(
    ROWS,
    people=tuple(msgspec.structs.replace(person, phone=PHONES[person.code]) for person in ROWS.people),
)


@pytest.fixture
async def desk(city: City) -> ReplyDesk:
    """The desk of the running house; everybody has a number."""
    await store_rows(city.house, WITH_PHONES)
    desk = ReplyDesk(city.house)
    await desk.start()
    return desk


async def asked(city: City, to: list[str], **form: object) -> tuple[int, str]:
    """A meeting with reminders by short message: the document and the number to reply to."""
    document_id = await called(city, to, **form)
    ((dispatch_id,),) = city.rows(f"select id from dispatch where document_id = {document_id}")  # noqa: S608
    alert = NewAlert(
        kind="reminder",
        unit_id=city.units["S01"],
        text="【送达】您有1份会议通知待签收。回复1参会，2加姓名代会，3加原因请假。",
        segments=1,
        urgency="ordinary",
        priority=2,
        expires_at=city.clock.now + DAY_US,
        document_id=document_id,
        dispatch_id=dispatch_id,
        round=9,
    )
    return document_id, await sent_by_sms(city.house.store.engine, alert, city.clock.now)


async def says(city: City, desk: ReplyDesk, who: str, source: str, text: str) -> None:
    """A phone replies a minute later."""
    city.clock.forward(hours=1 / 60)
    content = text.encode("utf-16-be")
    reply = Reply(sender=PHONES.get(who, who), source=source, content=content, coding="ucs2")
    await desk.take(CHANNEL, [(reply, city.clock.now)])


async def lines(city: City, who: str, **query: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - as JSON has it
    """The list of replies."""
    told = await (await city.person(who)).get("/sms/replies", **query)
    assert told.status == 200, told.json
    items: list[dict[str, Any]] = told.json["items"]
    return items


async def test_the_roster_shows_a_reply_within_a_second(city: City, desk: ReplyDesk) -> None:
    """From the phone's word to the organiser's screen: attend, substitute and leave, with counts and the missing unit."""
    document_id, source = await asked(city, ["E01", "E02", "E03", "W01"])
    organiser = await city.person("org")
    began = time.monotonic()
    for who, text in (("e01a", "1"), ("e02a", "２、李强"), ("e03a", "3 出差")):
        await says(city, desk, who, source, text)
    told = await roster(organiser, document_id)
    assert time.monotonic() - began < 3, "a second for each"
    assert [
        (row["unit"]["code"], row["name"], row["mode_zh"], row["for_person"], row["reason"])
        for row in told["rows"]
    ] == [
        ("E01", "政府办甲", "参会", "", ""),
        ("E02", "李强", "替会", "教育局甲", ""),
        ("E03", "水务局甲", "请假", "", "出差"),
    ]
    assert [one["code"] for one in told["missing"]] == ["W01"]
    assert (told["summary"]["answered"], told["summary"]["attending"]) == (3, 2)
    assert told["rows"][0]["phone"] == f"{PHONES['e01a'][:3]}****{PHONES['e01a'][-4:]}"


async def test_personal_answers_by_reply(city: City, desk: ReplyDesk) -> None:
    """Where persons are asked each answers for himself, as by the API."""
    document_id, source = await asked(city, ["E01"], personal=True)
    await says(city, desk, "e01a", source, "1")
    await says(city, desk, "e01l", source, "3 出差")
    told = await roster(await city.person("org"), document_id)
    assert [(one["name"], one["answer"], one["reason"]) for one in told["personal"]] == [
        ("政府办甲", "yes", ""),
        ("政府办丙", "leave", "出差"),
    ]


async def test_replies_to_a_document(city: City, desk: ReplyDesk) -> None:
    """Its sender's unit reads them, newest first and page by page, numbers masked, refusals in words; others find nothing."""
    document_id, source = await asked(city, ["E01", "E02"], fields=["民族"])
    await says(city, desk, "e01a", source, "1")
    await says(city, desk, "e02l", source, "3 出差")
    await says(city, desk, "e02a", source, "几点开始？")
    found = await lines(city, "org", document_id=document_id)
    assert [(one["person"], one["meaning_zh"], one["detail"], one["refused"]) for one in found] == [
        ("教育局甲", "未识别", "", None),
        ("教育局丙", "请假", "出差", "not_clerk"),
        ("政府办甲", "参会", "", "receipt_invalid"),
    ]
    assert found[2]["refused_zh"] == "会议回执填写有误：请填写民族"
    assert found[0]["unit"]["code"] == "E02"
    assert {one["phone"][3:7] for one in found} == {"****"}
    clerk = await city.person("s01a")
    first = (await clerk.get("/sms/replies", document_id=document_id, limit=2)).json
    rest = (await clerk.get("/sms/replies", document_id=document_id, cursor=first["next"])).json
    assert [*first["items"], *rest["items"]] == found
    assert rest["next"] is None
    for who in ("e01a", "e01l", "supe", "admin"):
        told = await (await city.person(who)).get("/sms/replies", document_id=document_id)
        assert told.code == "not_found", who
    assert (await clerk.get("/sms/replies", document_id=10_000)).code == "not_found"


async def test_replies_that_answer_nothing(city: City, desk: ReplyDesk) -> None:
    """Who administers the whole house reads them; a document's sender does not."""
    await says(city, desk, "13900001111", "10690001", "你好")
    await says(city, desk, "e01a", "10690001", "1")
    found = await lines(city, "admin")
    assert [(one["text"], one["person"], one["document_id"]) for one in found] == [
        ("1", "政府办甲", None),
        ("你好", None, None),
    ]
    assert (found[1]["phone"], found[1]["source"]) == ("139****1111", "10690001")
    for who in ("org", "s01a", "supe", "e01a"):
        assert (await (await city.person(who)).get("/sms/replies")).code == "forbidden", who


async def test_no_number_is_stored_in_clear(city: City, desk: ReplyDesk) -> None:
    """Neither a known nor a strange phone, neither of whole replies nor of parts."""
    _, source = await asked(city, ["E01"])
    await says(city, desk, "e01a", source, "1")
    await says(city, desk, "13900001111", source, "1")
    part = Reply(sender="13900002222", source=source, content=b"\5\0\3\7\2\1\0A", coding="ucs2", header=True)
    await desk.take(CHANNEL, [(part, city.clock.now)])
    stored = b"".join(path.read_bytes() for path in city.folder.glob("songda.db*"))
    for number in (PHONES["e01a"], "13900001111", "13900002222"):
        assert number.encode() not in stored
