"""Receiving over the API: open, sign, return, handle, file; receipts that a stranger can verify."""

from __future__ import annotations

import asyncio
import copy

from inbox_store.receipts import verify_receipt
from tests.api.conftest import City, Person


def at(city: City, document: int, unit: str, act: str) -> str:
    """The path of an act of a unit on a document."""
    return f"/documents/{document}/units/{city.units[unit]}/{act}"


async def person_id(city: City, login: str) -> int:
    """The person behind a login."""
    ((found,),) = city.rows(f"select id from person where code = '{login}'")  # noqa: S608 - a login written in a test
    return int(found)


async def entry_state(person: Person, document: int) -> str:
    """How the document stands in the person's inbox."""
    return str((await person.get(f"/documents/{document}")).json["entry_state"])


async def test_opened_is_not_signed(city: City) -> None:
    """Opening is recorded once and apart from signing; signing afterwards is not unread."""
    document = await city.send(["E01"])
    clerk = await city.person("e01a")
    told = [await clerk.post(f"/documents/{document}/open") for _ in range(2)]
    assert [one.json["first"] for one in told] == [True, False]
    assert await entry_state(clerk, document) == "to_do"
    signed = await clerk.post(at(city, document, "E01", "sign"))
    assert (signed.status, signed.json["unread"], signed.json["on_time"]) == (200, False, True)
    assert await entry_state(clerk, document) == "done"


async def test_the_first_of_two_clerks_signs(city: City) -> None:
    """A and B sign at once: one receipt, and the other hears who signed and when."""
    document = await city.send(["E01"])
    first, second = await city.people("e01a", "e01b")
    path = at(city, document, "E01", "sign")
    told = await asyncio.gather(first.post(path), second.post(path))
    assert sorted(one.status for one in told) == [200, 409]
    (won,) = [one for one in told if one.status == 200]
    (lost,) = [one for one in told if one.status == 409]
    assert lost.code == "already_signed"
    assert f"已由{won.json['signed_by']}于" in lost.json["detail"]
    assert lost.json["params"]["signed_at"].startswith("2026-06-01T09:00:00")
    assert city.rows("select count(*) from sign_receipt") == [(1,)]
    assert [await entry_state(one, document) for one in (first, second)] == ["done", "done"]


async def test_only_a_clerk_signs_for_the_unit(city: City) -> None:
    """Leaders, officers and other units' clerks are refused."""
    document = await city.send(["E01"])
    leader, officer, other = await city.people("e01l", "e01s", "e02a")
    told = [await one.post(at(city, document, "E01", "sign")) for one in (leader, officer, other)]
    assert [(one.status, one.code) for one in told] == [(403, "forbidden")] * 3
    own = await other.post(at(city, document, "E02", "sign"))
    assert (own.status, own.code) == (403, "not_addressed")


async def test_late_signing_is_signed_but_late(city: City) -> None:
    """After the deadline the copy is signed, and told as late."""
    document = await city.send(["E01"])
    clerk, sender = await city.people("e01a", "s01a")
    city.clock.forward(days=1)
    assert (await clerk.post(at(city, document, "E01", "sign"))).json["on_time"] is False
    (row,) = (await sender.get(f"/documents/{document}/copies")).json["items"]
    assert (row["signed_on_time"], row["signed_unread"]) == (False, True)


