"""A county's switch-off through the doors: the county applies, the city decides, lists and standing (P66)."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from gateway.flows.organisation import store_rows
from inbox_store.orgrows import AppointmentRow
from tests.api_admin.city import ROWS
from tests.api_admin.conftest import Office, Told

PATH = "/sms/switches"


async def county(office: Office, code: str = "110") -> int:
    """The id of a county."""
    regions = (await office.house.organisation()).regions.values()
    return next(region.id for region in regions if region.code == code)


async def wish(office: Office, code: str = "110", on_or_off: str = "off", **more: object) -> dict[str, Any]:
    """The body of an application."""
    letter = "东政办函〔2026〕12号"
    return {"county_id": await county(office, code), "letter_no": letter, "on_or_off": on_or_off, **more}


async def applied(office: Office, who: str = "eadmin", code: str = "110", **more: Any) -> Told:  # noqa: ANN401
    """An application; it must be taken."""
    told = await office.post(PATH, who, await wish(office, code, **more))
    assert told.status == 201, told.json
    return told


async def standing(office: Office, who: str = "admin", **params: str) -> dict[str, Any]:
    """The standing of each county by code."""
    told = await office.get(f"{PATH}/standing", who, **params)
    assert told.status == 200, told.json
    return {one["code"]: one for one in told.json["items"]}


async def test_from_the_letter_to_the_effect(office: Office) -> None:
    """Applied for by the county, approved by the city, effective at midnight; each step under its key once."""
    body = await wish(office)
    first = await office.post(PATH, "eadmin", body, key="switch-0001")
    again = await office.post(PATH, "eadmin", body, key="switch-0001")
    assert (first.status, again.raw) == (201, first.raw)
    assert (first.json["county"], first.json["state_zh"], first.json["applicant"]) == (
        "东川县",
        "待审批",
        "赵磊",
    )
    assert (await standing(office))["110"]["open_id"] == first.json["id"]
    path = f"{PATH}/{first.json['id']}/approve"
    done = await office.post(path, "approver", {"note": "同意"}, key="switch-0002")
    assert (done.status, done.json["from_at"], done.json["decider"]) == (
        200,
        "2026-03-03T00:00:00+08:00",
        "吴刚",
    )
    assert (await office.post(path, "approver", {"note": "同意"}, key="switch-0002")).raw == done.raw
    assert (await office.post(path, "approver", {})).code == "switch_decided"
    now, later = await standing(office), await standing(office, at="2026-03-03T00:00:00+08:00")
    told = (now["110"]["on_or_off"], now["110"]["next"], later["110"]["on_or_off"], later["120"]["on_or_off"])
    assert told == ("on", "off", "off", "on")
    assert now["110"]["suppressed"] == []


async def test_a_time_is_chosen_but_never_backwards(office: Office) -> None:
    """The city may name the instant; one that has passed is refused, and so is a wished day that has."""
    opened = await applied(office)
    path = f"{PATH}/{opened.json['id']}/approve"
    past = await office.post(path, "approver", {"from_at": "2026-03-02T08:59:59+08:00"})
    assert past.code == "switch_past"
    named = await office.post(path, "approver", {"from_at": "2026-04-01T00:00:00+08:00"})
    assert named.json["from_at"] == "2026-04-01T00:00:00+08:00"
    late = await office.post(PATH, "wadmin", await wish(office, "120", wanted_day="2026-03-01"))
    assert late.code == "switch_past"
    odd = await office.post(PATH, "wadmin", await wish(office, "120", wanted_day="9999-12-31"))
    assert odd.code == "body_invalid"
    wished = await applied(office, "wadmin", "120", wanted_day="2026-03-10")
    done = await office.post(f"{PATH}/{wished.json['id']}/approve", "approver", {})
    assert done.json["from_at"] == "2026-03-10T00:00:00+08:00"


async def test_rejecting_needs_a_reason(office: Office) -> None:
    """The reason stands in the list, and a new application may follow."""
    opened = await applied(office)
    path = f"{PATH}/{opened.json['id']}/reject"
    assert (await office.post(path, "approver", {})).code == "body_invalid"
    done = await office.post(path, "approver", {"reason": "请补充函件"})
    assert (done.json["state"], done.json["note"], done.json["from_at"]) == ("rejected", "请补充函件", None)
    second = await applied(office)
    listed = (await office.get(PATH, "eadmin", limit=1)).json
    assert [one["id"] for one in listed["items"]] == [second.json["id"]]
    rest = (await office.get(PATH, "eadmin", limit=1, cursor=listed["next"])).json
    assert ([one["id"] for one in rest["items"]], rest["next"]) == ([opened.json["id"]], None)
    rejected = (await office.get(PATH, "eadmin", state="rejected")).json["items"]
    assert [one["id"] for one in rejected] == [opened.json["id"]]


async def test_a_county_applies_for_itself(office: Office) -> None:
    """Another county's administrator neither applies for it nor sees it; who applies for the city's part is refused."""
    assert (await office.post(PATH, "wadmin", await wish(office))).code == "forbidden"
    assert (await office.post(PATH, "admin", await wish(office, "100"))).code == "not_found"
    await applied(office)
    assert (await office.post(PATH, "eadmin", await wish(office))).code == "switch_open"
    assert (await office.get(PATH, "wadmin")).json["items"] == []
    assert set(await standing(office, "wadmin")) == {"120"}
    assert set(await standing(office, "esupervisor")) == {"110"}
    assert [one["county"] for one in (await office.get(PATH, "approver")).json["items"]] == ["东川县"]
    same = await office.post(PATH, "wadmin", await wish(office, "120", on_or_off="on"))
    assert same.code == "switch_same"


async def test_the_applicant_decides_nothing(office: Office) -> None:
    """With the county's and the city's post in one hand the own application is refused; another's is decided."""
    post = AppointmentRow(
        person_code="approver", unit_code="E02", role="administrator", scope="county", post="科员"
    )
    await store_rows(office.house, replace(ROWS, appointments=(*ROWS.appointments, post)))
    own = f"{PATH}/{(await applied(office, 'approver')).json['id']}"
    for verb, body in (("approve", {}), ("reject", {"reason": "有误"})):
        assert (await office.post(f"{own}/{verb}", "approver", body)).code == "switch_own"
        assert (await office.post(f"{own}/{verb}", "eadmin", body)).code == "forbidden"
    other = await applied(office, "wadmin", "120")
    assert (await office.post(f"{PATH}/{other.json['id']}/approve", "approver", {})).status == 200
    assert (await office.post(f"{PATH}/999/approve", "approver", {})).code == "not_found"


async def test_the_year_and_the_instant_are_looked_at(office: Office) -> None:
    """A time beyond the calendar and a year that is none are refused as a query."""
    for params in ({"at": "2300-01-01T00:00:00+08:00"}, {"year": "1"}, {"at": "2026-03-01T00:00:00"}):
        assert (await office.get(f"{PATH}/standing", "admin", **params)).code == "query_invalid"
