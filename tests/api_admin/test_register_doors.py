"""Saved scopes, exemptions and series of briefs through the doors."""

from __future__ import annotations

import pytest

from tests.api_admin.conftest import Office


async def test_a_saved_scope_lives(office: Office) -> None:
    """Saved, listed, replaced and deleted by its own unit; another unit neither sees nor touches it."""
    units = [await office.unit(code) for code in ("W01", "E01")]
    wish = {"unit_id": await office.unit("E01"), "name": "教育系统", "units": [*units, units[0]]}
    made = await office.post("/scopes", "eclerk", wish, key="scope-0001")
    assert (made.status, made.json["units"]) == (201, sorted(units))
    replay = await office.post("/scopes", "eclerk", wish, key="scope-0001")
    assert replay.raw == made.raw
    path = f"/scopes/{made.json['id']}"
    assert (await office.get("/scopes", "eclerk")).json["items"] == [made.json]
    assert (await office.get("/scopes", "wclerk")).json["items"] == []
    assert (await office.get(path, "wclerk")).status == 403
    assert (await office.ask("PUT", path, "wclerk", json={"units": units})).status == 403
    changed = await office.ask("PUT", path, "eclerk", json={"units": units[:1]})
    assert (changed.json["id"], changed.json["units"]) == (made.json["id"], units[:1])
    for _ in range(2):
        gone = await office.ask("DELETE", path, "eclerk", key="scope-drop-1")
        assert gone.status == 204
    assert (await office.get(path, "eclerk")).code == "not_found"


async def test_a_scope_names_units_that_exist(office: Office) -> None:
    """An unknown unit is pointed at in the refusal."""
    wish = {"unit_id": await office.unit("E01"), "name": "x", "units": [999_998, await office.unit("E01")]}
    told = await office.post("/scopes", "eclerk", wish)
    assert (told.code, told.json["errors"][0]["pointer"]) == ("scope_unknown_unit", "/units/0")


async def test_an_exemption_is_the_citys_decision(office: Office) -> None:
    """The city's approver registers it, with its kinds in Chinese; it must name something and end after it begins."""
    line = {
        "basis": "市委办〔2026〕3 号",
        "kinds": ["report"],
        "words": ["人事"],
        "from_day": "2026-03-01",
    }
    made = await office.post("/exemptions", "approver", line)
    assert (made.status, made.json["kinds_zh"]) == (201, ["报告"])
    assert (await office.get("/exemptions", "eclerk")).json["items"] == [made.json]
    empty = await office.post("/exemptions", "approver", {"basis": "x", "from_day": "2026-03-01"})
    assert empty.code == "field_missing"
    reversed_ = await office.post("/exemptions", "approver", line | {"to_day": "2026-03-01"})
    assert reversed_.code == "period_reversed"
    assert (await office.post("/exemptions", "eclerk", line)).status == 403


async def test_a_series_belongs_to_a_unit(office: Office) -> None:
    """Registered for one unit; a county's administrator sees the series of the own county only."""
    series = {"name": "政务信息", "from_day": "2026-03-01"}
    for code in ("E01", "W01"):
        made = await office.post("/brief-series", "approver", series | {"unit_id": await office.unit(code)})
        assert made.status == 201
    assert len((await office.get("/brief-series", "eclerk")).json["items"]) == 2
    (own,) = (await office.get("/brief-series", "eadmin")).json["items"]
    assert own["unit_id"] == await office.unit("E01")


@pytest.mark.parametrize("path", ["/scopes", "/exemptions", "/brief-series"])
async def test_a_write_needs_its_key(office: Office, path: str) -> None:
    """Without an Idempotency-Key nothing is written."""
    token = await office.token("approver" if path != "/scopes" else "eclerk")
    headers = {"Authorization": f"Bearer {token}"}
    async with office.session.post(f"{office.url}/api/v1{path}", headers=headers, json={}) as response:
        assert (await response.json(content_type=None))["code"] == "idempotency_required"