async def test_receipt_verifies_offline_with_the_published_key(city: City) -> None:
    """The receipt leads to a root signed by the published key; one changed byte, and it does not hold."""
    document = await city.send(["E01", "E02"])
    clerk, sender, other = await city.people("e01a", "s01a", "w01a")
    path = at(city, document, "E01", "receipt")
    early = await clerk.get(path)
    assert (early.status, early.code) == (409, "not_signed")
    await clerk.post(at(city, document, "E01", "sign"), device="手机")
    told = await clerk.get(path)
    keys = {
        one["key_id"]: bytes.fromhex(one["public_key"])
        for one in (await Person(city, {}).get("/receipt-keys")).json["keys"]
    }
    leaf, finding = verify_receipt(told.json, keys)
    assert leaf is not None, finding
    assert (leaf["unit_code"], leaf["signer_name"], leaf["device"]) == ("E01", "政府办甲", "手机")
    assert leaf["digest"] == (await sender.get(f"/documents/{document}")).json["digest"]
    forged = copy.deepcopy(told.json)
    forged["committed_at"] += 1
    assert verify_receipt(forged, keys)[0] is None
    assert (await sender.get(path)).raw == told.raw
    assert (await other.get(path)).status == 404


async def test_bulk_signing_marks_each_copy_unread(city: City) -> None:
    """Copies signed in bulk count as signed, unread and bulk; one that cannot be signed stops no other."""
    documents = [await city.send(["E01"], title=f"第{number}号函") for number in range(3)]
    clerk, sender = await city.people("e01a", "s01a")
    await clerk.post(at(city, documents[0], "E01", "sign"))
    unit = city.units["E01"]
    wanted = [{"document_id": one, "unit_id": unit} for one in (*documents, 999)]
    told = await clerk.post("/signatures", {"copies": wanted})
    assert told.status == 200
    assert [(one["document_id"], one["unread"], one["bulk"]) for one in told.json["signed"]] == [
        (documents[1], True, True),
        (documents[2], True, True),
    ]
    assert [(one["document_id"], one["code"], one["reason"]) for one in told.json["refused"]] == [
        (documents[0], "already_signed", "文件已签收"),
        (999, "not_found", "没有找到"),
    ]
    (row,) = (await sender.get(f"/documents/{documents[2]}/copies")).json["items"]
    assert (row["signed_bulk"], row["signed_unread"]) == (True, True)


async def test_bulk_signing_reaches_own_units_only(city: City) -> None:
    """A bulk that names another unit's copy is refused as a whole."""
    document = await city.send(["E01", "E02"])
    clerk = await city.person("e01a")
    wanted = [{"document_id": document, "unit_id": city.units[code]} for code in ("E01", "E02")]
    assert (await clerk.post("/signatures", {"copies": wanted})).code == "forbidden"
    assert city.rows("select count(*) from sign_receipt") == [(0,)]


async def test_returned_copy_is_reopened_by_a_supplement(city: City) -> None:
    """A return needs a reason and wakes the sender; sent again it is the same copy in its second round."""
    document = await city.send(["E01", "E02"])
    clerk, sender = await city.people("e01a", "s01a")
    assert (await clerk.post(at(city, document, "E01", "return"), {"reason": " "})).code == "body_invalid"
    told = await clerk.post(at(city, document, "E01", "return"), {"reason": "不属我单位职责"})
    assert (told.status, told.json["state"], told.json["state_zh"]) == (200, "returned", "已退回")
    assert (await sender.get("/inbox/entries", folder="outgoing")).json["items"][0]["state"] == "to_read"
    assert (await clerk.post(at(city, document, "E01", "sign"))).code == "already_returned"

    await sender.post(f"/documents/{document}/supplements", {"scope": {"unit_codes": ["E01"]}})
    await city.settle()
    (row, _) = (await sender.get(f"/documents/{document}/copies")).json["items"]
    assert (row["state"], row["round"], row["return_reason"]) == ("unsigned", 2, None)
    assert (await clerk.post(at(city, document, "E01", "sign"))).status == 200
    assert len((await clerk.get("/inbox/entries")).json["items"]) == 1


async def test_signed_copies_are_not_returned(city: City) -> None:
    """Signing closes the way back."""
    document = await city.send(["E01"])
    clerk = await city.person("e01a")
    await clerk.post(at(city, document, "E01", "sign"))
    told = await clerk.post(at(city, document, "E01", "return"), {"reason": "误收"})
    assert (told.status, told.code) == (409, "already_signed")


