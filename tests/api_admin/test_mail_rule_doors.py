"""What a unit's mail may do by itself: said by whoever gives out its keys, within reach, and recorded."""

from __future__ import annotations

import pytest

from tests.api_admin.conftest import Office


async def test_the_security_administrator_sets_a_units_rule(office: Office) -> None:
    """Drafts unless it is said otherwise; the rule is shown, and its change stands in the trace."""
    unit = await office.unit("E01")
    path = f"/units/{unit}/mail-rule"
    before = await office.get(path, "security")
    assert (before.status, before.json["mode"], before.json["kind_zh"]) == (200, "draft", "便函")
    done = await office.ask("PUT", path, "esecurity", json={"mode": "dispatch", "kind": "letter"})
    assert (done.status, done.json["mode"], done.json["kind_zh"]) == (200, "dispatch", "函")
    assert (await office.get(path, "security")).json == done.json


@pytest.mark.parametrize("who", ["admin", "eclerk", "wadmin"])
async def test_nobody_else_does(office: Office, who: str) -> None:
    """Other duties and other counties do not reach it."""
    unit = await office.unit("E01")
    assert (await office.get(f"/units/{unit}/mail-rule", who)).status == 403
    assert (await office.ask("PUT", f"/units/{unit}/mail-rule", who, json={"mode": "dispatch"})).status == 403


async def test_a_county_sees_its_own_units_only(office: Office) -> None:
    """A county's security administrator reaches no unit of another county."""
    unit = await office.unit("W01")
    assert (await office.get(f"/units/{unit}/mail-rule", "esecurity")).status == 403


async def test_a_mail_is_no_meeting_and_no_telegram(office: Office) -> None:
    """Kinds whose elements no mail can fill are refused."""
    unit = await office.unit("E01")
    for kind in ("meeting_notice", "telegram", "brief"):
        body = {"mode": "dispatch", "kind": kind}
        told = await office.ask("PUT", f"/units/{unit}/mail-rule", "security", json=body)
        assert (told.status, told.code) == (422, "field_invalid")
