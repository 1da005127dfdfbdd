"""Agents, leave and approval requests, and the reach report through the doors of a whole server (F20, F37, F38)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.flows.leave import request_step
from gateway.flows.organisation import store_rows
from inbox_store.orgrows import AppointmentRow, UnitRow
from tests.api.city import ROWS
from tests.api.conftest import City, Person

STAFFED = replace(
    ROWS,
    people=tuple(
        replace(person, phone=f"138{number:08d}") for number, person in enumerate(ROWS.people, 10_000)
    ),
    appointments=(
        *ROWS.appointments,
        AppointmentRow(person_code="e02a", unit_code="E02", role="head"),
        AppointmentRow(person_code="e02s", unit_code="E02", role="staff"),
    ),
)
"""In E02 clerk A leads the unit; ``e02l`` is the responsible leader."""


@pytest.fixture
async def office(city: City) -> City:
    """The city with a head in E02, telephones for all."""
    await store_rows(city.house, STAFFED)
    return city


async def number(city: City, login: str) -> int:
    """The person's id."""
    return (await city.server.parts.access.account(login)).person_id


async def agent(city: City, who: str, for_whom: str, unit: str, *, by: str = "") -> Any:  # noqa: ANN401 - JSON
    """Name an agent for two days."""
    actor = await city.person(by or for_whom)
    body = {
        "agent_id": await number(city, who),
        "person_id": await number(city, for_whom),
        "unit_id": city.units[unit],
        "to_at": "2026-06-03T09:00:00+08:00",
        "reason": "外出",
    }
    return await actor.post("/delegations", body)


async def notices(person: Person) -> list[tuple[str, str]]:
    """The kinds and words of a person's unread notices."""
    return [(one["kind"], one["text"]) for one in (await person.get("/notices")).json["items"]]


async def test_an_agent_acts_and_it_is_told(office: City) -> None:
    """Named by the absent: the officer signs, returns and submits at once, each line of the trace says for whom."""
    told = await agent(office, "e02s", "e02a", "E02")
    assert told.status == 201, told.json
    first, second = await office.send(["E02"]), await office.send(["E02"])
    officer, absent = await office.people("e02s", "e02a")
    copy = f"/documents/{first}/units/{office.units['E02']}"
    signed = await officer.post(f"{copy}/sign")
    assert (signed.status, signed.json["on_behalf_of"]) == (200, "教育局甲")
    back = f"/documents/{second}/units/{office.units['E02']}/return"
    assert (await officer.post(back, {"reason": "主送有误"})).status == 200
    for_whom = await number(office, "e02a")
    assert office.trace("document.sign")[-1]["on_behalf_of"] == for_whom
    assert office.trace("document.return")[-1]["on_behalf_of"] == for_whom
    sender = await office.person("s01a")
    (line,) = (await sender.get(f"/documents/{first}/copies")).json["items"]
    assert line["signed_by"] == "教育局丁（代教育局甲）"
    assert [kind for kind, _ in await notices(officer)] == ["agent"]
    assert [kind for kind, _ in await notices(absent)] == ["agent"]
    ended = await absent.post(f"/delegations/{told.json['id']}/end")
    assert ended.status == 200
    third = await office.send(["E02"])
    assert (await officer.post(f"/documents/{third}/units/{office.units['E02']}/sign")).code == "forbidden"
    own = office.trace("document.open")
    assert [line for line in own if "on_behalf_of" in line] == []


async def test_who_names_agents(office: City) -> None:
    """The absent or the administrator, never oneself for another; others do not see or end it."""
    assert (await agent(office, "e02s", "e02a", "E02", by="e02s")).code == "forbidden"
    assert (await agent(office, "e02s", "e02a", "E02", by="admin")).status == 201
    assert (await agent(office, "e02l", "e02a", "E02", by="admin")).code == "agent_set"
    assert (await agent(office, "w03s", "e02l", "E02", by="e02l")).code == "agent_unfit"
    admin, absent, other = await office.people("admin", "e02a", "w03a")
    (line,) = (await admin.get("/delegations")).json["items"]
    assert (line["agent"], line["person"], line["set_by"]) == ("教育局丁", "教育局甲", "管理员")
    assert len((await absent.get("/delegations")).json["items"]) == 1
    assert (await other.get("/delegations")).json["items"] == []
    assert (await other.post(f"/delegations/{line['id']}/end")).code == "not_found"
    assert (await admin.post(f"/delegations/{line['id']}/end")).status == 200
    assert (await admin.get("/delegations")).json["items"] == []