async def test_the_road_inside_a_unit(city: City) -> None:
    """Transfer, opinions in order, finish, archive, reopen: each step in turn, each seen by the sender."""
    document = await city.send(["E01"], duty="handle")
    clerk, officer, leader, sender = await city.people("e01a", "e01s", "e01l", "s01a")
    body = {"handler_id": await person_id(city, "e01s"), "note": "请提出意见"}
    early = await clerk.post(at(city, document, "E01", "transfer"), body)
    assert (early.status, early.code) == (409, "not_signed")
    assert (await officer.get(f"/documents/{document}")).status == 404
    await clerk.post(at(city, document, "E01", "sign"))
    told = await clerk.post(at(city, document, "E01", "transfer"), body)
    assert (told.status, told.json["state"]) == (200, "handling")
    # Seven working days from Monday 1 June 2026: Wednesday 10 June.
    assert told.json["handle_due_at"].startswith("2026-06-10T")
    assert (await officer.get("/inbox")).json["pending"] == 1
    assert await entry_state(officer, document) == "to_do"

    for person, text in ((officer, "拟同意"), (leader, "同意")):
        assert (await person.post(at(city, document, "E01", "opinions"), {"text": text})).status == 201
    seen = (await clerk.get(f"/documents/{document}")).json
    assert [(one["name"], one["text"]) for one in seen["opinions"]] == [
        ("政府办丁", "拟同意"),
        ("政府办丙", "同意"),
    ]
    assert (seen["copies"][0]["handler"], seen["copies"][0]["state_zh"]) == ("政府办丁", "办理中")

    done = await officer.post(at(city, document, "E01", "finish"))
    assert (done.status, done.json["state"], await entry_state(officer, document)) == (
        200,
        "finished",
        "done",
    )
    assert (await officer.post(at(city, document, "E01", "archive"))).code == "forbidden"
    assert (await clerk.post(at(city, document, "E01", "archive"))).json["state"] == "archived"
    twice = await clerk.post(at(city, document, "E01", "archive"))
    assert (twice.status, twice.code) == (409, "step_not_possible")
    (row,) = (await sender.get(f"/documents/{document}/copies")).json["items"]
    assert (row["state"], row["handler"]) == ("archived", "政府办丁")
    assert row["handled_at"]
    assert row["archived_at"]
    again = await clerk.post(at(city, document, "E01", "reopen"), {"handler_id": body["handler_id"]})
    assert (again.json["state"], await entry_state(officer, document)) == ("handling", "to_do")


async def test_a_handler_is_of_the_unit_and_has_time(city: City) -> None:
    """Nobody outside is made handler, and a deadline that is over is none."""
    document = await city.send(["E01"])
    clerk = await city.person("e01a")
    await clerk.post(at(city, document, "E01", "sign"))
    path = at(city, document, "E01", "transfer")
    foreign = await clerk.post(path, {"handler_id": await person_id(city, "e02s")})
    assert (foreign.status, foreign.code) == (422, "handler_unknown")
    past = {"handler_id": await person_id(city, "e01s"), "due_at": "2026-05-29T18:00:00+08:00"}
    late = await clerk.post(path, past)
    assert (late.code, late.pointers) == ("field_invalid", ["/due_at"])
    own = {**past, "due_at": "2026-06-03T18:00:00+08:00"}
    assert (await clerk.post(path, own)).json["handle_due_at"] == "2026-06-03T18:00:00+08:00"


async def test_announcements_are_read_and_not_signed(city: City) -> None:
    """A kind without signing duty is read; signing for it is refused."""
    document = await city.send(["E01"], kind="announcement")
    clerk = await city.person("e01a")
    assert await entry_state(clerk, document) == "to_read"
    assert (await clerk.post(at(city, document, "E01", "sign"))).code == "no_signing_duty"
    await clerk.post(f"/documents/{document}/open")
    assert await entry_state(clerk, document) == "read"


