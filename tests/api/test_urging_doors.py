"""Urging, lights and the supervisor's answer through the doors of a whole server (F14, F15)."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from gateway.flows import lights as lights_flows
from gateway.flows.organisation import store_rows
from gateway.flows.urging import urging_step
from inbox_store.orgrows import AppointmentRow
from tests.api.city import ROWS
from tests.api.conftest import City

DUE = "2026-06-02T15:30:00+08:00"
"""An ordinary document of Monday at nine is to be signed for within four working hours: 15:30."""

PHONES = replace(
    ROWS,
    people=tuple(
        replace(person, phone=f"138{number:08d}") for number, person in enumerate(ROWS.people, 10_000)
    ),
    appointments=(
        *ROWS.appointments,
        AppointmentRow(person_code="e01s", unit_code="E01", role="supervisor", scope="county"),
    ),
)
"""The small city with telephones, and a supervisor in the office of the eastern county."""


async def steps(city: City) -> None:
    """Whatever is due of urging and lights; the server's own loops do the same."""
    more = True
    while more:
        more = await urging_step(city.house)


async def furnish(city: City) -> None:
    """Telephones for all, and the county's supervisor."""
    await store_rows(city.house, PHONES)


async def test_by_hand_with_a_throttle_and_its_payer(city: City) -> None:
    """The sender urges, at its own cost; again within ten minutes is told when; a supervisor pays for his own county (C4)."""
    await furnish(city)
    document_id = await city.send(["E02", "W03"])
    sender, county, city_wide = await city.people("s01a", "e01s", "supe")
    path = f"/documents/{document_id}/units/{city.units['E02']}/urge"
    told = await sender.post(path, {"sms": True})
    assert (told.status, told.json["duty_zh"], told.json["number"], told.json["persons"]) == (
        201,
        "签收",
        1,
        2,
    )
    assert told.json["payer_unit_id"] == city.units["S01"]
    again = await sender.post(path, {})
    assert (again.status, again.code) == (409, "urged_lately")
    assert again.json["params"]["again_at"].startswith("2026-06-01T09:10:00")
    city.clock.forward(hours=0.2)
    told = await county.post(path, {"to": "leader"})
    assert (told.status, told.json["payer_unit_id"], told.json["persons"]) == (201, city.units["E01"], 1)
    west = f"/documents/{document_id}/units/{city.units['W03']}/urge"
    assert (await county.post(west, {})).code == "forbidden"
    told = await city_wide.post(west, {})
    assert (told.status, told.json["payer_unit_id"]) == (201, city.units["S03"])
    lines = (await sender.get(f"/documents/{document_id}/urges")).json["items"]
    assert [(line["unit"]["code"], line["by"], line["payer"]["code"], line["rung"]) for line in lines] == [
        ("E02", "政府办甲", "S01", "clerks"),
        ("E02", "政府办丁", "E01", "leader"),
        ("W03", "督查员", "S03", "clerks"),
    ]
    assert [one["asked"] for one in lines[0]["told"]] == [["inbox", "sms"], ["inbox", "sms"]]
    assert (await (await city.person("w03a")).get(f"/documents/{document_id}/urges")).status == 404


async def test_all_that_are_missing(city: City) -> None:
    """Only who owes something still is urged; who was urged a moment ago is told with its time; the same key answers the same."""
    document_id = await city.send(["E02", "E03", "W03"])
    sender, clerk = await city.people("s01a", "e03a")
    await clerk.post(f"/documents/{document_id}/units/{city.units['E03']}/sign")
    await sender.post(f"/documents/{document_id}/units/{city.units['E02']}/urge", {})
    path = f"/documents/{document_id}/urge"
    told = await sender.post(path, {}, key="urge-all-0001")
    assert [one["unit_id"] for one in told.json["urged"]] == [city.units["W03"]]
    assert [(one["unit_id"], one["code"]) for one in told.json["left"]] == [
        (city.units["E02"], "urged_lately")
    ]
    assert (await sender.post(path, {}, key="urge-all-0001")).raw == told.raw
    assert (await clerk.post(path, {})).code == "forbidden"
    nothing = f"/documents/{document_id}/units/{city.units['E03']}/urge"
    assert (await sender.post(nothing, {})).code == "nothing_to_urge"


async def test_the_ladder_of_a_server(city: City) -> None:
    """Left unsigned: A, B and the leader at the configured minutes, each with the short message the sender ticked."""
    await furnish(city)
    document_id = await city.send(["E03"], sms_reminder=True)
    seen = []
    for when in ("11:00", "12:00", "15:00"):
        city.clock.at(f"2026-06-01T{when}:00+08:00")
        await steps(city)
        sender = await city.person("s01a")
        lines = (await sender.get(f"/documents/{document_id}/urges")).json["items"]
        seen.append([line["rung_zh"] for line in lines])
        assert lines[-1]["by"] == ""
    assert seen[-1] == ["A角收发员", "B角收发员", "负责领导"]
    assert [len(one) for one in seen] == [1, 2, 3]
    texts = city.rows("select distinct text from alert where kind = 'urge'")
    assert texts == [("【送达】催办：1份公文尚未签收，时限06月01日15:30，请登录办公系统办理。",)]