def leave(city: City, **more: object) -> dict[str, Any]:
    """A day of leave."""
    return {
        "kind": "leave",
        "unit_id": city.units["E02"],
        "text": "因事请假一天",
        "from_at": "2026-06-02T08:30:00+08:00",
        "to_at": "2026-06-02T18:00:00+08:00",
        **more,
    }


async def test_a_request_and_its_answer(office: City) -> None:
    """To the head at once with a message, asked back, answered, approved; the result comes back with an alert."""
    officer, head, other = await office.people("e02s", "e02a", "w03a")
    told = await officer.post("/requests", leave(office, sms=True))
    assert (told.status, told.json["leader"], told.json["state_zh"]) == (201, "教育局甲", "待审批")
    path = f"/requests/{told.json['id']}"
    assert await notices(head) == [("request", "教育局丁提交的请假申请待您审批。")]
    ordered = "select p.code, t.kind, t.text from sms_order o join alert t on t.id = o.alert_id join person p on p.id = o.person_id"
    assert office.rows(ordered) == [
        ("e02a", "reminder", "【送达】教育局丁提交的请假申请待您审批，请登录办公系统办理。")
    ]
    assert (await other.get(path)).status == 404
    assert (await officer.post(f"{path}/approve", {})).status == 403
    assert (await head.post(f"{path}/ask", {"text": "工作由谁接替？"})).json["state_zh"] == "待补充"
    assert (await officer.post(f"{path}/reply", {"text": "由李强接替"})).json["state"] == "open"
    done = await head.post(f"{path}/approve", {"text": "同意"})
    assert (done.json["state"], done.json["decider"]) == ("approved", "教育局甲")
    assert (await head.post(f"{path}/refuse", {"text": "不同意"})).code == "request_decided"
    assert [text for _, text in await notices(officer)] == [
        "您提交的请假申请需要补充说明。",
        "您提交的请假申请已获批准。",
    ]
    steps = (await officer.get(path)).json["steps"]
    assert [one["act_zh"] for one in steps] == ["提交", "要求补充", "补充说明", "批准"]
    assert [one["id"] for one in (await officer.get("/requests")).json["items"]] == [told.json["id"]]
    put = (await head.get("/requests", whose="put", state="approved")).json["items"]
    assert [one["person"] for one in put] == ["教育局丁"]
    assert (await other.get("/requests", whose="put")).json["items"] == []


async def test_nobody_acts_and_the_next_gets_it(office: City) -> None:
    """After four working hours the responsible leader has it, told by the trace; the first may still decide; then nobody is left."""
    officer, head, leader = await office.people("e02s", "e02a", "e02l")
    told = await officer.post("/requests", leave(office))
    assert told.json["passes_at"].startswith("2026-06-01T15:30")
    found = []
    for when in ("15:29:59", "15:30:00", "15:30:00"):
        office.clock.at(f"2026-06-01T{when}+08:00")
        await request_step(office.house)
        found.append((await officer.get("/requests")).json["items"][0]["leader"])
    assert found == ["教育局甲", "教育局丙", "教育局丙"]
    assert [kind for kind, _ in await notices(leader)] == ["request"]
    assert office.trace("request.passed") == [
        {
            "from": await number(office, "e02a"),
            "to": await number(office, "e02l"),
            "unit": office.units["E02"],
        }
    ]
    office.clock.at("2026-06-05T09:00:00+08:00")
    await request_step(office.house)
    line = (await officer.get("/requests")).json["items"][0]
    assert (line["leader"], line["passes_at"]) == ("教育局丙", None)
    assert (await head.post(f"/requests/{told.json['id']}/approve", {})).status == 200