async def test_what_one_may_not_read_does_not_exist(city: City) -> None:
    """An unaddressed reader meets 404, as with a number that nobody has; the unit's register says forbidden."""
    document = await city.send(["E01"])
    stranger, officer = await city.people("w01a", "e01s")
    told = [await stranger.get(f"/documents/{one}") for one in (document, 999)]
    assert [(one.status, one.code) for one in told] == [(404, "not_found")] * 2
    assert told[0].json["detail"] == told[1].json["detail"]
    assert (await officer.get(f"/documents/{document}")).status == 404
    assert (await stranger.post(f"/documents/{document}/open")).code == "not_addressed"
    register = await stranger.get(f"/units/{city.units['E01']}/copies")
    assert (register.status, register.code) == (403, "forbidden")


async def test_a_unit_keeps_a_register(city: City) -> None:
    """What came to a unit is there for every clerk of it, by state and page by page."""
    documents = [await city.send(["E01", "E02"], title=f"第{number}号函") for number in range(3)]
    first, second = await city.people("e01a", "e01b")
    await first.post(at(city, documents[1], "E01", "sign"))
    path = f"/units/{city.units['E01']}/copies"
    page = (await second.get(path, limit=2)).json
    rest = (await second.get(path, limit=2, cursor=page["next"])).json
    listed = [(one["document_id"], one["state"]) for one in (*page["items"], *rest["items"])]
    assert listed == [(documents[2], "unsigned"), (documents[1], "signed"), (documents[0], "unsigned")]
    signed = (await second.get(path, state="signed")).json["items"]
    assert [one["title"] for one in signed] == ["第1号函"]


async def test_the_bulletins_example(city: City) -> None:
    """100 copies; 2 recalled, 1 recalled after signing, 3 returned, 90 signed (5 late), 4 not: 95.8 % and 90.5 %."""
    units = ["E01", "E02", "E03", "W01", "W03"]
    sender, supervisor = await city.people("s01a", "supe")
    clerks = {code: await city.person(f"{code.lower()}a") for code in units}

    recalled = await city.send(["E01", "E02"])
    await sender.post(f"/documents/{recalled}/recall", {"reason": "重复"})
    marked = await city.send(["E01"])
    await clerks["E01"].post(at(city, marked, "E01", "sign"))
    await sender.post(f"/documents/{marked}/recall", {"reason": "有误"})

    copies: list[tuple[int, str]] = []
    for number in range(19):
        document = await city.send(units, title=f"第{number}号函")
        copies += [(document, code) for code in units]
    last = await city.send(["E01", "E02"])
    copies += [(last, "E01"), (last, "E02")]
    assert len(copies) == 97
    returned, on_time, late = copies[:3], copies[3:88], copies[88:93]
    for document, code in returned:
        await clerks[code].post(at(city, document, code, "return"), {"reason": "误发"})
    await sign_all(city, clerks, on_time)
    city.clock.forward(days=1)
    await sign_all(city, clerks, late)

    told = await supervisor.get("/rates", **{"from": "2026-06-01", "to": "2026-06-30", "by": "total"})
    total = told.json["total"]
    assert (total["copies"], total["signed"], total["on_time"]) == (95, 91, 86)
    assert (total["returned"], total["recalled"], total["unsigned"]) == (3, 2, 4)
    assert (total["sign_rate"]["percent"], total["on_time_sign_rate"]["percent"]) == ("95.8%", "90.5%")


async def sign_all(city: City, clerks: dict[str, Person], copies: list[tuple[int, str]]) -> None:
    """Each unit's clerk signs for its copies."""
    for code, clerk in clerks.items():
        wanted = [{"document_id": one, "unit_id": city.units[code]} for one, unit in copies if unit == code]
        if wanted:
            told = await clerk.post("/signatures", {"copies": wanted})
            assert len(told.json["signed"]) == len(wanted)