async def test_red_one_level_up_and_the_answer(city: City) -> None:
    """Red at due + 0 s in the supervisor's 督查督办; the instruction is signed for and answered, and stands on the board."""
    await furnish(city)
    document_id = await city.send(["E02", "W03"])
    supervisor, unit, city_wide = await city.people("e01s", "e02a", "supe")
    city.clock.at("2026-06-01T15:29:59+08:00")
    await steps(city)
    (line,) = (await supervisor.get("/lights")).json["items"]
    assert (line["colour"], line["unit"]["code"], line["duty"]) == ("amber", "E02", "sign")
    assert (await supervisor.get("/inbox/entries", folder="supervision")).json["items"] == []
    early = await supervisor.post(
        f"/lights/{line['id']}/instruction", {"text": "请办理。", "due_at": "2026-06-03T18:00:00+08:00"}
    )
    assert early.code == "light_not_red"
    city.clock.at("2026-06-01T15:30:00+08:00")
    await steps(city)
    (line,) = (await supervisor.get("/lights", colour="red")).json["items"]
    assert (line["supervisor"]["code"], line["red_at"][:19]) == ("E01", "2026-06-01T15:30:00")
    entries = (await supervisor.get("/inbox/entries", folder="supervision")).json["items"]
    assert [one["document_id"] for one in entries] == [document_id]
    assert (await supervisor.get(f"/documents/{document_id}")).status == 200
    both = (await city_wide.get("/lights")).json["items"]
    assert [one["unit"]["code"] for one in both] == ["W03", "E02"]
    bad = {"text": "机密★1年", "due_at": "2026-06-03T18:00:00+08:00"}
    assert (await supervisor.post(f"/lights/{line['id']}/instruction", bad)).code == "classified_refused"
    wish = {"text": "请立即签收办理，并说明原因。", "due_at": "2026-06-03T18:00:00+08:00"}
    told = await supervisor.post(f"/lights/{line['id']}/instruction", wish)
    assert told.status == 201, told.json
    slip_id = told.json["document_id"]
    await city.settle()
    found = (await unit.get("/inbox/entries", folder="supervision")).json["items"]
    assert [(one["document_id"], one["title"]) for one in found] == [
        (slip_id, "督办通知：关于做好汛期值班工作的函")
    ]
    assert (await supervisor.post(f"/lights/{line['id']}/instruction", wish)).code == "already_instructed"
    await unit.post(f"/documents/{slip_id}/units/{city.units['E02']}/sign")
    (line,) = (await supervisor.get("/lights", colour="red", unit=city.units["E02"])).json["items"]
    assert (line["instruction_id"], line["instruction_state_zh"]) == (slip_id, "已签收")
    await unit.post(f"/documents/{document_id}/units/{city.units['E02']}/sign")
    assert (await supervisor.get("/lights", colour="red")).json["items"] == []


async def test_figures_and_rights_of_lights(city: City) -> None:
    """Everybody sees the own part: a clerk the unit's, a county its units', the city all; counts add up; pages go on."""
    await furnish(city)
    await city.send(["E02", "E03", "W03"])
    city.clock.at(DUE)
    await steps(city)
    march = {"from": "2026-06-01", "to": "2026-06-30"}
    found: dict[str, Any] = {}
    for who in ("supe", "e01s", "e03a", "w03a"):
        person = await city.person(who)
        counts = (await person.get("/lights/counts", **march)).json
        board = (await person.get("/lights")).json["items"]
        found[who] = (counts["red"], counts["open"], sorted(one["unit"]["code"] for one in board))
    assert found == {
        "supe": (3, 3, ["E02", "E03", "W03"]),
        "e01s": (2, 2, ["E02", "E03"]),
        "e03a": (1, 1, ["E03"]),
        "w03a": (1, 1, ["W03"]),
    }
    supervisor = await city.person("supe")
    first = (await supervisor.get("/lights", limit=2)).json
    rest = (await supervisor.get("/lights", limit=2, cursor=first["next"])).json
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (2, 1, None)
    east = city.rows("select id from region where code = '110'")[0][0]
    assert len((await supervisor.get("/lights", county=east)).json["items"]) == 2
    assert (await (await city.person("e03s")).get("/lights")).status == 403
    await (await city.person("e03a")).post(f"/documents/1/units/{city.units['E03']}/sign")
    await lights_flows.sweep_step(city.house)
    counts = (await supervisor.get("/lights/counts", **march)).json
    assert (counts["red"], counts["open"]) == (3, 2)


async def test_who_supervises(city: City) -> None:
    """By posts; an administrator of the city names another unit of the county, and only one of that county."""
    await furnish(city)
    admin, supervisor = await city.people("admin", "supe")
    listed = {one["region"]: one for one in (await supervisor.get("/supervising")).json["items"]}
    assert {name: one["unit"] and one["unit"]["code"] for name, one in listed.items()} == {
        "云水市": "S03",
        "东川县": "E01",
        "西岭县": None,
    }
    west = listed["西岭县"]["region_id"]
    wrong = await admin.put(f"/supervising/{west}", {"unit_id": city.units["E01"]})
    assert (wrong.status, wrong.code) == (422, "field_invalid")
    assert (await admin.put(f"/supervising/{west}", {"unit_id": city.units["W01"]})).status == 204
    listed = {one["region"]: one for one in (await supervisor.get("/supervising")).json["items"]}
    assert (listed["西岭县"]["unit"]["code"], listed["西岭县"]["by_hand"]) == ("W01", True)
    assert (await supervisor.put(f"/supervising/{west}", {})).status == 403