async def test_the_agent_of_the_leader_decides(office: City) -> None:
    """The head's agent is told beside and decides as 代; the applicant's own agent never does; a request may be taken back."""
    assert (await agent(office, "e02l", "e02a", "E02")).status == 201
    officer, deputy = await office.people("e02s", "e02l")
    told = await officer.post("/requests", leave(office))
    assert "request" in [kind for kind, _ in await notices(deputy)]
    path = f"/requests/{told.json['id']}"
    assert (await deputy.post(f"{path}/approve", {"text": "同意"})).status == 200
    assert (await officer.get(path)).json["steps"][-1]["behalf"] == "教育局甲"
    mine = await officer.post("/requests", leave(office, kind="approval", from_at=None, to_at=None))
    assert (await officer.post(f"/requests/{mine.json['id']}/withdraw")).json["state_zh"] == "已撤回"
    assert (await officer.post(f"/requests/{mine.json['id']}/withdraw")).code == "request_decided"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"from_at": None}, "field_missing"),
        ({"to_at": "2026-06-02T08:00:00+08:00"}, "field_invalid"),
        ({"text": "秘密★1年"}, "classified_refused"),
    ],
)
async def test_requests_that_are_refused(office: City, more: dict[str, object], code: str) -> None:
    """Without its days, ending before it begins, marked as classified: nothing is kept."""
    officer = await office.person("e02s")
    assert (await officer.post("/requests", leave(office, **more))).code == code
    assert office.rows("select * from request") == []


async def test_the_report_is_the_seeded_faults(city: City) -> None:
    """No number, a bad one, no device, never logged in, a unit without a clerk: exactly those that were seeded, to whom they concern."""
    people = tuple(
        replace(person, phone=None if person.code == "e03s" else f"138{place:08d}")
        for place, person in enumerate(ROWS.people, 10_000)
    )
    empty = UnitRow(
        code="E09",
        name="东川县档案馆",
        short_name="",
        group="county_direct",
        region_code="110",
        rollout="live",
    )
    await store_rows(city.house, replace(ROWS, people=people, units=(*ROWS.units, empty)))
    ids = {login: await number(city, login) for login in ("e03a", "e03b", "e03l", "e03s")}
    with closing(sqlite3.connect(city.folder / "songda.db")) as conn:
        conn.execute("insert into phone_state (person_id, failures, bad_at) values (?, 3, 1)", (ids["e03b"],))
        for login in ("e03a", "e03s"):
            conn.execute(
                "insert into device (person_id, vendor, token_sealed, token_key, token_lookup, label, added_at, seen_at)"
                " values (?, 'webpush', x'00', 1, ?, '', 1, 1)",
                (ids[login], login.encode()),
            )
        conn.execute(
            "insert into login (account_id, at, origin, interactive) select id, 1, '', 1 from account"
        )
        never = "delete from login where account_id = (select id from account where person_id = ?)"
        conn.execute(never, (ids["e03l"],))
        conn.commit()
    clerk, admin = await city.people("e03a", "admin")
    told = (await clerk.get("/reach")).json
    assert {one["code"]: one["gaps"] for one in told["items"]} == {
        "e03b": ["bad_number", "no_device"],
        "e03l": ["no_device", "never_logged_in"],
        "e03s": ["no_number"],
    }
    assert (told["persons"], told["unreachable"], told["no_clerk"]) == (4, 1, [])
    assert told["gaps"] == {"no_number": 1, "bad_number": 1, "no_device": 2, "never_logged_in": 1}
    one = (await clerk.get("/reach", gap="no_number")).json["items"]
    assert [(line["code"], line["gaps_zh"], line["is_clerk"]) for line in one] == [
        ("e03s", ["没有手机号码"], False)
    ]
    whole = (await admin.get("/reach", limit=3)).json
    assert [unit["code"] for unit in whole["no_clerk"]] == ["E09"]
    more = (await admin.get("/reach", limit=3, cursor=whole["next"])).json
    assert not {line["code"] for line in whole["items"]} & {line["code"] for line in more["items"]}
    assert (await (await city.person("e03s")).get("/reach")).status == 403
