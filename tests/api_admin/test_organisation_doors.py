"""The organisation through the doors: lists with filters, the list of units without a clerk, frozen units."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api_admin.conftest import Office


async def codes(office: Office, path: str, who: str, **params: Any) -> list[str]:  # noqa: ANN401 - query values
    """The codes of all pages of a list."""
    found: list[str] = []
    while True:
        told = await office.get(path, who, limit=2, **params)
        assert told.status == 200, told.json
        found += [one["code"] for one in told.json["items"]]
        if told.json["next"] is None:
            return found
        params["cursor"] = told.json["next"]


async def test_units_by_filter(office: Office) -> None:
    """Region with everything below it, group, line, words and liveness narrow one another; pages meet each unit once."""
    regions = (await office.get("/org/regions", "eclerk")).json["items"]
    east = next(one["id"] for one in regions if one["code"] == "110")
    (education, _) = (await office.get("/org/lines", "eclerk")).json["items"]
    every = ["E01", "E02", "E03", "S01", "W01", "W02"]
    assert await codes(office, "/org/units", "eclerk") == every
    assert await codes(office, "/org/units", "eclerk", region=east) == ["E01", "E02", "E03"]
    assert await codes(office, "/org/units", "eclerk", group="township") == ["E03", "W02"]
    assert await codes(office, "/org/units", "eclerk", line=education["id"]) == ["E01", "W01"]
    assert await codes(office, "/org/units", "eclerk", q="教育", region=east) == ["E01"]
    assert await codes(office, "/org/units", "eclerk", q="w0") == ["W01", "W02"]
    assert await codes(office, "/org/units", "eclerk", code="E02") == ["E02"]
    assert await codes(office, "/org/units", "eclerk", live="false") == []


async def test_a_unit_is_told_in_words(office: Office) -> None:
    """A unit shows its region, county and line by name, its group in Chinese, and how many can be reached."""
    told = (await office.get(f"/org/units/{await office.unit('E03')}", "eclerk")).json
    words = (told["group_zh"], told["region"], told["county"], told["rollout_zh"], told["live"])
    assert words == ("乡镇", "柳河镇", "东川县", "正式运行", True)
    assert (told["clerks"], told["persons"]) == (0, 1)
    assert told["active_from"].endswith("+08:00")
    assert (await office.get("/org/units/999999", "eclerk")).code == "not_found"


async def test_a_unit_without_a_clerk_is_listed(office: Office) -> None:
    """Freezing the last active clerk puts the unit on the list, a deputy takes it off (F18)."""
    assert await codes(office, "/org/no-clerk", "admin") == ["E02", "E03", "W02"]
    for login in ("eclerk", "esecond"):
        await office.post(f"/accounts/{await office.account(login)}/freeze", "eadmin", {})
    assert await codes(office, "/org/no-clerk", "eadmin") == ["E01", "E02", "E03"]
    await office.post(f"/accounts/{await office.account('esecond')}/unfreeze", "eadmin")
    assert await codes(office, "/org/no-clerk", "eadmin") == ["E02", "E03"]


async def test_a_frozen_unit_is_not_live(office: Office) -> None:
    """Frozen from a day on, it is live until then and not after; thawed it is live again."""
    unit = await office.unit("E01")
    told = await office.post(f"/units/{unit}/freeze", "eadmin", {"from_day": "2026-03-04"})
    assert told.json["frozen_at"] == "2026-03-04T00:00:00+08:00"
    assert (await office.get(f"/org/units/{unit}", "eadmin")).json["live"]
    office.clock.forward(2 * 86_400)
    office.tokens.clear()
    assert not (await office.get(f"/org/units/{unit}", "eadmin")).json["live"]
    assert (await office.post(f"/units/{unit}/thaw", "eadmin")).json["frozen_at"] is None
    assert (await office.get(f"/org/units/{unit}", "eadmin")).json["live"]
    lines = (await office.get("/audit", "auditor", subject=f"unit:{unit}")).json["items"]
    assert [one["action"] for one in lines] == ["unit.thaw", "unit.freeze"]


async def test_a_county_sees_its_own_places_and_what_lies_above(office: Office) -> None:
    """Regions of another county and its units do not show; the city does."""
    regions = (await office.get("/org/regions", "eadmin")).json["items"]
    assert [one["code"] for one in regions] == ["100", "110", "111"]
    assert await codes(office, "/org/units", "eadmin") == ["E01", "E02", "E03"]
    counties = (await office.get("/org/regions", "eclerk", level="county")).json["items"]
    assert [(one["name"], one["level_zh"]) for one in counties] == [
        ("东川县", "县（区）"),
        ("西岭县", "县（区）"),
    ]


@pytest.mark.parametrize("cursor", ["junk", "k5MBqW9yZy51bml0cw", "a" * 600])
async def test_a_made_up_cursor_is_refused(office: Office, cursor: str) -> None:
    """A cursor that the list did not give is a fault of the query."""
    assert (await office.get("/org/units", "eclerk", cursor=cursor)).status == 400
