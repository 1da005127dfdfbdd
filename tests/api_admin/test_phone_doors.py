"""Numbers that need a look, through the doors: who sees whose, masked, and lifting the mark of a bad one (F19)."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from gateway.flows.organisation import store_rows
from inbox_store.engine import Program, Sql
from inbox_store.programs import phones, sms
from tests.api_admin.city import ROWS
from tests.api_admin.conftest import Office


def _failures(person_id: int, at: int) -> Program[None]:
    for _ in range(sms.PERMANENT_FAILURES):
        bad = {"person_id": person_id, "now": at, "bad_from": sms.PERMANENT_FAILURES}
        yield Sql("phone_failed", bad)
        yield from phones.failed(person_id, {"stat": "UNDELIV", "error": "MK:0001", "at": at})


async def go_bad(office: Office, *logins: str) -> list[int]:
    """The numbers of these people go bad; their ids."""
    found = []
    for login in logins:
        person_id = (await office.server.parts.access.account(login)).person_id
        await office.house.store.engine.write(_failures(person_id, office.clock.now))
        found.append(person_id)
    return found


async def listed(office: Office, who: str, **params: Any) -> dict[str, Any]:  # noqa: ANN401 - query values
    """The people that ``who`` is shown, by login."""
    told = await office.get("/phones", who, **params)
    assert told.status == 200, told.json
    return {one["code"]: one for one in told.json["items"]}


async def test_everybody_sees_their_part(office: Office) -> None:
    """A clerk the own unit's, a county its own, the city all; numbers masked, units beyond one's reach not named."""
    await go_bad(office, "estaff", "both", "wclerk", "sclerk")
    assert set(await listed(office, "eclerk")) == {"estaff", "both"}
    assert set(await listed(office, "wclerk")) == {"wclerk", "both"}
    assert set(await listed(office, "eadmin")) == {"estaff", "both"}
    found = await listed(office, "admin")
    assert set(found) == {"estaff", "both", "wclerk", "sclerk"}
    assert [unit["code"] for unit in found["both"]["units"]] == ["E01", "W01"]
    line = (await listed(office, "eadmin"))["both"]
    assert ([unit["code"] for unit in line["units"]], line["phone"]) == (["E01"], "139****0013")
    assert (line["problems_zh"], line["failures"], line["error"]) == (["无法送达"], 3, "UNDELIV MK:0001")
    assert line["bad_at"] == line["failed_at"] == "2026-03-02T09:00:00+08:00"
    for who in ("estaff", "supervisor", "security", "auditor"):
        assert (await office.get("/phones", who)).status == 403


async def test_the_list_is_narrowed_and_paged(office: Office) -> None:
    """By county, the city's own units by the city, by problem; a page is full while there are more."""
    await go_bad(office, "estaff", "wclerk", "sclerk")
    regions = {one.code: one.id for one in (await office.house.organisation()).regions.values()}
    assert set(await listed(office, "admin", county=regions["110"])) == {"estaff"}
    assert set(await listed(office, "admin", county=regions["100"])) == {"sclerk"}
    assert set(await listed(office, "eadmin", county=regions["120"])) == set()
    assert await listed(office, "admin", problem="missing") == {}
    first = (await office.get("/phones", "admin", limit=2)).json
    rest = (await office.get("/phones", "admin", limit=2, cursor=first["next"])).json
    assert len(first["items"]) == 2
    assert ([one["code"] for one in rest["items"]], rest["next"]) == (["wclerk"], None)
    assert (await office.get("/phones", "admin", cursor="x")).code == "cursor_invalid"


async def test_the_mark_is_lifted_by_those_who_see_it(office: Office) -> None:
    """Under one key once, in the trace with who did it; who does not see the person is told of none."""
    (person_id,) = await go_bad(office, "estaff")
    path = f"/phones/{person_id}/clear"
    for who in ("wclerk", "wadmin"):
        assert (await office.ask("PUT", path, who)).code == "not_found"
    assert (await office.ask("PUT", path, "estaff")).code == "forbidden"
    assert (await office.ask("PUT", "/phones/999999/clear", "admin")).code == "not_found"
    assert set(await listed(office, "eclerk")) == {"estaff"}
    for _ in range(2):
        assert (await office.ask("PUT", path, "eclerk", key="clear-0001")).status == 204
    assert await listed(office, "eclerk") == {}
    assert (await office.get("/notices", "estaff")).json["items"] == []
    lines = (await office.get("/audit", "auditor", subject=f"person:{person_id}")).json["items"]
    assert [line["action"] for line in lines] == ["phone.clear"]


async def test_a_new_number_from_an_import_is_no_longer_listed(office: Office) -> None:
    """The person's new number starts clean, through the whole import."""
    await go_bad(office, "estaff")
    people = tuple(replace(one, phone="13900099999") if one.code == "estaff" else one for one in ROWS.people)
    await store_rows(office.house, replace(ROWS, people=people))
    assert await listed(office, "admin") == {}
